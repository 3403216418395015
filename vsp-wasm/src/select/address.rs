//! Addresses. That of WebAssembly is the sum of 32 bits and of a constant, without wrapping: so is VSP's.

use vsp_core::isa::Opcode as O;

use super::Selector;
use crate::ir::Value;
use crate::machine::Source;

/// The displacements of LOAD and STORE, and half of those of the forms with an index.
const NEAR: i64 = 1 << 15;
const NEAR_INDEXED: i64 = 1 << 11;

impl Selector<'_> {
    /// Emits a load with a result, or a store of a source.
    pub(super) fn access(
        &mut self,
        mut op: O,
        result: Option<Value>,
        stored: Option<Source>,
        address: Value,
        offset: i64,
    ) {
        if let Some(result) = result
            && op == O::LOAD32U
            && self.reads[result.index()] == u32::MAX
        {
            op = O::LOADF32;
        }
        if let Some(constant) = self.ir.constant(address) {
            let address = constant as i64 + offset;
            // Neighbours share the constant.
            let base = if address < NEAR { 0 } else { (address + NEAR / 2) & !(NEAR - 1) };
            return self.access_at(op, result, stored, Source::Constant(base as u64), None, address - base);
        }
        let base = self.read(address);
        if offset < NEAR {
            return self.access_at(op, result, stored, base, None, offset);
        }
        let (indexed, size) = indexed(op);
        let far = (offset + NEAR_INDEXED) & !(2 * NEAR_INDEXED - 1);
        self.access_at(
            indexed,
            result,
            stored,
            base,
            Some(Source::Constant((far / size) as u64)),
            offset - far,
        );
    }

    fn access_at(
        &mut self,
        op: O,
        result: Option<Value>,
        stored: Option<Source>,
        base: Source,
        index: Option<Source>,
        displacement: i64,
    ) {
        let mut sources = [base; 3];
        let mut count = 1;
        for source in index.into_iter().chain(stored) {
            sources[count] = source;
            count += 1;
        }
        self.op(op, result, &sources[..count], displacement);
    }
}

/// Returns the form with an index, and what the index is multiplied by.
fn indexed(op: O) -> (O, i64) {
    match op {
        O::LOAD8U => (O::LOAD8UX, 1),
        O::LOAD8S => (O::LOAD8SX, 1),
        O::LOAD16U => (O::LOAD16UX, 2),
        O::LOAD16S => (O::LOAD16SX, 2),
        O::LOAD32U => (O::LOAD32UX, 4),
        O::LOAD32S => (O::LOAD32SX, 4),
        O::LOADF32 => (O::LOADF32X, 4),
        O::STORE8 => (O::STORE8X, 1),
        O::STORE16 => (O::STORE16X, 2),
        O::STORE32 => (O::STORE32X, 4),
        O::STOREF32 => (O::STOREF32X, 4),
        O::STORE => (O::STOREX, 8),
        _ => (O::LOADX, 8),
    }
}
