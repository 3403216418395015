//! `vsp completions` from the user's view.

mod command;

use std::process::Command;

use command::{run, stdout};

#[test]
fn every_shell_gets_a_script_with_all_commands() {
    let help = stdout(&run(&["--help"]));
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"run") && commands.contains(&"completions"), "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success() && output.stderr.is_empty());
        let script = stdout(&output);
        for command in &commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

/// The script makes bash complete the names of commands and options.
#[test]
fn bash_completes() {
    let script = stdout(&run(&["completions", "bash"]));
    let complete = |words: &str, current: usize| {
        let asked = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={current}; _vsp vsp \"${{COMP_WORDS[-1]}}\" vsp; echo \"${{COMPREPLY[*]}}\""
        );
        let output = Command::new("bash").args(["--norc", "-c", &asked]).output().unwrap();
        stdout(&output).trim().to_owned()
    };
    assert_eq!(complete("vsp ru", 1), "run");
    assert_eq!(complete("vsp check --deny", 2), "--deny-warnings");
}
