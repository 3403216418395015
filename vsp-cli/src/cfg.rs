//! `vsp cfg`.

mod dot;
mod graph;
mod layout;
mod svg;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::message;
use clap::{Args, ValueEnum};
use vsp_core::Excerpt;
use vsp_core::analysis::Signatures;
use vsp_core::index::FuncIndex;

use crate::code::Code;
use crate::files::{self, Files};
use crate::translate::{Result, load_verified, print};
use graph::FlowGraph;

const NOTES: &str = "\
Examples:
  vsp cfg examples/fib.sil -o fib.svg
  vsp cfg --function fib examples/fib.sil | dot -Tpdf > fib.pdf
  vsp cfg --format svg program.silc > program.svg

A box is a basic block: instructions that are executed one after the other. A dashed box is never reached. An arrow is dark \
where execution simply goes on, green and dashed where a branch is taken forwards, and red and dotted where it is taken \
backwards. Instructions are those of the text, where it is at hand.

Exit codes: 0, 1 if the program is refused, has no such function or is too large for an SVG, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct CfgArgs {
    /// The program: a .sil text or a .silc program; `-` is the standard input.
    file: PathBuf,
    /// Only this function, named as in the text or $N. Can be given several times.
    #[arg(long, short, value_name = "NAME")]
    function: Vec<String>,
    /// What to write [default: what the output's name ends with, .svg, .dot or .gv; dot if it has no ending].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Where it goes [default: `-`, the standard output].
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

/// The format that was asked for, or that belongs to the output's name.
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
            &format!("{}: there is no format for names that end with .{}", path.display(), Excerpt(other)),
            &[
                "known endings are .svg (a drawing), .dot and .gv (for Graphviz)".to_owned(),
                "with --format the name can be any".to_owned(),
            ],
        )),
    }
}
