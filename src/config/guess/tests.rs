// SPDX-License-Identifier: MIT OR Apache-2.0

use super::table::{GUESSES, LEFT_OUT};
use crate::catalog::builtin;
use crate::config::{Environment, SourceFile, check, render};

/// What a check says of a file.
fn said((stem, text): (&str, &str)) -> String {
    let variables = |name: &str| match name {
        "NUMBER" => Some("17".into()),
        "IFACE" => Some("eth0".into()),
        "TRICK" => Some("a: [b]\n- c # d".into()),
        _not_set => None,
    };
    let checked = check(&[SourceFile::new(stem, text)], &builtin().unwrap(), &Environment::new(&variables));
    checked.problems.iter().map(|problem| render(problem, false) + "\n\n").collect()
}

/// Each guess changes what is said of the file that shows it.
#[test]
fn every_guess_is_shown() {
    let mut unshown = Vec::new();
    for (index, guess) in GUESSES.iter().enumerate() {
        LEFT_OUT.set(None);
        let with = said(guess.shown_by);
        LEFT_OUT.set(Some(guess));
        if said(guess.shown_by) == with {
            unshown.push((index, guess.shown_by.0));
        }
    }
    LEFT_OUT.set(None);
    assert!(unshown.is_empty(), "these change nothing: {unshown:?}");
}
