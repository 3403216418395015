//! Code objects: machine code in a file, with all that is known of it. `docs/objects.md` describes the format.
//!
//! [`Object::read`] checks everything that can be checked. The machine code itself cannot: whoever runs a code object
//! trusts whoever made it.

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

/// The version of what machine code and host expect of each other: the layout of the [`Context`](super::Context) and of
/// the function table, what entries and the context's functions take and give, what exits leave behind, and which balances code
/// is entered with. It rises with every change of these.
pub const ABI_VERSION: u32 = 3;

/// A flag of the header: the code counts fuel.
pub(crate) const COUNTS_FUEL: u16 = 1;

/// A flag of the header: the code looks at the interrupt flag.
pub(crate) const INTERRUPTIBLE: u16 = 2;

/// Stands for no function in the site of an instruction that was not inlined.
pub(crate) const NO_FUNCTION: u32 = u32::MAX;

/// Bytes of a row of the function table.
pub(crate) const ROW_BYTES: usize = 8;

/// Bytes of a site.
pub(crate) const SITE_BYTES: usize = 28;

/// Why machine code was left, in the order of the numbers that stand for it, from 1.
pub(crate) const KINDS: [ExitKind; 11] = [
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
];

impl ExitKind {
    /// The kind with this number and argument.
    fn from_numbers(number: u32, argument: u32) -> Option<ExitKind> {
        KINDS.get((number as usize).checked_sub(1)?)?.with(argument)
    }

    /// The same kind with this argument, if it can have it.
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

/// Why a code object cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The bytes are damaged, or of another format or version.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no memory for what is known of the code.
    #[error("out of memory")]
    OutOfMemory,
    /// The code is for another architecture.
    #[error("the code is for {needed}, and this computer is {computer}")]
    Arch {
        /// What the code is for.
        needed: Arch,
        /// What the computer is.
        computer: Arch,
    },
    /// The code needs more than the processor has.
    #[error("the code needs {}, which this computer's processor does not have", missing.join(", "))]
    Features {
        /// The features that are missing.
        missing: Vec<String>,
    },
    /// The code was made from another program.
    #[error("the code was made from another program: that one has {made_from}, this one has {given}")]
    Program {
        /// The program that it was made from.
        made_from: Fingerprint,
        /// The program that it was to be used with.
        given: Fingerprint,
    },
    /// The code says something of the program that is not so, although the program's checksum is right.
    #[error("the code does not fit the program: {0}")]
    Misfit(Misfit),
}

/// What code says of its program and is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The type or the frame of a function.
    #[error("function {0} has another type or frame")]
    Function(FuncIndex),
    /// A place where the code can be left.
    #[error("{0} is no place in it")]
    Location(Location),
    /// An import.
    #[error("it has no import {0}")]
    Import(ImportIndex),
}

impl From<OutOfMemory> for ObjectError {
    fn from(_: OutOfMemory) -> Self {
        ObjectError::OutOfMemory
    }
}

/// A code object as it lies in its bytes; the machine code is not copied.
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
/// // What a host needs to put the code where it runs.
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
    /// Where the code starts in the file.
    offset: usize,
    code: &'a [u8],
}

/// What a host needs to know to make machine code runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement<'a> {
    /// The machine code. It is position-independent and is never written.
    pub code: &'a [u8],
    /// Where it starts in the file, in bytes: a multiple of [`Self::align`].
    pub offset: usize,
    /// Its address must be a multiple of this many bytes. A file whose own address is one holds the code at such an
    /// address, so it can run where it lies, in flash or in memory.
    pub align: usize,
    /// Can it run where it lies now (if that memory can be executed)?
    pub in_place: bool,
    /// What to do between writing it to memory, or the file around it, and running it.
    pub caches: Caches,
}

impl<'a> Object<'a> {
    /// Reads a code object. It allocates 8 bytes for each function and 32 for each place where the code can be left.
    ///
    /// # Errors
    /// The bytes are no code object of this version, or there is no memory.
    pub fn read(bytes: &'a [u8]) -> Result<Object<'a>, ObjectError> {
        read::object(bytes)
    }

    /// What is known of the code.
    pub fn info(&self) -> &CodeInfo {
        &self.info
    }

    /// What is known of the code, to be kept without the file.
    pub fn into_info(self) -> CodeInfo {
        self.info
    }

    /// The names and versions of the compiler and its code generator. They need not be this build's own.
    pub fn producer(&self) -> &'a str {
        self.producer
    }

    /// What a host needs to know to make the code runnable.
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
    /// Can a computer that is this target run the code?
    ///
    /// # Errors
    /// It is of another architecture, or its processor lacks something.
    pub fn check_target(&self, computer: &Target) -> Result<(), ObjectError> {
        let (needed, found) = (self.target.arch(), computer.arch());
        if needed != found {
            return Err(ObjectError::Arch { needed, computer: found });
        }
        let missing: Vec<String> = self.target.missing_on(computer).map(String::from).collect();
        if missing.is_empty() { Ok(()) } else { Err(ObjectError::Features { missing }) }
    }

    /// Was the code made from this program?
    ///
    /// The checksum finds mistakes. It is no proof: another program with the same checksum and length can be made on
    /// purpose.
    ///
    /// # Errors
    /// It was made from another program, or does not fit it.
    pub fn check_program(&self, program: &Verified<'_>) -> Result<(), ObjectError> {
        let given = Fingerprint::of(program);
        if self.program != given {
            return Err(ObjectError::Program { made_from: self.program, given });
        }
        let functions = program.functions();
        for (index, (row, function)) in (0..).map(FuncIndex).zip(self.table.iter().zip(functions)) {
            if row.ty != function.ty.bits() || u32::from(row.cells) != function.frame_cells() {
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
