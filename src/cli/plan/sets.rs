// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sets that a probe asks for: how much is in them now, who asks them, what they take.

use serde_json::{Value, json};

use super::Planned;
use crate::catalog::SetMapKind;
use crate::config::{Config, set_lines};
use crate::files::read_list;
use crate::kernel::SetMap;
use crate::spec::{FieldType, Formula, SetName, SetSource, SetSpec, SetUse, StepTest};
use crate::words::path_text;

/// One set.
pub(super) struct PlannedSet<'a> {
    asked: &'a SetUse,
    spec: &'a SetSpec,
    /// How many entries it has now; `None` where that is not known.
    entries: Option<usize>,
    /// Why its file cannot be read.
    why: Option<String>,
    in_kernel: bool,
    in_user_space: bool,
    kernel_bytes: u64,
}

/// Those that a probe asks for.
pub(super) fn of<'a>(probe: &'a Planned<'_>, config: &'a Config) -> Vec<PlannedSet<'a>> {
    let found = probe.spec.sets.iter().filter_map(|asked| {
        let spec = config.sets.iter().find(|spec| spec.name == asked.name)?;
        let (entries, why) = count(spec);
        let in_kernel = is_in_kernel(probe, &asked.name);
        let in_user_space = is_in_user_space(probe, &asked.name);
        // The path of a cgroup is a set only where the kernel asks it.
        if asked.is_of_cgroup() && !in_kernel {
            return None;
        }
        let kind = SetMapKind::of(spec.kind);
        let kernel_bytes = match &spec.source {
            SetSource::Descendants(_) => SetMap::bytes(kind, SetMap::MOST_DESCENDANTS, 0),
            SetSource::Entries(_) | SetSource::File(_) | SetSource::Cgroup(_) => {
                let entries = entries.unwrap_or(0);
                SetMap::bytes(kind, SetMap::room_for(entries), entries)
            }
        };
        Some(PlannedSet { asked, spec, entries, why, in_kernel, in_user_space, kernel_bytes })
    });
    found.collect()
}

/// How many entries a set has now, or why that is not known.
fn count(spec: &SetSpec) -> (Option<usize>, Option<String>) {
    match &spec.source {
        SetSource::Entries(entries) => (Some(entries.len()), None),
        SetSource::File(path) => match read_list(path, false) {
            Ok(list) => (Some(set_lines(spec.kind, &list.bytes, false).entries.len()), None),
            Err(why) => (None, Some(why)),
        },
        SetSource::Cgroup(_) => (Some(1), None),
        SetSource::Descendants(_) => (None, None),
    }
}

fn is_in_kernel(probe: &Planned<'_>, name: &SetName) -> bool {
    let mut steps = probe.prepared.iter().flat_map(|prepared| &prepared.steps);
    steps.any(|step| matches!(&step.test, StepTest::Set(set, _) if set == name))
}

fn is_in_user_space(probe: &Planned<'_>, name: &SetName) -> bool {
    let mut layouts = probe.prepared.iter().filter_map(|prepared| prepared.layout.as_ref());
    layouts.any(|layout| {
        let calculated = layout.fields.iter().filter_map(|field| match &field.kind {
            FieldType::Computed(formula, ..) => Some(&**formula),
            _read => None,
        });
        calculated.chain(layout.filter.as_deref()).any(|formula| asks(formula, name))
    })
}

/// Whether a formula asks for a set.
fn asks(formula: &Formula, name: &SetName) -> bool {
    matches!(formula, Formula::InSet { set, .. } if set == name)
        || formula.parts().into_iter().any(|part| asks(part, name))
}

impl PlannedSet<'_> {
    /// Who looks values up in it.
    fn asked_in(&self) -> &'static str {
        match (self.in_kernel, self.in_user_space) {
            (true, true) => "asked in the kernel and in user space",
            (true, false) => "asked in the kernel",
            (false, _) => "asked in user space",
        }
    }

    /// `watched: 12 entries of `/etc/ebpf-run/watched.txt`, followed; asked in the kernel; map of 25 KiB`
    pub(super) fn line(&self, size: impl Fn(u64) -> String) -> String {
        let entries = match self.entries {
            Some(1) => "1 entry".to_owned(),
            Some(count) => format!("{count} entries"),
            None => "no entries yet".to_owned(),
        };
        let content = match &self.spec.source {
            SetSource::Entries(_) => format!("{entries} in the configuration"),
            SetSource::File(path) => {
                let why = self.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                format!("{entries} from `{}`{why}, which is followed", path_text(path))
            }
            SetSource::Cgroup(_) => "the id of that cgroup".to_owned(),
            SetSource::Descendants(root) => {
                format!(
                    "process {root} and those that descend from it, kept by the kernel: at most {}",
                    SetMap::MOST_DESCENDANTS
                )
            }
        };
        let (kind, asked) = (self.spec.kind.word(), self.asked_in());
        format!("{} ({kind}): {content}; {asked}; map of {}", self.asked.word, size(self.kernel_bytes))
    }

    /// The same for machines.
    pub(super) fn json(&self) -> Value {
        let (file, descendants) = match &self.spec.source {
            SetSource::File(path) => (Some(path), None),
            SetSource::Descendants(root) => (None, Some(root)),
            SetSource::Entries(_) | SetSource::Cgroup(_) => (None, None),
        };
        json!({
            "name": self.asked.word,
            "kind": self.spec.kind.word(),
            "file": file,
            "descendants": descendants,
            "entries": self.entries,
            "unreadable": self.why,
            "in_kernel": self.in_kernel,
            "in_user_space": self.in_user_space || !self.in_kernel,
            "kernel_bytes": self.kernel_bytes,
        })
    }
}
