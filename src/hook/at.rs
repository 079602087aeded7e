// SPDX-License-Identifier: MIT OR Apache-2.0
//! `at`: which end of a call a hook is at.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::forms::plain_enum;
use crate::config::{Cx, codes};
use crate::spec::{CallEnd, HookKind};

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = plain_enum)]
pub(super) enum RawEnd {
    /// Before it does anything.
    Entry,
    /// When it is done.
    Return,
    /// Both, as one event.
    Span,
}

/// The end that the file names, or `usual`; `None`, and reported, for what this build does not have.
pub(super) fn end(cx: &mut Cx<'_>, kind: HookKind, at: Option<RawEnd>, usual: CallEnd) -> Option<CallEnd> {
    match at {
        None => Some(usual),
        Some(RawEnd::Entry) => Some(CallEnd::Entry),
        Some(RawEnd::Return) => Some(CallEnd::Return),
        Some(RawEnd::Span) => {
            let span = cx.value(&["hook", kind.word(), "at"]);
            let problem = cx.error(codes::UNKNOWN_WORD, span, "`at: span` is not supported yet");
            let help = if kind == HookKind::Syscall {
                "use `at: return`: a system call still has its arguments there"
            } else {
                "use `at: entry` for the arguments, or `at: return` for `retval`"
            };
            cx.report(problem.label("comes in a later version").help(help));
            None
        }
    }
}
