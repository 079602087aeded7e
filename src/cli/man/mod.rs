// SPDX-License-Identifier: MIT OR Apache-2.0
//! The man pages: one for each command from what it says of itself, one for the language.

mod capture;
mod command;
mod expressions;
mod language;
mod parts;
mod sections;

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory as _};

use self::command::{page, page_name};
use super::catalog::with_catalog;
use super::command::Cli;
use super::exit::FAILED;
use super::terminal::tell;
use crate::catalog::Catalog;
use crate::words::path_text;

/// Writes every page to a directory, which is made where it is missing.
pub(super) fn write(directory: &Path) -> ExitCode {
    with_catalog(|catalog| match write_all(directory, catalog) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: failed to write the man pages to `{}`: {error}", path_text(directory)));
            ExitCode::from(FAILED)
        }
    })
}

fn write_all(directory: &Path, catalog: &Catalog) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut root = Cli::command().disable_help_subcommand(true).subcommand_help_heading("COMMANDS");
    root.build();
    let commands: Vec<Command> = root.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let names: Vec<String> = commands.iter().map(page_name).collect();
    fs::write(directory.join("ebpf-run.1"), page(&root, &names)?)?;
    for (command, name) in commands.iter().zip(&names) {
        fs::write(directory.join(format!("{name}.1")), page(command, &[])?)?;
    }
    fs::write(directory.join("ebpf-run.yaml.5"), language::page(catalog))
}
