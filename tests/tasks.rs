// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tasks that people write scripts for, as files: `tests/tasks` has each with its number and what other tools call it. All of
//! them check clean; `tests/live/tasks` says where each of them runs.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};

use ebpf_run::catalog::builtin;
use ebpf_run::config::{Environment, SourceFile, check, render};

fn tasks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tasks");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every task says what it is, and is a file without a problem.
#[test]
fn every_task_checks_clean() {
    let catalog = builtin().unwrap();
    let tasks = tasks();
    assert_eq!(tasks.len(), 96);
    for path in tasks {
        let text = fs::read_to_string(&path).unwrap();
        let number: u32 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        assert!(text.starts_with(&format!("# {number}. ")), "{}", path.display());
        let checked = check(&[SourceFile::new(&*path, text)], &catalog, &Environment::default());
        let problems: String = checked.problems.iter().map(|problem| render(problem, false) + "\n").collect();
        assert_eq!(problems, "", "{}", path.display());
        assert!(checked.config.is_some_and(|config| !config.probes.is_empty()));
    }
}
