// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hook offers: the names that an expression can begin with.

use super::access::Place;
use super::builtin::{BUILTINS, builtin};
use super::foreign;
use super::function::FunctionScope;
use super::record::RecordScope;
use crate::words::{Refusal, suggest};

/// What can be read where a probe hooks.
pub enum Scope<'a> {
    /// Nothing of its own: an instruction inside a function has registers, but no argument has a name any more.
    Inside,
    /// Arguments, and what was returned.
    Function(FunctionScope<'a>),
    /// The fields of a tracepoint.
    Record(RecordScope),
}

impl<'a> Scope<'a> {
    /// The place that a first name stands for. The hook's own names come before the builtins: `pid` of
    /// `sched:sched_wakeup` is the field (the event has the builtin anyway).
    pub(super) fn base(&self, name: &str) -> Result<Place<'a>, Refusal> {
        let own = match self {
            Self::Inside => None,
            Self::Function(function) => function.own(name)?,
            Self::Record(record) => record.own(name),
        };
        own.or_else(|| builtin(name))
            .ok_or_else(|| self.unknown(name).maybe_help(foreign::name(name).map(str::to_owned)))
    }

    fn unknown(&self, name: &str) -> Refusal {
        match self {
            Self::Inside => Refusal::new(format!(
                "there is no `{name}` inside a function: with an `offset`, arguments have no names"
            ))
            .maybe_help(suggest(name, BUILTINS, "there are")),
            Self::Function(function) => function.unknown(name),
            Self::Record(record) => record.unknown(name),
        }
    }
}
