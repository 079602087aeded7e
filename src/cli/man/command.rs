// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page of a command, from its `--help` and the sections that `--help` leaves out.

use std::io;

use clap::Command;
use roff::{Roff, bold};

use super::parts::{section, see_also, title, verbatim, words};
use super::sections;

/// `ebpf-run-check`
pub(super) fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

/// The page of one command; `subcommands` have pages of their own.
pub(super) fn page(command: &Command, subcommands: &[String]) -> io::Result<Vec<u8>> {
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
