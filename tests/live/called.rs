// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program whose functions are called when a test says so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::lab::{Lab, sh};

/// A binary of our own, compiled for one test.
pub(crate) fn compile(lab: &Lab) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/called.c");
    let binary = lab.text("called");
    sh(&format!("cc -O1 -o {binary} {}", source.display()));
    binary
}

/// The binary while it runs: it calls its functions when it is told to.
pub(crate) struct Called {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Called {
    pub(crate) fn start(binary: &str, text: &str) -> Self {
        let mut command = Command::new(binary);
        let mut child = command.arg(text).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns when so many calls were made.
    pub(crate) fn call(&mut self, times: u32) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{times}").unwrap();
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}
