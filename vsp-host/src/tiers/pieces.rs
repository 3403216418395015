//! The machine code of a program that is there so far.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::{Region, RegionCode};
use vsp_core::limits::MAX_PARAMS;
use vsp_core::native::{CodeInfo, Tier};
use vsp_core::program::Program;
use vsp_core::verify::{Function, Verified};
use vsp_core::{AttachError, EntryRequest, NativeCode};

use super::worker::What;
use crate::exec_memory::ExecMemoryError;
use crate::native_call::{self, MachineCode};

/// Machine code of a part of the program.
#[derive(Debug)]
pub(crate) struct Piece(MachineCode);

impl Piece {
    pub(crate) fn tier(&self) -> Tier {
        self.0.info().options().tier
    }
}

impl<S> NativeCode<S> for Piece {
    fn code(&self) -> &CodeInfo {
        self.0.info()
    }

    /// Only a program's own tiers have its pieces.
    fn is_for(&self, _: &Verified<'_>) -> bool {
        false
    }

    fn reserve(&self, cells: u32) -> Result<(), AttachError> {
        self.0.reserve(cells)
    }

    fn enter(&self, request: EntryRequest<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool {
        // Only instances that have a program's tiers get its pieces, and `attach_tiers` has compared the programs.
        native_call::enter(&self.0, |_| true, request, values)
    }
}

/// What is known of each function.
#[derive(Debug)]
pub(crate) struct Pieces {
    functions: Vec<Slot>,
    /// For each function, whether there is code to call it with.
    compiled: Vec<AtomicBool>,
    /// The program again, for a thread that may outlive whoever lent it.
    program: OnceLock<Option<Arc<Verified<'static>>>>,
    /// How many words may still be compiled.
    budget: AtomicU64,
    /// How many pieces there are.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Slot {
    short_leaf: bool,
    /// Instructions that it was sampled with since it was compiled.
    used: AtomicU64,
    /// Words that are compiled with it.
    words: OnceLock<u32>,
    /// The code to call it with, by tier.
    code: [OnceLock<Arc<Piece>>; Tier::ALL.len()],
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// The highest tier that was asked for, to call it.
    asked: Option<Tier>,
    /// What its caller was when it was met last.
    caller: Option<Option<u64>>,
    /// The places where it was met.
    locations: Vec<Met>,
}

/// A place where a program came back.
#[derive(Debug)]
struct Met {
    word: u32,
    /// Does a loop begin there?
    is_loop: bool,
    /// The highest tier that was asked for.
    asked: Option<Tier>,
    /// The best code that can be entered there.
    piece: Option<Arc<Piece>>,
}

impl Pieces {
    /// Nothing yet; `budget` is how many words may be compiled.
    pub(crate) fn new(functions: &[Function], budget: u64) -> Pieces {
        let slot = |function: &Function| Slot { short_leaf: function.short_leaf, ..Slot::default() };
        Pieces {
            functions: functions.iter().map(slot).collect(),
            compiled: functions.iter().map(|_| AtomicBool::new(false)).collect(),
            program: OnceLock::new(),
            budget: AtomicU64::new(budget),
            count: AtomicUsize::new(0),
        }
    }

    /// The program, whose pieces these are, to be kept. `None` if there is no memory for it.
    pub(crate) fn copy_of(&self, program: &Verified<'_>) -> Option<Arc<Verified<'static>>> {
        let copy = || {
            let bytes: Arc<[u8]> = program.program().bytes().into();
            Verified::new(Program::read(bytes).ok()?).ok().map(Arc::new)
        };
        self.program.get_or_init(copy).clone()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(crate) fn compiled(&self) -> &[AtomicBool] {
        &self.compiled
    }

    /// The best code to call a function with.
    pub(crate) fn function(&self, function: FuncIndex) -> Option<&Piece> {
        let code = &self.functions[function.index()].code;
        code.iter().rev().find_map(|code| code.get()).map(|piece| &**piece)
    }

    /// The best code that can be entered at a place.
    pub(crate) fn at(&self, location: Location) -> Option<Arc<Piece>> {
        let notes = self.notes(location.function);
        notes.locations.iter().find(|met| met.word == location.word)?.piece.clone()
    }

    /// Adds a sample to a function, and gives the sum of all.
    pub(crate) fn sample(&self, function: FuncIndex, used: u64) -> u64 {
        let sum = &self.functions[function.index()].used;
        sum.fetch_add(used, Ordering::Relaxed).saturating_add(used)
    }

    /// The words that are compiled with a function, which are counted once.
    pub(crate) fn words(&self, function: FuncIndex, count: impl FnOnce() -> u32) -> u32 {
        *self.functions[function.index()].words.get_or_init(count)
    }

    /// A program came back at a place. Gives what there wants code, and the tier of the code it has.
    ///
    /// That is the loop that begins there. But if the function was called again since it was met before, which its caller's
    /// frame shows, it is the function; and also if the loop has code already: that was not there when the loop was begun, or the
    /// function began in the interpreter again.
    pub(crate) fn meet(
        &self,
        location: Location,
        caller: Option<u64>,
        is_loop: impl FnOnce() -> bool,
    ) -> (What, Option<Tier>) {
        let tier = self.function(location.function).map(Piece::tier);
        let function = (What::Function(location.function), tier);
        let mut notes = self.notes(location.function);
        let is_called_again = notes.caller.replace(caller).is_some_and(|before| before != caller);
        let locations = &mut notes.locations;
        let known = locations.iter().position(|met| met.word == location.word);
        let number = known.unwrap_or_else(|| {
            locations.push(Met { word: location.word, is_loop: is_loop(), asked: None, piece: None });
            locations.len() - 1
        });
        let met = &locations[number];
        match met.piece.as_deref().map(Piece::tier) {
            _ if is_called_again && tier != Some(Tier::Two) => function,
            Some(Tier::Two) => function,
            present if met.is_loop => (What::Loop(location), present),
            _ => function,
        }
    }

    /// Notes that something wants code of a tier. `false` if that was noted before.
    pub(crate) fn asks_for(&self, what: What, tier: Tier) -> bool {
        let lower = |asked: Option<Tier>| asked.is_none_or(|asked| (asked as u8) < tier as u8);
        let (What::Function(function) | What::Loop(Location { function, .. })) = what;
        let mut notes = self.notes(function);
        let asked = match what {
            What::Function(_) => Some(&mut notes.asked),
            What::Loop(location) => {
                notes.locations.iter_mut().find(|met| met.word == location.word).map(|met| &mut met.asked)
            }
        };
        let Some(asked) = asked.filter(|asked| lower(**asked)) else { return false };
        *asked = Some(tier);
        self.functions[function.index()].used.store(0, Ordering::Relaxed);
        true
    }

    /// Takes words that are to be compiled from what may be compiled in all.
    pub(crate) fn spend(&self, words: u32) -> bool {
        let words = u64::from(words);
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(words)).is_ok()
    }

    /// Gives back what was spent for nothing.
    pub(crate) fn unspend(&self, words: u32) {
        self.budget.fetch_add(words.into(), Ordering::Relaxed);
    }

    /// Has code of this tier to call the function with?
    pub(crate) fn has(&self, function: FuncIndex, tier: Tier) -> bool {
        self.functions[function.index()].code[tier as usize].get().is_some()
    }

    /// Makes code of a part runnable, and lets everybody who comes by use it.
    pub(crate) fn publish(&self, part: &Region, code: RegionCode) -> Result<(), ExecMemoryError> {
        let piece = Arc::new(Piece(MachineCode::of_part(code)?));
        let tier = piece.tier();
        for function in part.functions() {
            let slot = &self.functions[function.index()];
            // A short leaf is sooner interpreted than entered.
            if !slot.short_leaf && slot.code[tier as usize].set(piece.clone()).is_ok() {
                self.compiled[function.index()].store(true, Ordering::Release);
            }
        }
        if let Some(location) = part.entry() {
            let mut notes = self.notes(location.function);
            let met = notes.locations.iter_mut().find(|met| met.word == location.word);
            if let Some(met) =
                met.filter(|met| met.piece.as_ref().is_none_or(|old| (old.tier() as u8) < tier as u8))
            {
                met.piece = Some(piece.clone());
            }
        }
        self.count.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn notes(&self, function: FuncIndex) -> MutexGuard<'_, Notes> {
        self.functions[function.index()].notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
