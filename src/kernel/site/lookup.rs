// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of every site: what patterns stand for there, which of several names it has, whether it is missing.

use super::targets::{Named, Names};
use super::{binary, cgroup, event, function, interface, syscall};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::spec::{Place, Site};

/// The targets that names, globs and `@default-route` stand for. `takes_entry` is false where a function that nothing has called
/// cannot be one.
pub(in crate::kernel) fn named(site: &Site, patterns: &[String], takes_entry: bool, host: &Host) -> Named {
    match site {
        Site::Interface { .. } | Site::Traffic { .. } => interface::named(patterns),
        Site::Cgroup { .. } => cgroup::named(patterns),
        Site::Function { .. } | Site::Call { .. } => function::named(patterns, host),
        Site::Syscall(_) => syscall::named(patterns),
        Site::Binary(point) => {
            let found = host.binaries.of(point).and_then(|file| match binary::probe_of(&point.place) {
                Some(_) => binary::named_probes(patterns, &file),
                None => binary::named(patterns, takes_entry, &file),
            });
            found.unwrap_or_else(|error| (Names::new(), vec![error]))
        }
        Site::Event(_) => event::named_tracepoints(patterns, host),
        Site::RawEvent(_) => event::named_raw_tracepoints(patterns, host),
        Site::SecurityHook(_) => event::named_security_hooks(patterns, host),
        // They have no names.
        Site::Timer(_) | Site::Profile(_) | Site::Perf { .. } | Site::Items(_) => (Names::new(), Vec::new()),
    }
}

/// The first of these that is there.
pub(in crate::kernel) fn first_of(site: &Site, names: &[String], host: &Host) -> Result<String, KernelError> {
    match site {
        Site::Function { .. } | Site::Call { .. } => function::first_of(names, host),
        Site::Syscall(_) => syscall::first_of(names),
        Site::Binary(point) if binary::probe_of(&point.place).is_some() => {
            binary::first_probe(names, &host.binaries.of(point)?)
        }
        Site::Binary(point) => binary::first_of(names, &host.binaries.of(point)?),
        Site::Event(_) => event::first_tracepoint(names, host),
        Site::RawEvent(_) => event::first_raw_tracepoint(names, host),
        Site::SecurityHook(_) => event::first_security_hook(names, host),
        Site::Interface { .. } | Site::Traffic { .. } => interface::first_of(names, host),
        Site::Cgroup { .. } => cgroup::first_of(names),
        Site::Timer(_) | Site::Profile(_) | Site::Perf { .. } | Site::Items(_) => {
            Err(KernelError::at(Place::Hook, format!("`{site}` has no names to choose from")))
        }
    }
}

/// True where it is not there, and may come: an interface, a binary, a function or tracepoint of a module.
pub(in crate::kernel) fn is_missing(site: &Site, host: &Host) -> bool {
    match site {
        Site::Interface { name, .. } | Site::Traffic { interface: name, .. } => host.interface_index(name).is_none(),
        Site::Cgroup { path, .. } => cgroup::find(path).is_none(),
        Site::Function { symbol, .. } | Site::Call { symbol, .. } => host.kernel_symbol(symbol).count == 0,
        Site::Event(name) => host.tracefs().is_ok() && host.tracepoint(name).is_err(),
        Site::RawEvent(name) => !host.may_have_raw_tracepoint(name),
        // All of them are the kernel's own.
        Site::SecurityHook(_) => false,
        Site::Binary(point) => host.binaries.open(&point.binary).is_err(),
        Site::Syscall(_) | Site::Timer(_) | Site::Profile(_) | Site::Perf { .. } | Site::Items(_) => false,
    }
}
