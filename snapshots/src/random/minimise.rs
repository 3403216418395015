//! The minimiser of failing programs.

use vsp_core::generate::{Generated, Slice};
use vsp_core::isa::{Inst, Opcode, Role};

use super::candidate::Candidate;

/// Returns a smaller program with a simpler plan for which `fails` still returns true. Gives up after `tries` attempts.
pub fn minimise(made: &Generated, tries: u32, fails: &mut dyn FnMut(&Generated) -> bool) -> Generated {
    let Some(candidate) = Candidate::read(made) else { return made.clone() };
    let mut search = Search { candidate, best: made.clone(), tries, fails };
    loop {
        let before = search.candidate.clone();
        search.simplify_plan();
        search.remove_code();
        search.remove_items();
        search.simplify_numbers();
        if search.candidate == before || search.tries == 0 {
            return search.best;
        }
    }
}

struct Search<'f> {
    candidate: Candidate,
    best: Generated,
    tries: u32,
    fails: &'f mut dyn FnMut(&Generated) -> bool,
}

impl Search<'_> {
    /// Keeps a candidate if it verifies and fails.
    fn attempt(&mut self, candidate: Option<Candidate>) -> bool {
        let Some(candidate) = candidate.filter(|candidate| *candidate != self.candidate && self.tries > 0)
        else {
            return false;
        };
        let Some(made) = candidate.build() else { return false };
        self.tries -= 1;
        let keep = (self.fails)(&made);
        if keep {
            (self.candidate, self.best) = (candidate, made);
        }
        keep
    }

    /// Attempts a change.
    fn change(&mut self, change: impl FnOnce(&mut Candidate)) -> bool {
        let mut candidate = self.candidate.clone();
        change(&mut candidate);
        self.attempt(Some(candidate))
    }

    fn simplify_plan(&mut self) {
        for call in (0..self.candidate.plan.calls.len()).rev() {
            if self.candidate.plan.calls.len() > 1 {
                self.change(|candidate| drop(candidate.plan.calls.remove(call)));
            }
        }
        for slice in [Slice::Plenty, Slice::Large, Slice::Mixed, Slice::Small] {
            if self.change(|candidate| candidate.plan.slice = slice) {
                break;
            }
        }
        self.change(|candidate| candidate.plan.interrupts = false);
        self.change(|candidate| candidate.plan.memory = None);
        self.change(|candidate| candidate.plan.stack_cells = None);
        while self.candidate.plan.turns > 1 && self.change(|candidate| candidate.plan.turns /= 2) {}
        for call in 0..self.candidate.plan.calls.len() {
            for argument in 0..self.candidate.plan.calls[call].arguments.len() {
                self.change(|candidate| candidate.plan.calls[call].arguments[argument] = 0);
            }
        }
    }

    /// Replaces whole functions by a return, then runs of instructions by NOPs, then removes single instructions.
    fn remove_code(&mut self) {
        let Ok(nop) = Inst::new(Opcode::NOP, &[]) else { return };
        let Ok(ret) = Inst::new(Opcode::RET, &[]) else { return };
        for function in (0..self.candidate.functions.len()).rev() {
            self.change(|candidate| candidate.functions[function].code = vec![ret]);
            let mut run = self.candidate.functions[function].code.len();
            while run > 0 {
                let mut start = 0;
                while start < self.candidate.functions[function].code.len() {
                    let end = (start + run).min(self.candidate.functions[function].code.len());
                    self.change(|candidate| {
                        candidate.functions[function].code[start..end].fill(nop);
                        if let Some(last) = candidate.functions[function]
                            .code
                            .last_mut()
                            .filter(|_| end - start < run || start > 0)
                        {
                            *last = ret;
                        }
                    });
                    start = end;
                }
                run /= 2;
            }
            for word in (0..self.candidate.functions[function].code.len()).rev() {
                self.shorten(function, word, nop);
            }
        }
    }

    /// Removes an instruction, or replaces it by a NOP.
    fn shorten(&mut self, function: usize, word: usize, nop: Inst) {
        let Some(shorter) = self.candidate.functions[function].without(word) else { return };
        let is_nop = self.candidate.functions[function].code[word] == nop;
        let kept = self.change(|candidate| candidate.functions[function] = shorter);
        // A branch that now does something else may fail as well.
        if !kept && !is_nop {
            self.change(|candidate| candidate.functions[function].code[word] = nop);
        }
    }

    /// Removes functions, imports, constants, globals, data and locals that are not needed.
    fn remove_items(&mut self) {
        let count = |candidate: &Candidate, role| match role {
            Role::Func => candidate.functions.len(),
            Role::Import => candidate.imports.len(),
            Role::Const => candidate.constants.len(),
            _ => candidate.globals.len(),
        };
        for role in [Role::Func, Role::Import, Role::Const, Role::Global] {
            for number in (0..count(&self.candidate, role)).rev() {
                let without = self.candidate.without(role, number);
                self.attempt(without);
            }
        }
        for segment in (0..self.candidate.data.len()).rev() {
            self.change(|candidate| drop(candidate.data.remove(segment)));
        }
        for function in 0..self.candidate.functions.len() {
            for locals in [0, 1, self.candidate.functions[function].locals / 2] {
                if self.change(|candidate| {
                    candidate.functions[function].locals = locals.min(candidate.functions[function].locals);
                }) {
                    break;
                }
            }
        }
        while self.candidate.memory > 16
            && self.change(|candidate| candidate.memory = (candidate.memory / 2).next_multiple_of(16))
        {
        }
    }

    /// Simplifies constants, globals and operands.
    fn simplify_numbers(&mut self) {
        for constant in 0..self.candidate.constants.len() {
            let _ = self.change(|candidate| candidate.constants[constant] = 0)
                || self.change(|candidate| candidate.constants[constant] = 1);
        }
        for global in 0..self.candidate.globals.len() {
            self.change(|candidate| candidate.globals[global] = 0);
        }
        for function in 0..self.candidate.functions.len() {
            for word in 0..self.candidate.functions[function].code.len() {
                self.simplify_operands(function, word);
            }
        }
    }

    /// Simplifies the numeric operands of an instruction.
    fn simplify_operands(&mut self, function: usize, word: usize) {
        for index in 0..self.candidate.functions[function].code[word].op().operands().len() {
            for simple in [0, 1] {
                let inst = self.candidate.functions[function].code[word];
                let numeric = inst.operands().nth(index).is_some_and(|(operand, value)| {
                    matches!(operand.role, Role::S | Role::U | Role::Disp | Role::Local)
                        && i64::from(value) > simple
                });
                if let Some(inst) = inst.with(index, simple).ok().filter(|_| numeric)
                    && self.change(|candidate| candidate.functions[function].code[word] = inst)
                {
                    break;
                }
            }
        }
    }
}
