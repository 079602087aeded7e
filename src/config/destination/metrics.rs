// SPDX-License-Identifier: MIT OR Apache-2.0
//! `metrics`: what a probe counts, for Prometheus. Nothing can be set.

use schemars::json_schema;
use serde_json::json;

use super::form::{DestinationForm, Given};
use crate::spec::{Destination, DestinationKind, Rights};

/// The metrics that are served with `--metrics`.
pub(super) const METRICS: DestinationForm = DestinationForm {
    kind: DestinationKind::Metrics,
    word: "metrics",
    example: "metrics: {}",
    schema: |_| {
        json_schema!({
            "description": "What the probe counts, as Prometheus metrics: served at the address of `--metrics`.",
            "type": "object",
            "additionalProperties": false,
        })
    },
    long: |_, _| Ok(given()),
    short_words: || vec!["metrics"],
    argument: None,
    short: |_, _| Ok(given()),
    written: |_| json!({}),
    plain: Destination::clone,
    claim: |_| None,
};

fn given() -> Given {
    Given { destination: Destination::Metrics, format: None, rights: Rights::default() }
}
