// SPDX-License-Identifier: MIT OR Apache-2.0
//! The committed tables of names are what their script writes. `scripts/generate-names` rewrites them.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The source that the script reads is there wherever this project was built: it is that of a crate in Cargo.lock.
#[test]
fn tables_are_what_the_script_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(root.join("scripts/generate-names")).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut compared = 0;
    for made in fs::read_dir(folder.path()).unwrap() {
        let made = made.unwrap().path();
        let committed = root.join("src/spec/names").join(made.file_name().unwrap());
        assert!(
            fs::read_to_string(&made).unwrap() == fs::read_to_string(&committed).unwrap(),
            "{} is not what scripts/generate-names writes",
            committed.display()
        );
        compared += 1;
    }
    assert_eq!(compared, 7);
}
