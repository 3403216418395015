//! A profile, as text and as JSON.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::{Escaped, Excerpt};

use super::recorder::Recording;
use crate::code::{Code, Line};
use crate::execution::Ending;
use crate::table::Table;
use crate::translate::counted;

/// All counts; functions, lines and stacks with the most instructions come first.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    outcome: &'static str,
    exit_code: u8,
    instructions: u64,
    fuel_used: u64,
    functions: Vec<FunctionCount>,
    lines: Vec<LineCount>,
    stacks: Vec<StackCount>,
}

#[derive(Debug, Serialize)]
struct FunctionCount {
    index: u32,
    name: String,
    file: Option<String>,
    line: Option<u32>,
    /// Its own instructions.
    #[serde(rename = "self")]
    own: u64,
    /// Its own instructions and those of its callees.
    total: u64,
    calls: u64,
}

/// The instructions of a source line, or of the words of a function without a known line.
#[derive(Debug, Serialize)]
struct LineCount {
    file: Option<String>,
    line: Option<u32>,
    function: Option<String>,
    instructions: u64,
    #[serde(skip)]
    source: Option<Line>,
}

#[derive(Debug, Serialize)]
struct StackCount {
    /// The names of the functions, outermost first.
    stack: Vec<String>,
    /// The source line of the innermost function, with `--lines`.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    instructions: u64,
}

impl Report {
    pub(crate) fn new(recording: &Recording, code: &Code<'_>, ending: &Ending) -> Report {
        let counts = recording.stacks().into_iter().map(|(stack, line, instructions)| StackCount {
            stack: stack.iter().map(|function| code.function(*function)).collect(),
            line: line.map(|line| code.line_name(line)),
            instructions,
        });
        let mut stacks: Vec<StackCount> = counts.collect();
        stacks.sort_by_key(|stack| Reverse(stack.instructions));
        Report {
            outcome: ending.end.outcome,
            exit_code: ending.end.code,
            instructions: recording.instructions,
            fuel_used: ending.fuel_used,
            functions: functions(recording, code),
            lines: lines(recording, code),
            stacks,
        }
    }

    /// Returns the number of executed instructions.
    #[cfg(feature = "flamegraph")]
    pub(crate) fn instructions(&self) -> u64 {
        self.instructions
    }

    /// Returns the call stacks as lines for flame graphs: functions and source lines separated by semicolons, and a
    /// count.
    #[cfg(feature = "flamegraph")]
    pub(crate) fn folded(&self) -> Vec<String> {
        let frame = |name: &String| name.replace(';', ",").escape_debug().to_string();
        let line = |count: &StackCount| {
            let frames: Vec<String> = count.stack.iter().chain(&count.line).map(frame).collect();
            format!("{} {}", frames.join(";"), count.instructions)
        };
        self.stacks.iter().map(line).collect()
    }

    /// Formats the profile for a terminal: the first `top` functions and lines, or all if that is 0.
    pub(crate) fn text(&self, code: &Code<'_>, top: usize) -> String {
        let top = if top == 0 { usize::MAX } else { top };
        let mut out = format!(
            "{}, {} of fuel\n",
            counted(self.instructions, "instruction"),
            counted(self.fuel_used, "unit")
        );
        let mut table = Table::new(
            &["self", "%", "total", "%", "calls", "function"],
            &[true, true, true, true, true, false],
        );
        for count in self.functions.iter().take(top) {
            let at = match (&count.file, count.line) {
                (Some(file), Some(line)) => format!("{} ({}:{line})", Excerpt(&count.name), Escaped(file)),
                _ => Excerpt(&count.name).to_string(),
            };
            table.row([
                count.own.to_string(),
                self.percent(count.own),
                count.total.to_string(),
                self.percent(count.total),
                count.calls.to_string(),
                at,
            ]);
        }
        out += &format!("\n{}", table.render(0));
        out += &self.rest("functions", self.functions.iter().skip(top).map(|count| count.own));
        let mut table = Table::new(&["self", "%", "line", ""], &[true, true, false, false]);
        for count in self.lines.iter().take(top) {
            let location = match (&count.file, count.line, &count.function) {
                (Some(file), Some(line), _) => format!("{}:{line}", Escaped(file)),
                (_, _, function) => format!("{} (no line)", Excerpt(function.as_deref().unwrap_or_default())),
            };
            let source = count.source.and_then(|line| code.shown_source(line)).unwrap_or_default();
            table.row([
                count.instructions.to_string(),
                self.percent(count.instructions),
                location,
                source.trim().to_owned(),
            ]);
        }
        out += &format!("\n{}", table.render(0));
        out + &self.rest("lines", self.lines.iter().skip(top).map(|count| count.instructions))
    }

    fn percent(&self, count: u64) -> String {
        format!("{:.1}", 100.0 * count as f64 / self.instructions.max(1) as f64)
    }

    /// Summarises the rows that are not shown.
    fn rest(&self, what: &str, left: impl Iterator<Item = u64>) -> String {
        let (count, sum) = left.fold((0, 0), |(count, sum), instructions| (count + 1, sum + instructions));
        match count {
            0 => String::new(),
            _ => format!("and {count} more {what} with {sum} instructions, {} %\n", self.percent(sum)),
        }
    }
}

/// Returns the functions that were called.
fn functions(recording: &Recording, code: &Code<'_>) -> Vec<FunctionCount> {
    let called = (0..).zip(&recording.functions).filter(|(_, counts)| counts.calls > 0);
    let mut functions: Vec<FunctionCount> = called
        .map(|(index, counts)| {
            let line = code.line(Location { function: FuncIndex(index), word: 0 });
            FunctionCount {
                index,
                name: code.function(FuncIndex(index)),
                file: line.map(|line| code.file_name(line.file).to_owned()),
                line: line.map(|line| line.line),
                own: counts.own,
                total: counts.total,
                calls: counts.calls,
            }
        })
        .collect();
    functions.sort_by_key(|count| (Reverse(count.own), count.index));
    functions
}

fn lines(recording: &Recording, code: &Code<'_>) -> Vec<LineCount> {
    let mut known: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut unknown: BTreeMap<FuncIndex, u64> = BTreeMap::new();
    let mut words = recording.words.iter();
    for function in (0..recording.functions.len() as u32).map(FuncIndex) {
        for (word, count) in (0..code.words(function)).zip(words.by_ref()) {
            match code.line(Location { function, word }) {
                _ if *count == 0 => {}
                Some(line) => *known.entry((line.file, line.line)).or_default() += count,
                None => *unknown.entry(function).or_default() += count,
            }
        }
    }
    let known = known.into_iter().map(|((file, line), instructions)| LineCount {
        file: Some(code.file_name(file).to_owned()),
        line: Some(line),
        function: None,
        instructions,
        source: Some(Line { file, line }),
    });
    let unknown = unknown.into_iter().map(|(function, instructions)| LineCount {
        file: None,
        line: None,
        function: Some(code.function(function)),
        instructions,
        source: None,
    });
    let mut lines: Vec<LineCount> = known.chain(unknown).collect();
    lines.sort_by_key(|count| Reverse(count.instructions));
    lines
}
