//! Machine code: lowers a verified program through Cranelift to bytes that can run from anywhere.
//!
//! What comes out ([`Code`]) is plain data. It has nothing left to relocate and reaches everything outside through one
//! pointer, the [`Context`](crate::native::Context). This crate cannot run it: that takes unsafe code, which is the host's
//! (`vsp-host` has it).
//!
//! Native code does what the interpreter does: the same values, traps, places, memory and fuel, and it suspends at the same
//! places. How it is left:
//!
//! - Every instruction that can trap has an explicit check and a cold exit of its own, which says at which [`Site`] it
//!   was; there are no signal handlers. Functions return a status (or the fuel, of which one number stands for it) besides their
//!   result, and callers pass it on.
//! - When the program suspends, every frame writes its live registers and locals to its cells, in the layout of the
//!   interpreter's stack, on the way out. The interpreter carries on from there.
//! - Stack cells are counted down in an argument, so that StackOverflow comes at the same depth as in the
//!   interpreter. [`CodeInfo::bytes_per_cell`](crate::native::CodeInfo::bytes_per_cell) says how much native stack that takes.
//!
//! Registers and the first locals of a frame are SSA values; a value stays in a floating-point register while
//! only binary64 instructions look at it (`kinds.rs`).

mod error;
mod kinds;
mod link;
mod listing;
mod lower;
mod names;
mod object;
mod offsets;
mod plan;
mod range;
mod ranges;
mod region;
mod sinking;
mod suspending;
mod target;
mod trampoline;

pub use error::JitError;
pub use listing::{JoinRange, Listing, Stretch};
pub use object::producer;
pub use region::{Region, RegionCode};
pub use target::Known;

#[doc(no_inline)]
pub use crate::native::{Arch, Code, CompileOptions, ExitKind, Fingerprint, Site, Stats, Target, Tier};

use alloc::string::ToString;
use alloc::vec::Vec;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_frontend::FunctionBuilderContext;

use crate::analysis::{Graph, Signatures};
use crate::index::{FuncIndex, Location};
use crate::limits::{MAX_NATIVE_BYTES, MAX_NATIVE_BYTES_PER_CELL, MAX_NATIVE_INSTRUCTIONS, MAX_NATIVE_WORDS};
use crate::native::{CodeInfo, LoopEntry, TableEntry};
use crate::program::FuncType;
use crate::verify::{FRAME_CELLS as MIN_FRAME_CELLS, Verified};
use link::{Linker, Offset};
use lower::{Lowered, Shuffle, Start};
use suspending::Suspending;
use target::Allocator;

/// The fast register allocator is for functions of up to so many instructions of the intermediate representation. Beyond,
/// its time grows faster than that of the good one.
const MAX_FAST_INSTRUCTIONS: usize = 10_000;

/// Functions with more branches backwards have safepoints in any case: for thousands without, Cranelift's removal of constant
/// block parameters takes quadratic time.
const MAX_UNCHECKED_LOOPS: usize = 256;

/// And for functions whose native frame it makes no larger than this for each cell of theirs.
const MAX_FAST_BYTES_PER_CELL: u32 = 64;

/// It makes the frame larger than that where there are more instructions for each cell: then it is not tried. (An instruction
/// takes a little more than a byte of the frame.)
const MAX_FAST_INSTRUCTIONS_PER_CELL: usize = 60;

/// Compiles programs. It keeps what can be used again from one program to the next.
///
/// ```
/// # #[cfg(feature = "all-targets")] {
/// use vsp_core::jit::{Arch, CompileOptions, Compiler, Target};
/// use vsp_core::{program::Program, verify::Verified};
/// # let bytes = vsp_core::text::assemble(".func f (2) -> 1\nADD R0, R0, R1\nRET\n.end", "f.sil").unwrap();
///
/// let program = Verified::new(Program::read(&bytes[..])?)?;
/// let mut compiler = Compiler::new(Target::new(Arch::Aarch64), CompileOptions::default())?;
/// let code = compiler.compile(&program)?;
/// assert!(!code.bytes().is_empty());
/// // Nothing in `f` can trap or suspend.
/// assert!(code.sites().is_empty());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Compiler {
    target: Target,
    options: CompileOptions,
    /// Bytes of machine code that a program may become.
    code_limit: u32,
    /// Is the machine code wanted as text too?
    is_listed: bool,
    /// With the good register allocator.
    isa: OwnedTargetIsa,
    /// For tier 1, with the fast one.
    fast_isa: Option<OwnedTargetIsa>,
    /// For tier 2, without optimisation, once a function needs it.
    plain_isa: Option<OwnedTargetIsa>,
    context: cranelift_codegen::Context,
    frontend: FunctionBuilderContext,
}

impl core::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Compiler")
            .field("target", &self.target)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Compiler {
    /// A compiler for a target.
    ///
    /// # Errors
    /// This build has no code generator for it.
    pub fn new(target: Target, options: CompileOptions) -> Result<Compiler, JitError> {
        let isa = target.isa(options, Allocator::Good)?;
        let fast_isa = match options.tier {
            Tier::One => Some(target.isa(options, Allocator::Fast)?),
            Tier::Two => None,
        };
        Ok(Compiler {
            target,
            options,
            code_limit: MAX_NATIVE_BYTES,
            is_listed: false,
            isa,
            fast_isa,
            plain_isa: None,
            context: cranelift_codegen::Context::new(),
            frontend: FunctionBuilderContext::new(),
        })
    }

    /// Makes at most so many bytes of machine code of a program or a part. (More than [`MAX_NATIVE_BYTES`] counts as that.)
    #[must_use]
    pub fn with_code_limit(self, bytes: u32) -> Compiler {
        Compiler { code_limit: bytes.min(MAX_NATIVE_BYTES), ..self }
    }

    /// What it compiles for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What it compiles with.
    pub fn options(&self) -> CompileOptions {
        self.options
    }

    /// Compiles all functions of a program. The same program gives the same code, on every host.
    ///
    /// # Errors
    /// A function has more than [`MAX_NATIVE_WORDS`] words, or becomes more instructions, machine code or native stack than
    /// [`limits`](crate::limits) allow; or there is no memory. (Cranelift itself aborts where its own allocations fail.)
    pub fn compile(&mut self, program: &Verified<'_>) -> Result<Code, JitError> {
        self.compile_functions(program, None)
    }

    /// Compiles part of a program.
    ///
    /// # Errors
    /// As [`Self::compile`], for the functions of the part.
    pub fn compile_region(&mut self, program: &Verified<'_>, part: &Region) -> Result<RegionCode, JitError> {
        self.compile_functions(program, Some(part)).map(RegionCode)
    }

    fn compile_functions(&mut self, program: &Verified<'_>, part: Option<&Region>) -> Result<Code, JitError> {
        let signatures = Signatures::new(program)?;
        let suspending = match part {
            None => Suspending::new(program, self.options)?,
            // The code is left where it calls other functions.
            Some(_) => Suspending::everywhere(),
        };
        let unit = Selected { signatures: &signatures, suspending: &suspending, part };
        let functions = program.functions();
        let entry = part.and_then(Region::entry);
        if let Some(location) = entry {
            check_entry(&signatures, location)?;
        }
        let mut shapes = [None; CodeInfo::SHAPES];
        let compiled = (0..).map(FuncIndex).zip(functions).filter(|(index, _)| unit.contains(*index));
        let types = compiled.map(|(_, function)| function.ty);
        for ty in types.chain(entry.map(|location| loop_type(functions[location.function.index()].ty))) {
            shapes[CodeInfo::shape(ty)] = Some(ty);
        }
        let selected = part.map_or(functions.len(), |part| part.functions().count());
        let count = selected + usize::from(entry.is_some()) + shapes.iter().flatten().count();
        let mut linker = Linker::new(&*self.isa, functions.len(), count, self.code_limit)?;
        let mut code = CodeInfo {
            target: self.target.clone(),
            options: self.options,
            program: Fingerprint::of(program),
            length: 0,
            table: Vec::new(),
            entries: [CodeInfo::NO_ENTRY; CodeInfo::SHAPES],
            loop_entry: None,
            sites: Vec::new(),
            bytes_per_cell: 1,
            stats: Stats { functions: functions.len() as u32, ..Stats::default() },
        };
        code.table.try_reserve_exact(functions.len()).map_err(|_| JitError::OutOfMemory)?;
        for (index, function) in (0..).map(FuncIndex).zip(functions) {
            let cells = function.frame_cells() as u16;
            let row = if unit.contains(index) {
                let offset = self.function(unit, index, Start::First, &mut linker, &mut code)?;
                linker.define(index, offset);
                TableEntry { offset: offset.at, ty: function.ty.bits(), cells }
            } else {
                TableEntry { offset: linker.length(), ty: TableEntry::NOT_COMPILED, cells }
            };
            code.table.push(row);
        }
        for (entry, ty) in code.entries.iter_mut().zip(shapes) {
            let Some(ty) = ty else { continue };
            self.context.clear();
            let counts_fuel = self.options.fuel;
            trampoline::build(&mut self.context.func, &mut self.frontend, &*self.isa, ty, counts_fuel);
            let index = FuncIndex(functions.len().saturating_sub(1) as u32);
            self.generate(index, MIN_FRAME_CELLS)?;
            *entry = self.add(&mut linker, index)?.at;
        }
        if let Some(location) = entry {
            let start = Start::Loop(location.word);
            let offset = self.function(unit, location.function, start, &mut linker, &mut code)?.at;
            let shape = CodeInfo::shape(loop_type(functions[location.function.index()].ty));
            code.loop_entry = Some(LoopEntry { location, offset, entry: code.entries[shape] });
        }
        let bytes = linker.finish()?;
        code.length = bytes.len() as u32;
        Ok(Code { info: code, bytes })
    }

    /// The intermediate representation and the machine code of one function, as text. `None` if there is no such function.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn listing(
        &mut self,
        program: &Verified<'_>,
        function: FuncIndex,
    ) -> Result<Option<Listing>, JitError> {
        if program.function(function).is_none() {
            return Ok(None);
        }
        let signatures = Signatures::new(program)?;
        let suspending = Suspending::new(program, self.options)?;
        let unit = Selected { signatures: &signatures, suspending: &suspending, part: None };
        self.list(unit, function, Start::First).map(Some)
    }

    /// The same of the code that [`Self::compile_region`] makes of the loop where a part is entered. `None` if the part has none.
    ///
    /// # Errors
    /// As [`Self::compile_region`].
    pub fn loop_listing(
        &mut self,
        program: &Verified<'_>,
        part: &Region,
    ) -> Result<Option<Listing>, JitError> {
        let Some(location) = part.entry() else { return Ok(None) };
        let signatures = Signatures::new(program)?;
        check_entry(&signatures, location)?;
        let suspending = Suspending::everywhere();
        let unit = Selected { signatures: &signatures, suspending: &suspending, part: Some(part) };
        self.list(unit, location.function, Start::Loop(location.word)).map(Some)
    }

    fn list(&mut self, unit: Selected<'_>, index: FuncIndex, start: Start) -> Result<Listing, JitError> {
        let (mut sites, mut stats, mut ranges) = (Vec::new(), Stats::default(), Vec::new());
        let out = Lowered { sites: &mut sites, stats: &mut stats, ranges: &mut ranges };
        self.lower(unit, index, start, out)?;
        let clif = self.context.func.display().to_string();
        self.is_listed = true;
        let compiled = self.make(unit, index, start, (&mut Vec::new(), &mut stats));
        self.is_listed = false;
        compiled?;
        let Some(code) = self.context.compiled_code() else { return Err(JitError::OutOfMemory) };
        let ranges = ranges.into_iter().map(JoinRange::new).collect();
        Ok(Listing::new(clif, ranges, &self.context.func, code))
    }

    /// Compiles a function that is entered at a start, and adds it to the code.
    fn function(
        &mut self,
        unit: Selected<'_>,
        index: FuncIndex,
        start: Start,
        linker: &mut Linker,
        code: &mut CodeInfo,
    ) -> Result<Offset, JitError> {
        let bytes = self.make(unit, index, start, (&mut code.sites, &mut code.stats))?;
        code.bytes_per_cell = code.bytes_per_cell.max(bytes);
        self.add(linker, index)
    }

    /// Makes machine code of a function that is entered at a start. Gives the bytes of native stack that it takes for each cell.
    fn make(
        &mut self,
        unit: Selected<'_>,
        index: FuncIndex,
        start: Start,
        (sites, stats): (&mut Vec<Site>, &mut Stats),
    ) -> Result<u32, JitError> {
        let cells = unit.signatures.program().functions()[index.index()].frame_cells();
        let before = (sites.len(), *stats);
        self.lower(unit, index, start, Lowered { sites, stats, ranges: &mut Vec::new() })?;
        self.generate(index, cells)?;
        if self.bytes_per_cell(cells) > MAX_NATIVE_BYTES_PER_CELL && self.options.tier == Tier::Two {
            // The optimiser keeps what is computed again behind calls.
            sites.truncate(before.0);
            *stats = before.1;
            self.lower(unit, index, start, Lowered { sites, stats, ranges: &mut Vec::new() })?;
            let isa = self.plain_isa()?;
            compile(&mut self.context, &*isa, index)?;
        }
        let bytes = self.bytes_per_cell(cells);
        if bytes > MAX_NATIVE_BYTES_PER_CELL {
            return Err(JitError::FrameTooLarge { function: index, bytes, cells });
        }
        Ok(bytes)
    }

    /// Makes the intermediate representation of a function of the program.
    fn lower(
        &mut self,
        unit: Selected<'_>,
        index: FuncIndex,
        start: Start,
        out: Lowered<'_>,
    ) -> Result<(), JitError> {
        let signatures = unit.signatures;
        check_length(signatures, index)?;
        self.context.clear();
        self.context.set_disasm(self.is_listed);
        let mut options = self.options;
        // The optimiser visits all blocks again for each loop that nothing in it observes.
        options.interrupt |=
            !options.fuel && plan::back_edges(signatures.program(), index) > MAX_UNCHECKED_LOOPS;
        let facts = lower::Facts {
            options,
            rounds: self.rounds(),
            shuffle: self.shuffle(),
            isa: &*self.isa,
            suspending: unit.suspending,
            part: unit.part,
        };
        let Lowered { sites, stats, ranges } = out;
        let out = Lowered { sites, stats: &mut *stats, ranges };
        let frontend = &mut self.frontend;
        lower::function(&mut self.context.func, frontend, signatures, (index, start), facts, out)?;
        stats.words += signatures.program().functions()[index.index()].words;
        let instructions = self.context.func.dfg.num_insts() as u32;
        if instructions > MAX_NATIVE_INSTRUCTIONS {
            return Err(JitError::TooManyInstructions { function: index, instructions });
        }
        stats.ir_instructions += instructions;
        Ok(())
    }

    /// Has the target instructions that round to integers?
    fn rounds(&self) -> bool {
        match self.target.arch() {
            Arch::X86_64 => self.target.has("has_sse41"),
            Arch::Aarch64 | Arch::Riscv64 | Arch::S390x => true,
        }
    }

    /// How the target shuffles bytes of vectors, if it can. (The lanes of s390x are in the other order.)
    fn shuffle(&self) -> Option<Shuffle> {
        match self.target.arch() {
            Arch::X86_64 => self.target.has("has_ssse3").then_some(Shuffle::Pshufb),
            Arch::Aarch64 => Some(Shuffle::Table),
            Arch::Riscv64 | Arch::S390x => None,
        }
    }

    /// Adds what was compiled last to the code.
    fn add(&self, linker: &mut Linker, index: FuncIndex) -> Result<Offset, JitError> {
        let Some(compiled) = self.context.compiled_code() else { return Err(JitError::OutOfMemory) };
        linker.add(index, &self.context.func, compiled)
    }

    /// Makes machine code of the intermediate representation, for a function with so many cells in its frame.
    fn generate(&mut self, index: FuncIndex, cells: u32) -> Result<(), JitError> {
        let instructions = self.context.func.dfg.num_insts();
        let most = MAX_FAST_INSTRUCTIONS.min(cells as usize * MAX_FAST_INSTRUCTIONS_PER_CELL);
        if let Some(isa) = self.fast_isa.as_ref().filter(|_| instructions <= most) {
            compile(&mut self.context, &**isa, index)?;
            if self.bytes_per_cell(cells) <= MAX_FAST_BYTES_PER_CELL {
                return Ok(());
            }
        }
        let isa = match self.options.tier {
            Tier::Two if sinking::explodes(&self.context.func)? => self.plain_isa()?,
            _ => self.isa.clone(),
        };
        compile(&mut self.context, &*isa, index)
    }

    /// The code generator that does not optimise, with the good register allocator.
    fn plain_isa(&mut self) -> Result<OwnedTargetIsa, JitError> {
        if let Some(isa) = &self.plain_isa {
            return Ok(isa.clone());
        }
        let isa = self.target.isa(CompileOptions { tier: Tier::One, ..self.options }, Allocator::Good)?;
        self.plain_isa = Some(isa.clone());
        Ok(isa)
    }

    /// Bytes of the native frame of what was compiled last, for each of so many cells.
    fn bytes_per_cell(&self, cells: u32) -> u32 {
        let layout = self.context.compiled_code().and_then(|code| code.buffer.frame_layout());
        let bytes =
            layout.map_or(0, |layout| layout.frame_to_fp_offset) + self.target.arch().frame_overhead();
        bytes.div_ceil(cells)
    }
}

/// What is compiled.
#[derive(Clone, Copy)]
struct Selected<'a> {
    signatures: &'a Signatures<'a>,
    suspending: &'a Suspending,
    /// `None`: the whole program.
    part: Option<&'a Region>,
}

impl Selected<'_> {
    fn contains(&self, function: FuncIndex) -> bool {
        self.part.is_none_or(|part| part.contains(function))
    }
}

/// Is a function short enough?
fn check_length(signatures: &Signatures<'_>, function: FuncIndex) -> Result<(), JitError> {
    let words = plan::native_words(signatures.program(), function);
    if words > MAX_NATIVE_WORDS {
        return Err(JitError::FunctionTooLong { function, words });
    }
    Ok(())
}

/// Does a loop begin at the place, to which some execution of the function comes?
fn check_entry(signatures: &Signatures<'_>, location: Location) -> Result<(), JitError> {
    let function = signatures.program().function(location.function);
    if function.is_none_or(|function| location.word >= function.words) {
        return Err(JitError::NoLoop(location));
    }
    check_length(signatures, location.function)?;
    let graph = Graph::new(signatures, location.function)?;
    let block = graph.block_of(location.word);
    if !graph.is_loop_head(location.word) || !graph.reachable()?[block as usize] {
        return Err(JitError::NoLoop(location));
    }
    Ok(())
}

/// The type of a function that is entered where a loop begins: its values are in its frame.
fn loop_type(ty: FuncType) -> FuncType {
    match FuncType::new(0, ty.results()) {
        Some(ty) => ty,
        None => unreachable!("the function gives as many results"),
    }
}

fn compile(
    context: &mut cranelift_codegen::Context,
    isa: &dyn TargetIsa,
    index: FuncIndex,
) -> Result<(), JitError> {
    match context.compile(isa, &mut ControlPlane::default()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = alloc::format!("{:?}", error.inner);
            Err(JitError::Codegen { function: index, message })
        }
    }
}
