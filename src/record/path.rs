// SPDX-License-Identifier: MIT OR Apache-2.0
//! A path whose names were collected from its end to the root: `ls\0bin\0usr\0` is `/usr/bin/ls`.

/// What stands in place of names that were not reached.
const CUT: &str = "…";
/// What the kernel writes after a file without a name.
const DELETED: &[u8] = b" (deleted)";
/// Most bytes of names that are shown: as many as `bpf/include/names.h` collects.
const MOST: usize = 256;

/// Room for a path as text, for [`PathNames::text`].
pub type PathRoom = [u8; MOST + CUT.len() + DELETED.len()];

/// What the last byte of a path's head says: DELETED, NUMBERED and ANONYMOUS of `bpf/include/names.h`.
const IS_DELETED: u8 = 1;
const IS_NUMBERED: u8 = 2;
const IS_ANONYMOUS: u8 = 3;
/// File systems of what has a number and no name, by their magic numbers, and what /proc/PID/fd calls their files.
const NUMBERED: [(u64, &str); 2] = [(0x5049_5045, "pipe"), (0x534f_434b, "socket")];

/// A path, still in the record's own bytes: two of length, one that says that it is cut, one that its file is deleted or has no place, then
/// its names, the last one first, each with its NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathNames<'a>(&'a [u8]);

impl<'a> PathNames<'a> {
    pub(super) fn of(slot: &'a [u8]) -> Self {
        Self(slot)
    }

    /// The last one first, each with its NUL, as far as they are whole; but a last name is shown as far as it goes.
    fn names(self) -> &'a [u8] {
        let Some((_, names)) = self.0.split_first_chunk::<4>() else { return &[] };
        let there = &names[..self.length().min(names.len()).min(MOST)];
        if self.length() <= there.len() {
            return there;
        }
        there.iter().rposition(|byte| *byte == 0).map_or(there, |end| &there[..=end])
    }

    /// Bytes of the names that were collected.
    fn length(self) -> usize {
        self.0.first_chunk::<2>().map_or(0, |length| u16::from_ne_bytes(*length).into())
    }

    /// Its beginning is missing.
    #[inline]
    pub fn is_cut(self) -> bool {
        let room = self.0.len().saturating_sub(4).min(MOST);
        self.0.first_chunk::<4>().is_some_and(|head| head[2] != 0) || self.length() > room
    }

    /// Its file has no name any more.
    pub fn is_deleted(self) -> bool {
        self.mark() == IS_DELETED
    }

    fn mark(self) -> u8 {
        self.0.get(3).copied().unwrap_or(0)
    }

    /// `pipe:[4711]`: what has a number and no name.
    fn numbered(self) -> Option<(&'static str, u64)> {
        let number = |at: usize| self.0.get(at..)?.first_chunk().copied().map(u64::from_ne_bytes);
        let magic = number(4).filter(|_| self.mark() == IS_NUMBERED)?;
        let (_, what) = NUMBERED.iter().find(|(known, _)| *known == magic)?;
        Some((what, number(12)?))
    }

    /// As text, written into `room`: `/`, `/usr/bin/ls`, `…/bin/ls`, `/memfd:x (deleted)`, `pipe:[4711]`, `anon_inode:[eventfd]`.
    pub fn text(self, room: &mut PathRoom) -> &[u8] {
        self.write(true, room)
    }

    /// The same without marks: what is known of the path itself.
    pub(super) fn known(self, room: &mut PathRoom) -> &[u8] {
        self.write(false, room)
    }

    fn write(self, marks: bool, room: &mut PathRoom) -> &[u8] {
        let mut used = 0;
        let mut put = |bytes: &[u8]| {
            if let Some(place) = room.get_mut(used..used + bytes.len()) {
                place.copy_from_slice(bytes);
                used += bytes.len();
            }
        };
        if let Some((what, number)) = self.numbered() {
            [what, ":[", itoa::Buffer::new().format(number), "]"].iter().for_each(|part| put(part.as_bytes()));
            return &room[..used];
        }
        if marks && self.is_cut() {
            put(CUT.as_bytes());
        }
        let names = self.names();
        let names = names.strip_suffix(&[0]).unwrap_or(names);
        if self.mark() == IS_ANONYMOUS {
            put(b"anon_inode:");
            put(names);
        } else if names.is_empty() {
            put(b"/");
        } else {
            for name in names.rsplit(|byte| *byte == 0) {
                put(b"/");
                put(name);
            }
        }
        if marks && self.is_deleted() {
            put(DELETED);
        }
        &room[..used]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(names: &[u8], cut: bool, deleted: bool) -> String {
        let length = (names.len() as u16).to_ne_bytes();
        let slot = [&[length[0], length[1], cut.into(), deleted.into()], names, &[7; 3]].concat();
        let mut room = [0; size_of::<PathRoom>()];
        String::from_utf8(PathNames::of(&slot).text(&mut room).to_vec()).unwrap()
    }

    /// Names come in the order of the path, with what is missing and what is gone.
    #[test]
    fn paths() {
        assert_eq!(text(b"", false, false), "/");
        assert_eq!(text(b"ls\0bin\0usr\0", false, false), "/usr/bin/ls");
        assert_eq!(text(b"ls\0bin\0", true, false), "…/bin/ls");
        assert_eq!(text(b"memfd:x\0", false, true), "/memfd:x (deleted)");
        let marked = |mark: u8, names: &[u8]| {
            let slot = [&[names.len() as u8, 0, 0, mark], names].concat();
            let mut room = [0; size_of::<PathRoom>()];
            String::from_utf8(PathNames::of(&slot).text(&mut room).to_vec()).unwrap()
        };
        let pipe = [0x5049_5045u64.to_ne_bytes(), 4711u64.to_ne_bytes()].concat();
        assert_eq!(marked(IS_NUMBERED, &pipe), "pipe:[4711]");
        assert_eq!(marked(IS_ANONYMOUS, b"[eventfd]\0"), "anon_inode:[eventfd]");
        let longest = [&[b'a'; 255][..], b"\0"].concat();
        assert_eq!(text(&longest, true, true), format!("…/{} (deleted)", "a".repeat(255)));
    }

    /// A slot that is cut or says too much is read as far as it goes.
    #[test]
    fn broken_slots() {
        let mut room = [0; size_of::<PathRoom>()];
        for slot in [&b""[..], b"\x01", b"\xff\xff\0\0", b"\x02\0\0\0a"] {
            let text = String::from_utf8_lossy(PathNames::of(slot).text(&mut room)).into_owned();
            assert!(text.trim_start_matches(CUT).starts_with('/'), "{text}");
        }
        let long = [&[0xff, 0xff, 1, 1][..], &[b'a'; 4000]].concat();
        assert!(PathNames::of(&long).text(&mut room).len() <= size_of::<PathRoom>());
    }
}
