// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel tells of the XDP of an interface.

use std::mem;

/// `include/uapi/linux/netdev.h`
pub(super) const NETDEV_XDP_ACT_BASIC: u64 = 1 << 0;
pub(super) const NETDEV_XDP_ACT_HW_OFFLOAD: u64 = 1 << 4;

/// The programs on it, and what its driver can do; `None` where it is not there.
pub(super) fn query(index: u32) -> Option<libbpf_sys::bpf_xdp_query_opts> {
    let mut query = libbpf_sys::bpf_xdp_query_opts {
        sz: mem::size_of::<libbpf_sys::bpf_xdp_query_opts>() as libbpf_sys::size_t,
        ..Default::default()
    };
    // SAFETY: `query` is plain data with its size set; libbpf fills it.
    (unsafe { libbpf_sys::bpf_xdp_query(index as i32, 0, &mut query) } == 0).then_some(query)
}
