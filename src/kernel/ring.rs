// SPDX-License-Identifier: MIT OR Apache-2.0
//! The consumer's side of a BPF ring buffer, read in place.
//!
//! ```text
//! page 0           consumer position (written here)
//! page 1           producer position (written by the kernel)
//! page 2 …         data, mapped while there is some: records of { len:u32 | BUSY | DISCARD, pgoff:u32, bytes… }, each padded to 8 bytes
//! ```
//!
//! Layout and ordering: `kernel/bpf/ringbuf.c`. libbpf maps the data twice, so that a record never wraps, and publishes
//! its position after every record. Here it is mapped once (half the resident memory; the rare record that wraps is
//! copied) and the position is published once a batch: the kernel wakes the reader only for a record that it writes just
//! where the reader says it stands, so a batch costs one wake-up at most.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd};
use rustix::io::Errno;
use rustix::mm::ProtFlags;

use super::info::map_entries;
use super::mapping::{Mapping, page_bytes};

const BUSY: u32 = 1 << 31;
const DISCARD: u32 = 1 << 30;
const HEADER_BYTES: u64 = 8;

/// How long until it is tried again to map data that there was no memory for, or to wait where the kernel refused to.
const RETRY: Duration = Duration::from_millis(100);

/// A mapped ring buffer with one consumer: this one.
pub struct Ring {
    fd: OwnedFd,
    consumer: Mapping,
    producer: Mapping,
    /// Mapped as long as there is something to read: all of it counts as resident memory at once.
    data: Option<Mapping>,
    page: usize,
    mask: u64,
    /// Up to where records were handed out.
    position: u64,
    /// A record that wraps around the end is put together here.
    scratch: Vec<u8>,
    trouble: Option<Trouble>,
}

/// Why nothing can be read.
enum Trouble {
    /// There was no memory to map the data; it is tried again then.
    NoMemory { again_at: Instant },
    /// What stands where a record should begin is none: nobody knows where the next one does.
    Broken,
}

impl Ring {
    /// Maps the ring buffer behind `fd`, as large as the kernel made it: libbpf rounds the size that was asked for up to a power
    /// of two of pages. Its data is mapped once to see that it can be.
    pub(super) fn map(fd: BorrowedFd<'_>) -> io::Result<Self> {
        Self::map_bytes(fd, map_entries(fd)?)
    }

    fn map_bytes(fd: BorrowedFd<'_>, bytes: u32) -> io::Result<Self> {
        let page = page_bytes();
        let consumer = Mapping::new(fd, page, ProtFlags::READ | ProtFlags::WRITE, 0)?;
        let producer = Mapping::new(fd, page, ProtFlags::READ, page)?;
        drop(Mapping::new(fd, bytes as usize, ProtFlags::READ, 2 * page)?);
        let (fd, mask) = (fd.try_clone_to_owned()?, u64::from(bytes) - 1);
        let (data, scratch, trouble) = (None, Vec::new(), None);
        let ring = Self { fd, consumer, producer, data, page, mask, position: 0, scratch, trouble };
        Ok(Self { position: ring.consumer_position().load(Ordering::Relaxed), ..ring })
    }

    /// Hands out the records that are complete, oldest first, until `each` returns false or none is left. Returns how
    /// many were handed out. Their room is given back once an eighth of the buffer was read, and at the end.
    pub fn consume(&mut self, mut each: impl FnMut(&[u8]) -> bool) -> usize {
        let mut count = 0;
        let mut published = self.position;
        let produced = self.producer_position().load(Ordering::Acquire);
        if self.position == produced || !self.map_data() {
            return 0;
        }
        while self.position < produced {
            let header = self.header(self.position).load(Ordering::Acquire);
            if header & BUSY != 0 {
                break;
            }
            let len = header & !DISCARD;
            let next = self.position + (u64::from(len) + HEADER_BYTES).next_multiple_of(8);
            if next > produced {
                tracing::error!(len, "a ring buffer contains an invalid record: it is not read any further");
                self.trouble = Some(Trouble::Broken);
                break;
            }
            if header & DISCARD == 0 {
                if !self.hand_out(len, &mut each) {
                    break;
                }
                count += 1;
            }
            self.position = next;
            if self.position - published > self.mask / 8 {
                self.publish();
                published = self.position;
            }
        }
        if self.position != published {
            self.publish();
        }
        count
    }

    /// False if there is no memory for it: that is said once, and tried again some time later.
    fn map_data(&mut self) -> bool {
        match self.trouble {
            Some(Trouble::Broken) => return false,
            Some(Trouble::NoMemory { again_at }) if Instant::now() < again_at => return false,
            Some(Trouble::NoMemory { .. }) | None => {}
        }
        if self.data.is_none() {
            match Mapping::new(self.fd.as_fd(), self.mask as usize + 1, ProtFlags::READ, 2 * self.page) {
                Ok(data) => self.data = Some(data),
                Err(error) => {
                    if self.trouble.is_none() {
                        let bytes = self.size_bytes();
                        tracing::warn!(
                            "failed to map a ring buffer of {bytes} bytes: {error}; its events wait until that \
                             succeeds"
                        );
                    }
                    self.trouble = Some(Trouble::NoMemory { again_at: Instant::now() + RETRY });
                    return false;
                }
            }
        }
        self.trouble = None;
        true
    }

    /// How long nobody needs to wait for it, since it cannot be read; `None` if it can.
    pub fn unreadable_for(&self) -> Option<Duration> {
        match self.trouble.as_ref()? {
            Trouble::NoMemory { again_at } => Some(again_at.saturating_duration_since(Instant::now())),
            Trouble::Broken => Some(Duration::MAX),
        }
    }

    /// True while its data counts as memory of this process.
    pub fn is_mapped(&self) -> bool {
        self.data.is_some()
    }

    /// Gives the memory of an empty ring back until there is something to read again.
    pub fn relax(&mut self) {
        if self.is_empty() {
            self.data = None;
        }
    }

    /// True when everything that was reserved has been handed out.
    pub fn is_empty(&self) -> bool {
        self.position == self.producer_position().load(Ordering::Acquire)
    }

    /// Bytes of the buffer.
    pub fn size_bytes(&self) -> u64 {
        self.mask + 1
    }

    /// Bytes that were reserved and not handed out yet.
    pub fn pending_bytes(&self) -> u64 {
        self.producer_position().load(Ordering::Acquire) - self.position
    }

    fn hand_out(&mut self, len: u32, each: &mut impl FnMut(&[u8]) -> bool) -> bool {
        let start = (self.position + HEADER_BYTES) & self.mask;
        let (len, before_end) = (len as usize, (self.mask + 1 - start) as usize);
        // SAFETY: `start < size`, and `len` is at most what was produced and not consumed yet, which the buffer holds; a record that is not BUSY is not written
        // again before the consumer position passes it, which happens after `each` returns.
        let first = unsafe { std::slice::from_raw_parts(self.data(start), len.min(before_end)) };
        if len <= before_end {
            return each(first);
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(first);
        // SAFETY: as above; the rest of the record begins at the start of the data.
        let rest = unsafe { std::slice::from_raw_parts(self.data(0), len - before_end) };
        self.scratch.extend_from_slice(rest);
        each(&self.scratch)
    }

    fn publish(&self) {
        self.consumer_position().store(self.position, Ordering::Release);
    }

    fn consumer_position(&self) -> &AtomicU64 {
        // SAFETY: the mapping begins with the position, is page-aligned and lives as long as `self`.
        unsafe { self.consumer.start().cast().as_ref() }
    }

    fn producer_position(&self) -> &AtomicU64 {
        // SAFETY: as above.
        unsafe { self.producer.start().cast().as_ref() }
    }

    /// The first word of a record's header; headers are 8-byte aligned and do not wrap.
    fn header(&self, position: u64) -> &AtomicU32 {
        // SAFETY: the masked position lies inside the data.
        unsafe { &*self.data(position & self.mask).cast::<AtomicU32>() }
    }

    fn data(&self, offset: u64) -> *const u8 {
        let start = self.data.as_ref().map_or(ptr::null(), |data| data.start().as_ptr().cast::<u8>().cast_const());
        debug_assert!(!start.is_null(), "consume() maps the data first");
        // SAFETY: callers pass offsets below the size of the mapping, which `consume` has made.
        unsafe { start.add(offset as usize) }
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Wakes a reader that waits: an eventfd.
pub struct Waker(OwnedFd);

impl Waker {
    /// A new one, not woken.
    pub fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes the next or current [`wait`] return.
    pub fn wake(&self) {
        // It is full, and so awake, if this fails.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    fn reset(&self) {
        // It was not woken if this fails.
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }
}

/// Waits until one of the rings has a record, the waker is woken, a signal arrives or the time is up (`None`: never). Rings
/// that cannot be read are waited for until they are to be tried again.
///
/// `poll` and not `epoll`: it looks at the ring after it has put itself on the wait queue, so no wake-up can be lost.
pub fn wait<'a>(rings: impl Iterator<Item = &'a Ring>, waker: &Waker, timeout: Option<Duration>) {
    let mut fds = vec![PollFd::new(&waker.0, PollFlags::IN)];
    let mut timeout = timeout;
    for ring in rings {
        match ring.unreadable_for() {
            // The kernel would call it readable at once.
            Some(time) => timeout = Some(timeout.map_or(time, |timeout| timeout.min(time))),
            None => fds.push(PollFd::new(&ring.fd, PollFlags::IN)),
        }
    }
    if !poll(&mut fds, timeout) {
        // More descriptors than the limit that somebody set meanwhile, or no memory: look again soon, but not all the time.
        thread::sleep(timeout.map_or(RETRY, |timeout| timeout.min(RETRY)));
    }
    waker.reset();
}

/// False if the kernel cannot wait for these.
fn poll(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> bool {
    let broken = PollFlags::ERR | PollFlags::NVAL | PollFlags::HUP;
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let result = rustix::event::poll(fds, timeout.as_ref());
    matches!(result, Ok(_) | Err(Errno::INTR)) && !fds.iter().any(|fd| fd.revents().intersects(broken))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    /// A file with the form of a ring buffer of so many pages.
    fn file(pages: u64) -> File {
        let file = File::from(rustix::fs::memfd_create("ring", rustix::fs::MemfdFlags::empty()).unwrap());
        file.set_len((2 + pages) * page_bytes() as u64).unwrap();
        file
    }

    fn map(file: &File) -> Ring {
        let bytes = file.metadata().unwrap().len() - 2 * page_bytes() as u64;
        Ring::map_bytes(file.as_fd(), bytes as u32).unwrap()
    }

    fn produced(file: &File, position: u64) {
        file.write_all_at(&position.to_ne_bytes(), page_bytes() as u64).unwrap();
    }

    /// Writes the header of a record at a place of the data.
    fn header(file: &File, at: u64, len: u32) {
        file.write_all_at(&len.to_ne_bytes(), 2 * page_bytes() as u64 + at).unwrap();
    }

    fn lengths(ring: &mut Ring) -> Vec<usize> {
        let mut lengths = Vec::new();
        ring.consume(|record| {
            lengths.push(record.len());
            true
        });
        lengths
    }

    /// Records are handed out by their lengths, also the one that wraps around the end; discarded ones are not.
    #[test]
    fn records() {
        let file = file(1);
        let mut ring = map(&file);
        let size = page_bytes() as u64;
        let rest = size as u32 - 16 - 24 - 24;
        for (at, len) in [(0, 8), (16, DISCARD | 16), (40, rest), (size - 16, 24)] {
            header(&file, at, len);
        }
        produced(&file, 40);
        assert_eq!(lengths(&mut ring), [8]);
        produced(&file, size + 16);
        assert_eq!(lengths(&mut ring), [rest as usize, 24]);
        assert!(ring.is_empty() && ring.unreadable_for().is_none());
    }

    /// A header that says more bytes than there are ends the reading: no panic, no read after the end, no endless loop.
    #[test]
    fn a_header_that_is_none() {
        for len in [9, 4096, DISCARD | 4096, u32::MAX >> 2, DISCARD | u32::MAX >> 2] {
            let file = file(1);
            let mut ring = map(&file);
            header(&file, 0, 8);
            header(&file, 16, len);
            produced(&file, 32);
            assert_eq!(lengths(&mut ring), [8], "{len:x}");
            assert_eq!(ring.unreadable_for(), Some(Duration::MAX));
            assert_eq!((lengths(&mut ring), ring.is_empty()), (vec![], false));
        }
    }

    /// Data that cannot be mapped is tried again after a while, and waiting for it does not spin.
    #[test]
    fn no_memory() {
        let file = file(1);
        let mut ring = map(&file);
        header(&file, 0, 8);
        produced(&file, 16);
        // A mapping may not begin between two pages.
        let page = std::mem::replace(&mut ring.page, 1);
        assert_eq!(lengths(&mut ring), [0; 0]);
        let (waker, start) = (Waker::new().unwrap(), Instant::now());
        wait([&ring].into_iter(), &waker, None);
        assert!(start.elapsed() >= RETRY / 2);
        ring.page = page;
        let mut read = Vec::new();
        while read.is_empty() && start.elapsed() < Duration::from_secs(10) {
            read = lengths(&mut ring);
        }
        assert_eq!(read, [8]);
        assert!(ring.unreadable_for().is_none());
    }

    /// Where the kernel cannot wait for a descriptor, the wait takes its time all the same.
    #[test]
    fn a_wait_that_is_refused() {
        // SAFETY: nobody has opened a descriptor of this number, and nothing is done with it but to wait.
        let none = unsafe { BorrowedFd::borrow_raw(1 << 20) };
        let mut fds = [PollFd::from_borrowed_fd(none, PollFlags::IN)];
        assert!(!poll(&mut fds, Some(Duration::from_secs(10))));
    }
}
