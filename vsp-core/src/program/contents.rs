//! The contents of a program, owned: the builder collects them, and the writer encodes them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

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
