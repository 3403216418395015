//! Machine code in executable memory, and the entries of its functions.

use alloc::vec::Vec;
use core::ops::Range;

use vsp_core::index::{FuncIndex, Location};
#[cfg(feature = "jit")]
use vsp_core::jit::RegionCode;
#[cfg(feature = "jit")]
use vsp_core::native::Code;
use vsp_core::native::{CodeInfo, Object, TableEntry};
use vsp_core::{AttachError, CodeKey, Entry};

use crate::platform::{ExecutableMemory, LoadError, Platform};
use crate::trusted::Trusted;

/// Machine code of a program, or of a region of one, in executable memory. Which program that is, its owner knows.
#[derive(Debug)]
pub struct MachineCode<P: Platform> {
    pub(crate) info: CodeInfo,
    /// The identity of the code, which is not visible elsewhere.
    pub(crate) key: CodeKey,
    /// The memory of the code, which stays mapped as long as `self`.
    #[expect(dead_code, reason = "it keeps the code mapped")]
    pub(crate) memory: P::Memory,
    /// The address of the code.
    pub(crate) address: u64,
    /// The entry of each function. `None` if it was not compiled.
    pub(crate) functions: Vec<Option<Found>>,
    /// The entry at a loop header (on-stack replacement), if there is one.
    pub(crate) at_loop: Option<(Location, Found)>,
    pub(crate) counts_fuel: bool,
}

/// An entry into machine code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The address of an entry for functions of its type.
    pub(crate) entry: usize,
    /// The address of the function, or of the code that begins at the loop header.
    pub(crate) address: usize,
    /// Number of cells of its frame.
    pub(crate) cells: u64,
    /// Number of parameters.
    pub(crate) params: usize,
    /// Whether the function needs no more native stack than [`Platform::LEAF_STACK`].
    pub(crate) is_leaf: bool,
}

impl<P: Platform> MachineCode<P> {
    /// Puts code into executable memory.
    ///
    /// # Errors
    /// The platform has none.
    #[cfg(feature = "jit")]
    pub fn of_code(code: Code) -> Result<Self, P::Error> {
        let memory = P::install(code.bytes())?;
        Ok(MachineCode::new(code.into_info(), memory, 0))
    }

    /// Puts the code of a region into executable memory.
    ///
    /// # Errors
    /// The platform has none.
    #[cfg(feature = "jit")]
    pub fn of_region(code: RegionCode) -> Result<Self, P::Error> {
        let memory = P::install(code.bytes())?;
        Ok(MachineCode::new(code.into_info(), memory, 0))
    }

    /// Copies the code of an object into executable memory.
    ///
    /// # Errors
    /// It is for another target, or the platform has no executable memory.
    pub fn load(object: Trusted<Object<'_>>) -> Result<Self, P::Error> {
        let object = object.into_inner();
        object.info().check_target(&P::target()?).map_err(LoadError::from)?;
        let memory = P::install(object.placement().code)?;
        Ok(MachineCode::new(object.into_info(), memory, 0))
    }

    /// Takes over memory that holds a code object: the bytes `file` are the whole object.
    ///
    /// # Errors
    /// It does not hold one at an address where it can run, or it is for another target.
    pub fn in_place(memory: Trusted<P::Memory>, file: Range<usize>) -> Result<Self, P::Error> {
        let memory = memory.into_inner();
        let first = file.start;
        let Some(file) = memory.as_bytes().get(file) else {
            return Err(LoadError::Outside { size: memory.as_bytes().len() }.into());
        };
        let object = Object::read(file).map_err(LoadError::from)?;
        object.info().check_target(&P::target()?).map_err(LoadError::from)?;
        let placement = object.placement();
        if !placement.in_place {
            return Err(LoadError::NotInPlace { align: placement.align }.into());
        }
        let start = first + placement.offset;
        Ok(MachineCode::new(object.into_info(), memory, start))
    }

    /// Creates machine code whose bytes start at `start` in the memory.
    fn new(info: CodeInfo, memory: P::Memory, start: usize) -> Self {
        // All bytes of the code are exposed, and with it all of its entries.
        let address = memory.as_bytes().as_ptr().expose_provenance() + start;
        let counts_fuel = info.options().fuel;
        let found = |row: &TableEntry, (entry, offset): (usize, usize), params: usize| Found {
            entry: address + entry,
            address: address + offset,
            cells: row.frame_cells().into(),
            params,
            is_leaf: false,
        };
        let functions = (0..).map(FuncIndex).zip(info.table()).map(|(index, row)| {
            let ty = row.func_type()?;
            Some(found(row, info.function_entry(index)?, ty.params()))
        });
        let functions = functions.collect();
        let at_loop = info.loop_location().and_then(|location| {
            let row = info.table().get(location.function.index())?;
            Some((location, found(row, info.loop_entry(location)?, 0)))
        });
        let address = address as u64;
        MachineCode { info, key: CodeKey::new(), memory, address, functions, at_loop, counts_fuel }
    }

    pub(crate) fn find(&self, entry: Entry) -> Option<Found> {
        match entry {
            Entry::Function(function) => *self.functions.get(function.index())?,
            Entry::Osr(location) => self.at_loop.filter(|it| it.0 == location).map(|it| it.1),
        }
    }

    /// Returns the description of the code.
    pub fn info(&self) -> &CodeInfo {
        &self.info
    }

    /// Returns the addresses of the code.
    pub fn address_range(&self) -> Range<usize> {
        let start = self.address as usize;
        start..start + self.info.length()
    }

    /// Checks that frames in `cells` cells of stack can have the native stack that they need.
    ///
    /// # Errors
    /// They need more than [`Platform::MAX_NATIVE_STACK`].
    pub fn reserve(&self, cells: u32) -> Result<(), AttachError> {
        let bytes = u64::from(cells) * u64::from(self.info().bytes_per_cell());
        if bytes > P::MAX_NATIVE_STACK {
            return Err(AttachError::NativeStack { cells, bytes, limit: P::MAX_NATIVE_STACK });
        }
        Ok(())
    }

    /// Returns the entry of a [`short_leaf`](vsp_core::verify::Function::short_leaf), a function that calls nothing.
    pub(crate) fn short_leaf(&self, found: Found) -> Found {
        let bytes = found.cells * u64::from(self.info.bytes_per_cell());
        Found { is_leaf: bytes <= P::LEAF_STACK as u64, ..found }
    }
}
