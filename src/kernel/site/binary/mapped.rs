// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who still runs a file that was replaced: `/proc/PID/maps` of proc(5), which any process can make long, slow and strange.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::spec::FileIdentity;

/// How long a look at all processes takes at most. A process has up to 65,530 mappings, or more if its administrator likes.
const PATIENCE: Duration = Duration::from_secs(2);
/// A line is as long as a path and what stands before it; what is longer is cut, and may be anything.
const MOST_LINE: u64 = 20 << 10;

/// Files that were replaced, each with the path that led to it.
pub struct FormerSearch {
    /// What is looked for, and found already.
    files: Vec<(FileIdentity, Vec<u8>, bool)>,
    /// Something could not be read, or there was no time for it: every file may be mapped.
    incomplete: bool,
}

impl FormerSearch {
    /// For these files.
    pub fn new(files: impl IntoIterator<Item = (FileIdentity, PathBuf)>) -> Self {
        let files = files.into_iter().map(|(file, path)| (file, as_in_maps(&path), false)).collect();
        Self { files, incomplete: false }
    }

    /// Looks at all processes, until all files are found; takes two seconds at most, on a thread that has them.
    #[must_use]
    pub fn done(mut self) -> Self {
        let deadline = Instant::now() + PATIENCE;
        let Ok(entries) = fs::read_dir("/proc") else { return Self { incomplete: true, ..self } };
        let is_process = |name: &OsStr| name.as_bytes().iter().all(u8::is_ascii_digit);
        for entry in entries.flatten().filter(|entry| is_process(&entry.file_name())) {
            if self.files.iter().all(|(_, _, found)| *found) {
                return self;
            }
            match File::open(entry.path().join("maps")).and_then(|maps| self.read(maps, deadline)) {
                Ok(()) => {}
                // It has ended.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {}
                Err(_) => self.incomplete = true,
            }
        }
        self
    }

    /// False where nobody runs the file; true where somebody does, where that could not be found out, and for a file that was not
    /// looked for.
    pub fn may_be_mapped(&self, file: FileIdentity) -> bool {
        self.incomplete || self.files.iter().find(|(known, ..)| *known == file).is_none_or(|(.., found)| *found)
    }

    fn read(&mut self, maps: impl io::Read, deadline: Instant) -> io::Result<()> {
        let (mut lines, mut line) = (BufReader::new(maps), Vec::new());
        loop {
            if Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            line.clear();
            if io::Read::take(&mut lines, MOST_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            self.incomplete |= line.last() != Some(&b'\n');
            self.see(line.strip_suffix(b"\n").unwrap_or(&line));
        }
    }

    /// `address-address rwxp offset major:minor inode path`
    fn see(&mut self, line: &[u8]) {
        let mut words = line.splitn(6, |byte| *byte == b' ');
        let (Some(access), Some(device), Some(inode)) = (words.nth(1), words.nth(1), words.next()) else { return };
        let text = |word| std::str::from_utf8(word).ok();
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let device = text(device).and_then(|device| device.split_once(':'));
        let device = device.and_then(|(major, minor)| Some(libc::makedev(number(major)?, number(minor)?)));
        let (Some(device), Some(Ok(inode))) = (device, text(inode).map(str::parse::<u64>)) else { return };
        if !access.contains(&b'x') || inode == 0 {
            return;
        }
        let deleted = words.next().and_then(|path| path.trim_ascii_start().strip_suffix(b" (deleted)"));
        for (file, path, found) in self.files.iter_mut().filter(|(file, ..)| file.inode == inode) {
            // Some file systems (btrfs, overlayfs) have another device in stat(2) than here: then a deleted file is told by its path.
            *found |= file.device == device || deleted == Some(path);
        }
    }
}

/// A path as the kernel writes it there: a newline is four characters.
fn as_in_maps(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes();
    bytes.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\\012"[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(major: u32, inode: u64) -> FileIdentity {
        FileIdentity { device: libc::makedev(major, 0), inode, bytes: 1, written: (0, 0), changed: (0, 0), born: None }
    }

    fn search(files: &[(FileIdentity, &[u8])]) -> FormerSearch {
        FormerSearch::new(files.iter().map(|(file, path)| (*file, PathBuf::from(OsStr::from_bytes(path)))))
    }

    const MAPS: &[u8] = b"\
        55d0c8a00000-55d0c8a2a000 r--p 00000000 fe:00 7                          /usr/bin/data\n\
        55d0c8a2a000-55d0c8b0b000 r-xp 0002a000 fe:00 8                          /usr/bin/two words (deleted)\n\
        55d0c8a2a000-55d0c8b0b000 r-xp 0002a000 00:2a 9                          /usr/\xff\\012x (deleted)\n\
        7ffd3a9f2000-7ffd3a9f4000 r-xp 00000000 00:00 0                          [vdso]\n\
        ffffffffff600000-ffffffffff601000 --xp\n";

    /// Code is told from data, a deleted file by its path as well, whatever bytes that has.
    #[test]
    fn lines() {
        let (data, code, other, odd) = (file(0xfe, 7), file(0xfe, 8), file(1, 8), file(0xfe, 9));
        let (path, odd_path) = (&b"/usr/bin/two words"[..], &b"/usr/\xff\nx"[..]);
        let far = Instant::now() + PATIENCE;
        let mut all = search(&[(data, b"/usr/bin/data"), (code, path), (odd, odd_path)]);
        all.read(MAPS, far).unwrap();
        assert_eq!([data, code, odd].map(|file| all.may_be_mapped(file)), [false, true, true]);
        for (path, found) in [(path, true), (b"/usr/bin/two", false)] {
            let mut one = search(&[(other, path)]);
            one.read(MAPS, far).unwrap();
            assert_eq!(one.may_be_mapped(other), found);
        }
        assert!(search(&[]).may_be_mapped(data), "nobody looked for it");
    }

    /// What has no end, and what comes too late, is not known.
    #[test]
    fn bounds() {
        let mut endless = search(&[(file(1, 1), b"/x")]);
        endless.read([&b"x".repeat(30_000)[..], b"\n"].concat().as_slice(), Instant::now() + PATIENCE).unwrap();
        assert!(endless.may_be_mapped(file(1, 1)));
        assert!(search(&[(file(1, 1), b"/x")]).read(MAPS, Instant::now()).is_err());
    }
}
