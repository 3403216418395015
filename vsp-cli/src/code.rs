//! The code of a program: locations with their names and source lines, and lookups of locations.

use std::collections::BTreeMap;
use std::path::Path;

use vsp_core::index::{FuncIndex, GlobalIndex, Location};
use vsp_core::program::{LineEntry, NameKind, Program};
use vsp_core::text::{self, Listing, Number};
use vsp_core::verify::Verified;
use vsp_core::{Escaped, Excerpt};

use crate::functions;
use crate::message;

/// Size limit of source files in bytes; larger ones are not read.
const MAX_SOURCE: u64 = 16 << 20;

/// A source file, with its lines if they are available.
#[derive(Debug)]
struct Source {
    name: String,
    lines: Vec<String>,
}

/// A line of a source file: the index of the file, and the line from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) file: u32,
    pub(crate) line: u32,
}

/// The position that `break` and `list` take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Word(Location),
    Line(Line),
}

/// The code of a program.
#[derive(Debug)]
pub(crate) struct Code<'p> {
    verified: &'p Verified<'p>,
    /// The name of every function, or its number.
    functions: Vec<String>,
    listing: Listing<'p>,
    entries: Vec<LineEntry>,
    sources: Vec<Source>,
    /// Whether the only source file is the text that the program was assembled from. (Determined by
    /// [`Code::with_text`].)
    has_text: bool,
    /// The values of the names of `.equ` and `.space`, if so.
    numbers: BTreeMap<String, Number>,
}

impl<'p> Code<'p> {
    /// Creates the code of a program. `text` is the text of the file at `path`, if it was assembled from one.
    pub(crate) fn new(verified: &'p Verified<'p>, path: &Path, text: Option<&str>) -> Code<'p> {
        let program = verified.program();
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let source = |name: &str| {
            let content = match text {
                Some(text) if own.as_deref() == Some(name) => Some(text.to_owned()),
                _ => read_source(path, name),
            };
            let lines = content.unwrap_or_default().lines().map(str::to_owned).collect();
            Source { name: name.to_owned(), lines }
        };
        Code {
            verified,
            functions: function_names(program),
            listing: Listing::new(program),
            entries: program.lines().collect(),
            sources: program.source_files().map(source).collect(),
            has_text: false,
            numbers: BTreeMap::new(),
        }
    }

    /// Adds what only the text has: labels, the notation of operands, and the values of the names of `.equ` and
    /// `.space`. This needs the text, unchanged since the program was assembled from it.
    pub(crate) fn with_text(mut self) -> Code<'p> {
        let [source] = &self.sources[..] else { return self };
        let content = source.lines.join("\n") + "\n";
        let assembled = text::assemble(&content, &source.name);
        self.has_text = assembled.is_ok_and(|bytes| bytes == self.verified.program().bytes());
        if self.has_text {
            self.numbers = text::numbers(&content).unwrap_or_default();
        }
        self
    }

    /// Returns the name of a function, or its number.
    pub(crate) fn function(&self, function: FuncIndex) -> String {
        self.functions.get(function.index()).cloned().unwrap_or_else(|| format!("${function}"))
    }

    /// Formats a location: `main+3`.
    pub(crate) fn location(&self, location: Location) -> String {
        format!("{}+{}", Excerpt(&self.function(location.function)), location.word)
    }

    /// Formats a location with its source line: `main+3 (sum.sil:12)`.
    pub(crate) fn describe(&self, location: Location) -> String {
        match self.line(location) {
            Some(line) => format!("{} ({})", self.location(location), self.line_name(line)),
            None => self.location(location),
        }
    }

    /// Formats a source line: `sum.sil:12`.
    pub(crate) fn line_name(&self, line: Line) -> String {
        format!("{}:{}", Escaped(self.file_name(line.file)), line.line)
    }

    pub(crate) fn file_name(&self, file: u32) -> &str {
        self.sources.get(file as usize).map_or("?", |source| &source.name)
    }

    /// Returns the text of a source line, if it is available.
    fn source(&self, line: Line) -> Option<&str> {
        let lines = &self.sources.get(line.file as usize)?.lines;
        lines.get((line.line as usize).checked_sub(1)?).map(String::as_str)
    }

    /// Returns a source line as it is shown, with spaces for tabs, if it is available.
    pub(crate) fn shown_source(&self, line: Line) -> Option<String> {
        Some(Escaped(&self.source(line)?.replace('\t', "    ")).to_string())
    }

    /// Returns the instruction at a location, as the disassembler writes it.
    pub(crate) fn instruction(&self, location: Location) -> Option<String> {
        self.listing.instruction(location)
    }

    /// Returns the label of a location, if a branch goes there.
    pub(crate) fn label(&self, location: Location) -> Option<String> {
        self.listing.label(location)
    }

    /// Returns the instruction at a location as it is written in the text, with its names, if it has a line to itself;
    /// else as the disassembler writes it.
    pub(crate) fn written_instruction(&self, location: Location) -> Option<String> {
        let own_line = self.starts_line(location)
            && self
                .entry(Location { word: location.word + 1, ..location })
                .is_none_or(|next| self.code_word(location).is_some_and(|word| next.word > word));
        let line = self.line(location).filter(|_| own_line && self.has_text);
        let written = line.and_then(|line| self.source(line)).map(|line| split_line(line).1);
        match written.filter(|written| !written.is_empty()) {
            Some(written) => Some(Escaped(&align(written)).to_string()),
            None => self.instruction(location),
        }
    }

    /// Returns the label of a location as in the text, or the disassembler's if the text is not available; `None` if no
    /// branch goes there.
    pub(crate) fn written_label(&self, location: Location) -> Option<String> {
        let label = self.label(location)?;
        let Some(line) = self.line(location).filter(|_| self.has_text && self.starts_line(location)) else {
            return Some(label);
        };
        let above = (1..=line.line).rev().map_while(|number| self.source(Line { line: number, ..line }));
        for (distance, text) in above.enumerate() {
            match split_line(text) {
                (Some(name), _) => return Some(Escaped(name).to_string()),
                (None, rest) if distance > 0 && !rest.is_empty() => break,
                _ => {}
            }
        }
        Some(label)
    }

    /// Returns the number of words of a function.
    pub(crate) fn words(&self, function: FuncIndex) -> u32 {
        self.verified.function(function).map_or(0, |function| function.words)
    }

    /// Converts a location to a word index in the whole code.
    fn code_word(&self, location: Location) -> Option<u32> {
        let function = self.verified.function(location.function)?;
        (location.word < function.words).then(|| function.start + location.word)
    }

    /// Returns the last entry at or before a word.
    fn entry(&self, location: Location) -> Option<LineEntry> {
        let word = self.code_word(location)?;
        let after = self.entries.partition_point(|entry| entry.word <= word);
        self.entries.get(after.checked_sub(1)?).copied()
    }

    /// Returns the source line of a location.
    pub(crate) fn line(&self, location: Location) -> Option<Line> {
        let entry = self.entry(location)?;
        (entry.line != 0).then_some(Line { file: entry.file, line: entry.line })
    }

    /// Returns the source line of every word of the code.
    pub(crate) fn lines_of_words(&self) -> Vec<Option<Line>> {
        let words = (0..self.verified.program().code().len() as u32).map(|word| self.location_of(word));
        words.map(|location| self.line(location?)).collect()
    }

    /// Returns whether a source line starts at this location, or it has no line.
    pub(crate) fn starts_line(&self, location: Location) -> bool {
        self.entry(location)
            .is_none_or(|entry| entry.line == 0 || Some(entry.word) == self.code_word(location))
    }

    /// Converts a word index in the whole code to a location.
    fn location_of(&self, word: u32) -> Option<Location> {
        let functions = self.verified.functions();
        let index = functions.partition_point(|function| function.start <= word).checked_sub(1)?;
        Some(Location { function: FuncIndex(index as u32), word: word - functions[index].start })
    }

    /// Returns the locations where a line starts; if it has no code, those of the next line that has.
    pub(crate) fn locations_of(&self, wanted: Line) -> Result<(Line, Vec<Location>), String> {
        let of_file = || self.entries.iter().filter(|entry| entry.file == wanted.file && entry.line != 0);
        let line = of_file().map(|entry| entry.line).filter(|line| *line >= wanted.line).min();
        let line = line.ok_or_else(|| format!("there is no code at or after {}", self.line_name(wanted)))?;
        let entries = of_file().filter(|entry| entry.line == line);
        Ok((Line { line, ..wanted }, entries.filter_map(|entry| self.location_of(entry.word)).collect()))
    }

    /// Parses a position: `LINE`, `FILE:LINE`, `FUNCTION`, `FUNCTION+WORD`. A line without a file is in the file of
    /// `here`.
    pub(crate) fn position(&self, text: &str, here: Option<Location>) -> Result<Position, String> {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            let file = here.and_then(|here| self.line(here)).map_or(0, |line| line.file);
            if self.sources.is_empty() {
                return Err("the program has no source lines; use FUNCTION+WORD".into());
            }
            return Ok(Position::Line(Line { file, line: line_number(text)? }));
        }
        // Not a name like `core::fmt::write`.
        if let Some((name, line)) = text.rsplit_once(':').filter(|(name, _)| !name.ends_with(':')) {
            return Ok(Position::Line(Line { file: self.file_named(name)?, line: line_number(line)? }));
        }
        let (name, word) = match text.rsplit_once('+') {
            Some((name, word)) => {
                (name, word.parse().map_err(|_| format!("`{}` is not a word number", Excerpt(word)))?)
            }
            None => (text, 0),
        };
        let function = self
            .function_named(name.trim_matches('"'))
            .map_err(|error| format!("{error}; a location is LINE, FILE:LINE, FUNCTION or FUNCTION+WORD"))?;
        let words = self.words(function);
        if word >= words {
            return Err(format!("{} has the words 0 to {}", Excerpt(name), words - 1));
        }
        Ok(Position::Word(Location { function, word }))
    }

    /// Returns the source file with this name, or the only one whose path ends with it.
    fn file_named(&self, name: &str) -> Result<u32, String> {
        let files = || (0..).zip(&self.sources);
        if let Some((file, _)) = files().find(|(_, source)| source.name == name) {
            return Ok(file);
        }
        let is_end = |path: &str| path.strip_suffix(name).is_some_and(|folders| folders.ends_with('/'));
        let found: Vec<(u32, &str)> =
            files().map(|(file, source)| (file, &*source.name)).filter(|(_, path)| is_end(path)).collect();
        let list =
            |files: &[(u32, &str)]| functions::list(&files.iter().map(|(_, path)| *path).collect::<Vec<_>>());
        match found[..] {
            [(file, _)] => Ok(file),
            [] => {
                let all: Vec<_> = files().map(|(file, source)| (file, &*source.name)).collect();
                Err(format!("there is no source file `{}`; there are {}", Excerpt(name), list(&all)))
            }
            _ => Err(format!("more than one source file is named `{}`: {}", Excerpt(name), list(&found))),
        }
    }

    /// Returns the function with this name, or `$` and number.
    pub(crate) fn function_named(&self, name: &str) -> Result<FuncIndex, String> {
        functions::named(self.verified, name)
    }

    /// Lists all functions: name, type, words and first line.
    pub(crate) fn functions(&self) -> Vec<String> {
        let functions = (0..).map(FuncIndex).zip(self.verified.functions());
        let described = functions.map(|(index, function)| {
            let line = self.line(Location { function: index, word: 0 });
            let at = line.map_or_else(String::new, |line| format!(" ({})", self.line_name(line)));
            let (name, ty) = (self.function(index), function.ty);
            let (words, locals) = (function.words, function.locals);
            let name = Excerpt(&name);
            format!("${index} {name} {ty}: {words} words, {locals} locals{at}")
        });
        described.collect()
    }

    /// Returns the name of a global, or its number.
    pub(crate) fn global(&self, global: GlobalIndex) -> String {
        let name = self.verified.program().name(NameKind::Global, global.0);
        name.map_or_else(|| format!("global ${global}"), str::to_owned)
    }

    /// Returns the global with this name.
    pub(crate) fn global_named(&self, name: &str) -> Option<GlobalIndex> {
        let mut names = self.verified.program().names();
        let found = names.find(|entry| entry.kind == NameKind::Global && entry.name == name)?;
        Some(GlobalIndex(found.index))
    }

    /// Returns the value of a name of `.equ` or `.space`.
    pub(crate) fn number_named(&self, name: &str) -> Option<Number> {
        self.numbers.get(name).copied()
    }

    /// Returns the names that expressions know.
    pub(crate) fn value_names(&self) -> impl Iterator<Item = &str> {
        let names = self.verified.program().names();
        let names = names.filter(|entry| entry.kind != NameKind::Function).map(|entry| entry.name);
        names.chain(self.numbers.keys().map(String::as_str))
    }

    /// Returns whether the program comes from one file at most, so that a line needs no file.
    pub(crate) fn has_one_source(&self) -> bool {
        self.sources.len() <= 1
    }

    /// Returns the address of the data segment with this name.
    pub(crate) fn data_named(&self, name: &str) -> Option<u32> {
        let program = self.verified.program();
        let found = program.names().find(|entry| entry.kind == NameKind::Data && entry.name == name)?;
        program.data().nth(found.index as usize).map(|data| data.address)
    }
}

/// Splits a line of the text into the label in front of the instruction, if there is one, and the rest without its
/// comment.
fn split_line(line: &str) -> (Option<&str>, &str) {
    let mut rest = message::code_of(line).trim();
    let mut label = None;
    while let Some((name, after)) = rest.split_once(':') {
        let is_name = |it: char| it.is_alphanumeric() || it == '_';
        if name.is_empty() || !name.trim_end().chars().all(is_name) {
            break;
        }
        label = Some(name.trim_end());
        rest = after.trim_start();
    }
    (label, rest)
}

/// Returns the debug name of every function; if it has none, the first name that it is exported by; else its number.
fn function_names(program: &Program<'_>) -> Vec<String> {
    let mut names: Vec<Option<&str>> = vec![None; program.function_count()];
    let exports = program.exports().map(|export| (export.function.index(), export.name));
    let debug_names = program.names().filter(|name| name.kind == NameKind::Function);
    for (function, name) in debug_names.map(|name| (name.index as usize, name.name)).chain(exports) {
        names[function].get_or_insert(name);
    }
    let named = names.into_iter().enumerate();
    let shown = |(index, name): (usize, Option<&str>)| match name {
        Some("") => "\"\"".to_owned(),
        Some(name) => name.to_owned(),
        None => format!("${index}"),
    };
    named.map(shown).collect()
}

/// Aligns the operands of an instruction in a column.
fn align(instruction: &str) -> String {
    match instruction.split_once(char::is_whitespace) {
        Some((mnemonic, operands)) => format!("{mnemonic:<9} {}", operands.trim_start()),
        None => instruction.to_owned(),
    }
}

fn line_number(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|line| *line > 0)
        .ok_or_else(|| format!("`{}` is not a line number", Excerpt(text)))
}

/// Reads the source file that a program names, if it lies in the program's folder, in the current one, or below.
fn read_source(program: &Path, name: &str) -> Option<String> {
    let is_below = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let read = |folder: &Path| {
        let path = folder.join(name);
        let metadata = std::fs::metadata(&path).ok().filter(|it| it.is_file() && it.len() <= MAX_SOURCE);
        metadata.and_then(|_| std::fs::read_to_string(path).ok())
    };
    if !is_below {
        return None;
    }
    read(program.parent()?).or_else(|| read(Path::new("")))
}
