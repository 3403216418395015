//! Pseudo-instructions: mnemonics that the assembler replaces.

use alloc::format;
use alloc::string::String;
use core::ops::Range;

use super::diagnostic::Problem;
use crate::isa::{EncodeError, Opcode, Role};

/// The conversion of a pseudo-instruction's operands to those of the real instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Unchanged.
    None,
    /// Operands number n and n + 1 are swapped.
    Swap(usize),
    /// The last operand is negated.
    NegateLast,
}

const SHORTHANDS: [(&str, Opcode, Change); 16] = [
    ("JGT", Opcode::JLT, Change::Swap(0)),
    ("JLE", Opcode::JGE, Change::Swap(0)),
    ("JGTU", Opcode::JLTU, Change::Swap(0)),
    ("JLEU", Opcode::JGEU, Change::Swap(0)),
    ("JGTW", Opcode::JLTW, Change::Swap(0)),
    ("JLEW", Opcode::JGEW, Change::Swap(0)),
    ("SGT", Opcode::SLT, Change::Swap(1)),
    ("SGE", Opcode::SLE, Change::Swap(1)),
    ("SGTU", Opcode::SLTU, Change::Swap(1)),
    ("SGEU", Opcode::SLEU, Change::Swap(1)),
    ("SGTW", Opcode::SLTW, Change::Swap(1)),
    ("SGEW", Opcode::SLEW, Change::Swap(1)),
    ("FGT", Opcode::FLT, Change::Swap(1)),
    ("FGE", Opcode::FLE, Change::Swap(1)),
    ("SUBI", Opcode::ADDI, Change::NegateLast),
    ("SUBWI", Opcode::ADDWI, Change::NegateLast),
];

/// Returns the instruction for a mnemonic or pseudo-instruction, in either case.
pub(super) fn resolve(mnemonic: &str) -> Option<(Opcode, Change)> {
    let direct = Opcode::ALL.iter().find(|op| op.mnemonic().eq_ignore_ascii_case(mnemonic));
    if let Some(op) = direct {
        return Some((*op, Change::None));
    }
    SHORTHANDS
        .iter()
        .find(|(name, _, _)| name.eq_ignore_ascii_case(mnemonic))
        .map(|(_, op, change)| (*op, *change))
}

/// Returns the instruction that takes a number where `op` takes a register as operand number `index`.
pub(super) fn immediate_form(op: Opcode, index: usize) -> Option<String> {
    let name = format!("{}I", op.mnemonic());
    let (other, _) = resolve(&name)?;
    (takes_register(op, index)? && !takes_register(other, index)?).then_some(name)
}

/// Returns the instruction that takes a register where `op` takes a number as operand number `index`.
fn register_form(op: Opcode, index: usize) -> Option<Opcode> {
    let (other, _) = resolve(op.mnemonic().strip_suffix('I')?)?;
    (!takes_register(op, index)? && takes_register(other, index)?).then_some(other)
}

/// Returns the error for an operand value that is out of range, with a hint at another instruction that can express it,
/// if there is one.
pub(super) fn out_of_range(error: &EncodeError, index: usize, span: Range<usize>) -> Problem {
    let problem = Problem::new(span, format!("{error}"));
    // A register as a shift count would not help, because its value is taken modulo the width.
    let is_value = matches!(error.operand.role, Role::S | Role::U);
    match register_form(error.op, index).filter(|_| is_value) {
        Some(form) => problem.with_hint(format!(
            "`MOVI Rx, {}` puts it into a register, for `{}`",
            error.value,
            form.mnemonic()
        )),
        None => problem,
    }
}

fn takes_register(op: Opcode, index: usize) -> Option<bool> {
    Some(op.operands().get(index)?.role.register_access().is_some())
}

/// Returns all valid mnemonics in upper case: those of instructions and pseudo-instructions, with the instructions they
/// assemble to.
pub fn mnemonics() -> impl Iterator<Item = (&'static str, Opcode)> {
    let shorthands = SHORTHANDS.iter().map(|(name, op, _)| (*name, *op));
    Opcode::ALL.iter().map(|op| (op.mnemonic(), *op)).chain(shorthands)
}
