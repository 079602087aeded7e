// SPDX-License-Identifier: MIT OR Apache-2.0
//! `*` and `?` over bytes.

/// Whether the glob stands for the whole text: `*` for any bytes, `?` for one.
pub(super) fn fits(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut next) = (0, 0);
    // Where to go on when what follows the last star does not fit: one byte further.
    let mut star = None;
    while let Some(byte) = text.get(next) {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at + 1, next));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => (at, next) = (at + 1, next + 1),
            Some(_) | None => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, next) = (after, from + 1);
            }
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}
