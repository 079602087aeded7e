// SPDX-License-Identifier: MIT OR Apache-2.0
//! `iter`: an iterator of BPF (Linux 5.8). The link says which; each time that a descriptor of it is read to its end, the program runs for
//! each item: `kernel::snapshot`.

use libbpf_rs::{OpenObject, ProgramMut};
use std::os::fd::{AsFd, AsRawFd};

use super::attachment::{Attachment, Hold};
use super::kind::{
    Exchange, Feature, KernelKind, Part, always, always_live, is_equal, misplaced, no_name, not_to_blame, within_reach,
};
use super::link;
use crate::catalog::Named;
use crate::expr::{ItemScope, Prototype, Scope};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind, Items, Place, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Iter,
    feature: Feature { what: "iterators", since: "5.8", version: (5, 8) },
    parts: &[Part {
        what: "the kernel's BTF, for the iterator's number in it",
        is_there: |host| host.btf().is_some(),
        by_privilege: false,
    }],
    capabilities: &["CAP_BPF", "CAP_PERFMON"],
    captures_by_btf: true,
    exchange: Exchange::Link(link::replace),
    check: |hook, host| missing(hook, host).map_or(Ok(()), Err),
    inspect: |hook, host| missing(hook, host).map(Finding::Wrong).into_iter().collect(),
    missing,
    is_out_of_reach: within_reach,
    has_programs: always,
    scope,
    prepare,
    refused: not_to_blame,
    attach,
    is_live: always_live,
    is_same_place: is_equal,
    locate: None,
    takes_entry: true,
    unfit: no_name,
    mechanism: |_, _| {
        let why = "the kernel goes over what it has, and calls the program for each; nothing runs between two readings";
        ("iterator, held by a link".to_owned(), why.to_owned())
    },
    counts_missed: always,
    listing: None,
    tried_with: "trace",
    tries: |host, one| {
        let is_there = |items: &Items| missing(&hook(*items), host).is_none();
        let found = Items::WORDS.into_iter().map(|(items, _)| items).find(is_there);
        vec![one(hook(found.unwrap_or(Items::Task)), host)]
    },
};

fn hook(items: Items) -> Hook {
    Hook { kind: HookKind::Iter, site: Site::Items(items) }
}

fn items_of(hook: &Hook) -> Result<Items, KernelError> {
    if let Site::Items(items) = hook.site { Ok(items) } else { Err(misplaced(hook)) }
}

/// The function that stands for an iterator in the kernel's BTF; libbpf adds the first half.
fn function(items: Items) -> String {
    format!("bpf_iter_{}", items.word())
}

/// The first kernel with an iterator.
fn since(items: Items) -> &'static str {
    match items {
        Items::Task | Items::TaskFile | Items::BpfMap => "5.8",
        Items::Tcp | Items::Udp | Items::BpfProg => "5.9",
    }
}

fn missing(hook: &Hook, host: &Host) -> Option<KernelError> {
    let items = items_of(hook).ok()?;
    let word = items.word();
    let Some(btf) = host.btf() else {
        let message = format!("this kernel has no BTF, which `iter: {word}` needs");
        return Some(KernelError::new(Place::Hook, message, "use a kernel with CONFIG_DEBUG_INFO_BTF"));
    };
    if btf.find(Named::Func, &function(items)).is_some() {
        return None;
    }
    let there = Items::WORDS.iter().filter(|(items, _)| btf.find(Named::Func, &function(*items)).is_some());
    let there: Vec<String> = there.map(|(_, word)| format!("`{word}`")).collect();
    let help = match there.is_empty() {
        true => format!("`{word}` came with Linux {}", since(items)),
        false => format!("`{word}` came with Linux {}; this kernel has {}", since(items), there.join(", ")),
    };
    Some(KernelError::new(Place::Target, format!("this kernel has no iterator `{word}`"), help))
}

fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let items = items_of(hook)?;
    let prototype = host.btf().and_then(|btf| Prototype::of_function(btf, &function(items)));
    match prototype {
        Some(prototype) => Ok(Scope::Item(ItemScope { items, prototype })),
        None => Err(missing(hook, host).unwrap_or_else(|| misplaced(hook))),
    }
}

/// The verifier checks a program against the iterator that it is for.
fn prepare(object: &mut OpenObject, function: &str, hook: &Hook, _: &Host) -> Result<(), KernelError> {
    let word = items_of(hook)?.word();
    let mut programs = object.progs_mut();
    let Some(mut program) = programs.find(|program| program.name() == function) else { return Ok(()) };
    program.set_attach_target(0, Some(word.to_owned())).map_err(|error| {
        KernelError::at(Place::Target, format!("failed to find the iterator `{word}` in the kernel's BTF: {error:#}"))
    })
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, _: &Host) -> Result<Attachment, KernelError> {
    let word = items_of(hook)?.word();
    match link::create(program.as_fd().as_raw_fd(), 0, libbpf_sys::BPF_TRACE_ITER, 0) {
        Ok(link) => Ok(Attachment::new(Hold::Fd(link), hook.clone())),
        Err(code) => {
            let message = format!("failed to set up the iterator `{word}`: {}", describe(code));
            let help = matches!(code, libc::EPERM | libc::EACCES).then(|| privilege_help("CAP_BPF and CAP_PERFMON"));
            Err(KernelError::at(Place::Target, message).maybe_help(help))
        }
    }
}
