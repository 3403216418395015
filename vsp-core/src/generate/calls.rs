//! Calls of functions and of the host.

use alloc::vec::Vec;

use super::body::Body;
use super::entropy::pick;
use super::values;
use crate::index::FuncIndex;
use crate::isa::{Flow, Inst, Opcode, Reg, Role};
use crate::program::{BuildError, FuncType};

impl Body<'_> {
    /// Adds a call of a later function, or of any function while the budget lasts; in some cases a tail call.
    pub(super) fn call(&mut self) -> Result<(), BuildError> {
        if self.entropy.chance(1, 5) {
            return self.tail_call();
        }
        let count = self.world.functions.len() as u32;
        let later = count - self.index.0 - 1;
        if later > 0 && self.entropy.chance(3, 4) {
            let callee = self.index.0 + 1 + self.entropy.below(later);
            return self.call_function(callee);
        }
        let callee = self.entropy.below(count);
        if self.entropy.chance(1, 150) {
            return self.call_function(callee);
        }
        let out = self.code.label();
        self.spend_budget(out)?;
        self.call_function(callee)?;
        self.code.bind(out);
        Ok(())
    }

    /// Adds a tail call of a later function, or of any function while the budget lasts; mostly under a condition.
    fn tail_call(&mut self) -> Result<(), BuildError> {
        let out = match self.entropy.chance(7, 8) {
            true => self.branch_forward()?,
            false => self.code.label(),
        };
        match self.later_with_these_results().filter(|_| self.entropy.chance(2, 3)) {
            Some(callee) => self.call_by(Flow::TailCall, callee)?,
            None => {
                self.spend_budget(out)?;
                let like = self.with_these_results();
                if let Some(callee) = pick(self.entropy, &like) {
                    self.call_by(Flow::TailCall, callee)?;
                }
            }
        }
        self.code.bind(out);
        Ok(())
    }

    /// Ends the function with a return, or in some cases with a tail call of a later function.
    pub(super) fn leave(&mut self) -> Result<(), BuildError> {
        match self.later_with_these_results().filter(|_| !self.leaf && self.entropy.chance(1, 4)) {
            Some(callee) => self.call_by(Flow::TailCall, callee),
            None => {
                self.push(Inst::ret()?);
                Ok(())
            }
        }
    }

    /// Returns the functions with as many results as this one.
    fn with_these_results(&self) -> Vec<u32> {
        let results = self.world.functions[self.index.index()].results();
        let like = (0..).zip(&self.world.functions).filter(|(_, ty)| ty.results() == results);
        like.map(|(number, _)| number).collect()
    }

    /// Returns a later function with as many results as this one.
    fn later_with_these_results(&mut self) -> Option<u32> {
        let mut like = self.with_these_results();
        like.retain(|number| *number > self.index.0);
        pick(self.entropy, &like)
    }

    fn call_function(&mut self, callee: u32) -> Result<(), BuildError> {
        self.call_by(Flow::Call, callee)?;
        self.wrote_results(self.world.functions[callee as usize]);
        Ok(())
    }

    /// Adds an instruction of this flow that calls a function.
    fn call_by(&mut self, flow: Flow, callee: u32) -> Result<(), BuildError> {
        let Some(op) = pick(self.entropy, self.world.opcodes(flow)) else { return Ok(()) };
        let ty = self.world.functions[callee as usize];
        let mut inst = self.with_operands(op)?;
        for (index, operand) in op.operands().iter().enumerate() {
            inst = match operand.role {
                Role::Func => inst.with(index, i64::from(callee))?,
                Role::Type => inst.with(index, i64::from(ty.bits()))?,
                Role::Src => inst.with(index, self.function_number(callee, ty)? as i64)?,
                _ => inst,
            };
        }
        self.push(inst);
        Ok(())
    }

    /// Returns a register with the number of a function, or of one with the same type; rarely an invalid one.
    fn function_number(&mut self, callee: u32, ty: FuncType) -> Result<Reg, BuildError> {
        let number = self.writable();
        let bad = self.provokes_error() || self.entropy.chance(1, 16);
        let value = match bad {
            true => self.wrong_function(ty),
            false => u64::from(callee),
        };
        self.load(number, value)?;
        let like = self.world.functions.iter().rposition(|other| *other == ty).map(|like| like as u32);
        if let Some(like) = like.filter(|like| *like > self.index.0)
            && !bad
        {
            self.held |= 1 << number.index();
            let (other, chooser) = (self.writable(), self.source()?);
            if chooser != other {
                self.load(other, u64::from(like))?;
                self.push(Inst::cmovnz(number, other, chooser)?);
            }
            self.held = 0;
        }
        Ok(number)
    }

    /// Adds a call of a host function, or a suspension.
    pub(super) fn ask_host(&mut self) -> Result<(), BuildError> {
        let imports = self.world.shape.imports;
        let possible =
            |op: &Opcode| !imports.is_empty() || op.operands().iter().all(|it| it.role != Role::Import);
        let Some(op) = pick(self.entropy, self.world.opcodes(Flow::Suspend)).filter(possible) else {
            return Ok(());
        };
        let inst = self.with_operands(op)?;
        let import = inst.value_of(Role::Import).and_then(|import| imports.get(import as usize));
        let out = match import {
            Some(import) if import.is_rare => Some(self.unless_rare()?),
            _ => None,
        };
        self.push(inst);
        if let Some(import) = import {
            self.wrote_results(import.ty);
        }
        if let Some(out) = out {
            self.code.bind(out);
        }
        Ok(())
    }

    /// Returns a number that names no function of this type: mostly a function with another tag, or with as many
    /// parameters and other results.
    fn wrong_function(&mut self, ty: FuncType) -> u64 {
        let functions = &self.world.functions;
        let tagged = functions.iter().position(|it| *it != ty && it.with_tag(ty.tag()) == Some(ty));
        let like = functions.iter().position(|it| *it != ty && it.params() == ty.params());
        let other = functions.iter().position(|it| *it != ty);
        match tagged.or(like).or(other).filter(|_| self.entropy.chance(3, 4)) {
            Some(number) => number as u64,
            None => values::integer(self.entropy),
        }
    }

    /// Adds a call of a later function, or a suspension if there is none, with registers that live across it. So
    /// programs are suspended in functions whose callers do not suspend themselves.
    pub(super) fn relay(&mut self) -> Result<(), BuildError> {
        self.compute_some()?;
        let later = self.world.functions.len() as u32 - self.index.0 - 1;
        if later > 0 {
            let callee =
                FuncIndex(self.index.0 + 1 + self.entropy.below(later).min(self.entropy.below(later)));
            self.push(Inst::call(callee.0)?);
            self.wrote_results(self.world.functions[callee.index()]);
        } else if self.entropy.bits(1) == 1 {
            self.ask_host()?;
        } else {
            let reg = self.writable();
            self.push(Inst::yield_(reg)?);
        }
        self.compute_some()
    }

    /// Ends the program with a trap, in rare cases.
    pub(super) fn trap_rarely(&mut self) -> Result<(), BuildError> {
        let out = self.unless_rare()?;
        let number = self.entropy.bits(4) as u32;
        self.push(Inst::trap(number)?);
        self.code.bind(out);
        Ok(())
    }
}
