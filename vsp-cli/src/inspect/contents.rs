//! The contents of a state file, as they are written to JSON.

use std::path::Path;

use serde::Serialize;
use vsp_core::Status;
use vsp_core::index::{GlobalIndex, Location};
use vsp_core::isa::{Reg, StateReg};
use vsp_core::snapshot::SnapshotFrame;
use vsp_core::state_file::StateFile;
use vsp_core::verify::Verified;

use super::host::Module;
use crate::code::Code;
use crate::files;
use crate::load::Loaded;
use crate::program::UNLIMITED;
use crate::resume::command_of;
use crate::value::Bits;

#[derive(Serialize)]
pub(crate) struct Contents {
    pub(super) file: String,
    pub(super) format: &'static str,
    /// Size of the whole file.
    pub(super) bytes: usize,
    pub(super) program: ProgramPart,
    pub(super) reason: Reason,
    /// The fuel that was used since the program was started, if it is counted.
    pub(super) fuel_used: Option<u64>,
    /// The fuel that it has left, if it is limited.
    pub(super) fuel_left: Option<i64>,
    pub(super) stack_cells: u32,
    /// Innermost first.
    pub(super) frames: Vec<Frame>,
    pub(super) globals: Vec<Global>,
    pub(super) memory_bytes: u64,
    /// The size in bytes to which the memory can grow, if it can.
    pub(super) memory_maximum: Option<u64>,
    /// The parts of the memory that are not zero, in units of 16 bytes.
    pub(super) memory: Vec<Range>,
    pub(super) host: Vec<Module>,
}

#[derive(Serialize)]
pub(super) struct ProgramPart {
    pub(super) path: String,
    pub(super) bytes: u32,
    pub(super) checksum: u32,
    pub(super) is_in_file: bool,
}

#[derive(Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// No call is running.
    Idle,
    /// Between two instructions.
    Stepping,
    Fuel,
    Interrupted,
    Yield {
        value: Bits,
    },
    Pending {
        import: u32,
    },
}

#[derive(Serialize)]
pub(super) struct Frame {
    pub(super) function: u32,
    pub(super) name: String,
    pub(super) word: u32,
    pub(super) source: Option<Source>,
    /// The source line, or the instruction if the source is not there.
    pub(super) text: Option<String>,
    /// Registers, locals and state registers that are live and not 0.
    pub(super) live: Vec<Register>,
    /// Function, word and source line.
    #[serde(skip)]
    pub(super) described: String,
}

#[derive(Serialize)]
pub(super) struct Source {
    file: String,
    line: u32,
}

#[derive(Serialize, PartialEq, Eq)]
pub(super) struct Register {
    pub(super) name: String,
    pub(super) value: Bits,
}

#[derive(Serialize)]
pub(super) struct Global {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) value: Bits,
}

#[derive(Clone, Copy, Serialize, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) address: u64,
    pub(super) bytes: u64,
}

impl Contents {
    /// Collects the contents of a state file of this program.
    pub(super) fn new(
        path: &Path,
        file: &StateFile<'_>,
        bytes: usize,
        loaded: &Loaded,
        verified: &Verified<'_>,
    ) -> Result<Contents, String> {
        let code = Code::new(verified, &loaded.path, loaded.text.as_deref()).with_text();
        let snapshot = file.snapshot();
        let mut frames = Vec::new();
        for (number, frame) in snapshot.frames().enumerate() {
            frames.push(Frame::new(&code, verified, &frame).ok_or_else(|| {
                format!(
                    "frame {number} of the snapshot, at {}: the program has no such instruction",
                    frame.location()
                )
            })?);
        }
        frames.reverse();
        let granted = command_of(file).ok().and_then(|command| command.granted);
        let left = snapshot.fuel();
        let host = file.sections().map(|section| Module::read(&section)).collect::<Result<_, _>>()?;
        let globals = (0..).zip(snapshot.globals()).map(|(index, value)| Global {
            index,
            name: code.global(GlobalIndex(index)),
            value: Bits(value),
        });
        Ok(Contents {
            file: files::name(path).display().to_string(),
            format: "1.0",
            bytes,
            program: ProgramPart {
                path: file.program_path().to_owned(),
                bytes: snapshot.program_bytes(),
                checksum: snapshot.program_checksum(),
                is_in_file: file.program_bytes().is_some(),
            },
            reason: match snapshot.status() {
                Status::Idle => Reason::Idle,
                Status::Stepping => Reason::Stepping,
                Status::Suspended(vsp_core::Reason::Fuel) => Reason::Fuel,
                Status::Suspended(vsp_core::Reason::Interrupted) => Reason::Interrupted,
                Status::Suspended(vsp_core::Reason::Yield(value)) => Reason::Yield { value: Bits(value) },
                Status::Suspended(vsp_core::Reason::Pending(import)) => Reason::Pending { import: import.0 },
            },
            fuel_used: granted
                .zip(left)
                .map(|(granted, left)| granted.saturating_add_signed(left.saturating_neg())),
            fuel_left: left.filter(|_| granted != Some(UNLIMITED)),
            stack_cells: snapshot.stack_cells(),
            frames,
            globals: globals.collect(),
            memory_bytes: snapshot.memory_bytes(),
            memory_maximum: Some(snapshot.memory_maximum()).filter(|it| *it > snapshot.memory_bytes()),
            memory: snapshot
                .memory()
                .map(|(address, bytes)| Range { address, bytes: bytes.len() as u64 })
                .collect(),
            host,
        })
    }
}

impl Frame {
    /// Returns `None` if the program has no such instruction.
    fn new(code: &Code<'_>, verified: &Verified<'_>, frame: &SnapshotFrame<'_>) -> Option<Frame> {
        let location = frame.location();
        verified.instruction(location)?;
        let Location { function, word } = location;
        let locals = usize::from(verified.function(function)?.locals);
        let line = code.line(location);
        let text = line.and_then(|line| code.shown_source(line));
        let named = frame.slots().enumerate().filter(|(_, value)| *value != 0);
        Some(Frame {
            function: function.0,
            name: code.function(function),
            word,
            source: line.map(|line| Source { file: code.file_name(line.file).to_owned(), line: line.line }),
            text: text.map(|text| text.trim().to_owned()).or_else(|| code.instruction(location)),
            live: named
                .map(|(slot, value)| Register { name: slot_name(slot, locals), value: Bits(value) })
                .collect(),
            described: location.display(verified.program()).to_string(),
        })
    }
}

/// Returns the name of a slot of a frame: a register, a local, or half of a state register.
fn slot_name(slot: usize, locals: usize) -> String {
    let registers = Reg::ALL.len();
    if let Some(register) = Reg::ALL.get(slot) {
        return register.to_string();
    }
    match (slot - registers).checked_sub(locals) {
        None => format!("local {}", slot - registers),
        Some(half) => {
            let register = StateReg::all().nth(half / 2).map_or_else(|| "?".to_owned(), |it| it.to_string());
            format!("{register}.{}", if half % 2 == 0 { "low" } else { "high" })
        }
    }
}
