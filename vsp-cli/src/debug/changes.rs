//! The changes between two stops of the program.

use vsp_core::index::GlobalIndex;
use vsp_core::isa::{Reg, StateReg};
use vsp_core::{Excerpt, Instance};

use super::show;
use crate::code::Code;
use crate::state::State;

/// Maximum size of memories that are compared, in bytes.
const MAX_MEMORY: usize = 16 << 20;

/// Number of innermost frames whose registers are recorded.
const FRAMES: usize = 2;

/// The unit of memory in which equal parts are passed over, in bytes.
const PAGE: usize = 4096;

/// Maximum number of changed ranges of memory that are shown, and of bytes of each.
const RANGES: usize = 4;
const BYTES: usize = 8;

/// The contents of a frame.
#[derive(Debug)]
struct Frame {
    depth: usize,
    function: u32,
    registers: [u64; 16],
    locals: Vec<u64>,
    states: Vec<[u64; 2]>,
}

/// The state of a stopped program.
#[derive(Debug, Default)]
pub(crate) struct Values {
    frames: Vec<Frame>,
    globals: Vec<u64>,
    memory: Option<Vec<u8>>,
}

impl Values {
    pub(crate) fn of(instance: &Instance<'_, State>) -> Values {
        let depth = instance.call_stack().count();
        let frames = instance.frames().take(FRAMES).enumerate().map(|(index, frame)| Frame {
            depth: depth - index,
            function: frame.location.function.0,
            registers: *frame.registers,
            locals: frame.locals.to_vec(),
            states: frame.states.to_vec(),
        });
        let memory = instance.memory();
        Values {
            frames: frames.collect(),
            globals: (0..).map_while(|index| instance.global(GlobalIndex(index))).collect(),
            memory: (memory.len() <= MAX_MEMORY).then(|| memory.to_vec()),
        }
    }

    /// Returns depth and function of the innermost frame.
    pub(crate) fn innermost(&self) -> Option<(usize, u32)> {
        self.frames.first().map(|frame| (frame.depth, frame.function))
    }

    /// Returns the differences, one per item: registers and locals of the innermost frame, globals, memory.
    pub(crate) fn changes(&self, now: &Values, code: &Code<'_>) -> Vec<String> {
        let mut changes = Vec::new();
        let mut compare = |name: String, before: u64, now: u64| {
            if before != now {
                changes.push(format!(
                    "{name} {} -> {}",
                    crate::value::short(before),
                    crate::value::short(now)
                ));
            }
        };
        if let Some(frame) = now.frames.first()
            && let Some(before) = self.frames.iter().find(|it| it.is_same(frame))
        {
            for (reg, (before, now)) in Reg::ALL.iter().zip(before.registers.iter().zip(&frame.registers)) {
                compare(reg.to_string(), *before, *now);
            }
            for (number, (before, now)) in before.locals.iter().zip(&frame.locals).enumerate() {
                compare(format!("${number}"), *before, *now);
            }
            for (state, (before, now)) in StateReg::all().zip(before.states.iter().zip(&frame.states)) {
                for (layers, (before, now)) in ["0-7", "8-15"].iter().zip(before.iter().zip(now)) {
                    compare(format!("{state} layers {layers}"), *before, *now);
                }
            }
        }
        for (index, (before, now)) in (0..).zip(self.globals.iter().zip(&now.globals)) {
            compare(Excerpt(&code.global(GlobalIndex(index))).to_string(), *before, *now);
        }
        if let (Some(before), Some(now)) = (&self.memory, &now.memory) {
            changes.extend(memory_changes(before, now));
        }
        changes
    }
}

impl Frame {
    fn is_same(&self, other: &Frame) -> bool {
        (self.depth, self.function) == (other.depth, other.function)
    }
}

/// Returns the ranges of memory that differ. Ranges less than 8 bytes apart are merged.
fn memory_changes(before: &[u8], now: &[u8]) -> Vec<String> {
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut more = 0;
    let pages = before.chunks(PAGE).zip(now.chunks(PAGE)).zip((0..).step_by(PAGE));
    let differing = pages.filter(|((one, other), _)| one != other);
    let differing = differing.flat_map(|((one, other), start)| (start..).zip(one.iter().zip(other)));
    for (at, _) in differing.filter(|(_, (one, other))| one != other) {
        let count = ranges.len();
        match ranges.last_mut() {
            Some(last) if at - last.end < 8 => last.end = at + 1,
            _ if count == RANGES => more += 1,
            _ => ranges.push(at..at + 1),
        }
    }
    let shown = ranges.iter().map(|range| {
        let cut = range.start..range.end.min(range.start + BYTES);
        let rest = if cut.len() < range.len() { " …" } else { "" };
        let (before, now) = (show::bytes(&before[cut.clone()]), show::bytes(&now[cut]));
        format!("[0x{:x}] {before}{rest} -> {now}{rest}", range.start)
    });
    let mut shown: Vec<String> = shown.collect();
    if more > 0 {
        shown.push(format!("and {more} more bytes of memory"));
    }
    shown
}
