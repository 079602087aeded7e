// SPDX-License-Identifier: MIT OR Apache-2.0
//! Versions of dynamic symbols: a library keeps old functions beside the ones that are linked to now (LSB, "Symbol Versioning").

use std::collections::HashMap;

use super::bytes::{Bytes, number};
use super::headers::Headers;
use super::names::Names;
use crate::catalog::elf::ObjectError;

/// Bytes of the table that are looked at, and of all names together: libraries have some hundreds of versions.
const MOST: usize = 1 << 20;
/// As many as numbers of 15 bits can tell apart.
const MOST_VERSIONS: usize = 1 << 15;
/// The symbol is not the default one of its name.
const HIDDEN: u16 = 0x8000;
/// Bytes of an entry (`Elf64_Verdef`).
const ENTRY: usize = 20;

/// The version of each dynamic symbol.
#[derive(Debug, Default)]
pub(super) struct Versions {
    /// Two bytes for each symbol.
    numbers: Vec<u8>,
    names: HashMap<u16, String>,
}

impl Versions {
    /// The versions that the file defines. What is broken about them is passed over: names stay without theirs.
    pub(super) fn read<B: Bytes>(bytes: &B, headers: &Headers, most_symbols: usize) -> Result<Self, ObjectError> {
        let (Some(numbers), Some((table, names))) = (headers.versions, headers.defined) else {
            return Ok(Self::default());
        };
        let mut versions = Self { numbers: numbers.first(bytes, 2 * most_symbols)?, names: HashMap::new() };
        let (table, mut names) = (table.first(bytes, MOST)?, Names::few(bytes, names)?);
        let (mut at, mut room) = (0, MOST);
        for _ in 0..MOST_VERSIONS {
            let field = |offset: usize| number::<4>(&table, at + offset) as usize;
            if at + ENTRY > table.len() || room == 0 {
                break;
            }
            // The first name is its own, further ones are those of older versions.
            let name = number::<4>(&table, at.saturating_add(field(12))) as u32;
            // Of a name with the sign, nobody could tell what belongs to the function.
            if let Some(name) = names.at(name)?.filter(|name| !name.contains(&b'@')) {
                room = room.saturating_sub(name.len());
                let version = number::<2>(&table, at + 4) as u16 & !HIDDEN;
                versions.names.insert(version, String::from_utf8_lossy(name).into_owned());
            }
            match field(16) {
                0 => break,
                next => at = at.saturating_add(next),
            }
        }
        Ok(versions)
    }

    /// Bytes of memory that these take.
    pub(super) fn kept_bytes(&self) -> usize {
        self.numbers.len() + self.names.values().map(String::len).sum::<usize>()
    }

    /// The version of a symbol that is not the default one of its name.
    pub(super) fn of(&self, symbol: u32) -> Option<&str> {
        self.named(symbol).filter(|_| self.number(symbol) & HIDDEN != 0)
    }

    /// The version of a symbol.
    pub(super) fn named(&self, symbol: u32) -> Option<&str> {
        self.names.get(&(self.number(symbol) & !HIDDEN)).map(String::as_str)
    }

    fn number(&self, symbol: u32) -> u16 {
        number::<2>(&self.numbers, symbol as usize * 2) as u16
    }
}
