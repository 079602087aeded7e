// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run explain CODE`: what a code means.

use std::process::ExitCode;

use super::exit::BAD_CONFIGURATION;
use super::terminal::{print, tell};
use crate::config::codes::CODES;
use crate::words::nearest;

pub(super) fn explain(code: Option<&str>) -> ExitCode {
    let Some(code) = code else {
        let mut list: String = CODES.iter().map(|code| format!("{}  {}\n", code.code, code.title)).collect();
        list.push_str("\n`ebpf-run explain CODE` explains one, with examples.\n");
        return print(&list);
    };
    let wanted = code.trim_start_matches("error[").trim_start_matches("warning[").trim_end_matches(']');
    let wanted = wanted.to_ascii_uppercase();
    if let Some(code) = CODES.iter().find(|code| code.code == wanted) {
        return print(&format!("{}: {}\n\n{}", code.code, code.title, code.explanation));
    }
    tell(&format!("error: unknown code `{code}`"));
    match nearest(&wanted, CODES.iter().map(|code| code.code)) {
        Some(nearest) => tell(&format!("help: did you mean `{nearest}`? `ebpf-run explain` lists all")),
        None => tell("help: `ebpf-run explain` lists all"),
    }
    ExitCode::from(BAD_CONFIGURATION)
}
