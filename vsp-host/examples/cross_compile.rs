//! Compiles a program for other machines. The code objects are files that `vsp run --code` and
//! `Module::from_object` run there.
//!
//!     cargo run --features all-targets --example cross_compile

use std::error::Error;

use vsp_core::jit::Compiler;
use vsp_core::native::{Arch, CompileOptions, Object, Target};
use vsp_core::{program::Program, text, verify::Verified};

const SOURCE: &str = "
.export area
.func area (2) -> 1
    MUL     R0, R0, R1
    RET
.end
";

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    for (arch, object) in objects()? {
        println!("{}: {} bytes", arch.name(), object.len());
    }
    Ok(())
}

/// The bytes of a code object for each architecture.
pub(crate) type Objects = Vec<(Arch, Vec<u8>)>;

/// Returns the code objects of the program for three architectures.
pub(crate) fn objects() -> Result<Objects, Box<dyn Error>> {
    let bytes = text::assemble(SOURCE, "area.sil")?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    let mut objects = Vec::new();
    for arch in [Arch::X86_64, Arch::Aarch64, Arch::Riscv64] {
        let mut compiler = Compiler::new(Target::new(arch), CompileOptions::default())?;
        let object = compiler.compile(&program)?.to_object()?;
        // A loader there checks the object like this.
        Object::read(&object)?.info().check_program(&program)?;
        objects.push((arch, object));
    }
    Ok(objects)
}
