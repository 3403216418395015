//! Machine code suspends at every safepoint of the case files exactly like the interpreter.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn states_at_all_safepoints_are_those_of_the_interpreter() {
    let files = vsp_snapshots::sil_files(&vsp_snapshots::cases_folder()).unwrap();
    let (next, compared) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let compare = || {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let text = std::fs::read_to_string(path).unwrap();
            let case = vsp_snapshots::parse(&text).unwrap();
            match vsp_snapshots::suspend_everywhere(&text, &case) {
                Ok(count) => compared.fetch_add(count, Ordering::Relaxed),
                Err(error) => panic!("{}: {error}", path.display()),
            };
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(compare);
        }
    });
    let compared = compared.into_inner();
    assert!(compared > 2_000, "only {compared} suspensions were compared");
}
