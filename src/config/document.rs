// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole file as the JSON schema describes it. Its parts are decoded one by one.
//!
//! ```yaml
//! version: 1
//! probes:
//!   - name: opens
//!     hook: { kprobe: do_sys_openat2 }
//!     capture: { path: filename as user_string }
//! ```
//!
//! The doc comments below are the descriptions that editors show.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::destination::SinkForm;
use super::forms::{Ordered, ScalarOr, StringOr};
use super::set::SetForm;
use crate::key::{InDefaults, KEYS};

/// A configuration of ebpf-run: which probes run and where their events go.
///
/// In a value, `${env:NAME}` inserts an environment variable, and `${env:NAME:-default}` the default if it is
/// unset or empty; `${var:NAME}` inserts a variable of the file (`vars`); `$${` is a literal `${`. The result is read
/// as part of the file: without quotes, `8` is a number and `true` a boolean; in quotes it is a string. Anchors, aliases and merge keys
/// (`<<: *base`) work.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "ebpf-run configuration")]
#[expect(dead_code, reason = "for the schema")]
pub(crate) struct Document {
    /// The version of this language; this build understands 1.
    #[schemars(extend("enum" = [1]))]
    version: u32,
    /// Variables by name, for the values of this file: `${var:NAME}` stands for one. `--set NAME=VALUE` replaces its value in a
    /// run, and for `check`, `plan` and `show`. A value in quotes is a string, also when it is replaced.
    #[schemars(extend("examples" = [{ "min": "10ms" }, { "port": { "value": 443, "help": "where the service listens" } }]))]
    vars: Option<Ordered<ScalarOr<Var>>>,
    /// Sinks by name, for the probes of this file. A probe may also name a short form directly and needs no entry here.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "events": { "file": { "path": "/var/log/ebpf-run/events.jsonl" } } }]))]
    sinks: Option<Ordered<StringOr<SinkForm>>>,
    /// Sets of values by name, for expressions of this file: `peer.ip not in private`, `path.under(watched)`.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "private": { "ip": ["10.0.0.0/8", "192.168.0.0/16"] } }]))]
    sets: Option<Ordered<SetForm>>,
    /// Defaults for every probe of this file.
    #[serde(default)]
    defaults: Option<Defaults>,
    /// The probes. Each one attaches one program somewhere.
    probes: Vec<Probe>,
}

/// What `${var:NAME}` stands for: the value alone, or with what it is for.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the schema; variables are taken as they are written")]
struct Var {
    /// The value: a string, a number, `true` or `false`.
    #[schemars(extend("type" = ["string", "number", "boolean"], "examples" = ["10ms", 443]))]
    value: serde_json::Value,
    /// What the variable is for, in a sentence.
    #[schemars(extend("examples" = ["where the service listens"]))]
    help: Option<String>,
}

/// What holds for every probe of the file, from the keys that can stand there.
struct Defaults;

impl JsonSchema for Defaults {
    fn schema_name() -> Cow<'static, str> {
        "Defaults".into()
    }
    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let mut keys: Vec<(&str, &InDefaults)> =
            KEYS.iter().filter_map(|key| Some((key.word, key.in_defaults.as_ref()?))).collect();
        keys.sort_by_key(|(_, key)| key.rank);
        let properties: Map<String, Value> =
            keys.into_iter().map(|(word, key)| (word.to_owned(), (key.schema)(schemas).to_value())).collect();
        json_schema!({
            "description": "What holds for every probe of the file: a probe's own value wins; labels are joined key by key.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
            "examples": [{ "sinks": ["jsonl:events.jsonl"], "labels": { "team": "network" } }],
        })
    }
}

/// A probe, from all keys.
struct Probe;

impl JsonSchema for Probe {
    fn schema_name() -> Cow<'static, str> {
        "Probe".into()
    }
    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let properties: Map<String, Value> =
            KEYS.iter().map(|key| (key.word.to_owned(), (key.schema)(schemas).to_value())).collect();
        let required: Vec<&str> = KEYS.iter().filter(|key| key.required).map(|key| key.word).collect();
        json_schema!({
            "description": "One probe: a hook, a program that runs there, and where its events go.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
            "required": required,
        })
    }
}
