//! The difference between two states of a program.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use vsp_core::snapshot::Snapshot;
use vsp_core::state_file::StateFile;

use super::contents::{Contents, Frame, Range, Register};
use super::{MAX_LISTED, more};
use crate::style::{LOCATION, TITLE, paint};
use crate::translate::{counted, grouped};
use crate::value::{Bits, short};

/// The unit in which memory is compared: that in which snapshots store it.
const GRANULE: usize = 16;

/// What differs between two states.
#[derive(Serialize)]
pub(super) struct Difference {
    before: String,
    after: String,
    /// The fuel that was used in between, if it is counted in both.
    fuel_used: Option<i64>,
    /// Frames that both have, from the outermost on, with the same function.
    common_frames: usize,
    /// Outermost first: what changed in common frames, then frames of one state only.
    frames: Vec<FrameChange>,
    globals: Vec<Change>,
    /// Sizes of the memory before and after, in bytes.
    memory_bytes: [u64; 2],
    memory: Vec<Range>,
}

#[derive(Serialize)]
struct FrameChange {
    /// The locations before and after, as text; `None` where the frame does not exist.
    before: Option<String>,
    after: Option<String>,
    registers: Vec<Change>,
}

#[derive(Serialize)]
struct Change {
    name: String,
    before: Bits,
    after: Bits,
}

/// Compares two states.
///
/// # Errors
/// They belong to different programs.
pub(super) fn between(
    (before, old): (&Contents, &StateFile<'_>),
    (after, new): (&Contents, &StateFile<'_>),
) -> Result<Difference, String> {
    let program = |contents: &Contents| (contents.program.bytes, contents.program.checksum);
    if program(before) != program(after) {
        return Err(format!("this is the state of another program than {}", before.file));
    }
    let outermost =
        |contents: &Contents| contents.frames.iter().rev().map(|frame| frame.function).collect::<Vec<_>>();
    let common =
        outermost(before).iter().zip(&outermost(after)).take_while(|(one, other)| one == other).count();
    let mut frames = Vec::new();
    for (one, other) in before.frames.iter().rev().zip(after.frames.iter().rev()).take(common) {
        let registers = changes(&one.live, &other.live);
        if one.word != other.word || !registers.is_empty() {
            let (before, after) = (Some(one.described.clone()), Some(other.described.clone()));
            frames.push(FrameChange { before, after, registers });
        }
    }
    let only = |contents: &Contents, at: fn(&Frame) -> FrameChange| -> Vec<FrameChange> {
        contents.frames.iter().rev().skip(common).map(at).collect()
    };
    frames.extend(only(before, |frame| FrameChange {
        before: Some(frame.described.clone()),
        after: None,
        registers: changes(&frame.live, &[]),
    }));
    frames.extend(only(after, |frame| FrameChange {
        before: None,
        after: Some(frame.described.clone()),
        registers: changes(&[], &frame.live),
    }));
    let globals = before.globals.iter().zip(&after.globals);
    let globals = globals.filter(|(one, other)| one.value != other.value).map(|(one, other)| Change {
        name: one.name.clone(),
        before: one.value,
        after: other.value,
    });
    Ok(Difference {
        before: before.file.clone(),
        after: after.file.clone(),
        fuel_used: before.fuel_used.zip(after.fuel_used).map(|(one, other)| other.wrapping_sub(one) as i64),
        common_frames: common,
        frames,
        globals: globals.collect(),
        memory_bytes: [before.memory_bytes, after.memory_bytes],
        memory: memory(old.snapshot(), new.snapshot()),
    })
}

/// Returns the registers that differ. Those that are not listed are 0.
fn changes(before: &[Register], after: &[Register]) -> Vec<Change> {
    let value = |registers: &[Register], name: &str| {
        registers.iter().find(|register| register.name == name).map_or(Bits(0), |register| register.value)
    };
    let only_after = after.iter().filter(|it| !before.iter().any(|other| other.name == it.name));
    let names = before.iter().chain(only_after).map(|register| register.name.clone());
    let all = names.map(|name| Change { before: value(before, &name), after: value(after, &name), name });
    all.filter(|change| change.before != change.after).collect()
}

/// Returns the ranges of the memory that differ, in units of 16 bytes.
fn memory(before: &Snapshot<'_>, after: &Snapshot<'_>) -> Vec<Range> {
    let mut granules: BTreeMap<u64, [Option<&[u8]>; 2]> = BTreeMap::new();
    for (which, snapshot) in [before, after].into_iter().enumerate() {
        for (address, bytes) in snapshot.memory() {
            for (index, granule) in (0..).zip(bytes.chunks(GRANULE)) {
                granules.entry(address + index * GRANULE as u64).or_default()[which] = Some(granule);
            }
        }
    }
    let mut ranges: Vec<Range> = Vec::new();
    for (address, [one, other]) in granules {
        if one == other {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.address + last.bytes == address => last.bytes += GRANULE as u64,
            _ => ranges.push(Range { address, bytes: GRANULE as u64 }),
        }
    }
    ranges
}

impl Difference {
    /// Describes the difference.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "{} and {}", paint(TITLE, &self.before), paint(TITLE, &self.after))?;
        if let Some(fuel) = self.fuel_used {
            let sign = if fuel < 0 { "-" } else { "" };
            writeln!(out, "  fuel used in between: {sign}{}", grouped(fuel.unsigned_abs()))?;
        }
        let [before, after] = self.memory_bytes;
        if before != after {
            writeln!(out, "  memory: {} bytes, then {}", grouped(before), grouped(after))?;
        }
        let same = self.common_frames;
        writeln!(out, "\n{}: {same} in both", paint(TITLE, "frames"))?;
        for frame in &self.frames {
            let described = match (&frame.before, &frame.after) {
                (Some(before), Some(after)) if before == after => before.clone(),
                (Some(before), Some(after)) => format!("{before}, then {after}"),
                (Some(before), None) => format!("only before: {before}"),
                (None, Some(after)) => format!("only after: {after}"),
                (None, None) => continue,
            };
            writeln!(out, "  {}", paint(LOCATION, &described))?;
            for change in &frame.registers {
                writeln!(out, "      {}", change.text())?;
            }
        }
        writeln!(out, "\n{}: {} changed", paint(TITLE, "globals"), self.globals.len())?;
        for change in self.globals.iter().take(MAX_LISTED) {
            writeln!(out, "  {}", change.text())?;
        }
        more(out, self.globals.len())?;
        let bytes: u64 = self.memory.iter().map(|range| range.bytes).sum();
        let ranges = counted(self.memory.len() as u64, "range");
        writeln!(
            out,
            "\n{}: {} differ in units of 16, in {ranges}",
            paint(TITLE, "memory"),
            counted(bytes, "byte")
        )?;
        for range in self.memory.iter().take(MAX_LISTED) {
            let (start, end) = (range.address, range.address + range.bytes - 1);
            writeln!(out, "  0x{start:08x} to 0x{end:08x}, {}", counted(range.bytes, "byte"))?;
        }
        more(out, self.memory.len())
    }
}

impl Change {
    fn text(&self) -> String {
        format!("{}: {}, then {}", self.name, short(self.before.0), short(self.after.0))
    }
}
