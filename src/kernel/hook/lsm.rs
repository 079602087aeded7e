// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lsm`: a hook of the Linux security modules, by a trampoline in the function that the kernel has there for BPF (Linux 5.7).
//!
//! A kernel that has the hooks calls them only where BPF is among its security modules. Where `lsm=` at boot leaves it out, programs
//! of 5.10 attach and never run.

use libbpf_rs::{AsRawLibbpf, OpenObject, ProgramMut};

use super::attachment::{Attachment, take_link};
use super::kind::{Exchange, Feature, KernelKind, Part, always, always_live, is_equal, misplaced, within_reach};
use super::listing::{Listing, Places, Source, Unasked};
use super::trampoline;
use crate::expr::{Arguments, FunctionScope, Owner, Prototype, Returned, Scope};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind, Place, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Lsm,
    feature: Feature { what: "programs at security hooks", since: "5.7", version: (5, 7) },
    parts: &[
        Part {
            what: "a kernel with security hooks for BPF (CONFIG_BPF_LSM), and its BTF",
            is_there: |host| host.has_security_hook(QUIET_HOOK),
            by_privilege: false,
        },
        Part {
            what: "BPF among the security modules (`lsm=…,bpf` at boot)",
            is_there: |host| host.runs_bpf_lsm() != Some(false),
            by_privilege: false,
        },
        trampoline::HAS_TRACER,
    ],
    exchange: Exchange::Slot { jump: "slot_lsm", nothing: "nothing_lsm" },
    check,
    inspect: |hook, host| {
        let unknown = || host.runs_bpf_lsm().is_none().then(|| Finding::Unknown(unread(hook)));
        check(hook, host).err().map(Finding::Wrong).or_else(unknown).into_iter().collect()
    },
    missing: |hook, host| check(hook, host).err(),
    is_out_of_reach: within_reach,
    has_programs: always,
    scope,
    prepare,
    refused,
    attach,
    is_live: always_live,
    is_same_place: is_equal,
    unfit: |name, host| {
        let is_kept = host.version() >= (6, 12) && KEPT.contains(&name);
        let why = is_kept.then_some("this kernel keeps them from BPF programs");
        why.or_else(|| trampoline::misfit(&format!("bpf_lsm_{name}"), host))
    },
    mechanism: |_, _| {
        let why = "the only mechanism: the program answers 0, which refuses nothing";
        ("trampoline at the security hook, held by a link".to_owned(), why.to_owned())
    },
    listing: Some(Listing {
        source: Source::Machine(security_hooks),
        unasked: |_| Unasked::Listed,
        describe: |name, prototypes, _| prototypes.signature(&format!("bpf_lsm_{name}")),
    }),
    tries: |host, one| vec![one(at(QUIET_HOOK), host)],
    ..trampoline::BASE
};

/// One that is rare, and there on every kernel.
const QUIET_HOOK: &str = "syslog";

fn at(name: &str) -> Hook {
    Hook { kind: HookKind::Lsm, site: Site::SecurityHook(name.to_owned()) }
}

fn name_of(hook: &Hook) -> Result<&str, KernelError> {
    if let Site::SecurityHook(name) = &hook.site { Ok(name) } else { Err(misplaced(hook)) }
}

/// The hooks that BPF programs can be at, and what stands in the way of any of them.
fn security_hooks(host: &Host) -> Places {
    let all = host.security_hooks();
    let note = if all.is_empty() {
        Some("security hooks: this kernel has none for BPF (CONFIG_BPF_LSM)".to_owned())
    } else {
        let left_out = host.runs_bpf_lsm() == Some(false);
        left_out.then(|| "security hooks: BPF is not among the security modules of this boot (`lsm=…,bpf`)".to_owned())
    };
    (all.into_iter().map(|name| (name, String::new())).collect(), note)
}

fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let name = name_of(hook)?;
    Ok(Scope::Function(FunctionScope {
        owner: Owner::Kernel,
        name: name.to_owned(),
        prototype: host.btf().and_then(|btf| Prototype::of_function(btf, &format!("bpf_lsm_{name}"))),
        arguments: Arguments::Words,
        result: Returned::Nowhere,
        kinds: (HookKind::Lsm, HookKind::Fexit),
    }))
}

fn check(hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let name = name_of(hook)?;
    if host.btf().is_none() {
        let message = format!("this kernel has no BTF, so `lsm: {name}` cannot be attached");
        return Err(KernelError::new(Place::Hook, message, "use a kernel with CONFIG_DEBUG_INFO_BTF"));
    }
    if !host.has_security_hook(name) {
        if host.security_hooks().is_empty() {
            let message = format!("this kernel has no security hooks for BPF, so `lsm: {name}` cannot be attached");
            return Err(KernelError::new(Place::Hook, message, "it takes a kernel with CONFIG_BPF_LSM"));
        }
        let message = format!("this kernel has no security hook `{name}`");
        return Err(KernelError::at(Place::Target, message).maybe_help(host.nearest_security_hook(name)));
    }
    if host.runs_bpf_lsm() == Some(false) {
        let message = format!("BPF is not among the security modules of this boot, so `lsm: {name}` would never fire");
        let now = host.security_modules().unwrap_or_default();
        return Err(KernelError::new(Place::Hook, message, format!("boot with `lsm={now},bpf`")));
    }
    Ok(())
}

fn unread(hook: &Hook) -> KernelError {
    let message = format!("whether `{}` fires is unknown: `/sys/kernel/security/lsm` cannot be read", hook.site);
    KernelError::new(Place::Hook, message, "run as root")
}

/// The verifier checks a program against the hook that it is for.
fn prepare(object: &mut OpenObject, function: &str, hook: &Hook, _: &Host) -> Result<(), KernelError> {
    let name = name_of(hook)?;
    let mut programs = object.progs_mut();
    let Some(mut program) = programs.find(|program| program.name() == function) else { return Ok(()) };
    program.set_attach_target(0, Some(name.to_owned())).map_err(|error| {
        KernelError::at(Place::Target, format!("failed to find security hook `{name}` in the kernel's BTF: {error:#}"))
    })
}

/// Since Linux 6.12 the kernel keeps programs from some of its hooks.
fn refused(hook: &Hook, code: i32, host: &Host) -> Option<KernelError> {
    let name = name_of(hook).ok()?;
    let is_kept = code == libc::EINVAL && host.has_security_hook(name) && KEPT.contains(&name);
    is_kept.then(|| {
        let message = format!("the kernel keeps programs from security hook `{name}`");
        KernelError::new(Place::Target, message, "`ebpf-run hooks PATTERN --kind lsm` lists others")
    })
}

/// `bpf_lsm_disabled_hooks` of kernel/bpf/bpf_lsm.c.
const KEPT: [&str; 10] = [
    "vm_enough_memory",
    "inode_need_killpriv",
    "inode_getsecurity",
    "inode_listsecurity",
    "inode_copy_up_xattr",
    "getselfattr",
    "getprocattr",
    "setprocattr",
    "audit_rule_match",
    "ismaclabel",
];

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let name = name_of(hook)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; the result goes nowhere else.
    match unsafe { take_link(libbpf_sys::bpf_program__attach_lsm(program)) } {
        Ok(hold) => Ok(Attachment::new(hold, hook.clone())),
        Err(code) => Err(diagnose(hook, name, code, host)),
    }
}

fn diagnose(hook: &Hook, name: &str, code: i32, host: &Host) -> KernelError {
    if let Err(error) = check(hook, host) {
        return error;
    }
    if let Some(error) = trampoline::without_tracer(&format!("lsm: {name}"), host) {
        return error;
    }
    let message = format!("the kernel does not allow a program at security hook `{name}` ({})", describe(code));
    let help = match code {
        libc::EPERM | libc::EACCES => privilege_help("CAP_BPF and CAP_PERFMON"),
        // BPF_MAX_TRAMP_LINKS of include/linux/bpf.h.
        libc::E2BIG => "38 programs are attached to this hook already, which is the kernel's limit".to_owned(),
        _other => format!("use a `fentry` at `security_{name}`"),
    };
    KernelError::new(Place::Target, message, help)
}
