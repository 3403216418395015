//! Output on a terminal: lines fit 80 columns, colours appear on terminals only, and help wraps well.

mod command;

use std::process::{Command, Output};

use command::{example, root, run, run_in, stderr, stdout};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use command::{file, interruptible};

/// Runs `vsp` in the project's folder with these environment variables.
fn run_with_variables(variables: &[(&str, &str)], args: &[&str]) -> Option<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vsp"));
    command.args(args).current_dir(root()).envs(variables.iter().copied()).env_remove("NO_COLOR");
    // An emulated program cannot be started this way.
    command.output().ok().filter(|output| output.status.code() != Some(127))
}

fn assert_narrow(what: &str, text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{what}: {} columns: {line}", line.chars().count());
    }
}

#[test]
fn traces_and_dumps_fit_80_columns() {
    for (name, args) in [("fib", ["10", ""]), ("sieve", ["300", ""]), ("json", ["", ""]), ("crc32", ["", ""])]
    {
        let path = format!("examples/{name}.sil");
        let args = args.into_iter().filter(|arg| !arg.is_empty());
        let all: Vec<&str> = ["trace", "--count", "400", &path].into_iter().chain(args).collect();
        assert_narrow(name, &stderr(&run_in(&root(), &all, b"")));
    }
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sil") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let shown = run_in(&root().join("examples"), &["dump", "--blocks", &name], b"");
            // Data can be longer.
            let text = stdout(&shown);
            let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("functions:")).collect();
            assert!(lines.len() > 2, "{name}");
            assert_narrow(&name, &lines.join("\n"));
        }
    }
}

const ESCAPE: char = '\u{1b}';

/// Each of these prints in colour, and without colour when it is piped.
#[test]
fn colours_are_there_when_asked_for_and_never_in_pipes() {
    let fib = "examples/fib.sil";
    let commands: [&[&str]; 5] = [
        &["dump", fib],
        &["trace", "--count", "3", fib, "3"],
        &["profile", fib, "5"],
        &["debug", "--commands", "/dev/null", fib],
        #[cfg(feature = "disassembler")]
        &["disasm-native", "--function", "fib", fib],
        #[cfg(not(feature = "disassembler"))]
        &["dump", "--blocks", fib],
    ];
    for args in commands {
        let Some(piped) = run_with_variables(&[], args) else { return };
        let plain = stdout(&piped) + &stderr(&piped);
        assert!(!plain.contains(ESCAPE), "{args:?}: {plain}");
        let Some(forced) = run_with_variables(&[("CLICOLOR_FORCE", "1")], args) else { return };
        let coloured = stdout(&forced) + &stderr(&forced);
        assert!(coloured.contains(ESCAPE), "{args:?}: {coloured}");
        assert_eq!(without_escapes(&coloured), plain, "{args:?}");
        let Some(never) = run_with_variables(&[("NO_COLOR", "1")], args) else { return };
        assert_eq!(stdout(&never) + &stderr(&never), plain, "{args:?}");
    }
}

fn without_escapes(text: &str) -> String {
    let mut parts = text.split(ESCAPE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// Files have no colours, whatever the terminal.
#[test]
fn files_have_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["trace", "profile"] {
        let to = folder.path().join(command);
        let args = [command, "--to", to.to_str().unwrap(), &example("fib"), "5"];
        let Some(output) = run_with_variables(&[("CLICOLOR_FORCE", "1")], &args) else { return };
        assert!(output.status.success());
        assert!(!std::fs::read_to_string(&to).unwrap().contains(ESCAPE), "{command}");
    }
}

/// Paragraphs are one line each, so that they wrap to the terminal and not twice.
#[test]
fn help_wraps_once() {
    let help = stdout(&run(&["--help"]));
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|it| !it.is_empty());
    // A line with more indentation continues a description.
    let commands = commands.filter(|line| !line.starts_with("   "));
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 15, "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let args = [name, "--help"];
        let Some(wide) = run_with_variables(&[("COLUMNS", "1000")], &args) else { return };
        for pair in stdout(&wide).lines().collect::<Vec<_>>().windows(2) {
            let is_text = |line: &str| !line.is_empty() && !line.starts_with(' ');
            let goes_on = is_text(pair[0])
                && is_text(pair[1])
                && pair[1].starts_with(|first: char| first.is_lowercase())
                && pair[0].ends_with(|last: char| last.is_alphanumeric() || last == ',');
            assert!(!goes_on, "{name}: wrapped by hand: {pair:?}");
        }
        let Some(narrow) = run_with_variables(&[("COLUMNS", "80")], &args) else { return };
        assert_narrow(name, &stdout(&narrow));
    }
}

/// Runs a command on a new terminal, types Ctrl-C after a while, and returns the output and the exit code. Returns
/// `None` if there is no `script` to create a terminal.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn interrupted(args: &str) -> Option<(String, Option<i32>)> {
    use std::io::Write;
    use std::process::Stdio;
    use std::time::Duration;

    let line = format!("'{}' {args}", env!("CARGO_BIN_EXE_vsp"));
    let mut script = interruptible("script");
    script.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]).env("NO_COLOR", "1");
    let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.ok()?;
    std::thread::sleep(Duration::from_millis(1_500));
    child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    let output = child.wait_with_output().unwrap();
    Some((stdout(&output), output.status.code()))
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn ctrl_c_shows_where_the_program_is() {
    let (_folder, path) = file(
        "spin.sil",
        b".export main\n.func main (0) -> 0\n CALL spin\n RET\n.end\n.func spin (0) -> 0\nagain:\n ADDI R0, 1\n JMP again\n.end\n",
    );
    let mut commands = vec!["run", "run --engine interp", "trace --function main", "profile"];
    if cfg!(feature = "jit") {
        commands.push("run --engine tier1");
    }
    // Each waits for its program to run for a while.
    std::thread::scope(|scope| {
        for command in commands {
            let path = &path;
            scope.spawn(move || {
                let Some((shown, code)) = interrupted(&format!("{command} '{path}'")) else { return };
                assert_eq!(code, Some(130), "{command}: {shown}");
                for part in
                    ["error: interrupted", "at function spin, word", "called from function main, word 0"]
                {
                    assert!(shown.contains(part), "{command}: {shown}");
                }
            });
        }
    });
    #[cfg(feature = "jit")]
    {
        // Machine code that does not poll the flag runs on a terminal too.
        let code = path.replace(".sil", ".vsc");
        assert!(run(&["compile", "--no-interrupt", &path, "-o", &code]).status.success());
        let Some((shown, code)) = interrupted(&format!("run '{path}' --code '{code}'")) else { return };
        assert_eq!((shown.contains("error: interrupted"), code), (true, Some(130)), "{shown}");
    }
    // One that waits for input has no safepoint, and ends nevertheless.
    let read = b".import sys.read (2) -> 1\n.export main\n.func main (0) -> 0\n MOVI R1, 1\n SYSCALL sys.read\n RET\n.end\n";
    let (_folder, path) = file("wait.sil", read);
    let Some((shown, code)) = interrupted(&format!("run '{path}'")) else { return };
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("error: interrupted"), "{shown}");
}
