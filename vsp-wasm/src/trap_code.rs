//! The numbers of TRAP for the traps of WebAssembly that are not traps of VSP.
//!
//! Others are traps of VSP: MemoryOutOfBounds, DivideByZero, StackOverflow, and BadIndirectCall for an indirect call of
//! a function with another type, or through a table without memory of its own beyond its end or of a null element.

use core::fmt::{self, Display};

use alloc::string::ToString;

use vsp_core::{Instance, Trap, Trapped};

/// `unreachable` was executed.
pub const UNREACHABLE: u32 = 0;
/// A signed division overflowed, or a number does not fit the integer that it is truncated to.
pub const INTEGER_OVERFLOW: u32 = 1;
/// A NaN was truncated to an integer.
pub const INVALID_CONVERSION: u32 = 2;
/// An access beyond the end of a table or of an element segment.
pub const TABLE_BOUNDS: u32 = 3;
/// An indirect call of a null element.
pub const NULL_ELEMENT: u32 = 4;

/// Returns the name of the trap of WebAssembly that a TRAP with this number stands for, in a program that was
/// translated, or `None` for other numbers.
///
/// ```
/// use vsp_wasm::{trap_code, trap_name};
///
/// assert_eq!(trap_name(trap_code::UNREACHABLE), Some("unreachable"));
/// assert_eq!(trap_name(1_000), None);
/// ```
pub fn trap_name(code: u32) -> Option<&'static str> {
    Some(match code {
        UNREACHABLE => "unreachable",
        INTEGER_OVERFLOW => "integer overflow",
        INVALID_CONVERSION => "invalid conversion to integer",
        TABLE_BOUNDS => "out of bounds of a table or segment",
        NULL_ELEMENT => "call of a null element",
        _ => return None,
    })
}

/// Returns a display of the trap that ended the last call, as [`Instance::trap_report`], with the name of a trap of
/// WebAssembly in place of its number:
///
/// ```text
/// unreachable
///   at function divide, word 2 (calc.rs:9)
/// ```
pub fn trap_report<S>(instance: &Instance<'_, S>, trapped: &Trapped) -> impl Display {
    fmt::from_fn(|f| {
        let report = instance.trap_report(trapped).to_string();
        let name = if let Trap::Explicit(code) = trapped.trap { trap_name(code) } else { None };
        match (name, report.split_once('\n')) {
            (Some(name), Some((_, frames))) => write!(f, "{name}\n{frames}"),
            _ => f.write_str(&report),
        }
    })
}
