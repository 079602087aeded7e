// SPDX-License-Identifier: MIT OR Apache-2.0
//! How sets stand in a file, for the schema. What they hold is read node by node: each entry has its place.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A set of values, by what they are: `ip`, `text`, `number` or `pid`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
#[expect(dead_code, reason = "for the schema")]
pub(crate) struct SetForm {
    /// Addresses and networks: a list, or a file with one on each line.
    #[schemars(extend("examples" = [["10.0.0.0/8", "fd00::/8"], { "file": "networks.txt" }]))]
    ip: Option<Listed<Strings>>,
    /// Texts of at most 126 bytes: a list, or a file with one on each line.
    #[schemars(extend("examples" = [["/etc/passwd", "/etc/shadow"], { "file": "/etc/ebpf-run/watched.txt" }]))]
    text: Option<Listed<Strings>>,
    /// Numbers: a list, or a file with one on each line.
    #[schemars(extend("examples" = [[22, 443], { "file": "ports.txt" }]))]
    number: Option<Listed<Integers>>,
    /// Process ids: a list, a file with one on each line, or `descendants: N` for process N, its children, theirs, and so on.
    #[schemars(extend("examples" = [{ "descendants": 1234 }, { "file": "pids.txt" }]))]
    pid: Option<Listed<Processes>>,
}

/// A list of values, or a mapping that says where they are from.
struct Listed<T>(PhantomData<T>);

/// What is listed.
trait Items {
    const NAME: &'static str;
    const TYPE: &'static str;
    const DESCENDANTS: bool;
}

struct Strings;
struct Integers;
struct Processes;

impl Items for Strings {
    const NAME: &'static str = "Strings";
    const TYPE: &'static str = "string";
    const DESCENDANTS: bool = false;
}

impl Items for Integers {
    const NAME: &'static str = "Integers";
    const TYPE: &'static str = "integer";
    const DESCENDANTS: bool = false;
}

impl Items for Processes {
    const NAME: &'static str = "Processes";
    const TYPE: &'static str = "integer";
    const DESCENDANTS: bool = true;
}

impl<T: Items> JsonSchema for Listed<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }
    /// As for `StringOr`: each keyword touches one type only.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let file = "A file with one entry on each line; empty lines and lines that begin with `#` do not count. It is followed: what \
                    changes there is in the set within a second. A relative path is relative to the directory of this file.";
        let mut schema = json_schema!({
            "type": [T::TYPE, "array", "object"],
            "items": { "type": T::TYPE },
            "minItems": 1,
            "properties": { "file": { "type": "string", "description": file, "examples": ["/etc/ebpf-run/watched.txt"] } },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
        });
        if T::DESCENDANTS {
            let properties = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut);
            if let Some(properties) = properties {
                properties.insert(
                    "descendants".to_owned(),
                    serde_json::json!({
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 1 << 22,
                        "description": "The id of a process: it, its children, theirs, and so on; those that exist and those to come.",
                        "examples": [1234],
                    }),
                );
            }
        }
        schema
    }
}
