// SPDX-License-Identifier: MIT OR Apache-2.0
//! The build id: what a linker calls what it has made, mostly a hash of it (`ld --build-id`).

use super::bytes::{Bytes, Part, number};
use crate::catalog::elf::ObjectError;

/// Bytes of a segment of notes that are looked at.
const MOST: usize = 64 << 10;
/// Bytes of an id; linkers make 8 to 20, and take any from a command line.
const MOST_ID: usize = 64;
const NT_GNU_BUILD_ID: u64 = 3;

/// The id of the first note that is one; empty where there is none.
pub(super) fn build_id<B: Bytes>(bytes: &B, segments: &[Part]) -> Result<Vec<u8>, ObjectError> {
    for segment in segments {
        // A debugger's copy of a program keeps the headers of segments that it does not have.
        let Ok(notes) = segment.first(bytes, MOST) else { continue };
        let mut rest = notes.as_slice();
        while rest.len() >= 12 {
            let (name, id) = (number::<4>(rest, 0) as usize, number::<4>(rest, 4) as usize);
            let begin = 12 + name.next_multiple_of(4);
            let is_id = number::<4>(rest, 8) == NT_GNU_BUILD_ID && rest.get(12..12 + name) == Some(b"GNU\0");
            match rest.get(begin..begin.saturating_add(id)) {
                Some(id) if is_id && (1..=MOST_ID).contains(&id.len()) => return Ok(id.to_vec()),
                Some(_) | None => {}
            }
            rest = rest.get(begin.saturating_add(id.next_multiple_of(4))..).unwrap_or_default();
        }
    }
    Ok(Vec::new())
}
