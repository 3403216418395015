//! The reads and writes of one instruction in its frame.

use alloc::vec::Vec;

use super::{OutOfMemory, reserved};
use crate::index::FuncIndex;
use crate::isa::{Flow, Inst, Opcode, Reg, Role, StateReg};
use crate::program::FuncType;
use crate::verify::{Function, Verified};

/// Number of slots in a group.
const GROUP: u32 = u64::BITS;

const REGISTERS: u32 = Reg::ALL.len() as u32;

/// Index of the first local, after the registers and the state registers.
const LOCALS: u32 = 2 * REGISTERS;

/// A register, a state register or a local of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// A register.
    Register(Reg),
    /// A state register.
    State(StateReg),
    /// A local.
    Local(u16),
}

impl Slot {
    /// Returns the slot with this index, which is below 32 + 4,096: registers have 0–15, state registers 16–31, locals
    /// 32 and up.
    pub const fn from_index(index: u32) -> Slot {
        match index {
            0..REGISTERS => Slot::Register(Reg::from_low_bits(index)),
            REGISTERS..LOCALS => Slot::State(StateReg::from_low_bits(index)),
            _ => Slot::Local((index - LOCALS) as u16),
        }
    }

    /// Returns the slot that a cell of a frame with this many locals belongs to, counted from the cell of R0: the
    /// registers, the locals, and two cells for each state register.
    pub const fn of_cell(cell: u32, locals: u16) -> Slot {
        match cell.checked_sub(REGISTERS) {
            None => Slot::Register(Reg::from_low_bits(cell)),
            Some(above) if above < locals as u32 => Slot::Local(above as u16),
            Some(above) => Slot::State(StateReg::from_low_bits((above - locals as u32) / 2)),
        }
    }

    /// Returns its index.
    pub const fn index(self) -> u32 {
        match self {
            Slot::Register(reg) => reg as u32,
            Slot::State(state) => REGISTERS + state.index() as u32,
            Slot::Local(local) => LOCALS + local as u32,
        }
    }

    /// Returns the group that it belongs to.
    pub const fn group(self) -> u32 {
        self.index() / GROUP
    }

    /// Returns its bit in the sets of its group.
    pub const fn bit(self) -> u64 {
        1 << (self.index() % GROUP)
    }

    /// Returns the number of slots of a frame with this many locals, with or without state registers.
    pub const fn count(locals: u16) -> u32 {
        LOCALS + locals as u32
    }

    /// Returns the number of groups of these slots. All registers and state registers are in group 0.
    pub const fn groups(locals: u16) -> u32 {
        Self::count(locals).div_ceil(GROUP)
    }
}

/// Returns the locals of a group, in a function with this many locals.
pub(super) fn locals_in(group: u32, locals: u16) -> u64 {
    (0..GROUP)
        .map(|bit| Slot::from_index(group * GROUP + bit))
        .filter(|slot| matches!(slot, Slot::Local(local) if *local < locals))
        .fold(0, |set, slot| set | slot.bit())
}

impl core::fmt::Display for Slot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Slot::Register(reg) => write!(f, "{reg}"),
            Slot::State(state) => write!(f, "{state}"),
            Slot::Local(local) => write!(f, "local {local}"),
        }
    }
}

/// Returns the slots of a set of this group, in order.
pub fn slots(group: u32, mut set: u64) -> impl Iterator<Item = Slot> {
    core::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros())?;
        set &= set - 1;
        Some(Slot::from_index(group * GROUP + bit))
    })
}

/// The reads and writes of an instruction in its frame. Conditional effects count as effects; a conditional move also
/// reads its destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The registers that it reads: bit n is register n, bit 16 + n is state register n.
    pub reads: u32,
    /// The registers that it writes. (For an instruction that suspends or calls, those that receive the results.)
    pub writes: u32,
    /// The local that it reads.
    pub local_read: Option<u16>,
    /// The local that it writes.
    pub local_written: Option<u16>,
}

impl Effects {
    /// Returns its reads in a group of slots.
    #[inline]
    pub fn reads_in(&self, group: u32) -> u64 {
        in_group(self.reads, self.local_read, group)
    }

    /// Returns its writes in a group of slots.
    #[inline]
    pub fn writes_in(&self, group: u32) -> u64 {
        in_group(self.writes, self.local_written, group)
    }
}

#[inline]
fn in_group(registers: u32, local: Option<u16>, group: u32) -> u64 {
    let registers = if group == 0 { u64::from(registers) } else { 0 };
    match local.map(Slot::Local) {
        Some(slot) if slot.group() == group => registers | slot.bit(),
        _ => registers,
    }
}

/// Returns the set of the first `count` registers.
const fn first_registers(count: usize) -> u32 {
    (1 << count) - 1
}

/// Checks that an instruction with a local operand either writes one register, and so reads the local, or reads one
/// register, and so writes the local.
const _: () = {
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let operands = Opcode::ALL[i].operands();
        let (mut locals, mut reads, mut writes, mut j) = (0, 0, 0, 0);
        while j < operands.len() {
            let role = operands[j].role;
            reads += role.reads_register() as u32;
            writes += role.writes_register() as u32;
            locals += matches!(role, Role::Local) as u32;
            j += 1;
        }
        assert!(
            locals == 0 || locals == 1 && reads + writes == 1,
            "a local operand needs exactly one register operand"
        );
        i += 1;
    }
};

/// A verified program, with the types of everything that it can call.
#[derive(Debug)]
pub struct Signatures<'p> {
    program: &'p Verified<'p>,
    imports: Vec<FuncType>,
    /// Whether a function has a tag that needs more bits than a row of the function table of machine code keeps
    /// together.
    #[cfg(feature = "jit")]
    has_large_tags: bool,
}

impl<'p> Signatures<'p> {
    /// Collects the types of the imports.
    ///
    /// # Errors
    /// There is no memory: four bytes per import are needed.
    pub fn new(program: &'p Verified<'_>) -> Result<Signatures<'p>, OutOfMemory> {
        let mut imports = reserved(program.program().imports().count())?;
        imports.extend(program.program().imports().map(|import| import.ty));
        Ok(Signatures {
            program,
            imports,
            #[cfg(feature = "jit")]
            has_large_tags: program.functions().iter().any(|it| crate::native::TableEntry::is_large(it.ty)),
        })
    }

    /// Returns the program.
    pub fn program(&self) -> &'p Verified<'p> {
        self.program
    }

    /// Returns whether a function has a tag that needs more bits than a row of the function table keeps together.
    #[cfg(feature = "jit")]
    pub(crate) fn has_large_tags(&self) -> bool {
        self.has_large_tags
    }

    /// Returns the type of the callee of an instruction: a function, called directly or indirectly, or an import.
    /// Returns `None` for all others.
    pub fn callee(&self, inst: Inst) -> Option<FuncType> {
        inst.operands().find_map(|(operand, value)| match operand.role {
            Role::Func => self.program.function(FuncIndex(value as u32)).map(|function| function.ty),
            Role::Import => self.imports.get(value as usize).copied(),
            Role::Type => FuncType::from_bits(value as u32),
            _ => None,
        })
    }

    /// Returns the reads and writes of an instruction of `function`.
    pub fn effects(&self, function: &Function, inst: Inst) -> Effects {
        let mut effects = Effects::default();
        let registers = inst.registers().map(|(reg, access)| (Slot::Register(reg), access));
        let states = inst.states().map(|(state, access)| (Slot::State(state), access));
        for (slot, access) in registers.chain(states) {
            let bit = slot.bit() as u32;
            if access.reads() {
                effects.reads |= bit;
            }
            if access.writes() {
                effects.writes |= bit;
            }
        }
        if let Some(local) = inst.value_of(Role::Local).map(|local| local as u16) {
            match effects.writes {
                0 => effects.local_written = Some(local),
                _ => effects.local_read = Some(local),
            }
        }
        if let Some(callee) = self.callee(inst) {
            effects.reads |= first_registers(callee.params());
            // The results of a tail call are the caller's.
            if inst.op().flow() != Flow::TailCall {
                effects.writes |= first_registers(callee.results());
            }
        }
        if inst.op() == Opcode::RET {
            effects.reads |= first_registers(function.ty.results());
        }
        effects
    }
}
