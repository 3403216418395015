//! Tiers that move by themselves: a program starts in the interpreter, what it does much is compiled while it runs, and it goes
//! over to the machine code at its next safepoint, also in the middle of a loop.
//!
//! The interpreter counts nothing for this. An instance runs with a small slice of its fuel; when that is used up it
//! says where it is ([`vsp_core::Tiers`]), and that is a sample of where the time goes. A function with enough samples
//! is compiled with all that it calls, as one piece ([`Region`]) with an entry where the loop begins in which it was met.
//!
//! With a worker that first happens in tier 1, soon, and then in tier 2, while the program goes on. Without one the program
//! waits for its compiler, so it is compiled only in tier 2, and only when it has run for about as long as that
//! takes: so it takes at most about twice as long as it would have with the better of the two.

mod pieces;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use vsp_core::analysis::is_loop_head;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::Region;
use vsp_core::limits::MAX_NATIVE_WORDS;
use vsp_core::native::{CompileOptions, Target, Tier};
use vsp_core::verify::Verified;
use vsp_core::{NextSlice, Ref, TierDecision};

use crate::native::is_same;
use pieces::{Piece, Pieces};
use worker::{Job, Worker};

/// When a program that runs is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierOptions {
    /// Is there a thread that compiles while the program runs? Else the program waits.
    pub worker: bool,
    /// Instructions between two samples.
    pub slice: u64,
    /// When a function is compiled in tier 1; `None`: never.
    pub tier1: Option<Threshold>,
    /// When a function is compiled in tier 2.
    pub tier2: Threshold,
    /// Words that are compiled together, at most.
    pub max_words: u32,
    /// How many times the words of a program are compiled in all, at most. Each loop that is entered while it runs
    /// takes its function once more.
    pub max_times: u32,
}

/// How many instructions a function has to be sampled with before it is compiled (again).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// So many,
    pub instructions: u64,
    /// and so many for each word that is compiled with it.
    pub per_word: u64,
}

impl Threshold {
    fn reached(self, used: u64, words: impl FnOnce() -> u32) -> bool {
        let Threshold { instructions, per_word } = self;
        let per_word = if per_word == 0 { 0 } else { per_word.saturating_mul(words().into()) };
        used >= instructions.saturating_add(per_word)
    }
}

impl TierOptions {
    /// With a worker: tier 1 soon, then tier 2.
    pub const WITH_WORKER: TierOptions = TierOptions {
        worker: true,
        slice: 10_000,
        tier1: Some(Threshold { instructions: 20_000, per_word: 0 }),
        tier2: Threshold { instructions: 100_000, per_word: 0 },
        max_words: 10_000,
        max_times: 32,
    };

    /// Without a worker: tier 2, when the program has run for about as long as compiling takes.
    pub const WITHOUT_WORKER: TierOptions = TierOptions {
        worker: false,
        tier1: None,
        tier2: Threshold { instructions: 200_000, per_word: 8_000 },
        ..TierOptions::WITH_WORKER
    };
}

impl Default for TierOptions {
    fn default() -> Self {
        TierOptions::WITH_WORKER
    }
}

/// A slice in tier 1, for each one in the interpreter: it is faster, and going back costs more.
const TIER1_SLICES: u64 = 10;

/// What compiles parts of programs, for all modules of an engine.
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

/// A program that is compiled while it runs. Many instances can use it at once.
#[derive(Debug)]
pub(crate) struct ProgramTiers<'p> {
    program: Ref<'p, Verified<'p>>,
    pieces: Arc<Pieces>,
    backend: Arc<Backend>,
}

impl<'p> ProgramTiers<'p> {
    pub(crate) fn new(program: Ref<'p, Verified<'p>>, backend: Arc<Backend>) -> ProgramTiers<'p> {
        let words = program.functions().iter().map(|function| u64::from(function.words)).sum::<u64>();
        let budget = words.saturating_mul(backend.options.max_times.into());
        let pieces = Arc::new(Pieces::new(program.functions(), budget));
        ProgramTiers { program, pieces, backend }
    }

    /// How many pieces of machine code there are.
    pub(crate) fn pieces(&self) -> usize {
        self.pieces.count()
    }

    /// The tier that a function should be compiled in now, when it has been sampled with so many instructions since it was
    /// compiled before.
    fn wanted(&self, function: FuncIndex, used: u64, present: Option<Tier>) -> Option<Tier> {
        let TierOptions { tier1, tier2, .. } = self.backend.options;
        let (threshold, tier) = match (present, tier1) {
            (None, Some(threshold)) => (threshold, Tier::One),
            (None | Some(Tier::One), _) => (tier2, Tier::Two),
            (Some(Tier::Two), _) => return None,
        };
        let words = || self.pieces.words(function, || self.words(function));
        threshold.reached(used, words).then_some(tier)
    }

    /// Words that are compiled with a function.
    fn words(&self, function: FuncIndex) -> u32 {
        let part = Region::of_function(&self.program, function, self.backend.options.max_words);
        part.map_or(0, |part| part.words())
    }

    /// What may go on in a piece, and after how much fuel it comes back.
    fn next<S>(&self, piece: Option<Arc<Piece>>) -> NextSlice<'_, S> {
        let slice = self.backend.options.slice;
        let Some(piece) = piece else { return NextSlice { slice, enter: None } };
        let sliced = piece.tier() == Tier::One;
        let slice = if sliced { slice.saturating_mul(TIER1_SLICES) } else { slice };
        NextSlice { slice, enter: Some(TierDecision { code: Ref::Shared(piece), sliced }) }
    }
}

/// Does a loop begin at this place, in a function that is short enough for machine code?
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
        self.pieces.compiled()
    }

    fn function(&self, function: FuncIndex) -> Option<TierDecision<'_, S>> {
        let piece: &Piece = self.pieces.function(function)?;
        Some(TierDecision { code: Ref::Borrowed(piece), sliced: piece.tier() == Tier::One })
    }

    fn slice(&self) -> u64 {
        self.backend.options.slice
    }

    fn on_slice_expired(&self, location: Location, used: u64, caller: Option<u64>) -> NextSlice<'_, S> {
        let used = self.pieces.sample(location.function, used);
        let (what, present) = self.pieces.meet(location, caller, || can_enter_loop(&self.program, location));
        if let Some(tier) = self.wanted(location.function, used, present)
            && self.pieces.asks_for(what, tier)
        {
            let job = Job { what, tier };
            self.backend.worker.request(job, &self.program, &self.pieces);
        }
        self.next(self.pieces.at(location))
    }
}
