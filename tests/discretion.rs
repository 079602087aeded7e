// SPDX-License-Identifier: MIT OR Apache-2.0
//! What variables of the environment say is no part of any message, whatever is wrong with it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::process::Command;

use ebpf_run::config::{Environment, SourceFile, check, json_line, render, sarif};
use regex::Regex;
use support::catalog;
use tempfile::TempDir;

/// Values that are wrong in many ways. What nobody may see is in the letters and digits of [`PARTS`].
const VALUES: [&str; 15] = [
    "Zq7Xw9Vk3Jj5",
    "sched:Zq7Xw9Vk3Jj5",
    "$Zq7Xw9/Vk3Jj5",
    "/Zq7Xw9/Vk3Jj5",
    "jsonl:Zq7Xw9/Vk3Jj5",
    "Zq7Xw9:Vk3Jj5",
    "918273645546372819",
    "91827364554637281991827364554637281",
    "9182.7364",
    "Zq7Xw9 as Vk3Jj5",
    "arg0->Zq7Xw9[9182].Vk3Jj5",
    "Zq7Xw9(Vk3Jj5, 9182",
    "{ Zq7Xw9: [Vk3Jj5] }",
    "Zq7Xw9\n\"Vk3Jj5\t\\9182\u{1b}",
    "Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Zq7Xw9 Vk3Jj5",
];

const PARTS: [&str; 5] = ["zq7xw9", "vk3jj5", "9182", "7364", "5546"];

/// What a text shows of a value.
fn shown(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let pieces = PARTS.iter().flat_map(|part| (0..=part.len() - 4).map(|at| &part[at..at + 4]));
    pieces.into_iter().find(|piece| text.contains(*piece)).map(str::to_owned)
}

/// Every value of the good files, one after the other, comes from a variable, with each of the wrong values: all formats of all
/// problems are silent about it.
#[test]
fn no_message_quotes_the_environment() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/good");
    let scalar = Regex::new(r#"(?m)(: |- |\[|, )("[^"\n]*"|[A-Za-z0-9_./@:-]*[A-Za-z0-9_])"#).unwrap();
    let (catalog, mut wrong) = (catalog(), 0);
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(path).unwrap();
        for (number, found) in scalar.captures_iter(&text).enumerate().step_by(2) {
            let place = found.get(2).unwrap().range();
            let value = VALUES[number % VALUES.len()];
            for (reference, value) in [
                ("\"${env:TOKEN}\"", value),
                ("\"x-${env:TOKEN}\"", value),
                ("${env:TOKEN}", VALUES[(number / 3) % VALUES.len()]),
            ] {
                let text = [&text[..place.start], reference, &text[place.end..]].concat();
                let variables = |name: &str| (name == "TOKEN").then(|| OsString::from(value));
                let problems =
                    check(&[SourceFile::new("t.yaml", text.as_str())], &catalog, &Environment::new(&variables))
                        .problems;
                wrong += problems.len();
                let said: String =
                    problems.iter().map(|problem| render(problem, false) + &json_line(problem)).collect();
                let said = said + &sarif(&problems);
                assert_eq!(shown(&said), None, "{value:?} in {said}\nof\n{text}");
            }
        }
    }
    assert!(wrong > 500, "only {wrong} problems: this holds nothing");
}

/// What is wrong with the machine: each probe names something that it does not have.
const PROBES: [&str; 9] = [
    "hook: { kprobe: \"${env:TOKEN}\" }",
    "hook: { kprobe: { first_of: [\"${env:TOKEN}\", \"x${env:TOKEN}\"] } }",
    "hook: { tracepoint: \"sched:${env:TOKEN}\" }",
    "hook: { tracepoint: \"syscalls:sys_enter_openat\" }\n    capture: { x: \"${env:TOKEN}\" }",
    "hook: { raw_tracepoint: \"${env:TOKEN}\" }",
    "hook: { uprobe: \"/usr/bin/${env:TOKEN}:main\" }",
    "hook: { uprobe: \"/bin/sh:${env:TOKEN}\" }",
    "hook: { xdp: { interface: \"${env:TOKEN}\" } }",
    "program: exec\n    sinks: [\"jsonl:/no/${env:TOKEN}/x.jsonl\"]",
];

/// What this machine refuses is said without the values, by every command, for people and for machines.
#[test]
fn no_refusal_quotes_the_environment() {
    let folder = TempDir::new().unwrap();
    let mut said = 0;
    for probe in PROBES {
        let text = format!("version: 1\nprobes:\n  - name: one\n    {probe}\n");
        fs::write(folder.path().join("t.yaml"), text).unwrap();
        for arguments in [
            &["t.yaml", "--duration", "10ms"][..],
            &["check", "--kernel", "t.yaml"],
            &["check", "--kernel", "--format", "json", "t.yaml"],
            &["plan", "t.yaml"],
        ] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
            command.args(arguments).current_dir(folder.path()).env("TOKEN", "Zq7Xw9Vk3Jj5");
            let output = command.output().unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            // A plan is what the probe is, its targets and sinks included.
            let text =
                if arguments[0] == "plan" { errors } else { errors + &String::from_utf8(output.stdout).unwrap() };
            said += text.len();
            assert_eq!(shown(&text), None, "{arguments:?} of {probe}: {text}");
        }
    }
    assert!(said > 1000, "nothing was said");
}

/// A value that is no UTF-8 is not shown either.
#[test]
fn bytes() {
    let variables = |name: &str| (name == "TOKEN").then(|| OsString::from_vec(b"Zq7Xw9\xff".to_vec()));
    let file = SourceFile::new("t.yaml", "version: 1\nprobes:\n  - name: ${env:TOKEN}\n");
    let problems = check(&[file], &catalog(), &Environment::new(&variables)).problems;
    let said: String = problems.iter().map(|problem| render(problem, false)).collect();
    assert!(said.contains("`TOKEN` is not UTF-8"), "{said}");
    assert_eq!(shown(&said), None);
}

/// A variable of a file that has its value from the environment is as discreet.
#[test]
fn variables_of_files() {
    let catalog = catalog();
    let mut wrong = 0;
    for value in VALUES {
        for (declared, used) in [
            ("${env:TOKEN}", "${var:token}"),
            ("\"${env:TOKEN}\"", "\"${var:token}\""),
            ("{ value: \"x-${env:TOKEN}\", help: a token }", "\"y-${var:token}\""),
        ] {
            for probe in [
                "hook: { kprobe: USED }",
                "hook: { tracepoint: USED }",
                "program: USED",
                "program: exec\n    sinks: [USED]",
                "hook: { kprobe: do_exit }\n    capture: { a: USED }",
                "program: exec\n    params: { uid: USED }",
                "program: exec\n    buffer: USED",
            ] {
                let probe = probe.replace("USED", used).replace(": ${var:token} }", ":\n       ${var:token} }");
                let text = format!("version: 1\nvars:\n  token: {declared}\nprobes:\n  - name: one\n    {probe}\n");
                let variables = |name: &str| (name == "TOKEN").then(|| OsString::from(value));
                let file = SourceFile::new("t.yaml", text.as_str());
                let problems = check(&[file], &catalog, &Environment::new(&variables)).problems;
                wrong += problems.len();
                let said: String =
                    problems.iter().map(|problem| render(problem, false) + &json_line(problem)).collect();
                assert_eq!(shown(&said), None, "{value:?} in {said}\nof\n{text}");
            }
        }
    }
    assert!(wrong > 200, "only {wrong} problems: this holds nothing");
}
