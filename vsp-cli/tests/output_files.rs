//! The files that the `vsp` command writes: nothing is lost.
#![cfg(unix)]

mod command;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use command::{example, refusal, run, run_in, run_with, stderr, stdout};

/// Returns a program that prints its argument, followed by `rest`.
fn program(rest: &str) -> String {
    format!(
        ".import sys.print_int (1) -> 0\n.import sys.arg_int (2) -> 1\n.export main\n.func main (0) -> 0\n \
         MOVI R0, 0\n MOVI R1, 7\n SYSCALL sys.arg_int\n SYSCALL sys.print_int\n {rest}\n RET\n.end\n"
    )
}

/// Creates a folder with a program and an old output.
fn folder(rest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.sil"), program(rest)).unwrap();
    fs::write(folder.path().join("out"), "OLD").unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_program_that_is_refused_leaves_the_old_output() {
    let folder = folder("NOP");
    let folder = folder.path();
    fs::write(
        folder.join("missing.sil"),
        ".import sys.no (0) -> 0\n.export main\n.func main (0) -> 0\n RET\n.end\n",
    )
    .unwrap();
    for args in [
        &["run", "p.sil", "--output", "out", "--memory", "17"][..],
        &["run", "p.sil", "--output", "out", "--stack", "1"],
        &["run", "p.sil", "--output", "out", "--input", "nothing"],
        &["run", "missing.sil", "--output", "out"],
        &["trace", "p.sil", "--to", "out", "--memory", "17"],
        &["profile", "p.sil", "--to", "out", "--memory", "17"],
        &["profile", "p.sil", "--flame", "out", "--memory", "17"],
        &["debug", "p.sil", "--output", "out", "--memory", "17"],
    ] {
        let output = run_in(folder, args, b"");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(text(folder, "out"), "OLD", "{args:?}");
        assert_eq!(names(folder), ["missing.sil", "out", "p.sil"], "{args:?}");
    }
}

#[test]
fn what_is_read_is_not_overwritten() {
    let folder = folder("NOP");
    let folder = folder.path();
    fs::hard_link(folder.join("p.sil"), folder.join("hard")).unwrap();
    symlink("p.sil", folder.join("soft.svg")).unwrap();
    fs::write(folder.join("in"), "input").unwrap();
    symlink("in", folder.join("in2")).unwrap();
    for args in [
        &["run", "p.sil", "-o", "p.sil"][..],
        &["run", "p.sil", "-o", "./hard"],
        &["run", "p.sil", "-o", "soft.svg"],
        &["run", "p.sil", "-i", "in", "-o", "in2"],
        &["trace", "p.sil", "--to", "hard"],
        &["trace", "p.sil", "-i", "in", "--to", "in"],
        &["profile", "p.sil", "--to", "hard"],
        &["profile", "p.sil", "--flame", "hard"],
        &["debug", "p.sil", "-o", "hard"],
        &["debug", "p.sil", "--commands", "in", "-o", "in2"],
        &["asm", "p.sil", "-o", "hard"],
        &["dis", "p.sil", "-o", "soft.svg"],
        &["cfg", "p.sil", "-o", "soft.svg"],
    ] {
        let output = run_in(folder, args, b"");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("which would be lost; name another file"), "{}", stderr(&output));
        assert_eq!((text(folder, "p.sil"), text(folder, "in")), (program("NOP"), "input".into()), "{args:?}");
    }
    if cfg!(feature = "jit") {
        assert_eq!(run_in(folder, &["compile", "p.sil", "-o", "hard"], b"").status.code(), Some(1));
        assert_eq!(run_in(folder, &["compile", "p.sil", "-o", "p.vsc"], b"").status.code(), Some(0));
        let output = run_in(folder, &["run", "p.sil", "--code", "p.vsc", "-o", "p.vsc"], b"");
        assert!(stderr(&output).contains("this is the code object"), "{}", stderr(&output));
    }
    let output = run_in(folder, &["trace", "p.sil", "--to", "new", "-o", "./new"], b"");
    assert!(stderr(&output).contains("two outputs cannot go to the same file"), "{}", stderr(&output));
}

#[test]
fn an_output_keeps_permissions_and_links() {
    let folder = folder("NOP");
    let folder = folder.path();
    fs::set_permissions(folder.join("out"), fs::Permissions::from_mode(0o604)).unwrap();
    symlink("out", folder.join("link")).unwrap();
    symlink("new", folder.join("dangling")).unwrap();
    for (name, target) in [("link", "out"), ("dangling", "new"), ("plain", "plain")] {
        let output = run_in(folder, &["run", "p.sil", "--output", name], b"");
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(text(folder, target), "7");
    }
    assert_eq!(fs::metadata(folder.join("out")).unwrap().mode() & 0o777, 0o604);
    assert!(fs::symlink_metadata(folder.join("link")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(folder.join("dangling")).unwrap().is_symlink());
    // A new file has the permissions of any new file.
    fs::write(folder.join("other"), "").unwrap();
    let mode = |name| fs::metadata(folder.join(name)).unwrap().mode();
    assert_eq!(mode("plain"), mode("other"));
    assert_eq!(names(folder), ["dangling", "link", "new", "other", "out", "p.sil", "plain"]);
}

#[test]
fn formatting_keeps_permissions_and_links_and_what_cannot_be_formatted() {
    let folder = folder("nop");
    let folder = folder.path();
    fs::set_permissions(folder.join("p.sil"), fs::Permissions::from_mode(0o751)).unwrap();
    symlink("p.sil", folder.join("link.sil")).unwrap();
    assert!(run_in(folder, &["fmt", "link.sil"], b"").status.success());
    assert!(text(folder, "p.sil").contains("    NOP\n"));
    assert_eq!(fs::metadata(folder.join("p.sil")).unwrap().mode() & 0o777, 0o751);
    assert!(fs::symlink_metadata(folder.join("link.sil")).unwrap().is_symlink());
    assert_eq!(run_in(folder, &["fmt", "out"], b"").status.code(), Some(1));
    assert_eq!(text(folder, "out"), "OLD");
    assert_eq!(names(folder), ["link.sil", "out", "p.sil"]);
}

/// Files are limited to no bytes, as on a full disk. (The shell cannot start programs of another machine.)
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = folder("nop");
    let folder = folder.path();
    let fmt = program("nop");
    for args in [
        &["asm", "p.sil", "-o", "out"][..],
        &["dis", "p.sil", "-o", "out"],
        &["cfg", "p.sil", "-o", "out"],
        &["run", "p.sil", "-o", "out"],
        &["trace", "p.sil", "-o", "out"],
        &["trace", "p.sil", "--to", "out"],
        &["profile", "p.sil", "--to", "out"],
        &["profile", "p.sil", "--flame", "out"],
        &["debug", "p.sil", "-o", "out", "--commands", "commands"],
        &["fmt", "p.sil"],
        &["new", "project"],
    ] {
        fs::write(folder.join("commands"), "continue\n").unwrap();
        let mut shell = std::process::Command::new("sh");
        let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
        shell.args(["-c", script, env!("CARGO_BIN_EXE_vsp")]).args(args).current_dir(folder);
        let output = shell.output().unwrap();
        if matches!(output.status.code(), Some(126 | 127)) {
            // An emulator would be needed.
            return;
        }
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("File too large"), "{args:?}: {}", stderr(&output));
        assert_eq!((text(folder, "out").as_str(), &text(folder, "p.sil")), ("OLD", &fmt), "{args:?}");
    }
    assert_eq!(names(folder), ["commands", "out", "p.sil", "project"]);
    // It can be tried again.
    assert!(names(&folder.join("project")).is_empty());
    assert!(run_in(folder, &["new", "project"], b"").status.success());
}

#[test]
fn a_file_that_must_not_be_written_is_not_replaced() {
    let folder = folder("NOP");
    let folder = folder.path();
    fs::set_permissions(folder.join("out"), fs::Permissions::from_mode(0o444)).unwrap();
    // The superuser can write all files.
    let is_free = fs::OpenOptions::new().write(true).open(folder.join("out")).is_ok();
    let output = run_in(folder, &["run", "p.sil", "--output", "out"], b"");
    assert_eq!(output.status.success(), is_free);
    assert_eq!(text(folder, "out"), if is_free { "7" } else { "OLD" });
    let output = run_in(folder, &["asm", "p.sil", "-o", "nowhere/p.silc"], b"");
    assert!(stderr(&output).starts_with("error: nowhere/p.silc: No such file"), "{}", stderr(&output));
}

#[test]
fn what_a_program_wrote_before_it_stopped_is_kept() {
    for (rest, code) in [("DIV R0, R1, R2", 3), ("l: JMP l", 4), ("YIELD R0", 4)] {
        let folder = folder(rest);
        let folder = folder.path();
        let output = run_in(folder, &["run", "p.sil", "--output", "out", "--fuel", "1000"], b"");
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert_eq!(text(folder, "out"), "7", "{rest}");
        assert_eq!(names(folder), ["out", "p.sil"]);
    }
}

/// A program that prints without end.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn what_a_program_wrote_before_a_signal_is_kept() {
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        kept_when_ended_by(signal, code);
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn kept_when_ended_by(signal: &str, code: i32) {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let folder = folder("l: SYSCALL sys.print_int\n JMP l");
    let folder = folder.path();
    let mut vsp = command::interruptible(env!("CARGO_BIN_EXE_vsp"));
    let vsp = vsp.args(["run", "p.sil", "--output", "out"]).current_dir(folder).stdin(Stdio::null());
    let mut child = vsp.spawn().unwrap();
    let size = || {
        names(folder).iter().map(|name| fs::metadata(folder.join(name)).map_or(0, |it| it.len())).sum::<u64>()
    };
    let started = Instant::now();
    while size() < 100_000 {
        assert!(started.elapsed() < Duration::from_secs(20), "it writes nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(text(folder, "out"), "OLD");
    let kill = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
    assert!(text(folder, "out").starts_with("777"));
    assert_eq!(names(folder), ["out", "p.sil"]);
}

/// The debugger, which uses Ctrl-C itself, and a signal that the process was told to ignore.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_signal_that_is_ignored_ends_nothing() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    let folder = folder("NOP");
    let folder = folder.path();
    let mut vsp = Command::new("env");
    let args = ["--ignore-signal=HUP", env!("CARGO_BIN_EXE_vsp"), "debug", "p.sil", "-o", "out"];
    let vsp = vsp.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = vsp.spawn().unwrap();
    let mut commands = child.stdin.take().unwrap();
    let started = std::time::Instant::now();
    while names(folder).len() < 3 {
        assert!(started.elapsed() < Duration::from_secs(60), "it runs");
        std::thread::sleep(Duration::from_millis(5));
    }
    for signal in ["-HUP", "-TERM"] {
        assert!(child.try_wait().unwrap().is_none(), "it goes on");
        std::thread::sleep(Duration::from_millis(200));
        let _ = commands.write_all(b"stepi\n");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(names(folder), ["out", "p.sil"]);
}

/// An error of the debugger is one message.
#[test]
fn the_debugger_refuses_to_overwrite_what_is_read() {
    let folder = folder("NOP");
    let output = run_in(folder.path(), &["debug", "p.sil", "-o", "p.sil"], b"");
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: p.sil: this is the program, which would be lost; name another file";
    assert_eq!(stderr(&output).trim_end(), expected);
}

/// Includes the bytes that the process still buffers.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_few_bytes_before_ctrl_c_are_kept() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let folder = folder("l: JMP l");
    let folder = folder.path();
    for engine in ["auto", "interp", "tier1"] {
        let mut vsp = command::interruptible(env!("CARGO_BIN_EXE_vsp"));
        let vsp = vsp.args(["run", "--engine", engine, "p.sil", "--output", "out"]).current_dir(folder);
        let mut child = vsp.stdin(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while names(folder).len() < 3 {
            assert!(started.elapsed() < Duration::from_secs(60), "it runs");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(500));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        assert_eq!((engine, child.wait().unwrap().code()), (engine, Some(130)));
        assert_eq!(text(folder, "out"), "7");
    }
}

#[test]
fn the_debugger_keeps_what_the_last_run_wrote() {
    let folder = folder("NOP");
    let folder = folder.path();
    let output = run_in(folder, &["debug", "p.sil", "-o", "out"], b"continue\nrestart\ncontinue\nrestart\n");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(text(folder, "out"), "");
    run_in(folder, &["debug", "p.sil", "-o", "out"], b"continue\nrestart\ncontinue\n");
    assert_eq!(text(folder, "out"), "7");
    assert_eq!(names(folder), ["out", "p.sil"]);
}

#[cfg(target_os = "linux")]
#[test]
fn devices_are_written_directly() {
    assert!(run(&["run", &example("fib"), "--output", "/dev/null", "9"]).status.success());
    assert!(run(&["asm", &example("fib"), "-o", "/dev/null"]).status.success());
    assert!(fs::metadata("/dev/null").unwrap().mode() & 0o170_000 == 0o020_000);
    assert_eq!(stdout(&run(&["run", &example("fib"), "--output", "/dev/stdout", "9"])), "34\n");
    for args in [
        &["run", &example("fib"), "--output", "/dev/full", "9"][..],
        &["asm", &example("fib"), "-o", "/dev/full"],
        &["dis", &example("fib"), "-o", "/dev/full"],
        &["cfg", &example("fib"), "-o", "/dev/full"],
        &["trace", &example("fib"), "--to", "/dev/full", "3"],
        &["profile", &example("fib"), "--to", "/dev/full", "3"],
        &["profile", &example("fib"), "--flame", "/dev/full", "3"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("No space left"), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn dash_is_the_standard_stream_for_every_command() {
    let text = program("NOP");
    let text = text.as_bytes();
    assert_eq!(stdout(&run_with(&["run", "-", "8"], text)), "8");
    let silc = run_with(&["asm", "-"], text).stdout;
    assert!(silc.starts_with(b"SILC"));
    assert_eq!(run_with(&["asm", "-", "-o", "-"], text).stdout, silc);
    assert_eq!(stdout(&run_with(&["run", "-", "9"], &silc)), "9");
    assert!(stdout(&run_with(&["dis", "-", "-o", "-"], &silc)).contains("SYSCALL"));
    assert!(stdout(&run_with(&["check", "-"], text)).starts_with("standard input: ok: 1 function, "));
    assert!(stdout(&run_with(&["dump", "-"], text)).starts_with("standard input: format 2.0"));
    assert!(stdout(&run_with(&["cfg", "-", "-o", "-"], text)).starts_with("digraph"));
    assert!(stdout(&run_with(&["fmt", "-"], text)).contains("    MOVI    R0, 0"));
    assert!(stdout(&run_with(&["trace", "-", "--to", "-"], text)).contains("MOVI"));
    assert!(stdout(&run_with(&["profile", "-", "--to", "-"], text)).contains("6 instructions"));
    assert!(stdout(&run_with(&["profile", "-", "--flame", "-"], text)).contains("<svg"));
    if cfg!(feature = "jit") {
        let code = run_with(&["compile", "-"], text).stdout;
        assert!(code.starts_with(b"SILN"));
        assert!(stdout(&run_with(&["dump", "-"], &code)).starts_with("standard input: code object"));
        let output = run_with(&["run", &example("fib"), "--code", "-", "5"], &code);
        assert!(stderr(&output).contains("program"), "{}", stderr(&output));
        let output = run_with(&["run", &example("fib"), "--code", "-", "5"], text);
        assert!(stderr(&output).starts_with("error: standard input: "), "{}", stderr(&output));
        assert!(stdout(&run_with(&["ir", "-"], text)).contains("iconst"));
    }
    let counted = run_with(&["run", &example("wc"), "--input", "-", "--output", "-"], b"one two\n");
    assert_eq!(stdout(&counted), stdout(&run_with(&["run", &example("wc")], b"one two\n")));
    assert!(!Path::new("-").exists());
}

#[test]
fn the_standard_input_is_read_once() {
    let text = program("NOP");
    for args in [&["run", "-", "--input", "-"][..], &["debug", "-"], &["check", "-", "-"]] {
        let output = run_with(args, text.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("it can be read only once"), "{args:?}: {}", stderr(&output));
    }
    assert!(refusal(&["new", "-"], 1).contains("a folder needs a name"));
}

#[test]
fn a_drawing_has_a_format_that_is_known() {
    let folder = folder("NOP");
    let folder = folder.path();
    for (name, start) in
        [("a.svg", "<svg"), ("b.SVG", "<svg"), ("c.dot", "digraph"), ("d.gv", "digraph"), ("e", "digraph")]
    {
        let output = run_in(folder, &["cfg", "p.sil", "-o", name], b"");
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(text(folder, name).starts_with(start), "{name}");
    }
    let output = run_in(folder, &["cfg", "p.sil", "-o", "x.png"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("known extensions are .svg (a drawing), .dot and .gv"),
        "{}",
        stderr(&output)
    );
    assert!(!folder.join("x.png").exists());
    assert!(run_in(folder, &["cfg", "p.sil", "-o", "x.png", "--format", "svg"], b"").status.success());
}
