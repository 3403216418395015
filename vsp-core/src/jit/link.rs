//! The linker: concatenates functions and resolves the calls between them, so that the code needs no relocation.

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

/// Code that is being linked.
pub(super) struct Linker {
    text: Box<dyn TextSectionBuilder>,
    alignment: u32,
    /// The length so far in bytes.
    length: u32,
    /// The largest length in bytes.
    limit: u32,
    /// For each function of the program, its index in the text; `None` if it is not there.
    functions: Vec<Option<usize>>,
    /// The number of items in the text.
    added: usize,
    calls: Vec<Call>,
    control: ControlPlane,
}

/// A call whose target is not resolved yet.
struct Call {
    at: u64,
    kind: Reloc,
    addend: i64,
    callee: FuncIndex,
}

/// An item in the text.
#[derive(Clone, Copy)]
pub(super) struct Offset {
    /// The offset of its first byte.
    pub(super) at: u32,
    /// Its index in the order of the text.
    number: usize,
}

impl Linker {
    /// Creates a linker for a program of this number of functions, this number of items in the text, and at most
    /// `limit` bytes.
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

    /// Returns the length so far in bytes.
    pub(super) fn length(&self) -> u32 {
        self.length
    }

    /// Makes this item the target of calls of the function.
    pub(super) fn define(&mut self, function: FuncIndex, offset: Offset) {
        self.functions[function.index()] = Some(offset.number);
    }

    /// Adds the next item, and returns its offset.
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

    /// Resolves the calls, and returns the bytes.
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

/// Returns the function of the program that a reference refers to.
pub(super) fn callee(function: &Function, target: &FinalizedRelocTarget) -> Option<FuncIndex> {
    match target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            Some(FuncIndex(function.params.user_named_funcs()[*name].index))
        }
        FinalizedRelocTarget::ExternalName(_) | FinalizedRelocTarget::Func(_) => None,
    }
}
