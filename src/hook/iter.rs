// SPDX-License-Identifier: MIT OR Apache-2.0
//! `iter`: a snapshot of what the kernel has: threads, open files, sockets, BPF programs and maps.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::kind::{Kind, as_written, no_claim};
use crate::config::Cx;
use crate::config::forms::form_with;
use crate::spec::{Hook, HookKind, Items, Site, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Iter,
    doc: "A snapshot, one event for each of what there is: `task` (threads), `task_file` (their open files), `tcp` and `udp` (sockets), `bpf_prog`, \
          `bpf_map`. Taken at the start, and then at each `interval`; without `interval` once, and a run of such probes alone ends by itself. \
          `aggregate` counts each snapshot by itself. \
          There are `task`; `task`, `fd` and `file`; `sk_common` and `uid`; `udp_sk`, `uid` and `bucket`; `prog`, `run_count` and `run_time`; `map`. \
          At threads and files the event's process is that of the item; at the others there is none.",
    program: "trace",
    example: "iter: task",
    capture: ("cpu", "cpu"),
    how: &[],
    elsewhere: &["iterator", "snapshot"],
    at: |target| format!("iter: {target}"),
    form: |generator| form_with::<RawItems>(generator, serde_json::json!(["task", "task_file", "tcp"])),
    long: as_written,
    check,
    lacks,
    of_current_thread: |_| false,
    claim: no_claim,
};

/// One of the words of [`Items`].
#[derive(Debug)]
struct RawItems(Items);

impl<'de> Deserialize<'de> for RawItems {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let found = Items::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(items, _)| Self(*items)).ok_or_else(|| D::Error::custom("nothing of that name can be listed"))
    }
}

impl JsonSchema for RawItems {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Items".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Items::WORDS.map(|(_, word)| word).as_slice() })
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let RawItems(items) = cx.decode(&["hook", "iter"])?;
    Some((Hook { kind: HookKind::Iter, site: Site::Items(items) }, Targets::One))
}

/// What each kind has, the kernel says; these are names that people look for where they are not.
fn lacks(hook: &Hook, base: &str) -> Option<Refusal> {
    let Site::Items(items) = hook.site else { return None };
    match (items, base) {
        (Items::BpfProg, "run_count" | "run_time") => None,
        (_, "run_count" | "run_time") => {
            let message = format!("`{}` has no `{base}`", items.word());
            Some(Refusal::new(message).help("`iter: bpf_prog` has it"))
        }
        (_, "meta") => {
            let message = "`meta` tells of the reading and not of an item, so it is not offered";
            Some(Refusal::new(message))
        }
        (_, "retval" | "ret") => Some(Refusal::new(format!("a snapshot has no `{base}`: nothing was called"))),
        _other => None,
    }
}
