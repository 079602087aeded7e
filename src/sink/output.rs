// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file descriptor and how to write to it without waiting longer than wanted.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::time::Instant;

use super::queue::Stop;

/// An open destination.
pub(super) struct Output {
    file: File,
    way: Way,
    standard_stream: bool,
    identity: Option<(u64, u64)>,
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
        let metadata = file.metadata().ok().filter(fs::Metadata::is_file);
        let identity = metadata.map(|metadata| (metadata.dev(), metadata.ino()));
        Self { way: way(&file), file, standard_stream: false, identity }
    }

    /// A copy of standard output or standard error.
    pub(super) fn standard_stream(fd: OwnedFd) -> Self {
        let file = File::from(fd);
        // A pipe that is opened again has a file description of its own, which can be non-blocking for us alone.
        let again = if is(&file, FileType::is_fifo) { open_pipe_again(&file).ok() } else { None };
        let file = again.unwrap_or(file);
        Self { way: way(&file), file, standard_stream: true, identity: None }
    }

    pub(super) fn is_standard_stream(&self) -> bool {
        self.standard_stream
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    /// Device and inode of a regular file that was opened by its path; `None` for anything else.
    pub(super) fn identity(&self) -> Option<(u64, u64)> {
        self.identity
    }

    /// True for a file that was deleted: nobody will ever read what is written to it.
    pub(super) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// True for a regular file whose last line has no end: whoever wrote it was killed.
    pub(super) fn ends_torn(&self) -> bool {
        let last_byte = || {
            let metadata = self.file.metadata().ok()?;
            let last = metadata.is_file().then_some(metadata.len())?.checked_sub(1)?;
            let mut byte = [0];
            self.file.read_exact_at(&mut byte, last).ok()?;
            Some(byte)
        };
        last_byte().is_some_and(|byte| byte != *b"\n")
    }

    /// Writes all bytes, waiting for room until `stop` says otherwise. Also gives how many were written, which may be
    /// some in case of an error.
    pub(super) fn write_all(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>) {
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
