//! Assembles a program, loads it and calls a function with Rust types:
//!
//!     cargo run --example minimal

use std::error::Error;

use vsp_core::{Imports, Options, program::Program, text, verify::Verified};
use vsp_host::engine::{Engine, EngineKind};

const SOURCE: &str = "
.export area
.func area (2) -> 1             ; width, height -> area
    MUL     R0, R0, R1
    RET
.end
";

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    println!("area: {}", area(6, 7)?);
    Ok(())
}

pub(crate) fn area(width: u64, height: u64) -> Result<u64, Box<dyn Error>> {
    let bytes = text::assemble(SOURCE, "area.sil")?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    let module = Engine::new(EngineKind::Auto)?.load(&program)?;

    let imports = Imports::new();
    let mut instance = module.instantiate(&imports, (), Options::default())?;
    let area = instance.typed::<(u64, u64), u64>("area")?;
    Ok(area.call(&mut instance, (width, height))?)
}
