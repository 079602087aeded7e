// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file with one mistake that YAML itself forbids: nothing is said that only follows from it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::fs;
use std::path::Path;

use ebpf_run::config::{Checked, Environment, Problem, SourceFile, check, codes, render};
use support::catalog;

fn check_text(text: &str) -> Checked {
    let variables = |name: &str| match name {
        "IFACE" => Some("eth0".into()),
        "NUMBER" => Some("17".into()),
        "YES" => Some("true".into()),
        "EMPTY" => Some("".into()),
        "NODE" => Some("node-17".into()),
        "TRICK" => Some("a: [b]\n- c # d".into()),
        _not_set => None,
    };
    check(&[SourceFile::new("t.yaml", text)], &catalog(), &Environment::new(&variables))
}

const SYNTAX: &[&str] = &[codes::SYNTAX, codes::TAB, codes::SEVERAL_DOCUMENTS];

/// Of a file that is good but for a mistake at this byte that YAML itself forbids, no other line looks wrong.
fn nothing_follows(text: &str, mistake: usize, unread: &[&str]) {
    let problems = check_text(text).problems;
    let line = text[..mistake].matches('\n').count() + 1;
    let elsewhere = |problem: &&Problem| problem.primary.line_column().0 != line;
    let follows = problems.iter().filter(elsewhere).find(|problem| &problem.code[1..] >= "0200");
    if let Some(follows) = follows.filter(|_| problems.iter().any(|problem| unread.contains(&problem.code))) {
        panic!("{}\nin\n{text}", render(follows, false));
    }
}

/// The good files.
fn good_texts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/good");
    let texts = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    texts.collect()
}

/// A bracket, quote, colon or dash that is forgotten makes no other part of the file look wrong.
#[test]
fn nothing_follows_from_a_character_left_out() {
    for text in good_texts() {
        for (at, _) in text.match_indices(['[', ']', '{', '}', '"', '\'', ':', '-', ' ']) {
            nothing_follows(&(text[..at].to_owned() + &text[at + 1..]), at, SYNTAX);
        }
    }
}

/// A line that YAML does not allow makes no other part of the file look wrong, wherever it stands and however it is indented.
#[test]
fn nothing_follows_from_a_line_too_much() {
    let lines = ["\tx: y", "]", "\"x", "'x", "@x", "[", "{ a: b", "x: y: z", "x", "y: !a!b c"];
    for text in good_texts() {
        for (at, _) in text.match_indices('\n').step_by(5) {
            for (line, indent) in
                lines.iter().flat_map(|line| [0, 2, 3, 4, 6].into_iter().map(move |indent| (line, indent)))
            {
                nothing_follows(
                    &format!("{}\n{}{line}{}", &text[..at], " ".repeat(indent), &text[at..]),
                    at + 1,
                    SYNTAX,
                );
            }
        }
    }
}

/// A file that ends too early, behind a bracket or quote that is not closed.
#[test]
fn nothing_follows_from_a_file_cut_off() {
    for text in good_texts() {
        for (at, _) in text.char_indices().step_by(15) {
            for end in ["\n  [", "\n\"x", " \"x", "[", "\n---\nx: y"] {
                nothing_follows(&format!("{}{end}", &text[..at]), at, SYNTAX);
            }
        }
    }
}

/// An alias that stands for nothing, in place of any value or key, makes no other part of the file look wrong.
#[test]
fn nothing_follows_from_an_unknown_alias() {
    for text in good_texts() {
        for (at, sign) in text.match_indices([' ', '[', '{']) {
            let from = at + sign.len();
            let rest = &text[from..];
            if rest.starts_with(' ') {
                continue;
            }
            for length in [rest.find(['\n', ',', ']', '}']), rest.find(": ")].into_iter().flatten() {
                if rest[..length].contains(['[', '{', '\n']) {
                    continue;
                }
                nothing_follows(&format!("{}*nowhere {}", &text[..from], &rest[length..]), from, &[codes::ANCHOR]);
            }
        }
    }
}
