//! Host functions that fail with errors of the host, and host calls that are pending.
#![cfg(feature = "text")]

use std::sync::Arc;

use vsp_core::index::ImportIndex;
use vsp_core::program::Program;
use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{
    CallError, Caller, HostResult, HostStop, Imports, Instance, Options, Outcome, PendingCall, Trap, text,
};

const SOURCE: &str = "
.import host.fail (1) -> 1
.import host.ask (8) -> 1
.global answer = 42
.global \"with spaces\" = 7
.export fail
.export ask
.func fail (1) -> 1
    SYSCALL host.fail
    RET
.end
.func ask (8) -> 1
    SYSCALL host.ask
    ADD     R0, R2
    RET
.end
";

fn program() -> Arc<Verified<'static>> {
    let bytes = text::assemble(SOURCE, "host.sil").unwrap_or_else(|errors| panic!("{errors}"));
    Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap())
}

fn fail(_: &mut Caller<'_, ()>, way: u64) -> HostResult<u64> {
    match way {
        0 => Err("plain text".into()),
        1 => Ok("not a number".parse::<u64>()?),
        2 => Err(HostStop::failed(404, format!("no key {way}"))),
        3 => Err(HostStop::Error(6)),
        _ => Ok(way),
    }
}

fn imports() -> Arc<Imports<()>> {
    let mut imports = Imports::new();
    imports.define("host", "fail", fail).unwrap();
    let ty = vsp_core::program::FuncType::new(8, 1).unwrap();
    imports.define_raw("host", "ask", ty, |_, _, _| Err(HostStop::Pending)).unwrap();
    Arc::new(imports)
}

fn instance(program: &Arc<Verified<'static>>) -> Instance<'static, ()> {
    Instance::new(program.clone(), imports(), (), Options::default()).unwrap()
}

fn host_trap(outcome: Result<Outcome, CallError>) -> u32 {
    match outcome {
        Ok(Outcome::Trapped(trapped)) => match trapped.trap {
            Trap::Host(code) => code,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_of_host_functions_reach_the_caller_of_the_instance() {
    let mut instance = instance(&program());
    assert_eq!(host_trap(instance.call_export("fail", &[0])), 0);
    assert_eq!(instance.host_error().unwrap().to_string(), "plain text");

    assert_eq!(host_trap(instance.call_export("fail", &[1])), 0);
    let error = instance.take_host_error().unwrap();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some(), "{error}");
    assert!(instance.host_error().is_none());

    assert_eq!(host_trap(instance.call_export("fail", &[2])), 404);
    assert_eq!(instance.host_error().unwrap().to_string(), "no key 2");

    // An error code without an error also replaces the error of an earlier call.
    assert_eq!(host_trap(instance.call_export("fail", &[3])), 6);
    assert!(instance.host_error().is_none());
}

#[test]
fn a_pending_call_has_its_import_and_arguments() {
    let program = program();
    let mut instance = instance(&program);
    assert_eq!(instance.pending(), None);
    let arguments = [21, 22, 23, 24, 25, 26, 27, 28];
    assert!(matches!(instance.call_export("ask", &arguments), Ok(Outcome::Suspended(_))));
    let expected = PendingCall { import: ImportIndex(1), module: "host", name: "ask", arguments: &arguments };
    assert_eq!(instance.pending(), Some(expected));

    // Values that the host writes to registers that are not live do not count as arguments.
    instance.frame_mut(0).unwrap().registers[0] = 99;
    let saved = instance.save().unwrap();
    let state = Snapshot::read(&saved).unwrap();
    let mut restored = Instance::restore(program.clone(), imports(), (), Options::default(), &state).unwrap();
    assert_eq!(restored.pending(), Some(expected));
    assert_eq!(restored.save().unwrap(), saved);
    for instance in [&mut instance, &mut restored] {
        match instance.resume(&[100]) {
            Ok(Outcome::Returned(results)) => assert_eq!(results[..], [123]),
            other => panic!("{other:?}"),
        }
        assert_eq!(instance.pending(), None);
    }
}

#[test]
fn a_pending_call_can_fail_with_an_error() {
    let mut instance = instance(&program());
    assert_eq!(instance.fail_with("too early"), Err(CallError::NotPending));
    assert!(matches!(instance.call_export("ask", &[0; 8]), Ok(Outcome::Suspended(_))));
    assert_eq!(host_trap(instance.fail_with("connection lost")), 0);
    assert_eq!(instance.host_error().unwrap().to_string(), "connection lost");
    assert!(matches!(instance.call_export("ask", &[0; 8]), Ok(Outcome::Suspended(_))));
    assert_eq!(host_trap(instance.fail(5)), 5);
    assert!(instance.host_error().is_none() && instance.pending().is_none());
}

#[test]
fn globals_are_found_by_name() {
    let mut instance = instance(&program());
    assert_eq!(instance.global_named("answer"), Some(42));
    *instance.global_named_mut("with spaces").unwrap() += 1;
    assert_eq!(instance.global_named("with spaces"), Some(8));
    assert_eq!(instance.global(instance.program().program().global("with spaces").unwrap()), Some(8));
    assert!(instance.global_named("fail").is_none() && instance.global_named_mut("").is_none());
}
