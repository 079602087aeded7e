// SPDX-License-Identifier: MIT OR Apache-2.0
//! Probes that the source of a program names (USDT): the notes that `<sys/sdt.h>` leaves, of which one place can have several.
//!
//! ```text
//! stapsdt, type 3
//! 0   u64   address of the probe
//! 8   u64   address of `.stapsdt.base`, when it was linked
//! 16  u64   address of the semaphore; 0: there is none
//! 24  provider NUL, name NUL, arguments NUL
//! ```

use std::collections::BTreeMap;

use super::bytes::{Bytes, number};
use super::headers::Code;
use super::{Binary, place_in_file};
use crate::catalog::elf::ObjectError;
use crate::catalog::usdt::{Machine, UsdtArgument, symbols, usdt_arguments};

/// Bytes of a section of notes that are looked at; libraries of tens of thousands of probes have less.
const MOST: usize = 4 << 20;
/// Probes of a file that are looked at.
const MOST_PROBES: usize = 1 << 16;
/// Bytes of a provider's or a probe's name.
const MOST_NAME: usize = 255;
/// Bytes of the text that says where the arguments are: twelve of them.
const MOST_ARGUMENTS: usize = 1024;
/// Variables among the arguments of one place.
const MOST_VARIABLES: usize = 12;
const NAME: &[u8] = b"stapsdt\0";
const NT_STAPSDT: u64 = 3;
/// Three addresses.
const HEAD: usize = 24;

/// One place of a probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserProbe {
    /// Whose it is: `libc`.
    pub provider: String,
    /// What it is called: `setjmp`.
    pub name: String,
    /// Bytes into the file.
    pub offset: u64,
    /// Where in the file the counter is that says whether somebody is looking; 0: it has none.
    pub semaphore: u64,
    /// Whether the page with the counter is mapped twice for writing, as linkers lay out files that are not to have gaps. The kernel
    /// counts in whichever mapping comes first, and while a program is started that is the wrong one
    /// (`find_ref_ctr_vma`, `kernel/events/uprobes.c`, Linux 4.20 to 6.18).
    pub is_miscounted: bool,
    /// Where its arguments are: `8@%rdi -4@%esi`.
    pub arguments: String,
    /// How many bytes after the probe the variables are that stand among these by their symbols, where one place has the symbol.
    pub distances: Vec<(String, i64)>,
}

impl UserProbe {
    /// Its arguments, in order.
    pub fn arguments(&self) -> Vec<UsdtArgument<'_>> {
        usdt_arguments(&self.arguments, Machine::HERE, &self.distances)
    }
}

impl<B: Bytes> Binary<B> {
    /// Each place of each probe that lies in the code of the file, in order.
    pub fn probes(&self) -> Result<Vec<UserProbe>, ObjectError> {
        let mut found = Vec::new();
        for part in &self.probes.notes {
            // A debugger's copy of a program keeps the headers of sections that it does not have.
            let Ok(notes) = part.first(&self.bytes, MOST) else { continue };
            self.probes_of(&notes, &mut found);
        }
        self.place_variables(&mut found)?;
        let mut found: Vec<UserProbe> = found.into_iter().map(|(_, probe)| probe).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Finds the variables that are arguments. Looks at all symbols if there are any.
    fn place_variables(&self, probes: &mut [(u64, UserProbe)]) -> Result<(), ObjectError> {
        let mut places: BTreeMap<String, Option<u64>> = BTreeMap::new();
        for (_, probe) in &*probes {
            places.extend(symbols(&probe.arguments).take(MOST_VARIABLES).map(|name| (name.to_owned(), None)));
        }
        if places.is_empty() {
            return Ok(());
        }
        self.addresses(&mut places)?;
        for (address, probe) in probes {
            let known =
                |name: &str| Some((name.to_owned(), (*places.get(name)?)?.wrapping_sub(*address).cast_signed()));
            probe.distances = symbols(&probe.arguments).filter_map(known).collect();
        }
        Ok(())
    }

    fn probes_of(&self, notes: &[u8], found: &mut Vec<(u64, UserProbe)>) {
        let mut rest = notes;
        while rest.len() >= 12 && found.len() < MOST_PROBES {
            let (name, size) = (number::<4>(rest, 0) as usize, number::<4>(rest, 4) as usize);
            let begin = 12_usize.saturating_add(name).saturating_add(3) & !3;
            let is_probe = number::<4>(rest, 8) == NT_STAPSDT && rest.get(12..12 + NAME.len()) == Some(NAME);
            let body = rest.get(begin..begin.saturating_add(size));
            if let Some(body) = body.filter(|_| is_probe && name == NAME.len()) {
                found.extend(self.probe(body));
            }
            rest = rest.get(begin.saturating_add(size).saturating_add(3) & !3..).unwrap_or_default();
        }
    }

    /// With its address.
    fn probe(&self, body: &[u8]) -> Option<(u64, UserProbe)> {
        let mut texts = body.get(HEAD..)?.split(|byte| *byte == 0);
        let mut text = |most: usize| {
            let text = std::str::from_utf8(texts.next()?).ok()?;
            (text.len() <= most && !text.contains(char::is_control)).then(|| text.to_owned())
        };
        let (provider, name, arguments) = (text(MOST_NAME)?, text(MOST_NAME)?, text(MOST_ARGUMENTS)?);
        // What moved the file in memory after it was linked (prelink) left the notes as they were.
        let moved = match (self.probes.base, number::<8>(body, 8)) {
            (Some(now), then @ 1..) => now.wrapping_sub(then),
            (Some(_), 0) | (None, _) => 0,
        };
        let address = number::<8>(body, 0).wrapping_add(moved);
        let offset = place_in_file(&self.code, address)?;
        let semaphore = match number::<8>(body, 16) {
            0 => 0,
            address => place_in_file(&self.probes.loaded, address.wrapping_add(moved))?,
        };
        let is_named = !provider.is_empty() && !name.is_empty();
        let is_miscounted = semaphore != 0 && self.is_mapped_before(semaphore);
        let probe = UserProbe { provider, name, offset, semaphore, is_miscounted, arguments, distances: Vec::new() };
        is_named.then_some((address, probe))
    }

    /// Whether another part of the file, which is written and comes earlier in memory, begins or ends in the page of this place.
    fn is_mapped_before(&self, place: u64) -> bool {
        let page = rustix::param::page_size() as u64;
        let has_page =
            |part: &&Code| part.begin / page <= place / page && place / page <= part.end.saturating_sub(1) / page;
        let first = self.probes.written.iter().find(has_page);
        first.is_some_and(|part| !(part.begin..part.end).contains(&place))
    }
}
