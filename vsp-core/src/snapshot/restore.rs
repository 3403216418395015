//! Restoring an instance from a snapshot.

use alloc::vec::Vec;

use super::{Snapshot, SnapshotFrame};
use crate::analysis::{OutOfMemory, filled, is_safepoint};
use crate::host::Imports;
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::isa::{Flow, Inst, Opcode, Reg, Role};
use crate::program::FuncType;
use crate::shared::Ref;
use crate::verify::{Function, Verified};
use crate::{Instance, InstantiateError, Options, Reason, Status};

/// An error of restoring a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The instance cannot be created, independently of the snapshot.
    #[error(transparent)]
    Instantiate(#[from] InstantiateError),
    /// The snapshot belongs to another program.
    #[error(
        "the snapshot belongs to a program of {saved_bytes} bytes with checksum 0x{saved_checksum:08X}, and this one has {bytes} and 0x{checksum:08X}"
    )]
    Program {
        /// Size in bytes of the program that was saved.
        saved_bytes: u32,
        /// Its checksum.
        saved_checksum: u32,
        /// Size in bytes of the program that was given.
        bytes: u32,
        /// Its checksum.
        checksum: u32,
    },
    /// The options ask for a memory of another size.
    #[error("the snapshot has {saved} bytes of memory, and {chosen} were requested")]
    Memory {
        /// Bytes in the snapshot.
        saved: u64,
        /// Bytes that were requested.
        chosen: u64,
    },
    /// The options ask for a memory with a smaller maximum.
    #[error("the memory of the snapshot can grow to {saved} bytes, and at most {chosen} were requested")]
    MemoryMaximum {
        /// The maximum in the snapshot, in bytes.
        saved: u64,
        /// The maximum that was requested.
        chosen: u64,
    },
    /// The options ask for a stack of another size.
    #[error("the snapshot has a stack of {saved} cells, and {chosen} were requested")]
    StackCells {
        /// Cells in the snapshot.
        saved: u32,
        /// Cells that were requested.
        chosen: u32,
    },
    /// The snapshot and the program have different numbers of globals.
    #[error("the snapshot has {saved} globals, and the program {program}")]
    Globals {
        /// Number of globals in the snapshot.
        saved: usize,
        /// Number of globals of the program.
        program: usize,
    },
    /// A frame is not valid.
    #[error("frame {frame} of the snapshot, at {location}: {fault}")]
    Frame {
        /// Its index; the outermost frame is 0.
        frame: u32,
        /// Its location according to the snapshot.
        location: Location,
        /// The reason.
        fault: FrameFault,
    },
}

/// The reason why a frame is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// There is no such function.
    #[error("the program has no such function")]
    NoFunction,
    /// There is no such word.
    #[error("the function has {words} words")]
    NoWord {
        /// Number of words of the function.
        words: u32,
    },
    /// Frames of this function have a different number of cells.
    #[error("it has {saved} cells, and frames of the function have {expected}")]
    Slots {
        /// Number of cells in the snapshot.
        saved: usize,
        /// Number of cells of the function's frames.
        expected: usize,
    },
    /// The program is suspended with Fuel or Interrupted, but not at a safepoint.
    #[error("the program waits at a safepoint, and this is not one")]
    NoSafepoint,
    /// The program is suspended with Yield, but not at a YIELD.
    #[error("the program waits for the result of a YIELD, and this is not one")]
    NoYield,
    /// The program waits for an import that this instruction does not call.
    #[error("the program waits for import {0}, and this is not a SYSCALL of it")]
    NoSyscall(ImportIndex),
    /// The next frame belongs to a function that this instruction does not call, and that no tail call can have put in
    /// place of the one that it calls.
    #[error("the frame waits for function {0}, and this is not a call of it")]
    NoCall(FuncIndex),
}

impl<'a, S> Instance<'a, S> {
    /// Restores an instance from a snapshot: idle, suspended or between two instructions, as it was saved. `state` is
    /// the host's own state.
    ///
    /// The program must be the one that was saved, byte for byte. The options `memory` and `stack_cells` must be `None`
    /// or equal to those of the snapshot, `memory_maximum` must be `None` or at least that of the snapshot. The option
    /// `fuel` replaces the balance of the snapshot (and meters an instance that was not metered); without it, balance
    /// and metering stay as they were. `interrupt` is not part of the snapshot.
    ///
    /// # Errors
    /// As [`Instance::new`], or the snapshot does not belong to this program.
    pub fn restore(
        program: impl Into<Ref<'a, Verified<'a>>>,
        imports: impl Into<Ref<'a, Imports<S>>>,
        state: S,
        options: Options<'a>,
        saved: &Snapshot<'_>,
    ) -> Result<Instance<'a, S>, RestoreError> {
        let program = program.into();
        check_program(&program, saved)?;
        check_options(&options, saved)?;
        check_memory(&program, saved)?;
        check_frames(&program, saved)?;
        let sizes = Options {
            memory: Some(saved.memory_bytes()),
            memory_maximum: Some(saved.memory_maximum()),
            stack_cells: Some(saved.stack_cells()),
            ..options
        };
        let chosen_fuel = sizes.fuel;
        let mut instance = Instance::blank(program, imports.into(), state, sizes)?;
        if let (None, Some(balance)) = (chosen_fuel, saved.fuel()) {
            instance.host.own.metered = true;
            instance.balance = balance;
        }
        for runs in core::iter::once(saved.runs).chain(saved.deltas.iter().map(|delta| delta.runs)) {
            for (address, bytes) in runs {
                instance.memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
            }
        }
        for (global, value) in instance.globals.iter_mut().zip(saved.globals()) {
            *global = value;
        }
        let mut cell = 0;
        for frame in saved.frames() {
            let pushed = instance.stack.push_saved(cell, frame.location(), frame.slots());
            let Ok(end) = pushed else { unreachable!("the frames of a snapshot fit into its stack") };
            cell = end;
        }
        if matches!(saved.status(), Status::Suspended(Reason::Pending(_))) {
            instance.restore_pending_arguments();
        }
        instance.status = saved.status();
        Ok(instance)
    }
}

fn check_program(program: &Verified<'_>, saved: &Snapshot<'_>) -> Result<(), RestoreError> {
    let program = program.program();
    let (bytes, checksum) = (program.bytes().len() as u32, program.checksum());
    let (saved_bytes, saved_checksum) = (saved.program_bytes(), saved.program_checksum());
    if (bytes, checksum) != (saved_bytes, saved_checksum) {
        return Err(RestoreError::Program { saved_bytes, saved_checksum, bytes, checksum });
    }
    let (saved, program) = (saved.globals().len(), program.globals().len());
    if saved != program {
        return Err(RestoreError::Globals { saved, program });
    }
    Ok(())
}

fn check_options(options: &Options<'_>, saved: &Snapshot<'_>) -> Result<(), RestoreError> {
    let (memory, cells) = (saved.memory_bytes(), saved.stack_cells());
    match (options.memory, options.stack_cells) {
        (Some(chosen), _) if chosen != memory => Err(RestoreError::Memory { saved: memory, chosen }),
        (_, Some(chosen)) if chosen != cells => Err(RestoreError::StackCells { saved: cells, chosen }),
        _ => match options.memory_maximum {
            Some(chosen) if chosen < saved.memory_maximum() => {
                Err(RestoreError::MemoryMaximum { saved: saved.memory_maximum(), chosen })
            }
            _ => Ok(()),
        },
    }
}

/// Checks that the memory can grow to its maximum in this program.
fn check_memory(program: &Verified<'_>, saved: &Snapshot<'_>) -> Result<(), RestoreError> {
    let (program, size, chosen) = (program.program(), saved.memory_bytes(), saved.memory_maximum());
    let limit = match program.memory_maximum() > program.memory_minimum() {
        true => program.memory_maximum(),
        false => size,
    };
    match chosen > limit {
        true => Err(InstantiateError::MemoryAboveMaximum { chosen, maximum: limit }.into()),
        false => Ok(()),
    }
}

/// Checks that every frame is possible in this program when it is suspended for this reason.
fn check_frames(program: &Verified<'_>, saved: &Snapshot<'_>) -> Result<(), RestoreError> {
    let mut frames = saved.frames().peekable();
    let mut number = 0;
    let mut tail_called = None;
    while let Some(frame) = frames.next() {
        let fault = |fault| RestoreError::Frame { frame: number, location: frame.location(), fault };
        let inst = check_frame(program, &frame).map_err(fault)?;
        match frames.peek().map(|callee| callee.location().function) {
            Some(callee) => {
                let called = check_call(program, inst, callee).map_err(fault)?;
                if called == Called::BeforeTailCalls {
                    let tail_called = match &mut tail_called {
                        Some(functions) => functions,
                        none => none.insert(tail_called_functions(program)?),
                    };
                    if !tail_called[callee.index()] {
                        return Err(fault(FrameFault::NoCall(callee)));
                    }
                }
            }
            None => check_status(program, inst, frame.location(), saved.status()).map_err(fault)?,
        }
        number += 1;
    }
    Ok(())
}

/// Checks the size of the frame. Returns the instruction at its location.
fn check_frame(program: &Verified<'_>, frame: &SnapshotFrame<'_>) -> Result<Inst, FrameFault> {
    let function: &Function = program.function(frame.location().function).ok_or(FrameFault::NoFunction)?;
    let inst = program.instruction(frame.location()).ok_or(FrameFault::NoWord { words: function.words })?;
    let (saved, expected) = (frame.slot_count(), Reg::ALL.len() + function.upper_cells() as usize);
    if saved != expected {
        return Err(FrameFault::Slots { saved, expected });
    }
    Ok(inst)
}

/// The way in which a function is called by the instruction of its caller's frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Called {
    /// It is the one that the instruction calls.
    Directly,
    /// The instruction called another function with as many results, which tail calls may have replaced by this one.
    BeforeTailCalls,
}

fn check_call(program: &Verified<'_>, inst: Inst, callee: FuncIndex) -> Result<Called, FrameFault> {
    let fault = FrameFault::NoCall(callee);
    let ty = program.function(callee).ok_or(fault)?.ty;
    if inst.op().flow() != Flow::Call {
        return Err(fault);
    }
    let index = inst.value_of(Role::Func).map(|index| FuncIndex(index as u32));
    let called = match index {
        Some(index) => program.function(index).map(|function| function.ty),
        None => inst.value_of(Role::Type).and_then(|bits| FuncType::from_bits(bits as u32)),
    };
    match called {
        Some(called) if index == Some(callee) || index.is_none() && called == ty => Ok(Called::Directly),
        Some(called) if called.results() == ty.results() => Ok(Called::BeforeTailCalls),
        _ => Err(fault),
    }
}

/// Returns, for each function, whether a tail call of the program names it or its type.
fn tail_called_functions(program: &Verified<'_>) -> Result<Vec<bool>, RestoreError> {
    let out_of_memory = |OutOfMemory| RestoreError::Instantiate(InstantiateError::OutOfMemory);
    let functions = program.functions();
    let mut called = filled(functions.len(), false).map_err(out_of_memory)?;
    let mut types = filled(functions.len(), (0, false)).map_err(out_of_memory)?;
    for (ty, function) in types.iter_mut().zip(functions) {
        ty.0 = function.ty.bits();
    }
    types.sort_unstable();
    types.dedup();
    for word in program.program().code() {
        let Ok(inst) = Inst::decode(u32::from_le_bytes(*word)) else { continue };
        if inst.op().flow() != Flow::TailCall {
            continue;
        }
        if let Some(index) = inst.value_of(Role::Func) {
            called[index as usize] = true;
        } else if let Some(bits) = inst.value_of(Role::Type)
            && let Ok(at) = types.binary_search_by_key(&(bits as u32), |(ty, _)| *ty)
        {
            types[at].1 = true;
        }
    }
    for (called, function) in called.iter_mut().zip(functions) {
        *called |= types.binary_search(&(function.ty.bits(), true)).is_ok();
    }
    Ok(called)
}

/// Checks that the innermost frame can be at this instruction.
fn check_status(
    program: &Verified<'_>,
    inst: Inst,
    location: Location,
    status: Status,
) -> Result<(), FrameFault> {
    let (possible, fault) = match status {
        Status::Idle => unreachable!("an idle instance has no frames"),
        Status::Stepping => return Ok(()),
        Status::Suspended(Reason::Fuel | Reason::Interrupted) => {
            (is_safepoint(program, location), FrameFault::NoSafepoint)
        }
        Status::Suspended(Reason::Yield(_)) => (inst.op() == Opcode::YIELD, FrameFault::NoYield),
        Status::Suspended(Reason::Pending(import)) => {
            (inst.value_of(Role::Import) == Some(import.0 as i32), FrameFault::NoSyscall(import))
        }
    };
    if possible { Ok(()) } else { Err(fault) }
}
