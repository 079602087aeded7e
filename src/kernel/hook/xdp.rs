// SPDX-License-Identifier: MIT OR Apache-2.0
//! `xdp`: a bpf_link on an interface (Linux 5.9). Not netlink: what netlink attaches outlives the process.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use libbpf_rs::{OpenObject, ProgramMut};

use super::attachment::{Attachment, Hold};
use super::kind::{Exchange, Feature, KernelKind, always, misplaced, no_name, nothing_missing, within_reach};
use super::link;
use super::xdp_native::{Native, forecast};
use super::xdp_occupied::occupied;
use super::xdp_query::{NETDEV_XDP_ACT_HW_OFFLOAD, query};
use super::xdp_trial;
use crate::expr::{NetworkScope, Scope};
use crate::kernel::error::{ENOTSUPP, KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::info;
use crate::kernel::site::interface::{Netdev, missing_interface};
use crate::spec::{Hook, HookKind, Place, Site, XdpMode};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Xdp,
    feature: Feature { what: "XDP programs held by a link", since: "5.9", version: (5, 9) },
    parts: &[],
    // Without CAP_PERFMON the verifier refuses the length of a packet: `pointer -= pointer prohibited`.
    capabilities: &["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"],
    captures_by_btf: true,
    exchange: Exchange::Link(link::replace),
    check,
    inspect,
    missing: nothing_missing,
    is_out_of_reach: within_reach,
    has_programs: always,
    scope: |_, _| Ok(Scope::Network(NetworkScope::Packet)),
    prepare,
    refused,
    attach,
    is_live,
    is_same_place,
    locate: None,
    takes_entry: true,
    unfit: no_name,
    mechanism,
    counts_missed: always,
    listing: None,
    tried_with: "packet_count",
    tries: |_, one| xdp_trial::tries(one),
};

/// `include/uapi/linux/if_link.h`
const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;
const XDP_FLAGS_HW_MODE: u32 = 1 << 3;

/// Help where a driver has no native mode.
const WITHOUT_NATIVE: &str = "use `mode: generic`, or `auto` to use what is available";
/// What drivers mean by ERANGE: a packet does not fit into one page (`veth_xdp_set`, `virtnet_xdp_set`).
const MTU_TOO_LARGE: &str = "its MTU is too large: a native program needs each packet in one page";

/// The interface, and the mode that the file asks for.
fn place(hook: &Hook) -> Result<(&str, XdpMode), KernelError> {
    if let Site::Interface { name, mode } = &hook.site { Ok((name, *mode)) } else { Err(misplaced(hook)) }
}

fn check(hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let (interface, _) = place(hook)?;
    match host.interface_index(interface) {
        Some(_) => Ok(()),
        None => Err(missing_interface(Place::Target, interface, &host.interfaces())),
    }
}

fn inspect(hook: &Hook, host: &Host) -> Vec<Finding> {
    let finding = match (check(hook, host), place(hook)) {
        (Err(error), _) | (Ok(()), Err(error)) => Some(Finding::Wrong(error)),
        (Ok(()), Ok((interface, mode))) => in_the_way(interface, mode, host),
    };
    finding.into_iter().collect()
}

/// A program for the hardware is verified by the driver of its interface.
fn prepare(object: &mut OpenObject, _: &str, hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let (interface, mode) = place(hook)?;
    if mode == XdpMode::Offload {
        let index = host.interface_index(interface).unwrap_or(0);
        object.progs_mut().for_each(|mut program| program.set_ifindex(index));
        object.maps_mut().for_each(|mut map| map.set_map_ifindex(index));
    }
    Ok(())
}

fn refused(hook: &Hook, code: i32, _: &Host) -> Option<KernelError> {
    let (interface, _) = place(hook).ok().filter(|(_, mode)| *mode == XdpMode::Offload)?;
    let message = format!("`{interface}` cannot run XDP programs on its hardware ({})", describe(code));
    Some(KernelError::new(Place::Mode, message, "use `mode: native`, `generic` or `auto`"))
}

/// An interface that was deleted leaves a link without one, one that was renamed takes its link along.
fn is_live(hook: &Hook, hold: &Hold, host: &Host) -> bool {
    let link = hold.descriptor();
    let index = hook.interface().and_then(|name| host.interface_index(name));
    // SAFETY: the union's member for links of XDP, which this is; plain data.
    let on = |info: libbpf_sys::bpf_link_info| unsafe { info.__bindgen_anon_1.xdp }.ifindex;
    info::link(link).is_none_or(|info| Some(on(info)) == index)
}

/// The mode of a program that is attached is the one that its interface took.
fn is_same_place(now: &Hook, next: &Hook) -> bool {
    match (place(now), place(next)) {
        (Ok((now, took)), Ok((next, mode))) => {
            now == next && (mode == XdpMode::Auto || mode == took) && mode != XdpMode::Offload
        }
        (Err(_), _) | (_, Err(_)) => false,
    }
}

fn mechanism(hook: &Hook, host: &Host) -> (String, String) {
    let Ok((interface, mode)) = place(hook) else { return (String::new(), String::new()) };
    let (mode, why) = outlook(interface, mode, host);
    let mode = mode.map_or_else(|| "native or generic".to_owned(), |mode| mode.name().to_owned());
    (format!("link on the interface, {mode} mode"), why)
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let (interface, mode) = place(hook)?;
    let missing = || KernelError::at(Place::Target, format!("there is no network interface `{interface}`"));
    let index = host.interface_index(interface).ok_or_else(missing)?;
    let fd = program.as_fd().as_raw_fd();
    let done = |hold, mode, remark| {
        let site = Site::Interface { name: interface.to_owned(), mode };
        Attachment { remark, ..Attachment::new(Hold::Fd(hold), Hook { kind: hook.kind, site }) }
    };
    let fail = |code, mode| diagnose(interface, index, mode, code);
    let just = |flags| create(fd, index, flags).map(|link| done(link, mode, None)).map_err(|code| fail(code, mode));
    match mode {
        XdpMode::Native => just(XDP_FLAGS_DRV_MODE),
        XdpMode::Generic => just(XDP_FLAGS_SKB_MODE),
        XdpMode::Offload => just(XDP_FLAGS_HW_MODE),
        XdpMode::Auto => match create(fd, index, XDP_FLAGS_DRV_MODE) {
            Ok(link) => Ok(done(link, XdpMode::Native, None)),
            Err(code) if falls_back(code) => {
                let link = create(fd, index, XDP_FLAGS_SKB_MODE).map_err(|code| fail(code, XdpMode::Generic))?;
                let remark = match code {
                    libc::ERANGE => format!("`{interface}` runs it in generic mode: {MTU_TOO_LARGE}"),
                    code => format!("`{interface}` has no native XDP ({}): it runs in generic mode", describe(code)),
                };
                Ok(done(link, XdpMode::Generic, Some(remark)))
            }
            Err(code) => Err(fail(code, XdpMode::Native)),
        },
    }
}

/// True where the driver, not the situation, stands in the way of native mode.
fn falls_back(code: i32) -> bool {
    !matches!(code, libc::EBUSY | libc::EEXIST | libc::EPERM | libc::EACCES | libc::ENODEV)
}

fn create(program: i32, index: u32, flags: u32) -> Result<OwnedFd, i32> {
    link::create(program, index as i32, libbpf_sys::BPF_XDP, flags)
}

fn diagnose(interface: &str, index: u32, mode: XdpMode, code: i32) -> KernelError {
    match code {
        libc::EBUSY | libc::EEXIST => occupied(interface, index).unwrap_or_else(|| {
            let message = format!("`{interface}` already runs an XDP program");
            KernelError::new(Place::Target, message, "`bpftool net` shows all of them")
        }),
        libc::EPERM | libc::EACCES => {
            let message = format!("no permission to attach to `{interface}` ({})", describe(code));
            KernelError::new(Place::Target, message, privilege_help("CAP_BPF and CAP_NET_ADMIN"))
        }
        libc::EOPNOTSUPP | ENOTSUPP | libc::EINVAL | libc::ERANGE => {
            let message = format!("`{interface}` cannot run XDP in {} mode ({})", mode.name(), describe(code));
            let help = match mode {
                XdpMode::Native if code == libc::ERANGE => {
                    return KernelError::new(Place::Mode, message, format!("{MTU_TOO_LARGE}; or use `mode: generic`"));
                }
                XdpMode::Native | XdpMode::Auto => WITHOUT_NATIVE,
                XdpMode::Offload => "use `mode: native`, `generic` or `auto`",
                XdpMode::Generic => "generic mode needs Ethernet and no receive-side aggregation (LRO, GRO-HW)",
            };
            KernelError::new(Place::Mode, message, help)
        }
        code => KernelError::at(Place::Target, format!("failed to attach to `{interface}`: {}", describe(code))),
    }
}

/// What is known to stand in the way of attaching to this interface: another program, or a driver without the mode.
fn in_the_way(interface: &str, mode: XdpMode, host: &Host) -> Option<Finding> {
    let index = host.interface_index(interface)?;
    if let Some(error) = occupied(interface, index) {
        return Some(Finding::Wrong(error));
    }
    match mode {
        XdpMode::Native => match forecast(&Netdev::numbered(index)?, host) {
            Native::Yes => None,
            Native::No(why) => {
                let message = format!("`{interface}` cannot run XDP in native mode: {why}");
                Some(Finding::Wrong(KernelError::new(Place::Mode, message, WITHOUT_NATIVE)))
            }
            Native::Unknown(why) if why.is_empty() => None,
            Native::Unknown(why) => {
                let message = format!("only attaching shows whether `{interface}` runs XDP in native mode: {why}");
                Some(Finding::Unknown(KernelError::new(Place::Mode, message, WITHOUT_NATIVE)))
            }
        },
        XdpMode::Offload => {
            // Linux 6.3: before, no driver says what it can.
            let features = query(index).filter(|_| host.version() >= (6, 3))?.feature_flags;
            let refused = || Finding::Wrong(diagnose(interface, index, mode, libc::EOPNOTSUPP));
            (features & NETDEV_XDP_ACT_HW_OFFLOAD == 0).then(refused)
        }
        XdpMode::Auto | XdpMode::Generic => None,
    }
}

/// The mode that a program at this interface will run in, as far as that is known, and why.
fn outlook(interface: &str, mode: XdpMode, host: &Host) -> (Option<XdpMode>, String) {
    if mode != XdpMode::Auto {
        return (Some(mode), format!("the file sets `mode: {}`", mode.name()));
    }
    let device = host.interface_index(interface).and_then(Netdev::numbered);
    match device.map(|device| forecast(&device, host)) {
        Some(Native::Yes) => (Some(XdpMode::Native), format!("`{interface}` has native XDP: `mode: auto` uses it")),
        Some(Native::No(why)) => (Some(XdpMode::Generic), format!("{why}: `mode: auto` uses generic")),
        Some(Native::Unknown(why)) if !why.is_empty() => {
            (None, format!("`mode: auto` tries native, then generic: {why}"))
        }
        Some(Native::Unknown(_)) | None => (None, "`mode: auto` tries native, then generic".to_owned()),
    }
}
