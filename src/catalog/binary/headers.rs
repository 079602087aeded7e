// SPDX-License-Identifier: MIT OR Apache-2.0
//! The headers of a program or library: what kind of file it is, its segments, where its tables lie (elf(5)).

use object::elf::{
    ELFCLASS64, ELFDATA2LSB, ELFMAG, ET_DYN, ET_EXEC, PF_W, PF_X, PT_LOAD, PT_NOTE, SHT_DYNSYM, SHT_GNU_VERDEF,
    SHT_GNU_VERSYM, SHT_NOTE, SHT_SYMTAB,
};

use super::bytes::{Bytes, Part, broken, number, read};
use crate::catalog::elf::ObjectError;

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;
/// More than any linker makes; what goes beyond was made to keep a reader busy.
const MOST_SECTIONS: u64 = 1 << 18;
const MOST_CODE: usize = 128;
const MOST_NOTES: usize = 64;
/// Bytes of the names of sections that are looked at.
const MOST_SECTION_NAMES: usize = 1 << 20;

#[cfg(target_arch = "x86_64")]
const MACHINE: u64 = object::elf::EM_X86_64.0 as u64;
#[cfg(target_arch = "aarch64")]
const MACHINE: u64 = object::elf::EM_AARCH64.0 as u64;

/// What only Go binaries have, stripped ones as well (`cmd/link/internal/ld/data.go`).
const GO_SECTIONS: [&[u8]; 2] = [b"\0.go.buildinfo\0", b"\0.note.go.buildid\0"];

/// A section whose address is in the notes of probes: where the two differ, the file was moved in memory after it was linked.
const PROBE_BASE: &[u8] = b"\0.stapsdt.base\0";

/// False for a program or library of another architecture, going by the first 20 bytes of the file. Also true for what is
/// neither.
pub fn is_for_this_machine(head: &[u8]) -> bool {
    let elf = head.starts_with(&ELFMAG) && head.len() >= 20;
    !elf || (head[4] == ELFCLASS64.0 && head[5] == ELFDATA2LSB.0 && number::<2>(head, 18) == MACHINE)
}

/// A part of the file that is executed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    pub(super) memory: u64,
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// A table of symbols and its table of names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Symbols {
    pub(super) entries: Part,
    pub(super) names: Part,
    pub(super) dynamic: bool,
}

/// What the headers say of the probes that the source names.
#[derive(Debug, Default)]
pub(super) struct ProbeNotes {
    pub(super) notes: Vec<Part>,
    /// Where `.stapsdt.base` is in memory; `None` where the file has none.
    pub(super) base: Option<u64>,
    /// What is put into memory.
    pub(super) loaded: Vec<Code>,
    /// Those of it that may be written.
    pub(super) written: Vec<Code>,
}

/// What the headers say.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// In the order of memory.
    pub(super) code: Vec<Code>,
    pub(super) notes: Vec<Part>,
    pub(super) entry: u64,
    /// `.symtab` and `.dynsym`, each at most once.
    pub(super) symbols: Vec<Symbols>,
    /// The number of the version of each dynamic symbol.
    pub(super) versions: Option<Part>,
    /// The versions that are defined here, and their names.
    pub(super) defined: Option<(Part, Part)>,
    pub(super) is_go: bool,
    pub(super) probes: ProbeNotes,
}

impl Headers {
    pub(super) fn read<B: Bytes>(bytes: &B) -> Result<Self, ObjectError> {
        let mut header = [0; HEADER];
        read(bytes, 0, &mut header)?;
        if !header.starts_with(&ELFMAG) {
            return Err(broken("it does not begin with an ELF header"));
        }
        if header[4] != ELFCLASS64.0 {
            return Err(broken("it is a 32-bit file"));
        }
        if header[5] != ELFDATA2LSB.0 || number::<2>(&header, 18) != MACHINE {
            return Err(ObjectError("it is for another architecture".to_owned()));
        }
        if ![u64::from(ET_EXEC.0), u64::from(ET_DYN.0)].contains(&number::<2>(&header, 16)) {
            return Err(ObjectError("neither a program nor a library, but another kind of ELF file".to_owned()));
        }
        let mut found = Self { entry: number::<8>(&header, 24), ..Self::default() };
        found.segments(bytes, &header)?;
        // Searched for each symbol, of which there are millions.
        found.code.sort_by_key(|code| code.memory);
        found.probes.loaded.sort_by_key(|part| part.memory);
        found.probes.written.sort_by_key(|part| part.memory);
        found.sections(bytes, &header)?;
        Ok(found)
    }

    fn segments<B: Bytes>(&mut self, bytes: &B, header: &[u8]) -> Result<(), ObjectError> {
        let (size, count) = (number::<2>(header, 54), number::<2>(header, 56));
        if count > 0 && size != PROGRAM_HEADER as u64 {
            return Err(broken("its program headers have an unexpected size"));
        }
        // 0xffff means that section 0 has the count (PN_XNUM): nothing that is run has so many.
        let table = Part { offset: number::<8>(header, 32), size: size * count };
        table.entries(bytes, |_, entry: &[u8; PROGRAM_HEADER]| {
            let kind = number::<4>(entry, 0);
            let part = Part { offset: number::<8>(entry, 8), size: number::<8>(entry, 32) };
            if kind == u64::from(PT_NOTE.0) && self.notes.len() < MOST_NOTES {
                self.notes.push(part);
            }
            if kind == u64::from(PT_LOAD.0) {
                let end = part.offset.saturating_add(part.size);
                let loaded = Code { memory: number::<8>(entry, 16), begin: part.offset, end };
                let flags = number::<4>(entry, 4);
                if flags & u64::from(PF_X.0) != 0 {
                    self.code.push(loaded);
                }
                if self.probes.loaded.len() < MOST_CODE {
                    self.probes.loaded.push(loaded);
                    self.probes.written.extend((flags & u64::from(PF_W.0) != 0).then_some(loaded));
                }
            }
            if self.code.len() > MOST_CODE { Err(broken("it has too many code segments")) } else { Ok(()) }
        })
    }

    fn sections<B: Bytes>(&mut self, bytes: &B, header: &[u8]) -> Result<(), ObjectError> {
        let (offset, size) = (number::<8>(header, 40), number::<2>(header, 58));
        if offset == 0 {
            return Ok(());
        }
        if size != SECTION_HEADER as u64 {
            return Err(broken("its section headers have an unexpected size"));
        }
        let section = |index: u64| -> Result<[u8; SECTION_HEADER], ObjectError> {
            let mut entry = [0; SECTION_HEADER];
            read(bytes, offset.saturating_add(index.saturating_mul(SECTION_HEADER as u64)), &mut entry)?;
            Ok(entry)
        };
        // Where they are too many for the header, section 0 has their count, and which of them has their names.
        let (mut count, mut names) = (number::<2>(header, 60), number::<2>(header, 62));
        if count == 0 {
            count = number::<8>(&section(0)?, 32);
        }
        if names == u64::from(object::elf::SHN_XINDEX.0) {
            names = number::<4>(&section(0)?, 40);
        }
        if count > MOST_SECTIONS {
            return Err(broken(&format!("it has {count} sections")));
        }
        let table = Part { offset, size: count * SECTION_HEADER as u64 };
        let linked = |entry: &[u8]| -> Result<(Part, Part), ObjectError> {
            let index = number::<4>(entry, 40);
            let names = if index < count { part(&section(index)?) } else { Part::default() };
            Ok((part(entry), names))
        };
        table.entries(bytes, |_, entry: &[u8; SECTION_HEADER]| {
            let kind = number::<4>(entry, 4);
            let dynamic = kind == u64::from(SHT_DYNSYM.0);
            if dynamic || kind == u64::from(SHT_SYMTAB.0) {
                let (entries, names) = linked(entry)?;
                if self.symbols.iter().all(|known| known.dynamic != dynamic) {
                    self.symbols.push(Symbols { entries, names, dynamic });
                }
            } else if kind == u64::from(SHT_GNU_VERSYM.0) {
                self.versions = Some(part(entry));
            } else if kind == u64::from(SHT_GNU_VERDEF.0) {
                self.defined = Some(linked(entry)?);
            } else if kind == u64::from(SHT_NOTE.0) && self.probes.notes.len() < MOST_NOTES {
                self.probes.notes.push(part(entry));
            }
            Ok(())
        })?;
        if names != 0 && names < count {
            let names = part(&section(names)?).first(bytes, MOST_SECTION_NAMES)?;
            self.is_go = GO_SECTIONS.iter().any(|name| contains(&names, name));
            if let Some(at) = names.windows(PROBE_BASE.len()).position(|part| part == PROBE_BASE) {
                let name = at as u64 + 1;
                table.entries(bytes, |_, entry: &[u8; SECTION_HEADER]| {
                    if number::<4>(entry, 0) == name {
                        self.probes.base = Some(number::<8>(entry, 16));
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

fn part(section: &[u8]) -> Part {
    Part { offset: number::<8>(section, 24), size: number::<8>(section, 32) }
}
