//! The directories in which the compiler ran, from `.debug_info`.

use alloc::collections::BTreeMap;

use gimli::{Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, DebugInfo, LittleEndian};

use super::{Bytes, Dwarf};

/// The largest table of abbreviations in bytes.
const MAX_ABBREVIATIONS: usize = 1 << 14;

/// Largest number of bytes of tables that are read: for each byte of `.debug_info`, and in addition.
const WORK: usize = 16;
const FREE_WORK: usize = 1 << 20;

/// Returns the directories of compilation units, by the offsets of their line number programs. (From version 5 on,
/// these contain them.)
pub(super) fn directories<'a>(dwarf: &Dwarf<'a>) -> BTreeMap<usize, &'a [u8]> {
    let mut found = BTreeMap::new();
    let mut work = FREE_WORK + WORK * dwarf.info.len();
    let mut table: Option<(usize, Abbreviations)> = None;
    let mut units = DebugInfo::new(dwarf.info, LittleEndian).units();
    while let Ok(Some(unit)) = units.next() {
        let offset = unit.debug_abbrev_offset().0;
        if table.as_ref().is_none_or(|(known, _)| *known != offset) {
            let rest = dwarf.abbreviations.get(offset..).unwrap_or(&[]);
            let bytes = rest.get(..MAX_ABBREVIATIONS).unwrap_or(rest);
            let Some(left) = work.checked_sub(bytes.len()) else { break };
            work = left;
            let abbreviations = DebugAbbrev::new(bytes, LittleEndian).abbreviations(DebugAbbrevOffset(0));
            table = abbreviations.ok().map(|abbreviations| (offset, abbreviations));
        }
        let Some((_, abbreviations)) = &table else { continue };
        if let Some((program, directory)) = directory(dwarf, &unit, abbreviations) {
            found.insert(program, directory);
        }
    }
    found
}

/// Returns the offset of a unit's line number program, and the directory.
fn directory<'a>(
    dwarf: &Dwarf<'a>,
    unit: &gimli::UnitHeader<Bytes<'a>>,
    abbreviations: &Abbreviations,
) -> Option<(usize, &'a [u8])> {
    let mut entries = unit.entries_raw(abbreviations, None).ok()?;
    let (mut program, mut directory) = (None, None);
    for specification in entries.read_abbreviation().ok()??.attributes() {
        let attribute = entries.read_attribute(*specification).ok()?;
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_stmt_list, AttributeValue::DebugLineRef(offset)) => program = Some(offset.0),
            (gimli::DW_AT_comp_dir, value) => directory = dwarf.string(value),
            _ => {}
        }
    }
    program.zip(directory)
}
