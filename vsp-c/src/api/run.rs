//! Calls: beginning, stopping and going on.

use core::ffi::c_char;
use core::sync::atomic::Ordering;

use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};

use crate::handle::Ptr;
use crate::instance::{Inside, Instance};
use crate::message::{Message, Wanted};
use crate::pointer::{In, Out};
use crate::status::{Result, Status, guard};
use crate::types::{Outcome, Pending};

/// Runs an instance and stores how that ended, also if it was refused.
fn run(
    instance: Ptr<Instance>,
    out: Out<Outcome>,
    run_it: impl FnOnce(&mut Inside) -> Result<Outcome>,
) -> Status {
    let mut outcome = None;
    let status = guard(|| {
        out.optional()?;
        let ended = run_it(&mut *instance.get()?.inside.take()?)?;
        outcome = Some(ended);
        Ok(ended.status())
    });
    out.set(outcome.unwrap_or(Outcome::of_status(status)));
    status
}

/// Calls an exported function.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_call(
    instance: Ptr<Instance>,
    name: In<c_char>,
    args: In<u64>,
    count: usize,
    outcome: Out<Outcome>,
) -> Status {
    run(instance, outcome, |it| {
        // SAFETY: the name is null or a text with a zero at its end, and there are `count` arguments.
        let (name, args) = unsafe { (name.text()?, args.copied::<MAX_PARAMS>(count)?) };
        it.call_export(name, &args[..count])
    })
}

/// Calls a function.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_call_function(
    instance: Ptr<Instance>,
    function: u32,
    args: In<u64>,
    count: usize,
    outcome: Out<Outcome>,
) -> Status {
    run(instance, outcome, |it| {
        // SAFETY: there are `count` arguments.
        let args = unsafe { args.copied::<MAX_PARAMS>(count)? };
        it.call(function, &args[..count])
    })
}

/// Goes on with a suspended call.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_resume(
    instance: Ptr<Instance>,
    values: In<u64>,
    count: usize,
    outcome: Out<Outcome>,
) -> Status {
    run(instance, outcome, |it| {
        // SAFETY: there are `count` values.
        let values = unsafe { values.copied::<MAX_RESULTS>(count)? };
        it.resume(&values[..count])
    })
}

/// Ends a pending host call with an error.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_fail(instance: Ptr<Instance>, code: u32, outcome: Out<Outcome>) -> Status {
    run(instance, outcome, |it| it.fail(code))
}

/// Abandons a suspended call.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_reset(instance: Ptr<Instance>) -> Status {
    guard(|| {
        instance.get()?.inside.take()?.reset();
        Ok(Status::OK)
    })
}

/// Interrupts an instance.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_interrupt(instance: Ptr<Instance>) -> Status {
    guard(|| {
        instance.get()?.interrupt.store(true, Ordering::Relaxed);
        Ok(Status::OK)
    })
}

/// Clears the interruption.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_clear_interrupt(instance: Ptr<Instance>) -> Status {
    guard(|| {
        instance.get()?.interrupt.store(false, Ordering::Relaxed);
        Ok(Status::OK)
    })
}

/// Stores whether and why the instance is suspended.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_instance_status(instance: Ptr<Instance>, outcome: Out<Outcome>) -> Status {
    run(instance, outcome, |it| Ok(it.status()))
}

/// Stores the pending host call.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_pending_call(instance: Ptr<Instance>, pending: Out<Pending>) -> Status {
    guard(|| {
        let pending = pending.required()?;
        pending.set(instance.get()?.inside.take()?.pending()?);
        Ok(Status::OK)
    })
}

/// Stores the location of a frame.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_frame(
    instance: Ptr<Instance>,
    depth: u32,
    function: Out<u32>,
    word: Out<u32>,
) -> Status {
    guard(|| {
        let (function, word) = (function.required()?, word.required()?);
        let (its_function, its_word) = instance.get()?.inside.take()?.frame(depth)?;
        function.set(its_function);
        word.set(its_word);
        Ok(Status::OK)
    })
}

/// Describes a trap or a call stack.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_report(instance: Ptr<Instance>, message: Out<Message>) -> Status {
    guard(|| {
        // SAFETY: the text of a message has the room that it says.
        let message = unsafe { Wanted::new(message.required()?)? };
        instance.get()?.inside.take()?.report(message)?;
        Ok(Status::OK)
    })
}
