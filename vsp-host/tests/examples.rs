//! Runs the examples.

#[path = "../examples/async.rs"]
mod asynchronous;
#[cfg(feature = "all-targets")]
#[path = "../examples/cross_compile.rs"]
mod cross_compile;
#[path = "../examples/limits.rs"]
mod limits;
#[path = "../examples/minimal.rs"]
mod minimal;
#[path = "../examples/save_and_restore.rs"]
mod save_and_restore;
#[expect(dead_code, reason = "its main takes its arguments from the command line")]
#[path = "../examples/sessions.rs"]
mod sessions;
#[path = "../examples/threads.rs"]
mod threads;

use vsp_core::{Reason, Trap};

#[test]
fn minimal_calls_a_function() {
    minimal::main().unwrap();
    assert_eq!(minimal::area(3, 4).unwrap(), 12);
}

#[test]
fn limits_stop_programs() {
    limits::main().unwrap();
    let module = limits::load().unwrap();
    assert_eq!(limits::instructions(&module).unwrap(), Reason::Fuel);
    assert_eq!(limits::time(&module).unwrap(), Reason::Interrupted);
    assert_eq!(limits::stack(&module).unwrap(), Trap::StackOverflow);
}

#[test]
fn async_calls_take_turns() {
    asynchronous::main().unwrap();
    let events = asynchronous::run().unwrap();
    let expected = [
        "A asks for 3",
        "B asks for 3",
        "A asks for 2",
        "B asks for 2",
        "A asks for 1",
        "B asks for 1",
        "A has the total 60",
        "B has the total 60",
    ];
    assert_eq!(events, expected);
}

#[test]
fn threads_share_a_program() {
    threads::main().unwrap();
    assert_eq!(threads::squares().unwrap(), [(1, 1), (4, 1), (9, 1), (16, 1)]);
}

#[test]
fn a_saved_program_continues() {
    save_and_restore::main().unwrap();
    assert_eq!(save_and_restore::buy(3, 14).unwrap(), 42);
    assert_eq!(save_and_restore::buy(100, 10).unwrap(), 0, "it is not approved");
}

/// Returns the answers to random requests to 100 sessions, of which at most `awake` are instances.
fn answers(awake: usize) -> Vec<u64> {
    let service = sessions::Service::new().unwrap();
    let limits = sessions::Limits { awake, bytes: usize::MAX };
    let mut sessions = sessions::Sessions::new(&service, limits).unwrap();
    (0..500_u64).map(|number| sessions.request(number * 7919 % 1009 % 100, number).unwrap()).collect()
}

#[test]
fn sessions_hibernate_unnoticed() {
    assert_eq!(answers(1), answers(100));
}

#[test]
fn a_thousand_sessions_hibernate_in_a_few_kilobytes_each() {
    sessions::measure(1_000).unwrap();
    let service = sessions::Service::new().unwrap();
    let limits = sessions::Limits { awake: 10, bytes: 990 * 4300 };
    let mut sessions = sessions::Sessions::new(&service, limits).unwrap();
    for key in 0..1_000 {
        sessions.request(key, 42).unwrap();
    }
    let (asleep, bytes) = sessions.asleep();
    assert_eq!(asleep, 990);
    assert!((990 * 4096..990 * 4300).contains(&bytes), "{bytes} bytes");
    assert_eq!(sessions.wakings.len(), 0);
    sessions.request(0, 43).unwrap();
    assert_eq!(sessions.wakings.len(), 1);

    let limits = sessions::Limits { awake: 10, bytes: 4300 };
    let mut few = sessions::Sessions::new(&service, limits).unwrap();
    let opened = (0..20).take_while(|key| few.request(*key, 42).is_ok()).count();
    assert_eq!(opened, 12, "two of them hibernate");
    few.request(0, 43).unwrap();
}

#[test]
fn sessions_answer_requests_of_a_text() {
    let mut answers = Vec::new();
    sessions::serve(&b"7 42\n8 42\n7 42\n"[..], &mut answers).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], lines[1], "all sessions begin in the same state");
    assert_ne!(lines[0], lines[2]);
}

#[cfg(feature = "all-targets")]
#[test]
fn objects_for_other_machines_are_made() {
    cross_compile::main().unwrap();
    for (arch, bytes) in cross_compile::objects().unwrap() {
        let object = vsp_core::native::Object::read(&bytes).unwrap();
        assert_eq!(object.info().target().arch(), arch);
    }
}
