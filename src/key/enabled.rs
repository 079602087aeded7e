// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enabled: false`

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, Key};

pub(super) const ENABLED: Key =
    Key { word: "enabled", schema: |schemas| schemas.subschema_for::<Enabled>(), check, ..Key::PLAIN };

/// `false` parks the probe: it is checked but not run.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("default" = true))]
struct Enabled(bool);

fn check(checking: &mut Checking<'_>) {
    if let Some(Enabled(enabled)) = checking.own("enabled") {
        checking.then(move |draft| draft.enabled = enabled);
    }
}
