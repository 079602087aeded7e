// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run daemon` and `ebpf-run --watch PATH…`: what runs follows the files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::FAILED;
use super::run::tell_problems;
use super::terminal::{stdout_color, tell, utc_offset_s};
use crate::catalog::Catalog;
use crate::config::{Environment, SourceFile, check};
use crate::format::Look;
use crate::kernel::quiet_libbpf;
use crate::runner::{self, DaemonOptions, Said};

/// Columns for the names of probes: which ones there will be, nobody knows.
const PROBE_WIDTH: usize = 16;

/// Follows these directories and files until a signal ends it.
pub(super) fn follow(roots: Vec<PathBuf>, debounce: Duration, socket: Option<PathBuf>, catalog: &Catalog) -> ExitCode {
    quiet_libbpf();
    let look = Look { color: stdout_color(), utc_offset_s: utc_offset_s(), probe_width: PROBE_WIDTH };
    let options = DaemonOptions { roots, socket, debounce, look };
    let environment = |name: &str| std::env::var_os(name);
    let check = |files: &[SourceFile]| check(files, catalog, &Environment::new(&environment));
    match runner::daemon(&options, catalog, &check, &mut say) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn say(said: &Said<'_>) {
    match said {
        Said::Info(text) => tell(text),
        Said::Warning(text) => tell(&format!("warning: {text}")),
        Said::Problem(problem) => tell_problems(std::slice::from_ref(*problem)),
        Said::Waiting(id, problem) => {
            tell(&format!("`{id}` waits: {} ({})", problem.message, problem.primary));
        }
        Said::Ready => tell("ready"),
    }
}
