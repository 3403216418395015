//! Code objects: machine code in a file, with its description. `docs/objects.md` describes the format.
//!
//! [`Object::read`] checks everything except the machine code itself, which cannot be checked: whoever runs a code
//! object trusts its producer.

mod read;

use alloc::string::String;
use alloc::vec::Vec;

use super::code::{CODE_ALIGN, CodeInfo, ExitKind, Fingerprint, Site};
use super::target::{Arch, Caches, Target};
use crate::analysis::OutOfMemory;
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::program::ReadError;
use crate::trap::Trap;
use crate::verify::Verified;

/// The first four bytes of every code object.
pub(crate) const MAGIC: [u8; 4] = *b"SILN";

/// The version of the format: 1.0.
pub(crate) const VERSION: u16 = 0x0100;

/// The version of the ABI between machine code and host: the layout of the [`Context`](super::Context) and of the
/// function table, the signatures of entries and of the context's functions, the state after exits, and the balances
/// with which code is entered. It increases with every change of these.
pub const ABI_VERSION: u32 = 4;

/// Header flag: the code counts fuel.
pub(crate) const COUNTS_FUEL: u16 = 1;

/// Header flag: the code checks the interrupt flag.
pub(crate) const INTERRUPTIBLE: u16 = 2;

/// The function number in a site whose instruction was not inlined.
pub(crate) const NO_FUNCTION: u32 = u32::MAX;

/// Size of a row of the function table in bytes.
pub(crate) const ROW_BYTES: usize = 8;

/// Size of a site in bytes.
pub(crate) const SITE_BYTES: usize = 28;

/// The kinds of exits, in the order of their numbers in the file, from 1.
pub(crate) const KINDS: [ExitKind; 13] = [
    ExitKind::Trap(Trap::Explicit(0)),
    ExitKind::Trap(Trap::MemoryOutOfBounds),
    ExitKind::Trap(Trap::DivideByZero),
    ExitKind::Trap(Trap::StackOverflow),
    ExitKind::Trap(Trap::BadIndirectCall),
    ExitKind::HostError,
    ExitKind::Halt,
    ExitKind::Fuel,
    ExitKind::Interrupted,
    ExitKind::Yield,
    ExitKind::Pending(ImportIndex(0)),
    ExitKind::Trap(Trap::GlobalOutOfBounds),
    ExitKind::Interpret,
];

impl ExitKind {
    /// Returns the kind with this number and argument.
    fn from_numbers(number: u32, argument: u32) -> Option<ExitKind> {
        KINDS.get((number as usize).checked_sub(1)?)?.with(argument)
    }

    /// Returns the same kind with this argument, if the argument is valid for it.
    pub(crate) fn with(self, argument: u32) -> Option<ExitKind> {
        match self {
            ExitKind::Trap(Trap::Explicit(_)) => {
                (argument < 1 << 24).then_some(ExitKind::Trap(Trap::Explicit(argument)))
            }
            ExitKind::Pending(_) => Some(ExitKind::Pending(ImportIndex(argument))),
            kind => (argument == 0).then_some(kind),
        }
    }
}

/// The reason why a code object cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The bytes are damaged, or of another format or version.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no memory for the description of the code.
    #[error("out of memory")]
    OutOfMemory,
    /// The code is for another architecture.
    #[error("the code is for {needed}, and this computer is {computer}")]
    Arch {
        /// The architecture of the code.
        needed: Arch,
        /// The architecture of the computer.
        computer: Arch,
    },
    /// The code needs features that the processor does not have.
    #[error("the code needs {}, which this computer's processor does not have", missing.join(", "))]
    Features {
        /// The missing features.
        missing: Vec<String>,
    },
    /// The code was compiled from another program.
    #[error("the code was compiled from another program: that one has {made_from}, this one has {given}")]
    Program {
        /// The program that it was compiled from.
        made_from: Fingerprint,
        /// The program that was given.
        given: Fingerprint,
    },
    /// The code contradicts the program, although the program's checksum matches.
    #[error("the code does not fit the program: {0}")]
    Misfit(Misfit),
}

/// A contradiction between code and its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The type or the frame of a function differs.
    #[error("function {0} has another type or frame")]
    Function(FuncIndex),
    /// The location of a site is not in the program.
    #[error("{0} does not exist in it")]
    Location(Location),
    /// An import does not exist.
    #[error("it has no import {0}")]
    Import(ImportIndex),
}

impl From<OutOfMemory> for ObjectError {
    fn from(_: OutOfMemory) -> Self {
        ObjectError::OutOfMemory
    }
}

/// A code object in its file format; the machine code is not copied.
///
/// ```
/// # #[cfg(feature = "all-targets")] {
/// use vsp_core::jit::{Arch, CompileOptions, Compiler, Target};
/// use vsp_core::native::{CODE_ALIGN, Caches, Object};
/// use vsp_core::{program::Program, verify::Verified};
/// # let bytes = vsp_core::text::assemble(".func f (2) -> 1\nADD R0, R0, R1\nRET\n.end", "f.sil").unwrap();
///
/// let program = Verified::new(Program::read(&bytes[..])?)?;
/// let mut compiler = Compiler::new(Target::new(Arch::Aarch64), CompileOptions::default())?;
/// let file = compiler.compile(&program)?.to_object()?;
///
/// let object = Object::read(&file)?;
/// object.info().check_target(&Target::new(Arch::Aarch64))?;
/// object.info().check_program(&program)?;
/// // The requirements for making the code runnable.
/// let placement = object.placement();
/// assert_eq!(placement.align, CODE_ALIGN);
/// assert_eq!(placement.code.len(), object.info().length());
/// assert_eq!(placement.caches, Caches::CleanAndInvalidate);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Object<'a> {
    info: CodeInfo,
    producer: &'a str,
    /// Offset of the code in the file.
    offset: usize,
    code: &'a [u8],
}

/// The requirements for making machine code runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement<'a> {
    /// The machine code. It is position-independent and is never written.
    pub code: &'a [u8],
    /// Its offset in the file in bytes: a multiple of [`Self::align`].
    pub offset: usize,
    /// The required alignment of its address in bytes. If the file itself is aligned in this way, so is the code in it,
    /// which can then run in place, in flash or in memory.
    pub align: usize,
    /// Whether its current address is suitable for running it (if that memory is executable).
    pub in_place: bool,
    /// The operations required between writing it, or the file around it, to memory and running it.
    pub caches: Caches,
}

impl<'a> Object<'a> {
    /// Reads a code object. It allocates 8 bytes for each function and 32 for each site.
    ///
    /// # Errors
    /// The bytes are not a code object of this version, or there is no memory.
    pub fn read(bytes: &'a [u8]) -> Result<Object<'a>, ObjectError> {
        read::object(bytes)
    }

    /// Returns the description of the code.
    pub fn info(&self) -> &CodeInfo {
        &self.info
    }

    /// Returns the description of the code, to be kept without the file.
    pub fn into_info(self) -> CodeInfo {
        self.info
    }

    /// Returns the names and versions of the compiler and its code generator. They may differ from this build's.
    pub fn producer(&self) -> &'a str {
        self.producer
    }

    /// Returns the requirements for making the code runnable.
    pub fn placement(&self) -> Placement<'a> {
        Placement {
            code: self.code,
            offset: self.offset,
            align: CODE_ALIGN,
            in_place: self.code.as_ptr().addr().is_multiple_of(CODE_ALIGN),
            caches: self.info.target.arch().caches(),
        }
    }
}

impl CodeInfo {
    /// Checks that a computer with this target can run the code.
    ///
    /// # Errors
    /// The code is for another architecture, or for a processor with more features.
    pub fn check_target(&self, computer: &Target) -> Result<(), ObjectError> {
        let (needed, found) = (self.target.arch(), computer.arch());
        if needed != found {
            return Err(ObjectError::Arch { needed, computer: found });
        }
        let missing: Vec<String> = self.target.missing_on(computer).map(String::from).collect();
        if missing.is_empty() { Ok(()) } else { Err(ObjectError::Features { missing }) }
    }

    /// Checks that the code was compiled from this program.
    ///
    /// The checksum detects mistakes. It is not a proof: another program with the same checksum and length can be
    /// constructed.
    ///
    /// # Errors
    /// The code was compiled from another program, or contradicts it.
    pub fn check_program(&self, program: &Verified<'_>) -> Result<(), ObjectError> {
        let given = Fingerprint::of(program);
        if self.program != given {
            return Err(ObjectError::Program { made_from: self.program, given });
        }
        let functions = program.functions();
        for (index, (row, function)) in (0..).map(FuncIndex).zip(self.table.iter().zip(functions)) {
            if row.func_type() != Some(function.ty) || row.frame_cells() != function.frame_cells() {
                return Err(ObjectError::Misfit(Misfit::Function(index)));
            }
        }
        let imports = program.program().imports().count() as u32;
        self.sites.iter().try_for_each(|site| check_site(site, program, imports)).map_err(ObjectError::Misfit)
    }
}

fn check_site(site: &Site, program: &Verified<'_>, imports: u32) -> Result<(), Misfit> {
    for location in [Some(site.location), site.inlined_at].into_iter().flatten() {
        if program.function(location.function).is_none_or(|function| location.word >= function.words) {
            return Err(Misfit::Location(location));
        }
    }
    match site.kind {
        ExitKind::Pending(import) if import.0 >= imports => Err(Misfit::Import(import)),
        _ => Ok(()),
    }
}
