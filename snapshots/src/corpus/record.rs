//! Recording and replaying the programs of the corpus.

use std::io::sink;

use vsp_core::{Imports, Options, Outcome, Reason};
use vsp_host::input::Input;
use vsp_host::sys::Sys;

use super::{INPUT_NAME, Invocation, Loaded, Pace};

impl Loaded {
    /// Runs the program to its end, and returns a log of what the host did, and the memory at the end.
    ///
    /// # Errors
    /// It traps, or something outside of the program fails.
    pub fn record(&self, invocation: &Invocation) -> Result<(Vec<u8>, Vec<u8>), String> {
        let input = Input::bytes(invocation.input.clone());
        let state = Sys {
            input_name: INPUT_NAME.into(),
            args: invocation.args.clone(),
            ..Sys::new(input, Box::new(sink()), Box::new(sink()))
        };
        let options = Options { memory: invocation.memory, ..Options::default() };
        let made = self.module.instantiate(self.imports.clone(), state, options);
        let mut instance = made.map_err(|error| error.to_string())?;
        instance.record().map_err(|error| error.to_string())?;
        match self.configuration.call(&mut instance, "main", &[]) {
            Ok(Outcome::Returned(_) | Outcome::Halted(_)) => {}
            other => return Err(format!("{other:?}, {:?}", instance.state().failure)),
        }
        let log = instance.end_log().map_err(|error| error.to_string())?;
        Ok((log, instance.memory().to_vec()))
    }

    /// Runs the program from a log, without host functions. Returns the memory at the end, and the number of host calls.
    ///
    /// # Errors
    /// It differs from the log.
    pub fn replay(&self, invocation: &Invocation, log: &[u8], pace: Pace) -> Result<(Vec<u8>, u64), String> {
        let imports = Imports::unavailable(self.module.program().program());
        let imports = imports.map_err(|error| error.to_string())?;
        let mut slice = match pace {
            Pace::Whole => None,
            Pace::Slices(fuel) => Some(fuel),
        };
        let options = Options { memory: invocation.memory, fuel: slice, ..Options::default() };
        let made = self.module.instantiate(&imports, (), options);
        let mut instance = made.map_err(|error| error.to_string())?;
        let log: std::sync::Arc<[u8]> = log.into();
        instance.replay(log).map_err(|error| error.to_string())?;
        loop {
            match instance.replay_next().map_err(|error| error.to_string())? {
                Some(Outcome::Suspended(it)) if it.reason == Reason::Fuel => {
                    slice = slice.map(|fuel| fuel.saturating_mul(2));
                    instance.set_fuel(slice.unwrap_or_default());
                }
                Some(Outcome::Returned(_) | Outcome::Halted(_)) => {}
                Some(other) => return Err(format!("{other:?}")),
                None => break,
            }
        }
        let calls = instance.log_position().map_or(0, |position| position.calls);
        Ok((instance.memory().to_vec(), calls))
    }
}
