// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has begun and not ended: counted, and given up where it is too old or its thread is gone.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use libbpf_rs::{MapCore as _, MapFlags, MapHandle};

use crate::kernel::host::monotonic_ns;
use crate::spec::OpenSpanSlot;

/// What began less than this ago is not looked at: it is most of what there is, and ends by itself.
const YOUNG: Duration = Duration::from_secs(1);

/// The map of what has begun.
pub struct OpenSpans {
    map: MapHandle,
    /// After which time one is given up.
    expire: Option<Duration>,
    /// Whether the end of its thread, or process, is the end of hope.
    dies_with: DiesWith,
}

/// Without whom a span never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernel) enum DiesWith {
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
        Self { map, expire, dies_with }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.map.keys().count() as u64
    }

    /// True where some may have to be given up.
    pub fn can_expire(&self) -> bool {
        self.expire.is_some() || self.dies_with != DiesWith::Nobody
    }

    /// Gives up what is too old, or will never end; gives how many these are.
    pub fn expire(&self) -> u64 {
        let now = monotonic_ns();
        let keys: Vec<Vec<u8>> = self.map.keys().collect();
        keys.iter().filter(|key| self.is_over(key, now) && self.map.delete(key).is_ok()).count() as u64
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

    /// The descriptor of the map.
    pub fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.map.as_fd()
    }
}
