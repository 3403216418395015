//! Instructions whose second source is a constant.

use vsp_core::isa::Opcode as O;

use super::{Selector, reads_low};
use crate::ir::Value;

impl Selector<'_> {
    /// Emits an instruction with a constant as its immediate. Returns whether it fits.
    pub(super) fn with_constant(&mut self, value: Value, op: O, first: Value, constant: u64) -> bool {
        let full = self.full[value.index()];
        let Some((with, imm)) = immediate(op, constant) else { return false };
        // Of the mask, the bits beyond the lower half are zero.
        let low = reads_low(op, 0, full) || op == O::AND;
        if with == O::ZEXT && !full {
            self.replace(value, first);
            return true;
        }
        let source = if low { self.read_low(first) } else { self.read(first) };
        self.op(with, Some(value), &[source], imm);
        true
    }
}

/// Returns the instruction with an immediate that does the same.
fn immediate(op: O, constant: u64) -> Option<(O, i64)> {
    let (signed, word) = (constant as i64, i64::from(constant as i32));
    let fits = |number: i64| (-32768..32768).contains(&number);
    let unsigned = (0..65536).contains(&signed);
    let shift = |bits: u64| bits.is_power_of_two().then(|| i64::from(bits.trailing_zeros()));
    Some(match op {
        O::ADD if fits(signed) => (O::ADDI, signed),
        O::ADDW if fits(word) => (O::ADDWI, word),
        O::MUL if constant.is_power_of_two() => (O::SHLI, shift(constant)?),
        O::MUL if fits(signed) => (O::MULI, signed),
        O::MULW if (constant as u32).is_power_of_two() => (O::SHLWI, shift(u64::from(constant as u32))?),
        O::MULW if fits(word) => (O::MULWI, word),
        O::AND if unsigned => (O::ANDI, signed),
        O::AND if constant == 0xFFFF_FFFF => (O::ZEXT, 32),
        O::OR if unsigned => (O::ORI, signed),
        O::XOR if unsigned => (O::XORI, signed),
        O::SHL => (O::SHLI, signed & 63),
        O::SHR => (O::SHRI, signed & 63),
        O::SAR => (O::SARI, signed & 63),
        O::ROTL => (O::ROTLI, signed & 63),
        O::ROTR => (O::ROTLI, signed.wrapping_neg() & 63),
        O::SHLW => (O::SHLWI, signed & 31),
        O::SHRW => (O::SHRWI, signed & 31),
        O::SARW => (O::SARWI, signed & 31),
        O::ROTLW => (O::ROTLWI, signed & 31),
        O::ROTRW => (O::ROTLWI, signed.wrapping_neg() & 31),
        O::SEQ if fits(signed) => (O::SEQI, signed),
        O::SNE if fits(signed) => (O::SNEI, signed),
        O::SLT if fits(signed) => (O::SLTI, signed),
        O::SLE if fits(signed.checked_add(1)?) => (O::SLTI, signed + 1),
        O::SLTU if (0..32768).contains(&signed) => (O::SLTUI, signed),
        O::SLEU if (0..32767).contains(&signed) => (O::SLTUI, signed + 1),
        _ => return None,
    })
}
