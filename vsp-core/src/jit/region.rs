//! Compilation regions: the functions to compile together, and OSR entries.

use alloc::vec::Vec;

use super::plan::native_words;
use crate::analysis::{OutOfMemory, filled};
use crate::index::{FuncIndex, Location};
use crate::isa::Role;
use crate::limits::MAX_NATIVE_WORDS;
use crate::native::{Code, CodeInfo};
use crate::verify::{Function, Verified};

/// A set of functions to compile together, with an optional OSR entry.
///
/// Where the code of a region calls a function outside it, it exits, and the interpreter makes the call.
#[derive(Clone, Debug)]
pub struct Region {
    /// For each function, whether it is in the region.
    functions: Vec<bool>,
    /// For each function, whether it has been considered.
    seen: Vec<bool>,
    words: u32,
    entry: Option<Location>,
    keeps_frames: bool,
}

impl Region {
    /// Creates a region of a function and its direct and indirect callees, nearest first, as long as they have at most
    /// `max_words` words together; a larger function is alone. Functions that are too long for machine code are left out.
    ///
    /// An indirect call counts as a call of all functions of its type.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn of_function(
        program: &Verified<'_>,
        function: FuncIndex,
        max_words: u32,
    ) -> Result<Region, OutOfMemory> {
        let mut region = Region::new(program, None)?;
        let mut queue = region.queue()?;
        region.add(function, program, max_words, &mut queue);
        region.add_callees(program, max_words, queue)
    }

    /// Creates a region of a function that is only entered at a loop header, the target of a backward branch, with its
    /// callees as in [`Self::of_function`].
    ///
    /// # Errors
    /// Memory runs out.
    pub fn of_loop(
        program: &Verified<'_>,
        location: Location,
        max_words: u32,
    ) -> Result<Region, OutOfMemory> {
        let mut region = Region::new(program, Some(location))?;
        let mut queue = region.queue()?;
        if let Some(function) = program.function(location.function) {
            region.words = function.words;
            queue.push(location.function);
        }
        region.add_callees(program, max_words, queue)
    }

    fn new(program: &Verified<'_>, entry: Option<Location>) -> Result<Region, OutOfMemory> {
        let count = program.functions().len();
        Ok(Region {
            functions: filled(count, false)?,
            seen: filled(count, false)?,
            words: 0,
            entry,
            keeps_frames: false,
        })
    }

    /// Returns a queue with room for each function, and once more for the first.
    fn queue(&self) -> Result<Vec<FuncIndex>, OutOfMemory> {
        let mut queue = Vec::new();
        queue.try_reserve_exact(self.functions.len() + 1).map_err(|_| OutOfMemory)?;
        Ok(queue)
    }

    /// Adds the callees of the functions in the queue.
    fn add_callees(
        mut self,
        program: &Verified<'_>,
        max_words: u32,
        mut queue: Vec<FuncIndex>,
    ) -> Result<Region, OutOfMemory> {
        let all = program.functions();
        let mut of_type = ByType::default();
        let mut next = 0;
        while let Some(&caller) = queue.get(next) {
            next += 1;
            for word in 0..all[caller.index()].words {
                let Some(inst) = program.instruction(Location { function: caller, word }) else { continue };
                if let Some(callee) = inst.value_of(Role::Func) {
                    self.add(FuncIndex(callee as u32), program, max_words, &mut queue);
                } else if let Some(ty) = inst.value_of(Role::Type) {
                    for &(_, index) in of_type.take(ty as u32, all)? {
                        self.add(index, program, max_words, &mut queue);
                    }
                }
            }
        }
        Ok(self)
    }

    fn add(&mut self, index: FuncIndex, program: &Verified<'_>, max_words: u32, queue: &mut Vec<FuncIndex>) {
        let Some(words) = program.function(index).map(|function| function.words) else { return };
        if core::mem::replace(&mut self.seen[index.index()], true) {
            return;
        }
        let fits = queue.is_empty() || self.words.saturating_add(words) <= max_words;
        if fits && native_words(program, index) <= MAX_NATIVE_WORDS {
            self.functions[index.index()] = true;
            self.words += words;
            queue.push(index);
        }
    }

    /// Returns the region with frames that are exactly those of the interpreter wherever its code is suspended: with all
    /// registers, locals and state registers, also those that the program does not read any more. That makes the code
    /// slower.
    #[must_use]
    pub fn keeping_frames(self) -> Region {
        Region { keeps_frames: true, ..self }
    }

    /// Returns whether suspended frames are exactly those of the interpreter.
    pub(super) fn keeps_frames(&self) -> bool {
        self.keeps_frames
    }

    /// Returns whether the function is in the region.
    pub fn contains(&self, function: FuncIndex) -> bool {
        self.functions.get(function.index()).is_some_and(|is_in| *is_in)
    }

    /// Returns the number of words to compile.
    pub fn words(&self) -> u32 {
        self.words
    }

    /// Returns the functions.
    pub fn functions(&self) -> impl Iterator<Item = FuncIndex> {
        (0..).map(FuncIndex).zip(&self.functions).filter_map(|(index, is_in)| is_in.then_some(index))
    }

    /// Returns the loop header of the OSR entry.
    pub fn entry(&self) -> Option<Location> {
        self.entry
    }
}

/// The functions of each type that was not asked for yet.
#[derive(Default)]
struct ByType {
    /// All functions, ordered by type and index; empty until the first question.
    functions: Vec<(u32, FuncIndex)>,
    /// Whether the functions of the type that begin here were taken.
    taken: Vec<bool>,
}

impl ByType {
    /// Returns the functions of this type in the order of their indices; none if it was asked for before.
    fn take(&mut self, ty: u32, all: &[Function]) -> Result<&[(u32, FuncIndex)], OutOfMemory> {
        if self.functions.is_empty() {
            self.functions.try_reserve_exact(all.len()).map_err(|_| OutOfMemory)?;
            self.functions.extend(all.iter().map(|function| function.ty.bits()).zip((0..).map(FuncIndex)));
            self.functions.sort_unstable();
            self.taken.try_reserve_exact(all.len()).map_err(|_| OutOfMemory)?;
            self.taken.resize(all.len(), false);
        }
        let start = self.functions.partition_point(|(it, _)| *it < ty);
        let end = self.functions.partition_point(|(it, _)| *it <= ty);
        let found = &self.functions[start..end];
        let is_new = !found.is_empty() && !core::mem::replace(&mut self.taken[start], true);
        Ok(if is_new { found } else { &[] })
    }
}

/// Machine code of a [`Region`].
#[derive(Clone, Debug, PartialEq)]
pub struct RegionCode(pub(super) Code);

impl RegionCode {
    /// Returns the machine code.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// Returns the data about the code.
    pub fn info(&self) -> &CodeInfo {
        &self.0
    }

    /// Returns the data about the code, without the machine code itself.
    pub fn into_info(self) -> CodeInfo {
        self.0.into_info()
    }
}
