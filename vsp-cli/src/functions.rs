//! Lookup of functions by name, for the command line and the debugger.

use vsp_core::Excerpt;
use vsp_core::index::FuncIndex;
use vsp_core::text::most_similar;
use vsp_core::verify::Verified;

/// Maximum number of names in a message.
pub(crate) const MAX_NAMES: usize = 8;

/// Returns the function with this name, or `$` and number, or the one that is exported by it.
pub(crate) fn named(verified: &Verified<'_>, name: &str) -> Result<FuncIndex, String> {
    let count = verified.functions().len() as u32;
    let program = verified.program();
    let all = || (0..count).map(FuncIndex);
    let number = || name.strip_prefix('$')?.parse().ok().filter(|number| *number < count).map(FuncIndex);
    let by_name = || all().find(|function| program.function_name(*function) == Some(name));
    number().or_else(by_name).or_else(|| program.export(name)).ok_or_else(|| {
        let names = all().filter_map(|function| program.function_name(function));
        missing(name, count, names.chain(program.exports().map(|export| export.name)))
    })
}

/// Returns the message for an unknown function: with a similar name, or with the names there are. `names` are those of
/// the functions; a name may occur twice.
pub(crate) fn missing<'n>(name: &str, count: u32, names: impl Iterator<Item = &'n str>) -> String {
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let hint = match (most_similar(name, known.iter().copied()), known.as_slice(), count) {
        (Some(similar), ..) => format!("did you mean `{}`?", Excerpt(similar)),
        (None, [], 0) => "there is none".to_owned(),
        (None, [], _) => format!("functions have no names here, and are $0 to ${}", count - 1),
        (None, known, _) => format!("there are {}", list(known)),
    };
    format!("there is no function `{}`; {hint}", Excerpt(name))
}

/// Returns a list of names, abbreviated if there are many.
pub(crate) fn list(names: &[&str]) -> String {
    let shown = names.iter().take(MAX_NAMES).map(|name| shown(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns a name for a message; an empty one is visible as `""`.
pub(crate) fn shown(name: &str) -> String {
    if name.is_empty() { "\"\"".to_owned() } else { Excerpt(name).to_string() }
}
