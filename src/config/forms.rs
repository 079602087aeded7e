// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shapes that the raw types are made of: ordered mappings, single values, a string or a mapping.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A mapping with free keys that keeps the order of the file.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// One value that is no list and no mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    /// `true`, `false`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A number with a fraction.
    Float,
    /// Text.
    Text(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl Visitor<'_> for One {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Int(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar::Int(value.into()))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar::Float)
            }
            /// JSON's null: `.inf` and `.nan`, which JSON cannot say.
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Float)
            }
            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(value.to_owned()))
            }
        }
        deserializer.deserialize_any(One)
    }
}

/// A short form for people, or all of it: `kprobe: do_sys_openat2`, `kprobe: { symbol: do_sys_openat2 }`.
#[derive(Debug)]
pub(crate) enum StringOr<T> {
    /// The short form.
    Short(String),
    /// The mapping.
    Long(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StringOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = StringOr<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a mapping")
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(StringOr::Short(value.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(StringOr::Long)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// One name or several: `eth0`, `[eth0, eth1]`.
#[derive(Debug, Clone)]
pub(crate) enum Names {
    /// One.
    One(String),
    /// A list of them.
    Several(Vec<String>),
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NamesOr::<Nothing>::deserialize(deserializer)? {
            NamesOr::Names(names) => Ok(names),
            NamesOr::Long(nothing) => match nothing {},
        }
    }
}

impl JsonSchema for Names {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" }, "minItems": 1, "maxItems": MAX_NAMES })
    }
}

/// Longest list of names.
const MAX_NAMES: u32 = 1000;

/// A mapping that cannot be.
#[derive(Debug)]
enum Nothing {}

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("expected a name or a list of names"))
    }
}

/// Names, or a mapping: `kprobe: [tcp_v4_connect, tcp_v6_connect]`, `kprobe: { first_of: [a, b] }`.
#[derive(Debug)]
pub(crate) enum NamesOr<T> {
    /// The short forms.
    Names(Names),
    /// The mapping.
    Long(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NamesOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Any<T> {
            type Value = NamesOr<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a list or a mapping")
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(NamesOr::Names(Names::One(value.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(NamesOr::Names(Names::Several(names)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(NamesOr::Long)
            }
        }
        deserializer.deserialize_any(Any(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for NamesOr<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("NamesOr{}", T::schema_name()).into()
    }
    /// As for [`StringOr`]: each keyword touches one type only.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["string", "array", "object"]));
        schema.insert("items".to_owned(), serde_json::json!({ "type": "string" }));
        schema.insert("minItems".to_owned(), 1.into());
        schema.insert("maxItems".to_owned(), MAX_NAMES.into());
        schema
    }
}

impl<T: JsonSchema> JsonSchema for StringOr<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("StringOr{}", T::schema_name()).into()
    }
    /// The mapping's schema with `"type": ["string", "object"]`: its other keywords do not touch strings. No `anyOf`:
    /// a mistake inside the mapping then stays a mistake inside the mapping.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["string", "object"]));
        schema
    }
}

/// The schema of a form.
pub(crate) fn form<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The same with these examples.
pub(crate) fn form_with<T: JsonSchema>(generator: &mut SchemaGenerator, examples: serde_json::Value) -> Schema {
    let mut schema = form::<T>(generator);
    schema.insert("examples".to_owned(), examples);
    schema
}

/// An enum of documented words is a `oneOf` of constants for schemars; a plain `enum` gives better errors.
pub(crate) fn plain_enum(schema: &mut Schema) {
    let words: Vec<_> = match schema.remove("oneOf") {
        Some(serde_json::Value::Array(branches)) => branches
            .iter()
            .flat_map(|branch| match branch.get("const") {
                Some(word) => vec![word.clone()],
                None => branch.get("enum").and_then(|words| words.as_array()).cloned().unwrap_or_default(),
            })
            .collect(),
        _other => return,
    };
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words.into());
}

/// A single value, or a mapping: `min: 10ms`, `min: { value: 10ms, help: … }`. For the schema only.
#[derive(Debug)]
pub(crate) struct ScalarOr<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for ScalarOr<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("ScalarOr{}", T::schema_name()).into()
    }
    /// As for [`StringOr`]: each keyword touches one type only.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["string", "number", "boolean", "object"]));
        schema
    }
}
