//! `vsp dump`.

mod contents;
#[cfg(feature = "jit")]
mod object;

#[cfg(feature = "jit")]
use std::fmt::Display;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::files;
use crate::load;
use crate::message;
use crate::style::{self, TITLE, paint};
use crate::table::Table;
use crate::translate::{Result, print};
use contents::{Contents, Function};

/// Maximum number of bytes of a data segment that are shown, if they fit the line.
const MAX_BYTES: usize = 16;

/// Width of a line about a data segment in columns, unless its name is long.
const COLUMNS: usize = 80;

const NOTES: &str = "\
Examples:
  vsp dump examples/fib.sil
  vsp dump --blocks --function fib examples/fib.sil
  vsp dump --json program.silc | jq '.functions[] | {name, words}'
  vsp dump program.vsc

A program that breaks rules of the verifier is dumped too, but has no blocks. Of a code object \
(`vsp compile`) it shows the target, and the code of each function.

Exit codes: 0, 1 if the file is neither or has no such function, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct DumpArgs {
    /// A .silc program, or a .sil text, which is assembled first; or a .vsc code object. `-` is the standard input.
    file: PathBuf,
    /// Show the basic blocks of the functions, with their successors.
    #[arg(long)]
    blocks: bool,
    /// Only this function: its name, or $ and its number. Can be repeated.
    #[arg(long, short, value_name = "NAME")]
    function: Vec<String>,
    /// Write everything, including blocks, as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn dump(args: &DumpArgs) -> Result<ExitCode> {
    let path = files::name(&args.file);
    let bytes = files::read(&args.file).map_err(|error| files::refuse(path, &error))?;
    if load::is_code(&bytes) {
        return dump_object(args, path, &bytes);
    }
    let loaded = load::from_bytes(path, bytes).map_err(|error| message::render(&error))?;
    let mut contents = Contents::of(&loaded).map_err(|error| message::render_text(&error.to_string()))?;
    if !args.function.is_empty() {
        contents.keep_functions(&args.function).map_err(|error| files::refuse(path, &error))?;
    }
    if args.json {
        json(&contents)?;
    } else {
        style::print(&text(&contents, args.blocks))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "jit")]
fn dump_object(args: &DumpArgs, path: &Path, bytes: &[u8]) -> Result<ExitCode> {
    let refuse = |error: &dyn Display| files::refuse(path, error);
    if args.blocks {
        return Err(refuse(&"a code object has no basic blocks; dump the program instead"));
    }
    let mut contents = object::contents(path, bytes).map_err(|error| refuse(&error))?;
    if !args.function.is_empty() {
        contents.keep_functions(&args.function).map_err(|error| files::refuse(path, &error))?;
    }
    if args.json {
        json(&contents)?;
    } else {
        style::print(&contents.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "jit"))]
fn dump_object(_: &DumpArgs, _: &Path, _: &[u8]) -> Result<ExitCode> {
    Err(crate::feature::missing("dump of a code object", "jit"))
}

fn json(contents: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(contents);
    print(&json.map_err(|error| message::render_text(&error.to_string()))?)?;
    print("\n")
}

fn text(contents: &Contents, blocks: bool) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut out, contents)
        .and_then(|()| sections(&mut out, contents))
        .and_then(|()| items(&mut out, contents))
        .and_then(|()| functions(&mut out, contents, blocks));
    out
}

fn head(out: &mut String, contents: &Contents) -> std::fmt::Result {
    let Contents { file, format, bytes, checksum, .. } = contents;
    let state = if contents.errors.is_empty() { "verified" } else { "breaks rules of the verifier" };
    let file = paint(TITLE, file);
    writeln!(out, "{file}: format {format}, {bytes} bytes, CRC-32 0x{checksum:08X}, {state}")?;
    contents.errors.iter().try_for_each(|error| writeln!(out, "  {error}"))
}

fn sections(out: &mut String, contents: &Contents) -> std::fmt::Result {
    let mut table = Table::new(&["section", "id", "offset", "bytes"], &[false, true, true, true]);
    for section in &contents.sections {
        let offset = format!("0x{:X}", section.offset);
        table.row([section.name.into(), section.id.to_string(), offset, section.bytes.to_string()]);
    }
    write!(out, "\n{}", table.render(0))
}

fn items(out: &mut String, contents: &Contents) -> std::fmt::Result {
    match contents.memory_maximum {
        Some(maximum) => {
            writeln!(out, "\nmemory: at least {} bytes, grows to {maximum}", contents.memory)?;
        }
        None => writeln!(out, "\nmemory: at least {} bytes", contents.memory)?,
    }
    list(out, "imports", &contents.imports, |import| {
        let (module, name) = (quoted(&import.module), quoted(&import.name));
        format!("{module}.{name} {}", shown_type(import.params, import.results, import.tag))
    })?;
    list(out, "globals", &contents.globals, |global| match &global.name {
        Some(name) => format!("{} = {}", quoted(name), global.initial.0 as i64),
        None => format!("= {}", global.initial.0 as i64),
    })?;
    list(out, "constants", &contents.constants, |constant| constant_text(constant.0))?;
    list(out, "data", &contents.data, |data| {
        let name = data.name.as_ref().map_or_else(String::new, |name| format!("{} ", quoted(name)));
        let end = u64::from(data.address) + data.bytes.len() as u64;
        let head = format!("{name}at 0x{:X} to 0x{:X}, {} bytes: ", data.address, end - 1, data.bytes.len());
        let shown = beginning(
            &data.bytes,
            COLUMNS.saturating_sub(indent(contents.data.len()) + head.chars().count()),
        );
        head + &shown
    })?;
    list(out, "passive segments", &contents.passive, |passive| {
        let name = passive.name.as_ref().map_or_else(String::new, |name| format!("{} ", quoted(name)));
        let head = format!("{name}{} bytes: ", passive.bytes.len());
        let left = COLUMNS.saturating_sub(indent(contents.passive.len()) + head.chars().count());
        let shown = beginning(&passive.bytes, left);
        head + &shown
    })?;
    list(out, "custom sections", &contents.customs, |custom| {
        format!("{}: {} bytes", quoted(&custom.name), custom.bytes)
    })?;
    list(out, "source files", &contents.source_files, |file| quoted(file))?;
    list(out, "exports", &contents.exports, |export| {
        format!("{} is function ${}", quoted(&export.name), export.function)
    })
}

fn list<T>(out: &mut String, title: &str, items: &[T], text: impl Fn(&T) -> String) -> std::fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}: {}", paint(TITLE, title), items.len())?;
    let width = indent(items.len()) - 4;
    for (index, thing) in items.iter().enumerate() {
        writeln!(out, "  {:<width$}  {}", format!("${index}"), text(thing))?;
    }
    Ok(())
}

/// Returns the number of columns in front of the texts of a list.
fn indent(items: usize) -> usize {
    "  $  ".len() + items.saturating_sub(1).to_string().len()
}

/// Returns the first bytes of data in quotes, as many as fit the columns, but at least some.
fn beginning(bytes: &[u8], columns: usize) -> String {
    const LEAST: usize = 4;
    let mut shown = String::new();
    for (number, byte) in bytes.iter().take(MAX_BYTES).enumerate() {
        let escaped = byte.escape_ascii().to_string();
        if number >= LEAST && shown.len() + escaped.len() + "\"\" _".len() > columns {
            return format!("\"{shown}\" …");
        }
        shown += &escaped;
    }
    let rest = if bytes.len() > MAX_BYTES { " …" } else { "" };
    format!("\"{shown}\"{rest}")
}

/// Formats an integer, and the binary64 with its bits if that is likely.
fn constant_text(bits: u64) -> String {
    match crate::value::likely_float(bits) {
        Some(float) => format!("0x{bits:016X}, {float:?}"),
        None => (bits as i64).to_string(),
    }
}

fn functions(out: &mut String, contents: &Contents, blocks: bool) -> std::fmt::Result {
    writeln!(out, "\n{}: {}", paint(TITLE, "functions"), contents.functions.len())?;
    // If all lines are of one file, its name is shown above the table.
    let one_file = contents.source_files.len() == 1;
    let titles: &[&str; 10] = match one_file {
        true => &["", "name", "type", "words", "blocks", "loops", "locals", "frame", "leaf", "line"],
        false => &["", "name", "type", "words", "blocks", "loops", "locals", "frame", "leaf", "source"],
    };
    let mut table = Table::new(titles, &[false, false, false, true, true, true, true, true, false, false]);
    for function in &contents.functions {
        table.row(function_row(function, one_file));
    }
    out.write_str(&table.render(2))?;
    if !blocks {
        return Ok(());
    }
    for function in &contents.functions {
        writeln!(
            out,
            "\n{}",
            paint(TITLE, &format!("blocks of ${} {}", function.index, function.shown_name()))
        )?;
        let mut table = Table::new(&["block", "words", "leads to"], &[true, false, false]);
        for (index, block) in function.blocks.iter().flatten().enumerate() {
            let words = format!("{}-{}", block.first_word, block.first_word + block.words - 1);
            let successors: Vec<String> = block.successors.iter().map(u32::to_string).collect();
            let leads = match (block.reachable, successors.is_empty()) {
                (false, _) => format!("{} (never reached)", successors.join(", ")).trim_start().to_owned(),
                (true, true) => "-".to_owned(),
                (true, false) => successors.join(", "),
            };
            table.row([index.to_string(), words, leads]);
        }
        out.write_str(&table.render(2))?;
    }
    Ok(())
}

fn function_row(function: &Function, one_file: bool) -> [String; 10] {
    let count = |count: Option<usize>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let source = function.source.as_ref();
    [
        format!("${}", function.index),
        function.shown_name(),
        shown_type(function.params, function.results, function.tag),
        function.words.to_string(),
        count(function.blocks.as_ref().map(Vec::len)),
        count(function.blocks.as_ref().map(|_| function.loop_heads.len())),
        function.locals.to_string(),
        function.frame_cells.to_string(),
        if function.short_leaf == Some(true) { "short" } else { "" }.to_owned(),
        source.map_or_else(String::new, |source| match one_file {
            true => source.line.to_string(),
            false => format!("{}:{}", quoted(&source.file), source.line),
        }),
    ]
}

/// Returns a name as it is, or in quotes with escapes if it is not simple.
pub(crate) fn quoted(name: &str) -> String {
    let is_simple = |character: char| character.is_alphanumeric() || "_-./+$".contains(character);
    if !name.is_empty() && name.chars().all(is_simple) { name.to_owned() } else { format!("{name:?}") }
}

/// Returns a function type as in a text.
fn shown_type(params: usize, results: usize, tag: Option<u32>) -> String {
    let tag = tag.map_or(String::new(), |tag| format!(" tag {tag}"));
    format!("({params}) -> {results}{tag}")
}
