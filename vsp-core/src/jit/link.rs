//! Functions put one behind the other, and the calls between them resolved: what is left needs no relocation.

use alloc::boxed::Box;
use alloc::vec::Vec;

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{CompiledCode, FinalizedRelocTarget, TextSectionBuilder};

use super::JitError;
use crate::analysis::{OutOfMemory, filled};
use crate::index::FuncIndex;

/// Code that is being put together.
pub(super) struct Linker {
    text: Box<dyn TextSectionBuilder>,
    alignment: u32,
    /// Bytes so far.
    length: u32,
    /// Bytes that there may be.
    limit: u32,
    /// For each function of the program, which of the text it is; `None` if it is not there.
    functions: Vec<Option<usize>>,
    /// How many the text has.
    added: usize,
    calls: Vec<Call>,
    control: ControlPlane,
}

/// A call that has to be told where it goes.
struct Call {
    at: u64,
    kind: Reloc,
    addend: i64,
    callee: FuncIndex,
}

/// Something in the text.
#[derive(Clone, Copy)]
pub(super) struct Offset {
    /// Where it starts, in bytes.
    pub(super) at: u32,
    /// Which it is, in the order of the text.
    number: usize,
}

impl Linker {
    /// For a program of so many functions, so many things in the text, and so many bytes at most.
    pub(super) fn new(
        isa: &dyn TargetIsa,
        functions: usize,
        count: usize,
        limit: u32,
    ) -> Result<Linker, OutOfMemory> {
        let alignment = isa.function_alignment().preferred.max(isa.symbol_alignment() as u32);
        Ok(Linker {
            text: isa.text_section_builder(count),
            alignment,
            length: 0,
            limit,
            functions: filled(functions, None)?,
            added: 0,
            calls: Vec::new(),
            control: ControlPlane::default(),
        })
    }

    /// Bytes so far.
    pub(super) fn length(&self) -> u32 {
        self.length
    }

    /// Calls of this function lead there.
    pub(super) fn define(&mut self, function: FuncIndex, offset: Offset) {
        self.functions[function.index()] = Some(offset.number);
    }

    /// Adds the next thing, and says where it is.
    pub(super) fn add(
        &mut self,
        index: FuncIndex,
        function: &Function,
        code: &CompiledCode,
    ) -> Result<Offset, JitError> {
        let start = self.text.append(true, code.code_buffer(), self.alignment, &mut self.control);
        for reloc in code.buffer.relocs() {
            let Some(callee) = callee(function, &reloc.target) else {
                let message = alloc::format!("needs {:?}, which is outside the code", reloc.target);
                return Err(JitError::Codegen { function: index, message });
            };
            self.calls.try_reserve(1).map_err(|_| JitError::OutOfMemory)?;
            let at = start + u64::from(reloc.offset);
            self.calls.push(Call { at, kind: reloc.kind, addend: reloc.addend, callee });
        }
        let end = start + code.code_buffer().len() as u64;
        self.length = match u32::try_from(end) {
            Ok(end) if end <= self.limit => end,
            _ => return Err(JitError::CodeTooLarge { function: index, limit: self.limit }),
        };
        let number = self.added;
        self.added += 1;
        Ok(Offset { at: start as u32, number })
    }

    /// Resolves the calls. Gives the bytes.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, JitError> {
        for call in &self.calls {
            let callee = self.functions.get(call.callee.index()).copied().flatten();
            if !callee.is_some_and(|callee| self.text.resolve_reloc(call.at, call.kind, call.addend, callee))
            {
                return Err(JitError::Relocation(alloc::format!("{:?}", call.kind)));
            }
        }
        Ok(self.text.finish(&mut self.control))
    }
}

/// The function of the program that a reference leads to.
pub(super) fn callee(function: &Function, target: &FinalizedRelocTarget) -> Option<FuncIndex> {
    match target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            Some(FuncIndex(function.params.user_named_funcs()[*name].index))
        }
        FinalizedRelocTarget::ExternalName(_) | FinalizedRelocTarget::Func(_) => None,
    }
}
