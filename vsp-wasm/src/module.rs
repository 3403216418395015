//! A validated module, with evaluated constant expressions, and code as bytes.

mod constant;
mod read;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::Range;

use wasmparser::{FunctionBody, RefType, ValType};

use crate::lines::Dwarf;

pub(crate) use read::read;

/// A function type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Signature {
    pub(crate) params: Vec<ValType>,
    pub(crate) results: Vec<ValType>,
}

/// The value of a constant expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    /// The bits of a number; a binary32 is zero-extended.
    Bits(u64),
    /// The null reference.
    Null,
    /// A reference to a function.
    Function(u32),
}

/// A name by which something is imported: of the module and of the item.
pub(crate) type ImportName<'a> = (&'a str, &'a str);

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) element: RefType,
    pub(crate) minimum: u32,
    pub(crate) maximum: Option<u32>,
    pub(crate) initial: Constant,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Pages of the module.
    pub(crate) minimum: u64,
    pub(crate) maximum: Option<u64>,
    /// The binary logarithm of the page's size: 16 or 0.
    pub(crate) page_log2: u32,
}

#[derive(Debug)]
pub(crate) struct Global<'a> {
    pub(crate) ty: ValType,
    pub(crate) mutable: bool,
    pub(crate) initial: Constant,
    pub(crate) import: Option<ImportName<'a>>,
}

/// The placement of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Into the memory or the table with this index, at this offset, when the module is instantiated.
    Active {
        index: u32,
        offset: u32,
    },
    Passive,
    /// An element segment that only declares functions, and has no elements at run time.
    Declared,
}

#[derive(Debug)]
pub(crate) struct Elements {
    pub(crate) placement: Placement,
    pub(crate) items: Vec<Constant>,
}

#[derive(Debug)]
pub(crate) struct Data<'a> {
    pub(crate) placement: Placement,
    pub(crate) bytes: &'a [u8],
}

/// An exported or imported item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Function(u32),
    Table(u32),
    Memory,
    Global(u32),
}

/// The features that the code of a module uses. They decide how tables and segments are represented.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// The first function with a memory.grow.
    pub(crate) grows: Option<u32>,
    /// The first function with a memory.size.
    pub(crate) asks_size: Option<u32>,
    /// There is an instruction on tables other than call_indirect, or a ref.func.
    pub(crate) references: bool,
    pub(crate) calls_indirect: bool,
    /// The functions that call themselves in place of returning.
    pub(crate) self_calls: BTreeSet<u32>,
    /// The functions that are exported.
    pub(crate) exported: BTreeSet<u32>,
    /// The tables that grow, by index.
    pub(crate) growing_tables: Vec<bool>,
    /// The data and element segments that an instruction names.
    pub(crate) data: Vec<bool>,
    pub(crate) elements: Vec<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Module<'a> {
    pub(crate) types: Vec<Signature>,
    /// The type of each function; imported functions come first.
    pub(crate) functions: Vec<u32>,
    pub(crate) imports: Vec<ImportName<'a>>,
    /// The imported memory and tables.
    pub(crate) other_imports: Vec<(ImportName<'a>, Item)>,
    pub(crate) tables: Vec<Table>,
    pub(crate) memory: Option<Memory>,
    pub(crate) globals: Vec<Global<'a>>,
    pub(crate) exports: Vec<(&'a str, Item)>,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Vec<Elements>,
    pub(crate) data: Vec<Data<'a>>,
    pub(crate) bodies: Vec<FunctionBody<'a>>,
    /// The debug names of functions, ordered by index.
    pub(crate) names: Vec<(u32, &'a str)>,
    pub(crate) usage: Usage,
    /// The range of the contents of the code section in the module's bytes.
    pub(crate) code: Range<u64>,
    pub(crate) dwarf: Dwarf<'a>,
}

impl<'a> Module<'a> {
    /// Returns the type of a function.
    pub(crate) fn signature(&self, function: u32) -> Option<&Signature> {
        let ty = *self.functions.get(function as usize)?;
        self.types.get(ty as usize)
    }

    /// Returns the offset in the code section of this offset in the module's bytes.
    pub(crate) fn code_offset(&self, offset: u64) -> u32 {
        offset.saturating_sub(self.code.start) as u32
    }

    /// Returns the debug name of a function: from the name section, else its export or import.
    pub(crate) fn name(&self, function: u32) -> Option<&'a str> {
        let named = self.names.binary_search_by_key(&function, |(index, _)| *index).ok();
        named.and_then(|at| self.names.get(at)).map(|(_, name)| *name)
    }
}

/// Returns whether values of this type are kept zero-extended from 32 bits.
pub(crate) fn is_32_bits(ty: ValType) -> bool {
    matches!(ty, ValType::I32 | ValType::F32)
}
