//! Executes one script of the specification in one configuration.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use vsp_core::Trap;
use vsp_snapshots::Configuration;
use vsp_snapshots::wasm::{Failure, Guest, Registry, SharedGuest};
use vsp_wasm::trap_code;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

use crate::values;

/// The counts of the assertions of scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    /// Numbers of assertions that were not executed, by reason.
    pub(crate) skipped: BTreeMap<String, u32>,
    /// Descriptions of the assertions that failed.
    pub(crate) failed: Vec<String>,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        for (reason, count) in other.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
    }

    pub(crate) fn skipped(&self) -> u32 {
        self.skipped.values().sum()
    }
}

/// The verdict on one directive: passed, or not, or not executed for a reason.
enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// The reason why modules that share state are not executed.
const LINKED: &str = "not supported: several linked modules";

/// A module of a script: running, or the reason why it is not.
type Loaded = Result<SharedGuest, String>;

struct Script {
    configuration: Configuration,
    current: Loaded,
    named: HashMap<String, Loaded>,
    registry: Registry,
    /// The names of registered modules that do not run.
    unavailable: HashSet<String>,
    /// Modules whose memories, tables and globals another one would have written: what is in them is not known any more.
    shared: Vec<SharedGuest>,
}

/// Executes a script.
///
/// # Errors
/// It cannot be parsed.
pub(crate) fn run(name: &str, text: &str, configuration: Configuration) -> Result<Counts, String> {
    let mut lexer = wast::lexer::Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(|error| error.to_string())?;
    let wast: Wast<'_> = parser::parse(&buffer).map_err(|error| error.to_string())?;
    let mut script = Script {
        configuration,
        current: Err("no module".into()),
        named: HashMap::new(),
        registry: Registry::new(),
        unavailable: HashSet::new(),
        shared: Vec::new(),
    };
    let mut counts = Counts::default();
    for directive in wast.directives {
        let (line, _) = directive.span().linecol_in(text);
        let Some(verdict) = script.directive(directive) else { continue };
        match verdict {
            Verdict::Passed => counts.passed += 1,
            Verdict::Failed(message) => counts.failed.push(format!("{name}:{}: {message}", line + 1)),
            Verdict::Skipped(reason) => *counts.skipped.entry(reason).or_default() += 1,
        }
    }
    Ok(counts)
}

impl Script {
    /// Executes a directive. Returns the verdict if it is an assertion, or a module or call that must succeed.
    fn directive(&mut self, directive: WastDirective<'_>) -> Option<Verdict> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                let loaded = self.load(&mut module);
                let verdict = match &loaded {
                    Err(reason) if !reason.starts_with("not supported: ") => {
                        Some(Verdict::Failed(reason.clone()))
                    }
                    _ => None,
                };
                if let Some(name) = name {
                    self.named.insert(name, loaded.clone());
                }
                self.current = loaded;
                verdict
            }
            WastDirective::Register { name, module, .. } => {
                match self.loaded(module) {
                    Ok(Ok(guest)) => _ = self.registry.insert(name.to_owned(), guest),
                    _ => _ = self.unavailable.insert(name.to_owned()),
                }
                None
            }
            WastDirective::Invoke(call) => match self.invoke(&call) {
                Ok(Ok(_)) => None,
                Ok(Err(failure)) => Some(Verdict::Failed(format!("{}: {failure:?}", call.name))),
                Err(verdict) => Some(verdict),
            },
            WastDirective::AssertReturn { exec, results, .. } => Some(self.assert_return(exec, &results)),
            WastDirective::AssertTrap { exec, message, .. } => Some(self.assert_trap(exec, message)),
            WastDirective::AssertExhaustion { call, .. } => Some(match self.invoke(&call) {
                Ok(Err(Failure::Trap(Trap::StackOverflow))) => Verdict::Passed,
                Ok(other) => Verdict::Failed(format!("{}: {other:?} and not a stack overflow", call.name)),
                Err(verdict) => verdict,
            }),
            WastDirective::AssertMalformed { mut module, .. } => Some(self.assert_refused(&mut module)),
            WastDirective::AssertInvalid { mut module, .. } => Some(self.assert_refused(&mut module)),
            WastDirective::AssertUnlinkable { module, .. } => Some(self.assert_unlinkable(module)),
            _ => Some(Verdict::Skipped("directive of a later proposal".into())),
        }
    }

    fn load(&mut self, module: &mut QuoteWat<'_>) -> Loaded {
        let bytes = module.encode().map_err(|error| format!("the module cannot be encoded: {error}"))?;
        match self.load_bytes(&bytes) {
            Ok(Ok(guest)) => Ok(Arc::new(Mutex::new(guest))),
            Ok(Err(failure)) => Err(format!("{failure:?}")),
            Err(reason) => Err(reason),
        }
    }

    /// Loads a module. The outer error is the reason why it cannot be executed by these tests.
    fn load_bytes(&mut self, bytes: &[u8]) -> Result<Result<Guest, Failure>, String> {
        match Guest::load(bytes, self.configuration, &self.registry) {
            Err(Failure::Unlinkable { module, .. }) if self.unavailable.contains(&module) => {
                Err(LINKED.into())
            }
            Err(Failure::Shares) => Err(self.give_up()),
            // A segment may fit the table or memory that the module would share.
            Err(Failure::Instantiation(_)) if !self.registry.is_empty() => Err(self.give_up()),
            Err(Failure::Unsupported(message)) => Err(unsupported(&message)),
            loaded => Ok(loaded),
        }
    }

    /// Gives up all modules, because another one may write what they share.
    fn give_up(&mut self) -> String {
        let named = self.named.values().filter_map(|loaded| loaded.as_ref().ok());
        self.shared.extend(named.chain(self.registry.values()).chain(&self.current).cloned());
        LINKED.into()
    }

    fn loaded(&self, name: Option<Id<'_>>) -> Result<Loaded, Verdict> {
        match name {
            None => Ok(self.current.clone()),
            Some(name) => match self.named.get(name.name()) {
                Some(loaded) => Ok(loaded.clone()),
                None => Err(Verdict::Failed(format!("no module {}", name.name()))),
            },
        }
    }

    fn guest(&self, name: Option<Id<'_>>) -> Result<SharedGuest, Verdict> {
        let guest = self.loaded(name)?.map_err(Verdict::Skipped)?;
        match self.shared.iter().any(|shared| Arc::ptr_eq(shared, &guest)) {
            true => Err(Verdict::Skipped(LINKED.into())),
            false => Ok(guest),
        }
    }

    /// Calls an export.
    fn invoke(&mut self, call: &WastInvoke<'_>) -> Result<Result<Vec<u64>, Failure>, Verdict> {
        let args: Result<Vec<u64>, _> = call.args.iter().map(values::argument).collect();
        let args = args.map_err(|kind| Verdict::Skipped(format!("not supported: {kind}")))?;
        let guest = self.guest(call.module)?;
        let result = guest.lock().unwrap_or_else(PoisonError::into_inner).invoke(call.name, &args);
        Ok(result)
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<(String, Result<Vec<u64>, Failure>), Verdict> {
        match exec {
            WastExecute::Invoke(call) => Ok((call.name.to_owned(), self.invoke(&call)?)),
            WastExecute::Get { module, global, .. } => {
                let guest = self.guest(module)?;
                let value = guest.lock().unwrap_or_else(PoisonError::into_inner).global(global);
                let value = value.ok_or_else(|| Verdict::Failed(format!("no global {global}")))?;
                Ok((global.to_owned(), Ok(vec![value])))
            }
            WastExecute::Wat(mut module) => {
                Ok(("module".into(), self.instantiate(&mut module)?.map(|()| Vec::new())))
            }
        }
    }

    fn instantiate(&mut self, module: &mut Wat<'_>) -> Result<Result<(), Failure>, Verdict> {
        let bytes = module.encode().map_err(|error| Verdict::Failed(error.to_string()))?;
        let loaded = self.load_bytes(&bytes).map_err(Verdict::Skipped)?;
        Ok(loaded.map(drop))
    }

    fn assert_return(&mut self, exec: WastExecute<'_>, results: &[WastRet<'_>]) -> Verdict {
        let (name, outcome) = match self.execute(exec) {
            Ok(executed) => executed,
            Err(verdict) => return verdict,
        };
        let values = match outcome {
            Ok(values) => values,
            Err(failure) => return Verdict::Failed(format!("{name}: {failure:?}")),
        };
        if values.len() != results.len() {
            return Verdict::Failed(format!("{name}: {} results, and not {}", values.len(), results.len()));
        }
        for (expected, bits) in results.iter().zip(&values) {
            match values::matches(expected, *bits) {
                Ok(true) => {}
                Ok(false) => return Verdict::Failed(format!("{name}: {bits:#X}, and not {expected:?}")),
                Err(kind) => return Verdict::Skipped(format!("not supported: {kind}")),
            }
        }
        Verdict::Passed
    }

    fn assert_trap(&mut self, exec: WastExecute<'_>, message: &str) -> Verdict {
        match self.execute(exec) {
            Ok((_, Err(failure))) if is_expected(&failure, message) => Verdict::Passed,
            Ok((name, other)) => {
                Verdict::Failed(format!("{name}: {other:?}, and not the trap \"{message}\""))
            }
            Err(verdict) => verdict,
        }
    }

    fn assert_refused(&mut self, module: &mut QuoteWat<'_>) -> Verdict {
        let Ok(bytes) = module.encode() else {
            return Verdict::Skipped("text that the parser of the tests refuses".into());
        };
        match self.load_bytes(&bytes) {
            Ok(Err(Failure::Invalid(_))) => Verdict::Passed,
            Ok(Err(other)) => Verdict::Failed(format!("{other:?}, and not an invalid module")),
            Ok(Ok(_)) => Verdict::Failed("the module is accepted".into()),
            Err(reason) => Verdict::Skipped(reason),
        }
    }

    fn assert_unlinkable(&mut self, mut module: Wat<'_>) -> Verdict {
        match self.instantiate(&mut module) {
            Ok(Err(Failure::Unlinkable { .. } | Failure::Instantiation(_))) => Verdict::Passed,
            Ok(other) => Verdict::Failed(format!("{other:?}, and the module cannot be linked")),
            Err(verdict) => verdict,
        }
    }
}

/// Returns the reason for which a module that is not supported is skipped: the feature, without the advice and the
/// location of the message.
fn unsupported(message: &str) -> String {
    format!("not supported: {}", message.split(':').next().unwrap_or_default())
}

/// Returns whether a failure is the one that the specification's message describes.
fn is_expected(failure: &Failure, message: &str) -> bool {
    let trap = match failure {
        Failure::Trap(trap) => *trap,
        // An active segment that does not fit is found when the module is translated.
        Failure::Instantiation(_) => return message.starts_with("out of bounds"),
        _ => return false,
    };
    match message {
        "unreachable" => trap == Trap::Explicit(trap_code::UNREACHABLE),
        "integer overflow" => trap == Trap::Explicit(trap_code::INTEGER_OVERFLOW),
        "integer divide by zero" => trap == Trap::DivideByZero,
        "invalid conversion to integer" => trap == Trap::Explicit(trap_code::INVALID_CONVERSION),
        "out of bounds memory access" => trap == Trap::MemoryOutOfBounds,
        "call stack exhausted" => trap == Trap::StackOverflow,
        _ if message.starts_with("out of bounds table access") => {
            trap == Trap::Explicit(trap_code::TABLE_BOUNDS)
        }
        // A call beyond the table, of a null element, and of another type: VSP's indirect call knows one trap.
        _ if ["undefined element", "uninitialized element", "indirect call type mismatch"]
            .iter()
            .any(|kind| message.starts_with(kind)) =>
        {
            trap == Trap::BadIndirectCall
                || trap == Trap::Explicit(trap_code::TABLE_BOUNDS)
                || trap == Trap::Explicit(trap_code::NULL_ELEMENT)
        }
        _ => false,
    }
}
