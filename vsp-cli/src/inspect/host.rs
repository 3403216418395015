//! What the host modules hold in a state file, in words and as JSON.

use serde_json::{Value, json};
use vsp_core::Excerpt;
use vsp_core::state_file::{HostSection, SectionReader};
use vsp_host::input::{SavedInput, SavedRest};
use vsp_host::sys::SysState;

use crate::command_state::{CommandState, SavedOutput};
use crate::script_state::{self, Script};
use crate::translate::{counted, grouped};

/// The state of a host module.
#[derive(serde::Serialize)]
pub(super) struct Module {
    pub(super) name: String,
    version: u16,
    /// What the module holds; for a module that this command does not know, the number of bytes.
    holds: Value,
    #[serde(skip)]
    lines: Vec<String>,
}

impl Module {
    /// Reads the section of a module.
    pub(super) fn read(section: &HostSection<'_>) -> Result<Module, String> {
        let (version, from) = (section.version, SectionReader::new(section.bytes));
        let damaged = |error| format!("{}: {error}", Excerpt(section.name));
        let (holds, lines) = match section.name {
            "sys" => sys(&SysState::read(version, from).map_err(damaged)?),
            script_state::SECTION => script(&Script::read(version, from).map_err(damaged)?),
            "vsp" => command(&CommandState::read(version, from).map_err(damaged)?),
            #[cfg(feature = "wasi")]
            vsp_host::wasi::MODULE => {
                wasi::module(&vsp_host::wasi::WasiState::read(version, from).map_err(damaged)?)
            }
            _ => {
                let bytes = section.bytes.len();
                let line = format!("{} of version {version}", counted(bytes as u64, "byte"));
                (json!({ "bytes": bytes }), vec![line])
            }
        };
        Ok(Module { name: Excerpt(section.name).to_string(), version, holds, lines })
    }

    /// Describes what it holds.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// Lists texts in quotes.
fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("\"{}\"", Excerpt(text))).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(" ") }
}

fn input(input: &SavedInput) -> (Value, String) {
    let taken = format!("{} read", counted(input.taken, "byte"));
    let ahead = match input.ahead.len() {
        0 => String::new(),
        count => format!(", {} read ahead", grouped(count as u64)),
    };
    match &input.rest {
        SavedRest::Nothing => {
            let holds = json!({ "taken": input.taken, "ahead": input.ahead.len(), "rest": "nothing" });
            (holds, format!("{taken}{ahead}, then it ends"))
        }
        SavedRest::Stream => {
            let holds = json!({ "taken": input.taken, "ahead": input.ahead.len(), "rest": "stream" });
            (holds, format!("a stream, {taken}{ahead}"))
        }
        SavedRest::File { path, offset, length } => {
            let name = path
                .as_ref()
                .map_or("the standard input, a file".to_owned(), |path| Excerpt(path).to_string());
            let text =
                format!("{name}, at byte {} of {}, {taken}{ahead}", grouped(*offset), grouped(*length));
            let holds = json!({
                "taken": input.taken, "ahead": input.ahead.len(), "rest": "file",
                "path": path, "offset": offset, "length": length,
            });
            (holds, text)
        }
    }
}

fn sys(state: &SysState) -> (Value, Vec<String>) {
    let (input, input_text) = input(&state.input);
    let lines = vec![
        format!("arguments: {}", quoted(&state.args)),
        format!("input: {input_text}"),
        format!("output: {} written", counted(state.written, "byte")),
        format!("exit code: {}", state.exit_code),
    ];
    let holds = json!({
        "arguments": state.args, "input_name": state.input_name, "input": input,
        "written": state.written, "exit_code": state.exit_code,
    });
    (holds, lines)
}

fn script(script: &Script) -> (Value, Vec<String>) {
    let calls: u64 = script.calls.iter().sum();
    let line = format!("declarations: {}, {} answered", Excerpt(&script.path), counted(calls, "call"));
    (json!({ "path": script.path, "text": script.text, "calls": script.calls }), vec![line])
}

fn command(state: &CommandState) -> (Value, Vec<String>) {
    let CommandState { entry, invoke, call, args, output, .. } = state;
    let mut lines = vec![format!("entry function: {}", Excerpt(entry))];
    lines.push(match output {
        Some(SavedOutput { path, written }) => {
            format!("output file: {}, {}", Excerpt(path), counted(*written, "byte"))
        }
        None => "output: the standard output".to_owned(),
    });
    let output = output.as_ref().map(|output| json!({ "path": output.path, "bytes": output.written }));
    let holds = json!({
        "entry": entry, "invoke": invoke, "arguments": args, "call": call, "output": output,
    });
    (holds, lines)
}

#[cfg(feature = "wasi")]
mod wasi {
    use vsp_host::wasi::{SavedDescriptor, WasiState};

    use super::{Excerpt, Value, counted, grouped, input, json, quoted};

    pub(super) fn module(state: &WasiState) -> (Value, Vec<String>) {
        let (stdin, stdin_text) = input(&state.stdin);
        let mut lines = vec![
            format!("arguments: {}", quoted(&state.args)),
            format!("environment: {}", quoted(&state.environment)),
            format!("input: {stdin_text}"),
            format!("output: {} written; errors: {}", counted(state.stdout, "byte"), grouped(state.stderr)),
        ];
        let time = format!("{} ns", grouped(state.time));
        lines.push(match state.is_clock_virtual {
            true => format!("clock: virtual, {time}"),
            false => format!("clock: the system's, {time} since the start"),
        });
        lines.push(match &state.random {
            Some(_) => "random numbers: from a seed".to_owned(),
            None => "random numbers: the system's".to_owned(),
        });
        for preopen in &state.preopens {
            let access = if preopen.changeable { "" } else { ", read only" };
            lines.push(format!("directory {}: {}{access}", Excerpt(&preopen.guest), Excerpt(&preopen.host)));
        }
        let mut descriptors = Vec::new();
        for (number, descriptor) in state.descriptors.iter().enumerate() {
            match descriptor {
                Some(SavedDescriptor::File { preopen, path, writable, position, length, .. }) => {
                    let guest = state.preopens.get(*preopen).map_or("?", |it| &it.guest);
                    let access = if *writable { "written" } else { "read" };
                    let (at, of) = (grouped(*position), grouped(*length));
                    lines.push(format!(
                        "descriptor {number}: {}/{}, {access}, at byte {at} of {of}",
                        Excerpt(guest),
                        Excerpt(path)
                    ));
                    descriptors.push(json!({
                        "number": number, "directory": guest, "path": path, "writable": writable,
                        "position": position, "length": length,
                    }));
                }
                Some(SavedDescriptor::Directory { preopen, path, is_preopened: false, .. }) => {
                    let guest = state.preopens.get(*preopen).map_or("?", |it| &it.guest);
                    lines.push(format!(
                        "descriptor {number}: {}/{}, a directory",
                        Excerpt(guest),
                        Excerpt(path)
                    ));
                    descriptors.push(json!({ "number": number, "directory": guest, "path": path }));
                }
                _ => {}
            }
        }
        let preopens: Vec<Value> = state
            .preopens
            .iter()
            .map(|it| json!({ "guest": it.guest, "host": it.host, "changeable": it.changeable }))
            .collect();
        let holds = json!({
            "arguments": state.args, "environment": state.environment, "input": stdin,
            "stdout": state.stdout, "stderr": state.stderr,
            "clock": if state.is_clock_virtual { "virtual" } else { "system" }, "time": state.time,
            "random": if state.random.is_some() { "seeded" } else { "system" },
            "directories": preopens, "descriptors": descriptors,
        });
        (holds, lines)
    }
}
