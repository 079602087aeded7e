// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run show PATH…`: the effective configuration. No other command prints values of the environment.

use std::path::PathBuf;
use std::process::ExitCode;

use super::args::{Notation, Settings};
use super::catalog::with_catalog;
use super::examine::{examine, variable};
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::report::tell_problems;
use super::terminal::{print_json, print_yaml, tell};
use crate::config::{Environment, Severity, SourceFile, effective};

pub(super) fn show(paths: &[PathBuf], settings: &Settings, format: Notation) -> ExitCode {
    with_catalog(|catalog| {
        let examined = examine(paths, settings, catalog);
        tell_problems(&examined.checked.problems);
        if examined.checked.config.is_none() || tell_withheld(&examined.sources) {
            return ExitCode::from(BAD_CONFIGURATION);
        }
        let document =
            effective(&examined.sources, catalog, &Environment::new(&variable).set(&settings.set, Severity::Error));
        match format {
            Notation::Json => print_json(&format!("{document:#}\n")),
            Notation::Yaml => match serde_yaml::to_string(&document) {
                // What writes YAML takes these for ends of lines, which nobody has since YAML 1.2. JSON is YAML too.
                Ok(yaml) if yaml.contains(['\u{2028}', '\u{2029}']) => print_json(&format!("{document:#}\n")),
                Ok(yaml) => print_yaml(&yaml),
                Err(error) => {
                    tell(&format!("error: failed to write YAML: {error}"));
                    ExitCode::from(FAILED)
                }
            },
        }
    })
}

/// Says which files must not be shown. True where there is one.
fn tell_withheld(sources: &[SourceFile]) -> bool {
    let withheld = sources.iter().filter_map(|source| Some((source, source.withheld?)));
    withheld.map(|(source, why)| tell(&format!("error: {}: {}", source.shown(), why.note()))).count() > 0
}
