// SPDX-License-Identifier: MIT OR Apache-2.0
//! A filter of a `clsact` queueing discipline: how a program sees an interface's packets before Linux 6.6 has links for that.
//!
//! The kernel keeps it when the process is gone. So what is attached is a slot, which passes every packet from then on, and the next
//! start takes away what nobody holds any more: a filter is called `ebpf-run:`, then `q` where the qdisc was made for it or `f` where
//! it was there, then a number of its own. As long as its process lives, an abstract socket of that name is in the interface's network
//! namespace; the kernel closes it, however the process ends.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;

use rustix::net::{SocketAddrUnix, getsockname};

use super::tc_netlink::{self, Attached, Qdisc};
use crate::spec::Direction;

const PREFIX: &str = "ebpf-run:";
/// The qdisc was made for such filters, and goes with the last of them.
const MADE: &str = "q";
/// It was there.
const FOUND: &str = "f";

/// A filter of ours. Dropping it takes it off the interface, and the qdisc as well if that was made for it and nobody else uses it.
pub(in crate::kernel) struct Filter {
    index: u32,
    direction: Direction,
    name: String,
    /// Says that the filter is not a leftover.
    socket: UnixDatagram,
    /// Which messages are about the network namespace of then.
    netlink: tc_netlink::Socket,
}

impl Filter {
    /// Attaches a program, before all other filters; takes away what earlier processes left.
    pub(super) fn attach(index: u32, direction: Direction, program: i32) -> io::Result<Self> {
        let netlink = tc_netlink::Socket::open()?;
        remove_leftovers(&netlink, index)?;
        let qdisc = match netlink.make_clsact(index) {
            Ok(()) => MADE,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match netlink.qdisc(index)? {
                // It has no place for what goes out: such a filter would see what comes in.
                Some(Qdisc::Ingress) if direction == Direction::Egress => return Err(error),
                Some(Qdisc::Ingress) => FOUND,
                Some(Qdisc::Clsact) | None => inherited(&netlink, index)?,
            },
            Err(error) => return Err(error),
        };
        let (name, socket) = claim(qdisc)?;
        let filter = Self { index, direction, name, socket, netlink };
        // If this fails, dropping it takes away a qdisc that nobody needs.
        filter.netlink.add(index, direction, &filter.name, program)?;
        Ok(filter)
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.socket.as_raw_fd()
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // An interface that is gone has taken everything along.
        let filters = self.netlink.filters(self.index, self.direction).unwrap_or_default();
        for own in filters.iter().filter(|one| one.name == self.name) {
            let _ = self.netlink.remove(self.index, self.direction, own);
        }
        if self.name.starts_with(&format!("{PREFIX}{MADE}:")) {
            let _ = drop_qdisc(&self.netlink, self.index);
        }
    }
}

/// True if the filter that this socket is for is on the interface.
pub(super) fn is_there(socket: i32, index: u32, direction: Direction) -> bool {
    // SAFETY: the caller holds the descriptor across the call.
    let socket = unsafe { BorrowedFd::borrow_raw(socket) };
    let address = getsockname(socket).ok().and_then(|address| SocketAddrUnix::try_from(address).ok());
    let name = address.as_ref().and_then(SocketAddrUnix::abstract_name).unwrap_or_default();
    let filters = tc_netlink::Socket::open().and_then(|netlink| netlink.filters(index, direction));
    filters.is_ok_and(|filters| filters.iter().any(|one| one.name.as_bytes() == name))
}

/// A name of its own, and the socket that holds it.
fn claim(qdisc: &str) -> io::Result<(String, UnixDatagram)> {
    // Its keys are random; a number that another process has is none that can be bound.
    let number = RandomState::new().hash_one(process::id());
    let name = format!("{PREFIX}{qdisc}:{number:016x}");
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    Ok((name, socket))
}

/// Whether a clsact that is there was made for filters of ours.
fn inherited(netlink: &tc_netlink::Socket, index: u32) -> io::Result<&'static str> {
    let made = |one: &Attached| one.name.starts_with(&format!("{PREFIX}{MADE}:"));
    for direction in [Direction::Ingress, Direction::Egress] {
        if netlink.filters(index, direction)?.iter().any(made) {
            return Ok(MADE);
        }
    }
    Ok(FOUND)
}

/// Takes away what processes that are gone have left on an interface, the qdisc included that they made.
fn remove_leftovers(netlink: &tc_netlink::Socket, index: u32) -> io::Result<()> {
    let is_free = |name: &str| {
        let address = SocketAddr::from_abstract_name(name);
        address.is_ok_and(|address| UnixDatagram::bind_addr(&address).is_ok())
    };
    let removed = remove(netlink, index, |one| one.name.starts_with(PREFIX) && is_free(&one.name))?;
    if removed.iter().any(|name| name.starts_with(&format!("{PREFIX}{MADE}:"))) {
        drop_qdisc(netlink, index)?;
    }
    Ok(())
}

/// Takes these filters off an interface; gives their names.
fn remove(netlink: &tc_netlink::Socket, index: u32, which: impl Fn(&Attached) -> bool) -> io::Result<Vec<String>> {
    let mut removed = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        for one in netlink.filters(index, direction)?.into_iter().filter(&which) {
            netlink.remove(index, direction, &one)?;
            removed.push(one.name);
        }
    }
    Ok(removed)
}

/// Takes the clsact away if nothing is on it.
fn drop_qdisc(netlink: &tc_netlink::Socket, index: u32) -> io::Result<()> {
    let ingress = netlink.filters(index, Direction::Ingress)?;
    let egress = netlink.filters(index, Direction::Egress)?;
    if ingress.is_empty() && egress.is_empty() { netlink.remove_clsact(index) } else { Ok(()) }
}
