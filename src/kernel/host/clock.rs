// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far this process's CLOCK_BOOTTIME is from the one that programs read: `bpf/internal/clock.bpf.c`.

use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::Path;

use libbpf_rs::{MapCore as _, MapFlags, Object, ObjectBuilder};
use rustix::time::{ClockId, clock_gettime};

use crate::catalog::internal_object;

/// The time namespace that the machine boots with (`PROC_TIME_INIT_INO` of `include/linux/proc_ns.h`).
const FIRST_NAMESPACE: &str = "time:[4026531834]";
/// Of so many readings the one that took the shortest counts: nothing came in between.
const READINGS: usize = 8;
/// A frame that BPF_PROG_TEST_RUN takes: no shorter one.
const FRAME: [u8; 14] = [0; 14];

/// CLOCK_BOOTTIME of this process minus that of the kernel, in nanoseconds: the offset of its time namespace (Linux 5.6), which
/// never changes while it runs. 0 where that cannot be found out, with a warning.
pub fn boot_shift_ns() -> i64 {
    // Absent on a kernel without time namespaces, and where /proc is not mounted: then only the clocks can tell.
    match fs::read_link("/proc/self/ns/time") {
        Ok(namespace) if namespace == Path::new(FIRST_NAMESPACE) => return 0,
        Err(_) if fs::exists("/proc/self/ns").unwrap_or(false) => return 0,
        Ok(_) | Err(_) => {}
    }
    measure().unwrap_or_else(|error| {
        tracing::warn!("failed to read the kernel's clock, times may be those of another time namespace: {error}");
        0
    })
}

/// CLOCK_BOOTTIME as this process reads it, in nanoseconds.
pub fn boot_ns() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// CLOCK_MONOTONIC as this process reads it, in nanoseconds.
pub fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn measure() -> Result<i64, String> {
    let bytes = internal_object("clock").ok_or("this build has no program for it")?;
    let mut builder = ObjectBuilder::default();
    let object = builder.open_memory(bytes).and_then(libbpf_rs::OpenObject::load);
    let object = object.map_err(|error| format!("{error:#}"))?;
    let mut best: Option<(u64, i64)> = None;
    for _ in 0..READINGS {
        let before = boot_ns();
        let kernel = read_kernel(&object)?;
        let after = boot_ns();
        let took = after.saturating_sub(before);
        if best.is_none_or(|(shortest, _)| took < shortest) {
            best = Some((took, (before + took / 2).wrapping_sub(kernel).cast_signed()));
        }
    }
    Ok(best.map_or(0, |(_, shift)| shift))
}

/// Runs the program; gives the kernel's time since boot.
fn read_kernel(object: &Object) -> Result<u64, String> {
    let program = object.progs().next().ok_or("it has no program")?;
    let mut options = libbpf_sys::bpf_test_run_opts {
        sz: size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
        data_in: FRAME.as_ptr().cast(),
        data_size_in: FRAME.len() as u32,
        ..Default::default()
    };
    // SAFETY: the options and the frame live across the call; the descriptor is of a loaded program.
    let code = unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_fd().as_raw_fd(), &mut options) };
    if code < 0 {
        return Err(std::io::Error::from_raw_os_error(-code).to_string());
    }
    let map = object.maps().find(|map| map.name().to_string_lossy().ends_with(".bss")).ok_or("it has no result")?;
    let value = map.lookup(&0u32.to_ne_bytes(), MapFlags::ANY).map_err(|error| format!("{error:#}"))?;
    let value = value.and_then(|bytes| bytes.first_chunk().copied()).ok_or("it has no result")?;
    Ok(u64::from_ne_bytes(value))
}
