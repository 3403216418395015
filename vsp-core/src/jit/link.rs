//! Functions put one behind the other, and the calls between them resolved: what is left needs no relocation.

use alloc::boxed::Box;
use alloc::vec::Vec;

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{CompiledCode, FinalizedRelocTarget, TextSectionBuilder};

use super::JitError;
use crate::index::FuncIndex;

/// Code that is being put together.
pub(super) struct Linker {
    text: Box<dyn TextSectionBuilder>,
    alignment: u32,
    calls: Vec<Call>,
    control: ControlPlane,
}

/// A call that has to be told where it goes.
struct Call {
    at: u64,
    kind: Reloc,
    addend: i64,
    callee: usize,
}

impl Linker {
    /// For so many functions.
    pub(super) fn new(isa: &dyn TargetIsa, functions: usize) -> Linker {
        let alignment = isa.function_alignment().preferred.max(isa.symbol_alignment() as u32);
        let text = isa.text_section_builder(functions);
        Linker { text, alignment, calls: Vec::new(), control: ControlPlane::default() }
    }

    /// Adds the next function, and gives its offset.
    pub(super) fn add(
        &mut self,
        index: FuncIndex,
        function: &Function,
        code: &CompiledCode,
    ) -> Result<u32, JitError> {
        let start = self.text.append(true, code.code_buffer(), self.alignment, &mut self.control);
        for reloc in code.buffer.relocs() {
            let Some(callee) = callee(function, &reloc.target) else {
                let message = alloc::format!("needs {:?}, which is outside the code", reloc.target);
                return Err(JitError::Codegen { function: index, message });
            };
            self.calls.try_reserve(1).map_err(|_| JitError::OutOfMemory)?;
            let at = start + u64::from(reloc.offset);
            self.calls.push(Call { at, kind: reloc.kind, addend: reloc.addend, callee: callee.index() });
        }
        u32::try_from(start).map_err(|_| JitError::CodeTooLarge)
    }

    /// Resolves the calls. Gives the bytes.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, JitError> {
        for call in &self.calls {
            if !self.text.resolve_reloc(call.at, call.kind, call.addend, call.callee) {
                return Err(JitError::Relocation(alloc::format!("{:?}", call.kind)));
            }
        }
        let bytes = self.text.finish(&mut self.control);
        if u32::try_from(bytes.len()).is_err() {
            return Err(JitError::CodeTooLarge);
        }
        Ok(bytes)
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
