//! Which registers and locals hold binary64s, and which of these may hold a NaN that is not canonical yet.
//!
//! Machine code keeps a value in an integer or in a floating-point register. Moving it between them costs cycles, and so
//! does making NaNs canonical after every operation. So a value of a slot is one of
//!
//! - *raw*: its bits are what the program sees;
//! - *lazy*: the result of a binary64 operation; if it is a NaN, it stands for the canonical NaN, and is made one where the
//!   program can see its bits;
//! - *clean*: its bits are what the program sees, and no NaN other than the canonical one, so that it can be taken for
//!   either.
//!
//! Where raw and lazy values meet, the result is raw, and the lazy one is made canonical on the way; except where nobody sees the
//! bits before the slot is written again, as with a sum that a loop takes from memory and adds to: that is lazy. Whether a slot is
//! kept as an integer or as a binary64 where blocks meet depends on what it is used for next.

use alloc::vec::Vec;

use crate::analysis::{Graph, OutOfMemory, Slot};
use crate::isa::{Access, Flow, Inst, Opcode, Reg, Role};

/// Functions of more blocks keep everything in integer registers, so that this analysis is cheap.
const MAX_BLOCKS: u32 = 4096;

pub(super) const CANONICAL_NAN: u64 = 0x7FF8_0000_0000_0000;

/// How the slots of group 0 are kept where a block starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Slots in floating-point registers.
    pub(super) float: u64,
    /// Those of them that are lazy.
    pub(super) lazy: u64,
    /// Slots, in registers of either kind, that may hold a NaN whose bits have to survive.
    pub(super) raw: u64,
}

/// What the values of slots can be: neither bit is clean, both is raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kinds {
    raw: u64,
    lazy: u64,
}

/// What slots are used for next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wants {
    float: u64,
    int: u64,
    /// Those whose bits may be seen before they are written.
    bits: u64,
}

/// What an instruction does to the kinds of values.
enum Transfer {
    /// `to` becomes what `from` is.
    Copy { to: u64, from: u64 },
    /// Two slots change places.
    Swap(u64, u64),
    /// `to` becomes what `from` is, or stays.
    Select { to: u64, from: u64, condition: u64 },
    /// `to` becomes a constant.
    Constant { to: u64, bits: u64 },
    /// The usual.
    Compute { float_reads: u64, int_reads: u64, float_writes: u64, int_writes: u64, seen: u64 },
}

/// The entries of all blocks. `constants` is the program's pool, `slots` are those that are kept in variables.
pub(super) fn entries(
    graph: &Graph<'_>,
    constants: &[[u8; 8]],
    slots: u64,
) -> Result<Vec<Entry>, OutOfMemory> {
    let count = graph.block_count() as usize;
    let mut entries = filled(count)?;
    if graph.block_count() > MAX_BLOCKS || !uses_floats(graph) {
        entries.iter_mut().for_each(|entry: &mut Entry| entry.raw = slots);
        return Ok(entries);
    }
    let analysis = Analysis { graph, constants, slots };
    let kinds = analysis.kinds()?;
    let wants = analysis.wants()?;
    let checked = analysis.raw_at_check_points(&kinds)?;
    for (((entry, kinds), wants), checked) in entries.iter_mut().zip(kinds).zip(wants).zip(checked) {
        let lazy = kinds.lazy & (!kinds.raw | !(wants.bits | checked));
        entry.float = wants.float & (!wants.int | lazy);
        entry.lazy = entry.float & lazy;
        entry.raw = kinds.raw;
    }
    Ok(entries)
}

fn filled<T: Clone + Default>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
    out.resize(count, T::default());
    Ok(out)
}

fn uses_floats(graph: &Graph<'_>) -> bool {
    (0..graph.function().words)
        .any(|word| graph.inst(word).op().operands().iter().any(|operand| operand.role.is_float()))
}

struct Analysis<'a> {
    graph: &'a Graph<'a>,
    constants: &'a [[u8; 8]],
    slots: u64,
}

impl Analysis<'_> {
    /// The kinds at the start of each block: forwards.
    fn kinds(&self) -> Result<Vec<Kinds>, OutOfMemory> {
        let graph = self.graph;
        let mut kinds: Vec<Kinds> = filled(graph.block_count() as usize)?;
        kinds[0].raw = self.params();
        let order = graph.reverse_postorder()?;
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &order {
                let mut now = kinds[block as usize];
                for word in graph.words(block) {
                    now = self.forwards(word, now);
                }
                for successor in graph.successors(block) {
                    let entry = &mut kinds[successor as usize];
                    let joined = Kinds { raw: entry.raw | now.raw, lazy: entry.lazy | now.lazy };
                    changed |= joined != *entry;
                    *entry = joined;
                }
            }
        }
        Ok(kinds)
    }

    /// For each block, what is raw on a way to it with a check point, where it may be saved as it is at the block's start.
    fn raw_at_check_points(&self, kinds: &[Kinds]) -> Result<Vec<u64>, OutOfMemory> {
        let graph = self.graph;
        let mut checked: Vec<u64> = filled(graph.block_count() as usize)?;
        if !graph.function().short_leaf {
            checked[0] = self.params();
        }
        for block in 0..graph.block_count() {
            let words = graph.words(block);
            let last = words.end - 1;
            let back = graph.inst(last).value_of(Role::Target).filter(|displacement| *displacement < 0);
            let Some(displacement) = back else { continue };
            let now = words.fold(kinds[block as usize], |now, word| self.forwards(word, now));
            let target = graph.block_of((last + 1).wrapping_add_signed(displacement));
            checked[target as usize] |= now.raw;
        }
        Ok(checked)
    }

    /// The slots of the function's parameters.
    fn params(&self) -> u64 {
        (1 << self.graph.function().ty.params()) - 1
    }

    /// What slots are used for next at the start of each block: backwards.
    fn wants(&self) -> Result<Vec<Wants>, OutOfMemory> {
        let graph = self.graph;
        let mut wants: Vec<Wants> = filled(graph.block_count() as usize)?;
        let mut order = graph.reverse_postorder()?;
        order.reverse();
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &order {
                let mut now = Wants::default();
                for successor in graph.successors(block) {
                    let entry = wants[successor as usize];
                    now = Wants {
                        float: now.float | entry.float,
                        int: now.int | entry.int,
                        bits: now.bits | entry.bits,
                    };
                }
                let last = graph.inst(graph.words(block).end - 1);
                if last.value_of(Role::Target).is_some_and(|displacement| displacement < 0) {
                    // A check point, where all that is live may be saved.
                    now.bits = self.slots;
                }
                for word in graph.words(block).rev() {
                    now = self.backwards(word, now);
                }
                changed |= now != wants[block as usize];
                wants[block as usize] = now;
            }
        }
        Ok(wants)
    }

    fn forwards(&self, word: u32, now: Kinds) -> Kinds {
        let Kinds { mut raw, mut lazy } = now;
        let put = |set: &mut u64, slot: u64, on: bool| *set = if on { *set | slot } else { *set & !slot };
        match self.transfer(word) {
            Transfer::Copy { to, from } => {
                put(&mut raw, to, now.raw & from != 0);
                put(&mut lazy, to, now.lazy & from != 0);
            }
            Transfer::Swap(a, b) => {
                for (to, from) in [(a, b), (b, a)] {
                    put(&mut raw, to, now.raw & from != 0);
                    put(&mut lazy, to, now.lazy & from != 0);
                }
            }
            Transfer::Select { to, from, .. } => {
                put(&mut raw, to, now.raw & (from | to) != 0);
                put(&mut lazy, to, now.lazy & (from | to) != 0);
            }
            Transfer::Constant { to, bits } => {
                put(&mut raw, to, f64::from_bits(bits).is_nan() && bits != CANONICAL_NAN);
                put(&mut lazy, to, false);
            }
            Transfer::Compute { float_writes, int_writes, .. } => {
                raw = raw & !float_writes | int_writes;
                lazy = lazy & !int_writes | float_writes;
            }
        }
        Kinds { raw: raw & self.slots, lazy: lazy & self.slots }
    }

    fn backwards(&self, word: u32, now: Wants) -> Wants {
        let Wants { mut float, mut int, mut bits } = now;
        match self.transfer(word) {
            Transfer::Copy { to, from } => {
                float &= !to;
                int &= !to;
                float |= if now.float & to != 0 { from } else { 0 };
                int |= if now.int & to != 0 { from } else { 0 };
                // What is copied into the frame's cells can be seen there.
                bits = bits & !to | if now.bits & to != 0 || to == 0 { from } else { 0 };
            }
            Transfer::Swap(a, b) => {
                float &= !(a | b);
                int &= !(a | b);
                bits &= !(a | b);
                for (to, from) in [(a, b), (b, a)] {
                    float |= if now.float & to != 0 { from } else { 0 };
                    int |= if now.int & to != 0 { from } else { 0 };
                    bits |= if now.bits & to != 0 { from } else { 0 };
                }
            }
            Transfer::Select { to, from, condition } => {
                float |= if now.float & to != 0 { from } else { 0 };
                int |= if now.int & to != 0 { from } else { 0 };
                int |= condition;
                bits |= if now.bits & to != 0 { from } else { 0 } | condition;
            }
            Transfer::Constant { to, .. } => {
                float &= !to;
                int &= !to;
                bits &= !to;
            }
            Transfer::Compute { float_reads, int_reads, float_writes, int_writes, seen } => {
                let written = float_writes | int_writes;
                float = float & !written | float_reads;
                int = int & !written | int_reads;
                bits = bits & !written | seen;
            }
        }
        Wants { float: float & self.slots, int: int & self.slots, bits: bits & self.slots }
    }

    /// Moves and constants are looked at closely; everything else by the roles of its operands.
    fn transfer(&self, word: u32) -> Transfer {
        let inst = self.graph.inst(word);
        let op = inst.op();
        let local = inst.value_of(Role::Local).map_or(0, |local| local_bit(local as u32)) & self.slots;
        let mut registers = inst.registers().map(|(reg, _)| bit(reg));
        let mut next = || registers.next().unwrap_or(0);
        if op == Opcode::MOV {
            Transfer::Copy { to: next(), from: next() }
        } else if op == Opcode::GETL && local != 0 {
            Transfer::Copy { to: next(), from: local }
        } else if op == Opcode::SETL {
            Transfer::Copy { from: next(), to: local }
        } else if op == Opcode::XCHG {
            Transfer::Swap(next(), next())
        } else if op == Opcode::CMOVZ || op == Opcode::CMOVNZ {
            Transfer::Select { to: next(), from: next(), condition: next() }
        } else if let Some(bits) = self.constant(inst) {
            Transfer::Constant { to: next(), bits }
        } else {
            self.compute(word, inst)
        }
    }

    /// The constant that an instruction does nothing but put into its register.
    fn constant(&self, inst: Inst) -> Option<u64> {
        if inst.op() == Opcode::MOVI {
            return inst.value_of(Role::S).map(|imm| i64::from(imm) as u64);
        }
        let index = inst.value_of(Role::Const)?;
        self.constants.get(index as usize).map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// By the roles of its operands. What is stored can come from either kind of register.
    fn compute(&self, word: u32, inst: Inst) -> Transfer {
        let (mut float_reads, mut int_reads, mut float_writes) = (0, 0, 0);
        for (operand, value) in inst.operands() {
            let register = bit(Reg::from_low_bits(value as u32));
            match operand.role.register_access() {
                Some(Access::Read) if operand.role.is_float() => float_reads |= register,
                Some(Access::Write) if operand.role.is_float() => float_writes |= register,
                Some(Access::Read | Access::ReadWrite) if !is_stored(inst, operand.role) => {
                    int_reads |= register;
                }
                _ => {}
            }
        }
        let effects = self.graph.effects(word);
        let seen = match inst.op().flow() {
            // All that is live may be saved.
            Flow::Call | Flow::Suspend | Flow::Bulk => self.slots,
            _ => effects.reads_in(0) & !float_reads | int_reads,
        };
        let int_writes = effects.writes_in(0) & !float_writes;
        Transfer::Compute { float_reads, int_reads, float_writes, int_writes, seen }
    }
}

/// Is an operand of this role what a 64-bit store stores?
fn is_stored(inst: Inst, role: Role) -> bool {
    matches!(inst.op(), Opcode::STORE | Opcode::STOREX) && role == Role::Src
}

fn bit(reg: Reg) -> u64 {
    Slot::Register(reg).bit()
}

fn local_bit(local: u32) -> u64 {
    let slot = Slot::Local(local as u16);
    if slot.group() == 0 { slot.bit() } else { 0 }
}
