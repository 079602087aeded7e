// SPDX-License-Identifier: MIT OR Apache-2.0
//! The value of `hook` in YAML: a mapping with exactly one kind.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::{KINDS, span};
use crate::spec::HookKind;

/// Which kind a probe names. What stands under it, the kind reads itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RawHook {
    /// One hook.
    One(HookKind),
    /// Several, of which one begins what another ends.
    Span,
}

impl<'de> Deserialize<'de> for RawHook {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneKind;
        impl<'de> Visitor<'de> for OneKind {
            type Value = RawHook;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with one kind of hook")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHook, A::Error> {
                let mut found = None;
                while let Some((word, IgnoredAny)) = map.next_entry::<String, _>()? {
                    let named = HookKind::of_word(&word).map(RawHook::One);
                    found = found.or(named).or((word == span::WORD).then_some(RawHook::Span));
                }
                found.ok_or_else(|| A::Error::custom("no kind of hook is named"))
            }
        }
        deserializer.deserialize_map(OneKind)
    }
}

impl JsonSchema for RawHook {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Hook".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut kinds: Map<String, Value> = KINDS
            .iter()
            .map(|kind| {
                let mut form = (kind.form)(generator);
                form.insert("description".to_owned(), kind.doc.into());
                (kind.kind.word().to_owned(), form.into())
            })
            .collect();
        kinds.insert(span::WORD.to_owned(), span::form(generator));
        json_schema!({
            "type": "object",
            "properties": kinds,
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
            "examples": json!([{ "kprobe": "do_sys_openat2" }, { "xdp": { "interface": "eth0" } }]),
        })
    }
}
