// SPDX-License-Identifier: MIT OR Apache-2.0
//! The man pages: one for each command from what it says of itself, one for the language.

mod language;

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory as _};
use roff::{Inline, Roff, bold, roman};

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
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let commands: Vec<Command> = root.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let names: Vec<String> = commands.iter().map(page_name).collect();
    fs::write(directory.join("ebpf-run.1"), page(&root, &names)?)?;
    for (command, name) in commands.iter().zip(&names) {
        fs::write(directory.join(format!("{name}.1")), page(command, &[])?)?;
    }
    fs::write(directory.join("ebpf-run.yaml.5"), language::page(catalog))
}

/// `ebpf-run-check`
fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

/// The page of one command; `subcommands` have pages of their own.
fn page(command: &Command, subcommands: &[String]) -> io::Result<Vec<u8>> {
    let name = page_name(command);
    // "ebpf-run check" at the shell is the page ebpf-run-check.
    let man = clap_mangen::Man::new(command.clone());
    let mut text = title(&name, 1).into_bytes();
    man.render_name_section(&mut text)?;
    text.extend(synopsis(command).to_roff().into_bytes());
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if !subcommands.is_empty() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    for part in command.get_after_help().map(ToString::to_string).unwrap_or_default().split("\n\n") {
        after_help(&mut rest, part);
    }
    let mut pages: Vec<String> = subcommands.iter().map(|name| format!("{name}(1)")).collect();
    if subcommands.is_empty() {
        pages.push("ebpf-run(1)".to_owned());
    }
    pages.push("ebpf-run.yaml(5)".to_owned());
    see_also(&mut rest, &pages);
    text.extend(rest.to_roff().into_bytes());
    Ok(text)
}

/// The line that begins a page. By hand: the crate `roff` drops the empty date, and what follows moves up.
fn title(name: &str, number: u8) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(".TH \"{name}\" \"{number}\" \"\" \"ebpf-run {version}\" \"ebpf-run manual\"\n")
}

/// As `--help` says it: one line for each way to use the command.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut page = Roff::new();
    section(&mut page, "SYNOPSIS");
    for (index, line) in usage.trim_start_matches("Usage:").lines().enumerate() {
        if index > 0 {
            page.control("br", []);
        }
        page.text([bold(line.trim())]);
    }
    page
}

/// `Examples:` and its lines as they are, `Exit status: …`: sections of their own.
fn after_help(page: &mut Roff, part: &str) {
    let Some((heading, body)) = part.split_once(':') else {
        if !part.is_empty() {
            page.control("PP", []);
            page.text(words(part));
        }
        return;
    };
    match heading {
        "Examples" => section(page, "EXAMPLES"),
        "Example" => section(page, "EXAMPLE"),
        "Exit status" => section(page, "EXIT STATUS"),
        other => {
            page.control("PP", []);
            page.text(words(&format!("{other}:")));
        }
    }
    if body.starts_with('\n') {
        verbatim(page, body.trim_start_matches('\n').trim_end());
    } else {
        page.text(words(body.trim()));
    }
}

fn section(page: &mut Roff, heading: &str) {
    page.control("SH", [heading]);
}

/// Lines as they are.
fn verbatim(page: &mut Roff, text: &str) {
    page.control("PP", []);
    page.control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

fn see_also(page: &mut Roff, pages: &[String]) {
    section(page, "SEE ALSO");
    let mut inlines = Vec::new();
    for (index, name) in pages.iter().enumerate() {
        let (name, number) = name.split_once('(').unwrap_or((name, ""));
        inlines.push(bold(name));
        inlines.push(roman(format!("({number}{}", if index + 1 < pages.len() { ", " } else { "" })));
    }
    page.text(inlines);
}

/// Running text; what stands in backquotes is bold.
fn words(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(index, part)| if index % 2 == 1 { bold(part) } else { roman(part) }).collect()
}
