//! The host's interface of an instance, and its errors for wrong use.
#![cfg(feature = "text")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vsp_core::index::{FuncIndex, GlobalIndex, Location};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{
    CallError, Caller, HostStop, ImportError, Imports, Instance, Options, Outcome, Reason, Trap, text,
};

fn verified(source: &str) -> Verified<'static> {
    let bytes = text::assemble(source, "test.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap()
}

fn returned(outcome: Result<Outcome, CallError>) -> Vec<u64> {
    match outcome {
        Ok(Outcome::Returned(values)) => values.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// Imports one host function of a type, and calls it with 1, 2, 3, … in the registers.
fn calling(params: usize, results: usize) -> Verified<'static> {
    let moves: String = (0..params).map(|it| format!(" MOVI R{it}, {}\n", it + 1)).collect();
    verified(&format!(
        ".import t.f ({params}) -> {results}\n.export main\n.func main (0) -> {results}\n{moves} SYSCALL t.f\n RET\n.end\n"
    ))
}

fn call_with<F, Args>(params: usize, results: usize, function: F) -> Vec<u64>
where
    F: vsp_core::HostFn<u64, Args>,
{
    let program = calling(params, results);
    let mut imports = Imports::<u64>::new();
    imports.define("t", "f", function).unwrap();
    let mut instance = Instance::new(&program, &imports, 1000, Options::default()).unwrap();
    returned(instance.call_export("main", &[]))
}

type C<'a> = Caller<'a, u64>;

#[test]
fn host_functions_have_the_types_of_their_closures() {
    assert_eq!(call_with(0, 0, |_: &mut C<'_>| ()), []);
    assert_eq!(call_with(0, 1, |c: &mut C<'_>| *c.state()), [1000]);
    assert_eq!(call_with(1, 1, |_: &mut C<'_>, a: u64| a * 2), [2]);
    assert_eq!(call_with(2, 1, |_: &mut C<'_>, a: i64, b: i64| a - b), [u64::MAX]);
    assert_eq!(call_with(3, 2, |_: &mut C<'_>, a: u32, b: u32, c: u32| (a + b, c)), [3, 3]);
    assert_eq!(call_with(4, 3, |_: &mut C<'_>, a: u64, b: u64, c: u64, d: u64| (d, c, a + b)), [4, 3, 3]);
    let four = |_: &mut C<'_>, a: u64, b: u64, c: u64, d: u64, e: u64| (e, d, c, a + b);
    assert_eq!(call_with(5, 4, four), [5, 4, 3, 3]);
    assert_eq!(
        call_with(6, 1, |_: &mut C<'_>, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64| a
            + b
            + c
            + d
            + e
            + f),
        [21]
    );
    let seven =
        |_: &mut C<'_>, a: u64, _: u64, _: u64, _: u64, _: u64, _: u64, g: u64| Ok::<_, HostStop>((a, g));
    assert_eq!(call_with(7, 2, seven), [1, 7]);
    let eight = |_: &mut C<'_>, _: u64, _: u64, _: u64, _: u64, _: u64, _: u64, _: u64, h: u64| h;
    assert_eq!(call_with(8, 1, eight), [8]);
}

#[test]
fn values_are_cut_and_extended_as_their_types_say() {
    let program = verified(".import t.f (1) -> 1\n.export f\n.func f (1) -> 1\n SYSCALL t.f\n RET\n.end\n");
    let run = |imports: &Imports<()>, argument: u64| {
        let mut instance = Instance::new(&program, imports, (), Options::default()).unwrap();
        returned(instance.call_export("f", &[argument]))[0]
    };
    let mut signed = Imports::new();
    signed.define("t", "f", |_: &mut Caller<'_, ()>, a: i32| a).unwrap();
    assert_eq!(run(&signed, 0x1_FFFF_FFFF), u64::MAX);
    let mut unsigned = Imports::new();
    unsigned.define("t", "f", |_: &mut Caller<'_, ()>, a: u32| a).unwrap();
    assert_eq!(run(&unsigned, 0x1_FFFF_FFFF), 0xFFFF_FFFF);
    let mut boolean = Imports::new();
    boolean.define("t", "f", |_: &mut Caller<'_, ()>, a: bool| !a).unwrap();
    assert_eq!((run(&boolean, 256), run(&boolean, 0)), (0, 1));
    let mut float = Imports::new();
    float.define("t", "f", |_: &mut Caller<'_, ()>, a: f64| a / 2.0).unwrap();
    assert_eq!(run(&float, 3f64.to_bits()), 1.5f64.to_bits());
}

#[test]
fn a_host_function_reaches_state_memory_and_fuel() {
    let program = verified(
        ".memory 64\n.import t.f (1) -> 1\n.export f\n.func f (1) -> 1\n SYSCALL t.f\n LOAD8U R1, [R0]\n ADD R0, R1\n RET\n.end\n",
    );
    let mut imports = Imports::<Vec<u64>>::new();
    imports
        .define("t", "f", |caller: &mut Caller<'_, Vec<u64>>, address: u64| {
            caller.charge(10);
            caller.state().push(address);
            assert_eq!(caller.memory().len(), 64);
            let bytes = caller.bytes(address, 1).ok_or(HostStop::Error(5))?;
            bytes[0] = 7;
            assert!(caller.bytes(u64::MAX, 2).is_none() && caller.bytes(63, 2).is_none());
            Ok::<u64, HostStop>(address)
        })
        .unwrap();
    let options = Options { fuel: Some(100), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, Vec::new(), options).unwrap();
    assert_eq!(returned(instance.call_export("f", &[40])), [47]);
    assert_eq!(instance.fuel(), Some(100 - 4 - 10));
    let failed = instance.call_export("f", &[64]).unwrap();
    assert!(matches!(failed, Outcome::Trapped(stop) if stop.trap == Trap::Host(5)), "{failed:?}");
    assert_eq!(instance.into_state(), [40, 64]);
}

#[test]
fn imports_that_do_not_fit_are_refused_with_both_types() {
    let program = calling(2, 1);
    let nothing = Imports::<()>::new();
    let error = Instance::new(&program, &nothing, (), Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "the program imports t.f (2) -> 1, which the host does not have");

    let mut wrong = Imports::<()>::new();
    wrong.define("t", "f", |_: &mut Caller<'_, ()>, _: u64| ()).unwrap();
    let error = Instance::new(&program, &wrong, (), Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "the program imports t.f as (2) -> 1, and the host has it as (1) -> 0");

    let again = wrong.define("t", "f", |_: &mut Caller<'_, ()>| ()).unwrap_err();
    assert_eq!(again, ImportError::Defined { module: "t".into(), name: "f".into() });
}

const PLAIN: &str = ".memory 64\n.global g = 3\n.export id\n.export stop\n.func id (1) -> 1\n RET\n.end\n\
                     .func stop (0) -> 1\n YIELD R0\n RET\n.end\n";

#[test]
fn misuse_is_an_error_and_changes_nothing() {
    let program = verified(PLAIN);
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    assert_eq!(instance.call_export("nope", &[]), Err(CallError::NoExport("nope".into())));
    assert_eq!(instance.call(FuncIndex(2), &[]), Err(CallError::NoFunction(FuncIndex(2))));
    assert_eq!(instance.call_export("id", &[]), Err(CallError::Arguments { expected: 1, given: 0 }));
    assert_eq!(instance.call_export("id", &[1, 2]), Err(CallError::Arguments { expected: 1, given: 2 }));
    assert_eq!(instance.resume(&[]), Err(CallError::NotSuspended));
    assert_eq!(instance.fail(1), Err(CallError::NotPending));

    instance.call_export("stop", &[]).unwrap();
    let location = Location { function: FuncIndex(1), word: 0 };
    let suspension = instance.suspended().unwrap();
    assert_eq!((suspension.reason, suspension.location), (Reason::Yield(0), location));
    assert_eq!(instance.call_export("id", &[1]), Err(CallError::Suspended));
    assert_eq!(instance.resume(&[]), Err(CallError::Values { expected: 1, given: 0 }));
    assert_eq!(instance.fail(1), Err(CallError::NotPending));
    assert_eq!(instance.call_stack().collect::<Vec<_>>(), [location]);
    assert_eq!(returned(instance.resume(&[9])), [9]);
    assert_eq!(instance.suspended(), None);

    instance.call_export("stop", &[]).unwrap();
    instance.reset();
    assert_eq!(returned(instance.call_export("id", &[5])), [5]);
}

#[test]
fn globals_and_memory_are_the_hosts_too() {
    let program = verified(PLAIN);
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    assert_eq!((instance.global(GlobalIndex(0)), instance.global(GlobalIndex(1))), (Some(3), None));
    *instance.global_mut(GlobalIndex(0)).unwrap() = 4;
    instance.memory_mut()[63] = 1;
    assert_eq!((instance.global(GlobalIndex(0)), instance.memory()[63]), (Some(4), 1));
    // Without metering there is no balance, and setting it does nothing.
    instance.set_fuel(5);
    instance.add_fuel(5);
    assert_eq!(instance.fuel(), None);
}

#[test]
fn fuel_is_clamped_and_saturates() {
    let program = verified(PLAIN);
    let imports = Imports::<()>::new();
    let options = Options { fuel: Some(u64::MAX), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    assert_eq!(instance.fuel(), Some(i64::MAX));
    instance.add_fuel(u64::MAX);
    assert_eq!(instance.fuel(), Some(i64::MAX));
    returned(instance.call_export("id", &[0]));
    assert_eq!(instance.fuel(), Some(i64::MAX - 1));
}

#[test]
fn a_panic_of_a_host_function_leaves_an_instance_that_can_be_called() {
    let program = verified(
        ".import t.f (1) -> 0\n.export f\n.func f (1) -> 1\n CALL g\n RET\n.end\n.func g (1) -> 0\n SYSCALL t.f\n RET\n.end\n",
    );
    let mut imports = Imports::<()>::new();
    imports.define("t", "f", |_: &mut Caller<'_, ()>, bad: bool| assert!(!bad, "on purpose")).unwrap();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| instance.call_export("f", &[1])));
    assert!(panicked.is_err());
    assert_eq!(instance.suspended(), None);
    assert_eq!(returned(instance.call_export("f", &[0])), [0]);
}

const ENDLESS: &str = ".export spin\n.func spin (0) -> 0\nagain: JMP again\n.end\n";

#[test]
fn the_interrupt_flag_stops_an_endless_loop_from_another_thread() {
    let program = verified(ENDLESS);
    let imports = Imports::<()>::new();
    let flag = Arc::new(AtomicBool::new(false));
    let options = Options { interrupt: Some(flag.clone().into()), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    let setter = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        flag.store(true, Ordering::Relaxed);
    });
    let outcome = instance.call_export("spin", &[]).unwrap();
    assert!(matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Interrupted), "{outcome:?}");
    setter.join().unwrap();
}

/// The use in firmware: nothing is reference-counted, everything is borrowed from statics.
#[test]
fn a_flag_and_a_program_can_be_borrowed() {
    static FLAG: AtomicBool = AtomicBool::new(true);
    let bytes = text::assemble(ENDLESS, "spin.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    let options = Options { interrupt: Some((&FLAG).into()), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    let outcome = instance.call_export("spin", &[]).unwrap();
    assert!(matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Interrupted), "{outcome:?}");
}

/// The use in a server: program and host functions are shared between threads.
#[test]
fn a_program_is_shared_between_threads() {
    let program = Arc::new(verified(PLAIN));
    let imports = Arc::new(Imports::<u32>::new());
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let made = Instance::new(program.clone(), imports.clone(), number, Options::default());
            let mut instance: Instance<'static, u32> = made.unwrap();
            std::thread::spawn(move || returned(instance.call_export("id", &[u64::from(*instance.state())])))
        })
        .collect();
    for (number, thread) in (0..).zip(threads) {
        assert_eq!(thread.join().unwrap(), [number]);
    }
}

#[test]
fn an_instance_is_small() {
    assert!(size_of::<Instance<'static, ()>>() <= 640, "{}", size_of::<Instance<'static, ()>>());
    assert!(size_of::<Program<'static>>() <= 128, "{}", size_of::<Program<'static>>());
}

#[test]
fn things_can_be_sent_where_they_should() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<Instance<'static, ()>>();
    is_send::<Verified<'static>>();
    is_sync::<Verified<'static>>();
    is_sync::<Imports<()>>();
}
