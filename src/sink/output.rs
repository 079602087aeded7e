// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file descriptor and how to write to it without waiting longer than wanted.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::time::Instant;

use super::judge::{self, Kind};
use super::queue::Stop;
use super::regular::{self, Regular};
use crate::spec::Format;

/// An open destination.
pub(super) struct Output {
    file: File,
    way: Way,
    standard_stream: bool,
    /// What it was when it was opened by its path; `None` for a standard stream.
    kind: Option<Kind>,
    identity: Option<(u64, u64)>,
    /// For a regular file.
    regular: Option<Regular>,
}

/// How bytes are handed to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As many at once as there are: regular files and devices, which do not wait for a reader; and sockets and terminals
    /// that are not blocking, where the kernel takes what fits and says EAGAIN.
    AtOnce,
    /// A pipe that is not blocking: whole lines of at most `PIPE_BUF` bytes, which it takes all or not at all (pipe(7)). So
    /// its reader never gets a torn line, even when it is too slow at the end.
    WholeLines,
    /// A blocking terminal or socket: a page at a time, and only when poll(2) has said that there is room for one.
    /// Another process may use the same open file, so it must not be made non-blocking.
    WhenReady,
}

/// What poll(2) promises to fit: `PIPE_BUF`.
const READY_BYTES: usize = 4096;

impl Output {
    /// A file that was opened by its path, with `O_NONBLOCK` where it has a reader.
    pub(super) fn file(file: File) -> Self {
        let about = file.metadata().ok();
        let kind = about.as_ref().and_then(|about| judge::kind(about).ok());
        let identity = about.map(|about| (about.dev(), about.ino()));
        Self { way: way(&file), file, standard_stream: false, kind, identity, regular: None }
    }

    /// A copy of standard output or standard error.
    pub(super) fn standard_stream(fd: OwnedFd) -> Self {
        let file = File::from(fd);
        // A pipe that is opened again has a file description of its own, which can be non-blocking for us alone.
        let again = if is(&file, FileType::is_fifo) { open_pipe_again(&file).ok() } else { None };
        let file = again.unwrap_or(file);
        Self { way: way(&file), file, standard_stream: true, kind: None, identity: None, regular: None }
    }

    pub(super) fn is_standard_stream(&self) -> bool {
        self.standard_stream
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    /// Lines of this format will be written: where it is a regular file they will be whole.
    pub(super) fn expect(&mut self, format: Format) {
        if is(&self.file, FileType::is_file) {
            let regular = if self.standard_stream { Regular::stream(format) } else { Regular::own(&self.file, format) };
            self.regular = Some(regular);
        }
    }

    /// What was opened by its path.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// True where it is what was found at its path.
    pub(super) fn is_at(&self, found: &Metadata) -> bool {
        self.identity == Some((found.dev(), found.ino()))
    }

    /// True for a file that was deleted: nobody will ever read what is written to it.
    pub(super) fn is_deleted(&self) -> bool {
        self.kind == Some(Kind::File) && self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Makes a regular file end where a line can begin.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        match &mut self.regular {
            Some(regular) => regular.prepare(&self.file, self.file.metadata()?.len()),
            None => Ok(()),
        }
    }

    /// True where the rest of a line that was begun would follow what was begun: not in a file that was cut meanwhile, nor
    /// in a pipe whose reader has left with the beginning.
    pub(super) fn can_go_on(&self) -> bool {
        match &self.regular {
            Some(regular) => self.file.metadata().is_ok_and(|about| regular.ends_with_ours(about.len())),
            None => self.way != Way::WholeLines || has_reader(&self.file) || has_unread(&self.file),
        }
    }

    /// True where it can be known, without writing, that it would take lines.
    pub(super) fn has_room(&self) -> bool {
        match self.way {
            Way::AtOnce => self.regular.is_some() && regular::has_room(&self.file),
            Way::WholeLines | Way::WhenReady => has_reader(&self.file),
        }
    }

    /// Writes lines; of a regular file whole ones only, as many as there is room for. As [`Output::write_all`].
    pub(super) fn write_lines(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>) {
        match &mut self.regular {
            Some(regular) => regular.write_lines(&self.file, bytes),
            None => self.write_all(bytes, stop),
        }
    }

    /// Writes the rest of a line that was begun. As [`Output::write_all`].
    pub(super) fn write_rest(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>) {
        let (written, result) = self.write_all(bytes, stop);
        let result = match &mut self.regular {
            Some(regular) => result.and(regular.went_on(&self.file)),
            None => result,
        };
        (written, result)
    }

    /// Writes all bytes, waiting for room until `stop` says otherwise. Also gives how many were written, which may be
    /// some in case of an error.
    fn write_all(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>) {
        let mut written = 0;
        while written < bytes.len() {
            match self.write_some(&bytes[written..], stop) {
                Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if let Err(error) = self.wait_until_ready(stop) {
                        return (written, Err(error));
                    }
                }
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }

    fn write_some(&mut self, bytes: &[u8], stop: &Stop) -> io::Result<usize> {
        match self.way {
            Way::AtOnce => self.file.write(bytes),
            Way::WholeLines => self.file.write(whole_lines(bytes)),
            Way::WhenReady => {
                self.wait_until_ready(stop)?;
                self.file.write(whole_lines(bytes))
            }
        }
    }

    /// Returns when a write would do something: take bytes or fail.
    fn wait_until_ready(&self, stop: &Stop) -> io::Result<()> {
        loop {
            let (wake, timeout_ms) = match stop.deadline() {
                None => (stop.wake.as_raw_fd(), -1),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(io::Error::new(ErrorKind::TimedOut, "its reader was too slow at the end"));
                    }
                    // Rounded up, so as not to spin through the last millisecond. poll(2) ignores a negative descriptor.
                    (-1, i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX))
                }
            };
            if poll(self.file.as_raw_fd(), wake, timeout_ms)? {
                return Ok(());
            }
        }
    }
}

fn is(file: &File, what: impl Fn(&FileType) -> bool) -> bool {
    file.metadata().is_ok_and(|metadata| what(&metadata.file_type()))
}

fn way(file: &File) -> Way {
    let pipe = is(file, FileType::is_fifo);
    let has_reader = pipe || file.is_terminal() || is(file, FileType::is_socket);
    match (has_reader, is_nonblocking(file)) {
        (true, false) => Way::WhenReady,
        (true, true) if pipe => Way::WholeLines,
        (true | false, _) => Way::AtOnce,
    }
}

/// The lines at the beginning of `bytes` that fit into [`READY_BYTES`]; a part of the first one if it does not fit.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let Some(page) = bytes.get(..READY_BYTES) else { return bytes };
    let end = page.iter().rposition(|&byte| byte == b'\n').map_or(READY_BYTES, |newline| newline + 1);
    &bytes[..end]
}

fn open_pipe_again(file: &File) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

fn is_nonblocking(file: &File) -> bool {
    // SAFETY: F_GETFL takes no pointer, and `file` keeps the descriptor open.
    let flags = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) };
    flags != -1 && flags & libc::O_NONBLOCK != 0
}

/// False for a pipe or socket whose other end is closed.
fn has_reader(file: &File) -> bool {
    let mut one = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: one initialised `pollfd` that outlives the call.
    unsafe { libc::poll(&mut one, 1, 0) >= 0 && one.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) == 0 }
}

/// True for a pipe in which something waits for a reader.
fn has_unread(file: &File) -> bool {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes an `int` into a local.
    unsafe { libc::ioctl(file.as_raw_fd(), libc::FIONREAD, &mut bytes) == 0 && bytes > 0 }
}

/// True when `output` can be written (or has failed); false when `wake` hung up, a signal came or the time was over.
fn poll(output: RawFd, wake: RawFd, timeout_ms: i32) -> io::Result<bool> {
    let mut fds = [
        libc::pollfd { fd: output, events: libc::POLLOUT, revents: 0 },
        libc::pollfd { fd: wake, events: 0, revents: 0 },
    ];
    // SAFETY: `fds` is an array of two initialised `pollfd` that outlives the call, which writes only their `revents`.
    let ready = unsafe { libc::poll(fds.as_mut_ptr(), 2, timeout_ms) };
    if ready == -1 {
        let error = io::Error::last_os_error();
        return if error.kind() == ErrorKind::Interrupted { Ok(false) } else { Err(error) };
    }
    Ok(fds[0].revents != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe gets as many whole lines as fit into a page, and a long line a page at a time.
    #[test]
    fn lines_are_kept_whole() {
        let long = [b'x'; READY_BYTES + 1];
        assert_eq!(whole_lines(b"one\ntwo\n"), b"one\ntwo\n");
        assert_eq!(whole_lines(&[b"one\n", &long[..]].concat()), b"one\n");
        assert_eq!(whole_lines(&long).len(), READY_BYTES);
    }
}
