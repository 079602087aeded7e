// SPDX-License-Identifier: MIT OR Apache-2.0
//! `stdout`, `stderr`: nothing can be set.

use schemars::json_schema;
use serde_json::json;

use super::form::{DestinationForm, Given};
use crate::spec::{Destination, DestinationKind, Rights};

/// Standard output.
pub(super) const STDOUT: DestinationForm = DestinationForm {
    kind: DestinationKind::Stdout,
    word: "stdout",
    example: "stdout: {}",
    schema: |_| json_schema!({ "description": "Standard output.", "type": "object", "additionalProperties": false }),
    long: |_, _| Ok(given(Destination::Stdout)),
    short_words: || vec!["stdout"],
    argument: None,
    short: |_, _| Ok(given(Destination::Stdout)),
    written: |_| json!({}),
    plain: Destination::clone,
    claim: |_| None,
};

/// Standard error.
pub(super) const STDERR: DestinationForm = DestinationForm {
    kind: DestinationKind::Stderr,
    word: "stderr",
    example: "stderr: {}",
    schema: |_| json_schema!({ "description": "Standard error.", "type": "object", "additionalProperties": false }),
    long: |_, _| Ok(given(Destination::Stderr)),
    short_words: || vec!["stderr"],
    argument: None,
    short: |_, _| Ok(given(Destination::Stderr)),
    written: |_| json!({}),
    plain: Destination::clone,
    claim: |_| None,
};

fn given(destination: Destination) -> Given {
    Given { destination, format: None, rights: Rights::default() }
}
