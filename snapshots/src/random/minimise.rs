//! Making a program that fails small.

use vsp_core::generate::{Generated, Slice};
use vsp_core::isa::{Inst, Opcode, Role};

use super::draft::Draft;

/// A smaller program, with a simpler plan, of which `fails` says that it still fails. It gives up after so many tries.
pub fn minimise(made: &Generated, tries: u32, fails: &mut dyn FnMut(&Generated) -> bool) -> Generated {
    let Some(draft) = Draft::read(made) else { return made.clone() };
    let mut search = Search { draft, best: made.clone(), tries, fails };
    loop {
        let before = search.draft.clone();
        search.plan();
        search.code();
        search.things();
        search.numbers();
        if search.draft == before || search.tries == 0 {
            return search.best;
        }
    }
}

struct Search<'f> {
    draft: Draft,
    best: Generated,
    tries: u32,
    fails: &'f mut dyn FnMut(&Generated) -> bool,
}

impl Search<'_> {
    /// Keeps a draft if it verifies and fails.
    fn attempt(&mut self, draft: Option<Draft>) -> bool {
        let Some(draft) = draft.filter(|draft| *draft != self.draft && self.tries > 0) else { return false };
        let Some(made) = draft.build() else { return false };
        self.tries -= 1;
        let keep = (self.fails)(&made);
        if keep {
            (self.draft, self.best) = (draft, made);
        }
        keep
    }

    /// Attempts a change.
    fn change(&mut self, change: impl FnOnce(&mut Draft)) -> bool {
        let mut draft = self.draft.clone();
        change(&mut draft);
        self.attempt(Some(draft))
    }

    fn plan(&mut self) {
        for call in (0..self.draft.plan.calls.len()).rev() {
            if self.draft.plan.calls.len() > 1 {
                self.change(|draft| drop(draft.plan.calls.remove(call)));
            }
        }
        for slice in [Slice::Plenty, Slice::Large, Slice::Mixed, Slice::Small] {
            if self.change(|draft| draft.plan.slice = slice) {
                break;
            }
        }
        self.change(|draft| draft.plan.interrupts = false);
        self.change(|draft| draft.plan.memory = None);
        self.change(|draft| draft.plan.stack_cells = None);
        while self.draft.plan.turns > 1 && self.change(|draft| draft.plan.turns /= 2) {}
        for call in 0..self.draft.plan.calls.len() {
            for argument in 0..self.draft.plan.calls[call].arguments.len() {
                self.change(|draft| draft.plan.calls[call].arguments[argument] = 0);
            }
        }
    }

    /// Whole functions, then runs of instructions, then single ones. What was NOP is taken out.
    fn code(&mut self) {
        let Ok(nop) = Inst::new(Opcode::NOP, &[]) else { return };
        let Ok(ret) = Inst::new(Opcode::RET, &[]) else { return };
        for function in (0..self.draft.functions.len()).rev() {
            self.change(|draft| draft.functions[function].code = vec![ret]);
            let mut run = self.draft.functions[function].code.len();
            while run > 0 {
                let mut start = 0;
                while start < self.draft.functions[function].code.len() {
                    let end = (start + run).min(self.draft.functions[function].code.len());
                    self.change(|draft| {
                        draft.functions[function].code[start..end].fill(nop);
                        if let Some(last) = draft.functions[function]
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
            for word in (0..self.draft.functions[function].code.len()).rev() {
                self.shorten(function, word, nop);
            }
        }
    }

    /// Takes a NOP, or whatever can be missing, out of a function.
    fn shorten(&mut self, function: usize, word: usize, nop: Inst) {
        let Some(shorter) = self.draft.functions[function].without(word) else { return };
        let is_nop = self.draft.functions[function].code[word] == nop;
        let kept = self.change(|draft| draft.functions[function] = shorter);
        // A branch that does something else instead may do as well.
        if !kept && !is_nop {
            self.change(|draft| draft.functions[function].code[word] = nop);
        }
    }

    /// Functions, imports, constants, globals, data and locals that nobody needs.
    fn things(&mut self) {
        let count = |draft: &Draft, role| match role {
            Role::Func => draft.functions.len(),
            Role::Import => draft.imports.len(),
            Role::Const => draft.constants.len(),
            _ => draft.globals.len(),
        };
        for role in [Role::Func, Role::Import, Role::Const, Role::Global] {
            for number in (0..count(&self.draft, role)).rev() {
                let without = self.draft.without(role, number);
                self.attempt(without);
            }
        }
        for segment in (0..self.draft.data.len()).rev() {
            self.change(|draft| drop(draft.data.remove(segment)));
        }
        for function in 0..self.draft.functions.len() {
            for locals in [0, 1, self.draft.functions[function].locals / 2] {
                if self.change(|draft| {
                    draft.functions[function].locals = locals.min(draft.functions[function].locals);
                }) {
                    break;
                }
            }
        }
        while self.draft.memory > 16
            && self.change(|draft| draft.memory = (draft.memory / 2).next_multiple_of(16))
        {}
    }

    /// Numbers that could be simpler.
    fn numbers(&mut self) {
        for constant in 0..self.draft.constants.len() {
            let _ = self.change(|draft| draft.constants[constant] = 0)
                || self.change(|draft| draft.constants[constant] = 1);
        }
        for global in 0..self.draft.globals.len() {
            self.change(|draft| draft.globals[global] = 0);
        }
        for function in 0..self.draft.functions.len() {
            for word in 0..self.draft.functions[function].code.len() {
                self.operands(function, word);
            }
        }
    }

    /// Smaller numbers in an instruction.
    fn operands(&mut self, function: usize, word: usize) {
        for index in 0..self.draft.functions[function].code[word].op().operands().len() {
            for simple in [0, 1] {
                let inst = self.draft.functions[function].code[word];
                let numeric = inst.operands().nth(index).is_some_and(|(operand, value)| {
                    matches!(operand.role, Role::S | Role::U | Role::Disp | Role::Local)
                        && i64::from(value) > simple
                });
                if let Some(inst) = inst.with(index, simple).ok().filter(|_| numeric)
                    && self.change(|draft| draft.functions[function].code[word] = inst)
                {
                    break;
                }
            }
        }
    }
}
