//! Benchmarks of loading and compiling: time and memory as programs and functions grow.
//!
//!     cargo bench -p vsp-benches --features jit --bench scaling -- --json results/scaling.json

mod common;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use common::Common;
use peak_alloc::PeakAlloc;
use vsp_benches::peers::assemble;
use vsp_benches::peers::measure::timed;
use vsp_benches::peers::report::{Scale, Scaling};
use vsp_benches::peers::{Error, tables};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_host::engine::{Engine, EngineKind};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[derive(Parser)]
#[command(about = "Measures loading and compiling as programs grow")]
struct Arguments {
    /// Number of loads of each program
    #[arg(long, default_value_t = 3)]
    runs: usize,
    #[command(flatten)]
    common: Common,
    /// Ignored
    #[arg(hide = true)]
    filter: Vec<String>,
}

/// Total numbers of instructions of the programs with many functions.
const PROGRAMS: [u32; 7] = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];
/// Numbers of instructions of the programs with one function.
const FUNCTIONS: [u32; 6] = [100, 300, 1_000, 3_000, 10_000, 18_000];

/// Number of loops in each function of a program with many functions.
const LOOPS: u32 = 4;
/// Number of instructions of a loop.
const LOOP: u32 = 12;

/// Appends a loop with loads, stores, branches and arithmetic, similar to those in hashes and searches.
fn add_loop(text: &mut String, number: u32) {
    let _ = writeln!(
        text,
        "    MOVI R4, {count}\nl{number}:\n    ANDI R5, R0, 4088\n    LOAD R6, [R5 + 16]\n    ROTLI R6, 13\n    \
         XOR R0, R6\n    MUL R0, R1\n    JGEU R0, R2, s{number}\n    ADD R2, R0\n    STORE [R5], R2\ns{number}:\n    \
         ADDI R1, {add}\n    SHRI R3, R0, 7\n    LOOP R4, l{number}",
        count = 10 + number % 7,
        add = 1 + number % 100,
    );
}

/// Returns a program of functions that each call the next one, with about this number of instructions in total.
fn program_of_many_functions(instructions: u32) -> String {
    let count = (instructions / (LOOPS * LOOP + 2)).max(1);
    let mut text = String::from(".memory 8192\n.export f0\n");
    for number in 0..count {
        let _ = writeln!(text, ".func f{number} (2) -> 1");
        (0..LOOPS).for_each(|turn| add_loop(&mut text, number * LOOPS + turn));
        let callee = if number + 1 < count { format!("    CALL f{}\n", number + 1) } else { String::new() };
        let _ = writeln!(text, "{callee}    RET\n.end");
    }
    text
}

/// Returns a program with one function of about this number of instructions.
fn program_of_one_function(instructions: u32) -> String {
    let mut text = String::from(".memory 8192\n.export f\n.func f (2) -> 1\n");
    (0..instructions / LOOP).for_each(|number| add_loop(&mut text, number));
    text + "    RET\n.end\n"
}

fn measure(source: &str, runs: usize) -> Result<Scale, Error> {
    let bytes = assemble(source, "scaling")?;
    let mut scale = Scale { instructions: Program::read(bytes.clone())?.code().len(), engines: Vec::new() };
    for kind in EngineKind::ALL {
        let engine = Engine::new(kind)?;
        let mut least = Duration::MAX;
        let mut peak = 0;
        for _ in 0..runs {
            HEAP.reset_peak_usage();
            let before = HEAP.current_usage();
            let (time, module) = timed(|| {
                let program = Arc::new(Verified::new(Program::read(bytes.clone())?)?);
                Ok(engine.load(program)?)
            })?;
            peak = peak.max(HEAP.peak_usage().saturating_sub(before));
            least = least.min(time);
            drop(module);
        }
        scale.engines.push((kind.name().into(), least.as_secs_f64(), peak));
    }
    Ok(scale)
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let test = arguments.common.is_test();
    let runs = if test { 1 } else { arguments.runs.max(1) };
    let sizes = |all: &[u32]| all[..if test { 1 } else { all.len() }].to_vec();
    let mut scaling = Scaling::default();
    for size in sizes(&PROGRAMS) {
        scaling.programs.push(measure(&program_of_many_functions(size), runs)?);
    }
    for size in sizes(&FUNCTIONS) {
        scaling.functions.push(measure(&program_of_one_function(size), runs)?);
    }
    for table in tables::scaling(&scaling) {
        println!("{}", table.text());
    }
    arguments.common.write(&scaling)
}
