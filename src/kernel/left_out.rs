// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the globs of a probe match and nobody can trace: it is left out of the targets, and named.

use std::collections::BTreeMap;

use super::error::KernelError;
use super::hook::of;
use super::host::Host;
use super::site::binary;
use super::site::function::can_be_named;
use crate::spec::{Hook, Place, ProbeSpec, Site, Targets};
use crate::words::{list, matches_glob};

/// How many are named for one reason.
const NAMED: usize = 8;

/// Names with the reason why each cannot be a target.
pub(super) type LeftOut = BTreeMap<String, &'static str>;

/// What each glob of a probe matches besides its targets, in a sentence about the entry of the file; nothing where that is nothing.
pub fn left_out(spec: &ProbeSpec, host: &Host) -> Vec<KernelError> {
    let (Some(hook), Targets::Each(patterns)) = (&spec.hook, &spec.targets) else { return Vec::new() };
    let globs: Vec<&str> = patterns.iter().map(String::as_str).filter(|name| Targets::is_pattern(name)).collect();
    let tell = |(glob, mut names): (&&str, LeftOut)| {
        // One that is named is a target, and says itself why it cannot be one.
        names.retain(|name, _| !patterns.contains(name));
        (!names.is_empty()).then(|| KernelError::at(Place::Entry((*glob).to_owned()), sentence(glob, &names)))
    };
    globs.iter().zip(unfit(hook, &globs, host)).filter_map(tell).collect()
}

/// `` `vfs_*` leaves out 3 functions that cannot be traced: `a`, `b` (several functions have their name), `c` (…) ``
fn sentence(glob: &str, names: &LeftOut) -> String {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    names.iter().for_each(|(name, why)| reasons.entry(why).or_default().push(name));
    let part = |(why, names): (&str, Vec<&str>)| format!("{} ({why})", list(names, NAMED));
    let parts: Vec<String> = reasons.into_iter().map(part).collect();
    let what = if names.len() == 1 { "1 match that" } else { &format!("{} matches that", names.len()) };
    format!("`{glob}` leaves out {what} cannot be traced: {}", parts.join(", "))
}

/// For each glob, what it matches and cannot be a target.
fn unfit(hook: &Hook, globs: &[&str], host: &Host) -> Vec<LeftOut> {
    let kind = of(hook.kind);
    match &hook.site {
        Site::Function { .. } | Site::Call { .. } => {
            let traceable = host.traceable_functions();
            let reason = |name: &str| match traceable {
                Some(list) if !list.contains(name) => Some("ftrace does not trace them"),
                Some(_) | None => (kind.unfit)(name, host),
            };
            let mut found = vec![LeftOut::new(); globs.len()];
            for (name, _) in host.functions().filter(|(name, _)| can_be_named(name)) {
                for (_, found) in globs.iter().zip(&mut found).filter(|(glob, _)| matches_glob(glob, name)) {
                    found.extend(reason(name).map(|why| (name.to_owned(), why)));
                }
            }
            found
        }
        Site::Binary(point) if binary::probe_of(&point.place).is_none() => {
            let found = host.binaries.of(point).and_then(|file| binary::unfit(globs, kind.takes_entry, &file));
            // What is wrong with the file is said where its functions are looked up.
            found.unwrap_or_else(|_| vec![LeftOut::new(); globs.len()])
        }
        Site::SecurityHook(_) => {
            let of_glob = |glob: &&str| {
                let names = host.security_hooks().into_iter().filter(|name| matches_glob(glob, name));
                names.filter_map(|name| (kind.unfit)(&name, host).map(|why| (name, why))).collect()
            };
            globs.iter().map(of_glob).collect()
        }
        // Whatever a glob matches there is a target.
        Site::Interface { .. }
        | Site::Traffic { .. }
        | Site::Cgroup { .. }
        | Site::Event(_)
        | Site::RawEvent(_)
        | Site::Binary(_)
        | Site::Syscall(_)
        | Site::Timer(_)
        | Site::Profile(_)
        | Site::Perf { .. }
        | Site::Items(_) => vec![LeftOut::new(); globs.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bounded list for each reason, and how many there are.
    #[test]
    fn sentences() {
        let one = LeftOut::from([("vfs_a".to_owned(), "ftrace does not trace them")]);
        let said = "`vfs_*` leaves out 1 match that cannot be traced: `vfs_a` (ftrace does not trace them)";
        assert_eq!(sentence("vfs_*", &one), said);
        let mut many: LeftOut = (0..10).map(|at| (format!("vfs_{at}"), "several functions have their name")).collect();
        many.extend(one);
        let said = sentence("vfs_*", &many);
        assert!(said.starts_with("`vfs_*` leaves out 11 matches that cannot be traced: `vfs_a` (ftrace"), "{said}");
        assert!(said.ends_with("`vfs_7` and 2 more (several functions have their name)"), "{said}");
    }
}
