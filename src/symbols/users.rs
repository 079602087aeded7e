// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of programs and libraries, by process and address.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::time::{Duration, Instant};

use super::maps::{Mapping, device, mapping, served_by_processes};
use super::patience::Patience;
use crate::catalog::{Binary, Bytes, demangle};

/// How long it is believed that a process is the same, and has mapped nothing else.
const FRESH: Duration = Duration::from_secs(1);
/// Processes, names of one, open files that are remembered.
const MOST_PROCESSES: usize = 512;
const MOST_NAMES: usize = 16 << 10;
const MOST_FILES: usize = 64;
/// Bytes of /proc/PID/maps that are read: a process can have as many mappings as it likes.
const MOST_MAPS: u64 = 16 << 20;

/// What was asked for so far.
#[derive(Debug, Default)]
pub(super) struct Users {
    processes: HashMap<u32, Process>,
    files: Files,
}

/// One process.
#[derive(Debug)]
struct Process {
    /// When it began, in ticks since boot: another one of the same number has another.
    began: u64,
    seen: Instant,
    code: Vec<Mapping>,
    /// By address; `None`: it has no name.
    names: HashMap<u64, Option<Box<str>>>,
}

impl Users {
    pub(super) fn name(&mut self, pid: u32, address: u64, patience: &mut Patience) -> Option<&str> {
        let now = Instant::now();
        let known = self.processes.get(&pid);
        let is_fresh = known.is_some_and(|process| now.saturating_duration_since(process.seen) < FRESH);
        let is_known = known.is_some_and(|process| process.names.contains_key(&address));
        if !(is_fresh && is_known) {
            let Self { processes, files } = self;
            patience.ask(|| look(processes, files, pid, address, now));
        }
        self.processes.get(&pid)?.names.get(&address)?.as_deref()
    }
}

/// Finds out what the process is now, unless that is known, and what the address is called.
fn look(processes: &mut HashMap<u32, Process>, files: &mut Files, pid: u32, address: u64, now: Instant) {
    let known = processes.get_mut(&pid);
    let is_fresh = known.as_ref().is_some_and(|process| now.saturating_duration_since(process.seen) < FRESH);
    let began = if is_fresh { known.as_ref().map(|process| process.began) } else { began(pid) };
    match (known, began) {
        // It has ended: what it was stays known until its number means another one.
        (_, None) => return,
        (Some(process), Some(began)) if process.began == began => {
            let has = process.code.iter().any(|code| (code.begin..code.end).contains(&address));
            if !is_fresh || !has {
                process.refresh(pid, now);
            }
        }
        (Some(_) | None, Some(began)) => {
            if processes.len() >= MOST_PROCESSES {
                processes.clear();
            }
            let mut process = Process { began, seen: now, code: Vec::new(), names: HashMap::new() };
            process.refresh(pid, now);
            processes.insert(pid, process);
        }
    }
    let Some(process) = processes.get_mut(&pid) else { return };
    if process.names.len() >= MOST_NAMES {
        process.names.clear();
    }
    if !process.names.contains_key(&address) {
        let name = process.find(files, pid, address);
        process.names.insert(address, name);
    }
}

impl Process {
    /// Reads what it has mapped. Names of what it has not any more are forgotten.
    fn refresh(&mut self, pid: u32, now: Instant) {
        self.seen = now;
        let Ok(maps) = File::open(format!("/proc/{pid}/maps")) else { return };
        let (mut lines, mut line, mut code) = (BufReader::new(maps.take(MOST_MAPS)), Vec::new(), Vec::new());
        while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            code.extend(mapping(&line));
            line.clear();
        }
        if code != self.code {
            let mountinfo = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
            let served: Vec<(u32, u32)> = served_by_processes(&mountinfo).collect();
            code.retain(|code| device(&code.device).is_none_or(|device| !served.contains(&device)));
            self.code = code;
            self.names.clear();
        }
    }

    /// `function+0x8`; `library+0x1234` where the file names no function there.
    fn find(&self, files: &mut Files, pid: u32, address: u64) -> Option<Box<str>> {
        let code = self.code.iter().find(|code| (code.begin..code.end).contains(&address))?;
        let offset = address - code.begin + code.offset;
        let function = files.get(pid, code).and_then(|file| file.around(offset).ok().flatten());
        let (name, into) = match &function {
            Some(function) => {
                let bare = function.name.split_once('@').map_or(function.name.as_str(), |(bare, _)| bare);
                (demangle(bare).unwrap_or_else(|| bare.to_owned()), offset - function.offset)
            }
            None if code.name.is_empty() => return None,
            None => (code.name.to_string(), offset),
        };
        Some(if into == 0 && function.is_some() { name } else { format!("{name}+{into:#x}") }.into())
    }
}

/// Programs and libraries that are open, by device and inode; `None` for one that cannot be read.
#[derive(Debug, Default)]
struct Files(HashMap<FileNumber, Option<Box<Binary<OpenFile>>>>);

/// Device and inode.
type FileNumber = (Box<str>, u64);

impl Files {
    fn get(&mut self, pid: u32, code: &Mapping) -> Option<&Binary<OpenFile>> {
        if code.inode == 0 {
            return None;
        }
        if self.0.len() >= MOST_FILES {
            self.0.clear();
        }
        let open = || OpenFile::of(pid, code).ok().and_then(|file| Binary::parse(file).ok()).map(Box::new);
        self.0.entry((code.device.clone(), code.inode)).or_insert_with(open).as_deref()
    }
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

/// When a process began: the 22nd word of its `stat`, behind a name that may have anything in it.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after = stat.iter().rposition(|byte| *byte == b')')? + 1;
    std::str::from_utf8(&stat[after..]).ok()?.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function of this very process is found by its address, and remembered; of nobody nothing is known.
    #[test]
    fn own_function() {
        let mut users = Users::default();
        // Each with a second of its own: without optimisation a large program takes long.
        let mut name = |pid, address| users.name(pid, address, &mut Patience::default()).map(str::to_owned);
        let address = own_function as fn() as usize as u64;
        let own = std::process::id();
        let first = name(own, address).unwrap();
        assert!(first.contains("own_function") && !first.contains('+'), "{first}");
        let second = name(own, address + 1).unwrap();
        assert!(second.contains("own_function") && second.ends_with("+0x1"), "{second}");
        assert_eq!((name(own, 8), name(u32::MAX, address)), (None, None));
        assert_eq!(users.processes[&own].names.len(), 3);
    }

    /// A process that has the number of another one that has ended has none of its names.
    #[test]
    fn a_number_that_comes_back() {
        let mut users = Users::default();
        let address = a_number_that_comes_back as fn() as usize as u64;
        let own = std::process::id();
        let seen = Instant::now().checked_sub(FRESH).unwrap();
        let names = HashMap::from([(address, Some("before".into())), (8, Some("before".into()))]);
        users.processes.insert(own, Process { began: 1, seen, code: Vec::new(), names });
        let name = users.name(own, address, &mut Patience::default()).unwrap();
        assert!(name.contains("a_number_that_comes_back"), "{name}");
        assert_eq!(users.name(own, 8, &mut Patience::default()), None);
    }

    /// A process that has ended keeps its names: its events may still come.
    #[test]
    fn after_its_end() {
        let mut users = Users::default();
        let seen = Instant::now().checked_sub(FRESH).unwrap();
        let names = HashMap::from([(8, Some("known".into()))]);
        users.processes.insert(u32::MAX, Process { began: 1, seen, code: Vec::new(), names });
        assert_eq!(users.name(u32::MAX, 8, &mut Patience::default()), Some("known"));
        assert_eq!(users.name(u32::MAX, 16, &mut Patience::default()), None);
    }
}
