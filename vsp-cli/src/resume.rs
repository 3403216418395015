//! `vsp resume`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use vsp_core::snapshot::Snapshot;
use vsp_core::state_file::{SectionReader, StateFile};
use vsp_core::{Options, Reason, Status};
use vsp_host::number;

use crate::cli::{EngineArgs, RUN_EXIT_CODES, ReportArgs};
use crate::command_state::{CommandState, SavedOutput, modules};
use crate::execution::{Execution, Resumed};
use crate::files::{self, is_standard};
use crate::load::{self, Loaded};
use crate::message;
use crate::program::{ProgramArgs, UNLIMITED, imports_wasi};
use crate::record::RecordArgs;
use crate::recording::started_with;
use crate::run::Session;
use crate::save::{Begin, SaveArgs};
use crate::script::ImportArgs;
use crate::script_state::Script;
use crate::translate::Result;
#[cfg(feature = "wasi")]
use crate::wasi::{DirectoryArgs, WasiArgs};

const EXAMPLES: &str = "\
Examples:
  vsp resume m.vss
  vsp resume m.vss --engine interp --save m.vss --slice 10m
  vsp run p.sil --output out --save - --slice 1s | ssh elsewhere vsp resume - --output -

The program goes on with the arguments, the input, the output and the directories that it had: a file \
of the state is opened again, and `vsp state` shows which. A state from somebody else is as much to be \
trusted as a script of his; with --given-only it gets only what this command line names.";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{RUN_EXIT_CODES}"))]
pub(crate) struct ResumeArgs {
    /// The state file; `-` is the standard input.
    file: PathBuf,
    /// The program, if the state file has only its path and it is elsewhere; or its text, for messages with source lines.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The input of the program [default: the file that it had; for other inputs `-`, the standard input].
    #[arg(long, short, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The output of the program [default: the file that it had, or `-`, the standard output]. A file goes on after the
    /// bytes that the program had written to its output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Open no files and directories but those that this command line names.
    #[arg(long)]
    given_only: bool,
    /// Fuel of the program from here on [default: what it had left].
    #[arg(long, value_name = "UNITS", allow_negative_numbers = true, value_parser = number::count)]
    fuel: Option<u64>,
    /// The answer to the YIELD that the program waits for.
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = number::register)]
    answer: Option<u64>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    save: SaveArgs,
    #[command(flatten)]
    record: RecordArgs,
    #[cfg(feature = "wasi")]
    #[command(flatten)]
    directories: DirectoryArgs,
}

pub(crate) fn resume(args: &ResumeArgs) -> Result<ExitCode> {
    let refuse = |error: &dyn std::fmt::Display| files::refuse(&args.file, error);
    let bytes = files::read(&args.file).map_err(|error| refuse(&error))?;
    let file = StateFile::read(&bytes).map_err(|error| refuse(&error))?;
    let mut command = command_of(&file).map_err(|error| refuse(&error))?;
    let loaded = program_of(&file, &args.file, args.program.as_deref(), Origin::State)?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    let snapshot = file.snapshot();
    let fuel = Fuel::new(args, snapshot, &command).map_err(|error| refuse(&error))?;
    let answer = answer(args, snapshot).map_err(|error| refuse(&error))?;

    let script = Script::of(&file).map_err(|error| refuse(&error))?;
    let program = args.program_args(&file, &command, fuel.granted, script);
    args.save.prepare(&program)?;
    args.record.prepare(&program, args.save.save.as_deref())?;
    let saved = command.output.as_ref().filter(|_| program.output.is_some());
    let resumed = Resumed {
        written: saved.map(|output| output.written),
        only_given: args.given_only,
        takes_standard_input: is_standard(&args.file),
    };
    let execution = Execution::of(&program, loaded, verified, Some(resumed))?;
    if let Some(path) = &args.save.save {
        execution.saving(path)?;
    }
    execution.reading(&args.file, "the state");
    if let Some(path) = &args.record.record {
        execution.saving(path)?;
    }
    if let Some(code) = &args.engine.code {
        execution.reading(code, "the code object");
    }
    let call = command.call as usize;
    if call > execution.entry.last_call() {
        return Err(refuse(&format!("the program makes no call number {call}")));
    }
    command.granted = fuel.granted;
    let session = Session {
        execution: &execution,
        engine: &args.engine,
        report: &args.report,
        save: &args.save,
        record: &args.record,
        prints_results: command.results || command.invoke,
        command: command.clone(),
    };
    let options = Options { fuel: fuel.granted, ..Options::default() };
    let has_wasi = imports_wasi(&execution.verified);
    session.run(options, Begin::Resume { call, values: answer }, |module, options| {
        // The balance of the snapshot stays, unless the options replace it.
        let options = Options { fuel: fuel.new, ..options };
        let mut state = execution.state().map_err(|error| message::render_text(&error))?;
        let restored = file.restore(&mut modules(&mut state, has_wasi, &mut command));
        restored.map_err(|error| refuse(&error))?;
        execution.restored_by(|imports| module.restore(imports, state, options, snapshot))
    })
}

/// Returns the section of the command.
pub(crate) fn command_of(file: &StateFile<'_>) -> std::result::Result<CommandState, String> {
    let section = file.sections().find(|section| section.name == "vsp");
    let section =
        section.ok_or("another host has saved it, and not this command: it has no section \"vsp\"")?;
    CommandState::read(section.version, SectionReader::new(section.bytes))
        .map_err(|error| format!("vsp: {error}"))
}

/// What a program was saved in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    State,
    Recording,
}

/// Loads the program of a state file: `given`, or the one in the file, or the one that the file names.
pub(crate) fn program_of(
    file: &StateFile<'_>,
    state: &Path,
    given: Option<&Path>,
    origin: Origin,
) -> Result<Loaded> {
    let (place, option, done) = match origin {
        Origin::State => ("state", "with --program", "saved"),
        Origin::Recording => ("recording", "after it", "recorded"),
    };
    let path = Path::new(file.program_path());
    let loaded = match (given, file.program_bytes()) {
        (Some(given), _) => files::load(given).map_err(|error| message::render(&error))?,
        (None, Some(bytes)) => {
            let name = if path == Path::new("") { files::name(state) } else { path };
            load::read(name, bytes.to_vec(), None).map_err(|error| message::render(&error))?
        }
        (None, None) if path == Path::new("") => {
            let why = format!("the program is not in the {place}, and has no path: name it {option}");
            return Err(files::refuse(state, &why));
        }
        (None, None) => files::load(path).map_err(|error| {
            let help = format!("the program is not in the {place}; if it is elsewhere, name it {option}");
            message::render_help(&error.to_string(), &[help])
        })?,
    };
    let snapshot = file.snapshot();
    let (bytes, checksum) = (loaded.program.bytes().len() as u32, loaded.program.checksum());
    if (bytes, checksum) != (snapshot.program_bytes(), snapshot.program_checksum()) {
        let why = format!(
            "this is not the program that was {done}: that one has {} bytes and CRC-32 0x{:08X}, this one {bytes} and \
             0x{checksum:08X}",
            snapshot.program_bytes(),
            snapshot.program_checksum()
        );
        return Err(files::refuse(&loaded.path, &why));
    }
    Ok(loaded)
}

/// The fuel of a program that goes on.
struct Fuel {
    /// All that it has had, if it is counted.
    granted: Option<u64>,
    /// The new balance, if it is not the old one.
    new: Option<u64>,
}

impl Fuel {
    fn new(
        args: &ResumeArgs,
        snapshot: &Snapshot<'_>,
        command: &CommandState,
    ) -> std::result::Result<Fuel, String> {
        let granted = command.granted.unwrap_or(UNLIMITED).min(UNLIMITED);
        match (snapshot.fuel(), args.fuel) {
            (Some(left), None) if left <= 0 => {
                Err("its fuel is used up: give it more with --fuel".to_owned())
            }
            (Some(_), None) => Ok(Fuel { granted: Some(granted), new: None }),
            (Some(left), Some(new)) => {
                let used = granted.saturating_add_signed(-left);
                let new = new.min(UNLIMITED.saturating_sub(used));
                Ok(Fuel { granted: Some(used.saturating_add(new)), new: Some(new) })
            }
            // It was not counted so far.
            (None, new) => {
                let is_needed = args.report.has_fuel() || args.record.record.is_some();
                let new = crate::save::starting_fuel(&args.save, new, is_needed);
                Ok(Fuel { granted: new, new })
            }
        }
    }
}

/// Returns the values that the program waits for.
fn answer(args: &ResumeArgs, snapshot: &Snapshot<'_>) -> std::result::Result<Vec<u64>, String> {
    let reason = match snapshot.status() {
        Status::Suspended(reason) => reason,
        Status::Idle => {
            return Err("the program was saved between two calls: there is none to go on with".to_owned());
        }
        Status::Stepping => {
            return Err(
                "the program was saved between two instructions, and this command cannot go on there"
                    .to_owned(),
            );
        }
    };
    match (reason, args.answer) {
        (Reason::Yield(_), Some(answer)) => Ok(vec![answer]),
        (Reason::Yield(value), None) => {
            Err(format!("the program yields {value}, and waits for an answer: --answer VALUE"))
        }
        (Reason::Pending(_), _) => {
            Err("it waits for a host function that this command does not have".to_owned())
        }
        (_, Some(_)) => Err("--answer: the program does not wait for an answer".to_owned()),
        (_, None) => Ok(Vec::new()),
    }
}

impl ResumeArgs {
    /// Returns the arguments with which the program would have been started, to go on.
    fn program_args(
        &self,
        file: &StateFile<'_>,
        command: &CommandState,
        fuel: Option<u64>,
        script: Script,
    ) -> ProgramArgs {
        let saved_output = command.output.as_ref().filter(|_| !self.given_only);
        let saved_output = saved_output.map(|SavedOutput { path, .. }| PathBuf::from(path));
        ProgramArgs {
            input: self.input.clone(),
            output: self.output.clone().or(saved_output),
            fuel,
            #[cfg(feature = "wasi")]
            wasi: WasiArgs { directories: self.directories.clone(), ..WasiArgs::default() },
            imports: ImportArgs::of_saved(command.unknown_imports, script),
            ..started_with(command, PathBuf::from(file.program_path()))
        }
    }
}
