//! Forks: both instances go on from the same place, and neither sees the other.
#![cfg(feature = "text")]

#[path = "analysis/random.rs"]
mod random;

use vsp_core::index::{FuncIndex, GlobalIndex};
use vsp_core::program::Program;
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{Caller, HostStop, Imports, Instance, Options, Outcome, Reason, Status};

fn verified(bytes: &[u8]) -> Verified<'_> {
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

/// f waits for an answer and stores it; `grow` adds a page.
const SHOWN: &str = "
.memory 64, 0x400000
.global count = 5
.import host.wait (2) -> 1
.export f
.export grow
.func f (1) -> 1
    MOVI R1, 7
    SYSCALL host.wait
    STORE [R1 + 8], R0
    SETG R0, count
    YIELD R0
    RET
.end
.func grow (0) -> 1
    MOVI R0, 1
    MEMGROW R0, R0
    RET
.end";

fn waiting() -> Imports<u32> {
    let mut imports = Imports::new();
    let wait = |caller: &mut Caller<'_, u32>, _: u64, _: u64| {
        *caller.state() += 1;
        Err::<u64, _>(HostStop::Pending)
    };
    imports.define("host", "wait", wait).unwrap();
    imports
}

#[test]
fn neither_sees_the_other() {
    let program = assemble(SHOWN, "fork.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (program, imports) = (verified(&program), waiting());
    let options = Options { fuel: Some(100), stack_cells: Some(64), ..Options::default() };
    let mut one = Instance::new(&program, &imports, 10, options).unwrap();
    one.call_export("f", &[3]).unwrap();

    let mut other = one.fork(20).unwrap();
    assert_eq!((*one.state(), *other.state()), (11, 20));
    assert_eq!(other.pending(), one.pending());
    assert_eq!(other.pending().unwrap().arguments, [3, 7]);
    assert_eq!((other.suspended(), other.fuel(), other.stack_cells()), (one.suspended(), one.fuel(), 64));
    assert_eq!(other.save().unwrap(), one.save().unwrap());
    assert_eq!(other.memory_maximum(), 0x40_0000);

    let results = [(&mut one, 40), (&mut other, 50)].map(|(it, answer)| {
        assert!(matches!(it.resume(&[answer]).unwrap(), Outcome::Suspended(_)));
        assert_eq!((it.memory()[15], it.global(GlobalIndex(0))), (answer as u8, Some(answer)));
        it.resume(&[answer + 1]).unwrap()
    });
    let values = results.map(|outcome| match outcome {
        Outcome::Returned(values) => values[0],
        other => panic!("{other:?}"),
    });
    assert_eq!(values, [41, 51]);
    // Both are idle, and can be called. The memory of one grows.
    other.set_fuel(100_000);
    assert!(matches!(other.call_export("grow", &[]).unwrap(), Outcome::Returned(_)));
    assert_eq!((one.memory().len(), other.memory().len()), (64, 64 + 0x1_0000));
    assert_eq!(other.fork(1).unwrap().memory(), other.memory());
}

/// Zeros are left out of large memories, wherever they are.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn large_memories_are_copied() {
    let program = assemble(".memory 0x200010\n.export f\n.func f (0) -> 0\nRET\n.end", "large.sil").unwrap();
    let (program, imports) = (verified(&program), Imports::<()>::new());
    let mut one = Instance::new(&program, &imports, (), Options::default()).unwrap();
    for addresses in [&[][..], &[0x20_000F], &[0], &[4095, 4096, 8192, 0x10_0000, 0x10_3000, 0x20_0000]] {
        one.memory_mut().fill(0);
        addresses.iter().for_each(|address| one.memory_mut()[*address] = 1);
        assert!(one.fork(()).unwrap().memory() == one.memory(), "{addresses:?}");
    }
    one.memory_mut().fill(7);
    assert!(one.fork(()).unwrap().memory() == one.memory());
}

/// After a trap, both have its frames; between two instructions, both can be stepped.
#[test]
fn traps_and_steps_are_forked() {
    let text = ".export f\n.func f (1) -> 1\nMOVI R1, 1\nADD R0, R1\nJZ R0, end\nTRAP 7\nend: RET\n.end";
    let program = assemble(text, "steps.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (program, imports) = (verified(&program), Imports::<()>::new());
    let mut one = Instance::new(&program, &imports, (), Options::default()).unwrap();
    assert_eq!(one.begin(FuncIndex(0), &[u64::MAX]), Ok(None));
    assert_eq!(one.step(), Ok(None));
    let mut other = one.fork(()).unwrap();
    assert_eq!((other.status(), other.next_location()), (Status::Stepping, one.next_location()));
    other.frame_mut(0).unwrap().registers[0] = 4;
    assert!(matches!(one.finish().unwrap(), Outcome::Returned(_)));
    assert!(matches!(other.finish().unwrap(), Outcome::Trapped(_)));
    let forked = other.fork(()).unwrap();
    assert!(forked.call_stack().eq(other.call_stack()));
    assert_eq!(forked.call_stack().count(), 1);
    assert_eq!(one.fork(()).unwrap().call_stack().count(), 0);
}

/// Random programs behave the same whether or not they are forked at every suspension.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn forking_changes_nothing() {
    use proptest::test_runner::{Config, TestRunner};
    let imports = random::imports();
    let mut runner = TestRunner::new(Config { cases: 300, ..Config::default() });
    let forks = std::cell::Cell::new(0);
    let result = runner.run(&(random::functions(), 0u64..20), |(functions, fuel)| {
        let bytes = random::program(&functions);
        let program = verified(&bytes);
        let options = Options { stack_cells: Some(1000), fuel: Some(fuel), ..Options::default() };
        let arguments = &[1, 2, 3, 4, 5, 6, 7, 8][..program.functions()[0].ty.params()];
        let mut plain = Instance::new(&program, &imports, (), options.clone()).unwrap();
        let mut forked = Instance::new(&program, &imports, (), options).unwrap();
        let mut outcome = plain.call(FuncIndex(0), arguments).unwrap();
        assert_eq!(forked.call(FuncIndex(0), arguments).unwrap(), outcome);
        for _ in 0..50 {
            let Outcome::Suspended(suspension) = outcome else { break };
            forks.set(forks.get() + 1);
            forked = forked.fork(()).unwrap();
            let values: &[u64] = match suspension.reason {
                Reason::Fuel | Reason::Interrupted => &[],
                Reason::Yield(_) => &[9],
                Reason::Pending(_) => &[10, 11, 12, 13],
            };
            plain.set_fuel(fuel);
            forked.set_fuel(fuel);
            outcome = plain.resume(values).unwrap();
            assert_eq!(forked.resume(values).unwrap(), outcome);
            assert_eq!((forked.memory(), forked.fuel()), (plain.memory(), plain.fuel()));
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(forks.get() > 500, "{} forks are too few", forks.get());
}
