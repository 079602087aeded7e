// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run completions`: what a shell loads to complete the commands.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::Cli;
use super::terminal::print;

/// A shell that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn completions(shell: Shell) -> ExitCode {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ebpf-run", &mut script);
    print(&String::from_utf8_lossy(&script))
}
