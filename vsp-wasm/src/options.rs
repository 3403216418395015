//! The options of a translation.

use alloc::collections::BTreeMap;
use alloc::string::String;

/// The stack for an instance of a program that a compiler made, in cells: 8 MiB, as `vsp run` gives it. Compilers expect
/// as much as a megabyte of frames of machine code, of which each needs several times as much here.
///
/// ```
/// let options = vsp_core::Options { stack_cells: Some(vsp_wasm::STACK_CELLS), ..vsp_core::Options::default() };
/// ```
pub const STACK_CELLS: u32 = 1 << 20;

/// The options of [`translate`](crate::translate).
///
/// ```
/// let options = vsp_wasm::Options::default().memory_maximum(16 << 20).global("env", "heap_base", 65_536);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    pub(crate) memory_maximum: Option<u64>,
    pub(crate) memory_size: MemorySize,
    pub(crate) lines: bool,
    pub(crate) table_maximum: Option<u32>,
    pub(crate) globals: BTreeMap<(String, String), u64>,
    memories: BTreeMap<(String, String), Size>,
    tables: BTreeMap<(String, String), Size>,
}

/// The choice of the size of the memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum MemorySize {
    /// The module's own.
    #[default]
    Own,
    /// A number of bytes.
    Bytes(u64),
    /// The number of bytes after data and stack.
    Heap(u64),
}

/// The size of a memory in pages, or of a table in elements, and the size to which it can grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) minimum: u64,
    pub(crate) maximum: Option<u64>,
}

impl Size {
    /// Returns whether something of this size can be imported as one of the other size.
    pub(crate) fn is_at_least(self, wanted: Size) -> bool {
        let grows_no_further = match (self.maximum, wanted.maximum) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(given), Some(wanted)) => given <= wanted,
        };
        self.minimum >= wanted.minimum && grows_no_further
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            memory_maximum: None,
            memory_size: MemorySize::default(),
            lines: true,
            table_maximum: None,
            globals: BTreeMap::new(),
            memories: BTreeMap::new(),
            tables: BTreeMap::new(),
        }
    }
}

impl Options {
    /// The largest memory of a module that names no maximum, in bytes, unless [`Self::memory_maximum`] says otherwise:
    /// 1 GiB.
    pub const DEFAULT_MEMORY_MAXIMUM: u64 = 1 << 30;

    /// The largest number of elements of a growing table, unless [`Self::table_maximum`] says otherwise: 4,096 more
    /// than it has at first.
    pub const DEFAULT_TABLE_GROWTH: u32 = 4096;

    /// Sets the largest size in bytes to which the memory can grow; it is rounded down to pages of the module. The
    /// module's own maximum applies too, and the memory is never smaller than the module's minimum.
    pub fn memory_maximum(mut self, bytes: u64) -> Options {
        self.memory_maximum = Some(bytes);
        self
    }

    /// Sets the size of the memory in bytes, in place of the module's pages; it is rounded up to a multiple of 16. An
    /// access beyond traps. This is for modules that neither grow their memory nor ask for its size, and whose data and
    /// stack fit; others are refused with [`ErrorKind::MemorySize`](crate::ErrorKind::MemorySize).
    ///
    /// ```
    /// use vsp_core::program::Program;
    /// use vsp_wasm::{Options, translate};
    ///
    /// let module = wat::parse_str(r#"(module (memory 1) (data (i32.const 100) "abc"))"#)?;
    /// let bytes = translate(&module, &Options::default().memory_bytes(200))?;
    /// assert_eq!(Program::read(&bytes[..])?.memory_minimum(), 208);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn memory_bytes(mut self, bytes: u64) -> Options {
        self.memory_size = MemorySize::Bytes(bytes);
        self
    }

    /// Sets the size of the memory like [`Self::memory_bytes`], as the number of bytes after the module's data and
    /// stack. Their end is the value of the exported global `__heap_base`, or the larger one of `__data_end` and the
    /// initial stack pointer, or the latter if it is above all data segments; without these the module is refused.
    pub fn heap_bytes(mut self, bytes: u64) -> Options {
        self.memory_size = MemorySize::Heap(bytes);
        self
    }

    /// Sets the largest number of elements to which a table can grow. The module's own maximum applies too. Each takes
    /// a global of the program, of which there are at most 65,536.
    pub fn table_maximum(mut self, elements: u32) -> Options {
        self.table_maximum = Some(elements);
        self
    }

    /// Sets whether the program gets the source lines of the module's DWARF, if it has any. Without this it does.
    /// The code is the same with and without them.
    pub fn lines(mut self, lines: bool) -> Options {
        self.lines = lines;
        self
    }

    /// Sets the bits of an imported global. Without this it is 0.
    pub fn global(mut self, module: &str, name: &str, bits: u64) -> Options {
        self.globals.insert((module.into(), name.into()), bits);
        self
    }

    /// Sets the size in pages of an imported memory, and to how many it can grow. Without this it has the size that the
    /// module asks for.
    pub fn memory(mut self, module: &str, name: &str, minimum: u64, maximum: Option<u64>) -> Options {
        self.memories.insert((module.into(), name.into()), Size { minimum, maximum });
        self
    }

    /// Sets the size in elements of an imported table, and to how many it can grow. Without this it has the size that
    /// the module asks for.
    pub fn table(mut self, module: &str, name: &str, minimum: u32, maximum: Option<u32>) -> Options {
        let size = Size { minimum: minimum.into(), maximum: maximum.map(u64::from) };
        self.tables.insert((module.into(), name.into()), size);
        self
    }

    /// Returns the size of an imported memory, if it was set.
    pub(crate) fn imported_memory(&self, module: &str, name: &str) -> Option<Size> {
        self.memories.get(&(module.into(), name.into())).copied()
    }

    /// Returns the size of an imported table, if it was set.
    pub(crate) fn imported_table(&self, module: &str, name: &str) -> Option<Size> {
        self.tables.get(&(module.into(), name.into())).copied()
    }

    /// Returns the bits of an imported global.
    pub(crate) fn global_value(&self, module: &str, name: &str) -> u64 {
        self.globals.get(&(module.into(), name.into())).copied().unwrap_or(0)
    }
}
