//! The code table of a program: the machine code that was installed while it runs.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::{Region, RegionCode};
use vsp_core::limits::{MAX_NATIVE_BYTES_PER_CELL, MAX_PARAMS};
use vsp_core::native::{CodeInfo, Tier};
use vsp_core::program::Program;
use vsp_core::verify::{Function, Verified};
use vsp_core::{AttachError, EntryRequest, NativeCode};
use vsp_native::{Platform, stack_for};

use super::worker::Unit;
use crate::native::NativeError;
use crate::os::{MachineCode, Os, enter_region};

/// Installed machine code of a region of the program.
#[derive(Debug)]
pub(crate) struct InstalledCode(MachineCode);

impl InstalledCode {
    pub(super) fn new(code: MachineCode) -> InstalledCode {
        InstalledCode(code)
    }

    pub(crate) fn tier(&self) -> Tier {
        self.0.info().options().tier
    }
}

impl<S> NativeCode<S> for InstalledCode {
    fn code(&self) -> &CodeInfo {
        self.0.info()
    }

    /// Returns `false`: only the tiers of the program use its installed code.
    fn is_for(&self, _: &Verified<'_>) -> bool {
        false
    }

    fn reserve(&self, cells: u32) -> Result<(), AttachError> {
        self.0.reserve(cells)
    }

    fn enter(&self, request: EntryRequest<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool {
        enter_region(&self.0, request, values)
    }

    fn on_larger_stack(&self, cells: u32, run: &mut dyn FnMut()) -> bool {
        // Regions that are entered later on the same stack may use more of it.
        let most = [MAX_NATIVE_BYTES_PER_CELL, self.0.info().bytes_per_cell()];
        most.into_iter().any(|bytes| Os::on_larger_stack(stack_for::<Os>(cells.into(), bytes), run))
    }
}

/// The samples and the installed code of each function.
#[derive(Debug)]
pub(crate) struct CodeTable {
    functions: Vec<Slot>,
    /// Whether each function has code for calls.
    compiled: Vec<AtomicBool>,
    /// A copy of the program for the compiler thread, which can outlive the original.
    program: OnceLock<Option<Arc<Verified<'static>>>>,
    /// Number of words that may still be compiled.
    budget: AtomicU64,
    /// Number of installed regions.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Slot {
    short_leaf: bool,
    /// Number of instructions sampled since the last request.
    used: AtomicU64,
    /// The code for calls, by tier.
    code: [OnceLock<Arc<InstalledCode>>; Tier::ALL.len()],
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// The highest tier that was requested for calls.
    requested: Option<Tier>,
    /// The mark of the caller at the last sample.
    caller: Option<Option<u64>>,
    /// The sampled locations.
    locations: Vec<Sampled>,
    /// The number of short slices since the last sample.
    short_slices: u32,
}

/// A location where a slice of fuel expired.
#[derive(Debug)]
struct Sampled {
    word: u32,
    /// Whether the location is a loop header.
    is_loop: bool,
    /// The highest tier that was requested.
    requested: Option<Tier>,
    /// The best code with an entry there (on-stack replacement).
    code: Option<Arc<InstalledCode>>,
}

impl CodeTable {
    /// Creates an empty table. `budget` is the number of words that may be compiled.
    pub(crate) fn new(functions: &[Function], budget: u64) -> CodeTable {
        let slot = |function: &Function| Slot { short_leaf: function.short_leaf, ..Slot::default() };
        CodeTable {
            functions: functions.iter().map(slot).collect(),
            compiled: functions.iter().map(|_| AtomicBool::new(false)).collect(),
            program: OnceLock::new(),
            budget: AtomicU64::new(budget),
            count: AtomicUsize::new(0),
        }
    }

    /// Returns a copy of the program, which is made once. `None` if there is no memory for it.
    pub(crate) fn copy_of(&self, program: &Verified<'_>) -> Option<Arc<Verified<'static>>> {
        let copy = || {
            let bytes: Arc<[u8]> = program.program().bytes().into();
            Verified::new(Program::read(bytes).ok()?).ok().map(Arc::new)
        };
        self.program.get_or_init(copy).clone()
    }

    /// Returns the number of installed regions.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(crate) fn compiled(&self) -> &[AtomicBool] {
        &self.compiled
    }

    /// Returns the best code for calls of a function.
    pub(crate) fn function(&self, function: FuncIndex) -> Option<&InstalledCode> {
        let code = &self.functions[function.index()].code;
        code.iter().rev().find_map(|code| code.get()).map(|code| &**code)
    }

    /// Returns the best code that can be entered at a location.
    pub(crate) fn entry_at(&self, location: Location) -> Option<Arc<InstalledCode>> {
        let notes = self.notes(location.function);
        notes.locations.iter().find(|it| it.word == location.word)?.code.clone()
    }

    /// Adds a sample to a function and returns the sum of all.
    pub(crate) fn sample(&self, function: FuncIndex, used: u64) -> u64 {
        let sum = &self.functions[function.index()].used;
        sum.fetch_add(used, Ordering::Relaxed).saturating_add(used)
    }

    /// Returns whether a function that can be entered at some of its loops, but not at this location, should be
    /// interpreted for another short slice, of which there are at most this many in a row.
    pub(crate) fn is_before_loop(&self, location: Location, short_slices: u32) -> bool {
        let mut notes = self.notes(location.function);
        let mut entries = notes.locations.iter().filter(|it| it.code.is_some());
        if entries.clone().any(|it| it.word == location.word) {
            return false;
        }
        let has_entry = entries.next().is_some();
        let goes_on = has_entry && notes.short_slices < short_slices;
        notes.short_slices = if goes_on { notes.short_slices + 1 } else { 0 };
        goes_on
    }

    /// Records that a slice of fuel expired at a location. Returns the unit to compile, and the tier of its present
    /// code.
    ///
    /// The unit is the loop whose header is at the location. It is the function instead if the function has been called
    /// again since the last sample, which its caller's frame shows. It is also the function if the loop already has
    /// code: that code was installed after the loop began, or the function began in the interpreter again.
    pub(crate) fn unit_to_compile(
        &self,
        location: Location,
        caller: Option<u64>,
        is_loop: impl FnOnce() -> bool,
    ) -> (Unit, Option<Tier>) {
        let tier = self.function(location.function).map(InstalledCode::tier);
        let function = (Unit::Function(location.function), tier);
        let mut notes = self.notes(location.function);
        let is_called_again = notes.caller.replace(caller).is_some_and(|before| before != caller);
        let locations = &mut notes.locations;
        let known = locations.iter().position(|it| it.word == location.word);
        let number = known.unwrap_or_else(|| {
            locations.push(Sampled { word: location.word, is_loop: is_loop(), requested: None, code: None });
            locations.len() - 1
        });
        let sampled = &locations[number];
        match sampled.code.as_deref().map(InstalledCode::tier) {
            _ if is_called_again && tier != Some(Tier::Two) => function,
            Some(Tier::Two) => function,
            present if sampled.is_loop => (Unit::Loop(location), present),
            _ => function,
        }
    }

    /// Records a request for code of a tier. Returns `false` if it was recorded before.
    pub(crate) fn request(&self, unit: Unit, tier: Tier) -> bool {
        let is_lower = |old: Option<Tier>| old.is_none_or(|old| (old as u8) < tier as u8);
        let (Unit::Function(function) | Unit::Loop(Location { function, .. })) = unit;
        let mut notes = self.notes(function);
        let requested = match unit {
            Unit::Function(_) => Some(&mut notes.requested),
            Unit::Loop(location) => {
                notes.locations.iter_mut().find(|it| it.word == location.word).map(|it| &mut it.requested)
            }
        };
        let Some(requested) = requested.filter(|old| is_lower(**old)) else { return false };
        *requested = Some(tier);
        self.functions[function.index()].used.store(0, Ordering::Relaxed);
        true
    }

    /// Takes words from the budget. Returns `false` if it does not have that many.
    pub(crate) fn spend(&self, words: u32) -> bool {
        let words = u64::from(words);
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(words)).is_ok()
    }

    /// Gives words that were not compiled back to the budget.
    pub(crate) fn refund(&self, words: u32) {
        self.budget.fetch_add(words.into(), Ordering::Relaxed);
    }

    /// Returns whether the function has code of this tier for calls.
    pub(crate) fn has(&self, function: FuncIndex, tier: Tier) -> bool {
        self.functions[function.index()].code[tier as usize].get().is_some()
    }

    /// Makes the code of a region executable, for all instances of the program.
    pub(crate) fn install(&self, region: &Region, code: RegionCode) -> Result<(), NativeError> {
        let code = Arc::new(InstalledCode::new(MachineCode::of_region(code)?));
        let tier = code.tier();
        for function in region.functions() {
            let slot = &self.functions[function.index()];
            // Interpreting a short leaf takes less time than entering machine code.
            if !slot.short_leaf && slot.code[tier as usize].set(code.clone()).is_ok() {
                self.compiled[function.index()].store(true, Ordering::Release);
            }
        }
        if let Some(location) = region.entry() {
            let mut notes = self.notes(location.function);
            let sampled = notes.locations.iter_mut().find(|it| it.word == location.word);
            let is_better = |old: &Arc<InstalledCode>| (old.tier() as u8) < tier as u8;
            if let Some(sampled) = sampled.filter(|it| it.code.as_ref().is_none_or(is_better)) {
                sampled.code = Some(code);
            }
        }
        self.count.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn notes(&self, function: FuncIndex) -> MutexGuard<'_, Notes> {
        self.functions[function.index()].notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
