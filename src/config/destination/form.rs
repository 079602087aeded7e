// SPDX-License-Identifier: MIT OR Apache-2.0
//! What there is to know of a kind of destination before it is opened.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value as Json;

use crate::config::problem::Problem;
use crate::config::source::SourceFile;
use crate::config::yaml::Entry;
use crate::spec::{Destination, DestinationKind, Format, Rights, SinkSpec};

/// A kind of destination, as a file says it.
pub(in crate::config) struct DestinationForm {
    /// Which one it is.
    pub(in crate::config) kind: DestinationKind,
    /// The key in an entry of `sinks`: `file`.
    pub(in crate::config) word: &'static str,
    /// The least that the key can say, for messages: `file: { path: … }`.
    pub(in crate::config) example: &'static str,
    /// What stands under the key, with the description that editors show.
    pub(in crate::config) schema: fn(&mut SchemaGenerator) -> Schema,
    /// What an entry with this key says; its value has passed the schema.
    pub(in crate::config) long: fn(&Arc<SourceFile>, &Entry) -> Result<Given, Vec<Problem>>,
    /// The words of its short forms: of `stdout`, or of `jsonl:PATH`.
    pub(in crate::config) short_words: fn() -> Vec<&'static str>,
    /// What follows such a word and a colon, `PATH`; `None` where nothing does.
    pub(in crate::config) argument: Option<&'static str>,
    /// What one of the words says with this behind its colon; or what is wrong with that.
    pub(in crate::config) short: fn(&str, &str) -> Result<Given, String>,
    /// What the key says where the file has a short form with this behind its colon.
    pub(in crate::config) written: fn(&str) -> Json,
    /// The same destination without detours: the file `./a` is `a`.
    pub(in crate::config) plain: fn(&Destination) -> Destination,
    /// The file that it writes in one format only.
    pub(in crate::config) claim: fn(&Destination) -> Option<PathBuf>,
}

/// What a file says of a destination.
pub(in crate::config) struct Given {
    /// Where events go.
    pub(in crate::config) destination: Destination,
    /// The format that goes with it, where nothing else is said; `None`: it depends on what is there.
    pub(in crate::config) format: Option<Format>,
    /// Whose a file is that is made.
    pub(in crate::config) rights: Rights,
}

impl Given {
    /// As a sink of this name.
    pub(in crate::config) fn into_spec(self, name: &str) -> SinkSpec {
        let Self { destination, format, rights } = self;
        SinkSpec { name: name.to_owned(), destination, format, rights }
    }
}
