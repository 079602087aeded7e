// SPDX-License-Identifier: MIT OR Apache-2.0
//! All formats.

use super::csv::CSV;
use super::folded::FOLDED;
use super::jsonl::JSONL;
use super::pretty::PRETTY;
use super::text::TEXT;
use super::writer::FormatWriter;
use crate::spec::Format;

/// Every format, in the order in which they are declared and shown.
pub const WRITERS: &[&FormatWriter] = &[&PRETTY, &JSONL, &TEXT, &CSV, &FOLDED];

/// Each format has its writer, in the place of its number.
const _: () = {
    assert!(WRITERS.len() == Format::COUNT, "a format without a writer");
    let mut at = 0;
    while at < WRITERS.len() {
        assert!(WRITERS[at].format as usize == at, "formats and writers in the same order");
        at += 1;
    }
};

impl Format {
    /// The word in the YAML.
    pub fn name(self) -> &'static str {
        FormatWriter::of(self).name
    }
}

impl FormatWriter {
    /// What writes this format.
    pub fn of(format: Format) -> &'static Self {
        WRITERS[format as usize]
    }

    /// The format of this word.
    pub fn named(name: &str) -> Option<&'static Self> {
        WRITERS.iter().copied().find(|writer| writer.name == name)
    }
}
