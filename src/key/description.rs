// SPDX-License-Identifier: MIT OR Apache-2.0
//! `description: opens of files, for the audit`: for the people who read the file.

use schemars::JsonSchema;

use super::definition::Key;

pub(super) const DESCRIPTION: Key =
    Key { word: "description", schema: |schemas| schemas.subschema_for::<Description>(), ..Key::PLAIN };

/// What the probe is for, in a sentence.
#[derive(JsonSchema)]
#[schemars(extend("examples" = ["opens of files, for the audit"]))]
#[expect(dead_code, reason = "for the schema")]
struct Description(String);
