// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has begun and not ended: counted, and given up where it is too old or its thread is gone.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use libbpf_rs::{MapCore as _, MapFlags, MapHandle};

use crate::kernel::host::monotonic_ns;
use crate::spec::OpenSpanSlot;

/// What began less than this ago is not looked at: it is most of what there is, and ends by itself.
const YOUNG: Duration = Duration::from_secs(1);

/// The shortest time between two looks.
const OFTEN: Duration = Duration::from_millis(10);

/// The map of what has begun.
pub struct OpenSpans {
    map: MapHandle,
    /// After which time one is given up.
    expire: Option<Duration>,
    /// Whether the end of its thread, or process, is the end of hope.
    dies_with: DiesWith,
    /// How many were.
    expired: AtomicU64,
    /// Nothing is given up any more: another one does that now.
    closed: Mutex<bool>,
}

/// Without whom a span never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiesWith {
    /// Nobody knows: what one thread begins another one may end.
    Nobody,
    /// The thread that began it.
    Thread,
    /// Its process.
    Process,
}

impl OpenSpans {
    /// The spans in a map.
    pub(in crate::kernel) fn new(map: MapHandle, expire: Option<Duration>, dies_with: DiesWith) -> Self {
        Self { map, expire, dies_with, expired: AtomicU64::new(0), closed: Mutex::new(false) }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.map.keys().count() as u64
    }

    /// How often to look for what is to be given up; `None`: nothing ever is.
    pub fn look_every(&self) -> Option<Duration> {
        let by_age = self.expire.map(|expire| (expire / 4).clamp(OFTEN, YOUNG));
        by_age.or((self.dies_with != DiesWith::Nobody).then_some(YOUNG))
    }

    /// How many were given up so far.
    pub fn expired(&self) -> u64 {
        self.expired.load(Ordering::Acquire)
    }

    /// From now on the count of what was given up is final.
    pub fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Gives up what is too old, or will never end.
    pub fn expire(&self) {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return;
        }
        let now = monotonic_ns();
        let keys: Vec<Vec<u8>> = self.map.keys().collect();
        let over = keys.iter().filter(|key| self.is_over(key, now) && self.map.delete(key).is_ok());
        self.expired.fetch_add(over.count() as u64, Ordering::Release);
    }

    fn is_over(&self, key: &[u8], now: u64) -> bool {
        let Ok(Some(value)) = self.map.lookup(key, MapFlags::ANY) else { return false };
        let number =
            |at: u32| value.get(at as usize..).and_then(|bytes| bytes.first_chunk().copied()).map(u64::from_ne_bytes);
        let Some(began) = number(OpenSpanSlot::TIME).filter(|began| *began > 0) else { return false };
        let age = Duration::from_nanos(now.saturating_sub(began));
        if self.expire.is_some_and(|expire| age >= expire) {
            return true;
        }
        if age < YOUNG || self.dies_with == DiesWith::Nobody {
            return false;
        }
        let Some(pid_tgid) = number(OpenSpanSlot::TID) else { return false };
        let (pid, tid) = ((pid_tgid >> 32) as i32, pid_tgid as u32 as i32);
        pid > 0 && self.has_ended(pid, tid)
    }

    fn has_ended(&self, pid: i32, tid: i32) -> bool {
        let tid = if self.dies_with == DiesWith::Process { pid } else { tid };
        // SAFETY: takes three numbers; signal 0 is none, it only asks whether the thread is there.
        let code = unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, 0) };
        code < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
    }
}
