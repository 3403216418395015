//! Machine code of running loops for a program that was compiled before it started: a call that was suspended goes on
//! in the interpreter, and enters machine code at the next loop header (on-stack replacement).

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::Region;
use vsp_core::native::{CodeInfo, CompileOptions, Target};
use vsp_core::verify::Verified;
use vsp_core::{NextSlice, Ref, TierDecision};
use vsp_native::is_same;

use super::code_table::InstalledCode;
use super::{SHORT_SLICE, TierOptions, can_enter_loop};
use crate::native::VspJit;
use crate::os::MachineCode;

/// The loops of a program. One is compiled when the interpreter has run for about as long as compiling takes, and is in
/// it, with the options of the whole program.
#[derive(Debug)]
pub(crate) struct LoopCode<'p> {
    program: Ref<'p, Verified<'p>>,
    options: CompileOptions,
    target: Target,
    tiers: TierOptions,
    /// Number of words of the program.
    words: u64,
    /// Number of interpreted instructions after which a loop is compiled.
    slice: u64,
    loops: Mutex<Loops>,
}

#[derive(Debug, Default)]
struct Loops {
    /// Created when it is first used.
    jit: Option<VspJit>,
    /// The code that can be entered at a loop header; `None`: the loop cannot be compiled.
    code: HashMap<Location, Option<Arc<InstalledCode>>>,
    /// Number of words that were compiled.
    words: u64,
}

impl<'p> LoopCode<'p> {
    /// Creates the loops of a program, to be compiled like this code of it.
    pub(crate) fn new(program: Ref<'p, Verified<'p>>, code: &CodeInfo, tiers: TierOptions) -> LoopCode<'p> {
        let (options, target) = (code.options(), code.target().clone());
        let words = program.functions().iter().map(|function| u64::from(function.words)).sum::<u64>();
        let slice = tiers.tier2.total(words.min(tiers.max_words.into()));
        LoopCode { program, options, target, tiers, words, slice, loops: Mutex::default() }
    }

    /// Returns the number of loops that were compiled.
    pub(crate) fn count(&self) -> usize {
        let loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
        loops.code.values().flatten().count()
    }

    /// Returns the code of a loop, which is compiled if necessary.
    fn code(&self, location: Location) -> Option<Arc<InstalledCode>> {
        let mut loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = loops.code.get(&location) {
            return code.clone();
        }
        let code = self.compile(location, &mut loops);
        loops.code.insert(location, code.clone());
        code
    }

    fn compile(&self, location: Location, loops: &mut Loops) -> Option<Arc<InstalledCode>> {
        let region = Region::of_loop(&self.program, location, self.tiers.max_words).ok()?;
        loops.words += u64::from(region.words());
        if loops.words > self.words.saturating_mul(self.tiers.max_times.into()) {
            return None;
        }
        let jit = match &mut loops.jit {
            Some(jit) => jit,
            none => none.insert(VspJit::for_target(self.target.clone(), self.options).ok()?),
        };
        let code = MachineCode::of_region(jit.region(&self.program, &region).ok()?).ok()?;
        Some(Arc::new(InstalledCode::new(code)))
    }
}

impl<S> vsp_core::Tiers<S> for LoopCode<'_> {
    fn is_for(&self, program: &Verified<'_>) -> bool {
        is_same(&self.program, program)
    }

    fn options(&self) -> CompileOptions {
        self.options
    }

    /// Returns nothing: calls run in the code of the whole program.
    fn compiled(&self) -> &[AtomicBool] {
        &[]
    }

    fn function(&self, _: FuncIndex) -> Option<TierDecision<'_, S>> {
        None
    }

    fn slice(&self) -> u64 {
        self.slice
    }

    fn on_slice_expired(&self, location: Location, _: u64, _: Option<u64>) -> NextSlice<'_, S> {
        if !can_enter_loop(&self.program, location) {
            return NextSlice { slice: SHORT_SLICE, enter: None };
        }
        let enter = self.code(location).map(|code| TierDecision { code: Ref::Shared(code), sliced: false });
        NextSlice { slice: self.slice, enter }
    }
}
