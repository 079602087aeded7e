// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sets that a file declares, and which of them are used.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::file::SetFile;
use super::read::read;
use crate::config::codes;
use crate::config::pattern::is_identifier;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::yaml::Entry;
use crate::spec::{SetName, SetSource, SetSpec, SetUse};
use crate::words;

/// Bytes of the longest name.
const MAX_NAME: usize = 64;

/// The sets that a file declares. They are known in that file only.
#[derive(Default)]
pub(crate) struct FileSets {
    named: Vec<(String, Span, Option<SetSpec>)>,
    files: Vec<SetFile>,
    used: RefCell<BTreeSet<String>>,
    /// The declarations as a whole could not be read: nothing is said about names that are missing.
    pub(in crate::config) incomplete: bool,
}

/// What a name comes to.
pub(crate) enum NamedSet {
    /// This set.
    Known(SetUse),
    /// One that has its problem already, or may have been declared where the file could not be read.
    Broken,
    /// None; the help says what may be meant.
    Unknown(Option<String>),
}

impl FileSets {
    /// Takes an entry of `sets`, which has its problem already where it is not `clean`.
    pub(in crate::config) fn declare(
        &mut self,
        source: &Arc<SourceFile>,
        entry: &Entry,
        clean: bool,
        problems: &mut Vec<Problem>,
    ) {
        let name = &entry.key;
        if !is_identifier(name) || name.len() > MAX_NAME {
            let message = format!(
                "the name of a set must be letters, digits and `_`, no leading digit, at most {MAX_NAME}: expressions name it"
            );
            let better: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let better = is_identifier(&better).then(|| format!("for example `{better}`"));
            let place = Location::new(source, entry.key_span);
            problems.push(Problem::new(codes::WRONG_FORM, place, message).maybe_help(better));
        }
        let found = if clean { read(source, entry, problems) } else { None };
        let spec = found.map(|(kind, found)| SetSpec { name: name_in_run(name, &source.path), kind, source: found });
        let file = entry.value.entries().first().and_then(|kind| kind.value.at(&["file"]));
        if let (Some(spec @ SetSpec { source: SetSource::File(_), .. }), Some(file)) = (&spec, file) {
            let place = Location::new(source, file.span);
            self.files.push(SetFile { spec: spec.clone(), word: name.clone(), place, values: Arc::default() });
        }
        self.named.push((name.clone(), entry.key_span, spec));
    }

    /// The set of this name, which is used from now on.
    pub(crate) fn find(&self, name: &str) -> NamedSet {
        self.used.borrow_mut().insert(name.to_owned());
        match self.named.iter().find(|(known, ..)| known == name) {
            Some((word, _, Some(spec))) => {
                NamedSet::Known(SetUse { word: word.clone(), name: spec.name.clone(), kind: spec.kind })
            }
            Some((_, _, None)) => NamedSet::Broken,
            None if self.incomplete => NamedSet::Broken,
            None => {
                let known = || self.named.iter().take(1000).map(|(name, ..)| name.as_str());
                NamedSet::Unknown(match known().next() {
                    Some(_) => words::suggest(name, known(), "sets of this file:"),
                    None => Some(format!("declare it in this file: `sets: {{ {name}: {{ ip: [10.0.0.0/8] }} }}`")),
                })
            }
        }
    }

    /// The sets that are whole.
    pub(in crate::config) fn specs(&self) -> impl Iterator<Item = &SetSpec> {
        self.named.iter().filter_map(|(_, _, spec)| spec.as_ref())
    }

    /// Those that are in files of their own.
    pub(in crate::config) fn files(&self) -> &[SetFile] {
        &self.files
    }

    /// Says which sets nobody asks for, once all probes have been looked at.
    pub(in crate::config) fn say_unused(&self, source: &Arc<SourceFile>, problems: &mut Vec<Problem>) {
        let used = self.used.borrow();
        for (name, span, _) in self.named.iter().filter(|(name, ..)| !used.contains(name)) {
            let problem = Problem::warning(
                codes::UNUSED_SET,
                Location::new(source, *span),
                format!("the set `{name}` is not used"),
            );
            problems.push(problem.help(format!("ask for it in `where`: `x in {name}`; or remove it")));
        }
    }
}

/// What a set of this file is called where all files are together.
fn name_in_run(word: &str, file: &Path) -> SetName {
    SetName(format!("{word}@{}", file.display()).into())
}
