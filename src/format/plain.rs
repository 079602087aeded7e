// SPDX-License-Identifier: MIT OR Apache-2.0
//! A value as it is, without quotes and escapes: for those who write their own.

use super::human::{HumanUnit, decimal};
use super::text;
use crate::record::{FieldValue, NamedNumber, PathRoom};

/// Appends a value, nothing where there is none; a text that was cut ends in `…`. Any bytes, UTF-8 or not.
pub fn plain(value: FieldValue<'_>, out: &mut Vec<u8>) {
    if let FieldValue::Path(path) = value {
        return out.extend_from_slice(path.text(&mut [0; size_of::<PathRoom>()]));
    }
    if let FieldValue::Text(text) = value {
        out.extend_from_slice(text.bytes);
    } else if let FieldValue::Named(NamedNumber { name: Some(name), .. }) = value {
        out.extend_from_slice(name.as_bytes());
    } else if let FieldValue::Duration(ns) = value {
        decimal(ns, out);
    } else {
        text::write(value, HumanUnit::None, out);
    }
    if value.is_cut() {
        out.extend_from_slice("…".as_bytes());
    }
}
