//! The contents of a code object, for `vsp dump`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::native::{ABI_VERSION, CodeInfo, ExitKind, Object, ObjectError, Site, Tier};

use crate::functions;
use crate::table::Table;

#[derive(Serialize)]
pub(super) struct Contents {
    file: String,
    /// Size of the whole file.
    bytes: usize,
    abi: u32,
    producer: String,
    architecture: &'static str,
    /// The required features beyond the architecture's baseline.
    features: Vec<String>,
    tier: u8,
    counts_fuel: bool,
    interruptible: bool,
    /// The program that it was compiled from.
    program: Program,
    code: Code,
    functions: Vec<Function>,
    /// The sites where the code can exit.
    sites: Vec<Exit>,
}

#[derive(Serialize)]
struct Program {
    checksum: u32,
    bytes: u32,
    functions: u32,
    words: u32,
}

#[derive(Serialize)]
struct Code {
    /// The offset of the code in the file.
    offset: usize,
    bytes: usize,
    /// Bytes of native stack for each cell of the program's stack.
    stack_bytes_per_cell: u32,
    inlined_calls: u32,
    checks_removed: u32,
    checks_left: u32,
}

#[derive(Serialize)]
struct Function {
    index: u32,
    /// The offset from the start of the code.
    offset: usize,
    bytes: usize,
    params: usize,
    results: usize,
    frame_cells: u32,
}

#[derive(Serialize)]
struct Exit {
    function: u32,
    word: u32,
    /// Function and word of the call, if that was inlined.
    inlined_at: Option<[u32; 2]>,
    fuel: u32,
    why: String,
}

/// Returns the contents of a code object.
pub(super) fn contents(path: &Path, bytes: &[u8]) -> Result<Contents, ObjectError> {
    let object = Object::read(bytes)?;
    let (info, placement) = (object.info(), object.placement());
    let (target, options, program, stats) = (info.target(), info.options(), info.program(), info.stats());
    Ok(Contents {
        file: path.display().to_string(),
        bytes: bytes.len(),
        abi: ABI_VERSION,
        producer: object.producer().to_owned(),
        architecture: target.arch().name(),
        features: target.features().map(str::to_owned).collect(),
        tier: match options.tier {
            Tier::One => 1,
            Tier::Two => 2,
        },
        counts_fuel: options.fuel,
        interruptible: options.interrupt,
        program: Program {
            checksum: program.crc,
            bytes: program.length,
            functions: program.functions,
            words: program.words,
        },
        code: Code {
            offset: placement.offset,
            bytes: info.length(),
            stack_bytes_per_cell: info.bytes_per_cell(),
            inlined_calls: stats.inlined,
            checks_removed: stats.checks_removed,
            checks_left: stats.checks,
        },
        functions: (0..program.functions).filter_map(|index| function(info, index)).collect(),
        sites: info.sites().iter().map(exit).collect(),
    })
}

fn function(info: &CodeInfo, index: u32) -> Option<Function> {
    let row = info.table().get(index as usize)?;
    let (range, ty) = (info.function(FuncIndex(index))?, row.func_type()?);
    let (params, results) = (ty.params(), ty.results());
    Some(Function {
        index,
        offset: range.start,
        bytes: range.len(),
        params,
        results,
        frame_cells: row.frame_cells(),
    })
}

fn exit(site: &Site) -> Exit {
    let pair = |location: Location| [location.function.0, location.word];
    let [function, word] = pair(site.location);
    Exit { function, word, inlined_at: site.inlined_at.map(pair), fuel: site.charged, why: why(site.kind) }
}

fn why(kind: ExitKind) -> String {
    match kind {
        ExitKind::Trap(trap) => trap.to_string(),
        ExitKind::HostError => "host error".into(),
        ExitKind::Halt => "HLT".into(),
        ExitKind::Fuel => "out of fuel".into(),
        ExitKind::Interrupted => "interrupted".into(),
        ExitKind::Yield => "YIELD".into(),
        ExitKind::Pending(import) => format!("host call ${} pending", import.0),
        ExitKind::Interpret => "interpreter".into(),
    }
}

impl Contents {
    /// Keeps only the functions with these numbers, after a `$`, and their sites.
    pub(super) fn keep_functions(&mut self, wanted: &[String]) -> Result<(), String> {
        let is = |index: u32, wanted: &String| format!("${index}") == *wanted;
        for name in wanted {
            if !self.functions.iter().any(|function| is(function.index, name)) {
                return Err(functions::missing(name, self.functions.len() as u32, std::iter::empty()));
            }
        }
        let keep = |index| wanted.iter().any(|wanted| is(index, wanted));
        self.functions.retain(|function| keep(function.index));
        self.sites.retain(|site| keep(site.function));
        Ok(())
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Contents { file, bytes, abi, producer, program, code, .. } = self;
        let yes = |is: bool, what: &str| if is { what.to_owned() } else { format!("not {what}") };
        let features: String = self.features.iter().map(|feature| format!(" +{feature}")).collect();
        writeln!(out, "{file}: code object, {bytes} bytes, ABI {abi}")?;
        writeln!(out, "  made by     {producer}")?;
        let Program { checksum, bytes, functions, words } = program;
        writeln!(
            out,
            "  from        a program of {bytes} bytes, CRC-32 0x{checksum:08X}; functions: {functions}, words: {words}"
        )?;
        writeln!(out, "  runs on     {}{features}", self.architecture)?;
        let (fuel, flag) = (yes(self.counts_fuel, "counting fuel"), yes(self.interruptible, "interruptible"));
        writeln!(out, "  compiled    by tier {}, {fuel}, {flag}", self.tier)?;
        let Code { offset, bytes, stack_bytes_per_cell, inlined_calls, checks_removed, checks_left } = code;
        writeln!(out, "  code        {bytes} bytes at 0x{offset:X}")?;
        writeln!(out, "  stack       {stack_bytes_per_cell} bytes for a cell")?;
        writeln!(
            out,
            "  optimised   {inlined_calls} calls inlined; {checks_removed} bounds checks removed, {checks_left} left"
        )?;

        writeln!(out, "\nfunctions: {}", self.functions.len())?;
        let mut table =
            Table::new(&["", "type", "offset", "bytes", "frame"], &[false, false, true, true, true]);
        for Function { index, offset, bytes, params, results, frame_cells } in &self.functions {
            table.row([
                format!("${index}"),
                format!("({params}) -> {results}"),
                format!("0x{offset:X}"),
                bytes.to_string(),
                frame_cells.to_string(),
            ]);
        }
        out.write_str(&table.render(2))?;

        writeln!(out, "\nexits: {}", self.sites.len())?;
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        self.sites.iter().for_each(|site| *reasons.entry(&site.why).or_default() += 1);
        let mut table = Table::new(&["reason", "sites"], &[false, true]);
        reasons.into_iter().for_each(|(why, count)| table.row([why.to_owned(), count.to_string()]));
        out.write_str(&table.render(2))
    }
}
