//! The contents of a program, owned: the builder collects them, and the writer encodes them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::Program;
use super::sections::{LineEntry, NameKind};
use crate::func_type::FuncType;
use crate::index::FuncIndex;
use crate::limits::MEMORY_GRANULE;

#[derive(Clone, Debug)]
pub(super) struct OwnedImport {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) ty: FuncType,
}

/// A data segment and its optional name.
#[derive(Clone, Debug)]
pub(super) struct OwnedData {
    pub(super) address: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) name: Option<String>,
}

/// The header and code of a function.
#[derive(Clone, Debug)]
pub(super) struct OwnedFunction {
    pub(super) ty: FuncType,
    pub(super) locals: u16,
    pub(super) words: Vec<u32>,
}

impl Contents {
    /// Returns the contents of a program.
    pub(super) fn of(program: &Program<'_>) -> Contents {
        let mut code = program.code().iter().map(|word| u32::from_le_bytes(*word));
        Contents {
            imports: program
                .imports()
                .map(|it| OwnedImport { module: it.module.into(), name: it.name.into(), ty: it.ty })
                .collect(),
            functions: program
                .functions()
                .map(|it| OwnedFunction {
                    ty: it.ty,
                    locals: it.locals,
                    words: code.by_ref().take(it.words as usize).collect(),
                })
                .collect(),
            constants: program.constants().iter().map(|value| u64::from_le_bytes(*value)).collect(),
            memory_minimum: program.memory_minimum(),
            memory_maximum: program.memory_maximum(),
            globals: program.globals().collect(),
            data: program
                .data()
                .map(|it| OwnedData { address: it.address, bytes: it.bytes.into(), name: None })
                .collect(),
            exports: program.exports().map(|it| (it.name.into(), it.function)).collect(),
            names: program.names().map(|it| ((it.kind, it.index), it.name.into())).collect(),
            source_files: program.source_files().map(String::from).collect(),
            lines: program.lines().collect(),
            customs: program.customs().map(|it| (it.name.into(), it.bytes.into())).collect(),
            passive: program.passive().map(Vec::from).collect(),
        }
    }

    /// Returns the minimum and the maximum of the memory.
    pub(super) fn memory_range(&self) -> (u64, u64) {
        let minimum = self.memory_minimum.max(MEMORY_GRANULE);
        (minimum, self.memory_maximum.max(minimum))
    }
}

/// The contents of a file, in file order.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    pub(super) imports: Vec<OwnedImport>,
    pub(super) functions: Vec<OwnedFunction>,
    pub(super) constants: Vec<u64>,
    pub(super) memory_minimum: u64,
    /// The maximum of the memory; 0, or less than the minimum, for the minimum.
    pub(super) memory_maximum: u64,
    pub(super) globals: Vec<u64>,
    pub(super) data: Vec<OwnedData>,
    pub(super) exports: BTreeMap<String, FuncIndex>,
    pub(super) names: BTreeMap<(NameKind, u32), String>,
    pub(super) source_files: Vec<String>,
    pub(super) lines: Vec<LineEntry>,
    pub(super) customs: BTreeMap<String, Vec<u8>>,
    pub(super) passive: Vec<Vec<u8>>,
}
