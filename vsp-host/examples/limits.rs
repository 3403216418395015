//! Limits an untrusted program: memory, stack, instructions and time.
//!
//!     cargo run --example limits

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vsp_core::{Imports, Options, Outcome, Reason, Trap, program::Program, text, verify::Verified};
use vsp_host::engine::{Engine, EngineKind, Module};

const SOURCE: &str = "
.export spin
.export recurse
.func spin (0) -> 0             ; never returns
again:
    JMP     again
.end
.func recurse (0) -> 0          ; calls itself without end
    CALL    recurse
    RET
.end
";

/// Largest memory in bytes that a program may ask for.
const MAX_MEMORY: u64 = 1 << 20;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let module = load()?;
    println!("instructions: {}", instructions(&module)?);
    println!("time: {}", time(&module)?);
    println!("stack: {}", stack(&module)?);
    Ok(())
}

pub(crate) fn load() -> Result<Module<'static>, Box<dyn Error>> {
    let bytes = text::assemble(SOURCE, "stranger.sil")?;
    let program = Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes))?)?);
    if program.program().memory_minimum() > MAX_MEMORY {
        return Err("the program asks for too much memory".into());
    }
    Ok(Engine::new(EngineKind::Auto)?.load(program)?)
}

/// Gives the program 1,000 units of fuel twice.
pub(crate) fn instructions(module: &Module<'static>) -> Result<Reason, Box<dyn Error>> {
    let options = Options { fuel: Some(1_000), ..Options::default() };
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), options)?;
    let mut outcome = instance.call_export("spin", &[])?;
    if matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Fuel) {
        instance.add_fuel(1_000);
        outcome = instance.resume(&[])?;
    }
    suspended(outcome)
}

/// Interrupts the program from another thread after 20 ms.
pub(crate) fn time(module: &Module<'static>) -> Result<Reason, Box<dyn Error>> {
    let flag = Arc::new(AtomicBool::new(false));
    let options = Options { interrupt: Some(flag.clone().into()), ..Options::default() };
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), options)?;
    let timer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        flag.store(true, Ordering::Relaxed);
    });
    let outcome = instance.call_export("spin", &[])?;
    timer.join().map_err(|_| "the timer panicked")?;
    suspended(outcome)
}

fn suspended(outcome: Outcome) -> Result<Reason, Box<dyn Error>> {
    match outcome {
        Outcome::Suspended(suspension) => Ok(suspension.reason),
        other => Err(format!("the program ended: {other:?}").into()),
    }
}

/// Gives the program a stack of 8 KiB.
pub(crate) fn stack(module: &Module<'static>) -> Result<Trap, Box<dyn Error>> {
    let options = Options { stack_cells: Some(1_024), ..Options::default() };
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), options)?;
    match instance.call_export("recurse", &[])? {
        Outcome::Trapped(trapped) => Ok(trapped.trap),
        other => Err(format!("the program did not trap: {other:?}").into()),
    }
}
