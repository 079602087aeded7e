// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs that the kernel skips and that a link tells of, or what others share.

use super::mount::Mount;
use crate::kernel::info;

/// Hits of a kprobe or calls of a kretprobe that the kernel had no room for, so far; calls that a shared program was skipped for.
pub(super) fn by_link(mount: &Mount) -> u64 {
    if let Some(seats) = mount.seats() {
        return seats.missed();
    }
    mount.hold.descriptors().into_iter().map(of_link).sum()
}

fn of_link(link: i32) -> u64 {
    let info = info::link(link);
    if let Some(info) = info.filter(|info| info.type_ == libbpf_sys::BPF_LINK_TYPE_KPROBE_MULTI) {
        // SAFETY: the union's member for links of this type; plain data, zeroed where the kernel wrote less.
        return unsafe { info.__bindgen_anon_1.kprobe_multi }.missed;
    }
    let Some(info) = info.filter(|info| info.type_ == libbpf_sys::BPF_LINK_TYPE_PERF_EVENT) else {
        return 0;
    };
    // SAFETY: the union's member for links of perf events, which this is; plain data, zeroed where the kernel wrote less.
    let event = unsafe { info.__bindgen_anon_1.perf_event };
    if matches!(event.type_, libbpf_sys::BPF_PERF_EVENT_KPROBE | libbpf_sys::BPF_PERF_EVENT_KRETPROBE) {
        // SAFETY: the union's member for these types; as above.
        unsafe { event.__bindgen_anon_1.kprobe }.missed
    } else {
        0
    }
}
