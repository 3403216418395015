//! Measures the peak memory of a process that interprets a program, compared with one that does nothing. On Linux only.
//!
//!     cargo run --profile size -p vsp-benches --example memory
//!
//! The profile `size` is for users who want little memory: `--release` has the threaded interpreter, whose handlers are
//! large. Both processes are this program again, with the bytes of the VSP program as input. Memory is reported in two
//! ways: the peak resident set, and the private part without pages of the executable, of which the system maps many
//! around each one that is needed.

use std::error::Error;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, text};

const FIB: &str = include_str!("../kernels/fib.sil");

/// The argument and its answer.
const ARGUMENT: u64 = 20;
const ANSWER: u64 = 6765;

/// Number of processes of each sort.
const PROCESSES: usize = 1001;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(task) = std::env::args().nth(1) else { return compare() };
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let private = match task.as_str() {
        "nothing" => status("RssAnon:")?,
        "fib" => interpret(&bytes)?,
        other => return Err(format!("unknown task {other}").into()),
    };
    println!("{} {private}", status("VmHWM:")?);
    Ok(())
}

/// Interprets the program, and returns the private memory of the process while the instance exists.
fn interpret(bytes: &[u8]) -> Result<u64, Box<dyn Error>> {
    let program = Verified::new(Program::read(bytes)?)?;
    let imports = Imports::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default())?;
    match instance.call_export("run", &[ARGUMENT])? {
        Outcome::Returned(values) if values[..] == [ANSWER] => status("RssAnon:"),
        other => Err(format!("{other:?}").into()),
    }
}

/// Returns a field of the status of this process, in KiB.
fn status(what: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix(what)).ok_or("/proc/self/status lacks the field")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn compare() -> Result<(), Box<dyn Error>> {
    let bytes = text::assemble(FIB, "fib.sil")?;
    let (nothing, private_nothing) = medians("nothing", &bytes)?;
    let (fib, private_fib) = medians("fib", &bytes)?;
    let difference = |fib: u64, nothing: u64| fib as i64 - nothing as i64;
    println!("a process that does nothing: {nothing} KiB, {private_nothing} of them private");
    println!("one that interprets fib({ARGUMENT}): {fib} KiB, {private_fib} of them private");
    println!(
        "difference: {} KiB, {} of them private",
        difference(fib, nothing),
        difference(private_fib, private_nothing)
    );
    Ok(())
}

/// Returns the medians of the peak and of the private memory of some processes. The system chooses the addresses of a
/// process at random, and with them the pages mapped around those that are needed: the peaks vary by 200 KiB.
fn medians(task: &str, input: &[u8]) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut all, mut own) = (Vec::new(), Vec::new());
    for _ in 0..PROCESSES {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(task).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().ok_or("the child has no input")?.write_all(input)?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("{task} fails").into());
        }
        let output = String::from_utf8(output.stdout)?;
        let numbers = output.trim().split_once(' ').ok_or("the child does not print two numbers")?;
        all.push(numbers.0.parse()?);
        own.push(numbers.1.parse()?);
    }
    let median = |mut numbers: Vec<u64>| *numbers.select_nth_unstable(PROCESSES / 2).1;
    Ok((median(all), median(own)))
}
