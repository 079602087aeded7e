// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process says of code that it made itself: `/tmp/perf-PID.map`, lines of `START SIZE NAME`, the numbers in hexadecimal.
//! Java, Node, Python and others write one when they are told to.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

/// Bytes of one that are read.
const MOST_BYTES: u64 = 64 << 20;

/// The file of one process, which grows while it runs.
#[derive(Debug)]
pub(super) struct PerfMap {
    file: File,
    /// Bytes of it that were read.
    read: u64,
    /// The last line, where it had no end yet.
    rest: Vec<u8>,
    /// Where each begins, how long it is; in order. Code is made again at the same place: the last one counts.
    functions: Vec<(u64, u64, Arc<str>)>,
}

impl PerfMap {
    /// The one of this process, as the process itself sees `/tmp`; `None` where there is none.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let path = format!("/proc/{pid}/root/tmp/perf-{}.map", inner_number(&status).unwrap_or(pid));
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path).ok()?;
        file.metadata().ok()?.is_file().then_some(Self { file, read: 0, rest: Vec::new(), functions: Vec::new() })
    }

    /// The function at an address, and how far into it that is.
    pub(super) fn function(&mut self, address: u64) -> Option<(Arc<str>, u64)> {
        self.refresh();
        let after = self.functions.partition_point(|(begin, ..)| *begin <= address);
        let (begin, size, name) = self.functions.get(after.checked_sub(1)?)?;
        (address - begin < *size).then(|| (Arc::clone(name), address - begin))
    }

    /// Reads what was added.
    fn refresh(&mut self) {
        let Ok(size) = self.file.metadata().map(|about| about.len()) else { return };
        if size <= self.read || self.read >= MOST_BYTES {
            return;
        }
        let mut added = std::mem::take(&mut self.rest);
        let Ok(bytes) = (&self.file).take(MOST_BYTES - self.read).read_to_end(&mut added) else { return };
        self.read += bytes as u64;
        let whole = added.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.rest = added.split_off(whole);
        let new: Vec<_> = added.split(|byte| *byte == b'\n').filter_map(function).collect();
        // The later one first: of two at one address it stays.
        self.functions.splice(0..0, new.into_iter().rev());
        self.functions.sort_by_key(|(begin, ..)| *begin);
        self.functions.dedup_by_key(|(begin, ..)| *begin);
    }
}

fn function(line: &[u8]) -> Option<(u64, u64, Arc<str>)> {
    let line = String::from_utf8_lossy(line);
    let mut words = line.splitn(3, ' ');
    let mut number = || {
        let word = words.next()?;
        u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()
    };
    let (begin, size) = (number()?, number()?);
    let name = words.next()?.trim();
    (!name.is_empty()).then(|| (begin, size, name.into()))
}

/// The process's number as it sees itself: the last one of `NStgid: 1337 1`.
fn inner_number(status: &str) -> Option<u32> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NStgid:"))?;
    numbers.split_ascii_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// A function is found in the file of a process of ours, also when it is written later, also over another; a line that is not whole
    /// waits for its end.
    #[test]
    fn functions_that_are_added() {
        let mut written = tempfile::tempfile().unwrap();
        let mut map = PerfMap { file: written.try_clone().unwrap(), read: 0, rest: Vec::new(), functions: Vec::new() };
        let mut add = |map: &mut PerfMap, text: &str| {
            use std::os::unix::fs::FileExt as _;
            written.write_all(text.as_bytes()).unwrap();
            // One descriptor, one place: as if it were opened by two.
            let mut all = vec![0; written.metadata().unwrap().len() as usize];
            written.read_exact_at(&mut all, 0).unwrap();
            let again = tempfile::tempfile().unwrap();
            again.write_all_at(&all, 0).unwrap();
            std::io::Seek::seek(&mut &again, std::io::SeekFrom::Start(map.read)).unwrap();
            map.file = again;
        };
        let name = |map: &mut PerfMap, address| map.function(address).map(|(name, into)| format!("{name}+{into:x}"));
        add(&mut map, "1000 20 py::work:/a b.py\nnonsense\n2000 10 Lfoo;::b");
        assert_eq!(name(&mut map, 0x101f).as_deref(), Some("py::work:/a b.py+1f"));
        assert_eq!((name(&mut map, 0x1020), name(&mut map, 0xfff), name(&mut map, 0x2000)), (None, None, None));
        add(&mut map, "ar\n1000 8 again\n");
        assert_eq!(name(&mut map, 0x2001).as_deref(), Some("Lfoo;::bar+1"));
        assert_eq!((name(&mut map, 0x1001).as_deref(), name(&mut map, 0x1008)), (Some("again+1"), None));
    }

    /// The number inside a PID namespace.
    #[test]
    fn numbers() {
        assert_eq!(inner_number("Name:\tx\nNStgid:\t1337\t12\t1\nNSpid:\t1338\t13\t2\n"), Some(1));
        assert_eq!(inner_number("Name:\tx\n"), None);
    }
}
