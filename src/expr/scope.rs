// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hook offers: the names of its own that an expression can begin with.

use super::builtin::builtin_names;
use super::function::FunctionScope;
use super::item::{Instead, ItemScope};
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
    /// Nothing of its own: what happens is that a CPU's counter has come to a number.
    Machine(MachineScope),
    /// An item of a snapshot.
    Item(ItemScope<'a>),
}

/// What a counter of a CPU offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineScope {
    /// False for a clock that has nothing to do with what runs.
    pub has_process: bool,
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
            Self::Machine(_) => Ok(None),
            Self::Item(item) => Ok(item.own(name).map(Reached::Place)),
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
            Self::Inside
            | Self::Record(_)
            | Self::Syscall(_)
            | Self::Usdt(_)
            | Self::Network(_)
            | Self::Machine(_)
            | Self::Item(_) => false,
        }
    }

    /// What a name stands for that is a path in the language itself.
    pub(super) fn instead(&self, name: &str) -> Option<Instead> {
        if let Self::Item(item) = self { item.instead(name) } else { None }
    }

    /// True where the event is an item of a snapshot, and its process that of the item.
    pub(super) fn has_items_process(&self) -> bool {
        matches!(self, Self::Item(item) if item.items.have_process())
    }

    /// That a builtin is about a process, and none has to do with the event.
    pub(super) fn no_process(&self, name: &str) -> Refusal {
        let (why, help) = match self {
            Self::Machine(_) => {
                ("a timer fires in whichever process runs then", "`profile` has the process that each CPU runs")
            }
            Self::Item(_) => {
                ("these do not belong to a process", "`iter: task` and `iter: task_file` are about processes")
            }
            Self::Inside
            | Self::Function(_)
            | Self::Record(_)
            | Self::Syscall(_)
            | Self::Usdt(_)
            | Self::Network(_) => ("no process runs where packets arrive", "a `cgroup` hook knows whose socket it is"),
        };
        Refusal::new(format!("`{name}` has no meaning at this hook: {why}")).help(help)
    }

    /// False where the program is called for a packet, a timer or an item of a snapshot that is no process's, whatever process runs there.
    pub fn runs_in_process(&self) -> bool {
        match self {
            Self::Inside | Self::Function(_) | Self::Record(_) | Self::Syscall(_) | Self::Usdt(_) => true,
            Self::Network(network) => network.runs_in_process(),
            Self::Machine(machine) => machine.has_process,
            Self::Item(item) => item.items.have_process(),
        }
    }

    /// False where the kernel gives a program no stack.
    pub(super) fn has_stacks(&self) -> bool {
        match self {
            Self::Inside | Self::Function(_) | Self::Record(_) | Self::Syscall(_) | Self::Usdt(_) => true,
            Self::Machine(machine) => machine.has_process,
            // The thread of an item does not run here.
            Self::Network(_) | Self::Item(_) => false,
        }
    }

    /// True where the event is a system call, whose number the program can tell.
    pub(super) fn has_syscalls(&self) -> bool {
        match self {
            Self::Inside
            | Self::Function(_)
            | Self::Record(_)
            | Self::Usdt(_)
            | Self::Network(_)
            | Self::Machine(_)
            | Self::Item(_) => false,
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
            Self::Machine(_) => Refusal::new(format!("there is no `{name}`: this hook has no names of its own"))
                .maybe_help(suggest(name, builtin_names(), "there are")),
            Self::Item(item) => item.unknown(name),
        }
    }
}
