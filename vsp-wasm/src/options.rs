//! The options of a translation.

use alloc::collections::BTreeMap;
use alloc::string::String;

/// The options of [`translate`](crate::translate).
///
/// ```
/// let options = vsp_wasm::Options::default().memory_maximum(16 << 20).global("env", "heap_base", 65_536);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    pub(crate) memory_maximum: Option<u64>,
    pub(crate) table_maximum: Option<u32>,
    pub(crate) globals: BTreeMap<(String, String), u64>,
}

impl Options {
    /// The largest memory of a module that names no maximum, in bytes, unless [`Self::memory_maximum`] says otherwise:
    /// 1 GiB.
    pub const DEFAULT_MEMORY_MAXIMUM: u64 = 1 << 30;

    /// The largest number of elements of a growing table, unless [`Self::table_maximum`] says otherwise: 4,096 more
    /// than it has at first.
    pub const DEFAULT_TABLE_GROWTH: u32 = 4096;

    /// Sets the largest size in bytes to which the memory can grow; it is rounded down to pages of 64 KiB. The module's
    /// own maximum applies too, and the memory is never smaller than the module's minimum.
    pub fn memory_maximum(mut self, bytes: u64) -> Options {
        self.memory_maximum = Some(bytes);
        self
    }

    /// Sets the largest number of elements to which a table can grow. The module's own maximum applies too. Each takes
    /// a global of the program, of which there are at most 65,536.
    pub fn table_maximum(mut self, elements: u32) -> Options {
        self.table_maximum = Some(elements);
        self
    }

    /// Sets the bits of an imported global. Without this it is 0.
    pub fn global(mut self, module: &str, name: &str, bits: u64) -> Options {
        self.globals.insert((module.into(), name.into()), bits);
        self
    }

    /// Returns the bits of an imported global.
    pub(crate) fn global_value(&self, module: &str, name: &str) -> u64 {
        self.globals.get(&(module.into(), name.into())).copied().unwrap_or(0)
    }
}
