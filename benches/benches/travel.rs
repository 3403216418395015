//! Benchmarks of going back in time, and of resuming in machine code: checkpoints, the way forward from them, and a
//! suspended call that goes on.
//!
//!     cargo bench -p vsp-benches --features jit --bench travel -- --json results/travel.json

mod common;

use std::io::sink;
use std::sync::Arc;

use clap::Parser;
use common::{Common, time};
use serde::Serialize;
use vsp_core::program::Program;
use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, NativeCode, Options, Outcome, text};
use vsp_host::engine::{Engine, EngineKind, TierOptions};
use vsp_host::input::Input;
use vsp_host::sys::{self, Sys};

type Error = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(about = "Measures going back in time, and resuming in machine code")]
struct Arguments {
    /// Number of measurements of each operation, of which the fastest counts
    #[arg(long, default_value_t = 9)]
    runs: usize,
    #[command(flatten)]
    common: Common,
    /// Ignored
    #[arg(hide = true)]
    filter: Vec<String>,
}

/// Going back in a program that writes to all of its memory. Times are in seconds, sizes in bytes.
#[derive(Debug, Default, Serialize)]
struct Travel {
    memory: usize,
    /// A checkpoint after all pages have changed.
    checkpoint_changed: f64,
    changed_bytes: usize,
    /// A checkpoint after no page has changed.
    checkpoint_same: f64,
    same_bytes: usize,
    rewind: f64,
    /// Going forward, for each instruction: step by step, in the interpreter, in machine code that keeps frames.
    stepped: f64,
    interpreted: f64,
    compiled: f64,
}

/// A suspended call that is resumed, in seconds.
#[derive(Debug, Default, Serialize)]
struct Resumed {
    program: &'static str,
    interpreter: f64,
    /// Machine code of tier 2 that is entered with the next call only.
    tier2_calls: f64,
    /// Machine code of tier 2 that is also entered at loop headers.
    tier2: f64,
}

#[derive(Debug, Serialize)]
struct Results {
    travel: Vec<Travel>,
    resumed: Vec<Resumed>,
}

fn assembled(source: &str, name: &str) -> Result<Arc<Verified<'static>>, Error> {
    let bytes = text::assemble(source, name).map_err(|errors| errors[0].to_string())?;
    Ok(Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes))?)?))
}

/// Measures a program that has this much memory and writes to it in a loop of eight instructions.
fn travel(memory: usize, rounds: usize, runs: usize) -> Result<Travel, Error> {
    let source = format!(
        ".memory {memory}\n.export f\n.func f (0) -> 1\n MOVI R0, 0\n MOVI R2, 1\n MOVI R3, 0\n CONST R5, {}\n\
         CONST R6, 6364136223846793005\n CONST R7, {}\nnext:\n MUL R2, R6\n ADDI R2, R2, 77\n ADDI R3, R3, 8\n\
         AND R3, R3, R5\n LOAD R4, [R3]\n ADD R0, R4\n STORE [R3], R2\n LOOP R7, next\n RET\n.end",
        memory - 8,
        1_u64 << 40,
    );
    let program = assembled(&source, "travel.sil")?;
    let imports = Arc::new(Imports::<()>::new());
    let tiers = TierOptions { worker: false, keep_frames: true, ..TierOptions::default() };
    let auto = Engine::new(EngineKind::Auto)?.with_tiers(tiers).load(program.clone())?;
    let function = program.export("f").ok_or("it is exported")?;
    let options = Options { fuel: Some(1 << 60), ..Options::default() };
    let mut compiled = auto.instantiate(imports.clone(), (), options.clone())?;
    compiled.begin(function, &[])?;
    let mut instance = Instance::new(program, imports, (), options)?;
    instance.begin(function, &[])?;
    let whole = memory as u64;
    compiled.run_within(whole.max(2_000_000))?;
    let instructions = (rounds * 8) as u64;

    let mut it = Travel { memory, ..Travel::default() };
    for _ in 0..runs {
        let before = compiled.checkpoint(None)?;
        compiled.run_within(whole)?;
        let after = time(&mut it.checkpoint_changed, || compiled.checkpoint(Some(&before)))?;
        let same = time(&mut it.checkpoint_same, || compiled.checkpoint(Some(&after)))?;
        it.changed_bytes = after.bytes_since(Some(&before));
        it.same_bytes = same.bytes_since(Some(&after));
        time(&mut it.rewind, || compiled.rewind(&before))?;
        time(&mut it.compiled, || compiled.run_within(instructions))?;
        instance.rewind(&before)?;
        time(&mut it.interpreted, || instance.run_within(instructions))?;
        assert_eq!(instance.fuel(), compiled.fuel());
        assert!(instance.memory() == compiled.memory());
        time(&mut it.stepped, || instance.step_within(u64::MAX, instructions, |_| false))?;
    }
    for it in [&mut it.stepped, &mut it.interpreted, &mut it.compiled] {
        *it /= instructions as f64;
    }
    Ok(it)
}

/// Measures an example that is resumed after it has used this much fuel.
fn resumed(
    program: &'static str,
    source: &str,
    argument: &str,
    fuel: u64,
    runs: usize,
) -> Result<Resumed, Error> {
    let verified = assembled(source, program)?;
    let imports = Arc::new(sys::imports::<Sys>()?);
    let state = || Sys {
        args: vec![argument.into()],
        ..Sys::new(Input::bytes(Vec::new()), Box::new(sink()), Box::new(sink()))
    };
    let module = Engine::new(EngineKind::Tier2)?.load(verified.clone())?;
    let interpreter = Engine::new(EngineKind::Interpreter)?.load(verified.clone())?;
    let options = Options { fuel: Some(fuel), ..Options::default() };
    let mut instance = interpreter.instantiate(imports.clone(), state(), options)?;
    instance.call_export("main", &[])?;
    instance.set_fuel(i64::MAX as u64);
    let saved = instance.save()?;
    let saved = Snapshot::read(&saved)?;
    let mut it = Resumed { program, ..Resumed::default() };
    for _ in 0..runs {
        let restore =
            || Instance::restore(verified.clone(), imports.clone(), state(), Options::default(), &saved);
        let mut interpreted = restore()?;
        let mut calls = restore()?;
        let code: Arc<dyn NativeCode<Sys>> = module.compiled().ok_or("it is compiled")?.clone();
        calls.attach(code)?;
        // Compiling the loop is part of the time.
        let module = Engine::new(EngineKind::Tier2)?.load(verified.clone())?;
        let mut loops = module.restore(imports.clone(), state(), Options::default(), &saved)?;
        let first = time(&mut it.interpreter, || interpreted.resume(&[]))?;
        assert!(matches!(first, Outcome::Returned(_)), "{first:?}");
        assert_eq!(time(&mut it.tier2_calls, || calls.resume(&[]))?, first);
        assert_eq!(time(&mut it.tier2, || loops.resume(&[]))?, first);
        assert_eq!((calls.fuel(), loops.fuel()), (interpreted.fuel(), interpreted.fuel()));
    }
    Ok(it)
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let test = arguments.common.is_test();
    let (runs, rounds) = if test { (1, 10_000) } else { (arguments.runs.max(1), 1_000_000) };
    let mut results = Results { travel: Vec::new(), resumed: Vec::new() };
    for memory in [0x1_0000, 0x100_0000] {
        results.travel.push(travel(memory, rounds, runs)?);
    }
    let examples = [
        ("mandelbrot", include_str!("../../examples/mandelbrot.sil"), ["300", "20"], 20_000_000),
        ("sieve", include_str!("../../examples/sieve.sil"), ["2000000", "1000"], 1_000_000),
    ];
    for (program, source, [argument, small], fuel) in examples {
        let (argument, fuel) = if test { (small, 500) } else { (argument, fuel) };
        results.resumed.push(resumed(program, source, argument, fuel, runs)?);
    }
    for it in &results.travel {
        let [changed, same, rewind] =
            [it.checkpoint_changed, it.checkpoint_same, it.rewind].map(|seconds| seconds * 1e6);
        let [stepped, interpreted, compiled] =
            [it.stepped, it.interpreted, it.compiled].map(|seconds| seconds * 1e9);
        println!(
            "{} bytes of memory: checkpoint {changed:.0} us ({} bytes), unchanged {same:.0} us ({} bytes), \
             rewind {rewind:.0} us; an instruction {stepped:.2} ns stepped, {interpreted:.2} interpreted, \
             {compiled:.2} compiled",
            it.memory, it.changed_bytes, it.same_bytes
        );
    }
    for it in &results.resumed {
        let [interpreter, calls, tier2] =
            [it.interpreter, it.tier2_calls, it.tier2].map(|seconds| seconds * 1e3);
        println!(
            "{} resumed: interpreter {interpreter:.1} ms, tier 2 from the next call {calls:.1} ms, in loops {tier2:.1} ms",
            it.program
        );
    }
    arguments.common.write(&results)
}
