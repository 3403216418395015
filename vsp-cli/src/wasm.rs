//! WebAssembly: translation of modules, and calls with typed arguments and results.

use std::path::Path;

use vsp_core::index::GlobalIndex;
use vsp_core::interface::signature;
use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};
use vsp_core::program::Program;
use vsp_core::text::most_similar;
use vsp_core::{Excerpt, Instance, Outcome};
use vsp_host::number;
use vsp_wasm::{Exports, ItemType, Options, Type};

use crate::functions::shown;
use crate::message;

/// The export that prepares a program without a main function.
const INITIALIZE: &str = "_initialize";

/// Returns whether the bytes of a file are a module, or its text, or meant to be.
pub(crate) fn is_module(path: &Path, bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") || is_named(path, "wasm") || is_text(path)
}

fn is_text(path: &Path) -> bool {
    is_named(path, "wat")
}

fn is_named(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(extension))
}

/// Translates a module, or its text, to the bytes of a program.
///
/// # Errors
/// The module is not valid, or cannot be translated.
pub(crate) fn translate(path: &Path, bytes: &[u8], options: &Options) -> Result<Vec<u8>, String> {
    let module = match is_text(path) {
        true => {
            let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
            let mut parser = wat::Parser::new();
            parser.generate_dwarf(wat::GenerateDwarf::Lines);
            parser.parse_str(Some(path), text).map_err(|error| error.to_string())?
        }
        false => bytes.to_vec(),
    };
    vsp_wasm::translate(&module, options).map_err(|error| error.to_string())
}

/// Returns whether a program was translated from WebAssembly.
pub(crate) fn is_translated(program: &Program<'_>) -> bool {
    Exports::read(program).is_some()
}

/// Returns the exported functions of a translated program with their types, as texts.
pub(crate) fn functions(program: &Program<'_>) -> Vec<(String, String)> {
    let Some(exports) = Exports::read(program) else { return Vec::new() };
    let functions = exports.exports.iter().filter_map(|(name, ty)| {
        let ItemType::Function { params, results } = ty else { return None };
        Some((name.clone(), signature(params, results).to_string()))
    });
    functions.collect()
}

/// Returns the imported globals, memories and tables of a translated program, each with its type, and what the program
/// has in its place: nothing that a host could provide.
pub(crate) fn own_imports(program: &Program<'_>) -> Vec<(String, String)> {
    let imports = Exports::read(program).unwrap_or_default().imports;
    let own = imports.iter().filter_map(|import| {
        let (ty, own) = match &import.ty {
            ItemType::Global { number, ty, .. } => {
                let value = program.globals().nth(*number as usize).unwrap_or_default();
                (format!("global {ty}"), format!("the program: {}", show(value, *ty)))
            }
            ItemType::Memory => ("memory".to_owned(), "the program: a memory of its own".to_owned()),
            ItemType::Table => ("table".to_owned(), "the program: a table of its own".to_owned()),
            _ => return None,
        };
        Some((format!("{}.{} {ty}", shown(&import.module), shown(&import.name)), own))
    });
    own.collect()
}

/// Renders the error that a translated program has no function to call. `what` is the error, `name` the function that
/// was asked for, if any was.
pub(crate) fn render_missing(program: &Program<'_>, what: &str, name: Option<&str>) -> String {
    let functions = functions(program);
    let names = functions.iter().map(|(name, _)| name.as_str());
    if let Some(similar) = name.and_then(|name| most_similar(name, names)) {
        return message::render_help(what, &[format!("did you mean `{}`?", Excerpt(similar))]);
    }
    let calls = functions.iter().map(|(name, ty)| format!("{} {ty}", shown(name)));
    let help = match functions.is_empty() {
        true => "the module exports no function",
        false => "`--invoke NAME ARGS` calls an exported function:",
    };
    message::render_list(what, help, calls)
}

/// Formats types: `(i32, f64)`.
fn list(types: &[Type]) -> String {
    let names: Vec<String> = types.iter().map(Type::to_string).collect();
    format!("({})", names.join(", "))
}

/// Returns whether a function of a translated program has parameters.
pub(crate) fn has_typed_parameters(program: &Program<'_>, name: &str) -> bool {
    Exports::read(program).is_some_and(|it| it.function(name).is_some_and(|(params, _)| !params.is_empty()))
}

/// Returns the functions that are called before the function `entry`.
pub(crate) fn before(program: &Program<'_>, entry: &str) -> Vec<String> {
    let Some(exports) = Exports::read(program) else { return Vec::new() };
    let has_initialize = exports.function(INITIALIZE) == Some((&[], &[]));
    let initialize =
        (has_initialize && entry != "_start" && entry != INITIALIZE).then(|| INITIALIZE.to_owned());
    exports.start.into_iter().chain(initialize).collect()
}

/// Returns what the number of a TRAP means in a translated program.
pub(crate) fn explain(program: &Program<'_>, code: u32) -> Option<&'static str> {
    vsp_wasm::trap_name(code).filter(|_| is_translated(program))
}

/// A call of an export with the types of WebAssembly.
pub(crate) struct Invocation {
    /// The arguments in registers.
    pub(crate) values: Vec<u64>,
    /// The arguments beyond them, and the globals that take them.
    extra: Vec<(u32, u64)>,
    results: Vec<Type>,
    /// The number of the first global for results beyond the registers.
    extra_results: u32,
}

impl Invocation {
    /// Prepares a call of the export `name` with these arguments.
    ///
    /// # Errors
    /// The rendered message why there is no such call.
    pub(crate) fn new(program: &Program<'_>, name: &str, args: &[String]) -> Result<Invocation, String> {
        let refuse = |text: String| message::render_text(&text);
        let exports = Exports::read(program).ok_or_else(|| {
            refuse("the program was not WebAssembly: --entry calls its functions".to_owned())
        })?;
        let Some((params, results)) = exports.function(name) else {
            let what = format!("the module exports no function \"{}\"", Excerpt(name));
            return Err(render_missing(program, &what, Some(name)));
        };
        if params.len() != args.len() {
            return Err(refuse(format!(
                "{} takes {}, and {} given",
                shown(name),
                list(params),
                crate::translate::counted(args.len() as u64, "argument")
                    + if args.len() == 1 { " was" } else { " were" }
            )));
        }
        let mut values = Vec::new();
        let mut extra = Vec::new();
        for (index, (text, ty)) in args.iter().zip(params).enumerate() {
            let bits = parse(text, *ty).ok_or_else(|| {
                refuse(format!("the argument \"{}\" is not a number of type {ty}", Excerpt(text)))
            })?;
            match index.checked_sub(MAX_PARAMS) {
                None => values.push(bits),
                Some(beyond) => extra.push((exports.extra_params + beyond as u32, bits)),
            }
        }
        Ok(Invocation { values, extra, results: results.to_vec(), extra_results: exports.extra_results })
    }

    /// Writes the arguments that have no registers.
    pub(crate) fn pass<S>(&self, instance: &mut Instance<'_, S>) {
        for (global, bits) in &self.extra {
            if let Some(value) = instance.global_mut(GlobalIndex(*global)) {
                *value = *bits;
            }
        }
    }

    /// Returns the results of a call that returned, each as text.
    pub(crate) fn results<S>(&self, instance: &Instance<'_, S>, outcome: &Outcome) -> Vec<String> {
        let Outcome::Returned(registers) = outcome else { return Vec::new() };
        let bits = |index: usize| match index.checked_sub(MAX_RESULTS) {
            None => registers.get(index).copied(),
            Some(beyond) => instance.global(GlobalIndex(self.extra_results + beyond as u32)),
        };
        let results = self.results.iter().enumerate();
        results.map(|(index, ty)| show(bits(index).unwrap_or_default(), *ty)).collect()
    }
}

/// Reads an argument as the bits of a register.
fn parse(text: &str, ty: Type) -> Option<u64> {
    match ty {
        Type::I32 => {
            let bits = number::integer(text).ok()?;
            let fits = match text.starts_with('-') {
                true => i32::try_from(bits as i64).is_ok(),
                false => u32::try_from(bits).is_ok(),
            };
            fits.then_some(u64::from(bits as u32))
        }
        Type::I64 => number::integer(text).ok(),
        Type::F32 => {
            let number = number::float(text).ok()?;
            // One rounding, of the decimal itself.
            let number = text.parse().unwrap_or(number as f32);
            Some(u64::from(if number.is_nan() { CANONICAL_NAN } else { number.to_bits() }))
        }
        Type::F64 => number::float(text).ok().map(f64::to_bits),
        _ => (text == "null").then_some(0),
    }
}

/// The bits of the NaN of type f32.
const CANONICAL_NAN: u32 = 0x7FC0_0000;

/// Formats a result: integers as signed decimals, floating-point numbers as the shortest decimals that read back as the
/// same number.
fn show(bits: u64, ty: Type) -> String {
    match ty {
        Type::I32 => (bits as i32).to_string(),
        Type::I64 => (bits as i64).to_string(),
        Type::F32 => format!("{:?}", f32::from_bits(bits as u32)),
        Type::F64 => format!("{:?}", f64::from_bits(bits)),
        _ if bits == 0 => "null".to_owned(),
        _ => bits.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        for (text, ty, bits) in [
            ("-1", Type::I32, Some(0xFFFF_FFFF)),
            ("4294967295", Type::I32, Some(0xFFFF_FFFF)),
            ("0x10", Type::I32, Some(16)),
            ("4294967296", Type::I32, None),
            ("-2147483649", Type::I32, None),
            ("18446744073709551615", Type::I32, None),
            ("1.5", Type::I32, None),
            ("-1", Type::I64, Some(u64::MAX)),
            ("18446744073709551615", Type::I64, Some(u64::MAX)),
            ("0.1", Type::F32, Some(0x3DCC_CCCD)),
            // It rounds to 1 as a binary64, and then would to 1 as a binary32.
            ("1.00000005960464477540", Type::F32, Some(0x3F80_0001)),
            ("-inf", Type::F32, Some(0xFF80_0000)),
            ("nan", Type::F32, Some(0x7FC0_0000)),
            ("3", Type::F32, Some(0x4040_0000)),
            ("0.1", Type::F64, Some(0x3FB9_9999_9999_999A)),
            ("x", Type::F64, None),
            ("null", Type::FuncRef, Some(0)),
            ("1", Type::ExternRef, None),
        ] {
            assert_eq!(parse(text, ty), bits, "{text} {ty}");
        }
    }

    #[test]
    fn results() {
        assert_eq!(show(0xFFFF_FFFF, Type::I32), "-1");
        assert_eq!(show(u64::MAX, Type::I64), "-1");
        assert_eq!(show(0x3DCC_CCCD, Type::F32), "0.1");
        assert_eq!(show(0x3FB9_9999_9999_999A, Type::F64), "0.1");
        assert_eq!(show(0x7FC0_0000, Type::F32), "NaN");
        assert_eq!(show(0, Type::FuncRef), "null");
    }
}
