// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an item of a snapshot offers: the arguments of the kernel's iterator, and whose it is.

use super::builtin::BUILTINS;
use super::path::Place;
use super::prototype::Prototype;
use crate::spec::{FetchSource, FieldType, Items};
use crate::words::{Refusal, suggest};

/// Tells of the reading, and not of an item.
const OF_READING: &str = "meta";

/// What an item offers.
pub struct ItemScope<'a> {
    /// Which items.
    pub items: Items,
    /// What the kernel's iterator calls a program with: `meta` and the item.
    pub prototype: Prototype<'a>,
}

/// A name that is a path, in the language itself.
pub(super) struct Instead {
    pub(super) path: &'static str,
    pub(super) read: Read,
}

/// How what a path leads to is read.
pub(super) enum Read {
    /// As its type says.
    ByType,
    /// As an integer of this kind and so many bytes.
    Shown(FieldType, u32),
    /// Each CPU has its own: the sum of them.
    SumOfCpus(FieldType),
}

const fn shown(path: &'static str, kind: FieldType, size: u32) -> Option<Instead> {
    Some(Instead { path, read: Read::Shown(kind, size) })
}

/// The id of the thread's cgroup in the hierarchy of cgroup2, what `bpf_get_current_cgroup_id` reads of the current one.
const CGROUP_ID: &str = "task->cgroups->dfl_cgrp->kn->id";

impl<'a> ItemScope<'a> {
    /// The place of an argument.
    pub(super) fn own(&self, name: &str) -> Option<Place<'a>> {
        let index = self.prototype.params.iter().position(|(known, _)| known == name && known != OF_READING)?;
        let ty = super::path::Ty::Btf(self.prototype.btf, self.prototype.params.get(index)?.1);
        Some(Place::register(FetchSource::Argument(index as u8), ty))
    }

    /// What a name stands for that is neither an argument nor read of the process that runs.
    pub(super) fn instead(&self, name: &str) -> Option<Instead> {
        let sum = |path, kind| Some(Instead { path, read: Read::SumOfCpus(kind) });
        match (self.items, name) {
            (Items::Task | Items::TaskFile, "pid") => shown("task->tgid", FieldType::Unsigned, 4),
            (Items::Task | Items::TaskFile, "tid") => shown("task->pid", FieldType::Unsigned, 4),
            (Items::Task | Items::TaskFile, "uid") => shown("task->cred->uid.val", FieldType::Id, 4),
            (Items::Task | Items::TaskFile, "gid") => shown("task->cred->gid.val", FieldType::Id, 4),
            (Items::Task | Items::TaskFile, "comm") => Some(Instead { path: "task->comm", read: Read::ByType }),
            (Items::Task | Items::TaskFile, "cgroup") => shown(CGROUP_ID, FieldType::Cgroup, 8),
            (Items::Task | Items::TaskFile, "cgroup_id") => shown(CGROUP_ID, FieldType::Unsigned, 8),
            (Items::Task | Items::TaskFile, "container") => shown(CGROUP_ID, FieldType::Container, 8),
            // Until Linux 5.11 they were beside the rest of what a program has.
            (Items::BpfProg, "run_count") => {
                sum("first_of(prog->stats->cnt, prog->aux->stats->cnt)", FieldType::Unsigned)
            }
            (Items::BpfProg, "run_time") => {
                sum("first_of(prog->stats->nsecs, prog->aux->stats->nsecs)", FieldType::Duration)
            }
            (Items::Task | Items::TaskFile | Items::Tcp | Items::Udp | Items::BpfProg | Items::BpfMap, _) => None,
        }
    }

    /// That it has no such name.
    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let own = self.prototype.names().filter(|known| *known != OF_READING);
        let added: &[&str] = if self.items == Items::BpfProg { &["run_count", "run_time"] } else { &[] };
        let has_process = self.items.have_process();
        let builtins = BUILTINS.iter().filter(|builtin| has_process || !builtin.of_process).map(|builtin| builtin.name);
        let known: Vec<&str> = own.chain(added.iter().copied()).chain(builtins).collect();
        let message = format!("an item of `{}` has no `{name}`", self.items.word());
        Refusal::new(message).maybe_help(suggest(name, known, "there are"))
    }
}
