//! Which instructions follow each other most often, in the examples that are not also kernels of the benchmark: from these
//! counts the pairs of the threaded interpreter were chosen.
//!
//!     cargo run --release -p vsp-snapshots --example pairs [HOW MANY]
//!
//! Each program counts the same, however long it runs.

use std::collections::BTreeMap;
use std::error::Error;

use vsp_core::index::Place;
use vsp_core::isa::Opcode;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Instance, Options, text};
use vsp_host::sys::{self, Sys};
use vsp_snapshots::corpus::{Invocation, PROGRAMS};

/// Programs that compute the same as a kernel of the benchmark.
const KERNELS: [&str; 10] =
    ["crc32", "fib", "fnv1a", "heapsort", "mandelbrot", "matmul", "matmulf", "nbody", "sha256", "sieve"];

/// Instructions of a program that are counted at most.
const LIMIT: u64 = 20_000_000;

type Counts = BTreeMap<(Opcode, Opcode), u64>;

fn main() -> Result<(), Box<dyn Error>> {
    let shown = std::env::args().nth(1).map_or(Ok(100), |shown| shown.parse())?;
    let mut shares = BTreeMap::new();
    for program in PROGRAMS.iter().filter(|program| !KERNELS.contains(&program.name)) {
        let bytes = text::assemble(program.text, program.name).map_err(|errors| errors[0].clone())?;
        let verified = Verified::new(Program::read(&bytes[..])?)?;
        let mut counts = Counts::new();
        for invocation in (program.invocations)() {
            count(&verified, invocation, &mut counts)?;
        }
        let total: u64 = counts.values().sum();
        for (pair, count) in counts {
            *shares.entry(pair).or_insert(0.0) += count as f64 / total.max(1) as f64;
        }
    }
    let mut shares: Vec<_> = shares.into_iter().collect();
    shares.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let total: f64 = shares.iter().map(|(_, share)| share).sum();
    let mut sum = 0.0;
    for ((x, y), share) in shares.into_iter().take(shown) {
        sum += share;
        let (x, y) = (x.mnemonic(), y.mnemonic());
        println!("{x:10} {y:10} {:6.2} % {:6.2} %", 100.0 * share / total, 100.0 * sum / total);
    }
    Ok(())
}

/// Counts the pairs that are executed one behind the other.
fn count(verified: &Verified<'_>, invocation: Invocation, counts: &mut Counts) -> Result<(), Box<dyn Error>> {
    let imports = sys::imports()?;
    let state = Sys {
        input: Box::new(std::io::Cursor::new(invocation.input)),
        input_name: String::from("-"),
        output: Box::new(std::io::sink()),
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
    let mut previous: Option<Place> = instance.next_place();
    instance.step_until(LIMIT, |place| {
        if let Some(before) = previous
            && place == (Place { word: before.word + 1, ..before })
            && let (Some(x), Some(y)) = (verified.instruction(before), verified.instruction(place))
        {
            *counts.entry((x.op(), y.op())).or_default() += 1;
        }
        previous = Some(place);
        false
    })?;
    Ok(())
}
