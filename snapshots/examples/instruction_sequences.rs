//! Counts the most frequent sequences of instructions in the examples that are not also kernels of the benchmark. The
//! superinstructions of the threaded interpreter were chosen from these counts.
//!
//!     cargo run --release -p vsp-snapshots --example instruction_sequences [COUNT [LENGTH]]
//!
//! Each program has the same weight, however long it runs. In sequences longer than 2, an instruction is followed by
//! those of its operands that were written last, and by `.back` if it branches backwards.

use std::collections::BTreeMap;
use std::error::Error;

use vsp_core::index::Location;
use vsp_core::isa::Operand;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Instance, Options, text};
use vsp_host::sys::{self, Sys};
use vsp_snapshots::corpus::{Invocation, PROGRAMS};

/// Programs that compute the same as a kernel of the benchmark.
const KERNELS: [&str; 10] =
    ["crc32", "fib", "fnv1a", "heapsort", "mandelbrot", "matmul", "matmulf", "nbody", "sha256", "sieve"];

/// Largest number of counted instructions of a program.
const LIMIT: u64 = 20_000_000;

type Counts = BTreeMap<Vec<String>, u64>;

fn main() -> Result<(), Box<dyn Error>> {
    let shown = std::env::args().nth(1).map_or(Ok(100), |shown| shown.parse())?;
    let length = std::env::args().nth(2).map_or(Ok(2), |length| length.parse())?;
    let mut shares = BTreeMap::new();
    for program in PROGRAMS.iter().filter(|program| !KERNELS.contains(&program.name)) {
        let bytes = text::assemble(program.text, program.name)?;
        let verified = Verified::new(Program::read(&bytes[..])?)?;
        let mut counts = Counts::new();
        for invocation in (program.invocations)() {
            count(&verified, invocation, length, &mut counts)?;
        }
        let total: u64 = counts.values().sum();
        for (sequence, count) in counts {
            *shares.entry(sequence).or_insert(0.0) += count as f64 / total.max(1) as f64;
        }
    }
    let mut shares: Vec<_> = shares.into_iter().collect();
    shares.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let total: f64 = shares.iter().map(|(_, share)| share).sum();
    let mut sum = 0.0;
    for (sequence, share) in shares.into_iter().take(shown) {
        sum += share;
        let sequence: String = sequence.iter().map(|name| format!("{name:12}")).collect();
        println!("{sequence} {:6.2} % {:6.2} %", 100.0 * share / total, 100.0 * sum / total);
    }
    Ok(())
}

/// Counts the sequences that are executed without a branch between them.
fn count(
    verified: &Verified<'_>,
    invocation: Invocation,
    length: usize,
    counts: &mut Counts,
) -> Result<(), Box<dyn Error>> {
    let imports = sys::imports()?;
    let state = Sys {
        input: vsp_host::input::Input::bytes(invocation.input),
        input_name: String::from("-"),
        output: Box::new(std::io::sink()),
        written: 0,
        errors: Box::new(std::io::sink()),
        args: invocation.args,
        exit_code: 0,
        failure: None,
    };
    let options = Options { memory: invocation.memory, fuel: Some(i64::MAX as u64), ..Options::default() };
    let mut instance = Instance::new(verified, &imports, state, options)?;
    let main = verified.export("main").ok_or("there is no main")?;
    if instance.begin(main, &[])?.is_some() {
        return Ok(());
    }
    // Counts by the location of the first instruction.
    let mut starts = BTreeMap::<Location, u64>::new();
    let mut straight = std::collections::VecDeque::<Location>::new();
    let mut next = |location: Location| {
        if straight.back().is_none_or(|before| location != Location { word: before.word + 1, ..*before }) {
            straight.clear();
        }
        straight.push_back(location);
        if straight.len() > length {
            straight.pop_front();
        }
        if straight.len() == length {
            *starts.entry(straight[0]).or_default() += 1;
        }
    };
    instance.next_location().into_iter().for_each(&mut next);
    instance.step_until(LIMIT, |location| {
        next(location);
        false
    })?;
    for (first, count) in starts {
        *counts.entry(sequence(verified, first, length)).or_default() += count;
    }
    Ok(())
}

/// Returns the names of the instructions from a location on.
fn sequence(verified: &Verified<'_>, first: Location, length: usize) -> Vec<String> {
    let mut last = None;
    let mut names = Vec::new();
    for word in first.word..first.word + length as u32 {
        let Some(inst) = verified.instruction(Location { word, ..first }) else { break };
        let mut name = inst.op().mnemonic().to_string();
        if length > 2 && word > first.word {
            let read = |(operand, value): &(Operand, i32)| {
                operand.role.reads_register() && last == Some((*value, operand.role.is_float()))
            };
            name.extend(inst.operands().filter(read).map(|(operand, _)| format!(".{:?}", operand.field)));
        }
        if length > 2 && inst.operands().any(|(operand, value)| operand.role.is_target() && value < 0) {
            name.push_str(".back");
        }
        names.push(name);
        let written = inst.operands().find(|(operand, _)| operand.role.writes_register());
        last = written.map(|(operand, value)| (value, operand.role.is_float())).or(last);
    }
    names
}
