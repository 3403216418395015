//! Benchmarks of states: saving, restoring, forking, deltas and recording, compared with copying the same bytes.
//!
//!     cargo bench -p vsp-benches --features wasmi --bench states -- --json results/states.json
//!
//! The feature adds the memory of instances of wasmi, copied out and into new ones.

mod common;

use std::hint::black_box;
use std::io::sink;

use clap::Parser;
use common::{Common, time};
use serde::Serialize;
use vsp_core::program::Program;
use vsp_core::snapshot::{Delta, Snapshot};
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Reason, text};
use vsp_host::input::Input;
use vsp_host::sys::{self, Sys};

type Error = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(about = "Measures saving, restoring, forking and recording")]
struct Arguments {
    /// Number of measurements of each operation, of which the fastest counts
    #[arg(long, default_value_t = 15)]
    runs: usize,
    #[command(flatten)]
    common: Common,
    /// Ignored
    #[arg(hide = true)]
    filter: Vec<String>,
}

/// The unit in which memory is touched, in bytes.
const PAGE: usize = 4096;

/// The pages that are touched before a delta.
const DELTA_PAGES: usize = 10;

/// The states of one instance. Times are in seconds, sizes in bytes.
#[derive(Debug, Default, Serialize)]
struct States {
    memory: usize,
    /// Bytes of memory that are not zero.
    touched: usize,
    /// Copying the bytes that are not zero to new memory.
    copy_touched: f64,
    /// Copying them to the same places of a new memory of zeros.
    copy_places: f64,
    /// Copying the whole memory to new memory.
    copy_all: f64,
    /// Comparing the whole memory with an equal one.
    pass: f64,
    save: f64,
    saved: usize,
    /// Reading a snapshot, which checks it.
    read: f64,
    restore: f64,
    fork: f64,
    delta: f64,
    delta_bytes: usize,
    /// Restoring the snapshot with the delta.
    restore_delta: f64,
}

/// A program with and without recording. Times are in seconds.
#[derive(Debug, Serialize)]
struct Recording {
    program: &'static str,
    plain: f64,
    recorded: f64,
    host_calls: u64,
    log_bytes: usize,
}

/// A program that runs in slices, with and without a save after each. Times are in seconds.
#[derive(Debug, Default, Serialize)]
struct Slices {
    memory: usize,
    count: usize,
    plain: f64,
    saved: f64,
}

/// The memory of an instance of wasmi, copied out and into a new instance. Times are in seconds.
#[cfg(feature = "wasmi")]
#[derive(Debug, Default, Serialize)]
struct Wasmi {
    memory: usize,
    save: f64,
    restore: f64,
}

#[derive(Debug, Default, Serialize)]
struct Results {
    states: Vec<States>,
    recording: Vec<Recording>,
    slices: Slices,
    #[cfg(feature = "wasmi")]
    wasmi: Vec<Wasmi>,
}

/// Fills a page with bytes that are not zero.
fn touch(page: &mut [u8], seed: usize) {
    page.iter_mut().enumerate().for_each(|(index, byte)| *byte = (index * 7 + seed) as u8 | 1);
}

/// Measures an instance with this memory, of which one page of `every` was touched.
fn states(memory: usize, every: usize, runs: usize) -> Result<States, Error> {
    let source = format!(".memory {memory}\n.export f\n.func f (0) -> 1\n YIELD R0\n RET\n.end");
    let bytes = text::assemble(&source, "states.sil").map_err(|errors| errors[0].to_string())?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default())?;
    instance.call_export("f", &[])?;
    let pages = instance.memory_mut().chunks_mut(PAGE).enumerate().step_by(every);
    pages.for_each(|(number, page)| touch(page, number));
    let touched: Vec<u8> = instance.memory().chunks(PAGE).step_by(every).flatten().copied().collect();
    let whole = instance.memory().to_vec();
    let saved = instance.save()?;
    let base = Snapshot::read(&saved)?;
    let mut changed = instance.fork(())?;
    let step = (memory / PAGE / DELTA_PAGES).max(1);
    let pages = changed.memory_mut().chunks_mut(PAGE).step_by(step).take(DELTA_PAGES).enumerate();
    pages.for_each(|(number, page)| touch(page, number + 3));
    let delta = changed.save_since(&base)?;
    let deltas = [Delta::read(&delta)?];
    let joined = base.with(&deltas)?;

    let mut it = States {
        memory,
        touched: touched.len(),
        saved: saved.len(),
        delta_bytes: delta.len(),
        ..States::default()
    };
    for _ in 0..runs {
        time(&mut it.copy_touched, || touched.to_vec());
        time(&mut it.copy_places, || {
            let mut memory = vec![0; memory];
            let pages = memory.chunks_mut(PAGE).step_by(every).zip(touched.chunks(PAGE));
            pages.for_each(|(page, bytes)| page.copy_from_slice(bytes));
            memory
        });
        time(&mut it.copy_all, || whole.to_vec());
        assert!(time(&mut it.pass, || black_box(&whole[..]) == black_box(instance.memory())));
        time(&mut it.save, || instance.save())?;
        time(&mut it.read, || Snapshot::read(&saved))?;
        time(&mut it.restore, || Instance::restore(&program, &imports, (), Options::default(), &base))?;
        time(&mut it.fork, || instance.fork(()))?;
        time(&mut it.delta, || changed.save_since(&base))?;
        let again = time(&mut it.restore_delta, || {
            Instance::restore(&program, &imports, (), Options::default(), &joined)
        })?;
        assert!(again.memory() == changed.memory());
    }
    Ok(it)
}

/// Measures an example in the interpreter with this input. Its output goes nowhere.
fn recording(program: &'static str, source: &str, input: &[u8], runs: usize) -> Result<Recording, Error> {
    let bytes = text::assemble(source, program).map_err(|errors| errors[0].to_string())?;
    let verified = Verified::new(Program::read(&bytes[..])?)?;
    let imports = sys::imports::<Sys>()?;
    let mut it = Recording { program, plain: 0.0, recorded: 0.0, host_calls: 0, log_bytes: 0 };
    for run in 0..2 * runs {
        let state = Sys::new(Input::bytes(input.to_vec()), Box::new(sink()), Box::new(sink()));
        let mut instance = Instance::new(&verified, &imports, state, Options::default())?;
        let is_recorded = run % 2 == 1;
        if is_recorded {
            instance.record()?;
        }
        let least = if is_recorded { &mut it.recorded } else { &mut it.plain };
        let outcome = time(least, || instance.call_export("main", &[]))?;
        assert!(matches!(outcome, Outcome::Returned(_)), "{outcome:?}");
        if is_recorded {
            it.host_calls = instance.log_position().map_or(0, |position| position.calls);
            it.log_bytes = instance.end_log()?.len();
        }
    }
    Ok(it)
}

/// A program that writes to all of its 1 MiB again and again.
const WRITER: &str = "
.memory 1048576
.export f
.func f (0) -> 0
again:
    MOVI    R1, 0
    MOVI    R2, 131072
cell:
    LOAD    R3, [R1]
    ADDI    R3, R3, 7
    STORE   [R1], R3
    ADDI    R1, R1, 8
    LOOP    R2, cell
    JMP     again
.end
";

/// Measures slices of this length.
fn slices(seconds: f64, count: usize, runs: usize) -> Result<Slices, Error> {
    let bytes = text::assemble(WRITER, "writer.sil").map_err(|errors| errors[0].to_string())?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    let imports = Imports::<()>::new();
    let options = Options { fuel: Some(1_000_000), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options)?;
    instance.call_export("f", &[])?;
    let mut run = |fuel: u64, count: usize, save: bool| -> Result<(), Error> {
        for _ in 0..count {
            instance.set_fuel(fuel);
            let outcome = instance.resume(&[])?;
            assert!(matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Fuel), "{outcome:?}");
            if save {
                black_box(instance.save()?);
            }
        }
        Ok(())
    };
    let (fuel, mut least) = (1_000_000, 0.0);
    for _ in 0..runs {
        time(&mut least, || run(fuel, 1, false))?;
    }
    let fuel = (fuel as f64 * seconds / least) as u64;
    let mut it = Slices { memory: 1 << 20, count, ..Slices::default() };
    for _ in 0..runs {
        time(&mut it.plain, || run(fuel, count, false))?;
        time(&mut it.saved, || run(fuel, count, true))?;
    }
    Ok(it)
}

/// Measures the memory of an instance of wasmi, all of which was touched.
#[cfg(feature = "wasmi")]
fn wasmi(memory: usize, runs: usize) -> Result<Wasmi, Error> {
    use wasmi::{Engine, Linker, Memory, Module, Store};

    let engine = Engine::default();
    let module = Module::new(&engine, format!("(module (memory (export \"memory\") {}))", memory >> 16))?;
    let linker = Linker::new(&engine);
    let create = || -> Result<(Store<()>, Memory), Error> {
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        let memory = instance.get_memory(&store, "memory").ok_or("there is no memory")?;
        Ok((store, memory))
    };
    let (mut store, its_memory) = create()?;
    its_memory
        .data_mut(&mut store)
        .chunks_mut(PAGE)
        .enumerate()
        .for_each(|(number, page)| touch(page, number));
    let mut it = Wasmi { memory, ..Wasmi::default() };
    for _ in 0..runs {
        let saved = time(&mut it.save, || its_memory.data(&store).to_vec());
        let (store, again) = time(&mut it.restore, || -> Result<_, Error> {
            let (mut store, memory) = create()?;
            memory.data_mut(&mut store).copy_from_slice(&saved);
            Ok((store, memory))
        })?;
        assert!(again.data(&store) == saved);
    }
    Ok(it)
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let test = arguments.common.is_test();
    let runs = if test { 1 } else { arguments.runs.max(1) };
    let mut results = Results::default();
    for (memory, every) in
        [(0x1_0000, 16), (0x1_0000, 2), (0x1_0000, 1), (0x400_0000, 100), (0x400_0000, 2), (0x400_0000, 1)]
    {
        if !test || memory < 0x10_0000 {
            results.states.push(states(memory, every, runs)?);
        }
    }
    let numbers: String = (0..6000).map(|index| format!("{}\n", index * 7919 % 100_003)).collect();
    let words: String = (0..200_000).map(|index| if index % 7 == 0 { ' ' } else { 'a' }).collect();
    for (program, source, input) in [
        ("heapsort", include_str!("../../examples/heapsort.sil"), &numbers),
        ("wc", include_str!("../../examples/wc.sil"), &words),
        ("sha256", include_str!("../../examples/sha256.sil"), &words),
    ] {
        results.recording.push(recording(program, source, input.as_bytes(), runs)?);
    }
    let (seconds, count) = if test { (0.001, 2) } else { (0.01, 20) };
    results.slices = slices(seconds, count, runs)?;
    #[cfg(feature = "wasmi")]
    for memory in [0x1_0000, 0x400_0000] {
        if !test || memory < 0x10_0000 {
            results.wasmi.push(wasmi(memory, runs)?);
        }
    }
    println!("microseconds");
    println!(
        "memory    touched   copy    places  all     pass    save    read    restore fork    delta   restored  \
         bytes, delta"
    );
    let us = |seconds: f64| format!("{:<7.1}", seconds * 1e6);
    for it in &results.states {
        let copies = [it.copy_touched, it.copy_places, it.copy_all, it.pass];
        let times = [it.save, it.read, it.restore, it.fork, it.delta, it.restore_delta];
        let times: Vec<String> = copies.into_iter().chain(times).map(us).collect();
        println!("{:<9} {:<9} {} {}, {}", it.memory, it.touched, times.join(" "), it.saved, it.delta_bytes);
    }
    for it in &results.recording {
        let (plain, recorded) = (us(it.plain), us(it.recorded));
        println!(
            "{}: {plain} recorded {recorded} {} host calls, {} bytes",
            it.program, it.host_calls, it.log_bytes
        );
    }
    let Slices { memory, count, plain, saved } = results.slices;
    println!("{count} slices with {memory} bytes: {} with saves {}", us(plain), us(saved));
    #[cfg(feature = "wasmi")]
    for it in &results.wasmi {
        println!("wasmi, {} bytes: save {} restore {}", it.memory, us(it.save), us(it.restore));
    }
    arguments.common.write(&results)
}
