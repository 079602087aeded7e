// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks through the functions of a program or library.

use std::path::Path;

use super::listed::Listed;
use super::pattern::fits;
use super::query::{FoundHook, Query, Search};
use crate::catalog::{Lookup, UserProbe, Written, demangle};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::kernel::site::binary::{Opened, first, functions_around, near, of_a_source, probe_names, some, unusable};
use crate::words::list;

/// What the YAML calls a binary that a command line names: a file by its absolute path; a bare name of no file here as it is,
/// to be searched for.
pub fn binary_in_yaml(path: &Path) -> String {
    let is_bare = path.file_name().is_some_and(|name| name == path.as_os_str());
    let file = if is_bare && !path.exists() { None } else { std::path::absolute(path).ok() };
    file.as_deref().unwrap_or(path).to_string_lossy().into_owned()
}

/// Looks for probes that the source of a binary names; where its functions are listed as well, only if it has any.
pub(super) fn search_probes(kind: Listed, query: &Query<'_>, host: &Host, search: &mut Search) {
    let Some(name) = &query.binary else { return };
    let found = host.binaries.open(name).and_then(|file| Ok((probe_names(&file)?, file)));
    let (names, file) = match found {
        Ok(found) => found,
        Err(KernelError { message, .. }) => {
            if query.kinds.len() == 1 {
                search.notes.push(message);
            }
            return;
        }
    };
    let fitting: Vec<&String> = names.iter().filter(|name| fits(query.pattern, name)).collect();
    if fitting.len() > query.most {
        search.more.push((kind, fitting.len() - query.most));
    }
    let all = file.binary.probes().unwrap_or_default();
    for name in fitting.into_iter().take(query.most) {
        let is_of = |probe: &&UserProbe| name.split_once(':') == Some((probe.provider.as_str(), probe.name.as_str()));
        let sites: Vec<UserProbe> = all.iter().filter(is_of).cloned().collect();
        search.found.push(FoundHook { kind, target: name.clone(), signature: None, remark: remark(&sites, &file) });
    }
    if search.found.is_empty() {
        search.nearest.extend(query.pattern.nearest(names.iter().map(String::as_str)));
    }
}

/// What is known of the places of a probe.
fn remark(sites: &[UserProbe], file: &Opened) -> String {
    let count = sites.first().map_or(0, |site| site.arguments().len());
    let mut parts = vec![match count {
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    }];
    if sites.len() > 1 {
        parts.push(format!("{} places", sites.len()));
    }
    let around = functions_around(file, sites);
    if !around.is_empty() {
        parts.push(format!("in {}", list(around.iter().map(String::as_str), 3)));
    }
    if sites.iter().any(|site| site.semaphore != 0) {
        parts.push("has a semaphore".to_owned());
    }
    parts.join("; ")
}

/// Looks for functions of a binary. Only those that are shown are kept: it may have millions.
pub(super) fn search_binary(kind: Listed, query: &Query<'_>, host: &Host, search: &mut Search) {
    let Some(name) = &query.binary else { return };
    let found = host.binaries.open(name).and_then(|file| {
        let exact = query.pattern.word();
        let written = of_a_source(query.pattern.text);
        let of_source = |written: &Written<'_>, name: &str| {
            if query.pattern.is_glob { written.matches(name) } else { written.is_part_of(name) }
        };
        let fits = |name: &str| {
            query.pattern.matches(name) || written.as_ref().is_some_and(|written| of_source(written, name))
        };
        let first = first(&file.binary, query.most, &exact, fits);
        let all = written.as_ref().map_or(Ok(()), Written::compared_all);
        let (names, count) = all.and(first).map_err(|error| unusable(&file.path, &error))?;
        Ok((file, names, count))
    });
    let (file, names, count) = match found {
        Ok(found) => found,
        Err(KernelError { message, help: None, .. }) => return search.notes.push(message),
        Err(KernelError { message, help: Some(help), .. }) => return search.notes.push(format!("{message}: {help}")),
    };
    let binary = &file.binary;
    if binary.is_stripped() {
        search.notes.push(format!("`{}` has no function symbols: it is stripped", file.path.display()));
    }
    if count > names.len() {
        search.more.push((kind, count - names.len()));
    }
    let remark = |name: &str| match binary.find(name) {
        Ok(Lookup::One(function)) if function.chooses => {
            "selects another function when a program starts: cannot be probed".to_owned()
        }
        Ok(Lookup::Several(all)) => format!("{} functions have this name: choose one by `offset`", all.len()),
        Ok(Lookup::One(_) | Lookup::Missing) | Err(_) => String::new(),
    };
    search.found.extend(names.into_iter().map(|target| {
        let parts = [demangle(&target).unwrap_or_default(), remark(&target)];
        let remark = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        FoundHook { kind, target, signature: None, remark }
    }));
    if search.found.is_empty() {
        let nearest = |names: Vec<String>| query.pattern.nearest(names.iter().map(String::as_str));
        let close = near(binary, query.pattern.text).map(nearest);
        search.nearest.extend(close.ok().flatten().or_else(|| some(binary).ok().and_then(nearest)));
    }
}
