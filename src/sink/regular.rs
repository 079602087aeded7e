// SPDX-License-Identifier: MIT OR Apache-2.0
//! A regular file that gets whole lines, whatever the disk and others do to it meanwhile.
//!
//! ```text
//! write(2) takes a part       {…}\n{…}\n{"ts":"20│            cut back to the last `\n`: the line is lost, and the file whole
//! … and somebody wrote on     {…}\n{"ts":"20{…}\n│            blanked: `{…}\n         {…}\n`, which is JSON as well
//! killed, or cut in a line    {…}\n{"ts":"20│                 the same when the next line comes, or the sink is opened
//! somebody's last line        {…}\nnote│                      left alone: a `\n` before the next line
//! ```
//!
//! Cutting is safe where no other process appends: all of ours hold a shared lock on one byte far after the end, and only
//! who gets it alone cuts (`F_OFD_SETLK`, fcntl_locking(2)). Whole appends do not mix: the kernel does one after the other.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{FallocateFlags, OFlags, fallocate, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::Resource;

use super::tail::{Tail, judge};
use crate::spec::Format;

/// The longest line that is looked for at the end of a file; ours are far shorter.
const LONGEST_LINE: u64 = 1 << 20;
/// How much of the end is read at first.
const USUAL_LINE: u64 = 4096;
/// The byte that tells processes of each other.
const LOCKED_BYTE: i64 = 1 << 62;
/// How much must fit into a file before it counts as having room again.
const ROOM_BYTES: u64 = 4096;

/// A regular file and what is known of its end.
pub(super) struct Regular {
    format: Format,
    /// Opened by us: readable, `O_APPEND`, nobody shares its position. Otherwise a standard stream.
    own: bool,
    /// Where our last line ended; `None`: the end is to be looked at.
    end: Option<u64>,
    /// What a write left behind that could not be taken back.
    torn: Option<Torn>,
    /// The last line, which is not ours, lacks its `\n`.
    unended: bool,
}

/// A part of a line of ours.
struct Torn {
    at: u64,
    bytes: Vec<u8>,
}

impl Regular {
    /// A file that was opened for appending and reading.
    pub(super) fn own(file: &File, format: Format) -> Self {
        lock(file, libc::F_RDLCK);
        Self { format, own: true, end: None, torn: None, unended: false }
    }

    /// A standard stream: anyone who started us has opened the file.
    pub(super) fn stream(format: Format) -> Self {
        Self { format, own: false, end: None, torn: None, unended: false }
    }

    /// Makes the end of the file, which has `len` bytes, one where a line can begin. Fails where that cannot be done now.
    pub(super) fn prepare(&mut self, mut file: &File, mut len: u64) -> io::Result<()> {
        if self.torn.is_some() {
            self.take_back(file)?;
            len = file.metadata()?.len();
        }
        if !self.own {
            // Where it was cut, the next byte would leave a hole before it.
            if file.stream_position()? > len {
                file.seek(SeekFrom::End(0))?;
            }
            return Ok(());
        }
        if self.end != Some(len) {
            self.look_at_end(file, len)?;
        }
        if self.unended {
            file.write_all(b"\n")?;
            self.unended = false;
            self.end = Some(file.stream_position()?);
        }
        Ok(())
    }

    fn look_at_end(&mut self, file: &File, len: u64) -> io::Result<()> {
        let tail = tail(file, len)?;
        self.end = None;
        self.unended = false;
        match tail.as_ref().map_or(Tail::Unended, |(_, bytes)| judge(bytes, self.format)) {
            Tail::Ended => self.end = Some(len),
            Tail::Unended => self.unended = true,
            Tail::Torn => {
                let start = tail.map_or(len, |(start, _)| start);
                match cut(file, start, len) {
                    Ok(true) => self.end = Some(start),
                    // Anyone who else writes here may be at it; what stays is blanked when our next line stands after it.
                    Ok(false) => {}
                    Err(error) if is_append_only(&error) => self.unended = true,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Writes as many whole lines as there is room for. Also gives how many bytes are in the file for good: whole lines, and
    /// where a part of one cannot be taken back, that part.
    pub(super) fn write_lines(&mut self, mut file: &File, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut whole = 0;
        let mut tries = 0;
        loop {
            let rest = &bytes[whole..];
            if rest.is_empty() {
                return (whole, Ok(()));
            }
            let count = match file.write(rest) {
                Ok(0) => return (whole, Err(ErrorKind::WriteZero.into())),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return (whole, Err(error)),
            };
            let lines = rest[..count].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            whole += lines;
            let begun = &rest[lines..count];
            if let Err(error) = self.after_write(file, count, begun) {
                let begun = if self.torn.is_none() { begun.len() } else { 0 };
                return (whole + begun, Err(error));
            }
            if !begun.is_empty() && lines == 0 {
                // Not one line: why, the kernel has not said yet.
                let result = room(file).and(Err(ErrorKind::StorageFull.into()));
                tries += 1;
                if tries > 1 || room_is_known_to_lack(&result) {
                    return (whole, result);
                }
            }
        }
    }

    /// The last write took `count` bytes, of which `begun` are no whole line: takes them back.
    fn after_write(&mut self, mut file: &File, count: usize, begun: &[u8]) -> io::Result<()> {
        let end = file.stream_position()?;
        let start = end.saturating_sub(count as u64);
        if self.own && self.end != Some(start) {
            // Where that cannot be done their line stays torn, and ours is as whole as it can be.
            drop(self.blank_before(file, start));
        }
        self.end = Some(end);
        if begun.is_empty() {
            return Ok(());
        }
        self.torn = Some(Torn { at: end - begun.len() as u64, bytes: begun.to_vec() });
        self.take_back(file)
    }

    /// Takes a torn line out of the file again, where it still is in it. Fails where that cannot be done: where it never will
    /// be, it is forgotten.
    fn take_back(&mut self, mut file: &File) -> io::Result<()> {
        let Some(torn) = &self.torn else { return Ok(()) };
        let len = file.metadata()?.len();
        let end = len.min(torn.at + torn.bytes.len() as u64);
        let there = end.saturating_sub(torn.at) as usize;
        let mut found = vec![0; there];
        let is_ours = match file.read_exact_at(&mut found, torn.at) {
            Ok(()) => found == torn.bytes[..there],
            // A stream may not be readable.
            Err(_) => !self.own,
        };
        if there > 0 && is_ours {
            let at = torn.at;
            let taken = match if self.own { cut(file, at, end) } else { cut_stream(file, at, end) } {
                Ok(false) if self.own => blank(file, at, there).map(|()| len),
                Ok(false) => Err(io::ErrorKind::PermissionDenied.into()),
                Ok(true) => Ok(at),
                Err(error) => Err(error),
            };
            match taken {
                Ok(end) => self.end = Some(end),
                Err(error) => {
                    if is_append_only(&error) {
                        self.torn = None;
                    }
                    return Err(error);
                }
            }
        }
        if !self.own {
            file.seek(SeekFrom::End(0))?;
        }
        self.torn = None;
        Ok(())
    }

    /// True where the file, which has `len` bytes, ends where our last write ended.
    pub(super) fn ends_with_ours(&self, len: u64) -> bool {
        self.end == Some(len)
    }

    /// Something was written that is no whole line.
    pub(super) fn went_on(&mut self, mut file: &File) -> io::Result<()> {
        self.end = Some(file.stream_position()?);
        Ok(())
    }

    /// Blanks a torn line that stood at the end when our lines were appended, at `start`: nobody writes there any more.
    fn blank_before(&self, file: &File, start: u64) -> io::Result<()> {
        let Some((from, bytes)) = tail(file, start)? else { return Ok(()) };
        if judge(&bytes, self.format) == Tail::Torn { blank(file, from, bytes.len()) } else { Ok(()) }
    }
}

/// True where the file can grow, as far as that can be known: the file system says it, or does not know the question.
pub(super) fn has_room(file: &File) -> bool {
    room(file).is_ok()
}

fn room(file: &File) -> io::Result<()> {
    let len = file.metadata()?.len();
    let limit = rustix::process::getrlimit(Resource::Fsize).current;
    if limit.is_some_and(|limit| limit < len.saturating_add(ROOM_BYTES)) {
        return Err(Errno::FBIG.into());
    }
    // What is reserved after the end, the next line uses.
    match fallocate(file, FallocateFlags::KEEP_SIZE, len, ROOM_BYTES) {
        Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// True unless the kernel says that there is room.
fn room_is_known_to_lack(result: &io::Result<()>) -> bool {
    result.as_ref().is_err_and(|error| error.raw_os_error().is_some())
}

/// The bytes after the last `\n` before `end`, and where they begin; `None` where they are more than any line.
fn tail(file: &File, end: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut reach = USUAL_LINE;
    loop {
        let from = end.saturating_sub(reach);
        let mut bytes = vec![0; (end - from) as usize];
        file.read_exact_at(&mut bytes, from)?;
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => return Ok(Some((from + newline as u64 + 1, bytes.split_off(newline + 1)))),
            None if from == 0 => return Ok(Some((0, bytes))),
            None if reach >= LONGEST_LINE => return Ok(None),
            None => reach *= 16,
        }
    }
}

/// Cuts a file that ends at `end` back to `at`. `false`: it does not end there, or another process writes to it too.
fn cut(file: &File, at: u64, end: u64) -> io::Result<bool> {
    if !lock(file, libc::F_WRLCK) {
        return Ok(false);
    }
    let done = cut_stream(file, at, end);
    lock(file, libc::F_RDLCK);
    done
}

fn cut_stream(file: &File, at: u64, end: u64) -> io::Result<bool> {
    let ends_there = file.metadata()?.len() == end;
    if ends_there {
        file.set_len(at)?;
    }
    Ok(ends_there)
}

/// Puts blanks in the place of bytes of a file of ours.
fn blank(file: &File, at: u64, count: usize) -> io::Result<()> {
    // With it pwrite(2) would append, whatever its offset.
    set_append(file, false)?;
    let written = file.write_all_at(&vec![b' '; count], at);
    set_append(file, true)?;
    written
}

/// Files that can only grow: chattr(1) +a. Lines in them are finished instead of taken back.
fn is_append_only(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

fn set_append(file: &File, on: bool) -> io::Result<()> {
    let flags = fcntl_getfl(file)?;
    fcntl_setfl(file, if on { flags | OFlags::APPEND } else { flags - OFlags::APPEND })?;
    Ok(())
}

/// Locks the byte by which processes know of each other, `F_RDLCK` among others or `F_WRLCK` alone; says whether it has it.
fn lock(file: &File, kind: i32) -> bool {
    let range = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: LOCKED_BYTE,
        l_len: 1,
        l_pid: 0,
    };
    // rustix has no locks that belong to an open file instead of the process.
    // SAFETY: the kernel reads a `flock` that is a local.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, std::ptr::from_ref(&range)) == 0 }
}
