//! Tests of the generator of random programs: its programs verify, run for a while, and use every instruction.
#![cfg(all(feature = "generate", feature = "math"))]

use std::collections::BTreeMap;

use vsp_core::generate::{Bytes, Entropy, Generated, HostImport, Seed, Shape, generate};
use vsp_core::isa::Opcode;
use vsp_core::program::{FuncType, Program};
use vsp_core::verify::Verified;
use vsp_core::{Caller, HostStop, Imports, Instance, Options, Outcome, Reason};

fn import(name: &'static str, params: usize, results: usize) -> HostImport<'static> {
    let ty = FuncType::new(params, results).unwrap();
    HostImport { module: "test", name, ty, is_rare: name == "fail" }
}

fn hosts() -> ([HostImport<'static>; 3], Imports<()>) {
    let mut imports = Imports::new();
    imports
        .define("test", "swap", |_: &mut Caller<'_, ()>, a: u64, b: u64| (b, a))
        .unwrap()
        .define("test", "pending", |_: &mut Caller<'_, ()>, _: u64| Err::<u64, _>(HostStop::Pending))
        .unwrap()
        .define("test", "fail", |_: &mut Caller<'_, ()>, code: u32| Err::<(), _>(HostStop::Error(code)))
        .unwrap();
    ([import("swap", 2, 2), import("pending", 1, 1), import("fail", 1, 0)], imports)
}

#[derive(Debug, Default)]
struct Counts {
    /// The number of calls by outcome.
    ends: BTreeMap<&'static str, u32>,
    /// The number of suspensions by reason.
    suspensions: BTreeMap<&'static str, u32>,
    instructions: BTreeMap<Opcode, u64>,
    calls: u32,
    /// Instructions of each call.
    lengths: Vec<u64>,
}

impl Counts {
    fn run(&mut self, made: &Generated, imports: &Imports<()>) {
        let program = Verified::new(Program::read(&made.bytes[..]).unwrap()).unwrap();
        let (memory, stack_cells) = (made.plan.memory, made.plan.stack_cells);
        let options = Options { memory, stack_cells, fuel: Some(0), ..Options::default() };
        let mut instance = Instance::new(&program, imports, (), options).unwrap();
        let mut number = 0;
        for call in &made.plan.calls {
            let first = number;
            let mut executed = 0u64;
            let mut outcome = None;
            let end = loop {
                let turn = made.plan.turn(number);
                number += 1;
                instance.set_fuel(turn.fuel);
                outcome = match outcome {
                    None => instance.begin(call.function, &call.arguments).unwrap(),
                    Some(_) => {
                        let waits = instance.awaited_values();
                        instance.begin_resume(&turn.answers[..waits]).unwrap()
                    }
                };
                while let Some(location) = instance.next_location() {
                    let op = program.instruction(location).unwrap().op();
                    *self.instructions.entry(op).or_default() += 1;
                    executed += 1;
                    outcome = instance.step().unwrap();
                }
                let Some(Outcome::Suspended(suspension)) = outcome else { break name(outcome) };
                let reason = match suspension.reason {
                    Reason::Fuel => "fuel",
                    Reason::Interrupted => "interrupted",
                    Reason::Yield(_) => "yield",
                    Reason::Pending(_) => "pending",
                };
                *self.suspensions.entry(reason).or_default() += 1;
                if number - first == made.plan.turns {
                    instance.reset();
                    break "given up";
                }
            };
            *self.ends.entry(end).or_default() += 1;
            self.calls += 1;
            self.lengths.push(executed);
        }
    }

    fn share(&self, end: &str) -> f64 {
        f64::from(self.ends.get(end).copied().unwrap_or(0)) / f64::from(self.calls)
    }
}

fn name(outcome: Option<Outcome>) -> &'static str {
    match outcome.unwrap() {
        Outcome::Returned(_) => "returned",
        Outcome::Halted(_) => "halted",
        Outcome::Trapped(trapped) => trapped.trap.name(),
        Outcome::Suspended(_) => "suspended",
    }
}

fn generated(seed: u64, hosts: &[HostImport<'_>]) -> Generated {
    generate(&mut Seed::new(seed), &Shape { imports: hosts, ..Shape::default() }).unwrap()
}

#[test]
fn programs_do_something_and_use_every_instruction() {
    let (hosts, imports) = hosts();
    let mut counts = Counts::default();
    for seed in 0..900 {
        counts.run(&generated(seed, &hosts), &imports);
    }
    let executed = |op: &&Opcode| counts.instructions.get(op).is_some_and(|count| *count >= 5);
    let missing: Vec<&Opcode> = Opcode::ALL.iter().filter(|op| !executed(op)).collect();
    assert!(missing.is_empty(), "not executed five times: {missing:?}");

    let mut lengths = counts.lengths.clone();
    lengths.sort_unstable();
    // Many programs are short functions that each test one thing.
    assert!(
        lengths[lengths.len() / 2] > 30,
        "half of the calls have at most {} instructions",
        lengths[lengths.len() / 2]
    );
    assert!(lengths[lengths.len() * 9 / 10] > 200, "{}", lengths[lengths.len() * 9 / 10]);

    assert!(counts.share("returned") > 0.6, "{:?}", counts.ends);
    assert!(counts.share("given up") < 0.2, "{:?}", counts.ends);
    // Many programs try accesses just beyond the memory, since only these reveal missing checks.
    let share = counts.share("MemoryOutOfBounds");
    assert!(share > 0.1 && share < 0.3, "{share} of the calls are out of bounds: {:?}", counts.ends);
    let rare = ["halted", "DivideByZero", "BadIndirectCall", "StackOverflow", "Explicit", "Host"];
    for end in rare {
        let share = counts.share(end);
        assert!(share > 0.001 && share < 0.1, "{share} of the calls end with {end}: {:?}", counts.ends);
    }
    for (reason, least) in [("fuel", 1_000), ("yield", 300), ("pending", 100)] {
        let count = counts.suspensions.get(reason).copied().unwrap_or(0);
        assert!(count > least, "{count} suspensions for {reason}: {:?}", counts.suspensions);
    }
}

#[test]
fn a_seed_always_gives_the_same_and_other_seeds_give_others() {
    let (hosts, _) = hosts();
    let (one, again, other) = (generated(7, &hosts), generated(7, &hosts), generated(8, &hosts));
    assert_eq!((&one.bytes, &one.plan), (&again.bytes, &again.plan));
    assert_ne!(one.bytes, other.bytes);
    assert_eq!(one.plan.turn(3), again.plan.turn(3));
}

#[test]
fn any_bytes_give_programs_that_verify_and_no_bytes_a_short_one() {
    let shape = Shape::default();
    let words = |bytes: &[u8]| {
        let made = generate(&mut Bytes::new(bytes), &shape).unwrap();
        Verified::new(Program::read(&made.bytes[..]).unwrap()).unwrap().program().code().len()
    };
    assert!(words(&[]) < 20, "{} words", words(&[]));
    let mut entropy = Seed::new(1);
    for _ in 0..500 {
        let length = entropy.below(3_000);
        let bytes: Vec<u8> = (0..length).map(|_| entropy.bits(8) as u8).collect();
        words(&bytes);
    }
}
