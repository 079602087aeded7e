// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes of an object file, wherever they come from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use object::pod::bytes_of_slice;

/// The bytes of a program's object file, at an address that is a multiple of 8, as ELF structures want it. A clone
/// shares them.
#[derive(Clone)]
pub struct ObjectBytes(Held);

#[derive(Clone)]
enum Held {
    /// In the binary.
    BuiltIn(&'static [u8]),
    /// Read from somewhere: whole words, whose first `size` bytes count.
    Read { words: Arc<[u64]>, size: usize },
}

impl ObjectBytes {
    /// Bytes in the binary, at an address that is a multiple of 8.
    pub(super) fn built_in(bytes: &'static [u8]) -> Self {
        Self(Held::BuiltIn(bytes))
    }
}

/// Copies the bytes to where they can be used.
impl From<&[u8]> for ObjectBytes {
    fn from(bytes: &[u8]) -> Self {
        let word = |chunk: &[u8]| {
            let mut word = [0; size_of::<u64>()];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        };
        Self(Held::Read { words: bytes.chunks(size_of::<u64>()).map(word).collect(), size: bytes.len() })
    }
}

impl Deref for ObjectBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::BuiltIn(bytes) => bytes,
            Held::Read { words, size } => &bytes_of_slice(words)[..*size],
        }
    }
}

impl PartialEq for ObjectBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for ObjectBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of any length, from any address, come out the same and aligned to 8 bytes.
    #[test]
    fn copies_are_aligned() {
        let bytes: Vec<u8> = (0..40).collect();
        for (start, end) in [(0, 0), (0, 8), (1, 9), (3, 40), (7, 8)] {
            let object = ObjectBytes::from(&bytes[start..end]);
            assert_eq!(*object, bytes[start..end]);
            assert_eq!(object.as_ptr().align_offset(8), 0);
        }
    }
}
