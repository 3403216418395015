//! `vsp trace`.

mod event;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use vsp_core::analysis::Signatures;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::Opcode;
use vsp_core::{Instance, Outcome};
use vsp_host::number;

use crate::cli::RUN_EXIT_CODES;
use crate::code::Code;
use crate::entry::Entry;
use crate::execution::{Execution, output_error};
use crate::files::{self, Shared};
use crate::message;
use crate::program::ProgramArgs;
use crate::state::State;
use crate::translate::Result;
use event::{Event, Tracer, is_call};

const NOTES: &str = "\
Examples:
  vsp trace examples/fib.sil 3
  vsp trace --function fib --count 20 examples/fib.sil 10
  vsp trace --json --to trace.jsonl examples/fib.sil 10

A line shows the number of the instruction, from 1, the depth of calls (a dot for each, up to four; then the number), its \
location and source line, the instruction, and its effects: registers, locals, globals and memory \
after it; for a call the arguments.";

#[derive(Debug, Args)]
#[command(after_help = format!("{NOTES}\n\n{RUN_EXIT_CODES}\nThe exit code is 0 if --count ends the run."))]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    program: ProgramArgs,
    /// Show instructions of this function only: its name, or $ and its number. Can be repeated.
    #[arg(long, short, value_name = "NAME")]
    function: Vec<String>,
    /// Skip the first N instructions that would be shown.
    #[arg(long, value_name = "N", default_value = "0", value_parser = number::count)]
    skip: u64,
    /// End the run after N instructions were shown.
    #[arg(long, short, value_name = "N", value_parser = number::count)]
    count: Option<u64>,
    /// The output file; `-` is the standard output [default: the error stream].
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Write each instruction as one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn trace(args: &TraceArgs) -> Result<ExitCode> {
    let refuse = |error: String| message::render_text(&error);
    let execution = Execution::new(&args.program)?;
    let text = execution.loaded.text.as_deref();
    let code = Code::new(&execution.verified, &execution.loaded.path, text);
    let functions = functions(args, &code).map_err(|error| files::refuse(&args.program.file, &error))?;
    let to = match &args.to {
        Some(path) => Some(Shared::new(execution.create(path)?)),
        None => None,
    };
    let mut out: Box<dyn Write> = match to.clone() {
        Some(file) => {
            let file: Box<dyn Write> = Box::new(file);
            Box::new(BufWriter::new(anstream::StripStream::new(file)))
        }
        None => Box::new(BufWriter::new(anstream::stderr())),
    };
    let signatures = Signatures::new(&execution.verified).map_err(|error| refuse(error.to_string()))?;
    let mut run = Run { args, code: &code, functions, out: &mut out, executed: 0, matched: 0, depth: 0 };
    let mut instance = execution.instance()?;
    let outcome = run.execute(&execution, &signatures, &mut instance);
    let finish = || to.map_or(Ok(()), |to| to.finish());
    let outcome = outcome.and_then(|outcome| out.flush().and_then(|()| finish()).map(|()| outcome));
    let outcome = match outcome {
        Ok(outcome) => outcome,
        // The reader of the trace has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
        Err(error) => return Err(refuse(format!("the trace: {error}"))),
    };
    let Some(outcome) = outcome else {
        execution.cut_short(instance)?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut ending = execution.ending(instance, outcome);
    let flushed = ending.flush().map_err(output_error);
    execution.explain(&ending);
    flushed?;
    Ok(ExitCode::from(ending.end.code))
}

/// Returns the functions to show, or `None` for all.
fn functions(args: &TraceArgs, code: &Code<'_>) -> std::result::Result<Option<BTreeSet<FuncIndex>>, String> {
    if args.function.is_empty() {
        return Ok(None);
    }
    args.function
        .iter()
        .map(|name| code.function_named(name))
        .collect::<std::result::Result<_, _>>()
        .map(Some)
}

struct Run<'r, 'p> {
    args: &'r TraceArgs,
    code: &'r Code<'p>,
    functions: Option<BTreeSet<FuncIndex>>,
    out: &'r mut dyn Write,
    /// Number of executed instructions.
    executed: u64,
    /// Number of executed instructions that pass the filters.
    matched: u64,
    /// Depth of calls.
    depth: usize,
}

impl Run<'_, '_> {
    /// Executes the program until it ends, or enough was shown.
    fn execute(
        &mut self,
        execution: &Execution<'_>,
        signatures: &Signatures<'_>,
        instance: &mut Instance<'_, State>,
    ) -> io::Result<Option<Outcome>> {
        let begun = match execution.entry.prepare(instance).map_err(io::Error::other)? {
            Some(ended) => Some(ended),
            None => {
                let Entry { function, values, .. } = &execution.entry;
                instance.begin(*function, values).map_err(io::Error::other)?
            }
        };
        if begun.is_some() {
            return Ok(begun);
        }
        while let Some(location) = instance.next_location() {
            if self.args.count.is_some_and(|count| self.matched >= self.args.skip.saturating_add(count)) {
                return Ok(None);
            }
            let Some(inst) = signatures.program().instruction(location) else { return Ok(None) };
            self.executed += 1;
            let shown = self.shows(location);
            let tracer = shown.then(|| Tracer::before(signatures, instance, (location, inst), self.depth));
            let outcome = instance.step().map_err(io::Error::other)?;
            self.depth += usize::from(is_call(inst));
            self.depth -= usize::from(inst.op() == Opcode::RET && outcome.is_none());
            if let Some(tracer) = tracer.flatten() {
                let event = tracer.after(self.executed, self.code, instance, outcome.as_ref());
                self.write(&event)?;
            }
            if outcome.is_some() {
                return Ok(outcome);
            }
        }
        Ok(None)
    }

    fn shows(&mut self, location: Location) -> bool {
        if self.functions.as_ref().is_some_and(|functions| !functions.contains(&location.function)) {
            return false;
        }
        self.matched += 1;
        self.matched > self.args.skip
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        if self.args.json {
            serde_json::to_writer(&mut *self.out, event)?;
            return self.out.write_all(b"\n");
        }
        writeln!(self.out, "{event}")
    }
}
