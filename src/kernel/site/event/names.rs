// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tracepoints of this kernel: their fields, and what was probably meant by a name that none of them has.

use std::fs;
use std::io;
use std::path::Path;

use super::tracefs::denied_help;
use crate::expr::{Prototype, TraceField, parse_format};
use crate::kernel::host::Host;
use crate::spec::TracepointName;
use crate::words::{Refusal, suggest};

impl Host {
    /// The fields of a tracepoint, from its format file.
    pub fn tracepoint(&self, name: &TracepointName) -> Result<Vec<TraceField>, Refusal> {
        let events = self.tracefs()?.join("events");
        let path = events.join(&name.category).join(&name.name);
        match fs::read_to_string(path.join("format")) {
            Ok(text) => Ok(parse_format(&text)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let message = format!("failed to read tracepoint `{name}`: permission denied");
                Err(Refusal::new(message).help(denied_help()))
            }
            Err(_) => Err(missing_tracepoint(&events, name)),
        }
    }

    /// The number of a tracepoint; `None` where it is not there or tracefs cannot be read.
    pub(in crate::kernel) fn tracepoint_number(&self, name: &TracepointName) -> Option<u64> {
        let path = self.tracefs().ok()?.join("events").join(&name.category).join(&name.name).join("id");
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// False where neither the kernel's BTF nor tracefs knows a tracepoint of this name.
    pub fn may_have_raw_tracepoint(&self, name: &str) -> bool {
        let in_btf = self.raw_tracepoints().map(|known| known.contains(name));
        // Tracepoints of modules are in the modules' own BTF.
        let in_tracefs = self.tracefs().ok().map(|path| {
            let events = path.join("events");
            names_in(&events).iter().any(|category| events.join(category).join(name).is_dir())
        });
        !matches!((in_btf, in_tracefs), (Some(false), Some(false) | None) | (None, Some(false)))
    }

    /// The arguments of a raw tracepoint; `None` where this kernel's BTF does not have it.
    pub(in crate::kernel) fn raw_tracepoint(&self, name: &str) -> Option<Prototype<'_>> {
        self.raw_tracepoints()?.prototype(self.btf()?, name)
    }

    /// The name of a raw tracepoint that was probably meant.
    pub fn nearest_raw_tracepoint(&self, name: &str) -> Option<String> {
        let known: Vec<&str> = self.raw_tracepoints()?.names().collect();
        crate::words::nearest(name, known).map(|found| format!("did you mean `{found}`?"))
    }
}

fn missing_tracepoint(events: &Path, name: &TracepointName) -> Refusal {
    let category = events.join(&name.category);
    if !category.is_dir() {
        let categories = names_in(events);
        let message = format!("this kernel has no tracepoints of the category `{}`", name.category);
        // The same name in another category is more likely than a category of a similar name.
        let elsewhere = categories.iter().find(|category| events.join(category).join(&name.name).is_dir());
        let help = match elsewhere {
            Some(category) => Some(format!("did you mean `{category}:{}`?", name.name)),
            None => crate::words::nearest(&name.category, categories.iter().map(String::as_str))
                .map(|found| format!("did you mean the category `{found}`?")),
        };
        return Refusal::new(message).maybe_help(help);
    }
    // Whole, as the YAML wants them.
    let names: Vec<String> = names_in(&category).iter().map(|event| format!("{}:{event}", name.category)).collect();
    let help = suggest(&name.to_string(), names.iter().map(String::as_str), "its tracepoints are");
    Refusal::new(format!("this kernel has no tracepoint `{name}`")).maybe_help(help)
}

/// The names in a directory, sorted; none if it cannot be read.
pub(super) fn names_in(path: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
