// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes of a file, read where they are needed and nowhere else: a program has hundreds of megabytes, of which the tables of
//! symbols are a few.

use std::io;

use crate::catalog::elf::ObjectError;

/// A file, or something like one.
pub trait Bytes {
    /// How many bytes it has.
    fn size(&self) -> u64;

    /// Fills `room` with what begins at `offset`. Fails where the file ends before that.
    fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()>;
}

impl Bytes for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()> {
        let begin = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = begin.checked_add(room.len()).and_then(|end| self.get(begin..end));
        room.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A part of a file: where it begins, and how many bytes it has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Part {
    /// Fails where it is not a part of the file.
    pub(super) fn within<B: Bytes>(self, bytes: &B) -> Result<Self, ObjectError> {
        match self.offset.checked_add(self.size) {
            Some(end) if end <= bytes.size() => Ok(self),
            Some(_) | None => Err(broken("one of its tables lies beyond its end")),
        }
    }

    /// All of it, or, of one that is longer, the first `most` bytes.
    pub(super) fn first<B: Bytes>(self, bytes: &B, most: usize) -> Result<Vec<u8>, ObjectError> {
        let part = self.within(bytes)?;
        let mut room = vec![0; usize::try_from(part.size).unwrap_or(usize::MAX).min(most)];
        read(bytes, part.offset, &mut room)?;
        Ok(room)
    }

    /// Goes through entries of `SIZE` bytes each, with the number of each.
    pub(super) fn entries<const SIZE: usize, B: Bytes>(
        self,
        bytes: &B,
        mut see: impl FnMut(u32, &[u8; SIZE]) -> Result<(), ObjectError>,
    ) -> Result<(), ObjectError> {
        let part = self.within(bytes)?;
        let count = part.size / SIZE as u64;
        let mut room = vec![0; count.min(AT_ONCE) as usize * SIZE];
        let (mut at, mut number) = (0, 0);
        while at < count {
            let chunk = &mut room[..(count - at).min(AT_ONCE) as usize * SIZE];
            read(bytes, part.offset + at * SIZE as u64, chunk)?;
            let (entries, _) = chunk.as_chunks::<SIZE>();
            for entry in entries {
                see(number, entry)?;
                number = number.saturating_add(1);
            }
            at += entries.len() as u64;
        }
        Ok(())
    }
}

/// Entries that are read by one call.
const AT_ONCE: u64 = 4096;

pub(super) fn read<B: Bytes>(bytes: &B, offset: u64, room: &mut [u8]) -> Result<(), ObjectError> {
    bytes.read_at(offset, room).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => broken("it is truncated"),
        _ => ObjectError(format!("it cannot be read: {error}")),
    })
}

pub(super) fn broken(what: &str) -> ObjectError {
    ObjectError(format!("not a 64-bit ELF file: {what}"))
}

/// The number of `SIZE` bytes at a place of a table's entry; both architectures put the lowest byte first. 0 after its end.
pub(super) fn number<const SIZE: usize>(entry: &[u8], at: usize) -> u64 {
    let mut wide = [0; 8];
    if let Some(found) = entry.get(at..at + SIZE) {
        wide[..SIZE].copy_from_slice(found);
    }
    u64::from_le_bytes(wide)
}
