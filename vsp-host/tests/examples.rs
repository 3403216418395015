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

#[cfg(feature = "all-targets")]
#[test]
fn objects_for_other_machines_are_made() {
    cross_compile::main().unwrap();
    for (arch, bytes) in cross_compile::objects().unwrap() {
        let object = vsp_core::native::Object::read(&bytes).unwrap();
        assert_eq!(object.info().target().arch(), arch);
    }
}
