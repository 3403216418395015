//! Compiler output as text, for the snapshots.

use std::fmt::Write;

use vsp_core::index::FuncIndex;
use vsp_core::jit::{Compiler, Listing, Target};
use vsp_core::program::{NameKind, Program};
use vsp_core::verify::Verified;
use vsp_host::native::CompileOptions;

/// The texts of one item in several configurations; equal texts are kept once.
#[derive(Debug, Default)]
pub struct Versions(Vec<(Vec<&'static str>, String)>);

impl Versions {
    /// Adds the text made in the configuration of this name.
    pub fn add(&mut self, configuration: &'static str, text: String) {
        match self.0.iter_mut().find(|(_, known)| *known == text) {
            Some((configurations, _)) => configurations.push(configuration),
            None => self.0.push((vec![configuration], text)),
        }
    }

    /// Returns the texts, each headed by its configurations unless all give the same text.
    pub fn text(&self) -> String {
        if let [(_, text)] = &self.0[..] {
            return text.clone();
        }
        self.0.iter().fold(String::new(), |mut out, (configurations, text)| {
            let _ = writeln!(out, "-- {}\n{text}", configurations.join(", "));
            out
        })
    }
}

/// Compiles a function and returns the compiler's listing of it.
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
    let listing = listing.ok_or_else(|| format!("there is no function {function}"))?;
    Ok(Listing { clif: narrow(&listing.named_clif()), ..listing })
}

/// Reduces the indentation of CLIF. A line that comes from a word of the program begins with the word's number.
fn narrow(clif: &str) -> String {
    let mut out = String::new();
    for line in clif.lines() {
        let word = line.strip_prefix('@').and_then(|line| line.split_once(' '));
        let word = word.and_then(|(word, rest)| Some((u32::from_str_radix(word, 16).ok()?, rest)));
        let text = line.trim_start();
        let _ = match word {
            Some((word, rest)) => writeln!(out, "{word:4}  {}", rest.trim_start()),
            None if text.len() + INDENTATION < line.len() => writeln!(out, "      {text}"),
            None if text.len() + INDENTATION == line.len() => writeln!(out, "{text}"),
            None => writeln!(out, "{line}"),
        };
    }
    out
}

/// Width of the column before block names, in which CLIF prints source locations.
const INDENTATION: usize = 32;

/// Returns the functions of a program that have debug names.
pub fn named_functions<'p>(program: &'p Program<'_>) -> impl Iterator<Item = (FuncIndex, &'p str)> {
    let names = program.names().filter(|name| name.kind == NameKind::Function);
    names.map(|name| (FuncIndex(name.index), name.name))
}

/// Returns the code of function `index` of a disassembled program: with word numbers, without `.line`.
pub fn function_text(disassembly: &str, index: FuncIndex) -> String {
    let body = disassembly.split(".func ").nth(index.0 as usize + 1).unwrap_or_default();
    let lines = body.lines().map(str::trim).skip(1).take_while(|line| *line != ".end");
    let mut words = 0;
    let mut out = String::new();
    for line in lines.filter(|line| !line.starts_with(".line ")) {
        let _ = if line.ends_with(':') || line.starts_with(".locals") {
            writeln!(out, "      {line}")
        } else {
            words += 1;
            writeln!(out, "{:4}  {line}", words - 1)
        };
    }
    out
}
