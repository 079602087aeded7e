// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes programs by hand, also ones that no linker makes.

use std::io::{self, Write};

/// Where the code of a made program is, in the file and in memory.
pub(crate) const CODE: u64 = 0x1000;

/// A program to be made.
#[derive(Default)]
pub(crate) struct Elf {
    /// Entries of 24 bytes.
    pub(crate) symbols: Vec<u8>,
    pub(crate) names: Vec<u8>,
    /// The same, with versions.
    pub(crate) dynamic: Vec<u8>,
    pub(crate) dynamic_names: Vec<u8>,
    pub(crate) numbers: Vec<u8>,
    pub(crate) versions: Vec<u8>,
    /// Zeroes between the headers and the tables; code, as far as the file says.
    pub(crate) code: u64,
    pub(crate) note: Vec<u8>,
    /// What its headers say is changed: place and bytes.
    pub(crate) changes: Vec<(usize, Vec<u8>)>,
}

/// One entry of a table of symbols.
pub(crate) fn symbol(name: u32, kind: u8, address: u64, size: u64) -> [u8; 24] {
    let mut entry = [0; 24];
    entry[..4].copy_from_slice(&name.to_le_bytes());
    entry[4] = kind;
    entry[6] = 1;
    entry[8..16].copy_from_slice(&address.to_le_bytes());
    entry[16..24].copy_from_slice(&size.to_le_bytes());
    entry
}

/// A global function, as a kind of [`symbol`].
pub(crate) const FUNCTION: u8 = 0x12;

/// A note with a build id.
pub(crate) fn build_id(id: &[u8]) -> Vec<u8> {
    let mut note = [4_u32.to_le_bytes(), (id.len() as u32).to_le_bytes(), 3_u32.to_le_bytes()].concat();
    note.extend(b"GNU\0");
    note.extend(id);
    note
}

impl Elf {
    /// Functions of these names, 16 bytes each, one after the other.
    pub(crate) fn functions<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut elf = Self { names: vec![0], code: 0x10_0000, ..Self::default() };
        for (at, name) in names.into_iter().enumerate() {
            let begin = elf.names.len() as u32;
            elf.symbols.extend(symbol(begin, FUNCTION, CODE + 16 * at as u64, 16));
            elf.names.extend(name.as_bytes());
            elf.names.push(0);
        }
        elf
    }

    /// Everything but the code, which is holes: what comes before it and what comes behind it.
    pub(crate) fn parts(&self) -> (Vec<u8>, Vec<u8>) {
        let note = [0x200, self.note.len() as u64];
        let tables: [(u32, &[u8], u32); 8] = [
            (0, &[], 0),
            (2, &self.symbols, 2),
            (3, &self.names, 0),
            (11, &self.dynamic, 4),
            (3, &self.dynamic_names, 0),
            (0x6fff_ffff, &self.numbers, 3),
            (0x6fff_fffd, &self.versions, 4),
            (3, b"\0.symtab\0.strtab\0", 0),
        ];
        let (mut behind, mut sections) = (Vec::new(), Vec::new());
        for (kind, bytes, link) in tables {
            let kind = if bytes.is_empty() { 0 } else { kind };
            let (offset, size) = (CODE + self.code + behind.len() as u64, bytes.len() as u64);
            sections.extend([[0; 4], kind.to_le_bytes()].concat());
            sections.extend([0, 0, offset, size].map(u64::to_le_bytes).concat());
            sections.extend([link, 0].map(u32::to_le_bytes).concat());
            sections.extend([0_u64, 0].map(u64::to_le_bytes).concat());
            behind.extend(bytes);
            behind.resize(behind.len().next_multiple_of(8), 0);
        }
        let table = CODE + self.code + behind.len() as u64;
        behind.extend(sections);
        let machine: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        head.extend([2_u16, machine].map(u16::to_le_bytes).concat());
        head.extend(1_u32.to_le_bytes());
        head.extend([CODE, 64, table].map(u64::to_le_bytes).concat());
        head.extend(0_u32.to_le_bytes());
        head.extend([64_u16, 56, 2, 64, 8, 7].map(u16::to_le_bytes).concat());
        let mut segment = |kind: u32, flags: u32, [offset, size]: [u64; 2]| {
            head.extend([kind, flags].map(u32::to_le_bytes).concat());
            head.extend([offset, offset, offset, size, size, 8].map(u64::to_le_bytes).concat());
        };
        segment(1, 5, [CODE, self.code]);
        segment(4, 4, note);
        head.resize(0x200, 0);
        head.extend(&self.note);
        for (at, bytes) in &self.changes {
            head[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        (head, behind)
    }

    /// The whole file in memory.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (mut file, behind) = self.parts();
        file.resize((CODE + self.code) as usize, 0);
        file.extend(behind);
        file
    }

    /// Writes the file, with a hole where the code is.
    pub(crate) fn write(&self, file: &mut std::fs::File) -> io::Result<()> {
        use std::os::unix::fs::FileExt as _;
        let (head, behind) = self.parts();
        file.write_all(&head)?;
        file.write_all_at(&behind, CODE + self.code)
    }
}
