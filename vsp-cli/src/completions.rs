//! `vsp completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::translate::{Result, print};

const NOTES: &str = "\
Examples:
  source <(vsp completions bash)
  vsp completions zsh > ~/.zfunc/_vsp
  vsp completions fish > ~/.config/fish/completions/vsp.fish

The first one is for the running shell; put it into ~/.bashrc for all later ones.";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vsp", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
