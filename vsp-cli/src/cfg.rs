//! `vsp cfg`.

mod dot;
mod graph;
mod layout;
mod svg;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use vsp_core::Excerpt;
use vsp_core::analysis::Signatures;
use vsp_core::index::FuncIndex;

use crate::code::Code;
use crate::files::{self, Files};
use crate::message;
use crate::translate::{Result, load_verified, print};
use graph::FlowGraph;

const NOTES: &str = "\
Examples:
  vsp cfg examples/fib.sil -o fib.svg
  vsp cfg --function fib examples/fib.sil | dot -Tpdf > fib.pdf
  vsp cfg --format svg program.silc > program.svg

A box is a basic block; dashed boxes are unreachable. Fall-through edges are dark, \
forward branches green and dashed, back edges red and \
dotted. Instructions are shown as in the text, if it is available.

Exit codes: 0, 1 if the program is rejected, has no such function or is too large for an SVG, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct CfgArgs {
    /// The program: a .sil text or a .silc program; `-` is the standard input.
    file: PathBuf,
    /// Only this function: its name, or $ and its number. Can be repeated.
    #[arg(long, short, value_name = "NAME")]
    function: Vec<String>,
    /// The output format [default: by the extension of the output, .svg, .dot or .gv; dot if it has none].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The output file [default: `-`, the standard output].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A text for Graphviz.
    Dot,
    /// A drawing.
    Svg,
}

pub(crate) fn cfg(args: &CfgArgs) -> Result<ExitCode> {
    let refuse = |error: String| message::render_text(&error);
    let format = format(args)?;
    let (loaded, verified) = load_verified(&args.file)?;
    let code = Code::new(&verified, &loaded.path, loaded.text.as_deref()).with_text();
    let functions: Vec<FuncIndex> = match args.function.is_empty() {
        true => (0..verified.functions().len() as u32).map(FuncIndex).collect(),
        false => {
            let named = args.function.iter().map(|name| code.function_named(name));
            named
                .collect::<std::result::Result<_, String>>()
                .map_err(|error| files::refuse(&args.file, &error))?
        }
    };
    let signatures = Signatures::new(&verified).map_err(|error| refuse(error.to_string()))?;
    let graphs = functions.into_iter().map(|function| FlowGraph::new(&signatures, &code, function));
    let graphs: Vec<FlowGraph> =
        graphs.collect::<std::result::Result<_, _>>().map_err(|error| refuse(error.to_string()))?;
    let text = match format {
        Format::Dot => dot::text(&graphs),
        Format::Svg => svg::drawing(&graphs).map_err(refuse)?,
    };
    match &args.output {
        Some(path) => Files::default().reading(&args.file, "the program").write(path, text.as_bytes())?,
        None => print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the requested format, or the one of the output's extension.
fn format(args: &CfgArgs) -> Result<Format> {
    if let Some(format) = args.format {
        return Ok(format);
    }
    let Some(path) = &args.output else { return Ok(Format::Dot) };
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("svg") => Ok(Format::Svg),
        Some("dot" | "gv") | None => Ok(Format::Dot),
        Some(other) => Err(message::render_help(
            &format!("{}: unknown format: the name ends with .{}", path.display(), Excerpt(other)),
            &[
                "known extensions are .svg (a drawing), .dot and .gv (for Graphviz)".to_owned(),
                "with --format any name is allowed".to_owned(),
            ],
        )),
    }
}
