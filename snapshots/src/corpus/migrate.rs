//! Programs of the corpus that are stopped, saved in a state file, and go on elsewhere.

use vsp_core::program::Program as File;
use vsp_core::state_file::{SavedProgram, StateFile};
use vsp_core::verify::Verified;
use vsp_core::{Instance, Options, Outcome, Reason};
use vsp_host::input::Input;
use vsp_host::sys::Sys;

use super::run::{Loaded, RunResult, Shared};
use super::{INPUT_NAME, Invocation};

/// The fuel of a program that may go on for as long as it likes.
const FUEL: u64 = i64::MAX as u64;

/// A part of a run.
#[derive(Debug)]
pub enum Leg {
    /// The program was stopped: its state file, and what it has written in this part.
    Stopped {
        /// The state file.
        file: Vec<u8>,
        /// The contents of the output stream.
        output: Vec<u8>,
        /// The contents of the error stream.
        errors: Vec<u8>,
    },
    /// The program has ended. Output and errors are those of this part, and the fuel is that of all parts.
    Ended(RunResult),
}

impl Loaded {
    /// Starts the program, and stops it when it has used this much fuel.
    ///
    /// # Errors
    /// It traps, or something outside of the program fails.
    pub fn start(&self, invocation: &Invocation, fuel: u64) -> Result<Leg, String> {
        let (output, errors) = (Shared::default(), Shared::default());
        let mut state = sys(Input::bytes(invocation.input.clone()), &output, &errors);
        (state.input_name, state.args) = (INPUT_NAME.into(), invocation.args.clone());
        let options = Options { memory: invocation.memory, fuel: Some(fuel), ..Options::default() };
        let made = self.module.instantiate(self.imports.clone(), state, options);
        let mut instance = made.map_err(|error| error.to_string())?;
        let outcome = instance.call_export("main", &[]).map_err(|error| error.to_string())?;
        self.end_leg(instance, outcome, FUEL - fuel, &output, &errors)
    }

    /// Goes on with a program that was stopped. With `None` it runs to its end.
    ///
    /// # Errors
    /// As [`Self::start`], or the state file is refused.
    pub fn go_on(&self, file: &[u8], fuel: Option<u64>) -> Result<Leg, String> {
        let file = StateFile::read(file).map_err(|error| error.to_string())?;
        let program = File::read(file.program_bytes().ok_or("the program is not in the file")?);
        let program = program.map_err(|error| error.to_string())?;
        if program.bytes() != self.module.program().program().bytes() {
            return Err("the program in the file is another".into());
        }
        let (output, errors) = (Shared::default(), Shared::default());
        let mut state = sys(Input::missing("the bytes are in the state"), &output, &errors);
        file.restore(&mut [&mut state]).map_err(|error| error.to_string())?;
        let restored = self.module.restore(self.imports.clone(), state, Options::default(), file.snapshot());
        let mut instance = restored.map_err(|error| error.to_string())?;
        let balance = instance.fuel().unwrap_or_default() as u64;
        let now = fuel.unwrap_or(balance).min(balance);
        instance.set_fuel(now);
        let outcome = instance.resume(&[]).map_err(|error| error.to_string())?;
        self.end_leg(instance, outcome, balance - now, &output, &errors)
    }

    fn end_leg(
        &self,
        mut instance: Instance<'static, Sys>,
        outcome: Outcome,
        held: u64,
        output: &Shared,
        errors: &Shared,
    ) -> Result<Leg, String> {
        instance.add_fuel(held);
        match outcome {
            Outcome::Suspended(suspension) if suspension.reason == Reason::Fuel => {
                let snapshot = instance.save().map_err(|error| error.to_string())?;
                let program: &Verified<'_> = self.module.program();
                let bytes = program.program().bytes().to_vec();
                let saved = SavedProgram { path: "", bytes: Some(&bytes) };
                let file = StateFile::write(saved, &snapshot, &mut [instance.state_mut()]);
                let file = file.map_err(|error| error.to_string())?;
                Ok(Leg::Stopped { file, output: output.take(), errors: errors.take() })
            }
            Outcome::Returned(_) | Outcome::Halted(_) => {
                let fuel = FUEL - instance.fuel().unwrap_or_default() as u64;
                let memory = instance.memory().to_vec();
                let exit_code = instance.into_state().exit_code;
                let errors = String::from_utf8(errors.take()).map_err(|error| error.to_string())?;
                Ok(Leg::Ended(RunResult { output: output.take(), errors, exit_code, fuel, memory }))
            }
            Outcome::Suspended(_) | Outcome::Trapped(_) => {
                Err(format!("{outcome:?}, {:?}", instance.state().failure))
            }
        }
    }
}

fn sys(input: Input, output: &Shared, errors: &Shared) -> Sys {
    Sys::new(input, Box::new(output.clone()), Box::new(errors.clone()))
}
