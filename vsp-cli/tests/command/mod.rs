//! Execution of the `vsp` command in tests.
#![allow(dead_code, reason = "not every test of the command uses everything")]

pub(crate) mod debugger;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Engines of this build.
pub(crate) const ENGINES: &[&str] =
    if cfg!(feature = "jit") { &["interp", "tier1", "tier2", "auto"] } else { &["interp", "auto"] };

/// Returns the project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `vsp` with an empty standard input.
pub(crate) fn run(args: &[&str]) -> Output {
    run_with(args, b"")
}

/// Runs `vsp`. When the tests run under qemu-user, the system cannot start a program of their machine (a spawned
/// process reports exit code 127), and `vsp` is emulated too.
pub(crate) fn run_with(args: &[&str], input: &[u8]) -> Output {
    run_in(Path::new("."), args, input)
}

/// As [`run_with`], in a folder.
pub(crate) fn run_in(folder: &Path, args: &[&str], input: &[u8]) -> Output {
    const VSP: &str = env!("CARGO_BIN_EXE_vsp");
    match output(Command::new(VSP).args(args).current_dir(folder), input) {
        Ok(output) if output.status.code() != Some(127) => output,
        _ => {
            let arch = std::env::consts::ARCH;
            let libraries = format!("/usr/{arch}-linux-gnu");
            let mut emulator = Command::new(format!("qemu-{arch}"));
            let emulator = emulator.args(["-L", &libraries, VSP]).args(args).current_dir(folder);
            output(emulator, input).unwrap()
        }
    }
}

fn output(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.env("NO_COLOR", "1").spawn()?;
    // A command that does not read its input may end before all of it is written.
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => child.wait_with_output(),
    }
}

/// Runs `vsp` with an empty standard input and other streams, and returns its exit code.
pub(crate) fn code_with(
    args: &[&str],
    stdout: impl Fn() -> Stdio,
    stderr: impl Fn() -> Stdio,
) -> Option<i32> {
    const VSP: &str = env!("CARGO_BIN_EXE_vsp");
    let code = |command: &mut Command| {
        let command = command.args(args).stdin(Stdio::null()).stdout(stdout()).stderr(stderr());
        command.status().map(|status| status.code())
    };
    match code(&mut Command::new(VSP)) {
        Ok(code) if code != Some(127) => code,
        _ => {
            let arch = std::env::consts::ARCH;
            let libraries = format!("/usr/{arch}-linux-gnu");
            code(Command::new(format!("qemu-{arch}")).args(["-L", &libraries, VSP])).unwrap()
        }
    }
}

/// Returns a command that Ctrl-C and other signals reach even if they are ignored where the tests run, as in background
/// jobs of shells. It is killed after two minutes. (Without `--foreground`, `timeout` sends each signal twice.)
#[cfg(target_os = "linux")]
pub(crate) fn interruptible(program: &str) -> Command {
    let mut command = Command::new("env");
    command.args([
        "--default-signal=HUP,INT,TERM",
        "timeout",
        "--foreground",
        "--signal=KILL",
        "120",
        program,
    ]);
    command
}

/// Returns the standard output of a command.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Returns the error stream of a command.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Creates a folder with a file.
pub(crate) fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path.display().to_string())
}

/// Creates a folder with programs.
pub(crate) fn folder(programs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in programs {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs `vsp` in a folder. It has to end with this exit code.
pub(crate) fn vsp(folder: &Path, args: &[&str], input: &[u8], code: i32) -> Output {
    let output = run_in(folder, args, input);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}{}", stdout(&output), stderr(&output));
    output
}

/// Returns the words of a command line.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Returns the path of an example of the project.
pub(crate) fn example(name: &str) -> String {
    root().join("examples").join(name).with_extension("sil").display().to_string()
}

/// Runs `vsp`, which has to fail with this exit code, and returns its message.
pub(crate) fn refusal(args: &[&str], code: i32) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
    assert!(output.stdout.is_empty(), "{args:?}: {}", stdout(&output));
    stderr(&output)
}
