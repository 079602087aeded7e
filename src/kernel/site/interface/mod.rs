// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network interfaces: all their names, what their packets begin with, and when they come and go.

mod expand;
mod link_layer;
mod missing;
mod names;
mod netdev;
mod netlink;
mod watch;

pub use link_layer::LinkLayer;
pub use watch::InterfaceWatch;

pub(in crate::kernel) use expand::named;
pub(in crate::kernel) use link_layer::link_layer;
pub(in crate::kernel) use missing::missing_interface;
pub(in crate::kernel) use names::first_of;
pub(in crate::kernel) use netdev::Netdev;
pub(in crate::kernel) use netlink::{LinkRequest, attribute, attributes, open as open_netlink, text};
