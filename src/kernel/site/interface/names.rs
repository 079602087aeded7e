// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interfaces of this network namespace by their names.

use rustix::net::netdevice::name_to_index;

use super::missing::missing_interface;
use super::netdev::{Netdev, datagram_socket};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::kernel::site::targets::none_of;
use crate::spec::Place;

impl Host {
    /// The names of the network interfaces of this network namespace (sysfs may show those of another one), sorted.
    pub fn interfaces(&self) -> Vec<String> {
        Netdev::all().into_iter().map(|one| one.name).collect()
    }

    /// The number of a network interface in this network namespace. `name` may be a further one (`altname` of ip-link(8)).
    pub fn interface_index(&self, name: &str) -> Option<u32> {
        if name.contains('\0') {
            return None;
        }
        // The call takes names of up to 15 bytes, and is quick.
        let quick = datagram_socket().ok().and_then(|socket| name_to_index(socket, name).ok());
        quick.or_else(|| Netdev::named(name).map(|found| found.index))
    }

    /// The name that the kernel uses for an interface which may be called by a further one. `None` where it is not there.
    pub fn interface_name(&self, name: &str) -> Option<String> {
        Netdev::named(name).map(|found| found.name)
    }
}

/// The first of these that is there, by the name that the kernel uses.
pub(in crate::kernel) fn first_of(names: &[String], host: &Host) -> Result<String, KernelError> {
    let found = names.iter().find_map(|name| host.interface_name(name));
    let known = || host.interfaces();
    found.ok_or_else(|| {
        none_of(names, "this machine", "network interfaces", |name| {
            missing_interface(Place::Target, name, &known()).help
        })
    })
}
