//! What the compiler makes of functions, as text: what the snapshots hold.

use std::fmt::Write;

use vsp_core::index::FuncIndex;
use vsp_core::jit::{Compiler, Listing, Target};
use vsp_core::program::{NameKind, Program};
use vsp_core::verify::Verified;
use vsp_host::native::CompileOptions;

/// Texts of one thing that was made in several ways; those that are the same are there once.
#[derive(Debug, Default)]
pub struct Versions(Vec<(Vec<&'static str>, String)>);

impl Versions {
    /// Adds what was made in the way of this name.
    pub fn add(&mut self, way: &'static str, text: String) {
        match self.0.iter_mut().find(|(_, known)| *known == text) {
            Some((ways, _)) => ways.push(way),
            None => self.0.push((vec![way], text)),
        }
    }

    /// The texts, each with the ways that it was made in, if that is not all of them.
    pub fn text(&self) -> String {
        if let [(_, text)] = &self.0[..] {
            return text.clone();
        }
        self.0.iter().fold(String::new(), |mut out, (ways, text)| {
            let _ = writeln!(out, "-- {}\n{text}", ways.join(", "));
            out
        })
    }
}

/// What the compiler makes of a function.
///
/// # Errors
/// The program cannot be compiled, or has no such function.
pub fn listing(
    program: &Verified<'_>,
    function: FuncIndex,
    target: &Target,
    options: CompileOptions,
) -> Result<Listing, String> {
    let options = CompileOptions { check_ir: true, ..options };
    let mut compiler = Compiler::new(target.clone(), options).map_err(|error| error.to_string())?;
    let listing = compiler.listing(program, function).map_err(|error| error.to_string())?;
    listing.ok_or_else(|| format!("there is no function {function}"))
}

/// The functions of a program with their debug names.
pub fn named_functions<'p>(program: &'p Program<'_>) -> impl Iterator<Item = (FuncIndex, &'p str)> {
    let names = program.names().filter(|name| name.kind == NameKind::Function);
    names.map(|name| (FuncIndex(name.index), name.name))
}

/// The code of function number `index` of a disassembled program, without source lines.
pub fn function_text(disassembly: &str, index: FuncIndex) -> String {
    let body = disassembly.split(".func ").nth(index.0 as usize + 1).unwrap_or_default();
    let lines = body.lines().skip(1).take_while(|line| *line != ".end");
    let lines = lines.filter(|line| !line.trim_start().starts_with(".line "));
    lines.fold(String::new(), |text, line| text + line.trim() + "\n")
}
