// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs that the kernel skips, and whether it counts them.
//!
//! | hook | skipped when | counted |
//! |---|---|---|
//! | xdp | never | |
//! | raw_tracepoint | the program is interrupted by itself, since Linux 6.1 (05b24ff9b2cf) | always |
//! | tracepoint, kprobe, kretprobe | any such program runs on that CPU (`trace_call_bpf`) | since 6.7, and in backports of it |
//! | kprobe, kretprobe | another kprobe is being handled; more calls have not returned than there are places for | since 6.7, by the link |
//! | uprobe, uretprobe | as `trace_call_bpf`, before Linux 6.0; never since (8c7dcb84e3b7) | see there |

use super::{Mount, info};
use crate::catalog::{Btf, Named, Type, TypeId};
use crate::kernel::host::Host;
use crate::spec::HookKind;

/// False where the kernel skips runs at this kind of hook, and nobody knows how many.
pub(super) fn are_counted(kind: HookKind, host: &Host) -> bool {
    match kind {
        HookKind::Xdp | HookKind::RawTracepoint => true,
        HookKind::Uprobe | HookKind::Uretprobe if host.version() >= (6, 0) => true,
        HookKind::Kprobe | HookKind::Kretprobe | HookKind::Tracepoint | HookKind::Uprobe | HookKind::Uretprobe => {
            host.version() >= (6, 7) || host.btf().is_some_and(links_count)
        }
    }
}

/// True where links of kprobes say what was missed: that came with the counting, and both have been backported.
fn links_count(btf: &Btf) -> bool {
    btf.find(Named::Composite, "bpf_link_info").is_some_and(|info| has_member(btf, info, "missed", 6))
}

/// Looks into structs within structs, so deep.
fn has_member(btf: &Btf, id: TypeId, name: &str, depth: u32) -> bool {
    let (_, Type::Composite { members, .. }) = btf.resolve(id) else { return false };
    let inside = |ty| depth > 0 && has_member(btf, ty, name, depth - 1);
    members.iter().any(|member| member.name == name || inside(member.ty))
}

/// Hits of a kprobe or calls of a kretprobe that the kernel had no room for, so far.
pub(super) fn by_link(mount: &Mount) -> u64 {
    let Some(info) =
        info::link(mount.hold.descriptor()).filter(|info| info.type_ == libbpf_sys::BPF_LINK_TYPE_PERF_EVENT)
    else {
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
