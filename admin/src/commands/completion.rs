//! `completion`: what a shell needs to complete commands and options.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{cli::Cli, screen::terminal};

const AFTER: &str = "Examples:
  source <(patchbay-admin completion bash)
  patchbay-admin completion zsh > \"${fpath[1]}/_patchbay-admin\"
  patchbay-admin completion fish > ~/.config/fish/completions/patchbay-admin.fish";

/// Prints a completion script.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Completion {
    /// For which shell.
    shell: Shell,
}

impl Completion {
    /// Prints it.
    pub fn run(&self) {
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        terminal::raw(&String::from_utf8_lossy(&script));
    }
}
