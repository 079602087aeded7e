// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run check --format sarif` against the schema that OASIS publishes; tests/sarif/README.md says where it is from.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;

const GOOD: &str = "version: 1\nprobes:\n  - { name: execs, program: exec }\n";
const WARNS: &str = "version: 1\nprobes: []\n";
/// Places with related ones, notes, help, text that is not ASCII, and one behind the last character.
const BAD: &str = "version: 1\nprobes:\n  - { name: \"é✓\", program: exce }\n  - { name: a, name: b }\n  - [";

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let mut schema: Value = serde_json::from_str(include_str!("sarif/sarif-schema-2.1.0.json")).unwrap();
    // The regex of `language` has a bracket too many, which JavaScript lets pass and this validator does not.
    for place in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{place}/properties/language")).unwrap();
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    jsonschema::draft7::options().should_validate_formats(true).build(&schema).unwrap()
});

/// What the schema says against a log.
fn faults(log: &Value) -> Vec<String> {
    SCHEMA.iter_errors(log).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

/// The log of a check of these files of a folder, with as many results as it has.
fn log_of(files: &[(&OsStr, &str)], arguments: &[&str]) -> (Value, usize) {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_ebpf-run"))
        .args(["check", "--format", "sarif"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap().len();
    (log, results)
}

/// Whatever is found, the log is as the standard wants it.
#[test]
fn every_log_is_valid() {
    let name = |name: &'static str| OsStr::new(name);
    let latin = OsStr::from_bytes(b"caf\xe9 [1]%.yaml");
    let several = [(name("a.yaml"), BAD), (name("ünï ✓.yaml"), BAD), (latin, BAD), (name("w.yaml"), WARNS)];
    for (files, arguments, at_least) in [
        (&[(name("good.yaml"), GOOD)] as &[_], &["."] as &[&str], 0),
        (&[(name("w.yaml"), WARNS)], &["."], 1),
        (&[(name("bad.yaml"), BAD)], &["bad.yaml"], 1),
        (&[(name("bad.yaml"), "")], &["bad.yaml"], 1),
        (&several, &["."], 4),
        (&several, &["nowhere.yaml", "./a.yaml", "ünï ✓.yaml", "/nowhere/ü.yaml", "nowhere:8.yaml"], 5),
    ] {
        let (log, results) = log_of(files, arguments);
        assert_eq!(faults(&log), Vec::<String>::new(), "{arguments:?}: {log:#}");
        assert!(results >= at_least && (results == 0) == (at_least == 0), "{arguments:?}: {log:#}");
    }
}

/// The schema sees what would be wrong with a log of ours.
#[test]
fn a_broken_log_is_refused() {
    let (log, _) = log_of(&[(OsStr::new("bad.yaml"), BAD)], &["bad.yaml"]);
    assert_eq!(faults(&log), Vec::<String>::new());
    let result = "/runs/0/results/0";
    let place = "/runs/0/results/0/locations/0/physicalLocation";
    for (at, key, value) in [
        ("", "version", json!("2.0.0")),
        ("/runs/0", "columnKind", json!("bytes")),
        ("/runs/0", "tool", json!({})),
        ("/runs/0/tool/driver/rules/0", "id", json!(1)),
        ("/runs/0/tool/driver", "rule", json!([])),
        (result, "level", json!("fatal")),
        (result, "message", json!("text")),
        (result, "ruleIndex", json!(-2)),
        (&format!("{place}/region"), "startLine", json!(0)),
        (&format!("{place}/region"), "endColumn", Value::Null),
        (&format!("{place}/artifactLocation"), "uri", json!("a b.yaml")),
        (&format!("{place}/artifactLocation"), "uri", json!("ü.yaml")),
    ] {
        let mut broken = log.clone();
        broken.pointer_mut(at).unwrap()[key] = value;
        assert_ne!(faults(&broken), Vec::<String>::new(), "{at}/{key}");
    }
}
