// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of symbols: texts with a NUL at the end in one table, which may share their tails. They are read in the order of the
//! table, whatever the order of the symbols: no linker can scatter, and no file can multiply, what is read.

use std::ffi::CStr;
use std::ops::Range;

use super::bytes::{Bytes, Part, broken, read};
use crate::catalog::elf::ObjectError;

/// Bytes of a name that can be said in YAML. Longer ones are passed over.
pub(super) const MOST_NAME: usize = 4095;
/// Bytes of a table of names, and of all names together where they share parts of it.
const MOST_NAMES: u64 = 256 << 20;
/// Bytes that are read at once.
const WINDOW: usize = 256 << 10;

/// Reads names at offsets that grow.
pub(super) struct Names<'b, B> {
    bytes: &'b B,
    table: Part,
    window: Vec<u8>,
    /// Where in the table the window begins.
    begin: u64,
    at_once: usize,
    /// A part of the table in which no name ends, so that nothing is searched twice where names end late or never.
    endless: Range<u64>,
    /// Bytes that may still be given.
    left: u64,
}

impl<'b, B: Bytes> Names<'b, B> {
    pub(super) fn new(bytes: &'b B, table: Part) -> Result<Self, ObjectError> {
        let table = table.within(bytes)?;
        if table.size > MOST_NAMES {
            return Err(broken(&format!("its symbol names take {} bytes, more than any real program", table.size)));
        }
        Ok(Self { bytes, table, window: Vec::new(), begin: 0, at_once: WINDOW, endless: 0..0, left: MOST_NAMES })
    }

    /// For a few names: no more is read than one can have.
    pub(super) fn few(bytes: &'b B, table: Part) -> Result<Self, ObjectError> {
        Ok(Self { at_once: 256, ..Self::new(bytes, table)? })
    }

    /// The name that begins there; `None` where there is none, or one that is longer than names are.
    pub(super) fn at(&mut self, offset: u32) -> Result<Option<&[u8]>, ObjectError> {
        let offset = u64::from(offset);
        if offset >= self.table.size {
            return Ok(None);
        }
        let mut found = self.length_in_window(offset);
        let goes_on = |names: &Self| names.begin + (names.window.len() as u64) < names.table.size;
        let is_cut = |rest: &[u8]| rest.len() <= MOST_NAME && goes_on(self);
        if found.is_none() && self.rest(offset).is_none_or(is_cut) {
            self.fill(offset, self.at_once)?;
            found = self.length_in_window(offset);
            if found.is_none() && self.at_once <= MOST_NAME {
                self.fill(offset, MOST_NAME + 1)?;
                found = self.length_in_window(offset);
            }
        }
        let Some(length) = found.filter(|length| (1..=MOST_NAME).contains(length)) else { return Ok(None) };
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| broken("its symbol names overlap"))?;
        Ok(self.rest(offset).and_then(|rest| rest.get(..length)))
    }

    /// What the window has from there on.
    fn rest(&self, offset: u64) -> Option<&[u8]> {
        self.window.get(usize::try_from(offset.checked_sub(self.begin)?).ok()?..)
    }

    fn length_in_window(&mut self, offset: u64) -> Option<usize> {
        let rest = self.rest(offset)?;
        let rest = &rest[..rest.len().min(MOST_NAME + 1)];
        let known = if self.endless.contains(&offset) { self.endless.end - offset } else { 0 };
        let known = rest.len().min(known as usize);
        let end = CStr::from_bytes_until_nul(&rest[known..]).ok().map(|name| known + name.count_bytes());
        self.endless = offset..offset + end.unwrap_or(rest.len()) as u64;
        end
    }

    fn fill(&mut self, offset: u64, most: usize) -> Result<(), ObjectError> {
        let there = usize::try_from(self.table.size - offset).unwrap_or(usize::MAX);
        self.window.resize(there.min(most), 0);
        self.begin = offset;
        read(self.bytes, self.table.offset + offset, &mut self.window)
    }
}
