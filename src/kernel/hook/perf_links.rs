// SPDX-License-Identifier: MIT OR Apache-2.0
//! What hooks held by a perf event have in common.
//!
//! The runs that the kernel skips, and whether it counts them:
//!
//! | hook | skipped when | counted |
//! |---|---|---|
//! | xdp | never | |
//! | raw_tracepoint | the program is interrupted by itself, since Linux 6.1 (05b24ff9b2cf) | always |
//! | tracepoint, kprobe, kretprobe | any such program runs on that CPU (`trace_call_bpf`) | since 6.7, and in backports of it |
//! | kprobe, kretprobe | another kprobe is being handled; more calls have not returned than there are places for | since 6.7, by the link |
//! | uprobe, uretprobe, usdt | as `trace_call_bpf`, before Linux 6.0; never since (8c7dcb84e3b7) | see there |

use crate::catalog::{Btf, Named, Type, TypeId};
use crate::kernel::host::Host;

/// How a program is held on a perf event of something, and why that way.
pub(super) fn event_of(what: &str, host: &Host) -> (String, String) {
    if host.version() >= (5, 15) {
        let why = "perf event links exist since Linux 5.15";
        (format!("perf event of {what}, held by a link"), why.to_owned())
    } else {
        let why = "this kernel has no perf event links (Linux 5.15); closing the event detaches the program";
        (format!("perf event of {what}"), why.to_owned())
    }
}

/// False where `trace_call_bpf` skips runs and does not count them.
pub(super) fn counts_missed(host: &Host) -> bool {
    host.version() >= (6, 7) || host.btf().is_some_and(links_count)
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

/// False where the kernel knows no programs of type kprobe, which serve uprobes as well.
pub(super) fn has_kprobe_programs(host: &Host) -> bool {
    host.has_kprobes() || host.has_uprobes()
}
