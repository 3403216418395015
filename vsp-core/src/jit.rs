//! The compiler: lowers a verified program through Cranelift to position-independent machine code.
//!
//! Its output ([`Code`]) is plain data. It needs no relocation and reaches everything outside through one pointer, the
//! [`Context`](crate::native::Context). This crate cannot run it: that takes unsafe code, which is in `vsp-host`.
//!
//! Compiled code matches the interpreter: the same values, traps, locations, memory and fuel, and it suspends at the
//! same locations. Its exits:
//!
//! - Every instruction that can trap has an explicit check and a cold exit of its own, which names its [`Site`]; there
//!   are no signal handlers. Functions return a status in addition to their result (or the fuel, of which one value
//!   signals an exit), and callers propagate it.
//! - When the program suspends, every frame writes its live registers and locals to its cells on exit, in the layout of
//!   the interpreter's stack. The interpreter continues from there.
//! - An argument counts the remaining stack cells, so that StackOverflow occurs at the same depth as in the
//!   interpreter. [`CodeInfo::bytes_per_cell`](crate::native::CodeInfo::bytes_per_cell) gives the native stack that
//!   this takes.
//!
//! Registers and the first locals of a frame are SSA values. A value stays in a floating-point register while only
//! binary64 instructions use it (`representation.rs`).

mod call_effects;
mod error;
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
mod rematerialisation;
mod representation;
mod target;
mod trampoline;

pub use error::JitError;
pub use listing::{JoinRange, Listing, Stretch};
pub use object::producer;
pub use region::{Region, RegionCode};
pub use target::KnownFeatures;

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
use call_effects::CallEffect;
use link::{Linker, Offset};
use lower::{Output, Shuffle, Start};
use target::Allocator;

/// The largest number of instructions of the intermediate representation for the single-pass register allocator.
/// Beyond, its time grows faster than that of the backtracking one.
const MAX_FAST_INSTRUCTIONS: usize = 10_000;

/// The largest number of backward branches of a function without safepoints. Functions with more always have them: for
/// thousands without, Cranelift's removal of constant block parameters takes quadratic time.
const MAX_UNCHECKED_LOOPS: usize = 256;

/// The largest native frame, in bytes for each cell of the function's frame, that is accepted from the single-pass
/// register allocator.
const MAX_FAST_BYTES_PER_CELL: u32 = 64;

/// The largest number of instructions for each cell with which the single-pass register allocator is tried. With more,
/// its frame exceeds [`MAX_FAST_BYTES_PER_CELL`]. (An instruction takes a little more than a byte of the frame.)
const MAX_FAST_INSTRUCTIONS_PER_CELL: usize = 60;

/// A compiler of programs. It keeps what it can reuse from one program to the next.
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
    /// The largest size of a program's machine code in bytes.
    code_limit: u32,
    /// Whether machine code is also printed as text.
    is_listed: bool,
    /// The code generator with the backtracking register allocator.
    isa: OwnedTargetIsa,
    /// For tier 1, the code generator with the single-pass register allocator.
    fast_isa: Option<OwnedTargetIsa>,
    /// For tier 2, the code generator without optimisation, once a function needs it.
    unoptimised_isa: Option<OwnedTargetIsa>,
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
    /// Creates a compiler for a target.
    ///
    /// # Errors
    /// This build has no code generator for it.
    pub fn new(target: Target, options: CompileOptions) -> Result<Compiler, JitError> {
        let isa = target.isa(options, Allocator::Backtracking)?;
        let fast_isa = match options.tier {
            Tier::One => Some(target.isa(options, Allocator::SinglePass)?),
            Tier::Two => None,
        };
        Ok(Compiler {
            target,
            options,
            code_limit: MAX_NATIVE_BYTES,
            is_listed: false,
            isa,
            fast_isa,
            unoptimised_isa: None,
            context: cranelift_codegen::Context::new(),
            frontend: FunctionBuilderContext::new(),
        })
    }

    /// Sets the largest size in bytes of the machine code of a program or a region. (A limit above [`MAX_NATIVE_BYTES`]
    /// is reduced to it.)
    #[must_use]
    pub fn with_code_limit(self, bytes: u32) -> Compiler {
        Compiler { code_limit: bytes.min(MAX_NATIVE_BYTES), ..self }
    }

    /// Returns the target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the options.
    pub fn options(&self) -> CompileOptions {
        self.options
    }

    /// Compiles all functions of a program. The same program gives the same code, on every host.
    ///
    /// # Errors
    /// A function has more than [`MAX_NATIVE_WORDS`] words, or takes more instructions, machine code or native stack
    /// than [`limits`](crate::limits) allow; or memory runs out. (Cranelift itself aborts if its own allocations fail.)
    pub fn compile(&mut self, program: &Verified<'_>) -> Result<Code, JitError> {
        self.compile_functions(program, None)
    }

    /// Compiles a region of a program.
    ///
    /// # Errors
    /// As for [`Self::compile`], for the functions of the region.
    pub fn compile_region(
        &mut self,
        program: &Verified<'_>,
        region: &Region,
    ) -> Result<RegionCode, JitError> {
        self.compile_functions(program, Some(region)).map(RegionCode)
    }

    fn compile_functions(
        &mut self,
        program: &Verified<'_>,
        region: Option<&Region>,
    ) -> Result<Code, JitError> {
        let signatures = Signatures::new(program)?;
        let effects = match region {
            None => Effects::of_program(program, self.options)?,
            Some(_) => Effects::of_region(program),
        };
        let unit = Selection { signatures: &signatures, effects: &effects, region };
        let functions = program.functions();
        let entry = region.and_then(Region::entry);
        if let Some(location) = entry {
            check_entry(&signatures, location)?;
        }
        let mut shapes = [None; CodeInfo::SHAPES];
        let compiled = (0..).map(FuncIndex).zip(functions).filter(|(index, _)| unit.contains(*index));
        let types = compiled.map(|(_, function)| function.ty);
        for ty in types.chain(entry.map(|location| osr_type(functions[location.function.index()].ty))) {
            shapes[CodeInfo::shape(ty)] = Some(ty.without_tag());
        }
        let selected = region.map_or(functions.len(), |region| region.functions().count());
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
            let cells = function.frame_cells();
            let row = if unit.contains(index) {
                let offset = self.add_function(unit, index, Start::First, &mut linker, &mut code)?;
                linker.define(index, offset);
                TableEntry::new(offset.at, function.ty, cells)
            } else {
                TableEntry::not_compiled(linker.length(), cells)
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
            let start = Start::Osr(location.word);
            let offset = self.add_function(unit, location.function, start, &mut linker, &mut code)?.at;
            let shape = CodeInfo::shape(osr_type(functions[location.function.index()].ty));
            code.loop_entry = Some(LoopEntry { location, offset, entry: code.entries[shape] });
        }
        let bytes = linker.finish()?;
        code.length = bytes.len() as u32;
        Ok(Code { info: code, bytes })
    }

    /// Returns the intermediate representation and the machine code of one function, as text. Returns `None` if there
    /// is no such function.
    ///
    /// # Errors
    /// As for [`Self::compile`].
    pub fn listing(
        &mut self,
        program: &Verified<'_>,
        function: FuncIndex,
    ) -> Result<Option<Listing>, JitError> {
        if program.function(function).is_none() {
            return Ok(None);
        }
        let signatures = Signatures::new(program)?;
        let effects = Effects::of_program(program, self.options)?;
        let unit = Selection { signatures: &signatures, effects: &effects, region: None };
        self.list(unit, function, Start::First).map(Some)
    }

    /// Returns the listing of the OSR entry that [`Self::compile_region`] compiles for a region. Returns `None` if the
    /// region has none.
    ///
    /// # Errors
    /// As for [`Self::compile_region`].
    pub fn loop_listing(
        &mut self,
        program: &Verified<'_>,
        region: &Region,
    ) -> Result<Option<Listing>, JitError> {
        let Some(location) = region.entry() else { return Ok(None) };
        let signatures = Signatures::new(program)?;
        check_entry(&signatures, location)?;
        let effects = Effects::of_region(program);
        let unit = Selection { signatures: &signatures, effects: &effects, region: Some(region) };
        self.list(unit, location.function, Start::Osr(location.word)).map(Some)
    }

    fn list(&mut self, unit: Selection<'_>, index: FuncIndex, start: Start) -> Result<Listing, JitError> {
        let (mut sites, mut stats, mut ranges) = (Vec::new(), Stats::default(), Vec::new());
        let out = Output { sites: &mut sites, stats: &mut stats, ranges: &mut ranges };
        self.lower(unit, index, start, out)?;
        let clif = self.context.func.display().to_string();
        self.is_listed = true;
        let compiled = self.compile_function(unit, index, start, (&mut Vec::new(), &mut stats));
        self.is_listed = false;
        compiled?;
        let Some(code) = self.context.compiled_code() else { return Err(JitError::OutOfMemory) };
        let ranges = ranges.into_iter().map(JoinRange::new).collect();
        Ok(Listing::new(clif, ranges, &self.context.func, code))
    }

    /// Compiles a function for one entry point, and adds it to the code.
    fn add_function(
        &mut self,
        unit: Selection<'_>,
        index: FuncIndex,
        start: Start,
        linker: &mut Linker,
        code: &mut CodeInfo,
    ) -> Result<Offset, JitError> {
        let bytes = self.compile_function(unit, index, start, (&mut code.sites, &mut code.stats))?;
        code.bytes_per_cell = code.bytes_per_cell.max(bytes);
        self.add(linker, index)
    }

    /// Compiles a function for one entry point. Returns the native stack that it takes, in bytes for each cell of its
    /// frame.
    fn compile_function(
        &mut self,
        unit: Selection<'_>,
        index: FuncIndex,
        start: Start,
        (sites, stats): (&mut Vec<Site>, &mut Stats),
    ) -> Result<u32, JitError> {
        let cells = unit.signatures.program().functions()[index.index()].frame_cells();
        let before = (sites.len(), *stats);
        self.lower(unit, index, start, Output { sites, stats, ranges: &mut Vec::new() })?;
        self.generate(index, cells)?;
        if self.bytes_per_cell(cells) > MAX_NATIVE_BYTES_PER_CELL && self.options.tier == Tier::Two {
            // The optimiser keeps values across calls that would otherwise be computed again.
            sites.truncate(before.0);
            *stats = before.1;
            self.lower(unit, index, start, Output { sites, stats, ranges: &mut Vec::new() })?;
            let isa = self.unoptimised_isa()?;
            compile(&mut self.context, &*isa, index)?;
        }
        let bytes = self.bytes_per_cell(cells);
        if bytes > MAX_NATIVE_BYTES_PER_CELL {
            return Err(JitError::FrameTooLarge { function: index, bytes, cells });
        }
        Ok(bytes)
    }

    /// Lowers a function of the program to the intermediate representation.
    fn lower(
        &mut self,
        unit: Selection<'_>,
        index: FuncIndex,
        start: Start,
        out: Output<'_>,
    ) -> Result<(), JitError> {
        let signatures = unit.signatures;
        check_length(signatures, index)?;
        self.context.clear();
        self.context.set_disasm(self.is_listed);
        let mut options = self.options;
        // The optimiser visits all blocks again for each loop without a safepoint.
        options.interrupt |=
            !options.fuel && plan::back_edges(signatures.program(), index) > MAX_UNCHECKED_LOOPS;
        let environment = lower::Environment {
            options,
            has_rounding: self.has_rounding(),
            shuffle: self.shuffle(),
            isa: &*self.isa,
            may_suspend: &unit.effects.suspension,
            may_grow: &unit.effects.growth,
            region: unit.region,
        };
        let Output { sites, stats, ranges } = out;
        let out = Output { sites, stats: &mut *stats, ranges };
        let frontend = &mut self.frontend;
        lower::function(&mut self.context.func, frontend, signatures, (index, start), environment, out)?;
        stats.words += signatures.program().functions()[index.index()].words;
        let instructions = self.context.func.dfg.num_insts() as u32;
        if instructions > MAX_NATIVE_INSTRUCTIONS {
            return Err(JitError::TooManyInstructions { function: index, instructions });
        }
        stats.ir_instructions += instructions;
        Ok(())
    }

    /// Returns whether the target has instructions that round to integers.
    fn has_rounding(&self) -> bool {
        match self.target.arch() {
            Arch::X86_64 => self.target.has("has_sse41"),
            Arch::Aarch64 | Arch::Riscv64 | Arch::S390x => true,
        }
    }

    /// Returns the target's instruction for shuffling the bytes of a vector, if it has one. (s390x numbers its lanes in
    /// the other order.)
    fn shuffle(&self) -> Option<Shuffle> {
        match self.target.arch() {
            Arch::X86_64 => self.target.has("has_ssse3").then_some(Shuffle::Pshufb),
            Arch::Aarch64 => Some(Shuffle::Table),
            Arch::Riscv64 | Arch::S390x => None,
        }
    }

    /// Adds the function that was compiled last to the code.
    fn add(&self, linker: &mut Linker, index: FuncIndex) -> Result<Offset, JitError> {
        let Some(compiled) = self.context.compiled_code() else { return Err(JitError::OutOfMemory) };
        linker.add(index, &self.context.func, compiled)
    }

    /// Generates machine code from the intermediate representation, for a function with this number of cells in its
    /// frame.
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
            Tier::Two if rematerialisation::is_excessive(&self.context.func)? => self.unoptimised_isa()?,
            _ => self.isa.clone(),
        };
        compile(&mut self.context, &*isa, index)
    }

    /// Returns the code generator that does not optimise, with the backtracking register allocator.
    fn unoptimised_isa(&mut self) -> Result<OwnedTargetIsa, JitError> {
        if let Some(isa) = &self.unoptimised_isa {
            return Ok(isa.clone());
        }
        let isa =
            self.target.isa(CompileOptions { tier: Tier::One, ..self.options }, Allocator::Backtracking)?;
        self.unoptimised_isa = Some(isa.clone());
        Ok(isa)
    }

    /// Returns the size in bytes of the native frame of the function that was compiled last, for each of this number of
    /// cells.
    fn bytes_per_cell(&self, cells: u32) -> u32 {
        let layout = self.context.compiled_code().and_then(|code| code.buffer.frame_layout());
        let bytes =
            layout.map_or(0, |layout| layout.frame_to_fp_offset) + self.target.arch().frame_overhead();
        bytes.div_ceil(cells)
    }
}

/// What may happen in the calls of a program.
struct Effects {
    suspension: CallEffect,
    growth: CallEffect,
}

impl Effects {
    fn of_program(program: &Verified<'_>, options: CompileOptions) -> Result<Effects, JitError> {
        let suspension = CallEffect::suspension(program, options)?;
        Ok(Effects { suspension, growth: CallEffect::growth(program)? })
    }

    /// Returns the result for a region: the code exits where it calls other functions.
    fn of_region(program: &Verified<'_>) -> Effects {
        Effects { suspension: CallEffect::everywhere(), growth: CallEffect::growth_in_part(program) }
    }
}

/// The functions to compile.
#[derive(Clone, Copy)]
struct Selection<'a> {
    signatures: &'a Signatures<'a>,
    effects: &'a Effects,
    /// The region. `None`: the whole program.
    region: Option<&'a Region>,
}

impl Selection<'_> {
    fn contains(&self, function: FuncIndex) -> bool {
        self.region.is_none_or(|region| region.contains(function))
    }
}

/// Checks that a function is short enough.
fn check_length(signatures: &Signatures<'_>, function: FuncIndex) -> Result<(), JitError> {
    let words = plan::native_words(signatures.program(), function);
    if words > MAX_NATIVE_WORDS {
        return Err(JitError::FunctionTooLong { function, words });
    }
    Ok(())
}

/// Checks that the location is a loop header that some execution of the function reaches.
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

/// Returns the type of a function that is entered by OSR: its values are in its frame.
fn osr_type(ty: FuncType) -> FuncType {
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
