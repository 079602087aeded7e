// SPDX-License-Identifier: MIT OR Apache-2.0
//! The schema in the language server that editors run: its diagnostics, its completions, its hovers.
//!
//! The server is `yaml-language-server` in the version of package-lock.json, installed once into target/editor. Without node
//! and npm the test is skipped; with `CI=true` and node it must run.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod server;

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use ebpf_run::catalog::builtin;
use ebpf_run::config::{self, Environment, SourceFile, check};
use serde_json::Value;
use server::Server;

/// Files of tests/config/bad whose every mistake the schema can see.
const BAD: &[&str] = &[
    "enabled_yes",
    "interval_number",
    "interval_unit",
    "name_with_spaces",
    "no_interface",
    "no_probes_key",
    "no_version",
    "param_range",
    "param_type",
    "probes_as_mapping",
    "two_hooks",
    "unknown_hook",
    "unknown_key",
    "unknown_param",
    "unknown_param_none",
    "unknown_program",
    "value_missing",
    "wrong_mode",
    "xdp_as_text",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Installs the server where it is not there yet in this version; its script, or why it cannot be had.
fn install() -> Result<PathBuf, String> {
    let folder = root().join("target/editor");
    let script = folder.join("node_modules/yaml-language-server/out/server/src/server.js");
    let source = root().join("tests/editor");
    let lock = fs::read_to_string(source.join("package-lock.json")).unwrap();
    let stamp = folder.join("installed");
    if script.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(script);
    }
    fs::create_dir_all(&folder).unwrap();
    drop(fs::remove_file(&stamp));
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder);
    let output = npm.output().map_err(|error| format!("npm does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("npm ci failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    fs::write(&stamp, lock).unwrap();
    Ok(script)
}

/// A server that knows the schema of the tests' catalogue for the files of target/editor, or `None` where this machine
/// cannot run one.
fn start() -> Option<Server> {
    let skip = |why: &str| drop(writeln!(io::stderr(), "skipped: editor: {why}"));
    if !is_there("node") || !is_there("npm") {
        skip("node or npm is not there");
        return None;
    }
    let script = match install() {
        Ok(script) => script,
        Err(why) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
            skip(&why.replace('\n', " "));
            return None;
        }
    };
    let schema = root().join("target/editor/test.schema.json");
    fs::write(&schema, config::schema(&support::catalog()).to_string()).unwrap();
    Some(Server::start(&script, &schema))
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The lines of our problems, from 0 as the server counts.
fn our_lines(text: &str) -> BTreeSet<u64> {
    let file = SourceFile::new("t.yaml", text);
    let checked = check(&[file], &support::catalog(), &Environment::default());
    checked.problems.iter().map(|problem| problem.primary.line_column().0 as u64 - 1).collect()
}

fn lines(diagnostics: &[Value]) -> BTreeSet<u64> {
    diagnostics.iter().filter_map(|diagnostic| diagnostic["range"]["start"]["line"].as_u64()).collect()
}

/// An editor marks what `check` marks, on the same lines, and nothing in good files.
fn diagnostics(server: &mut Server) {
    for name in BAD {
        let text = fs::read_to_string(root().join(format!("tests/config/bad/{name}.yaml"))).unwrap();
        let found = server.diagnostics(&root().join(format!("target/editor/{name}.yaml")), &text);
        assert_eq!(lines(&found), our_lines(&text), "{name}: {found:#?}");
    }
    for path in yaml_files("tests/config/good") {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap();
        let found = server.diagnostics(&root().join("target/editor").join(name), &text);
        assert!(found.is_empty(), "{}: {found:#?}", shown(&path));
    }
    // These name the committed schema in their first line.
    for path in yaml_files("examples").into_iter().chain(yaml_files("probes.d")) {
        let text = fs::read_to_string(&path).unwrap();
        let found = server.diagnostics(&path, &text);
        assert!(found.is_empty(), "{}: {found:#?}", shown(&path));
        let broken = text.replacen("\nprobes:", "\nprobs:", 1);
        let line = broken.lines().position(|line| line == "probs:").unwrap() as u64;
        // A name of its own: closing a file empties its diagnostics, which would be taken for those of the next.
        let copy = path.with_extension("broken.yaml");
        assert!(lines(&server.diagnostics(&copy, &broken)).contains(&line), "{} is not checked", shown(&path));
    }
    for word in ["exec", "kprobe", "xdp"] {
        let text = config::starter(word, &builtin().unwrap()).unwrap();
        let found = server.diagnostics(&root().join(format!("target/editor/new-{word}.yaml")), &text);
        assert!(found.is_empty(), "new {word}: {found:#?}");
    }
}

const HEAD: &str = "version: 1\nprobes:\n  - name: x\n";

/// An editor offers the kinds of hooks, the programs, the parameters of the program, the words of `mode`.
fn completions(server: &mut Server) {
    for (name, text, line, column, expected) in [
        ("hook", "    hook:\n      ", 4, 6, &["xdp", "kprobe", "kretprobe", "tracepoint", "raw_tracepoint"][..]),
        ("program", "    program: ", 3, 13, &["exec", "packet_count", "trace"]),
        (
            "params",
            "    program: exec\n    params:\n      ",
            5,
            6,
            &["min_duration_ns", "uid", "ignore_failed", "comm"],
        ),
        ("mode", "    hook:\n      xdp:\n        mode: ", 5, 14, &["auto", "native", "generic", "offload"]),
        ("probe", "    ", 3, 4, &["hook", "program", "capture", "labels", "sinks"]),
    ] {
        let path = root().join(format!("target/editor/complete-{name}.yaml"));
        let labels = server.completions(&path, &format!("{HEAD}{text}\n"), line, column);
        for word in expected {
            assert!(labels.iter().any(|label| label == word), "{name}: {word} is not in {labels:?}");
        }
    }
}

/// An editor shows the descriptions.
fn hovers(server: &mut Server) {
    for (name, text, line, column, expected) in [
        ("hook", "    hook: { kprobe: f }\n", 3, 6, "Where the probe attaches"),
        ("kprobe", "    hook: { kprobe: f }\n", 3, 14, "entry of a kernel function"),
        ("interval", "    interval: 1s\n    program: exec\n", 3, 6, "How often counters are reported"),
        ("param", "    program: exec\n    params:\n      uid: 1\n", 5, 7, "Only processes of this user"),
    ] {
        let path = root().join(format!("target/editor/hover-{name}.yaml"));
        let hover = server.hover(&path, &format!("{HEAD}{text}"), line, column);
        // The server escapes what Markdown would take for its own.
        assert!(hover.replace(['\\', '\u{a0}'], "").replace("&emsp;", " ").contains(expected), "{name}: {hover}");
    }
}

/// The schema does its work in a real editor.
#[test]
fn editor() {
    let Some(mut server) = start() else { return };
    diagnostics(&mut server);
    completions(&mut server);
    hovers(&mut server);
}
