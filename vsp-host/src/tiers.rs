//! Tiering: a program starts in the interpreter, hot code is compiled while it runs, and the program enters the machine
//! code at its next safepoint, also in the middle of a loop (on-stack replacement).
//!
//! The interpreter has no counters for this. An instance runs with a small slice of its fuel. When the slice expires,
//! the location is reported ([`vsp_core::Tiers`]), and that is a sample of where the time goes. A function with enough
//! samples is compiled with its callees as one [`Region`](vsp_core::jit::Region), which has an entry at the loop header
//! where the function was sampled.
//!
//! With a background thread, a function is compiled early in tier 1 and later in tier 2, while the program continues.
//! Without one, the program waits for its compiler. So it is compiled only in tier 2, and only after it has run for
//! about as long as compiling takes: in total this takes at most about twice the time of the better choice.

mod code_table;
mod loops;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use vsp_core::analysis::is_loop_head;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::limits::MAX_NATIVE_WORDS;
use vsp_core::native::{CompileOptions, Target, Tier};
use vsp_core::verify::Verified;
use vsp_core::{NextSlice, Ref, TierDecision};
use vsp_native::is_same;

use code_table::{CodeTable, InstalledCode};
pub(crate) use loops::LoopCode;
use worker::{Job, Worker};

/// The options of tiering: when a running program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierOptions {
    /// Whether a background thread compiles while the program runs. Without it, the program waits for the compiler.
    pub worker: bool,
    /// Number of instructions between two samples.
    pub slice: u64,
    /// The threshold of tier 1. `None` turns it off. Where that of tier 2 is lower, tier 1 is left out.
    pub tier1: Option<Threshold>,
    /// The threshold of tier 2.
    pub tier2: Threshold,
    /// Number of short slices for which a function with OSR entries at some of its loops is interpreted at another
    /// location, because it probably reaches one of these loops. After them, code for the location is compiled.
    pub short_slices: u32,
    /// Largest size of a region in words. Code that calls a function outside its region returns to the interpreter.
    pub max_words: u32,
    /// Largest number of words compiled in total, as a multiple of the words of the program. Each OSR entry compiles
    /// its function once more.
    pub max_times: u32,
    /// Whether the frames of a stopped program are exactly those of the interpreter, with all registers, locals and
    /// state registers: also those that the program does not read any more. For debuggers; it makes the code slower.
    pub keep_frames: bool,
}

/// The number of instructions that samples attribute to a function before it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// A constant number of instructions.
    pub instructions: u64,
    /// Additional instructions for each word of the largest region: the words of the program, at most `max_words`.
    pub per_word: u64,
}

impl Threshold {
    /// Returns the number of instructions for regions of this number of words.
    fn total(self, words: u64) -> u64 {
        self.instructions.saturating_add(self.per_word.saturating_mul(words))
    }
}

impl TierOptions {
    /// The options with a background thread: tier 1 soon, then tier 2.
    pub const WITH_WORKER: TierOptions = TierOptions {
        worker: true,
        slice: 10_000,
        tier1: Some(Threshold { instructions: 20_000, per_word: 200 }),
        tier2: Threshold { instructions: 100_000, per_word: 100 },
        short_slices: 64,
        max_words: 100_000,
        max_times: 32,
        keep_frames: false,
    };

    /// The options without a background thread: tier 2, after the program has run for about as long as compiling takes.
    pub const WITHOUT_WORKER: TierOptions = TierOptions {
        worker: false,
        tier1: None,
        tier2: Threshold { instructions: 800_000, per_word: 2_000 },
        max_words: 10_000,
        ..TierOptions::WITH_WORKER
    };
}

impl Default for TierOptions {
    fn default() -> Self {
        TierOptions::WITH_WORKER
    }
}

/// Length of a short slice in instructions.
const SHORT_SLICE: u64 = 256;

/// Length of a slice in tier 1, in slices of the interpreter: tier 1 is faster, and an exit costs more.
const TIER1_SLICES: u64 = 10;

/// The compiler of regions, for all modules of an engine.
#[derive(Debug)]
pub(crate) struct Backend {
    options: TierOptions,
    compile: CompileOptions,
    worker: Worker,
}

impl Backend {
    pub(crate) fn new(target: Target, compile: CompileOptions, options: TierOptions) -> Backend {
        Backend { options, compile, worker: Worker::new(target, compile, options) }
    }
}

/// A program that is compiled while it runs. Several instances can use it at once.
#[derive(Debug)]
pub(crate) struct ProgramTiers<'p> {
    program: Ref<'p, Verified<'p>>,
    table: Arc<CodeTable>,
    backend: Arc<Backend>,
    /// The thresholds of both tiers in instructions.
    thresholds: [Option<u64>; Tier::ALL.len()],
}

impl<'p> ProgramTiers<'p> {
    pub(crate) fn new(program: Ref<'p, Verified<'p>>, backend: Arc<Backend>) -> ProgramTiers<'p> {
        let TierOptions { tier1, tier2, max_words, max_times, .. } = backend.options;
        let words = program.functions().iter().map(|function| u64::from(function.words)).sum::<u64>();
        let table = Arc::new(CodeTable::new(program.functions(), words.saturating_mul(max_times.into())));
        let in_region = words.min(max_words.into());
        let thresholds = [tier1, Some(tier2)].map(|threshold| Some(threshold?.total(in_region)));
        ProgramTiers { program, table, backend, thresholds }
    }

    /// Returns the number of installed regions.
    pub(crate) fn compiled_regions(&self) -> usize {
        self.table.count()
    }

    /// Returns the tier in which code of this tier should be compiled again after `used` instructions since the last
    /// request: the highest whose threshold is reached.
    fn wanted(&self, used: u64, present: Option<Tier>) -> Option<Tier> {
        let is_higher = |tier: &Tier| present.is_none_or(|present| (present as u8) < *tier as u8);
        let is_reached = |tier: &Tier| self.thresholds[*tier as usize].is_some_and(|total| used >= total);
        Tier::ALL.into_iter().rev().filter(is_higher).find(is_reached)
    }

    /// Returns the code to enter, and the length of the next slice.
    fn next<S>(&self, code: Option<Arc<InstalledCode>>) -> NextSlice<'_, S> {
        let slice = self.backend.options.slice;
        let Some(code) = code else { return NextSlice { slice, enter: None } };
        let sliced = code.tier() == Tier::One;
        let slice = if sliced { slice.saturating_mul(TIER1_SLICES) } else { slice };
        NextSlice { slice, enter: Some(TierDecision { code: Ref::Shared(code), sliced }) }
    }
}

/// Returns whether the location is a loop header in a function that is short enough for machine code.
fn can_enter_loop(program: &Verified<'_>, location: Location) -> bool {
    let function = program.function(location.function);
    function.is_some_and(|function| function.words <= MAX_NATIVE_WORDS) && is_loop_head(program, location)
}

impl<S> vsp_core::Tiers<S> for ProgramTiers<'_> {
    fn is_for(&self, program: &Verified<'_>) -> bool {
        is_same(&self.program, program)
    }

    fn options(&self) -> CompileOptions {
        self.backend.compile
    }

    fn compiled(&self) -> &[AtomicBool] {
        self.table.compiled()
    }

    fn function(&self, function: FuncIndex) -> Option<TierDecision<'_, S>> {
        let code: &InstalledCode = self.table.function(function)?;
        Some(TierDecision { code: Ref::Borrowed(code), sliced: code.tier() == Tier::One })
    }

    fn slice(&self) -> u64 {
        self.backend.options.slice
    }

    fn on_slice_expired(&self, location: Location, used: u64, caller: Option<u64>) -> NextSlice<'_, S> {
        let used = self.table.sample(location.function, used);
        let is_loop = || can_enter_loop(&self.program, location);
        if self.table.is_before_loop(location, self.backend.options.short_slices) {
            return NextSlice { slice: SHORT_SLICE, enter: None };
        }
        let (unit, present) = self.table.unit_to_compile(location, caller, is_loop);
        if let Some(tier) = self.wanted(used, present)
            && self.table.request(unit, tier)
        {
            let job = Job { unit, tier };
            self.backend.worker.request(job, &self.program, &self.table);
        }
        self.next(self.table.entry_at(location))
    }
}
