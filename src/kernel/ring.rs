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
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::mapping::Mapping;

const BUSY: u32 = 1 << 31;
const DISCARD: u32 = 1 << 30;
const HEADER_BYTES: u64 = 8;

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
}

impl Ring {
    /// Maps the ring buffer behind `fd`, which was created with `bytes` bytes: a power of two of pages.
    pub(super) fn map(fd: BorrowedFd<'_>, bytes: u32) -> io::Result<Self> {
        // SAFETY: sysconf reads a constant of the system.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let consumer = Mapping::new(fd, page, libc::PROT_READ | libc::PROT_WRITE, 0)?;
        let producer = Mapping::new(fd, page, libc::PROT_READ, page)?;
        let (fd, mask) = (fd.try_clone_to_owned()?, u64::from(bytes) - 1);
        let ring = Self { fd, consumer, producer, data: None, page, mask, position: 0, scratch: Vec::new() };
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
            if header & DISCARD == 0 {
                if !self.hand_out(len, &mut each) {
                    break;
                }
                count += 1;
            }
            self.position += (u64::from(len) + HEADER_BYTES).next_multiple_of(8);
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

    /// False if there is no memory for it; then it is tried again the next time.
    fn map_data(&mut self) -> bool {
        if self.data.is_none() {
            let size = self.mask as usize + 1;
            match Mapping::new(self.fd.as_fd(), size, libc::PROT_READ, 2 * self.page) {
                Ok(data) => self.data = Some(data),
                Err(error) => tracing::warn!("failed to map a ring buffer: {error}"),
            }
        }
        self.data.is_some()
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
        // SAFETY: `start < size` and the kernel keeps `len` within the buffer; a record that is not BUSY is not written
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
        // SAFETY: eventfd returns a new descriptor or -1.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes the next or current [`wait`] return.
    pub fn wake(&self) {
        // SAFETY: eight bytes of a local are written to a descriptor that we own.
        unsafe { libc::write(self.0.as_raw_fd(), ptr::from_ref(&1u64).cast(), 8) };
    }

    fn reset(&self) {
        let mut count = 0u64;
        // SAFETY: eight bytes are read into a local; the descriptor does not block.
        unsafe { libc::read(self.0.as_raw_fd(), ptr::from_mut(&mut count).cast(), 8) };
    }
}

/// Waits until one of the rings has a record, the waker is woken, a signal arrives or the time is up (`None`: never).
///
/// `poll` and not `epoll`: it looks at the ring after it has put itself on the wait queue, so no wake-up can be lost.
pub fn wait<'a>(rings: impl Iterator<Item = &'a Ring>, waker: &Waker, timeout: Option<Duration>) {
    let entry = |fd: i32| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut fds: Vec<libc::pollfd> = vec![entry(waker.0.as_raw_fd())];
    fds.extend(rings.map(|ring| entry(ring.fd.as_raw_fd())));
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `fds` and `timeout` live across the call; no signal mask is changed.
    unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout, ptr::null()) };
    waker.reset();
}
