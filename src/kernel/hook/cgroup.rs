// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cgroup`: a link on a cgroup (Linux 5.7), beside those of others.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;

use libbpf_rs::ProgramMut;

use super::attachment::{Attachment, Hold};
use super::kind::{
    Exchange, Feature, KernelKind, always, is_equal, misplaced, no_name, not_to_blame, nothing_missing,
    nothing_to_prepare, within_reach,
};
use super::link;
use crate::expr::{NetworkScope, Scope};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::info;
use crate::kernel::site::cgroup::{find, missing};
use crate::spec::{CgroupPoint, Direction, Hook, HookKind, Place, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Cgroup,
    feature: Feature { what: "programs of cgroups held by a link", since: "5.7", version: (5, 7) },
    parts: &[],
    capabilities: &["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"],
    captures_by_btf: false,
    exchange: Exchange::Link(link::replace),
    check,
    inspect: |hook, host| check(hook, host).err().map(Finding::Wrong).into_iter().collect(),
    missing: nothing_missing,
    is_out_of_reach: within_reach,
    has_programs: always,
    scope: |hook, _| Ok(Scope::Network(network(hook))),
    prepare: nothing_to_prepare,
    refused: not_to_blame,
    attach,
    is_live,
    is_same_place: is_equal,
    locate: None,
    takes_entry: true,
    unfit: no_name,
    mechanism: |_, _| {
        (
            "link on the cgroup".to_owned(),
            "programs of others on it, and of those above and below it, run as well".to_owned(),
        )
    },
    counts_missed: always,
    listing: None,
    tried_with: "trace",
    tries: |host, one| {
        let points = [CgroupPoint::Packets(Direction::Ingress), CgroupPoint::Connect, CgroupPoint::SockCreate];
        points
            .map(|point| one(Hook { kind: HookKind::Cgroup, site: Site::Cgroup { path: own(), point } }, host))
            .to_vec()
    },
};

fn place(hook: &Hook) -> Result<&str, KernelError> {
    if let Site::Cgroup { path, .. } = &hook.site { Ok(path) } else { Err(misplaced(hook)) }
}

fn network(hook: &Hook) -> NetworkScope {
    match hook.cgroup_point() {
        Some(CgroupPoint::Packets(_)) | None => NetworkScope::SocketPacket,
        Some(CgroupPoint::Connect) => NetworkScope::Connect,
        Some(CgroupPoint::SockCreate) => NetworkScope::SockCreate,
    }
}

/// The cgroup of this process, or all where that is hidden.
fn own() -> String {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = text.lines().find_map(|line| line.strip_prefix("0::"));
    path.filter(|path| find(path).is_some()).unwrap_or("/").to_owned()
}

fn check(hook: &Hook, _: &Host) -> Result<(), KernelError> {
    let path = place(hook)?;
    if find(path).is_some() { Ok(()) } else { Err(missing(Place::Target, path)) }
}

/// A `connect` has a function each for IPv4 and IPv6: which this is, its section says.
fn attach(program: &ProgramMut<'_>, hook: &Hook, _: &Host) -> Result<Attachment, KernelError> {
    let path = place(hook)?;
    let directory = find(path).ok_or_else(|| missing(Place::Target, path))?;
    let made = link::create(program.as_fd().as_raw_fd(), directory.as_raw_fd(), program.attach_type() as u32, 0);
    let made = made.map_err(|code| diagnose(path, code))?;
    Ok(Attachment::new(Hold::Fd(made), hook.clone()))
}

/// The number of a cgroup is that of its directory; a link whose cgroup is gone has none.
fn is_live(hook: &Hook, hold: &Hold, _: &Host) -> bool {
    let link = hold.descriptor();
    let Some(directory) = place(hook).ok().and_then(find) else { return false };
    let Some(info) = info::link(link) else { return true };
    // SAFETY: the union's member for links of cgroups, which this is; plain data.
    let on = unsafe { info.__bindgen_anon_1.cgroup }.cgroup_id;
    directory.metadata().is_ok_and(|found| found.ino() == on)
}

fn diagnose(path: &str, code: i32) -> KernelError {
    let message = format!("failed to attach to cgroup `{path}`: {}", describe(code));
    let help = match code {
        libc::EPERM => {
            "someone attached a program to it, or above it, that allows no other; `bpftool cgroup tree` shows them"
                .to_owned()
        }
        libc::EACCES => privilege_help("CAP_BPF and CAP_NET_ADMIN"),
        libc::E2BIG => "64 programs are attached there already, which is the kernel's limit".to_owned(),
        _ => return KernelError::at(Place::Target, message),
    };
    KernelError::new(Place::Target, message, help)
}
