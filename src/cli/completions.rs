// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run completions`: what a shell loads to complete the commands.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};

use super::args::Shell;
use super::catalog::with_catalog;
use super::command::Cli;
use super::terminal::print;
use crate::catalog::Catalog;
use crate::config::codes::CODES;
use crate::config::hook_forms;

pub(super) fn completions(shell: Shell) -> ExitCode {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    with_catalog(|catalog| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(catalog), "ebpf-run", &mut script);
        print(&one_name(&String::from_utf8_lossy(&script)))
    })
}

/// The commands that people use, with the words that each of them takes.
fn command(catalog: &Catalog) -> Command {
    let programs: Vec<String> = catalog.programs().iter().map(|program| program.name.clone()).collect();
    let hooks = hook_forms(catalog).into_iter().map(|form| form.kind);
    let starters = PossibleValuesParser::new(hooks.chain(programs.clone()));
    let codes = PossibleValuesParser::new(CODES.iter().map(|code| code.code));
    let all = Cli::command();
    let used = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("ebpf-run")
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments().cloned())
        .subcommands(used)
        .mut_subcommand("programs", |command| takes(command, "name", PossibleValuesParser::new(programs)))
        .mut_subcommand("new", |command| takes(command, "word", starters))
        .mut_subcommand("explain", |command| takes(command, "code", codes))
}

fn takes(command: Command, argument: &'static str, words: PossibleValuesParser) -> Command {
    command.mut_arg(argument, |argument| argument.value_parser(words))
}

/// The script of bash calls the same command by two names where its own has a `-` (clap_complete 4.6), so that nothing behind
/// a command is completed.
fn one_name(script: &str) -> String {
    script.replace("ebpf__subcmd__run__subcmd__", "ebpf__run__subcmd__")
}
