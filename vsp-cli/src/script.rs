//! Host functions that a file declares, with scripted answers, in place of those of the program's real host.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};
use vsp_core::program::FuncType;
use vsp_core::{Excerpt, HostStop, ImportError, Imports};
use vsp_host::number;
use vsp_host::sys;

use crate::imports::{UnresolvedImport, unresolved_imports};
use crate::load::Loaded;
use crate::message;
use crate::script_state::Script;
use crate::state::State;
use crate::translate::Result;

/// The error code of a call of an unknown import.
const UNKNOWN: u32 = u32::MAX;

/// Options about the imports of a program.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Declare host functions with scripted answers. Each line is `MODULE.NAME (PARAMETERS) -> RESULTS`, then nothing
    /// (the results are 0), `= VALUES; VALUES; …` (one list for each call, the last one again and again) or
    /// `fails CODE`; a comment starts with `;` or `#` at the start of a line.
    #[arg(long, value_name = "FILE")]
    imports: Option<PathBuf>,
    /// The effect of a call of an import that no host function provides. Without this option the program is refused.
    #[arg(long, value_name = "ACTION")]
    unknown_imports: Option<Unknown>,
    /// The declarations of a program that goes on.
    #[arg(skip)]
    saved: Script,
}

/// The effect of calling an import that the host does not provide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unknown {
    /// The program traps.
    Trap,
    /// All results are zero.
    Default,
}

/// A declared function.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declaration {
    module: String,
    name: String,
    ty: FuncType,
    answers: Answers,
}

/// The scripted answers of a declared function.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answers {
    /// The results of each call; calls after the last one give the same as the last one.
    Results(Vec<[u64; MAX_RESULTS]>),
    /// The error code of every call.
    Fails(u32),
}

impl ImportArgs {
    /// Returns the functions of the command's modules and those that the options declare.
    pub(crate) fn known(&self) -> Result<Imports<State>> {
        known_with(&self.script()?)
    }

    /// Returns the declared functions, of which none was called here yet.
    fn script(&self) -> Result<Script> {
        let Some(file) = &self.imports else { return Ok(self.saved.clone()) };
        let path = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| message::render_text(&format!("{path}: {error}")))?;
        Ok(Script { path, text, calls: Vec::new() })
    }

    /// Returns the functions that a program can import. A program that imports others is refused, or they are
    /// provided as `--unknown-imports` says. Also returns the script of those that are declared.
    pub(crate) fn resolve(&self, loaded: &Loaded) -> Result<(Imports<State>, Script)> {
        let script = self.script()?;
        let mut imports = known_with(&script)?;
        let unresolved = unresolved_imports(&loaded.program, &imports);
        let (missing, refused): (Vec<_>, Vec<_>) = match self.unknown_imports {
            Some(_) => unresolved.into_iter().partition(is_missing),
            None => (Vec::new(), unresolved),
        };
        if !refused.is_empty() {
            return Err(message::render_imports(loaded, &refused));
        }
        if let Some(action) = self.unknown_imports {
            provide(&mut imports, missing, action)
                .map_err(|error| message::render_text(&error.to_string()))?;
        }
        Ok((imports, script))
    }

    /// Returns the options of a program that goes on.
    pub(crate) fn of_saved(unknown_imports: Option<Unknown>, saved: Script) -> ImportArgs {
        ImportArgs { imports: None, unknown_imports, saved }
    }

    /// Returns the effect of a call that no host function provides.
    pub(crate) fn unknown(&self) -> Option<Unknown> {
        self.unknown_imports
    }

    /// Returns whether all functions of a module are known: those of the command's modules are, and those of other
    /// modules if a file declares functions.
    pub(crate) fn is_known(&self, module: &str) -> bool {
        is_provided(module) || self.imports.is_some()
    }
}

/// Returns the functions of the command's modules and those of a script.
fn known_with(script: &Script) -> Result<Imports<State>> {
    let mut imports = provided().map_err(|error| message::render_text(&error.to_string()))?;
    declare(&mut imports, script).map_err(|error| message::render_text(&error))?;
    Ok(imports)
}

/// Returns the functions of the modules that the command provides.
fn provided() -> std::result::Result<Imports<State>, ImportError> {
    #[allow(unused_mut, reason = "without WASI there are no others")]
    let mut imports = sys::imports()?;
    #[cfg(feature = "wasi")]
    vsp_host::wasi::define(&mut imports)?;
    Ok(imports)
}

/// Returns whether the command provides this module.
pub(crate) fn is_provided(module: &str) -> bool {
    #[cfg(feature = "wasi")]
    if module == vsp_host::wasi::MODULE {
        return true;
    }
    module == "sys"
}

fn is_missing(wrong: &UnresolvedImport) -> bool {
    matches!(wrong.error, ImportError::Missing { .. })
}

/// Defines the functions that a script declares.
fn declare(imports: &mut Imports<State>, script: &Script) -> std::result::Result<(), String> {
    let mut declared = 0;
    for (number, line) in (1..).zip(script.text.lines()) {
        let at = |error: String| format!("{}:{number}: {error}", script.path);
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        let Declaration { module, name, ty, answers } = parse(line).map_err(at)?;
        let function = declared;
        declared += 1;
        let defined = imports.define_raw(&module, &name, ty, move |caller, _, results| match &answers {
            Answers::Fails(code) => Err(HostStop::Error(*code)),
            Answers::Results(lists) => {
                let call = usize::try_from(caller.state().script.count(function)).unwrap_or(usize::MAX);
                if let Some(list) = lists.get(call.min(lists.len().saturating_sub(1))) {
                    *results = *list;
                }
                Ok(())
            }
        });
        defined.map_err(|error| at(error.to_string()))?;
    }
    Ok(())
}

/// Parses a declaration.
fn parse(line: &str) -> std::result::Result<Declaration, String> {
    let expected = || format!("expected `MODULE.NAME (PARAMETERS) -> RESULTS`, found `{}`", Excerpt(line));
    let (full, rest) = line.split_once('(').ok_or_else(expected)?;
    let (module, name) = full.trim().split_once('.').ok_or_else(expected)?;
    let (params, rest) = rest.split_once(')').ok_or_else(expected)?;
    let rest = rest.trim_start().strip_prefix("->").ok_or_else(expected)?.trim_start();
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (results, rest) = (&rest[..digits], rest[digits..].trim());
    let (params, results) = match (params.trim().parse(), results.parse()) {
        (Ok(params), Ok(results)) => (params, results),
        _ => return Err(expected()),
    };
    let ty = FuncType::new(params, results)
        .ok_or_else(|| format!("a function has at most {MAX_PARAMS} parameters and {MAX_RESULTS} results"))?;
    let answers = if rest.is_empty() {
        Answers::Results(Vec::new())
    } else if let Some(code) = rest.strip_prefix("fails") {
        let code = code.trim();
        let number = number::count(code).ok().and_then(|code| u32::try_from(code).ok());
        Answers::Fails(
            number.ok_or_else(|| format!("the error code `{}` is not a number below 2^32", Excerpt(code)))?,
        )
    } else if let Some(lists) = rest.strip_prefix('=') {
        Answers::Results(
            lists.split(';').map(|list| values(list, results)).collect::<std::result::Result<_, _>>()?,
        )
    } else {
        return Err(format!("expected `= VALUES` or `fails CODE`, found `{}`", Excerpt(rest)));
    };
    Ok(Declaration { module: module.trim().to_owned(), name: name.trim().to_owned(), ty, answers })
}

/// Parses the results of one call, separated by spaces or commas.
fn values(list: &str, results: usize) -> std::result::Result<[u64; MAX_RESULTS], String> {
    let texts: Vec<&str> = list.split([' ', ',', '\t']).filter(|text| !text.is_empty()).collect();
    if texts.len() != results {
        return Err(format!(
            "a call has {results} results, and `{}` has {}",
            Excerpt(list.trim()),
            texts.len()
        ));
    }
    let mut values = [0; MAX_RESULTS];
    for (value, text) in values.iter_mut().zip(texts) {
        *value = number::register(text).map_err(|error| format!("the result `{}` {error}", Excerpt(text)))?;
    }
    Ok(values)
}

/// Defines imports of a program that the host does not provide.
fn provide(
    imports: &mut Imports<State>,
    missing: Vec<UnresolvedImport>,
    action: Unknown,
) -> std::result::Result<(), ImportError> {
    for import in missing {
        let ImportError::Missing { module, name, ty } = import.error else { continue };
        // The same function may be imported twice, with two types: the first one is defined.
        if imports.functions().any(|(known, other, _)| (known, other) == (&*module, &*name)) {
            continue;
        }
        imports.define_raw(&module, &name, ty, move |caller, _, results| match action {
            Unknown::Trap => {
                caller.state().sys.failure = Some("no host function provides it".to_owned());
                Err(HostStop::Error(UNKNOWN))
            }
            Unknown::Default => {
                *results = [0; MAX_RESULTS];
                Ok(())
            }
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations() {
        let plain = parse("env.log (2) -> 0").unwrap();
        assert_eq!((plain.module.as_str(), plain.name.as_str()), ("env", "log"));
        assert_eq!(plain.answers, Answers::Results(Vec::new()));
        let read = parse("dev.io.read(1)->2 = 1 -2; 0x10, 2.5").unwrap();
        assert_eq!((read.module.as_str(), read.name.as_str()), ("dev", "io.read"));
        let lists = [[1, (-2_i64) as u64, 0, 0], [16, 2.5_f64.to_bits(), 0, 0]];
        assert_eq!(read.answers, Answers::Results(lists.to_vec()));
        assert_eq!(parse("env.stop (0) -> 0 fails 7").unwrap().answers, Answers::Fails(7));
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        for (line, expected) in [
            ("log (2) -> 0", "expected `MODULE.NAME"),
            ("env.log 2 -> 0", "expected `MODULE.NAME"),
            ("env.log (2)", "expected `MODULE.NAME"),
            ("env.log (9) -> 0", "at most 8 parameters"),
            ("env.log (1) -> 5", "and 4 results"),
            ("env.log (1) -> 1 = 1 2", "a call has 1 results, and `1 2` has 2"),
            ("env.log (1) -> 1 = x", "the result `x` is not a number"),
            ("env.log (1) -> 1 traps", "expected `= VALUES` or `fails CODE`"),
            ("env.log (1) -> 1 fails 5000000000", "not a number below 2^32"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
