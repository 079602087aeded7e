// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the kernel's time since boot to wall time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::kernel::{boot_ns, boot_shift_ns, monotonic_ns};

/// How often the difference between the two clocks is measured again.
const REMEASURE: Duration = Duration::from_secs(1);
/// A smaller change is noise of the measurement: adopting it would let times run backwards.
const TOLERANCE_NS: u64 = 100_000;

/// How many readings of both clocks are taken at most; the shortest one counts.
const READINGS: usize = 4;

/// Converts CLOCK_BOOTTIME, which `bpf_ktime_get_boot_ns` reads, to nanoseconds since 1970.
pub(in crate::runner) struct Clock {
    /// Of this process's time namespace.
    shift_ns: i64,
    offset_ns: u64,
    /// The same for CLOCK_MONOTONIC, which stands while the machine is suspended.
    monotonic_ns: u64,
    measured: Instant,
}

impl Clock {
    pub(in crate::runner) fn new() -> Self {
        let shift_ns = boot_shift_ns();
        let boot = || boot_ns().wrapping_sub(shift_ns.cast_unsigned());
        let (offset_ns, monotonic_ns) = (measure(boot), measure(monotonic_ns));
        Self { shift_ns, offset_ns, monotonic_ns, measured: Instant::now() }
    }

    /// To be called now and then: follows steps of the wall clock.
    pub(in crate::runner) fn refresh(&mut self) {
        if self.measured.elapsed() < REMEASURE {
            return;
        }
        let shift_ns = self.shift_ns.cast_unsigned();
        follow(&mut self.offset_ns, measure(|| boot_ns().wrapping_sub(shift_ns)));
        follow(&mut self.monotonic_ns, measure(monotonic_ns));
        self.measured = Instant::now();
    }

    /// The wall time of a moment after boot.
    pub(in crate::runner) fn unix_ns(&self, boot_ns: u64) -> u64 {
        boot_ns.wrapping_add(self.offset_ns)
    }

    /// The same of a time of CLOCK_MONOTONIC: right for times since the machine was last suspended.
    pub(in crate::runner) fn unix_ns_of_monotonic(&self, monotonic_ns: u64) -> u64 {
        monotonic_ns.wrapping_add(self.monotonic_ns)
    }
}

fn follow(offset_ns: &mut u64, measured_ns: u64) {
    if measured_ns.abs_diff(*offset_ns) > TOLERANCE_NS {
        *offset_ns = measured_ns;
    }
}

/// The wall time now.
pub(in crate::runner) fn now_unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Wall time minus that of another clock, which is read between two readings of the wall clock.
fn measure(other: impl Fn() -> u64) -> u64 {
    let (mut offset, mut shortest) = (0, u64::MAX);
    for _ in 0..READINGS {
        let before = now_unix_ns();
        let there = other();
        let after = now_unix_ns();
        let took = after.abs_diff(before);
        if took < shortest {
            (offset, shortest) = ((before / 2 + after / 2).wrapping_sub(there), took);
        }
        // Not interrupted, nor was the wall clock set.
        if took < TOLERANCE_NS / 10 {
            break;
        }
    }
    offset
}
