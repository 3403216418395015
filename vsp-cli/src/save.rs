//! Saving a running program into a state file: the options, and what stops a program.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use vsp_core::state_file::{SavedProgram, StateFile};
use vsp_core::{Instance, Outcome, Reason};
use vsp_host::number;

use crate::cli::EXIT_SUSPENDED;
use crate::command_state::{CommandState, SavedOutput, modules};
use crate::execution::Execution;
use crate::files::{self, is_standard};
use crate::interrupt::{self, Requests};
use crate::message;
use crate::program::{ProgramArgs, UNLIMITED};
use crate::state::State;
use crate::translate::{Result, counted, print_message};

/// The heading of the options in the help.
pub(crate) const HEADING: &str = "Hibernation";

/// When a program is saved, and where.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Save the program when it is stopped, by --slice, --at, --fuel or a signal (Ctrl-C, SIGTERM, SIGHUP; after
    /// SIGUSR1 it goes on): `vsp resume FILE` continues it. `-` is the standard output, if the program's output goes elsewhere. Only
    /// the owner can read the file: it has the program's memory.
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Stop after this time, which has a unit: `500ms`, `1.5s`, `10m`, `2h`.
    #[arg(long, help_heading = HEADING, value_name = "TIME", requires = "save", value_parser = duration)]
    slice: Option<Duration>,
    /// Stop when this much fuel is used, counted from the start of this command: everywhere at the same instruction.
    #[arg(
        long, help_heading = HEADING, value_name = "UNITS", requires = "save", conflicts_with = "slice",
        allow_negative_numbers = true, value_parser = number::count
    )]
    pub(crate) at: Option<u64>,
    /// The program in the state file: its bytes, or only its path (with its length and checksum).
    #[arg(long, help_heading = HEADING, value_name = "WHAT", requires = "save", default_value = "bytes")]
    save_program: ProgramPart,
}

/// What a state file or a recording has of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgramPart {
    Bytes,
    Path,
}

/// Parses a time with its unit.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    let expected = || "expected a number with a unit: 500ms, 1.5s, 10m, 2h".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(expected)?;
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return Err(expected()),
    };
    let number: f64 = number.parse().map_err(|_| expected())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "is too long".to_owned())
}

impl SaveArgs {
    /// Checks the options, and lets signals stop the program if it is to be saved.
    pub(crate) fn prepare(&self, program: &ProgramArgs) -> Result<()> {
        let Some(path) = &self.save else { return Ok(()) };
        let output = program.output.as_deref();
        if is_standard(path) {
            if output.is_none_or(is_standard) {
                return Err(message::render_text(
                    "--save -: the standard output has the program's output; name another for it with --output",
                ));
            }
            if io::stdout().is_terminal() {
                return Err(message::render_text("--save -: the state is not text for a terminal; pipe it"));
            }
        }
        if self.save_program == ProgramPart::Path && is_standard(&program.file) {
            let error = "--save-program path: the program was read from the standard input, and has no path";
            return Err(message::render_text(error));
        }
        interrupt::save_on_signals();
        Ok(())
    }

    /// Returns whether the state goes to the standard output.
    fn to_standard_output(&self) -> bool {
        self.save.as_deref().is_some_and(is_standard)
    }
}

/// What became of a program that was stopped.
pub(crate) struct Driven {
    pub(crate) outcome: Outcome,
    /// How it was saved, or why it could not be.
    pub(crate) saved: Option<std::result::Result<Saved, String>>,
}

/// A program that was saved and ended.
pub(crate) struct Saved {
    pub(crate) code: u8,
    /// What the user should know.
    pub(crate) note: String,
}

/// Where a program begins to run.
pub(crate) enum Begin {
    /// With its first call.
    Start,
    /// In the middle of a call, with these answers.
    Resume { call: usize, values: Vec<u64> },
}

/// A running program that can be saved.
pub(crate) struct Saving<'s> {
    args: &'s SaveArgs,
    execution: &'s Execution<'s>,
    /// The state of the command, as it is when the program starts.
    command: CommandState,
    /// Fuel that the program has beyond what it may use until it is stopped. It owes what is negative.
    held: i64,
}

enum Next {
    Resume,
    End(std::result::Result<Saved, String>),
}

impl<'s> Saving<'s> {
    /// Prepares to save, if the options ask for it.
    pub(crate) fn new(
        args: &'s SaveArgs,
        execution: &'s Execution<'s>,
        command: CommandState,
        instance: &mut Instance<'_, State>,
    ) -> Option<Saving<'s>> {
        args.save.as_ref()?;
        let mut saving = Saving { args, execution, command, held: 0 };
        if let (Some(at), Some(fuel)) = (args.at, instance.fuel()) {
            let now = at.min(fuel.max(0) as u64);
            saving.held = fuel - now as i64;
            instance.set_fuel(now);
        }
        Some(saving)
    }

    /// Gives the program all of its fuel.
    fn release(&mut self, instance: &mut Instance<'_, State>) {
        add(instance, std::mem::take(&mut self.held));
    }

    fn stopped(&mut self, instance: &mut Instance<'_, State>, call: usize, reason: Reason) -> Next {
        let requests = match reason {
            Reason::Interrupted => Requests::take(),
            Reason::Fuel | Reason::Yield(_) | Reason::Pending(_) => {
                let saved = self.save(instance, call);
                return Next::End(saved.map(|place| self.ended(instance, &place, reason, EXIT_SUSPENDED)));
            }
        };
        if requests.ends() || requests.slice_is_over() {
            interrupt::saving();
            let code = if requests.ends() { interrupt::exit_code() } else { EXIT_SUSPENDED };
            let saved = self.save(instance, call);
            return Next::End(saved.map(|place| self.ended(instance, &place, reason, code)));
        }
        if requests.state() {
            if self.args.to_standard_output() {
                let why = "SIGUSR1: a state on the standard output ends the program; it goes on without one";
                print_message(&message::render_text(why));
                return Next::Resume;
            }
            let held = self.held;
            let balance = instance.fuel().unwrap_or_default();
            match self.save(instance, call) {
                Ok(place) => print_message(&message::render_note(&format!("{place}; it goes on"))),
                Err(error) => print_message(&message::render_text(&error)),
            }
            instance.set_fuel(balance.max(0) as u64);
            self.held = held + balance.min(0);
        }
        Next::Resume
    }

    /// Saves the program, and returns where it is. It has all of its fuel then.
    fn save(
        &mut self,
        instance: &mut Instance<'_, State>,
        call: usize,
    ) -> std::result::Result<String, String> {
        self.release(instance);
        let path = self.args.save.as_deref().unwrap_or(Path::new("-"));
        let failed = |error: &dyn std::fmt::Display| format!("the program could not be saved: {error}");
        let output = self.execution.publish_output(instance.state_mut()).map_err(|error| failed(&error))?;
        let output = output.map(|(path, written)| SavedOutput { path, written });
        let mut command = CommandState { call: call as u32, output, ..self.command.clone() };
        let snapshot = instance.save().map_err(|error| failed(&error))?;
        let program = self.execution.verified.program();
        let saved = SavedProgram {
            path: self.execution.program_path().map_err(|error| failed(&error))?,
            bytes: (self.args.save_program == ProgramPart::Bytes).then_some(program.bytes()),
        };
        let has_wasi = crate::program::imports_wasi(&self.execution.verified);
        let mut modules = modules(instance.state_mut(), has_wasi, &mut command);
        let bytes = StateFile::write(saved, &snapshot, &mut modules).map_err(|error| failed(&error))?;
        let name = files::output_name(path).display();
        files::write_private(path, &bytes).map_err(|error| failed(&format!("{name}: {error}")))?;
        let location =
            instance.suspended().map(|suspension| suspension.location.display(program).to_string());
        let size = counted(bytes.len() as u64, "byte");
        Ok(format!("saved to {name}, {size}, at {}", location.unwrap_or_default()))
    }

    /// Returns what to say when the program was saved and has ended.
    fn ended(&self, instance: &Instance<'_, State>, place: &str, reason: Reason, code: u8) -> Saved {
        let path = self.args.save.as_deref().unwrap_or(Path::new("-"));
        let name = path.display().to_string();
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_./+".contains(c));
        let name = if is_plain { name } else { format!("'{}'", name.replace('\'', "'\\''")) };
        let needed = match reason {
            Reason::Yield(value) => format!(" --answer VALUE (it yields {value})"),
            Reason::Fuel if instance.fuel().is_some_and(|fuel| fuel <= 0) => {
                " --fuel UNITS (its fuel is used up)".to_owned()
            }
            _ => String::new(),
        };
        Saved { code, note: format!("{place}; go on with: vsp resume {name}{needed}") }
    }

    /// Starts the timer of the time slice.
    fn start_timer(&self) -> io::Result<()> {
        self.args.slice.map_or(Ok(()), interrupt::after)
    }
}

/// Adds to the balance, or takes from it.
fn add(instance: &mut Instance<'_, State>, fuel: i64) {
    match u64::try_from(fuel) {
        Ok(fuel) => instance.add_fuel(fuel),
        Err(_) => {
            let balance = instance.fuel().unwrap_or_default();
            instance.set_fuel(balance.saturating_add(fuel).max(0) as u64);
        }
    }
}

/// Runs a program until it ends or is stopped, call by call.
pub(crate) fn drive(
    execution: &Execution<'_>,
    instance: &mut Instance<'_, State>,
    begin: Begin,
    mut saving: Option<Saving<'_>>,
) -> Result<Driven> {
    let entry = &execution.entry;
    if let Some(saving) = &saving {
        saving.start_timer().map_err(|error| format!("the timer of --slice: {error}"))?;
    }
    let (mut call, mut outcome) = match begin {
        Begin::Start => (0, entry.call(instance, 0)?),
        Begin::Resume { call, values } => {
            (call, instance.resume(&values).map_err(|error| error.to_string())?)
        }
    };
    loop {
        outcome = match (outcome, &mut saving) {
            (Outcome::Returned(_), _) if call < entry.last_call() => {
                call += 1;
                entry.call(instance, call)?
            }
            (Outcome::Suspended(suspension), Some(saving)) => {
                match saving.stopped(instance, call, suspension.reason) {
                    Next::Resume => instance.resume(&[]).map_err(|error| error.to_string())?,
                    Next::End(saved) => return Ok(Driven { outcome, saved: Some(saved) }),
                }
            }
            (outcome, saving) => {
                if let Some(saving) = saving {
                    saving.release(instance);
                }
                return Ok(Driven { outcome, saved: None });
            }
        };
    }
}

/// Returns the fuel with which a program that is saved starts: it is counted if it is limited or if a position is.
pub(crate) fn starting_fuel(args: &SaveArgs, limit: Option<u64>, is_reported: bool) -> Option<u64> {
    limit.or((is_reported || args.at.is_some()).then_some(UNLIMITED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("1s", 1_000),
            ("1.5s", 1_500),
            ("0.25m", 15_000),
            ("10min", 600_000),
            ("2h", 7_200_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "1.s.", "-1s", "1 s", "1d", "1e3s", "..s"] {
            assert!(duration(text).unwrap_err().starts_with("expected a number with a unit"), "{text}");
        }
        assert_eq!(duration("99999999999999999999999h").unwrap_err(), "is too long");
    }
}
