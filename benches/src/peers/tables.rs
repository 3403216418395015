//! Tables of a report, for a terminal and for a document.

use super::measure::Times;
use super::report::{Machine, Report, Scale, Scaling};

/// A table: its name, its head, and its rows.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name between the markers in the document.
    pub name: &'static str,
    /// The heads of the columns.
    pub head: Vec<String>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

/// Returns all tables of a report.
pub fn all(report: &Report) -> Vec<Table> {
    let mut all = vec![ratios(report), times(report), instructions(report), loads(report), calls(report)];
    all.extend([instances(report), tiers(report), machine("machine", &report.machine)]);
    all
}

pub(crate) fn head(first: &str, rest: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(rest).collect()
}

pub(crate) fn nothing() -> String {
    "–".into()
}

/// Formats a number with three digits, or with as many as there are before the point.
pub(crate) fn short(number: f64) -> String {
    match number {
        number if number >= 99.95 => format!("{number:.0}"),
        number if number >= 9.995 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

/// Formats a time in units of `unit` nanoseconds, with its spread.
fn in_units(times: &Times, unit: f64) -> String {
    format!("{} {}", short(times.median / unit), spread(times))
}

fn spread(times: &Times) -> String {
    format!("±{:.0} %", times.spread() * 100.0)
}

/// Returns medians in milliseconds, ratios to native code and spreads in one table, for a terminal.
pub fn everything(report: &Report) -> Table {
    let mut rows = Vec::new();
    for kernel in &report.kernels {
        let cell = |engine: &String| match (kernel.times.get(engine), kernel.ratio(engine)) {
            (Some(times), Some(ratio)) => {
                format!("{} {}x {}", short(times.median / 1e6), short(ratio), spread(times))
            }
            _ => nothing(),
        };
        rows.push(head(&kernel.name, report.engines.iter().map(cell)));
    }
    rows.push(head("geom. mean", report.engines.iter().map(|engine| mean(report, engine))));
    Table { name: "everything", head: head("ms, ratio", report.engines.clone()), rows }
}

fn mean(report: &Report, engine: &str) -> String {
    match report.mean(engine) {
        Some((mean, count)) if count == report.kernels.len() => short(mean),
        Some((mean, count)) => format!("{} ({count})", short(mean)),
        None => nothing(),
    }
}

/// Returns the ratios to native code.
fn ratios(report: &Report) -> Table {
    let mut rows = Vec::new();
    for kernel in &report.kernels {
        let cell = |engine: &String| kernel.ratio(engine).map_or_else(nothing, short);
        rows.push(head(&kernel.name, report.engines.iter().map(cell)));
    }
    rows.push(head("geometric mean", report.engines.iter().map(|engine| mean(report, engine))));
    Table { name: "ratios", head: head("kernel", report.engines.clone()), rows }
}

/// Returns the medians in milliseconds, with their spread.
fn times(report: &Report) -> Table {
    let mut rows = Vec::new();
    for kernel in &report.kernels {
        let cell =
            |engine: &String| kernel.times.get(engine).map_or_else(nothing, |times| in_units(times, 1e6));
        rows.push(head(&kernel.name, report.engines.iter().map(cell)));
    }
    Table { name: "times", head: head("kernel", report.engines.clone()), rows }
}

/// Returns the numbers of VSP instructions, and the time of each.
fn instructions(report: &Report) -> Table {
    let engines: Vec<&String> = report.engines.iter().filter(|engine| engine.starts_with("vsp")).collect();
    let mut rows = Vec::new();
    for kernel in &report.kernels {
        let cell = |engine: &&String| {
            let each = |times: &Times| short(times.median / kernel.instructions as f64);
            kernel.times.get(*engine).map_or_else(nothing, each)
        };
        let cells = std::iter::once(grouped(kernel.instructions)).chain(engines.iter().map(cell));
        rows.push(head(&kernel.name, cells));
    }
    let names = engines.into_iter().map(|engine| format!("{engine}, ns"));
    let head = head("kernel", std::iter::once("instructions".into()).chain(names));
    Table { name: "instructions", head, rows }
}

fn loads(report: &Report) -> Table {
    let row = |load: &super::report::Load| {
        vec![
            load.engine.clone(),
            grouped(load.bytes as u64),
            in_units(&load.module, 1e3),
            in_units(&load.instance, 1e3),
            in_units(&load.after_others, 1e3),
        ]
    };
    let columns = ["bytes", "verified and compiled, µs", "and an instance, µs", "after other engines, µs"];
    let head = head("engine", columns.map(String::from));
    Table { name: "loads", head, rows: report.loads.iter().map(row).collect() }
}

fn calls(report: &Report) -> Table {
    let row = |cost: &super::report::CallCost| {
        vec![cost.engine.clone(), in_units(&cost.enter, 1.0), short(cost.leave().max(0.0))]
    };
    let head = head("engine", ["host → program → host, ns".into(), "program → host → program, ns".into()]);
    Table { name: "calls", head, rows: report.calls.iter().map(row).collect() }
}

fn instances(report: &Report) -> Table {
    let row = |named: &super::report::NamedTimes| vec![named.name.clone(), in_units(&named.times, 1e3)];
    let head = head("engine", ["created and dropped, µs".into()]);
    Table { name: "instances", head, rows: report.instances.iter().map(row).collect() }
}

/// Returns the milliseconds in each single engine, and in automatic mode with the ratio to the best of them.
fn tiers(report: &Report) -> Table {
    let (single, automatic) = super::tiers::names();
    let mut rows = Vec::new();
    for amount in &report.tiers {
        let median = |name: &&str| amount.times.get(*name).map(|times| times.median);
        let best = single.iter().filter_map(median).fold(f64::INFINITY, f64::min);
        let milliseconds = |name: &&str| median(name).map_or_else(nothing, |time| short(time / 1e6));
        let ratio = |name: &&str| {
            median(name)
                .map_or_else(nothing, |time| format!("{} ({}x)", short(time / 1e6), short(time / best)))
        };
        let mut row = vec![amount.kernel.clone(), format!("{} ms", short(amount.microseconds as f64 / 1e3))];
        row.extend(single.iter().map(milliseconds));
        row.extend(automatic.iter().map(ratio));
        rows.push(row);
    }
    let names = single.iter().chain(&automatic).map(|name| format!("{name}, ms"));
    Table { name: "tiers", head: head("kernel", std::iter::once("best".into()).chain(names)), rows }
}

/// Returns the tables of loading as programs grow: of many functions, and of one.
pub fn scaling(scaling: &Scaling) -> Vec<Table> {
    vec![sizes("scaling-programs", &scaling.programs), sizes("scaling-functions", &scaling.functions)]
}

/// Returns time and heap by size, and the exponent with which the time grows from one size to the next.
fn sizes(name: &'static str, scales: &[Scale]) -> Table {
    let mut rows = Vec::new();
    for (number, scale) in scales.iter().enumerate() {
        let before = number.checked_sub(1).and_then(|before| scales.get(before));
        let cells = scale.engines.iter().enumerate().flat_map(|(engine, (_, seconds, heap))| {
            let from = before.map(|before| (before.instructions, before.engines[engine].1));
            let exponent = from.map_or_else(nothing, |(instructions, time)| {
                let growth = scale.instructions as f64 / instructions as f64;
                short((seconds / time).ln() / growth.ln())
            });
            [short(seconds * 1e3), exponent, short(*heap as f64 / 1024.0)]
        });
        rows.push(head(&grouped(scale.instructions as u64), cells));
    }
    let engines = scales.first().map_or(&[][..], |scale| &scale.engines);
    let heads =
        engines.iter().flat_map(|(name, ..)| [format!("{name}, ms"), "exponent".into(), "heap, KiB".into()]);
    Table { name, head: head("instructions", heads), rows }
}

/// Returns date, computer and versions.
pub(crate) fn machine(name: &'static str, machine: &Machine) -> Table {
    let mut rows = vec![
        vec!["date".into(), machine.date.clone()],
        vec!["processor".into(), format!("{}, {} cores", machine.cpu, machine.cores)],
        vec!["system".into(), machine.system.clone()],
    ];
    rows.extend(machine.versions.iter().map(|(name, version)| vec![name.clone(), version.clone()]));
    Table { name, head: head("property", ["value".into()]), rows }
}

/// Formats a number with commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl Table {
    /// Formats the table for a terminal, with columns as wide as necessary.
    pub fn text(&self) -> String {
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for row in lines() {
            for (index, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let gap = width - cell.chars().count();
                let (before, after) = if index == 0 { (0, gap) } else { (gap + 2, 0) };
                text += &(" ".repeat(before) + cell + &" ".repeat(after));
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    /// Formats the table for a document.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = "|---|".to_owned() + &"---:|".repeat(self.head.len() - 1) + "\n";
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.head) + &rule + &rows
    }
}
