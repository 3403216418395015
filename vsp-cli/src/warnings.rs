//! Warnings about legal programs.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use vsp_core::analysis::{Graph, OutOfMemory, Signatures, Slot, UninitialisedRead, uninitialised_reads};
use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::{Inst, Opcode, Role};
use vsp_core::program::{NameKind, Program};
use vsp_core::text::{self, Diagnostic};
use vsp_core::verify::Verified;

use crate::load::Loaded;

/// A warning about something that is legal and often a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Warning {
    /// A register or local is read before it is written, on some path through the function; this is the first such read
    /// of it.
    UninitialisedRead {
        /// The instruction that reads it.
        location: Location,
        /// The register or local.
        slot: Slot,
    },
    /// These words are unreachable.
    Unreachable {
        /// The function.
        function: FuncIndex,
        /// Its words.
        words: Range<u32>,
    },
    /// A name of the text is never used.
    UnusedName(Diagnostic),
    /// An item of a program without a text is never used.
    Unused {
        /// The item: a constant, a global or an import.
        role: Role,
        /// Its number.
        index: u32,
        /// Its name.
        name: Option<String>,
    },
}

/// Returns all warnings about a program: first about its text in the order of the lines, then about its code in the
/// order of the words. There are none about a program that was WebAssembly, because nobody wrote its code.
///
/// # Errors
/// Memory is exhausted.
pub(crate) fn warnings(loaded: &Loaded, verified: &Verified<'_>) -> Result<Vec<Warning>, OutOfMemory> {
    #[cfg(feature = "wasm")]
    if crate::wasm::is_translated(&loaded.program) {
        return Ok(Vec::new());
    }
    let mut warnings: Vec<Warning> = match &loaded.text {
        // The text was assembled already: it has no errors.
        Some(text) => text::unused(text).unwrap_or_default().into_iter().map(Warning::UnusedName).collect(),
        None => unused(verified.program()),
    };
    let signatures = Signatures::new(verified)?;
    for function in (0..verified.functions().len() as u32).map(FuncIndex) {
        let graph = Graph::new(&signatures, function)?;
        warnings.extend(first_reads(uninitialised_reads(&graph)?).map(|UninitialisedRead { word, slot }| {
            Warning::UninitialisedRead { location: Location { function, word }, slot }
        }));
        let unreachable = graph.unreachable()?.into_iter();
        warnings.extend(unreachable.map(|words| Warning::Unreachable { function, words }));
    }
    Ok(warnings)
}

/// Returns the first read of every slot.
fn first_reads(reads: Vec<UninitialisedRead>) -> impl Iterator<Item = UninitialisedRead> {
    let mut seen = BTreeSet::new();
    reads.into_iter().filter(move |read| seen.insert(read.slot))
}

/// Returns the constants, globals and imports that no instruction uses.
fn unused(program: &Program<'_>) -> Vec<Warning> {
    let mut used = HashSet::new();
    // GETGX and SETGX use a global, or any one after it.
    let mut used_from = u32::MAX;
    for word in program.code() {
        let Ok(inst) = Inst::decode(u32::from_le_bytes(*word)) else { continue };
        if let (Opcode::GETGX | Opcode::SETGX, Some(first)) = (inst.op(), inst.value_of(Role::Global)) {
            used_from = used_from.min(first as u32);
        }
        let named = inst.operands().map(|(operand, value)| (operand.role, value as u32));
        used.extend(
            named.filter(|(role, _)| {
                matches!(role, Role::Const | Role::Global | Role::Segment | Role::Import)
            }),
        );
    }
    let imports = program.imports().map(|import| Some(format!("{}.{}", import.module, import.name)));
    let constants = program.constants().iter().map(|_| None);
    let globals = (0..program.globals().len() as u32)
        .map(|global| program.name(NameKind::Global, global).map(str::to_owned));
    let passive = (0..program.passive_count())
        .map(|segment| program.name(NameKind::Passive, segment).map(str::to_owned));
    let all = number(Role::Import, imports)
        .chain(number(Role::Const, constants))
        .chain(number(Role::Global, globals))
        .chain(number(Role::Segment, passive));
    let is_used = |role, index| used.contains(&(role, index)) || role == Role::Global && index >= used_from;
    all.filter(|(role, index, _)| !is_used(*role, *index))
        .map(|(role, index, name)| Warning::Unused { role, index, name })
        .collect()
}

fn number(
    role: Role,
    names: impl Iterator<Item = Option<String>>,
) -> impl Iterator<Item = (Role, u32, Option<String>)> {
    (0..).zip(names).map(move |(index, name)| (role, index, name))
}
