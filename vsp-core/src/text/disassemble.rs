//! The disassembler. The text that it writes assembles to the same bytes.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::lexer::is_plain_name;
use crate::excerpt::is_visible;
use crate::index::Location;
use crate::isa::{Inst, MathFn, Reg, Role, StateReg};
use crate::program::{FuncType, LineEntry, NameKind, Program};

/// Disassembles a program to text.
///
/// The text contains everything that the file does, so [`assemble`](super::assemble) produces the same bytes from it,
/// even if the code breaks rules of the verifier: a word that is not an instruction is written as a number.
pub fn disassemble(program: &Program<'_>) -> String {
    let mut out = Writer { program, names: &Names::of(program), text: String::new() };
    // Writing to a string cannot fail.
    let _ = out.program();
    out.text
}

/// A listing of single instructions of a program in the form of [`disassemble`], for traces and debuggers.
///
/// ```
/// use vsp_core::index::{FuncIndex, Location};
/// let bytes = vsp_core::text::assemble(".func f (0) -> 0\nagain: LOOP R0, again\n RET\n.end\n", "f.sil").unwrap();
/// let program = vsp_core::program::Program::read(&bytes[..])?;
/// let listing = vsp_core::text::Listing::new(&program);
/// let location = Location { function: FuncIndex(0), word: 0 };
/// assert_eq!(listing.label(location).as_deref(), Some("L0"));
/// assert_eq!(listing.instruction(location).as_deref(), Some("LOOP      R0, L0"));
/// # Ok::<(), vsp_core::program::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Listing<'p> {
    program: &'p Program<'p>,
    names: Names,
    functions: Vec<Function<'p>>,
}

/// The code of a function, and the words that have a label.
#[derive(Debug)]
struct Function<'p> {
    code: &'p [[u8; 4]],
    labels: BTreeMap<u32, usize>,
}

impl<'p> Listing<'p> {
    /// Creates a listing of this program's instructions.
    pub fn new(program: &'p Program<'p>) -> Listing<'p> {
        let mut rest = program.code();
        let functions = program.functions().map(|decl| {
            let code;
            (code, rest) = rest.split_at(decl.words as usize);
            Function { code, labels: labels(code) }
        });
        let functions = functions.collect();
        Listing { program, names: Names::of(program), functions }
    }

    /// Returns the instruction at a location without surrounding whitespace, or `None` if there is no such location.
    pub fn instruction(&self, location: Location) -> Option<String> {
        let function = self.functions.get(location.function.index())?;
        let bits = u32::from_le_bytes(*function.code.get(location.word as usize)?);
        let mut out = Writer { program: self.program, names: &self.names, text: String::new() };
        // Writing to a string cannot fail.
        let _ = out.word(location.word, bits, &function.labels);
        Some(out.text.trim().into())
    }

    /// Returns the label of a location, if a branch goes there.
    pub fn label(&self, location: Location) -> Option<String> {
        let label = self.functions.get(location.function.index())?.labels.get(&location.word)?;
        Some(alloc::format!("L{label}"))
    }
}

/// The names that can be used instead of indices: those that are not empty and unique among the items of their kind.
#[derive(Debug, Default)]
struct Names {
    usable: BTreeMap<(NameKind, u32), String>,
    others: BTreeMap<(NameKind, u32), String>,
    /// The text form of each import.
    imports: Vec<String>,
}

impl Names {
    fn of(program: &Program<'_>) -> Names {
        let mut names = Names::default();
        let mut taken = BTreeSet::new();
        for name in program.names() {
            // Text after `.passive` is its contents, so that a name there cannot be in quotes.
            let is_usable = name.kind != NameKind::Passive || is_plain_name(name.name);
            let is_new = is_usable && !name.name.is_empty() && taken.insert((name.kind, name.name));
            let map = if is_new { &mut names.usable } else { &mut names.others };
            map.insert((name.kind, name.index), name.name.into());
        }
        let mut taken = BTreeSet::new();
        for (index, import) in program.imports().enumerate() {
            names.imports.push(match taken.insert((import.module, import.name)) {
                true => alloc::format!("{}.{}", Quoted(import.module), Quoted(import.name)),
                false => alloc::format!("${index}"),
            });
        }
        names
    }

    fn get(&self, kind: NameKind, index: u32) -> Option<&str> {
        self.usable.get(&(kind, index)).map(String::as_str)
    }
}

/// A name in its text form.
struct Quoted<'n>(&'n str);

impl core::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if is_plain_name(self.0) { f.write_str(self.0) } else { write_text(f, self.0.as_bytes()) }
    }
}

fn write_text(out: &mut dyn Write, bytes: &[u8]) -> core::fmt::Result {
    out.write_char('"')?;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => write!(out, "\\{character}")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                '\0' => out.write_str("\\0")?,
                it if !is_visible(it) => write!(out, "\\u{{{:x}}}", u32::from(it))?,
                it => out.write_char(it)?,
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    out.write_char('"')
}

struct Writer<'p> {
    program: &'p Program<'p>,
    names: &'p Names,
    text: String,
}

impl Writer<'_> {
    fn program(&mut self) -> core::fmt::Result {
        self.head()?;
        self.data()?;
        for custom in self.program.customs() {
            writeln!(self.text, ".custom {}", Quoted(custom.name))?;
            self.bytes(custom.bytes)?;
        }
        for export in self.program.exports() {
            write!(self.text, ".export {}", Quoted(export.name))?;
            match self.names.get(NameKind::Function, export.function.0) {
                Some(name) if name == export.name => writeln!(self.text)?,
                Some(name) => writeln!(self.text, " = {}", Quoted(name))?,
                None => writeln!(self.text, " = ${}", export.function)?,
            }
        }
        for ((kind, index), name) in &self.names.others {
            let kind = match kind {
                NameKind::Function => "function",
                NameKind::Global => "global",
                NameKind::Data => "data",
                NameKind::Passive => "passive",
            };
            write!(self.text, ".name {kind} {index} ")?;
            write_text(&mut self.text, name.as_bytes())?;
            writeln!(self.text)?;
        }
        self.functions()
    }

    fn head(&mut self) -> core::fmt::Result {
        let (minimum, maximum) = (self.program.memory_minimum(), self.program.memory_maximum());
        match maximum > minimum {
            true => writeln!(self.text, ".memory {minimum}, {maximum}")?,
            false => writeln!(self.text, ".memory {minimum}")?,
        }
        for import in self.program.imports() {
            writeln!(self.text, ".import {}.{} {}", Quoted(import.module), Quoted(import.name), import.ty)?;
        }
        for (index, initial) in (0..).zip(self.program.globals()) {
            write!(self.text, ".global ")?;
            if let Some(name) = self.names.get(NameKind::Global, index) {
                write!(self.text, "{} ", Quoted(name))?;
            }
            writeln!(self.text, "= {}", initial as i64)?;
        }
        for (index, value) in self.program.constants().iter().enumerate() {
            writeln!(
                self.text,
                ".const = {:<26}; ${index}",
                alloc::format!("0x{:X}", u64::from_le_bytes(*value))
            )?;
        }
        if self.program.lines().next().is_none() {
            return writeln!(self.text, ".lines none");
        }
        writeln!(self.text, ".lines explicit")?;
        for file in self.program.source_files() {
            write!(self.text, ".file ")?;
            write_text(&mut self.text, file.as_bytes())?;
            writeln!(self.text)?;
        }
        Ok(())
    }

    fn data(&mut self) -> core::fmt::Result {
        for (index, segment) in (0..).zip(self.program.data()) {
            write!(self.text, ".data ")?;
            if let Some(name) = self.names.get(NameKind::Data, index) {
                write!(self.text, "{} ", Quoted(name))?;
            }
            writeln!(self.text, "@ 0x{:X}", segment.address)?;
            self.bytes(segment.bytes)?;
        }
        for (index, bytes) in (0..).zip(self.program.passive()) {
            write!(self.text, ".passive")?;
            if let Some(name) = self.names.get(NameKind::Passive, index) {
                write!(self.text, " {}", Quoted(name))?;
            }
            writeln!(self.text)?;
            self.bytes(bytes)?;
        }
        Ok(())
    }

    /// Writes bytes: text as strings, everything else as numbers.
    fn bytes(&mut self, bytes: &[u8]) -> core::fmt::Result {
        let readable = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')).count();
        if readable * 8 >= bytes.len() * 7 {
            for line in bytes.split_inclusive(|byte| *byte == b'\n').flat_map(|line| line.chunks(64)) {
                write!(self.text, "    .string ")?;
                write_text(&mut self.text, line)?;
                writeln!(self.text)?;
            }
            return Ok(());
        }
        for line in bytes.chunks(16) {
            write!(self.text, "    .u8 ")?;
            for (index, byte) in line.iter().enumerate() {
                write!(self.text, "{}0x{byte:02X}", if index == 0 { "" } else { ", " })?;
            }
            writeln!(self.text)?;
        }
        Ok(())
    }

    fn functions(&mut self) -> core::fmt::Result {
        let mut start = 0;
        let mut lines = self.program.lines().peekable();
        let mut source: Option<LineEntry> = None;
        for (index, decl) in (0..).zip(self.program.functions()) {
            writeln!(self.text)?;
            write!(self.text, ".func ")?;
            if let Some(name) = self.names.get(NameKind::Function, index) {
                write!(self.text, "{} ", Quoted(name))?;
            }
            writeln!(self.text, "{:<40}; ${index}", alloc::format!("{}", decl.ty))?;
            if decl.locals > 0 {
                writeln!(self.text, "    .locals {}", decl.locals)?;
            }
            let code = &self.program.code()[start as usize..][..decl.words as usize];
            let labels = labels(code);
            for (word, bytes) in (0..).zip(code) {
                let file = source.map(|entry| entry.file);
                let entry = lines.next_if(|entry| entry.word == start + word);
                source = entry.or(source);
                // Every function starts with an explicit line, since it does not inherit one.
                match source {
                    Some(source) if word == 0 || (entry.is_some() && file != Some(source.file)) => {
                        writeln!(self.text, "    .line ${} {}", source.file, source.line)?;
                    }
                    Some(source) if entry.is_some() => writeln!(self.text, "    .line {}", source.line)?,
                    _ => {}
                }
                if let Some(label) = labels.get(&word) {
                    writeln!(self.text, "L{label}:")?;
                }
                self.word(word, u32::from_le_bytes(*bytes), &labels)?;
            }
            writeln!(self.text, ".end")?;
            start += decl.words;
        }
        Ok(())
    }

    fn word(&mut self, word: u32, bits: u32, labels: &BTreeMap<u32, usize>) -> core::fmt::Result {
        let inst = match Inst::decode(bits) {
            Ok(inst) if target(word, inst).is_none_or(|target| labels.contains_key(&target)) => inst,
            _ => return writeln!(self.text, "    .word 0x{bits:08X}"),
        };
        let start = self.text.len();
        write!(self.text, "    {:<9}", inst.op().mnemonic())?;
        let unary = inst.math().is_some_and(|function| !function.is_binary());
        let mut in_brackets = false;
        for (position, (operand, value)) in inst.operands().enumerate() {
            match operand.role {
                Role::FSrc2 if unary => break,
                Role::Disp => {
                    match value {
                        0 => write!(self.text, "]")?,
                        1.. => write!(self.text, " + {value}]")?,
                        _ => write!(self.text, " - {}]", value.unsigned_abs())?,
                    }
                    in_brackets = false;
                    continue;
                }
                _ if in_brackets => {
                    let scale = operand.role.index_scale().unwrap_or(0);
                    write!(self.text, " + {}", Reg::from_low_bits(value as u32))?;
                    if scale > 0 {
                        write!(self.text, "*{}", 1 << scale)?;
                    }
                    continue;
                }
                _ => {}
            }
            write!(self.text, "{}", if position == 0 { " " } else { ", " })?;
            in_brackets = operand.role == Role::Base;
            self.operand(operand.role, value, target(word, inst).and_then(|target| labels.get(&target)))?;
        }
        self.comment(inst, start)?;
        let trimmed = self.text.trim_end_matches(' ').len();
        self.text.truncate(trimmed);
        writeln!(self.text)
    }

    fn operand(&mut self, role: Role, value: i32, label: Option<&usize>) -> core::fmt::Result {
        let number = value as u32;
        match role {
            Role::Base => write!(self.text, "[{}", Reg::from_low_bits(number)),
            Role::Target => write!(self.text, "L{}", label.copied().unwrap_or_default()),
            Role::Func => match self.names.get(NameKind::Function, number) {
                Some(name) => write!(self.text, "{}", Quoted(name)),
                None => write!(self.text, "${number}"),
            },
            Role::Global => match self.names.get(NameKind::Global, number) {
                Some(name) => write!(self.text, "{}", Quoted(name)),
                None => write!(self.text, "${number}"),
            },
            Role::Segment => match self.names.get(NameKind::Passive, number) {
                Some(name) => write!(self.text, "{}", Quoted(name)),
                None => write!(self.text, "${number}"),
            },
            Role::Import => match self.names.imports.get(number as usize) {
                Some(name) => write!(self.text, "{name}"),
                None => write!(self.text, "${number}"),
            },
            Role::Const => write!(self.text, "${number}"),
            Role::Math => {
                write!(self.text, "{}", MathFn::from_number(number).map_or("?", MathFn::name))
            }
            Role::Type => match FuncType::from_bits(number) {
                Some(ty) => write!(self.text, "{ty}"),
                None => write!(self.text, "{number}"),
            },
            role if role.register_access().is_some() => write!(self.text, "{}", Reg::from_low_bits(number)),
            role if role.state_access().is_some() => {
                write!(self.text, "{}", StateReg::from_low_bits(number))
            }
            _ => write!(self.text, "{value}"),
        }
    }

    /// Writes the value of a constant as a comment, which the instruction itself does not contain.
    fn comment(&mut self, inst: Inst, start: usize) -> core::fmt::Result {
        let Some(index) = inst.value_of(Role::Const) else { return Ok(()) };
        let Some(value) = self.program.constants().get(index as usize) else { return Ok(()) };
        let bits = u64::from_le_bytes(*value);
        let width = self.text.len() - start;
        let pad = 36usize.saturating_sub(width);
        let float = f64::from_bits(bits);
        match bits {
            // The integer would be unreadable, so write the floating-point number.
            _ if float.is_normal() && (1e-30..1e30).contains(&float.abs()) => {
                write!(self.text, "{:pad$}; {float:?}", "")
            }
            0x8000_0000_0000_0000 => write!(self.text, "{:pad$}; {} or -0.0", "", bits as i64),
            _ => write!(self.text, "{:pad$}; {}", "", bits as i64),
        }
    }
}

/// Returns the target of a branch at `word`, if it is a branch and its target is a word at all.
fn target(word: u32, inst: Inst) -> Option<u32> {
    let displacement = inst.value_of(Role::Target)?;
    // The target is outside every function: no word has this label.
    Some(u32::try_from(i64::from(word) + 1 + i64::from(displacement)).unwrap_or(u32::MAX))
}

/// Returns the words that are branch targets, numbered in code order.
fn labels(code: &[[u8; 4]]) -> BTreeMap<u32, usize> {
    let words = code.len() as u32;
    let targets: BTreeSet<u32> = (0..)
        .zip(code)
        .filter_map(|(word, bytes)| target(word, Inst::decode(u32::from_le_bytes(*bytes)).ok()?))
        .filter(|target| *target < words)
        .collect();
    targets.into_iter().zip(0..).collect()
}
