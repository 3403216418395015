//! Instances: `vsp_instance`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::sync::atomic::AtomicBool;

use vsp_core::index::{FuncIndex, GlobalIndex};
use vsp_core::snapshot::Snapshot;
use vsp_core::{Imports, Trapped};

use crate::handle::{Exclusive, Kind};
use crate::host::State;
use crate::message::Wanted;
use crate::program::{Program, room};
use crate::status::{Result, Status};
use crate::types::{Outcome, Pending};

/// A function that takes bytes: `vsp_writer`.
pub type WriterFunction = unsafe extern "C" fn(user: *mut c_void, bytes: *const c_void, length: usize) -> i32;

/// An instance as C has it: one call at a time uses what is inside, and any thread can interrupt it.
#[derive(Debug)]
pub struct Instance {
    pub(crate) interrupt: Arc<AtomicBool>,
    pub(crate) inside: Exclusive<Inside>,
}

impl Kind for Instance {
    const TAG: u32 = u32::from_le_bytes(*b"inst");

    fn may_free(&self) -> Result {
        self.inside.take().map(|_| ())
    }
}

/// What one call at a time uses.
#[derive(Debug)]
pub(crate) struct Inside {
    instance: vsp_core::Instance<'static, State>,
    /// The trap that ended the last call.
    trapped: Option<Trapped>,
}

/// What an instance is created with.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) program: &'a Program,
    pub(crate) imports: Arc<Imports<State>>,
    pub(crate) user: *mut c_void,
    pub(crate) options: vsp_core::Options<'static>,
    pub(crate) message: Wanted,
}

impl Instance {
    /// Creates an instance.
    pub(crate) fn new(parts: Parts<'_>) -> Result<Instance> {
        let message = parts.message;
        parts.create(|program, imports, state, options| {
            #[cfg(feature = "jit")]
            let created = program.module.instantiate(imports, state, options);
            #[cfg(not(feature = "jit"))]
            let created = vsp_core::Instance::new(program.verified.clone(), imports, state, options);
            created.map_err(message.refused())
        })
    }

    /// Restores the instance that was saved. (It is apart from [`Self::new`], so that firmware which restores nothing
    /// does not contain it.)
    pub(crate) fn restore(parts: Parts<'_>, saved: &[u8]) -> Result<Instance> {
        let message = parts.message;
        let snapshot = Snapshot::read(saved).map_err(|error| {
            message.say(error);
            Status::E_SNAPSHOT
        })?;
        parts.create(|program, imports, state, options| {
            #[cfg(feature = "jit")]
            let restored = program.module.restore(imports, state, options, &snapshot);
            #[cfg(not(feature = "jit"))]
            let restored =
                vsp_core::Instance::restore(program.verified.clone(), imports, state, options, &snapshot);
            restored.map_err(message.refused())
        })
    }
}

impl Parts<'_> {
    /// Creates an instance with a flag that interrupts it.
    fn create(
        self,
        create: impl FnOnce(
            &Program,
            Arc<Imports<State>>,
            State,
            vsp_core::Options<'static>,
        ) -> Result<vsp_core::Instance<'static, State>>,
    ) -> Result<Instance> {
        let Parts { program, imports, user, mut options, .. } = self;
        // The flag, and what the core copies of the names of an import for an error.
        room(64 + 512)?;
        let interrupt = Arc::new(AtomicBool::new(false));
        options.interrupt = Some(interrupt.clone().into());
        let instance = create(program, imports, State { user }, options)?;
        Ok(Instance { interrupt, inside: Exclusive::new(Inside { instance, trapped: None }) })
    }
}

impl Inside {
    fn ended(&mut self, outcome: vsp_core::Outcome) -> Outcome {
        self.trapped = match outcome {
            vsp_core::Outcome::Trapped(trapped) => Some(trapped),
            _ => None,
        };
        outcome.into()
    }

    pub(crate) fn call_export(&mut self, name: &str, args: &[u64]) -> Result<Outcome> {
        let function = self.instance.program().export(name).ok_or(Status::E_NOT_FOUND)?;
        self.call(function.0, args)
    }

    pub(crate) fn call(&mut self, function: u32, args: &[u64]) -> Result<Outcome> {
        let outcome = self.instance.call(FuncIndex(function), args)?;
        Ok(self.ended(outcome))
    }

    pub(crate) fn resume(&mut self, values: &[u64]) -> Result<Outcome> {
        let outcome = match self.instance.status() {
            vsp_core::Status::Stepping if values.is_empty() => self.instance.finish()?,
            _ => self.instance.resume(values)?,
        };
        Ok(self.ended(outcome))
    }

    pub(crate) fn fail(&mut self, code: u32) -> Result<Outcome> {
        let outcome = self.instance.fail(code)?;
        Ok(self.ended(outcome))
    }

    pub(crate) fn reset(&mut self) {
        self.instance.reset();
        self.trapped = None;
    }

    /// Returns how the last call ended if it can be resumed. A state that was saved between two instructions counts as
    /// interrupted.
    pub(crate) fn status(&self) -> Outcome {
        match (self.instance.suspended(), self.instance.status()) {
            (Some(suspension), _) => suspension.into(),
            (None, vsp_core::Status::Stepping) => Outcome::of_status(Status::INTERRUPTED),
            (None, _) => Outcome::of_status(Status::OK),
        }
    }

    pub(crate) fn pending(&self) -> Result<Pending> {
        self.instance.pending().map(Pending::from).ok_or(Status::E_STATE)
    }

    pub(crate) fn frame(&self, depth: u32) -> Result<(u32, u32)> {
        let location = self.instance.call_stack().nth(depth as usize).ok_or(Status::E_NOT_FOUND)?;
        Ok((location.function.0, location.word))
    }

    /// Describes the trap that ended the last call, or the call stack of a suspended one.
    #[cfg(feature = "messages")]
    pub(crate) fn report(&self, message: Wanted) -> Result {
        match &self.trapped {
            #[cfg(feature = "wasm")]
            Some(trapped) => message.say(vsp_wasm::trap_report(&self.instance, trapped)),
            #[cfg(not(feature = "wasm"))]
            Some(trapped) => message.say(self.instance.trap_report(trapped)),
            None if self.instance.status() == vsp_core::Status::Idle => return Err(Status::E_STATE),
            None => message.say(self.instance.backtrace()),
        }
        Ok(())
    }

    #[cfg(not(feature = "messages"))]
    pub(crate) fn report(&self, _: Wanted) -> Result {
        Err(Status::E_UNSUPPORTED)
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        self.instance.state_mut()
    }

    pub(crate) fn fuel(&self) -> Result<i64> {
        self.instance.fuel().ok_or(Status::E_STATE)
    }

    pub(crate) fn set_fuel(&mut self, fuel: u64) -> Result {
        self.fuel()?;
        self.instance.set_fuel(fuel);
        Ok(())
    }

    pub(crate) fn add_fuel(&mut self, fuel: u64) -> Result {
        self.fuel()?;
        self.instance.add_fuel(fuel);
        Ok(())
    }

    pub(crate) fn memory_size(&self) -> usize {
        self.instance.memory().len()
    }

    pub(crate) fn bytes(&mut self, address: u64, length: usize) -> Result<&mut [u8]> {
        let range = usize::try_from(address).ok().and_then(|at| Some(at..at.checked_add(length)?));
        range.and_then(|range| self.instance.memory_mut().get_mut(range)).ok_or(Status::E_BOUNDS)
    }

    pub(crate) fn global(&self, index: u32) -> Result<u64> {
        self.instance.global(GlobalIndex(index)).ok_or(Status::E_NOT_FOUND)
    }

    pub(crate) fn set_global(&mut self, index: u32, value: u64) -> Result {
        *self.instance.global_mut(GlobalIndex(index)).ok_or(Status::E_NOT_FOUND)? = value;
        Ok(())
    }

    pub(crate) fn save(&self) -> Result<Vec<u8>> {
        Ok(self.instance.save()?)
    }
}
