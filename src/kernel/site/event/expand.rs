// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events that names and globs stand for, and the first of several that there is.

use std::collections::BTreeSet;

use super::names::names_in;
use crate::catalog::{Btf, Named as Kind, Type};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::kernel::site::targets::{Named, Names, matching, none_of};
use crate::spec::{Place, TracepointName};
use crate::words::{matches_glob, nearest};

/// A category whose entries are formats of records, and no tracepoints.
const NO_EVENTS: &str = "ftrace";

/// The tracepoints of these names.
pub(in crate::kernel) fn named_tracepoints(patterns: &[String], host: &Host) -> Named {
    let all = match all_tracepoints(host) {
        Ok(all) => all,
        Err(error) => return (Names::new(), vec![error]),
    };
    matching(patterns, "tracepoint of this kernel", |glob| fitting(all.iter().map(String::as_str), glob))
}

/// `category:name` of each.
fn all_tracepoints(host: &Host) -> Result<Vec<String>, KernelError> {
    let events = host.tracefs().map_err(|refusal| KernelError::of(Place::Target, refusal))?.join("events");
    let categories = names_in(&events).into_iter().filter(|category| category != NO_EVENTS);
    let of_category = |category: String| {
        let folder = events.join(&category);
        let names = names_in(&folder).into_iter().filter(|name| !matches!(name.as_str(), "enable" | "filter"));
        names.map(|name| format!("{category}:{name}")).collect::<Vec<_>>()
    };
    Ok(categories.flat_map(of_category).collect())
}

/// The first of these tracepoints that this kernel has.
pub(in crate::kernel) fn first_tracepoint(names: &[String], host: &Host) -> Result<String, KernelError> {
    host.tracefs().map_err(|refusal| KernelError::of(Place::Target, refusal))?;
    let is_there = |name: &&String| TracepointName::parse(name).is_some_and(|name| host.tracepoint(&name).is_ok());
    let found = names.iter().find(is_there).cloned();
    let help = |name: &String| host.tracepoint(&TracepointName::parse(name)?).err()?.help;
    found.ok_or_else(|| none_of(names, "this kernel", "tracepoints", help))
}

/// The raw tracepoints of these names.
pub(in crate::kernel) fn named_raw_tracepoints(patterns: &[String], host: &Host) -> Named {
    let list = |glob: Option<&str>| host.btf_names(Kind::Typedef, "btf_trace_", glob);
    matching(patterns, "raw tracepoint of this kernel", list)
}

/// The first of these raw tracepoints that this kernel has.
pub(in crate::kernel) fn first_raw_tracepoint(names: &[String], host: &Host) -> Result<String, KernelError> {
    let found = names.iter().find(|name| host.may_have_raw_tracepoint(name)).cloned();
    found.ok_or_else(|| none_of(names, "this kernel", "raw tracepoints", |name| host.nearest_raw_tracepoint(name)))
}

/// What the kernel calls the function of a security hook.
const LSM: &str = "bpf_lsm_";

/// The security hooks of these names.
pub(in crate::kernel) fn named_security_hooks(patterns: &[String], host: &Host) -> Named {
    let known = host.security_hooks();
    matching(patterns, "security hook of this kernel", |glob| fitting(known.iter().map(String::as_str), glob))
}

/// The first of these security hooks that this kernel has.
pub(in crate::kernel) fn first_security_hook(names: &[String], host: &Host) -> Result<String, KernelError> {
    let found = names.iter().find(|name| host.has_security_hook(name)).cloned();
    found.ok_or_else(|| none_of(names, "this kernel", "security hooks", |name| host.nearest_security_hook(name)))
}

impl Host {
    /// What follows `prefix` in the names of this kernel's BTF, sorted.
    fn btf_names(&self, kind: Kind, prefix: &str, glob: Option<&str>) -> Vec<String> {
        let Some(btf) = self.btf() else { return Vec::new() };
        fitting(btf.all(kind).filter_map(|id| btf.name(id).strip_prefix(prefix)), glob)
    }

    /// True where BPF programs can be at this security hook (`CONFIG_BPF_LSM`, Linux 5.7).
    pub(in crate::kernel) fn has_security_hook(&self, name: &str) -> bool {
        let has_function = |btf: &Btf| btf.find(Kind::Func, &format!("{LSM}{name}")).is_some();
        self.btf().is_some_and(has_function) && self.is_asked_of_modules()(name)
    }

    /// The name of every security hook that this kernel has for BPF.
    pub(in crate::kernel) fn security_hooks(&self) -> Vec<String> {
        let mut names = self.btf_names(Kind::Func, LSM, None);
        let is_asked = self.is_asked_of_modules();
        names.retain(|name| is_asked(name));
        names
    }

    /// True for what the kernel asks its security modules: the code of BPF among them has functions of its own (`bpf_lsm_func_proto`).
    fn is_asked_of_modules(&self) -> impl Fn(&str) -> bool {
        let members = |btf: &Btf| match btf.resolve(btf.find(Kind::Composite, "security_list_options")?).1 {
            Type::Composite { members, .. } => Some(members.into_iter().map(|member| member.name).collect()),
            _other => None,
        };
        let known: Option<BTreeSet<String>> = self.btf().and_then(members);
        move |name| known.as_ref().is_none_or(|known| known.contains(name))
    }

    /// The name of a security hook that was probably meant.
    pub(in crate::kernel) fn nearest_security_hook(&self, name: &str) -> Option<String> {
        let known = self.security_hooks();
        nearest(name, known.iter().map(String::as_str)).map(|found| format!("did you mean `{found}`?"))
    }
}

fn fitting<'n>(names: impl Iterator<Item = &'n str>, glob: Option<&str>) -> Vec<String> {
    let mut found: Vec<String> =
        names.filter(|name| glob.is_none_or(|glob| matches_glob(glob, name))).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}
