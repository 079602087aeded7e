// SPDX-License-Identifier: MIT OR Apache-2.0
//! The colours of lines for people.

use super::escape::quoted_if_needed;

/// ANSI sequences, or nothing at all.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub(super) dim: &'static [u8],
    pub(super) probe: &'static [u8],
    pub(super) warn: &'static [u8],
    pub(super) off: &'static [u8],
}

impl Paint {
    pub(super) fn new(color: bool) -> Self {
        if color {
            Self { dim: b"\x1b[2m", probe: b"\x1b[36m", warn: b"\x1b[33m", off: b"\x1b[0m" }
        } else {
            Self { dim: b"", probe: b"", warn: b"", off: b"" }
        }
    }

    /// ` name=`, dim.
    pub(super) fn key(self, name: &str) -> Vec<u8> {
        let mut key = b" ".to_vec();
        key.extend_from_slice(self.dim);
        quoted_if_needed(name.as_bytes(), &mut key);
        key.push(b'=');
        key.extend_from_slice(self.off);
        key
    }
}
