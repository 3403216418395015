//! Formatting of values, memory, source lines and code.

use std::fmt::Write;

use vsp_core::complex::State;
use vsp_core::index::Location;
use vsp_core::isa::{Reg, StateReg};

use crate::code::{Code, Line};
use crate::style::{CURRENT, paint};
use crate::value::likely_float;

/// Number of bytes in a line of a memory dump.
const DUMP_BYTES: usize = 16;

/// Formats registers, one per line, in hexadecimal and decimal and, if that is likely, as binary64. Zeros are
/// summarised.
pub(crate) fn registers(values: &[u64; 16]) -> String {
    named_values(Reg::ALL.iter().map(|reg| reg.to_string()).zip(values.iter().copied()))
}

/// Formats state registers, one per line, layer 0 first. NULLs are summarised.
pub(crate) fn states(values: &[[u64; 2]]) -> String {
    let mut out = String::new();
    let (mut shown, mut nulls) = (0, 0);
    for (state, halves) in StateReg::all().zip(values) {
        if *halves == [0, 0] {
            nulls += 1;
            continue;
        }
        shown += 1;
        let layers = State::from_halves(*halves).to_bytes();
        let _ = writeln!(out, "{:<4}  {}", state.to_string(), bytes(&layers));
    }
    out + &others(shown, nulls, "NULL")
}

/// Formats values with their names.
pub(crate) fn named_values(values: impl Iterator<Item = (String, u64)>) -> String {
    let mut out = String::new();
    let (mut shown, mut zeros) = (0, 0);
    for (name, bits) in values {
        if bits == 0 {
            zeros += 1;
            continue;
        }
        shown += 1;
        let float = likely_float(bits).map_or_else(String::new, |float| format!("  {float:?}"));
        let _ = writeln!(out, "{name:<4}  0x{bits:016x}  {}{float}", bits as i64);
    }
    out + &others(shown, zeros, "0")
}

/// Summarises values that are not shown because all of them are `what`.
fn others(shown: u32, left_out: u32, what: &str) -> String {
    match (shown, left_out) {
        (_, 0) => String::new(),
        (0, _) => format!("all are {what}\n"),
        (_, 1) => format!("the other one is {what}\n"),
        (_, count) => format!("the other {count} are {what}\n"),
    }
}

/// Formats bytes: `01 02 ff`.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

/// Formats a memory dump, 16 bytes per line, with their ASCII characters.
pub(crate) fn memory(memory: &[u8], address: usize) -> String {
    let mut out = String::new();
    for (index, line) in memory.chunks(DUMP_BYTES).enumerate() {
        let readable = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
        let text: String = line.iter().map(readable).collect();
        let at = address + index * DUMP_BYTES;
        let _ = writeln!(out, "0x{at:08x}  {:<47}  |{text}|", bytes(line));
    }
    out
}

/// Returns the mark in front of a line: an arrow at the current location, and a star at a breakpoint.
pub(crate) fn mark(is_here: bool, has_breakpoint: bool) -> &'static str {
    match (is_here, has_breakpoint) {
        (true, true) => "=>*",
        (true, false) => "=> ",
        (false, true) => "  *",
        (false, false) => "   ",
    }
}

/// Styles a line as the current one, if its mark says so.
fn current(mark: &str, line: &str) -> String {
    if mark.starts_with("=>") { paint(CURRENT, line) } else { line.to_owned() }
}

/// Formats a source line, if it is available.
pub(crate) fn source_line(code: &Code<'_>, line: Line, mark: &str) -> Option<String> {
    let shown = format!("{mark}{:>5}  {}", line.line, code.shown_source(line)?);
    Some(current(mark, shown.trim_end()) + "\n")
}

/// Formats the source line of a location; if it is not available, the instruction.
pub(crate) fn location(code: &Code<'_>, location: Location, mark: &str) -> String {
    let source = code.line(location).and_then(|line| source_line(code, line, mark));
    source.unwrap_or_else(|| instruction(code, location, mark))
}

/// Formats the instruction at a location, with its word.
pub(crate) fn instruction(code: &Code<'_>, location: Location, mark: &str) -> String {
    let text = code.instruction(location).unwrap_or_default();
    current(mark, &format!("{mark}{:>5}  {text}", format!("+{}", location.word))) + "\n"
}
