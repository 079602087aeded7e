// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets in the kernel: what their entries are as keys of a [`SetMap`](super::SetMap), and the set that the kernel keeps itself.

mod descendants;
mod keys;

pub use descendants::Descendants;
pub use keys::{exact_networks, set_keys};
