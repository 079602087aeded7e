// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program whose calls begin and end spans, when a test says so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::lab::{Lab, sh};

/// The program while it runs.
pub(crate) struct Steps {
    child: Child,
    said: BufReader<ChildStdout>,
}

/// Compiles it for one test.
pub(crate) fn compile(lab: &Lab) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/steps.c");
    let binary = lab.text("steps");
    sh(&format!("cc -O1 -pthread -o {binary} {}", source.display()));
    binary
}

impl Steps {
    pub(crate) fn start(binary: &str) -> Self {
        let mut child = Command::new(binary).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Has it make these calls, one after the other: `begin 1 2 text`. Returns when they are done.
    pub(crate) fn go(&mut self, lines: &[&str]) {
        for line in lines {
            writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
            let mut said = String::new();
            self.said.read_line(&mut said).unwrap();
            assert_eq!(said, "done\n", "{line}");
        }
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
