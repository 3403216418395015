//! Loads and stores, and their bounds checks.

use alloc::vec::Vec;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, ValueDef};

use super::super::offsets;
use super::super::range::is_inside;
use super::{Lowering, b_offset, plus};
use crate::analysis::{OutOfMemory, Slot};
use crate::index::PassiveIndex;
use crate::interp::frame::{BYTES_PER_FUEL, FUEL_PER_PAGE, NOT_GROWN};
use crate::isa::{Access, Inst, Opcode, Reg, Role};
use crate::limits::MEMORY_PAGE;
use crate::trap::Trap;

/// A memory operand.
#[derive(Clone, Copy)]
pub(super) struct Address {
    base: Reg,
    /// The index register, and log₂ of its factor.
    index: Option<(Reg, u32)>,
    pub(super) displacement: i32,
}

impl Address {
    /// Returns the memory operand of an instruction, if it has one.
    pub(super) fn of(inst: Inst) -> Option<Address> {
        let displacement = inst.value_of(Role::Disp)?;
        let register = |value: i32| Reg::from_low_bits(value as u32);
        let index =
            inst.operands().find_map(|(operand, value)| Some((register(value), operand.role.index_scale()?)));
        Some(Address { base: register(inst.value_of(Role::Base)?), index, displacement })
    }

    /// Returns the slots of its registers.
    pub(super) fn registers(self) -> u64 {
        let bit = |reg: Reg| Slot::Register(reg).bit();
        bit(self.base) | self.index.map_or(0, |(index, _)| bit(index))
    }

    pub(super) fn has_registers_of(self, other: Address) -> bool {
        (self.base, self.index) == (other.base, other.index)
    }

    pub(super) const fn new(base: Reg, displacement: i32) -> Self {
        Address { base, index: None, displacement }
    }

    pub(super) const fn indexed(base: Reg, index: Reg, scale: u32, displacement: i32) -> Self {
        Address { base, index: Some((index, scale)), displacement }
    }
}

/// Bytes that are known to be in the memory: from `base + index + low` to `base + index + high`, for the current values
/// of the registers.
#[derive(Clone, Copy)]
pub(super) struct Checked {
    base: Reg,
    index: Option<(Reg, u32)>,
    low: i32,
    high: i32,
}

/// The facts that earlier checks have established.
#[derive(Clone, Default)]
pub(super) struct Checks {
    accesses: Vec<Checked>,
    /// The least number of cells available after the frame.
    pub(super) cells: i64,
}

/// The largest number of checks that are remembered; the oldest is dropped first.
const MAX_CHECKED: usize = 8;

/// The largest number of words that are examined for the use of a value.
const MAX_DISTANCE: usize = 32;

type Done = Result<(), OutOfMemory>;

impl Lowering<'_, '_, '_, '_> {
    pub(super) fn memory_flags(&self) -> MemFlagsData {
        MemFlagsData::new()
            .with_notrap()
            .with_endianness(Endianness::Little)
            .with_alias_region(Some(self.unit.alias_regions.memory))
    }

    /// Checks an access of 1, 2, 4, 8 or 16 bytes, and returns the machine address.
    pub(super) fn access(&mut self, address: Address, ty: Type) -> Value {
        let base = self.get(address.base);
        let base = match address.index {
            Some((index, scale)) => {
                let index = self.get(index);
                let scaled = self.b.ins().ishl_imm_u(index, i64::from(scale));
                self.b.ins().iadd(base, scaled)
            }
            None => base,
        };
        let at = plus(self.b, base, i64::from(address.displacement));
        if self.is_inside(address, ty.bytes()) || self.is_covered(address, ty.bytes()) {
            self.unit.out.stats.checks_removed += 1;
        } else {
            self.unit.out.stats.checks += 1;
            self.check(address, base, at, ty.bytes());
        }
        let memory = self.memory();
        self.b.ins().iadd(memory, at)
    }

    /// Returns the address of the memory.
    fn memory(&mut self) -> Value {
        self.unit.field(self.b, offsets::MEMORY)
    }

    /// Returns the size of the memory in bytes.
    pub(super) fn memory_size(&mut self) -> Value {
        match self.unit.memory_size {
            Some(size) => self.b.use_var(size),
            None => self.unit.field(self.b, offsets::MEMORY_SIZE),
        }
    }

    /// Checks an access at `at`, which is `base` plus the displacement, and the following accesses that can share the
    /// check.
    fn check(&mut self, address: Address, base: Value, at: Value, bytes: u32) {
        let sharing = if self.tier_two() { self.accesses_sharing_check(address, bytes) } else { Vec::new() };
        let low = sharing.iter().map(|access| access.displacement).min();
        let high = sharing.iter().map(|access| access.displacement + access.bytes as i32).max();
        let span = high.zip(low).map_or(bytes, |(high, low)| (high - low) as u32);
        let minimum = self.unit.signatures.program().program().memory_minimum();
        match (low, &sharing[..]) {
            // The memory has at least `span` bytes.
            (Some(low), [rest @ .., last]) if !rest.is_empty() && u64::from(span) <= minimum => {
                let start = plus(self.b, base, i64::from(low));
                let outside = self.outside(start, span);
                self.unlikely(outside, |lowering| {
                    for access in rest {
                        let at = plus(lowering.b, base, i64::from(access.displacement));
                        let outside = lowering.outside(at, access.bytes);
                        let site = lowering.site_of(access.word);
                        lowering.unlikely(outside, |lowering| lowering.exit(site));
                    }
                    let site = lowering.site_of(last.word);
                    lowering.exit(site);
                });
                self.remember(Address { displacement: low, ..address }, span);
            }
            _ => {
                let outside = self.outside(at, bytes);
                self.trap_if(outside, Trap::MemoryOutOfBounds);
                self.remember(address, bytes);
            }
        }
    }

    /// Returns whether some of this number of bytes at an address are outside. The memory has at least as many.
    fn outside(&mut self, at: Value, bytes: u32) -> Value {
        if bytes == 1 {
            let size = self.memory_size();
            return self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, at, size);
        }
        let last = self.last_address(bytes);
        self.b.ins().icmp(IntCC::UnsignedGreaterThan, at, last)
    }

    /// Returns the last address at which an access of this many bytes is inside. It is computed at the function's
    /// entry, or, if the memory may grow in the function, here.
    fn last_address(&mut self, bytes: u32) -> Value {
        let (size, is_tier_two) = (self.memory_size(), self.tier_two());
        if let (Some(_), Some(block)) = (self.unit.memory_size, self.b.current_block()) {
            self.b.ensure_inserted_block();
            let location = self.b.srcloc();
            let cursor = FuncCursor::new(self.b.func).at_bottom(block).with_srcloc(location);
            return last_address(cursor, size, bytes, is_tier_two);
        }
        if let Some(last) = self.unit.last_addresses.get(&bytes) {
            return *last;
        }
        let ValueDef::Result(load, _) = self.b.func.dfg.value_def(size) else {
            unreachable!("the size is loaded")
        };
        let cursor = FuncCursor::new(self.b.func).after_inst(load);
        let last = last_address(cursor, size, bytes, is_tier_two);
        self.unit.last_addresses.insert(bytes, last);
        last
    }

    /// Returns whether the value ranges prove that the access is inside every memory that the program can have.
    fn is_inside(&self, address: Address, size: u32) -> bool {
        let Some(known) = &self.known else { return false };
        let of = |reg: Reg| known.get(Slot::Register(reg));
        let index = address.index.map(|(index, scale)| (of(index), scale));
        let minimum = self.unit.signatures.program().program().memory_minimum();
        is_inside(of(address.base), index, address.displacement, size, minimum)
    }

    /// Returns whether an earlier check on all paths proves that the access is inside.
    ///
    /// If low ≤ high are the checked displacements, base + low did not wrap beyond M, and neither does any address
    /// between them.
    fn is_covered(&self, address: Address, size: u32) -> bool {
        self.checked.accesses.iter().any(|checked| {
            (checked.base, checked.index) == (address.base, address.index)
                && checked.low <= address.displacement
                && address.displacement + size as i32 <= checked.high
        })
    }

    fn remember(&mut self, address: Address, size: u32) {
        if !self.tier_two() {
            return;
        }
        let Address { base, index, displacement } = address;
        let (low, high) = (displacement, displacement + size as i32);
        // Addresses between two that are inside are inside too.
        let accesses = &mut self.checked.accesses;
        if let Some(checked) = accesses.iter_mut().find(|it| (it.base, it.index) == (base, index)) {
            (checked.low, checked.high) = (checked.low.min(low), checked.high.max(high));
            return;
        }
        if accesses.len() == MAX_CHECKED {
            accesses.remove(0);
        }
        accesses.push(Checked { base, index, low, high });
    }

    /// Drops the checks of addresses that use a slot, because the slot gets a new value.
    pub(super) fn forget_checks(&mut self, slot: usize) {
        self.checked.accesses.retain(|checked| {
            checked.base.index() != slot && checked.index.is_none_or(|(index, _)| index.index() != slot)
        });
    }

    pub(super) fn load_unsigned(&mut self, a: Reg, address: Address, ty: Type) -> Done {
        if ty == I64 && self.is_float_next(a) {
            let value = self.loaded(address, F64);
            self.set_float_slot(a.index(), value, false);
            return Ok(());
        }
        let at = self.access(address, ty);
        let flags = self.memory_flags();
        let value = match ty {
            I8 => self.b.ins().uload8(I64, flags, at, 0),
            I16 => self.b.ins().uload16(I64, flags, at, 0),
            I32 => self.b.ins().uload32(flags, at, 0),
            _ => self.b.ins().load(ty, flags, at, 0),
        };
        self.set(a, value);
        Ok(())
    }

    /// Returns whether the next use of the register that the current word writes is as a binary64.
    fn is_float_next(&self, reg: Reg) -> bool {
        let graph = self.plan.graph;
        let following = self.word + 1..graph.words(self.block).end;
        for inst in following.take(MAX_DISTANCE).map(|word| graph.inst(word)) {
            // A value that is copied or stored can have either representation.
            let is_moved = matches!(inst.op(), Opcode::STORE | Opcode::STOREX | Opcode::SETL);
            let (mut is_used, mut is_float) = (false, false);
            for (operand, value) in inst.operands() {
                let Some(access) = operand.role.register_access() else { continue };
                let moves = is_moved && operand.role == Role::Src;
                if Reg::from_low_bits(value as u32) == reg && !moves {
                    is_used = true;
                    is_float |= access == Access::Read && operand.role.is_float();
                }
            }
            if is_used {
                return is_float;
            }
        }
        let bit = Slot::Register(reg).bit();
        graph.successors(self.block).any(|block| self.entry_representation(block).float & bit != 0)
    }

    pub(super) fn load_signed(&mut self, a: Reg, address: Address, ty: Type) -> Done {
        let at = self.access(address, ty);
        let flags = self.memory_flags();
        let value = match ty {
            I8 => self.b.ins().sload8(I64, flags, at, 0),
            I16 => self.b.ins().sload16(I64, flags, at, 0),
            _ => self.b.ins().sload32(flags, at, 0),
        };
        self.set(a, value);
        Ok(())
    }

    pub(super) fn load_f32(&mut self, a: Reg, address: Address) -> Done {
        let value = self.loaded(address, F32);
        let wide = self.b.ins().fpromote(F64, value);
        self.set_float(a, wide);
        Ok(())
    }

    fn loaded(&mut self, address: Address, ty: Type) -> Value {
        let at = self.access(address, ty);
        let flags = self.memory_flags();
        self.b.ins().load(ty, flags, at, 0)
    }

    pub(super) fn store_int(&mut self, address: Address, a: Reg, ty: Type) -> Done {
        let at = self.access(address, ty);
        let value = match ty {
            I64 => self.get_observed(a),
            _ => {
                let value = self.get(a);
                self.b.ins().ireduce(ty, value)
            }
        };
        let flags = self.memory_flags();
        self.b.ins().store(flags, value, at, 0);
        Ok(())
    }

    /// Returns the value of a register as an operand of a store: from whichever kind of machine register holds it.
    fn get_observed(&mut self, reg: Reg) -> Value {
        let bit = 1 << reg.index();
        if self.representation.int & bit == 0 && self.representation.float & bit != 0 {
            return self.canonical_float_slot(reg.index());
        }
        self.get(reg)
    }

    pub(super) fn store_f32(&mut self, address: Address, a: Reg) -> Done {
        let at = self.access(address, F32);
        let stored = self.narrowed(a);
        let flags = self.memory_flags();
        self.b.ins().store(flags, stored, at, 0);
        Ok(())
    }

    /// Returns the binary32 nearest the binary64 in a register, and the same NaN for every NaN.
    pub(super) fn narrowed(&mut self, reg: Reg) -> Value {
        let value = self.get_float(reg);
        let narrow = self.b.ins().fdemote(F32, value);
        let nan = self.b.ins().f32const(f32::from_bits(0x7FC0_0000));
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        self.b.ins().select(is_nan, nan, narrow)
    }

    pub(super) fn copy_memory(&mut self, a: Reg, b: Reg, c: Reg) -> Done {
        let (to, from, length) = (self.get(a), self.get(b), self.get(c));
        self.check_range(length, &[to, from]);
        let memory = self.memory();
        let to = self.b.ins().iadd(memory, to);
        let from = self.b.ins().iadd(memory, from);
        self.call_context_function(offsets::COPY, &[to, from, length], false);
        self.bulk_done(length)
    }

    pub(super) fn fill_memory(&mut self, a: Reg, b: Reg, c: Reg) -> Done {
        let (to, byte, length) = (self.get(a), self.get(b), self.get(c));
        self.check_range(length, &[to]);
        let memory = self.memory();
        let to = self.b.ins().iadd(memory, to);
        let byte = self.b.ins().ireduce(I8, byte);
        let byte = self.b.ins().uextend(I64, byte);
        self.call_context_function(offsets::FILL, &[to, byte, length], false);
        self.bulk_done(length)
    }

    /// Grows the memory, whose base does not move: its size in the context changes.
    pub(super) fn grow_memory(&mut self, a: Reg, b: Reg) -> Done {
        let (pages, size) = (self.get(b), self.memory_size());
        let (flags, context) = (self.unit.context_flags(), self.unit.context);
        let page = i64::from(MEMORY_PAGE.trailing_zeros());
        let maximum = self.b.ins().load(I64, flags, context, offsets::MEMORY_MAXIMUM);
        let room = self.b.ins().isub(maximum, size);
        let room = self.b.ins().ushr_imm_u(room, page);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, pages, room);
        let nothing = self.b.ins().iconst(I64, 0);
        let added = self.b.ins().select(fits, pages, nothing);
        let before = self.b.ins().ushr_imm_u(size, page);
        let failed = self.b.ins().iconst(I64, NOT_GROWN as i64);
        let result = self.b.ins().select(fits, before, failed);
        let bytes = self.b.ins().ishl_imm_u(added, page);
        let after = self.b.ins().iadd(size, bytes);
        self.b.ins().store(flags, after, context, offsets::MEMORY_SIZE);
        if let Some(variable) = self.unit.memory_size {
            self.b.def_var(variable, after);
        }
        self.set(a, result);
        if self.unit.fuel.is_some() {
            let charge = self.b.ins().ishl_imm_u(added, i64::from(FUEL_PER_PAGE.trailing_zeros()));
            self.charge(charge);
        }
        self.safepoint_after();
        Ok(())
    }

    /// Copies bytes of a passive segment, whose position and length are known, to the memory.
    pub(super) fn copy_segment(&mut self, (a, b, c): (Reg, Reg, Reg), segment: u32) -> Done {
        let Some(extent) = self.unit.signatures.program().program().passive_extent(PassiveIndex(segment))
        else {
            unreachable!("verified: the segment exists")
        };
        let (to, from, length) = (self.get(a), self.get(b), self.get(c));
        self.check_range(length, &[to]);
        let size = self.b.ins().iconst(I64, extent.len() as i64);
        self.check_range_in(size, length, &[from]);
        let memory = self.memory();
        let to = self.b.ins().iadd(memory, to);
        let (flags, context) = (self.unit.context_flags(), self.unit.context);
        let passive = self.b.ins().load(I64, flags, context, offsets::PASSIVE);
        let start = plus(self.b, passive, extent.start as i64);
        let from = self.b.ins().iadd(start, from);
        self.call_context_function(offsets::COPY, &[to, from, length], false);
        self.bulk_done(length)
    }

    /// Traps unless length ≤ M and every address ≤ M − length.
    fn check_range(&mut self, length: Value, addresses: &[Value]) {
        let size = self.memory_size();
        self.check_range_in(size, length, addresses);
    }

    /// Traps unless length ≤ size and every offset ≤ size − length.
    fn check_range_in(&mut self, size: Value, length: Value, addresses: &[Value]) {
        let last = self.b.ins().isub(size, length);
        let mut outside = self.b.ins().icmp(IntCC::UnsignedGreaterThan, length, size);
        for address in addresses {
            let beyond = self.b.ins().icmp(IntCC::UnsignedGreaterThan, *address, last);
            outside = self.b.ins().bor(outside, beyond);
        }
        self.trap_if(outside, Trap::MemoryOutOfBounds);
    }

    /// Emits the charge by size, and the safepoint.
    fn bulk_done(&mut self, length: Value) -> Done {
        if self.unit.fuel.is_some() {
            let charge = self.b.ins().ushr_imm_u(length, i64::from(BYTES_PER_FUEL.trailing_zeros()));
            self.charge(charge);
        }
        self.safepoint_after();
        Ok(())
    }

    /// Charges additional fuel, if it is counted.
    fn charge(&mut self, charge: Value) {
        if let Some(fuel) = self.unit.fuel {
            let now = self.b.use_var(fuel);
            let next = self.b.ins().isub(now, charge);
            self.b.def_var(fuel, next);
        }
    }

    pub(super) fn load_global(&mut self, a: Reg, global: u32) -> Done {
        let flags = MemFlagsData::trusted().with_alias_region(Some(self.unit.alias_regions.globals));
        let globals = self.unit.field(self.b, offsets::GLOBALS);
        let value = self.b.ins().load(I64, flags, globals, b_offset(global));
        self.set(a, value);
        Ok(())
    }

    pub(super) fn store_global(&mut self, a: Reg, global: u32) -> Done {
        let value = self.get_observed(a);
        let flags = MemFlagsData::trusted().with_alias_region(Some(self.unit.alias_regions.globals));
        let globals = self.unit.field(self.b, offsets::GLOBALS);
        self.b.ins().store(flags, value, globals, b_offset(global));
        Ok(())
    }

    pub(super) fn load_global_from(&mut self, a: Reg, b: Reg, first: u32) -> Done {
        let address = self.global_address(b, first);
        let flags = MemFlagsData::trusted().with_alias_region(Some(self.unit.alias_regions.globals));
        let value = self.b.ins().load(I64, flags, address, b_offset(first));
        self.set(a, value);
        Ok(())
    }

    pub(super) fn store_global_from(&mut self, a: Reg, b: Reg, first: u32) -> Done {
        let address = self.global_address(b, first);
        let value = self.get_observed(a);
        let flags = MemFlagsData::trusted().with_alias_region(Some(self.unit.alias_regions.globals));
        self.b.ins().store(flags, value, address, b_offset(first));
        Ok(())
    }

    /// Returns the address of the global whose number is the value of b, if global `first` and that one exist; traps
    /// otherwise. Verified: global `first` exists.
    fn global_address(&mut self, b: Reg, first: u32) -> Value {
        let number = self.get(b);
        let last = self.unit.signatures.program().program().globals().len() as i64 - 1 - i64::from(first);
        let outside = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, number, last);
        self.trap_if(outside, Trap::GlobalOutOfBounds);
        let globals = self.unit.field(self.b, offsets::GLOBALS);
        let offset = self.b.ins().ishl_imm_u(number, 3);
        self.b.ins().iadd(globals, offset)
    }

    pub(super) fn load_local(&mut self, a: Reg, local: u32) -> Done {
        match (self.plan.variable_local(local), self.unit.frame) {
            (Some(slot), _) => self.copy_slot(a.index(), slot),
            (None, Some(frame)) => {
                let flags = self.unit.cell_flags();
                let value = self.b.ins().load(I64, flags, frame, local_offset(local));
                self.set(a, value);
            }
            (None, None) => unreachable!("a frame with locals in cells has an address"),
        }
        Ok(())
    }

    pub(super) fn store_local(&mut self, a: Reg, local: u32) -> Done {
        match (self.plan.variable_local(local), self.unit.frame) {
            (Some(slot), _) => self.copy_slot(slot, a.index()),
            (None, Some(frame)) => {
                let value = self.get_observed(a);
                let flags = self.unit.cell_flags();
                self.b.ins().store(flags, value, frame, local_offset(local));
            }
            (None, None) => unreachable!("a frame with locals in cells has an address"),
        }
        Ok(())
    }
}

/// Returns the last address at which an access of this many bytes is inside a memory of this size.
///
/// The size of a memory is a multiple of 16. Tier 2 computes the address with shifts: the optimiser would compute the
/// sum of a value and a constant again in every block that uses it, which takes an instruction and a register in every
/// loop.
fn last_address(mut cursor: FuncCursor<'_>, size: Value, bytes: u32, is_tier_two: bool) -> Value {
    if !is_tier_two {
        return cursor.ins().iadd_imm_s(size, -i64::from(bytes));
    }
    let log = bytes.trailing_zeros().min(4);
    let count = cursor.ins().ushr_imm_u(size, i64::from(log));
    let less = cursor.ins().iadd_imm_s(count, -i64::from(bytes >> log));
    cursor.ins().ishl_imm_u(less, i64::from(log))
}

fn local_offset(local: u32) -> i32 {
    b_offset(crate::verify::FRAME_CELLS + local)
}

/// The types of accesses that the handlers name.
pub(super) const BYTE: Type = I8;
pub(super) const HALF: Type = I16;
pub(super) const WORD: Type = I32;
pub(super) const FULL: Type = I64;
