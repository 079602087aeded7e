// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person types under `sinks`, as types. The JSON schema is made from these, and a file is decoded into them.
//!
//! The doc comments below are the descriptions that editors show.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::pattern;
use crate::format::{FormatWriter, WRITERS};
use crate::spec::Format;

/// Where events go and how they are written: a short form, or exactly one of `stdout`, `stderr` and `file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "examples" = ["stdout", "jsonl:events.jsonl", { "file": { "path": "events.jsonl" }, "format": "jsonl" }]))]
pub(crate) struct Sink {
    /// Standard output.
    #[serde(default)]
    pub(crate) stdout: Option<NoOptions>,
    /// Standard error.
    #[serde(default)]
    pub(crate) stderr: Option<NoOptions>,
    /// A file, appended to.
    #[serde(default)]
    pub(crate) file: Option<FileSink>,
    #[serde(default, deserialize_with = "format")]
    #[schemars(schema_with = "formats")]
    pub(crate) format: Option<Format>,
}

/// Nothing to set: `{}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoOptions {}

/// A file that events are appended to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSink {
    /// The file. A relative path counts from the directory where ebpf-run was started.
    #[schemars(length(min = 1), extend("examples" = ["/var/log/ebpf-run/events.jsonl"]))]
    pub(crate) path: String,
    /// The mode of a file that is made, in octal and in quotes. The default is 0640, less what the umask takes away.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::MODE.regex, "examples" = ["0640", "0600", "0664"]))]
    pub(crate) mode: Option<String>,
    /// Whose a file is that is made: `user`, `user:group` or `:group`, by name or number. A file that is there already is
    /// written to if it belongs to this user, to root or to the user who runs ebpf-run.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::OWNER.regex, "examples" = ["syslog:adm", ":adm", "1000:1000"]))]
    pub(crate) owner: Option<String>,
}

/// The word of a format.
fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Format>, D::Error> {
    let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let writer = FormatWriter::named(&name).ok_or_else(|| D::Error::custom("no such format"))?;
    Ok(Some(writer.format))
}

/// The words of all formats, and what they mean.
fn formats(_: &mut SchemaGenerator) -> Schema {
    let docs = WRITERS.iter().map(|writer| format!("`{}`: {}. ", writer.name, writer.doc)).collect::<String>();
    let names: Vec<&str> = WRITERS.iter().map(|writer| writer.name).collect();
    json_schema!({
        "description": docs + "The default is `jsonl`; on a terminal it is `pretty`.",
        "type": "string",
        "enum": names,
    })
}
