// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths: from `sk->__sk_common.skc_dport as port` to the place that it names.
//!
//! ```text
//! (sk as struct tcp_sock)->srtt_us     (hook: kprobe tcp_connect)
//!   sk                     names     argument 0, struct sock *
//!   as struct tcp_sock     retype    the same register, struct tcp_sock *
//!   ->srtt_us              member    follow it; offset 1684
//! Place { source: Argument(0), hops: [], offset: 1684, in_memory: true }
//! ```

mod element;
mod member;
mod names;
mod narrow;
mod parts;
mod place;
mod reached;
mod retype;
mod walk;

pub use names::Names;
pub(super) use parts::Composite;
pub(super) use place::{Place, Ty};
pub(super) use reached::Reached;
pub(in crate::expr) use walk::not_too_far;
pub use walk::{first_name, is_path};
