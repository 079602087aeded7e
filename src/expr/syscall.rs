// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments and results of system calls, as names that expressions begin with.

use super::builtin::builtin_names;
use super::kernel_types::Types;
use super::path::{Place, Ty};
use super::record::scalar;
use super::tracepoint::TraceField;
use crate::spec::{CallEnd, FetchSource};
use crate::words::{Refusal, suggest};

/// Arguments that a system call can have.
const MOST_ARGUMENTS: usize = 6;

/// What system calls offer, at one of their ends.
pub struct SyscallScope {
    /// `openat`, for messages.
    pub name: String,
    /// Its arguments, each in a register of eight bytes; `None`: nobody tells, they are only known by number. Of several calls,
    /// those of the first: what is named is in the same place at all of them.
    pub arguments: Option<Vec<TraceField>>,
    /// False for several, whose arguments by number are of no common type.
    pub is_one: bool,
    /// At which end.
    pub end: CallEnd,
    /// True where the fields of a tracepoint are named: `ret` is what was returned, `__syscall_nr` the number, and the return has
    /// no arguments.
    pub as_tracepoint: bool,
}

impl SyscallScope {
    /// The place of one of its own names; `None` where it has none of that name.
    pub(super) fn own<'a>(&self, name: &str, types: Types<'a>) -> Option<Place<'a>> {
        let number = |size, source| Place::register(source, Ty::Int { size, signed: true });
        match (name, self.end, self.as_tracepoint) {
            ("retval", CallEnd::Return, false) | ("ret", CallEnd::Return, true) => {
                return Some(number(8, FetchSource::Return));
            }
            ("__syscall_nr", _, true) => return Some(number(4, FetchSource::SyscallNumber)),
            (_, CallEnd::Return, true) => return None,
            (_, CallEnd::Entry | CallEnd::Return, _) => {}
        }
        let arguments = self.arguments.as_deref().unwrap_or_default();
        let by_name = arguments.iter().position(|argument| argument.name == name);
        let index = by_name.or_else(|| self.numbered(name))?;
        let ty = match arguments.get(index) {
            Some(argument) if by_name.is_some() || self.is_one => scalar(argument, types),
            Some(_) | None => Ty::Int { size: 8, signed: false },
        };
        // What a system call was given is the process's, whatever it says.
        Some(Place::register(FetchSource::Argument(index as u8), ty).of_user())
    }

    /// 2 of `arg2`
    fn numbered(&self, name: &str) -> Option<usize> {
        let digits = name.strip_prefix("arg").filter(|_| !self.as_tracepoint)?;
        digits.parse().ok().filter(|index| *index < MOST_ARGUMENTS && digits.len() == 1)
    }

    /// That it has no such name.
    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let message = match (&self.arguments, self.as_tracepoint) {
            (_, true) => format!("tracepoint `{}` has no field `{name}`", self.name),
            (Some(_), false) => format!("system call `{}` has no argument `{name}`", self.name),
            (None, false) => {
                format!("there is no `{name}`: this kernel does not tell the arguments of `{}`", self.name)
            }
        };
        let mut known: Vec<&str> = Vec::new();
        if !self.as_tracepoint || self.end == CallEnd::Entry {
            known.extend(self.arguments.iter().flatten().map(|argument| argument.name.as_str()));
        }
        let result = match (self.end, self.as_tracepoint) {
            (CallEnd::Entry, _) => None,
            (CallEnd::Return, true) => Some("ret"),
            (CallEnd::Return, false) => Some("retval"),
        };
        result.into_iter().for_each(|name| known.push(name));
        builtin_names().for_each(|name| known.push(name));
        Refusal::new(message).maybe_help(suggest(name, known.iter().copied(), "there are"))
    }
}
