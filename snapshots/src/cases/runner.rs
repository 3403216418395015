//! The runner of cases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vsp_core::index::{GlobalIndex, Location};
use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::{Verified, VerifyErrors};
use vsp_core::{CallError, Imports, Instance, Options, Outcome, Reason};
use vsp_host::engine::Module;

use super::parse::{Case, Expected, Step};
use crate::configuration::{Configuration, save_and_restore, scramble};
use crate::host_module;

/// Runs a case in a configuration.
///
/// # Errors
/// The first step that fails; the message gives its line.
pub fn run(text: &str, case: &Case, configuration: Configuration) -> Result<(), String> {
    if case.steps.is_empty() {
        return Err("the case has no steps".into());
    }
    let assembled = match (text::assemble(text, "case.sil"), wanted_errors(case).as_slice()) {
        (Ok(bytes), []) => bytes,
        (Ok(_), _) => return Err("the assembler accepts the text".into()),
        (Err(errors), []) => return Err(format!("the assembler refuses the text: {}", errors[0])),
        (Err(errors), wanted) => return compare_errors(&errors, wanted),
    };
    round_trip(&assembled)?;
    let program = Program::read(&assembled[..]).map_err(|error| error.to_string())?;
    let wanted: Vec<&(usize, Step)> =
        case.steps.iter().filter(|(_, step)| matches!(step, Step::Rejected(..))).collect();
    match (Verified::new(program.clone()), wanted.as_slice()) {
        (Ok(verified), []) => Runner::new(&verified, configuration)?.steps(case),
        (Ok(_), _) => Err("the verifier accepts the program".into()),
        (Err(errors), []) => Err(format!("the verifier refuses the program: {errors}")),
        (Err(errors), wanted) => compare_rejections(&program, &errors, wanted),
    }
}

/// Checks that the disassembly assembles to the same bytes.
fn round_trip(bytes: &[u8]) -> Result<(), String> {
    let program = Program::read(bytes).map_err(|error| format!("the assembler's output: {error}"))?;
    let listing = text::disassemble(&program);
    match text::assemble(&listing, "listing.sil") {
        Ok(again) if again == bytes => Ok(()),
        Ok(_) => Err(format!("the disassembly assembles to other bytes:\n{listing}")),
        Err(errors) => Err(format!("the disassembly does not assemble: {}\n{listing}", errors[0])),
    }
}

fn wanted_errors(case: &Case) -> Vec<(usize, usize, &str)> {
    case.steps
        .iter()
        .filter_map(|(_, step)| match step {
            Step::Error(line, column, message) => Some((*line, *column, message.as_str())),
            _ => None,
        })
        .collect()
}

fn compare_errors(errors: &[text::Diagnostic], wanted: &[(usize, usize, &str)]) -> Result<(), String> {
    let matches = errors.len() == wanted.len()
        && errors.iter().zip(wanted).all(|(error, (line, column, message))| {
            (error.line, error.column) == (*line, *column) && error.to_string().contains(message)
        });
    if matches {
        return Ok(());
    }
    let found: Vec<String> =
        errors.iter().map(|error| format!(";! error {}:{} \"{error}\"", error.line, error.column)).collect();
    Err(format!("the assembler's errors are\n{}", found.join("\n")))
}

fn compare_rejections(
    program: &Program<'_>,
    errors: &VerifyErrors,
    wanted: &[&(usize, Step)],
) -> Result<(), String> {
    let VerifyErrors::Rules { errors, .. } = errors else { return Err(errors.to_string()) };
    let found: Vec<(String, String)> =
        errors.iter().map(|error| (error.rule.to_string(), location_name(program, error.location))).collect();
    let matches = found.len() == wanted.len()
        && found.iter().zip(wanted).all(|((rule, location), (_, step))| match step {
            Step::Rejected(message, at) => rule.contains(message) && location == at,
            _ => false,
        });
    if matches { Ok(()) } else { Err(format!("the verifier's errors are {found:#?}")) }
}

pub(crate) fn location_name(program: &Program<'_>, location: Location) -> String {
    match program.function_name(location.function) {
        Some(name) => format!("{name}:{}", location.word),
        None => format!("${}:{}", location.function, location.word),
    }
}

/// The settings that `new` resets.
#[derive(Clone, Copy, Default)]
struct Sizes {
    memory: Option<u64>,
    maximum: Option<u64>,
    stack: Option<u32>,
    fuel: Option<u64>,
}

struct Runner<'v> {
    program: &'v Verified<'v>,
    module: Module<'v>,
    imports: Arc<Imports<()>>,
    flag: Arc<AtomicBool>,
    sizes: Sizes,
    configuration: Configuration,
    instance: Option<Instance<'v, ()>>,
}

impl<'v> Runner<'v> {
    fn new(program: &'v Verified<'v>, configuration: Configuration) -> Result<Self, String> {
        let module = configuration.loader(true).and_then(|mut loader| loader.load(program));
        let module = module.map_err(|error| error.to_string())?;
        let imports = Arc::new(host_module::imports().map_err(|error| error.to_string())?);
        let flag = Arc::new(AtomicBool::new(false));
        Ok(Runner { program, module, imports, flag, sizes: Sizes::default(), configuration, instance: None })
    }

    fn steps(mut self, case: &Case) -> Result<(), String> {
        for (line, step) in &case.steps {
            self.step(step).map_err(|message| format!("line {line}: {message}"))?;
        }
        Ok(())
    }

    fn instance(&mut self) -> Result<&mut Instance<'v, ()>, String> {
        if self.instance.is_none() {
            let options = Options {
                memory: self.sizes.memory,
                memory_maximum: self.sizes.maximum,
                stack_cells: self.sizes.stack,
                fuel: self.sizes.fuel,
                interrupt: self.configuration.interrupts().then(|| self.flag.clone().into()),
            };
            let made = self.module.instantiate(self.imports.clone(), (), options);
            self.instance = Some(made.map_err(|error| error.to_string())?);
        }
        self.instance.as_mut().ok_or_else(String::new)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Call(name, args, expected) => {
                let configuration = self.configuration;
                let outcome = configuration.call(self.instance()?, name, args);
                self.ended(outcome, expected)
            }
            Step::Resume(values, expected) => {
                let configuration = self.configuration;
                let outcome = configuration.resume(self.instance()?, values);
                self.ended(outcome, expected)
            }
            Step::Fail(code, expected) => {
                let outcome = self.instance()?.fail(*code);
                self.compare(outcome, expected)
            }
            Step::Fuel(fuel) => {
                if self.sizes.fuel.is_none() && self.instance.is_some() {
                    return Err("the first `fuel` must come before the first call, or after `new`".into());
                }
                self.sizes.fuel = Some(*fuel);
                if let Some(instance) = &mut self.instance {
                    instance.set_fuel(*fuel);
                }
                Ok(())
            }
            Step::Balance(balance) => equal("the balance", self.instance()?.fuel(), Some(*balance)),
            Step::Interrupt(on) => {
                self.flag.store(*on, Ordering::Relaxed);
                Ok(())
            }
            Step::Memory(size) => {
                self.sizes.memory = Some(*size);
                self.must_be_new()
            }
            Step::Maximum(size) => {
                self.sizes.maximum = Some(*size);
                self.must_be_new()
            }
            Step::Stack(cells) => {
                self.sizes.stack = Some(*cells);
                self.must_be_new()
            }
            Step::Reset => {
                self.instance()?.reset();
                Ok(())
            }
            Step::New => {
                self.instance = None;
                self.sizes = Sizes::default();
                Ok(())
            }
            Step::Bytes(address, bytes) => {
                let start = *address as usize;
                let found = self.instance()?.memory().get(start..start + bytes.len());
                equal("memory", found, Some(bytes.as_slice()))
            }
            Step::Global(global, value) => {
                equal("the global", self.instance()?.global(GlobalIndex(*global)), Some(*value))
            }
            Step::Frames(frames) => {
                let locations: Vec<Location> = self.instance()?.call_stack().collect();
                let program = self.program.program();
                let found: Vec<String> =
                    locations.into_iter().map(|location| location_name(program, location)).collect();
                equal("the call stack", &found, frames)
            }
            Step::Rejected(..) | Step::Error(..) => Err("cannot be mixed with calls".into()),
        }
    }

    /// Compares the end of a call or resume, and saves or scrambles the suspended instance if the configuration says
    /// so.
    fn ended(&mut self, outcome: Result<Outcome, CallError>, expected: &Expected) -> Result<(), String> {
        let suspended = matches!(outcome, Ok(Outcome::Suspended(_)));
        self.compare(outcome, expected)?;
        match (self.configuration, &mut self.instance) {
            (Configuration::Save(_), Some(instance)) if suspended => {
                let restored = save_and_restore(instance, |state| {
                    let options = Options { interrupt: Some(self.flag.clone().into()), ..Options::default() };
                    let restored = self.module.restore(self.imports.clone(), (), options, state);
                    restored.map_err(|error| error.to_string())
                })?;
                *instance = restored;
            }
            (Configuration::Scramble(_), Some(instance)) if suspended => scramble(instance)?,
            _ => {}
        }
        Ok(())
    }

    fn must_be_new(&self) -> Result<(), String> {
        match self.instance {
            None => Ok(()),
            Some(_) => Err("sizes are set before the first call, or after `new`".into()),
        }
    }

    fn compare(&self, outcome: Result<Outcome, CallError>, expected: &Expected) -> Result<(), String> {
        compare(self.program.program(), &outcome.map_err(|error| error.to_string())?, expected)
    }
}

/// Compares the end of a call or resume with the expected one.
pub(crate) fn compare(program: &Program<'_>, found: &Outcome, expected: &Expected) -> Result<(), String> {
    let matches = match (found, expected) {
        (Outcome::Returned(values), Expected::Returns(wanted, tolerance)) => {
            values.len() == wanted.len()
                && values.iter().zip(wanted).all(|(found, wanted)| within(*found, *wanted, tolerance.ulps))
        }
        (Outcome::Halted(value), Expected::Halts(wanted)) => value == wanted,
        (Outcome::Trapped(stop), Expected::Traps(trap, location)) => {
            stop.trap == *trap && location_name(program, stop.location) == *location
        }
        (Outcome::Suspended(suspension), Expected::Suspends(reason, location)) => {
            reason_name(program, suspension.reason) == *reason
                && location_name(program, suspension.location) == *location
        }
        _ => false,
    };
    if matches { Ok(()) } else { Err(format!("expected {expected:x?}, found {found:x?}")) }
}

/// Returns a reason in the notation of the cases.
pub(crate) fn reason_name(program: &Program<'_>, reason: Reason) -> String {
    match reason {
        Reason::Fuel => "Fuel".into(),
        Reason::Interrupted => "Interrupted".into(),
        Reason::Yield(value) => format!("Yield({value})"),
        Reason::Pending(import) => match program.imports().nth(import.index()) {
            Some(import) => format!("Pending({}.{})", import.module, import.name),
            None => "Pending(?)".into(),
        },
    }
}

/// Returns whether two values are equal, or binary64 of the same sign at most `ulps` units in the last place apart.
fn within(found: u64, wanted: u64, ulps: u64) -> bool {
    found == wanted || (found ^ wanted) >> 63 == 0 && found.abs_diff(wanted) <= ulps
}

pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:x?}, expected {expected:x?}")) }
}
