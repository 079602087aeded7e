// SPDX-License-Identifier: MIT OR Apache-2.0
//! Committed files that the program writes itself are what it writes. `UPDATE=1 cargo test --test generated` rewrites them.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs a command of the program and compares what it prints with a committed file.
fn is_what_it_prints(argument: &str, file: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_ebpf-run")).arg(argument).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    let printed = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &printed).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(printed, committed, "`ebpf-run {argument}` and {file} differ; UPDATE=1 rewrites it");
}

/// The schema that editors load.
#[test]
fn schema() {
    is_what_it_prints("schema", "schema/ebpf-run.schema.json");
}

/// The man page that packages install.
#[test]
fn man_page() {
    is_what_it_prints("man", "man/ebpf-run.1");
}
