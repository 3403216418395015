//! Tables of a report.

use super::Group;
use super::report::{ModuleTimes, PAIRS, WasmReport, WorkTimes, ratio};
use crate::peers::measure::Times;
use crate::peers::tables::{Table, grouped, head, machine, nothing, short};

/// Returns all tables of a report.
pub fn all(report: &WasmReport) -> Vec<Table> {
    vec![
        works(report, Group::Programs, "wasm-programs"),
        works(report, Group::Kernels, "wasm-kernels"),
        instructions(report),
        modules(report),
        machine("wasm-machine", &report.machine),
    ]
}

fn number(number: Option<f64>) -> String {
    number.map_or_else(nothing, short)
}

fn least(times: Option<&Times>) -> String {
    number(times.map(|times| times.least / 1e6))
}

fn pairs() -> impl Iterator<Item = String> {
    PAIRS.into_iter().map(|(engine, other)| format!("{} / {other}", engine.trim_start_matches("vsp ")))
}

/// Returns the least times of a group in milliseconds, and the ratios with their geometric means.
fn works(report: &WasmReport, group: Group, name: &'static str) -> Table {
    let mut rows = Vec::new();
    for work in report.group(group) {
        let times = report.engines.iter().map(|engine| least(work.times.get(engine)));
        let ratios = PAIRS.into_iter().map(|pair| number(ratio(&work.times, pair)));
        rows.push(head(&work.name, times.chain(ratios)));
    }
    let means = PAIRS.into_iter().map(|pair| number(report.mean(group, pair)));
    rows.push(head("geometric mean", report.engines.iter().map(|_| nothing()).chain(means)));
    let engines = report.engines.iter().map(|engine| format!("{engine}, ms"));
    Table { name, head: head(group.name(), engines.chain(pairs())), rows }
}

/// Returns the numbers of instructions of translated kernels, and of those that were written by hand.
fn instructions(report: &WasmReport) -> Table {
    let mut rows = Vec::new();
    let count = |count: Option<u64>| count.map_or_else(nothing, grouped);
    for work in report.works.iter().filter(|work| work.by_hand.is_some()) {
        let WorkTimes { name, instructions, by_hand, .. } = work;
        rows.push(head(name, [count(*instructions), count(*by_hand), number(work.growth())]));
    }
    rows.push(head("geometric mean", [nothing(), nothing(), number(report.growth())]));
    let columns = ["translated", "written by hand", "ratio"].map(String::from);
    Table { name: "wasm-instructions", head: head("kernel", columns), rows }
}

/// Returns sizes, and the least times of translating and compiling in milliseconds.
fn modules(report: &WasmReport) -> Table {
    let mut rows = Vec::new();
    for module in &report.modules {
        let ModuleTimes { name, code, words, translation, times } = module;
        let sizes = [grouped(*code), grouped(*words), least(Some(translation))];
        let times = report.engines.iter().map(|engine| least(times.get(engine)));
        rows.push(head(name, sizes.into_iter().chain(times)));
    }
    let sizes = ["code section, bytes", "VSP code, words", "translation, ms"].map(String::from);
    let engines = report.engines.iter().map(|engine| format!("{engine}, ms"));
    Table { name: "wasm-modules", head: head("module", sizes.into_iter().chain(engines)), rows }
}
