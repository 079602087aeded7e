// SPDX-License-Identifier: MIT OR Apache-2.0
//! How destinations are written in a file: one file for each kind, with the stem of the one in `sink::output` that opens it.
//!
//! ```yaml
//! sinks:
//!   audit: { file: { path: /var/log/audit.jsonl, mode: "0600" }, format: jsonl }   # the long form
//! defaults: { sinks: [audit, stdout, "text:/tmp/x"] }                                # short forms
//! ```
//!
//! What never happens here: nothing is opened or looked at.

mod file;
mod form;
mod forms;
mod metrics;
mod schema;
mod stream;

pub(super) use form::{DestinationForm, Given};
pub(crate) use forms::short_forms;
pub(super) use forms::{FORMS, short, short_words};
pub(super) use schema::SinkForm;
