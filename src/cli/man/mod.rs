// SPDX-License-Identifier: MIT OR Apache-2.0
//! The man pages: one for each command from what it says of itself, one for the language.

mod language;
mod sections;

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

/// `ebpf-run-check`
fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

/// The page of one command; `subcommands` have pages of their own.
fn page(command: &Command, subcommands: &[String]) -> io::Result<Vec<u8>> {
    let name = page_name(command);
    // "ebpf-run check" at the shell is the page ebpf-run-check.
    let man = clap_mangen::Man::new(command.clone());
    let table = if sections::has_table(&name) { "'\\\" t\n" } else { "" };
    let mut text = format!("{table}{}", title(&name, 1)).into_bytes();
    man.render_name_section(&mut text)?;
    text.extend(synopsis(command).to_roff().into_bytes());
    text.extend(description(command).to_roff().into_bytes());
    let mut options = Vec::new();
    man.render_options_section(&mut options)?;
    text.extend(bold_code(&String::from_utf8_lossy(&options)).into_bytes());
    if !subcommands.is_empty() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (status, examples): (Vec<&str>, Vec<&str>) =
        help.split("\n\n").partition(|part| part.starts_with("Exit status:"));
    status.into_iter().for_each(|part| after_help(&mut rest, part));
    sections::sections(&name).iter().for_each(|section| sections::write(&mut rest, section));
    examples.into_iter().for_each(|part| after_help(&mut rest, part));
    let mut pages: Vec<String> = subcommands.iter().map(|name| format!("{name}(1)")).collect();
    if subcommands.is_empty() {
        pages.push("ebpf-run(1)".to_owned());
    }
    pages.extend(
        sections::related(&name).iter().filter(|page| !page.starts_with(&format!("{name}("))).map(ToString::to_string),
    );
    pages.push("ebpf-run.yaml(5)".to_owned());
    see_also(&mut rest, &pages);
    text.extend(rest.to_roff().into_bytes());
    Ok(text)
}

/// The line that begins a page. By hand: the crate `roff` drops the empty date, and what follows moves up.
fn title(name: &str, number: u8) -> String {
    let version = env!("CARGO_PKG_VERSION");
    // Neither justified nor hyphenated: half of the words are code.
    format!(".TH \"{name}\" \"{number}\" \"\" \"ebpf-run {version}\" \"ebpf-run manual\"\n.ad l\n.nh\n")
}

/// One line for each way to use the command, as in `--help`.
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

/// The long help, without the line that NAME already has.
fn description(command: &Command) -> Roff {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map_or_else(|| about.clone(), ToString::to_string);
    let is_name = |part: &str| part.trim_end_matches('.') == about.trim_end_matches('.');
    let mut page = Roff::new();
    section(&mut page, "DESCRIPTION");
    let rest: Vec<&str> = long.split("\n\n").filter(|part| !is_name(part)).collect();
    let parts = if rest.is_empty() { vec![about.as_str()] } else { rest };
    for part in parts {
        page.control("PP", []);
        page.text(words(part));
    }
    page
}

/// Generated roff with what stands in backquotes in bold.
fn bold_code(roff: &str) -> String {
    let parts = roff.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("\\fB{part}\\fR") } else { part.to_owned() }).collect()
}

/// `0 success; 1 failure at run time`, one paragraph for each number.
fn exit_status(page: &mut Roff, text: &str) {
    section(page, "EXIT STATUS");
    for part in text.trim().trim_end_matches('.').split("; ") {
        let (number, meaning) = part.split_once(' ').unwrap_or((part, ""));
        page.control("TP", []);
        page.text([bold(number)]);
        page.text(words(meaning));
    }
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
        "Exit status" => return exit_status(page, body),
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
