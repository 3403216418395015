//! An executed instruction and its effects.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use vsp_core::analysis::Signatures;
use vsp_core::index::{GlobalIndex, Location};
use vsp_core::isa::{Flow, Inst, Opcode, Reg, Role, StateReg};
use vsp_core::verify::Verified;
use vsp_core::{Excerpt, Instance, Outcome, Reason};

use crate::code::Code;
use crate::end::trap_name;
use crate::state::State;
use crate::style::{CHANGED, FAINT, paint};
use crate::value::{self, Bits};

/// Maximum depth shown as dots; deeper ones are shown as a number.
const MAX_DOTS: usize = 4;

/// Maximum width of a line in columns. Changes beyond it are cut.
const COLUMNS: usize = 100;

/// Maximum widths of a location, a source line and an instruction in columns.
const MAX_LOCATION: usize = 24;
const MAX_SOURCE: usize = 16;
const MAX_INSTRUCTION: usize = 40;

/// An executed instruction.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    /// Its number, from 1.
    number: u64,
    /// The depth of calls.
    depth: usize,
    function: String,
    word: u32,
    source: Option<String>,
    /// The source line, without the file if there is only one.
    #[serde(skip)]
    line: Option<String>,
    instruction: String,
    /// Its effects, with the values after it; for a call the arguments.
    changes: Vec<Change>,
    /// The outcome of the program, or the reason of the suspension.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

/// A change of a value.
#[derive(Debug, Serialize)]
struct Change {
    /// `R1`, `local 3`, the name of a global, or an address.
    what: String,
    value: Bits,
}

/// An instruction before its execution.
pub(crate) struct Tracer {
    location: Location,
    inst: Inst,
    depth: usize,
    writes: u32,
    local: Option<u16>,
    global: Option<GlobalIndex>,
    /// Address and size of a store.
    store: Option<(u64, usize)>,
    /// Number of arguments of a call or tail call.
    params: Option<usize>,
    /// Number of results of the function that it returns from.
    results: usize,
}

impl Tracer {
    /// Examines the instruction that is executed next.
    pub(crate) fn before(
        signatures: &Signatures<'_>,
        instance: &Instance<'_, State>,
        (location, inst): (Location, Inst),
        depth: usize,
    ) -> Option<Tracer> {
        let function = signatures.program().function(location.function)?;
        let effects = signatures.effects(function, inst);
        let frame = instance.frames().next()?;
        let number = || inst.registers().nth(1).map_or(0, |(reg, _)| frame.registers[reg.index()]);
        let distance = match inst.op() {
            Opcode::SETG => Some(0),
            Opcode::SETGX => Some(number()),
            _ => None,
        };
        let global = inst
            .value_of(Role::Global)
            .zip(distance)
            .and_then(|(first, distance)| u32::try_from(distance.checked_add(first as u64)?).ok());
        Some(Tracer {
            location,
            inst,
            depth,
            writes: effects.writes,
            local: effects.local_written,
            global: global.map(GlobalIndex),
            store: store(inst, frame.registers),
            params: signatures.callee(inst).filter(|_| enters_function(inst)).map(|ty| ty.params()),
            results: function.ty.results(),
        })
    }

    /// Returns the event, after the instruction was executed.
    pub(crate) fn after(
        self,
        number: u64,
        code: &Code<'_>,
        instance: &Instance<'_, State>,
        outcome: Option<&Outcome>,
    ) -> Event {
        Event {
            number,
            depth: self.depth,
            function: code.function(self.location.function),
            word: self.location.word,
            source: code.line(self.location).map(|line| code.line_name(line)),
            line: code.line(self.location).map(|line| match code.has_one_source() {
                true => line.line.to_string(),
                false => code.line_name(line),
            }),
            instruction: self.instruction(code),
            changes: self.changes(code, instance, outcome),
            end: outcome.map(|outcome| end(outcome, instance.program())),
        }
    }

    /// Returns the instruction as the disassembler writes it, but without the value of a constant, which is among the
    /// changes.
    fn instruction(&self, code: &Code<'_>) -> String {
        let text = code.instruction(self.location).unwrap_or_default();
        match self.inst.value_of(Role::Const).and_then(|_| text.split_once(';')) {
            Some((instruction, _)) => instruction.trim_end().to_owned(),
            None => text,
        }
    }

    fn changes(
        &self,
        code: &Code<'_>,
        instance: &Instance<'_, State>,
        outcome: Option<&Outcome>,
    ) -> Vec<Change> {
        let result = |(reg, value): (&Reg, &u64)| Change { what: reg.to_string(), value: Bits(*value) };
        match outcome {
            None => {}
            Some(Outcome::Returned(values)) => {
                return Reg::ALL.iter().zip(values.iter()).map(result).collect();
            }
            Some(Outcome::Halted(_) | Outcome::Trapped(_)) => return Vec::new(),
            // An instruction that waits for the host has not changed anything yet; one that stops at a safepoint has.
            Some(Outcome::Suspended(suspension)) => match suspension.reason {
                Reason::Yield(_) | Reason::Pending(_) => return Vec::new(),
                Reason::Fuel | Reason::Interrupted => {}
            },
        }
        let Some(frame) = instance.frames().next() else { return Vec::new() };
        // A call shows its arguments, and a return the results in the caller.
        let writes = match (self.params, self.inst.op().flow()) {
            (Some(params), _) => (1 << params) - 1,
            (None, Flow::Stop) if self.inst.op() == Opcode::RET => (1 << self.results) - 1,
            _ => self.writes,
        };
        let registers = Reg::ALL.iter().zip(frame.registers);
        let written = registers.filter(|(reg, _)| writes >> reg.index() & 1 == 1);
        let mut changes: Vec<Change> = written.map(result).collect();
        let states = (0..).zip(frame.states).filter(|(number, _)| writes >> (16 + number) & 1 == 1);
        for (number, [low, high]) in states {
            let state = StateReg::from_low_bits(number);
            changes.push(Change { what: format!("{state} layers 0-7"), value: Bits(*low) });
            changes.push(Change { what: format!("{state} layers 8-15"), value: Bits(*high) });
        }
        let local = self.local.and_then(|local| Some((local, *frame.locals.get(usize::from(local))?)));
        changes.extend(
            local.map(|(local, value)| Change { what: format!("local {local}"), value: Bits(value) }),
        );
        let global = self.global.and_then(|global| Some((global, instance.global(global)?)));
        changes
            .extend(global.map(|(global, value)| Change { what: code.global(global), value: Bits(value) }));
        let stored = self.store.and_then(|(address, bytes)| {
            let at = usize::try_from(address).ok()?;
            Some((address, instance.memory().get(at..at.checked_add(bytes)?)?))
        });
        if let Some((address, stored)) = stored {
            changes.extend((address..).step_by(8).zip(stored.chunks(8)).map(|(address, bytes)| {
                let value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
                Change { what: format!("[0x{address:x}]"), value: Bits(value) }
            }));
        }
        changes
    }
}

/// Returns whether the next instruction is that of another function, unless this one traps.
fn enters_function(inst: Inst) -> bool {
    matches!(inst.op().flow(), Flow::Call | Flow::TailCall)
}

pub(crate) fn is_call(inst: Inst) -> bool {
    inst.op().flow() == Flow::Call
}

/// Returns the address and size of a store.
fn store(inst: Inst, registers: &[u64; 16]) -> Option<(u64, usize)> {
    let bytes = inst.op().access_bytes().filter(|_| inst.op().operands()[0].role == Role::Base)? as usize;
    let mut address = 0u64;
    for (operand, value) in inst.operands() {
        let register = || registers[Reg::from_low_bits(value as u32).index()];
        match (operand.role, operand.role.index_scale()) {
            (Role::Base, _) => address = address.wrapping_add(register()),
            (_, Some(scale)) => address = address.wrapping_add(register() << scale),
            (Role::Disp, _) => address = address.wrapping_add_signed(i64::from(value)),
            _ => {}
        }
    }
    Some((address, bytes))
}

/// Formats with styles, in columns that fit 80 characters unless names or values are long; never more than [`COLUMNS`].
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = match self.depth {
            0..=MAX_DOTS => ".".repeat(self.depth),
            deeper => format!("[{deeper}]"),
        };
        let location = format!("{depth}{}+{}", Excerpt(&self.function), self.word);
        let (location, source) = (cut(&location, MAX_LOCATION), self.line.as_deref().unwrap_or_default());
        let source = cut_beginning(source, MAX_SOURCE);
        // A number that is likely a binary64 is formatted as one; its bits can be recovered from that.
        let short =
            |bits| value::likely_float(bits).map_or_else(|| value::short(bits), |it| format!("{it:?}"));
        let changes = self.changes.iter().map(|it| format!("{} = {}", Excerpt(&it.what), short(it.value.0)));
        let changes: Vec<String> = changes.chain(self.end.clone()).collect();
        let head = format!("{:>5}  {location:<13} {source:>4}  ", self.number);
        f.write_str(&paint(FAINT, &head))?;
        let (mnemonic, operands) = self.instruction.split_once(' ').unwrap_or((&self.instruction, ""));
        let instruction = format!("{mnemonic:<7} {}", operands.trim_start());
        let instruction = cut(&instruction, MAX_INSTRUCTION);
        if changes.is_empty() {
            return f.write_str(instruction.trim_end());
        }
        let instruction = format!("{instruction:<20}  ");
        let left = COLUMNS.saturating_sub(head.chars().count() + instruction.chars().count());
        write!(f, "{instruction}{}", paint(CHANGED, &cut(&changes.join(", "), left)))
    }
}

/// Shortens a text to at most `most` characters, the last of which is `…` if some are missing.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => text.into(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect::<String>().into(),
    }
}

/// Shortens a text to at most `most` characters, the first of which is `…` if some are missing.
fn cut_beginning(text: &str, most: usize) -> Cow<'_, str> {
    match text.chars().count().checked_sub(most) {
        None | Some(0) => text.into(),
        Some(more) => ['…'].into_iter().chain(text.chars().skip(more + 1)).collect::<String>().into(),
    }
}

fn end(outcome: &Outcome, program: &Verified<'_>) -> String {
    match outcome {
        Outcome::Returned(_) => "returned".to_owned(),
        Outcome::Halted(value) => format!("halted with {}", value::short(*value)),
        Outcome::Trapped(stop) => format!("trap: {}", trap_name(program, stop.trap)),
        Outcome::Suspended(suspension) => match suspension.reason {
            Reason::Fuel => "suspended: the fuel is used up".to_owned(),
            Reason::Interrupted => "suspended: interrupted".to_owned(),
            Reason::Yield(value) => format!("suspended: yields {}", value::short(value)),
            Reason::Pending(_) => "suspended: a host function is pending".to_owned(),
        },
    }
}
