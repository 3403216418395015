//! The `.sil` text form of programs (`docs/isa.md`, section 11): assembler and disassembler.
//!
//! The assembler makes two passes over a text: the first collects the directives, which define all names (`declare`),
//! the second assembles the bodies of the functions (`body`).

mod body;
mod declare;
mod diagnostic;
mod disassemble;
mod expression;
mod format;
mod items;
mod lexer;
mod memory;
mod names;
mod shorthand;

pub use diagnostic::{AssemblyErrors, Diagnostic, most_similar};
pub use disassemble::{Listing, disassemble};
pub use expression::Number;
pub use format::format;
pub use shorthand::mnemonics;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::Limits;
use diagnostic::Diagnostics;

/// Assembles the text of a program to the bytes of its `.silc` file. `file_name` is recorded as the source file of its
/// lines.
///
/// ```
/// let text = ".export double\n.func double (1) -> 1\n ADD R0, R0\n RET\n.end\n";
/// let bytes = vsp_core::text::assemble(text, "double.sil")?;
/// let program = vsp_core::program::Program::read(&bytes[..])?;
/// assert!(vsp_core::text::disassemble(&program).contains("ADD"));
///
/// let errors = vsp_core::text::assemble(".func f (0) -> 0\n  JMQ out\n.end\n", "f.sil").unwrap_err();
/// assert_eq!((errors[0].line, errors[0].column), (2, 3));
/// assert!(errors.to_string().starts_with("f.sil: line 2, column 3: there is no instruction `JMQ`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// All errors in the text, up to [`MAX_ASSEMBLY_ERRORS`](crate::limits::MAX_ASSEMBLY_ERRORS), in line order.
pub fn assemble(text: &str, file_name: &str) -> Result<Vec<u8>, AssemblyErrors> {
    assemble_limited(text, file_name, &Limits::DEFAULT)
}

/// Assembles a text like [`assemble`], with other limits.
///
/// # Errors
/// As [`assemble`], or the program exceeds the limits.
pub fn assemble_limited(text: &str, file_name: &str, limits: &Limits) -> Result<Vec<u8>, AssemblyErrors> {
    build(text, file_name, limits).map(|(bytes, _)| bytes)
}

/// Returns the names that a text defines and never uses: labels, numbers, constants, data, spaces, globals, imports and
/// functions, in line order. A name that starts with `_` is not reported, nor is a function in a text with a CALLR.
///
/// ```
/// let text = ".export f\n.equ ten = 10\n.func f (0) -> 0\nagain: _here: RET\n.end\n";
/// let unused = vsp_core::text::unused(text).unwrap();
/// let names: Vec<&str> = unused.iter().map(|found| &text[found.span.clone()]).collect();
/// assert_eq!(names, ["ten", "again"]);
/// ```
///
/// # Errors
/// As [`assemble`].
pub fn unused(text: &str) -> Result<Vec<Diagnostic>, AssemblyErrors> {
    build(text, "", &Limits::DEFAULT).map(|(_, diagnostics)| diagnostics.unused())
}

/// Returns the values of the names defined by `.equ`, `.data` and `.space`: numbers and addresses. A program does not
/// contain these names; only its text does.
///
/// ```
/// use vsp_core::text::Number;
/// let numbers = vsp_core::text::numbers(".equ SIZE = 16\n.space buffer @ 64 SIZE\n").unwrap();
/// assert_eq!(numbers["SIZE"], Number::Int(16));
/// assert_eq!(numbers["buffer"], Number::Int(64));
/// ```
///
/// # Errors
/// The directives of the text have errors. (The bodies of its functions are not checked.)
pub fn numbers(text: &str) -> Result<BTreeMap<String, Number>, AssemblyErrors> {
    let mut diagnostics = Diagnostics::new(text);
    let declared = declare::declare(text, "", &Limits::DEFAULT, &mut diagnostics);
    diagnostics.finish("")?;
    Ok(declared.values.into_values().collect())
}

fn build<'t>(
    text: &'t str,
    file_name: &str,
    limits: &Limits,
) -> Result<(Vec<u8>, Diagnostics<'t>), AssemblyErrors> {
    let mut diagnostics = Diagnostics::new(text);
    let declared = declare::declare(text, file_name, limits, &mut diagnostics);
    let builder = body::assemble(declared, &mut diagnostics);
    let diagnostics = diagnostics.finish(file_name)?;
    match builder.build_limited(limits) {
        Ok(bytes) => Ok((bytes, diagnostics)),
        Err(error) => Err(AssemblyErrors::new(file_name, alloc::vec![Diagnostic::of_whole_text(&error)])),
    }
}
