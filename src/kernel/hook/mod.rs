// SPDX-License-Identifier: MIT OR Apache-2.0
//! The half of each hook kind that touches the kernel: one file for each, with the stem that it has in the pure half.
//!
//! What all kinds have is in [`kind`]; what is said of one place, whichever kind hooks it, is in `site`.

mod attachment;
mod call;
mod cgroup;
mod fentry;
mod fexit;
mod function;
mod iter;
mod kind;
mod kprobe;
mod kretprobe;
mod link;
mod list_functions;
mod listing;
mod lsm;
mod on_cpus;
mod perf;
mod perf_event;
mod perf_kprobe;
mod perf_links;
mod perf_uprobe;
mod profile;
mod raw_tracepoint;
mod registry;
mod syscall;
mod tc;
mod tc_filter;
mod tc_netlink;
mod timer;
mod tracepoint;
mod trampoline;
mod trial;
mod uprobe;
mod uretprobe;
mod usdt;
mod user_points;
mod xdp;
mod xdp_native;
mod xdp_network;
mod xdp_occupied;
mod xdp_query;
mod xdp_trial;

pub use listing::{Declared, Signature};
pub use trial::{Outcome, Try};

pub(in crate::kernel) use attachment::{Attachment, Hold, Landed};
pub(in crate::kernel) use call::{breakpoint_of_call, by_breakpoint, mechanism_of_call};
pub(in crate::kernel) use kind::{Exchange, Feature};
pub(in crate::kernel) use link::create as create_link;
pub(in crate::kernel) use listing::{Listing, Prototypes, Source, Unasked};
pub(in crate::kernel) use registry::{KINDS, is_there, missing_capabilities, of};
