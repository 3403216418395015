//! Programs that the minimiser edits.

use vsp_core::generate::{Generated, Plan};
use vsp_core::index::FuncIndex;
use vsp_core::isa::{Inst, Role};
use vsp_core::program::{FuncType, FunctionBuilder, NameKind, Program, ProgramBuilder};
use vsp_core::verify::Verified;

/// A program and its plan, which need not verify.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) imports: Vec<(String, String, FuncType)>,
    pub(super) functions: Vec<Function>,
    pub(super) constants: Vec<u64>,
    pub(super) globals: Vec<u64>,
    pub(super) memory: u64,
    pub(super) data: Vec<(u32, Vec<u8>)>,
    pub(super) plan: Plan,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Function {
    pub(super) ty: FuncType,
    pub(super) locals: u16,
    pub(super) code: Vec<Inst>,
}

impl Candidate {
    /// Parses a generated program. Returns `None` if its bytes are not a program.
    pub(super) fn read(made: &Generated) -> Option<Candidate> {
        let program = Program::read(&made.bytes[..]).ok()?;
        let mut rest = program.code();
        let mut functions = Vec::new();
        for decl in program.functions() {
            let (words, others) = rest.split_at(decl.words as usize);
            rest = others;
            let code: Option<_> =
                words.iter().map(|word| Inst::decode(u32::from_le_bytes(*word)).ok()).collect();
            functions.push(Function { ty: decl.ty, locals: decl.locals, code: code? });
        }
        let own = |text: &str| text.to_owned();
        Some(Candidate {
            imports: program.imports().map(|it| (own(it.module), own(it.name), it.ty)).collect(),
            functions,
            constants: program.constants().iter().map(|bytes| u64::from_le_bytes(*bytes)).collect(),
            globals: program.globals().collect(),
            memory: program.memory_minimum(),
            data: program.data().map(|it| (it.address, it.bytes.to_vec())).collect(),
            plan: made.plan.clone(),
        })
    }

    /// Assembles the program. Returns `None` if it does not verify.
    pub(super) fn build(&self) -> Option<Generated> {
        let mut program = ProgramBuilder::new();
        for (module, name, ty) in &self.imports {
            program.import(module, name, *ty).ok()?;
        }
        for value in &self.constants {
            program.new_constant(*value);
        }
        for value in &self.globals {
            program.global(*value);
        }
        program.memory(self.memory);
        for (address, bytes) in &self.data {
            program.data(*address, bytes.clone(), None).ok()?;
        }
        for (index, function) in self.functions.iter().enumerate() {
            let mut code = FunctionBuilder::new(function.ty);
            code.set_locals(function.locals);
            function.code.iter().for_each(|inst| code.push(*inst));
            let made = program.function(code);
            let name = format!("f{index}");
            program.export(&name, made).ok()?;
            program.name(NameKind::Function, made.0, &name).ok()?;
        }
        let bytes = program.build().ok()?;
        Verified::new(Program::read(&bytes[..]).ok()?).ok()?;
        Some(Generated { bytes, plan: self.plan.clone() })
    }

    /// Returns the candidate without one of the items that operands of this role refer to. Instructions that refer to
    /// it make the candidate fail: then `None`.
    pub(super) fn without(&self, role: Role, number: usize) -> Option<Candidate> {
        let mut candidate = self.clone();
        match role {
            Role::Func => {
                candidate.functions.remove(number);
                let called = candidate.plan.calls.iter_mut().map(|call| &mut call.function);
                for FuncIndex(function) in called {
                    *function = without(*function as usize, number)? as u32;
                }
            }
            Role::Import => drop(candidate.imports.remove(number)),
            Role::Const => drop(candidate.constants.remove(number)),
            Role::Global => drop(candidate.globals.remove(number)),
            _ => return None,
        }
        for inst in candidate.functions.iter_mut().flat_map(|function| &mut function.code) {
            let operands = inst.op().operands();
            for (index, (_, value)) in
                (0..operands.len()).zip(inst.operands()).filter(|(_, (operand, _))| operand.role == role)
            {
                *inst = inst.with(index, without(value as usize, number)? as i64).ok()?;
            }
        }
        Some(candidate)
    }
}

/// Returns the index of an item after the one at `gone` was removed, or `None` if it is that one.
fn without(number: usize, gone: usize) -> Option<usize> {
    match number.cmp(&gone) {
        std::cmp::Ordering::Less => Some(number),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(number - 1),
    }
}

impl Function {
    /// Returns the code without one instruction; branches keep their target, or go to the instruction after the removed
    /// one.
    pub(super) fn without(&self, gone: usize) -> Option<Function> {
        let moved = |word: i64| if word > gone as i64 { word - 1 } else { word };
        let mut code = Vec::new();
        for (word, inst) in self.code.iter().enumerate().filter(|(word, _)| *word != gone) {
            let mut inst = *inst;
            let target = inst.op().operands().iter().position(|operand| operand.role == Role::Target);
            if let Some((index, displacement)) = target.zip(inst.value_of(Role::Target)) {
                let old = word as i64 + 1 + i64::from(displacement);
                let new = moved(old) - moved(word as i64) - 1;
                inst = inst.with(index, new).ok()?;
            }
            code.push(inst);
        }
        Some(Function { code, ..self.clone() })
    }
}
