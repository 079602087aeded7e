// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run explain`: the examples are true.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::process::{Command, Output};

use ebpf_run::catalog::builtin;
use ebpf_run::config::codes::CODES;
use ebpf_run::config::{Environment, SourceFile, check, render};

/// The codes that a file alone yields; the others come from the file system, the kernel or a sink.
fn from_text(code: &str) -> bool {
    ("0100".."0400").contains(&&code[1..])
}

/// The fenced blocks of a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    let parts = text.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

/// The wrong example of each code yields that code and nothing else, the right one is clean.
#[test]
fn examples_are_true() {
    let catalog = builtin().unwrap();
    for code in CODES {
        let language = if from_text(code.code) { "yaml" } else { "text" };
        let found = blocks(code.explanation, language);
        let [wrong, right] = found.as_slice() else { panic!("{}: {} examples", code.code, found.len()) };
        assert!(code.explanation.contains("Wrong:\n\n```") && code.explanation.contains("Right:\n\n```"));
        if !from_text(code.code) {
            continue;
        }
        let problems = |text: &str| {
            let file = SourceFile::new("example.yaml", text);
            check(&[file], &catalog, &Environment::default()).problems
        };
        let codes: Vec<&str> = problems(wrong).iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [code.code], "the wrong example of {}:\n{wrong}", code.code);
        let rendered: Vec<String> = problems(right).iter().map(|problem| render(problem, false)).collect();
        assert_eq!(rendered, Vec::<String>::new(), "the right example of {}", code.code);
    }
}

/// Every explanation says something before its examples, in lines that a terminal shows whole.
#[test]
fn explanations_are_readable() {
    for code in CODES {
        assert!(code.explanation.find("Wrong:").unwrap() > 40, "{} says nothing", code.code);
        assert!(code.explanation.lines().all(|line| line.chars().count() <= 140), "{} has a long line", code.code);
        assert!(code.explanation.ends_with("```\n"), "{}", code.code);
    }
}

fn explain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebpf-run")).arg("explain").args(arguments).output().unwrap()
}

/// A code is explained however it is copied from a message; without one all are listed; an unknown one has a neighbour.
#[test]
fn command() {
    for code in ["E0201", "e0201", "error[E0201]"] {
        let output = explain(&[code]);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().starts_with("E0201: unknown key\n\n"));
    }
    let list = String::from_utf8(explain(&[]).stdout).unwrap();
    assert!(CODES.iter().all(|code| list.contains(&format!("{}  {}\n", code.code, code.title))));
    for (code, said) in [("E0220", "did you mean `E0"), ("banana", "`ebpf-run explain` lists all")] {
        let output = explain(&[code]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(said), "{code}");
    }
}
