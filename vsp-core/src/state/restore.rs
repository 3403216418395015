//! From a saved state to an instance.

use super::{SavedFrame, SavedState};
use crate::analysis::is_safepoint;
use crate::host::Imports;
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::isa::{Inst, Opcode, Reg, Role};
use crate::shared::Ref;
use crate::verify::{Function, Verified};
use crate::{Instance, InstantiateError, Options, Reason};

/// Why a saved state cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The instance cannot be made, whatever its state.
    #[error(transparent)]
    Instantiate(#[from] InstantiateError),
    /// The state is one of another program.
    #[error(
        "the state belongs to a program of {saved_bytes} bytes with checksum 0x{saved_checksum:08X}, and this one has {bytes} and 0x{checksum:08X}"
    )]
    Program {
        /// Bytes of the program that was saved.
        saved_bytes: u32,
        /// Its checksum.
        saved_checksum: u32,
        /// Bytes of the program that was given.
        bytes: u32,
        /// Its checksum.
        checksum: u32,
    },
    /// The options ask for another memory.
    #[error("the state has {saved} bytes of memory, and {chosen} were chosen")]
    Memory {
        /// Bytes of the state's.
        saved: u64,
        /// Bytes that were chosen.
        chosen: u64,
    },
    /// The options ask for another stack.
    #[error("the state has a stack of {saved} cells, and {chosen} were chosen")]
    StackCells {
        /// Cells of the state's.
        saved: u32,
        /// Cells that were chosen.
        chosen: u32,
    },
    /// The state has not as many globals as the program.
    #[error("the state has {saved} globals, and the program {program}")]
    Globals {
        /// How many the state has.
        saved: usize,
        /// How many the program has.
        program: usize,
    },
    /// A frame is not possible.
    #[error("frame {frame} of the state, at {location}: {fault}")]
    Frame {
        /// Its number; the outermost is 0.
        frame: u32,
        /// Where the state says it is.
        location: Location,
        /// What is wrong with it.
        fault: FrameFault,
    },
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// There is no such function.
    #[error("the program has no such function")]
    NoFunction,
    /// There is no such word.
    #[error("the function has {words} words")]
    NoWord {
        /// How many there are.
        words: u32,
    },
    /// Frames of this function have another number of cells.
    #[error("{saved} cells, and frames of the function have {expected}")]
    Slots {
        /// How many the state has.
        saved: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The program is suspended with Fuel or Interrupted, but not at a safepoint.
    #[error("the program waits at a safepoint, and this is none")]
    NoSafepoint,
    /// The program is suspended with Yield, but not at a YIELD.
    #[error("the program waits for the answer of a YIELD, and this is none")]
    NoYield,
    /// The program waits for an import that is not called here.
    #[error("the program waits for import {0}, and this is no SYSCALL of it")]
    NoSyscall(ImportIndex),
    /// The next frame belongs to a function that is not called here.
    #[error("the frame waits for function {0}, and this is no call of it")]
    NoCall(FuncIndex),
}

impl<'a, S> Instance<'a, S> {
    /// An instance in a state that was saved, suspended as it was. `state` is the host's own.
    ///
    /// The program must be the one that was saved, byte for byte. Of the options, `memory` and `stack_cells` may be
    /// `None`, or must be those of the state; `fuel` replaces the state's balance (and meters an instance that was
    /// not), and without it everything stays as it was; `interrupt` is chosen anew.
    ///
    /// # Errors
    /// As [`Instance::new`], or the state is not one of this program.
    pub fn restore(
        program: impl Into<Ref<'a, Verified<'a>>>,
        imports: impl Into<Ref<'a, Imports<S>>>,
        state: S,
        options: Options<'a>,
        saved: &SavedState<'_>,
    ) -> Result<Instance<'a, S>, RestoreError> {
        let program = program.into();
        check_program(&program, saved)?;
        check_options(&options, saved)?;
        check_frames(&program, saved)?;
        let sizes =
            Options { memory: Some(saved.memory_bytes()), stack_cells: Some(saved.stack_cells()), ..options };
        let chosen_fuel = sizes.fuel;
        let mut instance = Instance::blank(program, imports.into(), state, sizes)?;
        if let (None, Some(balance)) = (chosen_fuel, saved.fuel()) {
            instance.host.own.metered = true;
            instance.balance = balance;
        }
        for (address, bytes) in saved.memory() {
            instance.memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
        }
        for (global, value) in instance.globals.iter_mut().zip(saved.globals()) {
            *global = value;
        }
        let mut cell = 0;
        for frame in saved.frames() {
            let pushed = instance.stack.push_saved(cell, frame.location(), frame.slots());
            let Ok(end) = pushed else { unreachable!("the frames of a state fit into its stack") };
            cell = end;
        }
        instance.restore_pending_arguments();
        instance.suspend(saved.reason());
        Ok(instance)
    }
}

fn check_program(program: &Verified<'_>, saved: &SavedState<'_>) -> Result<(), RestoreError> {
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

fn check_options(options: &Options<'_>, saved: &SavedState<'_>) -> Result<(), RestoreError> {
    let (memory, cells) = (saved.memory_bytes(), saved.stack_cells());
    match (options.memory, options.stack_cells) {
        (Some(chosen), _) if chosen != memory => Err(RestoreError::Memory { saved: memory, chosen }),
        (_, Some(chosen)) if chosen != cells => Err(RestoreError::StackCells { saved: cells, chosen }),
        _ => Ok(()),
    }
}

/// Every frame is one that this program can have when it is suspended for this reason.
fn check_frames(program: &Verified<'_>, saved: &SavedState<'_>) -> Result<(), RestoreError> {
    let mut frames = saved.frames().peekable();
    let mut number = 0;
    while let Some(frame) = frames.next() {
        let checked = check_frame(program, &frame).and_then(|inst| match frames.peek() {
            Some(callee) => check_call(program, inst, callee.location().function),
            None => check_reason(program, inst, frame.location(), saved.reason()),
        });
        checked.map_err(|fault| RestoreError::Frame { frame: number, location: frame.location(), fault })?;
        number += 1;
    }
    Ok(())
}

/// The frame has the right size. Gives the instruction at its place.
fn check_frame(program: &Verified<'_>, frame: &SavedFrame<'_>) -> Result<Inst, FrameFault> {
    let function: &Function = program.function(frame.location().function).ok_or(FrameFault::NoFunction)?;
    let inst = program.instruction(frame.location()).ok_or(FrameFault::NoWord { words: function.words })?;
    let (saved, expected) = (frame.slot_count(), Reg::ALL.len() + function.upper_cells() as usize);
    if saved != expected {
        return Err(FrameFault::Slots { saved, expected });
    }
    Ok(inst)
}

fn check_call(program: &Verified<'_>, inst: Inst, callee: FuncIndex) -> Result<(), FrameFault> {
    let ty = program.function(callee).ok_or(FrameFault::NoCall(callee))?.ty;
    let calls = inst.value_of(Role::Func) == Some(callee.0 as i32)
        || inst.value_of(Role::Type) == Some(i32::from(ty.bits()));
    if calls { Ok(()) } else { Err(FrameFault::NoCall(callee)) }
}

fn check_reason(
    program: &Verified<'_>,
    inst: Inst,
    location: Location,
    reason: Reason,
) -> Result<(), FrameFault> {
    let (possible, fault) = match reason {
        Reason::Fuel | Reason::Interrupted => (is_safepoint(program, location), FrameFault::NoSafepoint),
        Reason::Yield(_) => (inst.op() == Opcode::YIELD, FrameFault::NoYield),
        Reason::Pending(import) => {
            (inst.value_of(Role::Import) == Some(import.0 as i32), FrameFault::NoSyscall(import))
        }
    };
    if possible { Ok(()) } else { Err(fault) }
}
