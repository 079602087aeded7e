// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hook offers: the names of its own that an expression can begin with.

use super::builtin::builtin_names;
use super::function::FunctionScope;
use super::kernel_types::Types;
use super::network::NetworkScope;
use super::path::Reached;
use super::record::RecordScope;
use super::syscall::SyscallScope;
use super::usdt::UsdtScope;
use crate::words::{Refusal, suggest};

/// What can be read where a probe hooks.
pub enum Scope<'a> {
    /// Nothing of its own: an instruction inside a function has registers, but no argument has a name any more.
    Inside,
    /// Arguments, and what was returned.
    Function(FunctionScope<'a>),
    /// The fields of a tracepoint.
    Record(RecordScope),
    /// Arguments and results of system calls.
    Syscall(SyscallScope),
    /// The arguments of a USDT probe.
    Usdt(UsdtScope),
    /// The packet or the call at hand.
    Network(NetworkScope),
}

impl<'a> Scope<'a> {
    /// What a name of the hook's own stands for; `None` where it has none of that name. `types` are the kernel's.
    pub(super) fn own(&self, name: &str, types: Types<'a>) -> Result<Option<Reached<'a>>, Refusal> {
        match self {
            Self::Inside => Ok(None),
            Self::Function(function) => Ok(function.own(name)?.map(Reached::Place)),
            Self::Record(record) => Ok(record.own(name, types).map(Reached::Place)),
            Self::Syscall(syscall) => Ok(syscall.own(name, types).map(Reached::Place)),
            Self::Usdt(probe) => Ok(probe.own(name)?.map(Reached::Place)),
            Self::Network(network) => Ok(network.own(name)),
        }
    }

    /// True for a name of the hook's own.
    pub fn has(&self, name: &str, types: Types<'a>) -> bool {
        matches!(self.own(name, types), Ok(Some(_)))
    }

    /// True for a name that hooks of the kind have, and this one does not: the result of a function that returns nothing, an argument
    /// behind its last one.
    pub(super) fn lacks(&self, name: &str) -> bool {
        match self {
            Self::Function(function) => function.lacks(name),
            Self::Inside | Self::Record(_) | Self::Syscall(_) | Self::Usdt(_) | Self::Network(_) => false,
        }
    }

    /// False where the program is called for a packet, whatever process runs there.
    pub fn runs_in_process(&self) -> bool {
        match self {
            Self::Inside | Self::Function(_) | Self::Record(_) | Self::Syscall(_) | Self::Usdt(_) => true,
            Self::Network(network) => network.runs_in_process(),
        }
    }

    /// False where the kernel gives a program no stack.
    pub(super) fn has_stacks(&self) -> bool {
        match self {
            Self::Inside | Self::Function(_) | Self::Record(_) | Self::Syscall(_) | Self::Usdt(_) => true,
            Self::Network(_) => false,
        }
    }

    /// True where the event is a system call, whose number the program can tell.
    pub(super) fn has_syscalls(&self) -> bool {
        match self {
            Self::Inside | Self::Function(_) | Self::Record(_) | Self::Usdt(_) | Self::Network(_) => false,
            Self::Syscall(syscall) => !syscall.as_tracepoint,
        }
    }

    /// That there is no such name.
    pub(super) fn unknown(&self, name: &str) -> Refusal {
        match self {
            Self::Inside => Refusal::new(format!(
                "there is no `{name}` inside a function: with an `offset`, arguments have no names"
            ))
            .maybe_help(suggest(name, builtin_names(), "there are")),
            Self::Function(function) => function.unknown(name),
            Self::Record(record) => record.unknown(name),
            Self::Syscall(syscall) => syscall.unknown(name),
            Self::Usdt(probe) => probe.unknown(name),
            Self::Network(network) => network.unknown(name),
        }
    }
}
