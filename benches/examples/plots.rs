//! Draws the results of the bench `peers`, and puts the tables of the benches into the document.
//!
//!     cargo run --release -p vsp-benches --features plots --example plots -- --write
//!
//! Pictures go to `docs/pictures`. Tables are printed; with `--write` they replace those of `docs/performance.md`.

use std::path::{Path, PathBuf};

use clap::Parser;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use vsp_benches::peers::Error;
use vsp_benches::peers::report::{Report, Scaling};
use vsp_benches::peers::tables::{self, Table};
use vsp_benches::wasm;

#[derive(Parser)]
#[command(about = "Draws pictures and prints tables of results")]
struct Arguments {
    /// Results of the bench
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results/latest.json"))]
    json: PathBuf,
    /// Replace the tables in docs/performance.md
    #[arg(long)]
    write: bool,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The engines that compile, and those that interpret.
const COMPILED: [&str; 10] = [
    "vsp tier1",
    "vsp tier2",
    "vsp tier2+fuel",
    "wasmtime",
    "wasmtime checks",
    "wasmtime+fuel",
    "winch",
    "luajit",
    "rbpf jit",
    "native",
];
const INTERPRETED: [&str; 5] = ["vsp interp", "vsp interp+fuel", "wasmi", "wasmi+fuel", "rbpf"];

/// Returns the colour of an engine: a hue for each compiler or interpreter, much darker where it does less.
fn colour_of(engine: &str) -> RGBColor {
    match engine {
        "vsp tier2" | "vsp interp" => RGBColor(0x0B, 0x5C, 0xAD),
        "vsp tier2+fuel" | "vsp interp+fuel" => RGBColor(0x5A, 0x9B, 0xDC),
        "vsp tier1" => RGBColor(0xA9, 0xCC, 0xEE),
        "wasmtime" | "wasmi" => RGBColor(0x7F, 0x27, 0x04),
        "wasmtime checks" => RGBColor(0xE6, 0x55, 0x0D),
        "wasmtime+fuel" | "wasmi+fuel" => RGBColor(0xFD, 0xBE, 0x85),
        "winch" => RGBColor(0xC9, 0x51, 0x8D),
        "luajit" => RGBColor(0x3F, 0x8F, 0x4F),
        "rbpf" | "rbpf jit" => RGBColor(0x7A, 0x5A, 0xA6),
        _ => RGBColor(0x77, 0x77, 0x77),
    }
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let text = std::fs::read_to_string(&arguments.json)
        .map_err(|error| format!("{}: {error}", arguments.json.display()))?;
    let report: Report = serde_json::from_str(&text)?;

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let pictures = docs.join("pictures");
    std::fs::create_dir_all(&pictures)?;
    means(&report, &pictures.join("performance-means.svg"))?;
    by_kernel(&report, &COMPILED, &pictures.join("performance-compiled.svg"))?;
    by_kernel(&report, &INTERPRETED, &pictures.join("performance-interpreted.svg"))?;

    let mut tables = tables::all(&report);
    let scaling = arguments.json.with_file_name("scaling.json");
    if scaling.exists() {
        let scaling: Scaling = serde_json::from_str(&std::fs::read_to_string(scaling)?)?;
        tables.extend(tables::scaling(&scaling));
    }
    let modules = arguments.json.with_file_name("wasm.json");
    if modules.exists() {
        let report: wasm::report::WasmReport = serde_json::from_str(&std::fs::read_to_string(modules)?)?;
        tables.extend(wasm::tables::all(&report));
    }
    for table in &tables {
        println!("{}\n", marked(table));
    }
    if arguments.write {
        let document = docs.join("performance.md");
        let text = std::fs::read_to_string(&document)?;
        std::fs::write(&document, replace_tables(&text, &tables)?)?;
    }
    Ok(())
}

const END: &str = "<!-- end -->";

fn marker(table: &Table) -> String {
    format!("<!-- table: {} -->", table.name)
}

fn marked(table: &Table) -> String {
    format!("{}\n\n{}\n{END}", marker(table), table.markdown())
}

/// Returns the document with new tables between the same markers.
fn replace_tables(document: &str, tables: &[Table]) -> Result<String, Error> {
    let mut text = document.to_owned();
    for table in tables {
        if let Some(start) = text.find(&marker(table)) {
            let length =
                text[start..].find(END).ok_or_else(|| format!("table {} does not end", table.name))?;
            text.replace_range(start..start + length + END.len(), &marked(table));
        }
    }
    Ok(text)
}

/// Returns the ticks of an axis that covers these ratios: 1, 2, 5, 10 and so on.
fn ticks(ratios: impl Iterator<Item = f64>) -> Vec<f64> {
    let (mut least, mut most) = (1.0, 1.0);
    for ratio in ratios {
        (least, most) = (f64::min(least, ratio * 1.01), f64::max(most, ratio));
    }
    let all = [0.5, 0.8, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0];
    let first = all.iter().rposition(|&tick| tick <= least).unwrap_or(0);
    let last = all.iter().position(|&tick| tick >= most).unwrap_or(all.len() - 1);
    all[first..=last].to_vec()
}

/// Returns the ends of a bar from 1 to a ratio. One that is too short to be visible is lengthened.
fn bar(scale: impl Fn(f64) -> i32, ratio: f64) -> (i32, i32) {
    let (from, to) = (scale(ratio).min(scale(1.0)), scale(ratio).max(scale(1.0)));
    if to - from < 2 { (from - 1, from + 1) } else { (from, to) }
}

fn style(size: i32, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK).pos(Pos::new(horizontal, vertical))
}

fn number(ratio: f64) -> String {
    if ratio < 9.95 { format!("{ratio:.2}") } else { format!("{ratio:.1}") }
}

/// Draws the geometric means of all engines, as horizontal bars.
fn means(report: &Report, file: &Path) -> Result<(), Error> {
    let means: Vec<(&String, f64, usize)> = report
        .engines
        .iter()
        .filter(|engine| *engine != "native")
        .filter_map(|engine| report.mean(engine).map(|(mean, count)| (engine, mean, count)))
        .collect();
    let ticks = ticks(means.iter().map(|(_, mean, _)| *mean));
    let (top, left, line) = (52, 150, 26);
    let (width, height) = (860, top + line * means.len() as i32 + 34);
    let right = width - 130;
    let area: Area<'_> = SVGBackend::new(file, (width as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = "Time in multiples of native code: geometric means (logarithmic scale; shorter is faster)";
    area.draw(&Text::new(title, (16, 14), style(17, HPos::Left, VPos::Top)))?;
    let scale = |ratio: f64| {
        let part = (ratio / ticks[0]).ln() / (ticks[ticks.len() - 1] / ticks[0]).ln();
        left + (part * f64::from(right - left)).round() as i32
    };
    for &tick in &ticks {
        let x = scale(tick);
        let gray = if tick == 1.0 { BLACK.mix(0.6) } else { BLACK.mix(0.15) };
        area.draw(&PathElement::new(vec![(x, top - 6), (x, height - 28)], gray))?;
        area.draw(&Text::new(tick.to_string(), (x, height - 22), style(12, HPos::Center, VPos::Top)))?;
    }
    for (index, (engine, mean, count)) in means.iter().enumerate() {
        let y = top + line * index as i32;
        let (from, to) = bar(scale, *mean);
        area.draw(&Rectangle::new([(from, y), (to, y + line - 7)], colour_of(engine).filled()))?;
        let middle = y + (line - 7) / 2;
        let name = engine.as_str();
        area.draw(&Text::new(name, (left - 10, middle), style(13, HPos::Right, VPos::Center)))?;
        let all = *count == report.kernels.len();
        let value = if all { number(*mean) } else { format!("{} ({count} kernels)", number(*mean)) };
        area.draw(&Text::new(value, (to + 6, middle), style(13, HPos::Left, VPos::Center)))?;
    }
    area.present()?;
    Ok(())
}

/// Draws the ratios of some engines, as a group of bars for each kernel.
fn by_kernel(report: &Report, engines: &[&str], file: &Path) -> Result<(), Error> {
    let known = |engine: &&&str| **engine != "native" && report.engines.iter().any(|known| known == **engine);
    let engines: Vec<&str> = engines.iter().filter(known).copied().collect();
    let ratios =
        report.kernels.iter().flat_map(|kernel| engines.iter().filter_map(|name| kernel.ratio(name)));
    let ticks = ticks(ratios);
    let (top, left, bottom) = (84, 62, 34);
    let (width, height) = (1060, 430);
    let group = f64::from(width - left - 20) / report.kernels.len() as f64;
    let wide = (group * 0.84) / engines.len() as f64;
    let area: Area<'_> = SVGBackend::new(file, (width as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = "Time in multiples of native code (shorter is faster; ×: no result)";
    area.draw(&Text::new(title, (16, 12), style(17, HPos::Left, VPos::Top)))?;
    let axis = style(12, HPos::Center, VPos::Center).transform(FontTransform::Rotate270);
    area.draw(&Text::new("multiple of native, logarithmic", (14, (top + height - bottom) / 2), axis))?;
    for (index, engine) in engines.iter().enumerate() {
        let (x, y) = (left + (index as i32 % 7) * 140, 40 + (index as i32 / 7) * 18);
        area.draw(&Rectangle::new([(x, y), (x + 11, y + 11)], colour_of(engine).filled()))?;
        area.draw(&Text::new(*engine, (x + 16, y), style(13, HPos::Left, VPos::Top)))?;
    }
    let scale = |ratio: f64| {
        let part = (ratio / ticks[0]).ln() / (ticks[ticks.len() - 1] / ticks[0]).ln();
        height - bottom - (part * f64::from(height - bottom - top)).round() as i32
    };
    for &tick in &ticks {
        let y = scale(tick);
        let gray = if tick == 1.0 { BLACK.mix(0.6) } else { BLACK.mix(0.15) };
        area.draw(&PathElement::new(vec![(left, y), (width - 20, y)], gray))?;
        area.draw(&Text::new(tick.to_string(), (left - 8, y), style(12, HPos::Right, VPos::Center)))?;
    }
    for (index, kernel) in report.kernels.iter().enumerate() {
        let start = f64::from(left) + group * (index as f64 + 0.08);
        for (index, engine) in engines.iter().enumerate() {
            let x = start + wide * index as f64;
            let Some(ratio) = kernel.ratio(engine) else {
                let middle = ((x + wide / 2.0).round() as i32, scale(1.0));
                let colour = colour_of(engine);
                let missing = style(11, HPos::Center, VPos::Center).color(&colour);
                area.draw(&Text::new("×", middle, missing))?;
                continue;
            };
            let (high, low) = bar(scale, ratio);
            let corners = [(x.round() as i32, high), ((x + wide).round() as i32 - 1, low)];
            area.draw(&Rectangle::new(corners, colour_of(engine).filled()))?;
        }
        let middle = (start + group * 0.42).round() as i32;
        let name = kernel.name.as_str();
        area.draw(&Text::new(name, (middle, height - bottom + 10), style(13, HPos::Center, VPos::Top)))?;
    }
    area.present()?;
    Ok(())
}
