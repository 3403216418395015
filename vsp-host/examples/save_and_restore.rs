//! Saves a program that waits for a host function, and continues it later, in another engine.
//!
//!     cargo run --example save_and_restore

use std::error::Error;
use std::sync::Arc;

use vsp_core::snapshot::Snapshot;
use vsp_core::{Caller, HostStop, Imports, Options, Outcome, program::Program, text, verify::Verified};
use vsp_host::engine::{Engine, EngineKind};

const SOURCE: &str = "
.import order.approve (2) -> 1
.export buy
.func buy (2) -> 1              ; number, price -> total, or 0 if it was not approved
    MUL     R2, R0, R1
    SYSCALL order.approve
    MUL     R0, R0, R2
    RET
.end
";

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    println!("total: {}", buy(3, 14)?);
    Ok(())
}

pub(crate) fn buy(number: u64, price: u64) -> Result<u64, Box<dyn Error>> {
    let program = text::assemble(SOURCE, "buy.sil")?;
    let saved = start(&program, number, price)?;
    println!("waiting in {} bytes", saved.len());
    finish(&program, &saved)
}

fn imports() -> Result<Imports<()>, Box<dyn Error>> {
    let mut imports = Imports::new();
    // A person approves, perhaps tomorrow.
    let approve = |_: &mut Caller<'_, ()>, _: u64, _: u64| Err::<bool, _>(HostStop::Pending);
    imports.define("order", "approve", approve)?;
    Ok(imports)
}

/// Runs the program until it waits, and returns its snapshot.
fn start(program: &[u8], number: u64, price: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let program = Verified::new(Program::read(program)?)?;
    let module = Engine::new(EngineKind::Auto)?.load(&program)?;
    let imports = imports()?;
    let mut instance = module.instantiate(&imports, (), Options::default())?;
    match instance.call_export("buy", &[number, price])? {
        Outcome::Suspended(_) => Ok(instance.save()?),
        other => Err(format!("the program does not wait: {other:?}").into()),
    }
}

/// Restores the snapshot, which may come from another process or computer, answers the host call and returns the
/// result.
fn finish(program: &[u8], saved: &[u8]) -> Result<u64, Box<dyn Error>> {
    let program = Arc::new(Verified::new(Program::read(program)?)?);
    let module = Engine::new(EngineKind::Interpreter)?.load(program)?;
    let imports = imports()?;
    let mut instance = module.restore(&imports, (), Options::default(), &Snapshot::read(saved)?)?;

    let call = instance.pending().ok_or("the program waits for a host function")?;
    println!("{}.{} {:?}", call.module, call.name, call.arguments);
    let approved = matches!(call.arguments, [number, price] if number * price < 1_000);
    match instance.resume(&[approved.into()])? {
        Outcome::Returned(results) => Ok(results[0]),
        other => Err(format!("the program did not return: {other:?}").into()),
    }
}
