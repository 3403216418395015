//! Machine code suspends at every safepoint of the case files exactly like the interpreter.

#[test]
fn states_at_all_safepoints_are_those_of_the_interpreter() {
    let files = vsp_snapshots::sil_files(&vsp_snapshots::cases_folder()).unwrap();
    let mut compared = 0;
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let case = vsp_snapshots::parse(&text).unwrap();
        match vsp_snapshots::suspend_everywhere(&text, &case) {
            Ok(count) => compared += count,
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
    assert!(compared > 2_000, "only {compared} suspensions were compared");
}
