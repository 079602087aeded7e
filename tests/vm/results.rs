// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads what a VM sent over its second serial port. `tests/vm/guest/init` describes the lines.

use std::collections::BTreeMap;

/// All that one VM sent. A VM that died sent less, and `done` is false.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// What `uname -r` said; empty when the VM did not come that far.
    pub release: String,
    /// By name of the scenario; only those that were closed.
    pub scenarios: BTreeMap<String, Outcome>,
    /// The scenario that was opened and not closed: what a dead VM died in.
    pub open: Option<String>,
    pub done: bool,
}

/// What one scenario left behind in the VM.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `exit` (status of ebpf-run), `seconds` (from setup to cleanup), `complete` (all files arrived).
    pub values: BTreeMap<String, String>,
    /// By name; empty files are not sent.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Outcome {
    pub(crate) fn file(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(&[], Vec::as_slice)
    }
}

impl Results {
    /// Reads everything that can be read: a torn end is what a dead VM leaves behind, and no error.
    pub(crate) fn parse(text: &str) -> Self {
        let mut results = Self::default();
        let mut outcome = Outcome::default();
        let mut file: Option<(&str, String)> = None;
        for line in text.lines() {
            let Some(mark) = line.strip_prefix('@') else {
                if let Some((_, base64)) = &mut file {
                    base64.push_str(line.trim_end());
                }
                continue;
            };
            if let Some((name, base64)) = file.take() {
                outcome.files.insert(name.to_owned(), decode_base64(&base64));
            }
            let (word, rest) = mark.trim_end().split_once(' ').unwrap_or((mark.trim_end(), ""));
            match word {
                "boot" => results.release = rest.to_owned(),
                "scenario" => (results.open, outcome) = (Some(rest.to_owned()), Outcome::default()),
                "value" => {
                    let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
                    outcome.values.insert(key.to_owned(), value.to_owned());
                }
                "file" => file = Some((rest, String::new())),
                "end" => {
                    // The number of files tells whether a line got lost on the way.
                    let complete = rest.parse() == Ok(outcome.files.len());
                    outcome.values.insert("complete".to_owned(), complete.to_string());
                    results.scenarios.extend(results.open.take().map(|name| (name, std::mem::take(&mut outcome))));
                }
                "done" => results.done = true,
                _ => {}
            }
        }
        results
    }
}

/// Decodes the standard alphabet; stops at padding, skips anything foreign.
fn decode_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.bytes().take_while(|character| *character != b'=') {
        let sextet = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.extend_from_slice(&(bits >> count).to_be_bytes()[3..]);
        }
    }
    bytes
}
