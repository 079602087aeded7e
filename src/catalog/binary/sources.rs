// SPDX-License-Identifier: MIT OR Apache-2.0
//! What people call a function that the file calls otherwise: names of C++ and Rust, versions, symbols without a type; and whether
//! exceptions can go through its functions.

use std::collections::BTreeMap;

use object::elf::{SHN_UNDEF, STT_NOTYPE, STT_OBJECT};

use super::names::Names;
use super::{Binary, BinaryFunction, Bytes, DYNAMIC, SYMBOL, SymbolId, number, place_in_file, read};
use crate::catalog::demangle::Written;
use crate::catalog::elf::ObjectError;

/// Functions that one name of a source may stand for.
const MOST_MEANT: usize = 64;
/// Bytes of the names of dynamic symbols that are looked through.
const MOST_DYNAMIC_NAMES: u64 = 32 << 20;
/// Symbols without a type that are looked at.
const MOST_UNTYPED: usize = 1 << 20;
/// Bytes that are looked through at once.
const WINDOW: usize = 256 << 10;

/// What only programs and libraries use in which exceptions or panics go from function to function, or the names of libraries of C++.
const UNWINDING: [&str; 4] = ["__cxa_throw", "__gxx_personality_v0", "rust_eh_personality", "_Unwind_RaiseException"];
const RUNTIMES: [&str; 3] = ["libstdc++.so", "libc++.so", "libc++abi.so"];

impl<B: Bytes> Binary<B> {
    /// The functions that have this name in their source, at most 64; each place once. Looks at all names.
    pub fn in_source(&self, written: &Written<'_>) -> Result<Vec<BinaryFunction>, ObjectError> {
        let mut meant: Vec<SymbolId> = Vec::new();
        self.each_name(|name, symbol| {
            let name = name.split_once('@').map_or(name, |(bare, _)| bare);
            // The same function stands in both tables.
            if meant.len() < 2 * MOST_MEANT && written.is_name_of(name) {
                meant.push(symbol);
            }
        })?;
        written.compared_all()?;
        let mut found = Vec::new();
        for symbol in meant {
            found.extend(self.function(symbol)?);
        }
        found.sort_unstable();
        found.dedup_by_key(|function| function.offset);
        found.truncate(MOST_MEANT);
        Ok(found)
    }

    /// The function of a name in that version which is the default one of the name: `memcpy`, `GLIBC_2.14`.
    pub(super) fn default_version(&self, name: &str, version: &str) -> Result<Option<BinaryFunction>, ObjectError> {
        let hash = self.hash(name);
        let begin = self.index.partition_point(|indexed| indexed.name < hash);
        for indexed in self.index[begin..].iter().take_while(|indexed| indexed.name == hash).take(super::MOST_OF_A_NAME)
        {
            let SymbolId(symbol) = indexed.symbol;
            let is_default = if symbol & DYNAMIC != 0 {
                self.versions.named(symbol & !DYNAMIC) == Some(version)
            } else {
                // A table for debuggers has both in the name.
                self.in_table(indexed.symbol)?
                    .is_some_and(|(_, known)| known == format!("{name}@@{version}").as_bytes())
            };
            if is_default {
                let function = self.function(indexed.symbol)?;
                if let Some(function) = function.filter(|function| function.name == name) {
                    return Ok(Some(function));
                }
            }
        }
        Ok(None)
    }

    /// The place in the file of a symbol of this name that is in its code and does not say that it is a function, as assembly
    /// without `.type` makes them. Looks at all symbols.
    pub fn untyped(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        for table in &self.symbols {
            let mut found = Vec::new();
            table.entries.entries(&self.bytes, |_, entry: &[u8; SYMBOL]| {
                if entry[4] & 0xf == STT_NOTYPE.0
                    && found.len() < MOST_UNTYPED
                    && let Some(place) = place_in_file(&self.code, number::<8>(entry, 8))
                {
                    found.push((number::<4>(entry, 0) as u32, place));
                }
                Ok(())
            })?;
            found.sort_unstable();
            let mut names = Names::new(&self.bytes, table.names)?;
            for (at, place) in found {
                if names.at(at)?.is_some_and(|known| known == name.as_bytes()) {
                    return Ok(Some(place));
                }
            }
        }
        Ok(None)
    }

    /// Puts the addresses of symbols to their names; one that stands for several keeps none. Looks at all symbols.
    pub(super) fn addresses(&self, wanted: &mut BTreeMap<String, Option<u64>>) -> Result<(), ObjectError> {
        let mut several: Vec<String> = Vec::new();
        for table in &self.symbols {
            let mut found = Vec::new();
            table.entries.entries(&self.bytes, |_, entry: &[u8; SYMBOL]| {
                let is_here = number::<2>(entry, 6) != u64::from(SHN_UNDEF.0);
                if [STT_OBJECT.0, STT_NOTYPE.0].contains(&(entry[4] & 0xf)) && is_here && found.len() < MOST_UNTYPED {
                    found.push((number::<4>(entry, 0) as u32, number::<8>(entry, 8)));
                }
                Ok(())
            })?;
            found.sort_unstable();
            let mut names = Names::new(&self.bytes, table.names)?;
            for (at, address) in found {
                let name = names.at(at)?.and_then(|name| std::str::from_utf8(name).ok());
                let Some((name, place)) = name.and_then(|name| Some((name, wanted.get_mut(name)?))) else { continue };
                if place.is_some_and(|known| known != address) {
                    several.push(name.to_owned());
                }
                *place = Some(address);
            }
        }
        wanted.extend(several.into_iter().map(|name| (name, None)));
        Ok(())
    }

    /// True where exceptions of C++ or panics of Rust may go through its functions: it uses what they are made with.
    pub fn unwinds(&self) -> Result<bool, ObjectError> {
        // Not `_Unwind_RaiseException`, which a static C library brings along for the ends of threads.
        for name in &UNWINDING[..3] {
            if self.find(name)? != super::Lookup::Missing {
                return Ok(true);
            }
        }
        // What is used from other libraries is no function here, and which these are stands in the same table.
        let Some(names) = self.symbols.iter().find(|table| table.dynamic).map(|table| table.names) else {
            return Ok(false);
        };
        let names = names.within(&self.bytes)?;
        let whole = UNWINDING.map(|name| format!("\0{name}\0"));
        let begins = RUNTIMES.map(|name| format!("\0{name}"));
        let words: Vec<&[u8]> = whole.iter().chain(&begins).map(String::as_bytes).collect();
        let (mut at, mut window) = (0, Vec::new());
        while at < names.size.min(MOST_DYNAMIC_NAMES) {
            let length = usize::try_from(names.size - at).unwrap_or(usize::MAX).min(WINDOW);
            window.resize(length, 0);
            read(&self.bytes, names.offset + at, &mut window)?;
            // Where nothing is named, there are only zeroes.
            let mut begins = window.windows(2).enumerate().filter(|(_, pair)| pair[0] == 0 && pair[1] != 0);
            if begins.any(|(at, _)| words.iter().any(|word| window[at..].starts_with(word))) {
                return Ok(true);
            }
            // A word may lie across the end of the window.
            at += (length as u64).saturating_sub(32).max(1);
            if length < WINDOW {
                break;
            }
        }
        Ok(false)
    }
}
