// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file descriptor and how to write to it without waiting longer than wanted.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _, PipeReader, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use crate::sink::queue::Stop;
use crate::sink::regular::{self, Regular};
use crate::spec::Format;

/// An open file, whatever it is.
pub(super) struct Descriptor {
    file: File,
    way: Way,
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

impl Descriptor {
    /// Of a file that is ours alone, with `O_NONBLOCK` where it has a reader.
    pub(super) fn new(file: File) -> Self {
        Self { way: way(&file), file, regular: None }
    }

    /// Of one that may be shared with others.
    pub(super) fn shared(fd: OwnedFd) -> Self {
        let file = File::from(fd);
        // A pipe that is opened again has a file description of its own, which can be non-blocking for us alone.
        let again = if is(&file, FileType::is_fifo) { open_pipe_again(&file).ok() } else { None };
        Self::new(again.unwrap_or(file))
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    /// Lines of this format will be written to a file that was opened by us: where it is a regular one they will be whole.
    pub(super) fn expect_own(&mut self, format: Format) {
        if is(&self.file, FileType::is_file) {
            self.regular = Some(Regular::own(&self.file, format));
        }
    }

    /// The same for one that others opened.
    pub(super) fn expect_shared(&mut self, format: Format) {
        if is(&self.file, FileType::is_file) {
            self.regular = Some(Regular::stream(format));
        }
    }

    /// True for a file that no directory has any more.
    pub(super) fn has_no_name(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
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

    /// Writes lines; of a regular file whole ones only, as many as there is room for. As [`Descriptor::write_all`].
    pub(super) fn write_lines(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>) {
        match &mut self.regular {
            Some(regular) => regular.write_lines(&self.file, bytes),
            None => self.write_all(bytes, stop),
        }
    }

    /// Writes the rest of a line that was begun. As [`Descriptor::write_all`].
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
            let (wake, patience) = match stop.deadline() {
                None => (Some(&stop.wake), None),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(io::Error::new(ErrorKind::TimedOut, "its reader was too slow at the end"));
                    }
                    (None, Some(left))
                }
            };
            if is_ready(&self.file, wake, patience)? {
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
    OpenOptions::new().write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

fn is_nonblocking(file: &File) -> bool {
    rustix::fs::fcntl_getfl(file).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))
}

/// False for a pipe or socket whose other end is closed.
fn has_reader(file: &File) -> bool {
    let mut one = [PollFd::new(file, PollFlags::OUT)];
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    poll(&mut one, Some(&Timespec::default())).is_ok() && !one[0].revents().intersects(gone)
}

/// True for a pipe in which something waits for a reader.
fn has_unread(file: &File) -> bool {
    rustix::io::ioctl_fionread(file).is_ok_and(|bytes| bytes > 0)
}

/// True when `output` can be written (or has failed); false when `wake` hung up, a signal came or `patience` was over.
fn is_ready(output: &File, wake: Option<&PipeReader>, patience: Option<Duration>) -> io::Result<bool> {
    // One that does not end is as good as none.
    let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
    let mut fds = vec![PollFd::new(output, PollFlags::OUT)];
    fds.extend(wake.map(|wake| PollFd::new(wake, PollFlags::empty())));
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) => Ok(!fds[0].revents().is_empty()),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
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
