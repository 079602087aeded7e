// SPDX-License-Identifier: MIT OR Apache-2.0
//! A spec against this kernel's types: what the program is told, and how its records are read. Nothing is loaded yet.

use super::attach::{check_kprobes, check_uprobe, missing_target};
use super::error::KernelError;
use crate::catalog::Program;
use crate::expr::{Prototype, Scope, resolve};
use crate::kernel::host::Host;
use crate::kernel::site::interface::{LinkLayer, link_layer};
use crate::spec::{Fetch, Hook, HookKind, Layout, Place, ProbeSpec, Site, UserPlace, UserPoint};
use crate::words::suggest;

/// What a probe needs to be loaded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prepared {
    /// The work list, for a program that captures.
    pub fetches: Vec<Fetch>,
    /// The record that it emits; `None` where it emits none.
    pub layout: Option<Layout>,
    /// What packets begin with, for a program that reads them.
    pub link_layer: LinkLayer,
}

/// Resolves the captures of a probe; reports every one that this kernel does not have.
pub fn prepare(spec: &ProbeSpec, program: &Program, host: &Host) -> Result<Prepared, Vec<KernelError>> {
    if let Some(hook) = &spec.hook {
        check_target(hook, host).map_err(|error| vec![error])?;
    }
    resolve_captures(spec, program, host)
}

/// The same, whatever becomes of the target.
pub(super) fn resolve_captures(spec: &ProbeSpec, program: &Program, host: &Host) -> Result<Prepared, Vec<KernelError>> {
    let mut prepared = Prepared { layout: program.event_under(&spec.params), ..Prepared::default() };
    if let (Some(interface), Some(_)) = (spec.interface(), program.no_link_header) {
        prepared.link_layer = link_layer(interface, host).map_err(|error| vec![error])?;
    }
    let Some(head) = program.event.as_ref().filter(|_| program.captures()) else { return Ok(prepared) };
    if spec.capture.is_empty() {
        return Ok(prepared);
    }
    let scope = scope(spec, host).map_err(|error| vec![error])?;
    match resolve(&spec.capture, &scope, head) {
        Ok(resolved) => Ok(Prepared { fetches: resolved.fetches, layout: Some(resolved.layout), ..prepared }),
        Err(errors) => {
            // A target that is not there has no arguments either: say that, and only that.
            let is_lookup = spec.hook.as_ref().is_some_and(|hook| hook.symbol().is_some()) && !host.has_kprobes();
            if let Some(error) = missing_target(spec, host).filter(|_| !is_lookup) {
                return Err(vec![error]);
            }
            let blame = |(index, error): (usize, crate::expr::ResolveError)| {
                let place = Place::Capture(spec.capture[index].name.clone());
                KernelError::new(place, error.message, error.help)
            };
            Err(errors.into_iter().map(blame).collect())
        }
    }
}

/// What can be said about the target at little cost before anything is loaded.
pub(super) fn check_target(hook: &Hook, host: &Host) -> Result<(), KernelError> {
    match &hook.site {
        Site::Interface { name: interface, .. } if host.interface_index(interface).is_none() => {
            Err(missing_interface(Place::Target, interface, &host.interfaces()))
        }
        Site::Event(name) => match host.tracepoint(name) {
            Ok(_) => Ok(()),
            Err((message, help)) => Err(KernelError::new(Place::Target, message, help)),
        },
        Site::Function { symbol, .. } => check_kprobes(hook.kind, symbol, host),
        Site::Binary(point) => check_uprobe(hook.kind, point, host),
        Site::Interface { .. } | Site::RawEvent(_) => Ok(()),
    }
}

/// For a name that is none of the interfaces `known`.
pub(super) fn missing_interface(place: Place, name: &str, known: &[String]) -> KernelError {
    let names: Vec<&str> = name.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let help = match name {
        // A comma may be in an interface's name; in practice it is not.
        _ if names.len() > 1 => format!("write a list: `[{}]`", names.join(", ")),
        "any" | "all" => "`\"*\"` stands for every interface".to_owned(),
        "default" => "`\"@default-route\"` stands for the interface of the default route".to_owned(),
        _other => suggest(name, known.iter().map(String::as_str), "the interfaces are"),
    };
    KernelError::new(place, format!("there is no network interface `{name}`"), help)
}

fn scope<'a>(spec: &'a ProbeSpec, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let function = |symbol: &str| host.btf().and_then(|btf| Prototype::of_function(btf, symbol));
    let Some(hook) = &spec.hook else { return Ok(Scope::Inside) };
    Ok(match &hook.site {
        Site::Function { symbol, .. } if hook.kind == HookKind::Kretprobe => {
            Scope::Return { symbol, prototype: function(symbol) }
        }
        Site::Function { symbol, offset: 0 } => Scope::Entry { symbol, prototype: function(symbol) },
        Site::Binary(point) if hook.kind == HookKind::Uretprobe => {
            Scope::UserReturn { function: point.place.to_string() }
        }
        Site::Binary(UserPoint { place: UserPlace::Symbol { offset: 1.., .. }, .. })
        | Site::Function { .. }
        | Site::Interface { .. } => Scope::Inside,
        // A place in the file is mostly a function of a binary without symbols.
        Site::Binary(point) => Scope::UserEntry { function: point.place.to_string() },
        Site::Event(name) => {
            let fields = host.tracepoint(name);
            let fields = fields.map_err(|(message, help)| KernelError::new(Place::Target, message, help))?;
            Scope::Tracepoint { name: name.to_string(), fields }
        }
        Site::RawEvent(name) => {
            let prototype = host.btf().and_then(|btf| Prototype::of_raw_tracepoint(btf, name));
            Scope::Raw { name, prototype }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that mean several interfaces, or one of another name, lead to what is written here.
    #[test]
    fn interfaces_that_are_not_there() {
        let known = ["eth0".to_owned(), "lo".to_owned()];
        for (name, help) in [
            ("eth0,lo", "write a list: `[eth0, lo]`"),
            ("any", "`\"*\"` stands for every interface"),
            ("default", "`\"@default-route\"` stands for the interface of the default route"),
            ("eht0", "did you mean `eth0`?"),
            ("wlan", "the interfaces are `eth0`, `lo`"),
        ] {
            assert_eq!(missing_interface(Place::Target, name, &known).help, help, "{name}");
        }
    }
}
