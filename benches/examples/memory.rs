//! How much memory a process needs at most that interprets a program, beside one that does nothing. On Linux only.
//!
//!     cargo run --profile size -p vsp-benches --example memory
//!
//! The profile `size` is for those who want little memory: with `--release` there is the threaded interpreter, whose handlers are large.
//! Both are this program again, with the bytes of the program in VSP as their input. What a process has is said in two ways: at
//! most and in all, and what is its own and not pages of its file, of which the system maps many around each that is needed.

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

/// How many processes of each kind are started.
const PROCESSES: usize = 1001;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(task) = std::env::args().nth(1) else { return compare() };
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let own = match task.as_str() {
        "nothing" => status("RssAnon:")?,
        "fib" => interpret(&bytes)?,
        other => return Err(format!("there is no task {other}").into()),
    };
    println!("{} {own}", status("VmHWM:")?);
    Ok(())
}

/// Interprets the program, and gives what the process has of its own while the instance is there.
fn interpret(bytes: &[u8]) -> Result<u64, Box<dyn Error>> {
    let program = Verified::new(Program::read(bytes)?)?;
    let imports = Imports::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default())?;
    match instance.call_export("run", &[ARGUMENT])? {
        Outcome::Returned(values) if values[..] == [ANSWER] => status("RssAnon:"),
        other => Err(format!("{other:?}").into()),
    }
}

/// What the system says of this process, in KiB.
fn status(what: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).ok_or("the system does not say it")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn compare() -> Result<(), Box<dyn Error>> {
    let bytes = text::assemble(FIB, "fib.sil")?;
    let (nothing, own_nothing) = medians("nothing", &bytes)?;
    let (fib, own_fib) = medians("fib", &bytes)?;
    let more = |fib: u64, nothing: u64| fib as i64 - nothing as i64;
    println!("a process that does nothing: {nothing} KiB, of which {own_nothing} are its own");
    println!("one that interprets fib({ARGUMENT}): {fib} KiB, of which {own_fib} are its own");
    println!("that is {} KiB more, and {} of its own", more(fib, nothing), more(own_fib, own_nothing));
    Ok(())
}

/// The medians of what some processes have in all, and of their own. Where the system places a file in a process is chosen at
/// random, and with it which pages come with those that are needed: they differ by 200 KiB.
fn medians(task: &str, input: &[u8]) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut all, mut own) = (Vec::new(), Vec::new());
    for _ in 0..PROCESSES {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(task).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().ok_or("it has an input")?.write_all(input)?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("{task} fails").into());
        }
        let output = String::from_utf8(output.stdout)?;
        let numbers = output.trim().split_once(' ').ok_or("it prints two numbers")?;
        all.push(numbers.0.parse()?);
        own.push(numbers.1.parse()?);
    }
    let median = |mut numbers: Vec<u64>| *numbers.select_nth_unstable(PROCESSES / 2).1;
    Ok((median(all), median(own)))
}
