// SPDX-License-Identifier: MIT OR Apache-2.0
//! `usdt`: a uprobe at each place of a probe that the source of a program names, with the counter that tells the program that
//! somebody is looking (Linux 4.20, `ref_ctr_offset`).

use libbpf_rs::{AsRawLibbpf as _, OpenObject};

use super::kind::{Exchange, Feature, KernelKind, misplaced};
use super::listing::{Listing, Source, Unasked};
use super::perf_links;
use super::perf_uprobe::{BASE, OURSELVES, attach, check, inspect};
use super::trial::{Try, TryOne};
use crate::config::codes;
use crate::expr::{Scope, UsdtArgumentType, UsdtScope};
use crate::kernel::error::{KernelError, describe};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::site::binary::{Located, probe_of};
use crate::kernel::usdt;
use crate::spec::{Hook, HookKind, Place, Site, UserPlace, UserPoint};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Usdt,
    feature: Feature { what: "uprobes with counters of their users", since: "4.20", version: (4, 20) },
    check: |hook, host| check(hook, locate, host),
    inspect: |hook, host| inspect(hook, locate, host).into_iter().chain(miscounted(hook, host)).collect(),
    scope,
    exchange: Exchange::Slot { jump: "slot_usdt", nothing: "nothing_usdt" },
    prepare,
    mechanism,
    attach: |program, hook, host| attach(program, hook, locate, host),
    locate: Some(locate),
    listing: Some(Listing {
        source: Source::Probes,
        unasked: |_| Unasked::NotListed,
        // The notes have no types.
        describe: |_, _, _| None,
    }),
    tries,
    ..BASE
};

fn locate(point: &UserPoint, host: &Host) -> Result<Located, KernelError> {
    host.binaries.locate(point)
}

/// The program is not told that somebody looks, at least not while it is started.
fn miscounted(hook: &Hook, host: &Host) -> Option<Finding> {
    let point = hook.point()?;
    if !locate(point, host).ok()?.sites.iter().any(|site| site.is_miscounted) {
        return None;
    }
    let message = format!(
        "programs may never come by `{}`: its semaphore lies in a page of the file that they map twice for writing, and the kernel \
         counts in the first of the two",
        point.place
    );
    let help =
        "link the program with GNU ld, or with `-Wl,-z,separate-loadable-segments`; those already running may be seen";
    Some(Finding::Warning(KernelError::new(Place::Target, message, help).coded(codes::NOT_ALL_PROCESSES)))
}

/// What it is tried on: a probe of this very program, which nobody comes by. Notes as `<sys/sdt.h>` writes them.
#[inline(never)]
fn quiet_probe() {
    // SAFETY: an instruction that does nothing, and a note about it, which is put beside the code.
    unsafe {
        std::arch::asm!(
            "990: nop",
            ".pushsection .note.stapsdt, \"?\", \"note\"",
            ".balign 4",
            ".4byte 992f-991f, 994f-993f, 3",
            "991: .asciz \"stapsdt\"",
            "992: .balign 4",
            "993: .8byte 990b, 0, 0",
            ".asciz \"ebpf_run\"",
            ".asciz \"quiet\"",
            ".asciz \"\"",
            "994: .balign 4",
            ".popsection",
            options(nomem, nostack, preserves_flags)
        );
    }
}

/// Tried in this process only, as another one of the same binary may run at any moment.
fn tries(host: &Host, one: TryOne<'_>) -> Vec<Try> {
    // It is somewhere in the program only if it is used.
    std::hint::black_box(quiet_probe as fn());
    let place = UserPlace::Probe { provider: "ebpf_run".to_owned(), name: "quiet".to_owned() };
    let (binary, pid) = (OURSELVES.to_owned(), Some(std::process::id()));
    let point = UserPoint { binary, place, pid, build_id: None, allow_untrusted: true };
    vec![one(Hook { kind: HookKind::Usdt, site: Site::Binary(point) }, host)]
}

/// libbpf loads programs for links to many places where the kernel has those.
fn mechanism(_: &Hook, host: &Host) -> (String, String) {
    if host.version() >= (6, 6) {
        let why = "one link for all places of the probe (Linux 6.6)";
        return ("uprobe.multi link".to_owned(), why.to_owned());
    }
    perf_links::event_of("a uprobe at each place", host)
}

fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let point = hook.point().ok_or_else(|| misplaced(hook))?;
    let mut arguments: Vec<UsdtArgumentType> = Vec::new();
    for site in locate(point, host)?.sites {
        for (number, argument) in site.arguments().into_iter().enumerate() {
            let here = UsdtArgumentType::of(&argument);
            match arguments.get_mut(number) {
                Some(known) => known.add(&here),
                None => arguments.push(here),
            }
        }
    }
    Ok(Scope::Usdt(UsdtScope { name: point.place.to_string(), arguments }))
}

/// The slot has no such map.
fn prepare(object: &mut OpenObject, _: &str, hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let room = usdt::room(hook, host)?;
    let Some(map) = object.maps_mut().find(|map| map.name() == usdt::MAP) else { return Ok(()) };
    // SAFETY: the map belongs to an open object; takes a number.
    let code = unsafe { libbpf_sys::bpf_map__set_max_entries(map.as_libbpf_object().as_ptr(), room) };
    // One that is taken over from the version before has its size.
    if code == 0 || code == -libc::EBUSY {
        return Ok(());
    }
    let of = hook.point().and_then(|point| probe_of(&point.place)).map_or("", |(_, name)| name);
    let message = format!("failed to make room for the arguments of `{of}`: {}", describe(-code));
    Err(KernelError::at(Place::Target, message))
}
