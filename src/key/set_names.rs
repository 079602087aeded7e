// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sets that the expressions of a probe ask for.

use super::definition::Checking;
use crate::config::{NamedSet, Node, codes};
use crate::expr::{SetMention, set_mentions};
use crate::spec::{Expr, SetKind, SetName, SetSource, SetSpec, SetUse};

/// The largest process id that Linux gives.
const MAX_PID: u64 = 1 << 22;

/// Notes the sets that an expression asks for. False, and said, where one of them cannot be used.
pub(super) fn note_sets(checking: &mut Checking<'_>, expr: &Expr, written: &Node) -> bool {
    let mut all_known = true;
    for mention in set_mentions(expr) {
        let found = match mention {
            SetMention::Cgroup(path) => match SetUse::of_cgroup(&path) {
                Some((found, spec)) => {
                    checking.run.add_set(&spec);
                    Some(found)
                }
                // User space decides: there is no such cgroup.
                None => continue,
            },
            SetMention::Named(name, range) => match checking.sets.find(&name) {
                NamedSet::Known(found) => Some(found),
                NamedSet::Broken => None,
                NamedSet::Unknown(help) => {
                    let message = format!("unknown set `{name}`");
                    let problem = checking.cx.error(codes::UNKNOWN_SET, written.part(&range), message);
                    checking.cx.report(problem.maybe_help(help));
                    None
                }
            },
            SetMention::Descendants(pid, range) => {
                match u32::try_from(pid).ok().filter(|_| (1..=MAX_PID).contains(&pid)) {
                    Some(pid) => Some(descendants(checking, pid)),
                    None => {
                        let message = format!("`{pid}` is not the id of a process: 1 to {MAX_PID}");
                        let problem = checking.cx.error(codes::SET_ENTRY, written.part(&range), message);
                        checking.cx.report(problem);
                        None
                    }
                }
            }
        };
        match found {
            Some(found) => checking.then(move |draft| {
                if !draft.spec.sets.contains(&found) {
                    draft.spec.sets.push(found.clone());
                }
            }),
            None => all_known = false,
        }
    }
    all_known
}

/// The set of a process and those below it: the same for all that ask for it.
fn descendants(checking: &mut Checking<'_>, pid: u32) -> SetUse {
    let word = format!("descendants({pid})");
    let name = SetName(word.as_str().into());
    checking.run.add_set(&SetSpec { name: name.clone(), kind: SetKind::Pid, source: SetSource::Descendants(pid) });
    SetUse { word, name, kind: SetKind::Pid }
}
