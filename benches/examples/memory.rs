//! How much memory a process needs at most that interprets a program, beside one that does nothing. On Linux only.
//!
//!     cargo run --release -p vsp-benches --example memory
//!
//! Both are this program again, with the bytes of the program in VSP as their input.

use std::error::Error;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, text};

const FIB: &str = include_str!("../kernels/fib.sil");

/// The argument, and the answer to it.
const ARGUMENT: u64 = 20;
const ANSWER: u64 = 6765;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(task) = std::env::args().nth(1) else { return compare() };
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    match task.as_str() {
        "nothing" => {}
        "fib" => interpret(&bytes)?,
        other => return Err(format!("there is no task {other}").into()),
    }
    println!("{}", peak()?);
    Ok(())
}

fn interpret(bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let program = Verified::new(Program::read(bytes)?)?;
    let imports = Imports::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default())?;
    match instance.call_export("run", &[ARGUMENT])? {
        Outcome::Returned(values) if values[..] == [ANSWER] => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// The most memory that this process has had, in KiB.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("there is no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn compare() -> Result<(), Box<dyn Error>> {
    let bytes = text::assemble(FIB, "fib.sil").map_err(|errors| format!("{errors:?}"))?;
    let [nothing, fib] = [least("nothing", &bytes)?, least("fib", &bytes)?];
    println!("a process that does nothing: {nothing} KiB");
    println!("one that interprets fib({ARGUMENT}): {fib} KiB, which is {} more", fib.saturating_sub(nothing));
    Ok(())
}

/// The least of some processes, since it differs by a few pages.
fn least(task: &str, input: &[u8]) -> Result<u64, Box<dyn Error>> {
    let mut least = u64::MAX;
    for _ in 0..9 {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(task).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().ok_or("it has an input")?.write_all(input)?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("{task} fails").into());
        }
        least = least.min(String::from_utf8(output.stdout)?.trim().parse()?);
    }
    Ok(least)
}
