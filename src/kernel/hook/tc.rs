// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tc`: a link on the interface (tcx, Linux 6.6), else a filter of a clsact.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::Duration;

use libbpf_rs::ProgramMut;

use super::attachment::{Attachment, Hold};
use super::kind::{
    Exchange, Feature, KernelKind, always, is_equal, misplaced, no_name, not_to_blame, nothing_missing,
    nothing_to_prepare, within_reach,
};
use super::link;
use super::tc_filter::{self, Filter};
use super::trial::{Outcome, Try, TryOne};
use super::xdp_network::enter_namespace;
use crate::expr::{NetworkScope, Scope};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::info;
use crate::kernel::site::interface::missing_interface;
use crate::spec::{Direction, Hook, HookKind, Place, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Tc,
    feature: Feature { what: "programs that classify packets without actions", since: "4.4", version: (4, 4) },
    parts: &[],
    // Without CAP_PERFMON the verifier refuses the length of a packet.
    capabilities: &["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"],
    captures_by_btf: false,
    exchange: Exchange::LinkOrSlot { has_links, replace: link::replace, jump: "slot_tc", nothing: "nothing_tc" },
    check,
    inspect: |hook, host| check(hook, host).err().map(Finding::Wrong).into_iter().collect(),
    missing: nothing_missing,
    is_out_of_reach: within_reach,
    has_programs: always,
    scope: |_, _| Ok(Scope::Network(NetworkScope::Packet)),
    prepare: nothing_to_prepare,
    refused: not_to_blame,
    attach,
    is_live,
    is_same_place: is_equal,
    locate: None,
    takes_entry: true,
    unfit: no_name,
    mechanism,
    counts_missed: always,
    listing: None,
    tried_with: "packet_count",
    tries: |_, one| tries(one),
};

/// `include/uapi/linux/bpf.h`: before all other programs. They cannot decide then which packets this one sees.
const BPF_F_BEFORE: u32 = 1 << 3;

fn place(hook: &Hook) -> Result<(&str, Direction), KernelError> {
    if let Site::Traffic { interface, direction } = &hook.site {
        Ok((interface, *direction))
    } else {
        Err(misplaced(hook))
    }
}

/// True where programs are held by links (tcx).
fn has_links(host: &Host) -> bool {
    host.version() >= (6, 6)
}

fn check(hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let (interface, _) = place(hook)?;
    match host.interface_index(interface) {
        Some(_) => Ok(()),
        None => Err(missing_interface(Place::Target, interface, &host.interfaces())),
    }
}

fn mechanism(_: &Hook, host: &Host) -> (String, String) {
    if has_links(host) {
        let why = "this kernel has such links (tcx, Linux 6.6): they end with the process".to_owned();
        return ("link on the interface".to_owned(), why);
    }
    let why = "before Linux 6.6 there are no links for that. It is removed at the end; after `kill -9` it stays, lets every packet pass, and \
               the next start on the interface removes it"
        .to_owned();
    ("filter of a clsact qdisc".to_owned(), why)
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let (interface, direction) = place(hook)?;
    let index = host
        .interface_index(interface)
        .ok_or_else(|| KernelError::at(Place::Target, format!("there is no network interface `{interface}`")))?;
    let program = program.as_fd().as_raw_fd();
    let (hold, by) = if has_links(host) {
        let place = match direction {
            Direction::Ingress => libbpf_sys::BPF_TCX_INGRESS,
            Direction::Egress => libbpf_sys::BPF_TCX_EGRESS,
        };
        let made = link::create(program, index as i32, place, BPF_F_BEFORE);
        (Hold::Fd(made.map_err(|code| diagnose(interface, direction, code))?), "tcx")
    } else {
        let failed = |error: io::Error| diagnose(interface, direction, error.raw_os_error().unwrap_or(0));
        (Hold::Filter(Filter::attach(index, direction, program).map_err(failed)?), "clsact")
    };
    let attachment = Attachment::new(hold, hook.clone());
    Ok(Attachment { mechanism: format!("{} by {by}", attachment.mechanism), ..attachment })
}

/// An interface that was deleted leaves a link without one, one that was renamed takes along what is on it.
fn is_live(hook: &Hook, hold: &Hold, host: &Host) -> bool {
    let descriptor = hold.descriptor();
    let Ok((interface, direction)) = place(hook) else { return false };
    let Some(index) = host.interface_index(interface) else { return false };
    match info::link(descriptor) {
        // SAFETY: the union's member for links of tcx, which this is; plain data.
        Some(info) => unsafe { info.__bindgen_anon_1.tcx }.ifindex == index,
        None => tc_filter::is_there(descriptor, index, direction),
    }
}

fn diagnose(interface: &str, direction: Direction, code: i32) -> KernelError {
    let message = format!("failed to attach to the {} of `{interface}`: {}", direction.word(), describe(code));
    let help = match code {
        libc::EPERM | libc::EACCES => privilege_help("CAP_BPF and CAP_NET_ADMIN"),
        libc::ENOENT | libc::EOPNOTSUPP => {
            "the kernel may lack its modules sch_ingress and cls_bpf: `modprobe sch_ingress cls_bpf`".to_owned()
        }
        libc::EEXIST => {
            let message = format!("`{interface}` has an `ingress` qdisc, which has no place for packets that go out");
            let help = format!("replace it by a clsact: `tc qdisc replace dev {interface} clsact`");
            return KernelError::new(Place::Target, message, help);
        }
        libc::ERANGE => "64 programs are attached there already, which is the kernel's limit".to_owned(),
        _ => return KernelError::at(Place::Target, message),
    };
    KernelError::new(Place::Target, message, help)
}

/// Both directions of `lo` in a network namespace of our own, which ends with the thread.
fn tries(one: TryOne<'_>) -> Vec<Try> {
    let on = |direction| Hook { kind: HookKind::Tc, site: Site::Traffic { interface: "lo".to_owned(), direction } };
    let both = [Direction::Ingress, Direction::Egress];
    let not_tried = |reason: String| {
        let untried =
            |direction| Try { hook: on(direction), outcome: Outcome::NotTried(reason.clone()), took: Duration::ZERO };
        both.map(untried).to_vec()
    };
    let private = thread::scope(|scope| {
        let try_all =
            || enter_namespace().map(|()| both.map(|direction| one(on(direction), &Host::default())).to_vec());
        scope.spawn(try_all).join()
    });
    match private {
        Ok(Ok(tries)) => tries,
        Ok(Err(error)) => not_tried(format!("no network namespace to test it in: {error}")),
        Err(_) => not_tried("the test ended unexpectedly".to_owned()),
    }
}
