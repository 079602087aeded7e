// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the kernel's time since boot to wall time.

use std::mem::MaybeUninit;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the difference between the two clocks is measured again.
const REMEASURE: Duration = Duration::from_secs(1);
/// A smaller change is noise of the measurement: adopting it would let times run backwards.
const TOLERANCE_NS: u64 = 100_000;

/// Converts CLOCK_BOOTTIME, which `bpf_ktime_get_boot_ns` reads, to nanoseconds since 1970.
pub(super) struct Clock {
    offset_ns: u64,
    measured: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { offset_ns: measure(), measured: Instant::now() }
    }

    /// To be called now and then: follows steps of the wall clock.
    pub(super) fn refresh(&mut self) {
        if self.measured.elapsed() < REMEASURE {
            return;
        }
        let offset_ns = measure();
        if offset_ns.abs_diff(self.offset_ns) > TOLERANCE_NS {
            self.offset_ns = offset_ns;
        }
        self.measured = Instant::now();
    }

    /// The wall time of a moment after boot.
    pub(super) fn unix_ns(&self, boot_ns: u64) -> u64 {
        boot_ns.wrapping_add(self.offset_ns)
    }
}

/// The wall time now.
pub(super) fn now_unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Wall time minus time since boot. The boot clock is read between two readings of the wall clock.
fn measure() -> u64 {
    let before = now_unix_ns();
    let boot = boot_ns();
    let after = now_unix_ns();
    (before / 2 + after / 2).wrapping_sub(boot)
}

fn boot_ns() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: `time` is valid for writing; the clock exists since Linux 2.6.39.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, time.as_mut_ptr()) };
    // SAFETY: plain integers, zeroed and then filled by the call.
    let time = unsafe { time.assume_init() };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
