// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of programs and libraries, by the place in their files.
//!
//! ```text
//! mapping ──map_files──▶ open file ──≤ 64 MiB──▶ copy in memory ──blazesym──▶ symbols, DWARF, /usr/lib/debug/.build-id
//!                                  └─ larger ──▶ symbols alone, read piece by piece
//! ```
//!
//! The file is the one that is mapped, whatever has its path now, in whichever mount namespace, deleted or not. What never happens here:
//! no file that another process can shorten is mapped into our own memory, which would end us.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::sync::Arc;

use blazesym::Pid;
use blazesym::symbolize::source::{Elf, Process, Source};
use blazesym::symbolize::{Input, Sym, Symbolizer};
use rustix::fs::MemfdFlags;

use super::maps::Mapping;
use crate::catalog::{Binary, Bytes, demangle};

/// Files that are open, places of one that are remembered.
const MOST_FILES: usize = 256;
const MOST_PLACES: usize = 64 << 10;
/// Bytes of a file that is copied, and of all copies.
const MOST_COPIED: u64 = 64 << 20;
const MOST_COPIES: u64 = 256 << 20;

/// What is at a place in a file: the functions that are inlined there, then the one that they are part of.
#[derive(Debug, Clone, Default)]
pub(super) struct Functions {
    pub(super) inlined: Vec<Arc<str>>,
    /// Its name, and how far into it the place is.
    pub(super) function: Option<(Arc<str>, u64)>,
}

/// Device and inode.
type FileNumber = (Box<str>, u64);

/// Programs and libraries that were mapped somewhere.
#[derive(Default)]
pub(super) struct Programs {
    files: HashMap<FileNumber, Known>,
    symbolizer: Option<Symbolizer>,
    copied: u64,
}

struct Known {
    /// Stays open: another file would have its inode otherwise, and its functions.
    file: OpenFile,
    /// `None`: nothing was asked of it yet.
    image: Option<Image>,
    places: HashMap<u64, Functions>,
}

enum Image {
    /// Its copy in memory.
    Copy(File),
    /// Too large to be copied.
    Large(Box<Binary<OpenFile>>),
    /// It cannot be read, or is no program.
    Nothing,
}

impl Programs {
    /// Keeps the file of a mapping open: its process may end before something is asked. True if it could be.
    pub(super) fn open(&mut self, pid: u32, code: &Mapping) -> bool {
        let number = (code.device.clone(), code.inode);
        if self.files.contains_key(&number) {
            return true;
        }
        if self.files.len() >= MOST_FILES || self.copied >= MOST_COPIES {
            *self = Self::default();
        }
        let Ok(file) = OpenFile::of(pid, code) else { return false };
        self.files.insert(number, Known { file, image: None, places: HashMap::new() });
        true
    }

    /// What is at this place of a mapped file.
    pub(super) fn functions(&mut self, pid: u32, code: &Mapping, offset: u64) -> Functions {
        if !self.open(pid, code) {
            return Functions::default();
        }
        let Self { files, symbolizer, copied } = self;
        let Some(known) = files.get_mut(&(code.device.clone(), code.inode)) else { return Functions::default() };
        if let Some(functions) = known.places.get(&offset) {
            return functions.clone();
        }
        let Known { file, image, .. } = known;
        let image = image.get_or_insert_with(|| Image::of(file, copied).unwrap_or(Image::Nothing));
        let functions = image.functions(symbolizer.get_or_insert_with(symbolizer_of_ours), offset);
        if known.places.len() >= MOST_PLACES {
            known.places.clear();
        }
        known.places.insert(offset, functions.clone());
        functions
    }

    /// What is at this place of the code that the kernel maps into each process: it is the same in our own.
    pub(super) fn vdso(&mut self, offset: u64) -> Functions {
        let symbolizer = self.symbolizer.get_or_insert_with(symbolizer_of_ours);
        let find = || {
            let maps = std::fs::read(format!("/proc/{}/maps", std::process::id())).ok()?;
            let code = maps.split(|byte| *byte == b'\n').filter_map(super::maps::mapping);
            let own = code.into_iter().find(|code| &*code.name == super::maps::VDSO)?;
            let source = Source::Process(Process::new(Pid::Slf));
            let found = symbolizer.symbolize_single(&source, Input::AbsAddr(own.begin + offset)).ok()?;
            Some(functions(found.as_sym()?))
        };
        find().unwrap_or_default()
    }
}

/// Names are taken apart by us, as everywhere else.
fn symbolizer_of_ours() -> Symbolizer {
    Symbolizer::builder().enable_demangling(false).enable_code_info(true).enable_inlined_fns(true).build()
}

fn functions(found: &Sym<'_>) -> Functions {
    Functions {
        inlined: found.inlined.iter().rev().map(|inlined| name(&inlined.name)).collect(),
        function: Some((name(&found.name), found.offset as u64)),
    }
}

/// As it stands in the source, without the version of a library's symbol.
fn name(raw: &str) -> Arc<str> {
    let bare = raw.split_once('@').map_or(raw, |(bare, _)| bare);
    demangle(bare).map_or_else(|| bare.into(), Into::into)
}

impl Image {
    /// Copies the file, or reads its headers. `None` where it cannot be.
    fn of(file: &OpenFile, copied: &mut u64) -> Option<Self> {
        if file.size > MOST_COPIED {
            let again = OpenFile { file: file.file.try_clone().ok()?, size: file.size };
            return Binary::parse(again).ok().map(|binary| Self::Large(Box::new(binary)));
        }
        *copied += file.size;
        copy(file).ok().map(Self::Copy)
    }

    fn functions(&self, symbolizer: &Symbolizer, offset: u64) -> Functions {
        match self {
            Self::Copy(copy) => {
                let source = Source::Elf(Elf::new(format!("/proc/self/fd/{}", copy.as_raw_fd())));
                let found = symbolizer.symbolize_single(&source, Input::FileOffset(offset));
                found.ok().as_ref().and_then(|found| found.as_sym()).map(functions).unwrap_or_default()
            }
            Self::Large(binary) => {
                let around = binary.around(offset).ok().flatten();
                Functions {
                    inlined: Vec::new(),
                    function: around.map(|found| (name(&found.name), offset - found.offset)),
                }
            }
            Self::Nothing => Functions::default(),
        }
    }
}

/// The same bytes in memory that nobody else has.
fn copy(file: &OpenFile) -> io::Result<File> {
    let mut copy = File::from(rustix::fs::memfd_create("program", MemfdFlags::CLOEXEC)?);
    let (mut piece, mut at) = (vec![0; 256 << 10], 0);
    while at < file.size {
        match file.file.read_at(&mut piece, at)? {
            0 => break,
            bytes => {
                copy.write_all(&piece[..bytes])?;
                at += bytes as u64;
            }
        }
    }
    Ok(copy)
}

/// A file that a process has mapped.
#[derive(Debug)]
struct OpenFile {
    file: File,
    size: u64,
}

impl OpenFile {
    /// By the mapping itself: what has its path now may be another file.
    fn of(pid: u32, code: &Mapping) -> io::Result<Self> {
        let link = format!("/proc/{pid}/map_files/{:x}-{:x}", code.begin, code.end);
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(link)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self { file, size: about.len() })
    }
}

impl Bytes for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(room, offset)
    }
}
