//! `vsp debug`.

mod changes;
mod commands;
mod expression;
mod history;
mod input;
mod inspect;
mod kept;
mod parse;
mod points;
mod recorded;
mod report;
mod search;
mod session;
mod setup;
mod show;
mod stops;
mod tokens;
mod travel;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use vsp_core::{Excerpt, Imports};

use crate::cli::EXIT_REFUSED;
use crate::code::Code;
use crate::entry::Entry;
use crate::files;
use crate::message;
use crate::program::ProgramArgs;
use crate::recording::Recording;
use crate::style::{ERROR, paint};
use crate::translate::{Result, load_verified};
use commands::Flow;
use input::Input;
use kept::Kept;
use recorded::Recorded;
use session::Session;
use setup::{Console, Setup, load_replay};

const NOTES: &str = "\
Examples:
  vsp debug examples/fib.sil 10
  vsp debug --commands script.txt program.sil
  vsp debug --replay recording.vsr
  printf 'break fib if R0 == 3\\ncontinue\\nbacktrace\\n' | vsp debug examples/fib.sil 10

`help` lists the commands of the debugger. It stops before the program's first instruction.

Without --input a program reads the standard input if the commands are in a file, and nothing if \
they come from there. Empty lines of commands and those that start with # are ignored; on a \
terminal an empty line repeats the last command, and Ctrl-C stops a running program.

Exit codes:
  0  the commands ended, or `quit`, however the program ended
  1  the program is rejected, a file cannot be read or written, or a command of a file or pipe failed
  2  wrong command line";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct DebugArgs {
    #[command(flatten)]
    program: ProgramArgs,
    /// Read the debugger's commands from a file [default: `-`, the standard input].
    #[arg(long, short, value_name = "FILE")]
    commands: Option<PathBuf>,
    /// Debug a run that was recorded, without its host functions: FILE is the recording of `vsp run --record`, and the
    /// argument after it, if there is one, the program.
    #[arg(long, conflicts_with_all = OF_A_RUN)]
    replay: bool,
}

/// The options that a recording has no use for.
const OF_A_RUN: &[&str] = &[
    "input",
    "output",
    "entry",
    "fuel",
    "memory",
    "memory_maximum",
    "stack",
    "imports",
    "unknown_imports",
    #[cfg(feature = "wasm")]
    "invoke",
    #[cfg(feature = "wasi")]
    "dir",
    #[cfg(feature = "wasi")]
    "dir_ro",
    #[cfg(feature = "wasi")]
    "env",
    #[cfg(feature = "wasi")]
    "deterministic",
];

pub(crate) fn debug(args: &DebugArgs) -> Result<ExitCode> {
    if args.replay {
        return debug_recording(args);
    }
    let refuse = |error: String| message::render_text(&error);
    let (loaded, verified) = load_verified(&args.program.file)?;
    let text = loaded.text.clone();
    let entry = Entry::new(&args.program, &verified)?;
    let (imports, _) = args.program.imports.resolve(&loaded)?;
    let interrupt = Arc::new(AtomicBool::new(false));
    let mut input = commands(args, &interrupt).map_err(refuse)?;
    let console = Console::default();
    let setup = Setup {
        args: &args.program,
        verified: &verified,
        imports: &imports,
        replay: load_replay(&verified).map_err(|error| refuse(error.to_string()))?,
        entry,
        input: standard_input(args).map_err(refuse)?,
        console: console.clone(),
        recorded: None,
    };
    let code = Code::new(&verified, &loaded.path, text.as_deref()).with_text();
    let mut session = Session::new(setup, code, interrupt, args.files()).map_err(refuse)?;
    let code = run_commands(&mut session, &mut input, &console).map_err(refuse);
    // The program's output is completed however the session ended.
    let finished = session.finish_output().map_err(refuse);
    code.and_then(|code| finished.map(|()| code))
}

/// Debugs a run that was recorded.
fn debug_recording(args: &DebugArgs) -> Result<ExitCode> {
    let refuse = |error: String| message::render_text(&error);
    let path = &args.program.file;
    let given = match &args.program.args[..] {
        [] => None,
        [program] => Some(Path::new(program)),
        [_, more, ..] => {
            return Err(refuse(format!(
                "--replay: unexpected argument `{}` after the program",
                Excerpt(more)
            )));
        }
    };
    let bytes = files::read(path).map_err(|error| files::refuse(path, &error))?;
    let recording = Recording::read(path, &bytes)?;
    let loaded = recording.program(given)?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    let log = recording.log(verified.program())?;
    let program = recording.program_args();
    let imports = Imports::unavailable(verified.program()).map_err(|error| files::refuse(path, &error))?;
    let interrupt = Arc::new(AtomicBool::new(false));
    let mut input = commands(args, &interrupt).map_err(refuse)?;
    let console = Console::default();
    let setup = Setup {
        args: &program,
        verified: &verified,
        imports: &imports,
        replay: load_replay(&verified).map_err(|error| refuse(error.to_string()))?,
        entry: Entry::new(&program, &verified)?,
        input: Kept::new(io::empty()),
        console: console.clone(),
        recorded: Some(Recorded::new(&recording, &log)),
    };
    let code = Code::new(&verified, &loaded.path, loaded.text.as_deref()).with_text();
    let mut session = Session::new(setup, code, interrupt, args.files()).map_err(refuse)?;
    run_commands(&mut session, &mut input, &console).map_err(refuse)
}

impl DebugArgs {
    /// Returns the files that are read.
    fn files(&self) -> files::Files {
        let files = self.program.files();
        match &self.commands {
            Some(commands) => files.reading(commands, "the file of commands"),
            None => files,
        }
    }
}

/// Executes commands until they end.
fn run_commands(
    session: &mut Session<'_>,
    input: &mut Input,
    console: &Console,
) -> std::result::Result<ExitCode, String> {
    let mut code = ExitCode::SUCCESS;
    loop {
        match print(session, console) {
            Ok(()) => {}
            // The reader of the output has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(code),
            Err(error) => return Err(format!("standard output: {error}")),
        }
        let Some(line) = input.next()? else { return Ok(code) };
        match commands::execute(session, &line) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Quit) => return Ok(code),
            Err(error) => {
                session.out += &format!("{} {error}\n", paint(ERROR, "error:"));
                if input.is_script() {
                    code = ExitCode::from(EXIT_REFUSED);
                }
            }
        }
    }
}

/// Prints pending output, on a new line.
fn print(session: &mut Session<'_>, console: &Console) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if console.mid_line.swap(false, Ordering::Relaxed) {
        writeln!(out)?;
    }
    out.write_all(std::mem::take(&mut session.out).as_bytes())?;
    out.flush()
}

fn commands(args: &DebugArgs, interrupt: &Arc<AtomicBool>) -> std::result::Result<Input, String> {
    if let Some(path) = args.commands.as_ref().filter(|path| !files::is_standard(path)) {
        let file = File::open(path).map_err(|error| files::wrong(path, &error))?;
        return Ok(Input::Script(Box::new(BufReader::new(file))));
    }
    if args.commands.is_some() || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let stdin = files::standard_input();
        let stdin = stdin.map_err(|error| format!("the commands: standard input: {error}"))?;
        return Ok(Input::Script(Box::new(stdin.lock())));
    }
    let flag = Arc::clone(interrupt);
    let handler = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    handler.map_err(|error| format!("Ctrl-C: {error}"))?;
    Input::terminal()
}

/// Returns the program's input if no file is named: the standard input, unless something else is read from it.
fn standard_input(args: &DebugArgs) -> std::result::Result<Kept, String> {
    let is_file = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| !files::is_standard(path));
    let is_free = is_file(&args.commands) && !files::is_standard(&args.program.file);
    let is_asked_for = args.program.input.as_deref().is_some_and(files::is_standard);
    if is_asked_for || is_free && !is_file(&args.program.input) && !io::stdin().is_terminal() {
        let stdin = files::standard_input();
        return stdin.map(Kept::new).map_err(|error| files::wrong(Path::new("-"), &error));
    }
    Ok(Kept::new(io::empty()))
}
