// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the fuzzers found worth keeping goes through the same functions again; see fuzz/README.md.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use proptest::collection;
use proptest::prelude::*;

#[path = "../fuzz/inputs.rs"]
mod inputs;

/// Runs every file of a corpus.
fn corpus(name: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if let Err(panic) = std::panic::catch_unwind(|| run(&bytes)) {
            drop(writeln!(io::stderr(), "with {}", path.display()));
            std::panic::resume_unwind(panic);
        }
        count += 1;
    }
    assert!(count > 1, "{} is empty", folder.display());
}

/// Whatever the file, `check` ends and its problems can be shown.
#[test]
fn check() {
    corpus("check", inputs::check);
}

/// Whatever the text, an expression is read or refused at a place inside it.
#[test]
fn expression() {
    corpus("expression", inputs::expression);
}

/// Whatever the bytes, a record is a line.
#[test]
fn record() {
    corpus("record", inputs::record);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The same of random bytes, whatever is absent.
    #[test]
    fn random_records(absent in prop_oneof![Just(0u64), any::<u64>()], bytes in collection::vec(any::<u8>(), 0..300)) {
        inputs::record(&[&absent.to_ne_bytes()[..], &bytes].concat());
    }
}

/// Whatever the bytes, a program or library is read or refused.
#[test]
fn binary() {
    corpus("binary", inputs::binary);
}

/// Whatever the bytes, an object is described or refused.
#[test]
fn describe() {
    corpus("describe", inputs::describe);
}
