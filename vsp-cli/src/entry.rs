//! The function that a command calls: its name, its arguments, and what runs before it.

use vsp_core::index::FuncIndex;
use vsp_core::text::most_similar;
use vsp_core::verify::Verified;
use vsp_core::{Excerpt, Instance, Outcome};
use vsp_host::number::{self, NumberError};

use crate::files;
use crate::functions;
use crate::message;
use crate::program::{ProgramArgs, imports_wasi};
use crate::translate::{Result, counted};
#[cfg(feature = "wasm")]
use crate::wasm::{self, Invocation};

/// The export that starts a program that was WebAssembly.
pub(crate) const START: &str = "_start";

/// The call of a program.
pub(crate) struct Entry {
    pub(crate) function: FuncIndex,
    /// The name of its export.
    pub(crate) name: String,
    /// The arguments of the function.
    pub(crate) values: Vec<u64>,
    /// Whether the arguments of the command line are the function's, and not the program's.
    pub(crate) takes_args: bool,
    /// The functions that are called before.
    before: Vec<FuncIndex>,
    /// The call with types of WebAssembly, if the program was that.
    #[cfg(feature = "wasm")]
    invocation: Option<Invocation>,
}

impl Entry {
    /// Returns the function to call, and its arguments.
    ///
    /// # Errors
    /// The rendered message why there is no such call.
    pub(crate) fn new(args: &ProgramArgs, program: &Verified<'_>) -> Result<Entry> {
        let name = name(args, program);
        #[cfg(feature = "wasm")]
        let before = wasm::before(program.program(), name);
        #[cfg(not(feature = "wasm"))]
        let before: Vec<String> = Vec::new();
        let before = before.iter().filter_map(|name| program.export(name)).collect();
        #[cfg(feature = "wasm")]
        let invocation = invocation(args, program, name)?;
        let function = program.export(name).ok_or_else(|| render_missing(args, program, name))?;
        #[cfg(feature = "wasm")]
        if let Some(invocation) = invocation {
            let values = invocation.values.clone();
            return Ok(Entry {
                function,
                name: name.to_owned(),
                values,
                takes_args: true,
                before,
                invocation: Some(invocation),
            });
        }
        let params = program.function(function).map_or(0, |function| function.ty.params());
        let values = if params == 0 { Ok(Vec::new()) } else { values(name, params, &args.args) };
        let values = values.map_err(|error| message::render_text(&error))?;
        Ok(Entry {
            function,
            name: name.to_owned(),
            values,
            takes_args: params > 0,
            before,
            #[cfg(feature = "wasm")]
            invocation: None,
        })
    }

    /// Calls the functions that come before. Returns how that ended, if the program goes no further.
    pub(crate) fn prepare<S>(&self, instance: &mut Instance<'_, S>) -> Result<Option<Outcome>> {
        for number in 0..self.before.len() {
            match self.call(instance, number)? {
                Outcome::Returned(_) => {}
                other => return Ok(Some(other)),
            }
        }
        self.pass_arguments(instance);
        Ok(None)
    }

    /// Returns the number of the last call: that of the function itself.
    pub(crate) fn last_call(&self) -> usize {
        self.before.len()
    }

    /// Makes one of the calls, which are numbered from 0.
    pub(crate) fn call<S>(&self, instance: &mut Instance<'_, S>, number: usize) -> Result<Outcome> {
        let called = match self.before.get(number) {
            Some(function) => instance.call(*function, &[]),
            None => {
                self.pass_arguments(instance);
                instance.call(self.function, &self.values)
            }
        };
        called.map_err(|error| error.to_string())
    }

    /// Writes the arguments that have no registers, before the last call.
    pub(crate) fn pass_arguments<S>(&self, instance: &mut Instance<'_, S>) {
        #[cfg(feature = "wasm")]
        if let Some(invocation) = &self.invocation {
            invocation.pass(instance);
        }
        #[cfg(not(feature = "wasm"))]
        let _ = instance;
    }

    /// Returns the results of the call as texts, if they have types of WebAssembly.
    pub(crate) fn results<S>(&self, instance: &Instance<'_, S>, outcome: &Outcome) -> Option<Vec<String>> {
        #[cfg(feature = "wasm")]
        return self.invocation.as_ref().map(|invocation| invocation.results(instance, outcome));
        #[cfg(not(feature = "wasm"))]
        {
            let _ = (instance, outcome);
            None
        }
    }
}

/// Renders the error that the program does not export the function to call.
fn render_missing(args: &ProgramArgs, program: &Verified<'_>, name: &str) -> String {
    let file = files::name(&args.file).display();
    #[cfg(feature = "wasm")]
    if wasm::is_translated(program.program()) {
        return match &args.entry {
            Some(name) => {
                let what = format!("{file} does not export \"{}\"", Excerpt(name));
                wasm::render_missing(program.program(), &what, Some(name))
            }
            None => {
                let what = format!("{file} does not export \"{START}\" or \"main\"");
                wasm::render_missing(program.program(), &what, None)
            }
        };
    }
    let names: Vec<&str> = program.program().exports().map(|export| export.name).collect();
    let exports = match most_similar(name, names.iter().copied()) {
        Some(similar) => format!("did you mean `{}`?", Excerpt(similar)),
        None if names.is_empty() => "it exports nothing".to_owned(),
        None => format!("it exports {}", functions::list(&names)),
    };
    message::render_text(&format!("{file} does not export \"{}\"; {exports}", Excerpt(name)))
}

/// Returns the name of the function to call.
fn name<'a>(args: &'a ProgramArgs, program: &Verified<'_>) -> &'a str {
    let has = |name| program.export(name).is_some();
    #[cfg(feature = "wasm")]
    if let Some(name) = &args.invoke {
        return name;
    }
    match &args.entry {
        Some(name) => name,
        None if has(START) && (imports_wasi(program) || !has("main")) => START,
        None => "main",
    }
}

/// Returns the call with types of WebAssembly, if it is asked for, or the function has such types.
#[cfg(feature = "wasm")]
fn invocation(args: &ProgramArgs, program: &Verified<'_>, name: &str) -> Result<Option<Invocation>> {
    if args.invoke.is_none() && !wasm::has_typed_parameters(program.program(), name) {
        return Ok(None);
    }
    Invocation::new(program.program(), name, &args.args).map(Some)
}

/// Returns the arguments of a function.
fn values(name: &str, params: usize, args: &[String]) -> Result<Vec<u64>> {
    if params != args.len() {
        return Err(format!(
            "{} takes {}, and {} given",
            Excerpt(name),
            counted(params as u64, "argument"),
            if args.len() == 1 { "1 was".to_owned() } else { format!("{} were", args.len()) }
        ));
    }
    args.iter().map(|text| number::register(text).map_err(|error| refusal(text, error))).collect()
}

/// Returns why an argument of the entry function is rejected.
fn refusal(text: &str, error: NumberError) -> String {
    let float = number::float(text).ok().filter(|_| error == NumberError::OutOfRange);
    let help = float.map_or_else(String::new, |float| format!(" ({float:e} is a binary64)"));
    format!("the argument \"{}\" {error}{help}", Excerpt(text))
}
