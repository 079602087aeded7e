// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a kind of hook says of itself.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::config::Cx;
use crate::spec::{Claim, Hook, HookKind, Site, Targets};
use crate::words::Refusal;

/// One kind of hook: what is known of it without a kernel. One file of this folder each.
pub struct Kind {
    /// Which one.
    pub kind: HookKind,
    /// What it is, for the schema, the man page and editors: some sentences.
    pub doc: &'static str,
    /// The program that runs there where the file names none.
    pub program: &'static str,
    /// One in YAML, for messages: `kprobe: do_sys_openat2`.
    pub example: &'static str,
    /// A name and an expression that can be captured there, for the file to begin with.
    pub capture: (&'static str, &'static str),
    /// Its keys that say how and not where: without one of them the hook is at the same place, or near it.
    pub how: &'static [&'static str],
    /// What other tools call it.
    pub elsewhere: &'static [&'static str],
    /// The hook in YAML at a target as other tools write it: `kprobe: do_exit` for `vmlinux:do_exit`.
    pub(crate) at: fn(&str) -> String,
    /// What may stand under its key.
    pub(crate) form: fn(&mut SchemaGenerator) -> Schema,
    /// What is written under its key, with its short form and its defaults written out.
    pub(crate) long: fn(Value) -> Value,
    /// The checked hook and what its target matches; what cannot exist is reported.
    pub(crate) check: fn(&mut Cx<'_>) -> Option<(Hook, Targets)>,
    /// Why no hook of this kind has a name that captures can begin with, and what would work; `None` where one may have it.
    pub(crate) lacks: fn(&Hook, &str) -> Option<Refusal>,
    /// True where an event is what the current thread does: never an interrupt that came while it ran, never something that
    /// happens to another thread. By name, so not of each hook of which it is true.
    pub(crate) of_current_thread: fn(&Site) -> bool,
    /// What nobody else can have while it is attached.
    pub(crate) claim: fn(&Hook) -> Option<Claim>,
}

/// For kinds of which any number can be at one place.
pub(crate) fn no_claim(_: &Hook) -> Option<Claim> {
    None
}

/// For kinds with one form and no defaults.
pub(crate) fn as_written(value: Value) -> Value {
    value
}
