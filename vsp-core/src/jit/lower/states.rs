//! State registers: vectors of 16 bytes if the target can shuffle bytes, otherwise pairs of integers.

mod vectors;
mod words;

use cranelift_codegen::ir::types::{I8, I8X16, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::{FunctionBuilder, Variable};

use super::memory::Address;
use super::{Lowering, b_offset};
use crate::analysis::{OutOfMemory, Slot};
use crate::complex::ByteSil;
pub(super) use crate::complex::words::Binary;
use crate::complex::words::Words;
use crate::isa::{Reg, StateReg};
use crate::verify::FRAME_CELLS;
pub(in crate::jit) use vectors::Shuffle;

/// The State registers of a function.
pub(super) enum Variables {
    /// Layer 0 is lane 0.
    Vectors([Variable; 16], Shuffle),
    /// Layers 0–7 and 8–15, the lowest in the low byte.
    Words([[Variable; 2]; 16]),
}

/// The value of a State register.
#[derive(Clone, Copy)]
pub(super) enum State {
    Vector(Value),
    Words([Value; 2]),
}

type Done = Result<(), OutOfMemory>;

impl Variables {
    pub(super) fn declare(b: &mut FunctionBuilder<'_>, shuffle: Option<Shuffle>) -> Variables {
        match shuffle {
            Some(shuffle) => Variables::Vectors(core::array::from_fn(|_| b.declare_var(I8X16)), shuffle),
            None => Variables::Words(core::array::from_fn(|_| [b.declare_var(I64), b.declare_var(I64)])),
        }
    }
}

impl Lowering<'_, '_, '_, '_> {
    fn state(&mut self, reg: StateReg) -> State {
        if self.representation.int & Slot::State(reg).bit() == 0 {
            // Not live: the value cannot be observed.
            return self.null_state();
        }
        match &self.states {
            Variables::Vectors(variables, _) => State::Vector(self.b.use_var(variables[reg.index()])),
            Variables::Words(variables) => {
                State::Words(variables[reg.index()].map(|half| self.b.use_var(half)))
            }
        }
    }

    pub(super) fn set_state(&mut self, reg: StateReg, value: State) {
        match (&self.states, value) {
            (Variables::Vectors(variables, _), State::Vector(value)) => {
                self.b.def_var(variables[reg.index()], value);
            }
            (Variables::Words(variables), State::Words(values)) => {
                for (half, value) in variables[reg.index()].into_iter().zip(values) {
                    self.b.def_var(half, value);
                }
            }
            _ => unreachable!("all States of a function have the same representation"),
        }
        self.representation.int |= Slot::State(reg).bit();
    }

    /// Returns the State whose layers are all NULL.
    pub(super) fn null_state(&mut self) -> State {
        match self.states {
            Variables::Vectors(..) => State::Vector(vectors::constant(self.b, [0; 16])),
            Variables::Words(_) => State::Words([self.b.ins().iconst(I64, 0); 2]),
        }
    }

    pub(super) fn copy_state(&mut self, a: StateReg, b: StateReg) -> Done {
        let value = self.state(b);
        self.set_state(a, value);
        Ok(())
    }

    pub(super) fn splat(&mut self, a: StateReg, b: Reg) -> Done {
        let number = self.get(b);
        let value = match self.states {
            Variables::Vectors(..) => {
                let byte = self.b.ins().ireduce(I8, number);
                State::Vector(self.b.ins().splat(I8X16, byte))
            }
            Variables::Words(_) => State::Words([words::splat(self.b, number); 2]),
        };
        self.set_state(a, value);
        Ok(())
    }

    pub(super) fn layer(&mut self, a: Reg, b: StateReg, layer: u32) -> Done {
        let value = match self.state(b) {
            State::Vector(vector) => {
                let byte = self.b.ins().extractlane(vector, layer as u8);
                self.b.ins().uextend(I64, byte)
            }
            State::Words(halves) => {
                let half = self.b.ins().ushr_imm_u(halves[layer as usize / 8], i64::from(layer % 8 * 8));
                self.b.ins().band_imm_u(half, 0xFF)
            }
        };
        self.set(a, value);
        Ok(())
    }

    pub(super) fn set_layer(&mut self, a: StateReg, b: Reg, layer: u32) -> Done {
        let number = self.get(b);
        let value = match self.state(a) {
            State::Vector(vector) => {
                let byte = self.b.ins().ireduce(I8, number);
                State::Vector(self.b.ins().insertlane(vector, byte, layer as u8))
            }
            State::Words(mut halves) => {
                let half = &mut halves[layer as usize / 8];
                *half = words::with_byte(self.b, *half, number, layer % 8);
                State::Words(halves)
            }
        };
        self.set_state(a, value);
        Ok(())
    }

    pub(super) fn state_binary(&mut self, a: StateReg, b: StateReg, c: StateReg, op: Binary) -> Done {
        let (b, c) = (self.state(b), self.state(c));
        let value = self.binary_value(op, b, c);
        self.set_state(a, value);
        Ok(())
    }

    fn binary_value(&mut self, op: Binary, b: State, c: State) -> State {
        match (b, c) {
            (State::Vector(b), State::Vector(c)) => State::Vector(self.vector_binary(op, b, c)),
            (State::Words(b), State::Words(c)) => {
                State::Words([0, 1].map(|half| words::binary(self.b, op, b[half], c[half])))
            }
            _ => unreachable!("all States of a function have the same representation"),
        }
    }

    fn vector_binary(&mut self, op: Binary, b: Value, c: Value) -> Value {
        let Variables::Vectors(_, shuffle) = self.states else {
            unreachable!("a function with a State in a vector has vectors")
        };
        vectors::binary(self.b, shuffle, op, b, c)
    }

    pub(super) fn invert_bits(&mut self, a: StateReg, b: StateReg) -> Done {
        let value = match self.state(b) {
            State::Vector(vector) => State::Vector(self.b.ins().bnot(vector)),
            State::Words(halves) => State::Words(halves.map(|half| self.b.ins().bnot(half))),
        };
        self.set_state(a, value);
        Ok(())
    }

    pub(super) fn conjugate_state(&mut self, a: StateReg, b: StateReg) -> Done {
        let value = match self.state(b) {
            State::Vector(vector) => State::Vector(vectors::conjugate(self.b, vector)),
            State::Words(halves) => State::Words(halves.map(|half| words::conjugate(self.b, half))),
        };
        self.set_state(a, value);
        Ok(())
    }

    pub(super) fn invert_state(&mut self, a: StateReg, b: StateReg) -> Done {
        let value = self.state(b);
        let one = ByteSil::ONE.to_bits();
        let ones = match self.states {
            Variables::Vectors(..) => State::Vector(vectors::constant(self.b, [one; 16])),
            Variables::Words(_) => State::Words([self.b.constant(one); 2]),
        };
        let value = self.binary_value(Binary::Quotient, ones, value);
        self.set_state(a, value);
        Ok(())
    }

    pub(super) fn rotate_state(&mut self, a: StateReg, b: StateReg, n: u32) -> Done {
        let value = match self.state(b) {
            State::Vector(vector) => State::Vector(vectors::rotated(self.b, vector, n as u8)),
            State::Words(halves) => State::Words(words::rotated(self.b, halves, n)),
        };
        self.set_state(a, value);
        Ok(())
    }

    /// Computes the sum of the layers, by halving.
    pub(super) fn sum_of_layers(&mut self, a: Reg, b: StateReg) -> Done {
        let value = match self.state(b) {
            State::Vector(mut sum) => {
                for apart in [8, 4, 2, 1] {
                    let other = vectors::rotated(self.b, sum, 16 - apart);
                    sum = self.vector_binary(Binary::Sum, sum, other);
                }
                let byte = self.b.ins().extractlane(sum, 0);
                self.b.ins().uextend(I64, byte)
            }
            State::Words([low, high]) => {
                let mut sum = words::binary(self.b, Binary::Sum, low, high);
                for bits in [32, 16, 8] {
                    let other = self.b.ins().ushr_imm_u(sum, bits);
                    sum = words::binary(self.b, Binary::Sum, sum, other);
                }
                self.b.ins().band_imm_u(sum, 0xFF)
            }
        };
        self.set(a, value);
        Ok(())
    }

    /// Computes the exclusive or of the layers.
    pub(super) fn fold_layers(&mut self, a: Reg, b: StateReg) -> Done {
        let [low, high] = match self.state(b) {
            State::Vector(vector) => vectors::halves(self.b, vector),
            State::Words(halves) => halves,
        };
        let mut value = self.b.ins().bxor(low, high);
        for bits in [32, 16, 8] {
            let other = self.b.ins().ushr_imm_u(value, bits);
            value = self.b.ins().bxor(value, other);
        }
        let value = self.b.ins().band_imm_u(value, 0xFF);
        self.set(a, value);
        Ok(())
    }

    pub(super) fn load_state(&mut self, a: StateReg, address: Address) -> Done {
        let at = self.access(address, I8X16);
        let flags = self.memory_flags();
        let value = match self.states {
            Variables::Vectors(..) => State::Vector(self.b.ins().load(I8X16, flags, at, 0)),
            Variables::Words(_) => {
                State::Words([0, 8].map(|offset| self.b.ins().load(I64, flags, at, offset)))
            }
        };
        self.set_state(a, value);
        Ok(())
    }

    pub(super) fn store_state(&mut self, address: Address, a: StateReg) -> Done {
        let at = self.access(address, I8X16);
        let flags = self.memory_flags();
        match self.state(a) {
            State::Vector(vector) => {
                self.b.ins().store(flags, vector, at, 0);
            }
            State::Words(halves) => {
                for (half, offset) in halves.into_iter().zip([0, 8]) {
                    self.b.ins().store(flags, half, at, offset);
                }
            }
        }
        Ok(())
    }

    /// Returns the first of the two cells of a State register in the frame. (Targets with vectors are little-endian,
    /// like the cells on them.)
    fn state_cell(&self, reg: StateReg) -> u32 {
        FRAME_CELLS + u32::from(self.function().locals) + 2 * reg.index() as u32
    }

    /// Loads a State register from the cells of the frame.
    pub(super) fn load_state_cells(&mut self, frame: Value, reg: StateReg) -> State {
        let cell = self.state_cell(reg);
        let flags = self.unit.cell_flags();
        match self.states {
            Variables::Vectors(..) => State::Vector(self.b.ins().load(I8X16, flags, frame, b_offset(cell))),
            Variables::Words(_) => State::Words(
                [cell, cell + 1].map(|half| self.b.ins().load(I64, flags, frame, b_offset(half))),
            ),
        }
    }

    /// Writes a State register to the cells of the frame.
    pub(super) fn store_state_cells(&mut self, frame: Value, reg: StateReg) {
        let cell = self.state_cell(reg);
        let flags = self.unit.cell_flags();
        match self.state(reg) {
            State::Vector(vector) => {
                self.b.ins().store(flags, vector, frame, b_offset(cell));
            }
            State::Words(halves) => {
                for (half, value) in (0..).zip(halves) {
                    self.b.ins().store(flags, value, frame, b_offset(cell + half));
                }
            }
        }
    }
}
