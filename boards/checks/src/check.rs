//! Carrying out a check.

use core::sync::atomic::{AtomicBool, Ordering};

use vsp_core::index::GlobalIndex;
use vsp_core::limits::MAX_PARAMS;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{CallError, Imports, Instance, Options, Outcome};

use crate::host::Host;
use crate::wire::{self, Check, Expected, List, Step};

/// What executes programs.
pub trait Engine {
    /// What it makes of a program.
    type Loaded<'p>;

    /// Whether the engine itself allocates nothing, but for what it makes of programs.
    const KEEPS_NOTHING: bool = false;

    /// The name.
    fn name(&self) -> &'static str;

    /// Prepares a program.
    ///
    /// # Errors
    /// It cannot be executed.
    fn load<'p>(&mut self, program: &'p Verified<'p>) -> Result<Self::Loaded<'p>, Failure>;

    /// Makes a new instance of the program use this engine.
    ///
    /// # Errors
    /// It cannot.
    fn attach<'p>(loaded: &Self::Loaded<'p>, instance: &mut Instance<'p, Host>) -> Result<(), Failure>;
}

/// The interpreter.
#[derive(Clone, Copy, Debug)]
pub struct Interpreter;

impl Engine for Interpreter {
    type Loaded<'p> = ();

    const KEEPS_NOTHING: bool = true;

    fn name(&self) -> &'static str {
        "interpreter"
    }

    fn load<'p>(&mut self, _: &'p Verified<'p>) -> Result<(), Failure> {
        Ok(())
    }

    fn attach<'p>((): &(), _: &mut Instance<'p, Host>) -> Result<(), Failure> {
        Ok(())
    }
}

/// The reason why a check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The number of the step, from 1. 0 is before the first step.
    pub step: u32,
    /// What was looked at.
    pub what: &'static str,
    /// What was found, if it is a number.
    pub found: u64,
    /// What was expected.
    pub expected: u64,
}

impl Failure {
    /// Creates the failure of something that is not a number.
    pub const fn of(what: &'static str) -> Failure {
        Failure { step: 0, what, found: 0, expected: 0 }
    }
}

fn equal(what: &'static str, found: u64, expected: u64) -> Result<(), Failure> {
    if found == expected { Ok(()) } else { Err(Failure { step: 0, what, found, expected }) }
}

/// Set by steps, for all checks: one runs at a time.
static STOP: AtomicBool = AtomicBool::new(false);

/// Carries out a check.
///
/// # Errors
/// The first step that failed.
pub fn run<E: Engine>(
    check: &Check<'static>,
    engine: &mut E,
    imports: &Imports<Host>,
) -> Result<(), Failure> {
    let program = Program::read(check.program).map_err(|_| Failure::of("the program is not read"))?;
    let verified = match Verified::new(program) {
        Ok(verified) => verified,
        Err(_) => {
            let mut steps = check.steps;
            let is_refused = matches!(steps.step(), Some(Step::Refused));
            return if is_refused { Ok(()) } else { Err(Failure::of("the program is refused")) };
        }
    };
    let loaded = engine.load(&verified)?;
    let mut runner = Runner::<E>::new(&verified, &loaded, imports);
    let mut steps = check.steps;
    let mut number = 0;
    while steps.remaining() > 0 {
        number += 1;
        let failed = |failure| Failure { step: number, ..failure };
        let step = steps.step().ok_or(failed(Failure::of("no such step")))?;
        runner.step(step).map_err(failed)?;
    }
    if number == 0 { Err(Failure::of("there are no steps")) } else { Ok(()) }
}

/// Carries out steps on a program.
pub(crate) struct Runner<'l, 'p, E: Engine> {
    program: &'p Verified<'p>,
    loaded: &'l E::Loaded<'p>,
    imports: &'p Imports<Host>,
    options: Options<'p>,
    /// The state of a new instance.
    host: Host,
    pub(crate) instance: Option<Instance<'p, Host>>,
}

impl<'l, 'p, E: Engine> Runner<'l, 'p, E> {
    pub(crate) fn new(
        program: &'p Verified<'p>,
        loaded: &'l E::Loaded<'p>,
        imports: &'p Imports<Host>,
    ) -> Self {
        STOP.store(false, Ordering::Relaxed);
        let (options, host) = (Options::default(), Host::default());
        Runner { program, loaded, imports, options, host, instance: None }
    }

    fn instance(&mut self) -> Result<&mut Instance<'p, Host>, Failure> {
        if self.instance.is_none() {
            let options = Options { interrupt: Some((&STOP).into()), ..self.options.clone() };
            let made = Instance::new(self.program, self.imports, self.host.clone(), options);
            let mut instance = made.map_err(|_| Failure::of("the instance is not made"))?;
            E::attach(self.loaded, &mut instance)?;
            self.instance = Some(instance);
        }
        self.instance.as_mut().ok_or(Failure::of("there is no instance"))
    }

    /// Carries out a step.
    ///
    /// # Errors
    /// Something is not as the step expects it.
    pub(crate) fn step(&mut self, step: Step<'static>) -> Result<(), Failure> {
        match step {
            Step::Call(name, args, expected) => {
                ended(self.instance()?.call_export(name, args.values()), &expected)
            }
            Step::Resume(values, expected) => self.resume(&values, &expected),
            Step::Fail(code, expected) => ended(self.instance()?.fail(code), &expected),
            Step::Fuel(fuel) => {
                self.options.fuel = Some(fuel);
                if let Some(instance) = &mut self.instance {
                    instance.set_fuel(fuel);
                }
                Ok(())
            }
            Step::Balance(balance) => {
                let found = self.instance()?.fuel().ok_or(Failure::of("no fuel is counted"))?;
                equal("balance", found as u64, balance as u64)
            }
            Step::Interrupt(on) => {
                STOP.store(on, Ordering::Relaxed);
                Ok(())
            }
            Step::Memory(size) => {
                self.options.memory = Some(size);
                Ok(())
            }
            Step::Maximum(size) => {
                self.options.memory_maximum = Some(size);
                Ok(())
            }
            Step::Stack(cells) => {
                self.options.stack_cells = Some(cells);
                Ok(())
            }
            Step::Reset => {
                self.instance()?.reset();
                Ok(())
            }
            Step::New => {
                self.instance = None;
                self.options = Options::default();
                Ok(())
            }
            Step::Bytes(address, bytes) => {
                let start = address as usize;
                let found = self.instance()?.memory().get(start..start + bytes.len());
                let differs = found.ok_or(Failure::of("memory"))?.iter().zip(bytes).find(|(a, b)| a != b);
                differs.map_or(Ok(()), |(&found, &expected)| equal("memory", found.into(), expected.into()))
            }
            Step::Global(index, value) => {
                let found = self.instance()?.global(GlobalIndex(index));
                equal("global", found.ok_or(Failure::of("there is no such global"))?, value)
            }
            Step::Frame(depth, location) => {
                let found = self.instance()?.call_stack().nth(depth as usize);
                let found = found.ok_or(Failure::of("there is no such frame"))?;
                same_location(found, location)
            }
            Step::Depth(depth) => equal("frames", self.instance()?.call_stack().count() as u64, depth.into()),
            Step::Refused => Err(Failure::of("the program is not refused")),
            Step::Argument(argument) => {
                if self.host.add_argument(argument) {
                    Ok(())
                } else {
                    Err(Failure::of("arguments"))
                }
            }
            Step::Input(input) => {
                self.host.set_input(input);
                Ok(())
            }
            Step::Output(output, exit_code) => {
                let host = self.instance()?.state();
                equal("exit code", host.exit_code.into(), exit_code.into())?;
                if host.output == output { Ok(()) } else { Err(Failure::of("output")) }
            }
        }
    }

    fn resume(&mut self, values: &List<MAX_PARAMS>, expected: &Expected) -> Result<(), Failure> {
        ended(self.instance()?.resume(values.values()), expected)
    }
}

fn same_location(
    found: vsp_core::index::Location,
    expected: vsp_core::index::Location,
) -> Result<(), Failure> {
    equal("function", found.function.0.into(), expected.function.0.into())?;
    equal("word", found.word.into(), expected.word.into())
}

/// Compares the end of a call with the expected one.
fn ended(outcome: Result<Outcome, CallError>, expected: &Expected) -> Result<(), Failure> {
    let outcome = outcome.map_err(|_| Failure::of("the call is refused"))?;
    match (outcome, *expected) {
        (Outcome::Returned(values), Expected::Returns(wanted, ulps)) => {
            equal("results", values.len() as u64, wanted.values().len() as u64)?;
            let differ = values.iter().zip(wanted.values()).find(|(a, b)| !within(**a, **b, ulps));
            differ.map_or(Ok(()), |(&found, &wanted)| equal("result", found, wanted))
        }
        (Outcome::Halted(value), Expected::Halts(wanted)) => equal("value of HLT", value, wanted),
        (Outcome::Trapped(trapped), Expected::Traps(code, number, location)) => {
            let (found_code, found_number) = wire::trap(trapped.trap);
            equal("trap", found_code, code)?;
            equal("number of the trap", found_number, number)?;
            same_location(trapped.location, location)
        }
        (Outcome::Suspended(suspension), Expected::Suspends(code, value, location)) => {
            let (found_code, found_value) = wire::reason(suspension.reason);
            equal("reason", found_code, code)?;
            equal("value of the reason", found_value, value)?;
            same_location(suspension.location, location)
        }
        _ => Err(Failure::of("another kind of end")),
    }
}

/// Returns whether two values are equal, or binary64 of the same sign at most `ulps` units in the last place apart.
fn within(found: u64, wanted: u64, ulps: u64) -> bool {
    found == wanted || (found ^ wanted) >> 63 == 0 && found.abs_diff(wanted) <= ulps
}
