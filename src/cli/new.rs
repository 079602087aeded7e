// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run new`: a file to begin with.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::catalog::with_catalog;
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::terminal::{print, tell, tell_lines};
use crate::config::starter;
use crate::words::path_text;

pub(super) fn new(word: &str, output: Option<&Path>) -> ExitCode {
    with_catalog(|catalog| match (starter(word, catalog), output) {
        (Err(message), _) => {
            tell_lines(&format!("error: {message}"));
            ExitCode::from(BAD_CONFIGURATION)
        }
        (Ok(text), None) => print(&text),
        (Ok(text), Some(path)) => write(path, &text),
    })
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> ExitCode {
    let shown = path_text(path);
    match File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            tell(&format!("wrote {shown}"));
            ExitCode::SUCCESS
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            tell(&format!("error: `{shown}` already exists"));
            ExitCode::from(BAD_CONFIGURATION)
        }
        Err(error) => {
            tell(&format!("error: failed to write `{shown}`: {error}"));
            ExitCode::from(FAILED)
        }
    }
}
