// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `uprobe` and `uretprobe` share: a perf event of the uprobe PMU (Linux 4.17; as a link, 5.15).

use std::fs;
use std::path::Path;

use libbpf_rs::ProgramMut;

use super::attachment::{Attachment, Landed};
use super::kind::{
    Feature, KPROBE_SLOT, KernelKind, Locate, Part, always_live, inside, misplaced, no_name, not_to_blame,
    nothing_missing, nothing_to_prepare, within_reach,
};
use super::perf_links;
use super::user_points::{Point, attach_at};
use crate::config::codes;
use crate::kernel::error::{ENOTSUPP, KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::site::binary::{Held, Located};
use crate::spec::{Hook, HookKind, Place, Site, UserPlace, UserPoint};

/// What both say.
pub(super) const BASE: KernelKind = KernelKind {
    kind: HookKind::Uprobe,
    feature: Feature { what: "uprobes as perf events", since: "4.17", version: (4, 17) },
    parts: &[Part {
        what: "a kernel with uprobes (CONFIG_UPROBE_EVENTS)",
        is_there: Host::has_uprobes,
        by_privilege: false,
    }],
    // perf_uprobe_event_init() in kernel/events/core.c does not take CAP_PERFMON alone.
    capabilities: &["CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN"],
    captures_by_btf: false,
    exchange: KPROBE_SLOT,
    check: |hook, host| check(hook, locate, host),
    inspect: |hook, host| inspect(hook, locate, host),
    missing: nothing_missing,
    is_out_of_reach: within_reach,
    has_programs: perf_links::has_kprobe_programs,
    scope: inside,
    prepare: nothing_to_prepare,
    refused: not_to_blame,
    attach: |program, hook, host| attach(program, hook, locate, host),
    is_live: always_live,
    is_same_place: |now, next| matches!((now.point(), next.point()), (Some(now), Some(next)) if now.is_at_place_of(next)),
    locate: Some(locate),
    takes_entry: true,
    unfit: no_name,
    mechanism: |hook, host| match hook.several() {
        Some(names) => {
            let why = format!("one program for {} functions: the link says at which it runs", names.len());
            ("uprobe.multi link".to_owned(), why)
        }
        None => perf_links::event_of("a uprobe", host),
    },
    counts_missed: |host| host.version() >= (6, 0) || perf_links::counts_missed(host),
    listing: None,
    tried_with: "trace",
    tries: |_, _| Vec::new(),
};

fn locate(point: &UserPoint, host: &Host) -> Result<Located, KernelError> {
    host.binaries.locate(point)
}

/// The binary that uprobes are tried on.
pub(super) const OURSELVES: &str = "/proc/self/exe";

/// Where both are tried: in this process only, as another one of the same binary may run at any moment.
pub(super) fn quiet_hook(kind: HookKind) -> Hook {
    let place = UserPlace::Offset(place_in_file(quiet_function as fn() as usize as u64).unwrap_or(0));
    let (binary, pid) = (OURSELVES.to_owned(), Some(std::process::id()));
    let point = UserPoint { binary, place, pid, build_id: None, allow_untrusted: true };
    Hook { kind, site: Site::Binary(point) }
}

/// What uprobes are tried on: nobody calls it.
#[inline(never)]
fn quiet_function() {
    std::hint::black_box(());
}

/// How far into its file an address of this process lies, from `address-address rwxp offset device inode path` of proc(5).
fn place_in_file(address: u64) -> Option<u64> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (begin, end) = words.first()?.split_once('-')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let begin = number(begin)?;
        (begin..number(end)?).contains(&address).then(|| Some(address - begin + number(words.get(2)?)?))?
    })
}

/// Attaches at the place that `locate` finds.
pub(super) fn attach(
    program: &ProgramMut<'_>,
    hook: &Hook,
    locate: Locate,
    host: &Host,
) -> Result<Attachment, KernelError> {
    let point = hook.point().ok_or_else(|| misplaced(hook))?;
    let (located, on_return) = (locate(point, host)?, hook.kind == HookKind::Uretprobe);
    // Read before the kernel does: it keeps a copy of the instruction, and a write since then is one to notice.
    let code = located.instruction();
    let remark = if on_return { located.danger(point) } else { None };
    let Located { file, offset, sites, .. } = located;
    let points: Vec<Point> = match sites.as_slice() {
        [] => functions(hook, point, offset, locate, host)?,
        sites => sites.iter().map(|site| Point::of_probe(site, host)).collect(),
    };
    match attach_at(program, file.binary.bytes(), &points, point.pid, on_return) {
        Ok(hold) => {
            let point = UserPoint { binary: file.path.display().to_string(), ..point.clone() };
            let held = Held::new(file.binary.bytes().descriptor(), file.identity).map_err(|error| {
                KernelError::at(Place::Binary, format!("failed to keep `{}` open: {error}", file.path.display()))
            })?;
            let landed = Some(Landed { file: file.identity, held, offset, code });
            let remarks: Vec<String> =
                remark.into_iter().chain(file.doubt(&point).map(|error| error.message)).collect();
            let remark = Some(remarks.join("; ")).filter(|remark| !remark.is_empty());
            let mechanism = format!("{} {point}", hook.kind);
            Ok(Attachment { mechanism, landed, remark, ..Attachment::new(hold, hook.clone()) })
        }
        Err(code) => Err(diagnose(hook, locate, &file.path, code, host)),
    }
}

/// The place of a function, or of each that the program is to be attached to, with its number.
fn functions(
    hook: &Hook,
    point: &UserPoint,
    first: u64,
    locate: Locate,
    host: &Host,
) -> Result<Vec<Point>, KernelError> {
    let Some(names) = hook.several() else { return Ok(vec![Point::alone(first)]) };
    let at = |(number, name): (usize, &&str)| {
        let place = UserPlace::Symbol { name: (*name).to_owned(), offset: 0, more: Vec::new() };
        let located = locate(&UserPoint { place, ..point.clone() }, host)?;
        Ok(Point::numbered(located.offset, number as u64))
    };
    names.iter().enumerate().map(at).collect()
}

/// What is wrong with the file, the function or the process, as far as can be known without attaching.
pub(super) fn check(hook: &Hook, locate: Locate, host: &Host) -> Result<(), KernelError> {
    let point = hook.point().ok_or_else(|| misplaced(hook))?;
    if !host.has_uprobes() {
        let kind = hook.kind;
        let message =
            format!("this kernel has no uprobes, so `{kind}: {}:{}` cannot be attached", point.binary, point.place);
        return Err(KernelError::new(Place::Hook, message, "it needs a kernel with CONFIG_UPROBE_EVENTS"));
    }
    locate(point, host)?;
    match point.pid {
        Some(pid) if !Path::new("/proc").join(pid.to_string()).exists() => Err(no_process(pid)),
        Some(_) | None => Ok(()),
    }
}

/// The same, and what a person should know of a binary that others could change.
pub(super) fn inspect(hook: &Hook, locate: Locate, host: &Host) -> Vec<Finding> {
    let wrong = check(hook, locate, host).err().map(Finding::Wrong);
    wrong.into_iter().chain(untrusted(hook, host)).collect()
}

/// What a person should know of a binary that others could change.
pub(super) fn untrusted(hook: &Hook, host: &Host) -> Option<Finding> {
    let point = hook.point()?;
    let doubt = host.binaries.of(point).ok().and_then(|file| file.doubt(point));
    doubt.map(|error| Finding::Warning(error.coded(codes::UNTRUSTED_BINARY_HERE)))
}

fn no_process(pid: u32) -> KernelError {
    KernelError::at(Place::Process, format!("there is no process {pid}"))
}

fn diagnose(hook: &Hook, locate: Locate, path: &Path, code: i32, host: &Host) -> KernelError {
    let Some(point) = hook.point() else { return misplaced(hook) };
    let (kind, at) = (hook.kind, format!("{}:{}", path.display(), point.place));
    if matches!(code, libc::EPERM | libc::EACCES) {
        let message = format!("no permission to attach to `{at}` ({})", describe(code));
        return KernelError::new(Place::Target, message, privilege_help("CAP_SYS_ADMIN"));
    }
    // The file may have been replaced, the process may have ended.
    if let Err(error) = check(hook, locate, host) {
        return error;
    }
    match (code, point.pid) {
        (libc::ESRCH, Some(pid)) => no_process(pid),
        (libc::EINVAL | libc::EIO | libc::ENOEXEC | libc::EOPNOTSUPP | ENOTSUPP, _) => {
            let message = format!("the kernel does not allow a {kind} at `{at}` ({})", describe(code));
            let help = match code {
                libc::EIO => "its file system does not use the page cache: copy the file elsewhere",
                _instruction => "it cannot replace this instruction: choose another place",
            };
            KernelError::new(Place::Target, message, help)
        }
        (code, _) => KernelError::at(Place::Target, format!("failed to attach to `{at}`: {}", describe(code))),
    }
}
