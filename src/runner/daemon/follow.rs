// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the files on disk to what should run.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::binaries::Watched;
use crate::config::{Checked, CheckedProbe, Config, Problem, Severity, SourceFile};
use crate::files::{Scan, Scanned, Unreadable};
use crate::kernel::{
    CgroupPlaces, Host, binary_identity, binary_places, cgroup_places, expand_present, left_out, together,
};
use crate::plan::{Content, Desired, FileNow, UnitId, accept};
use crate::runner::refusal;
use crate::spec::{DAEMON_BUFFER_BYTES, ProbeId, ProbeSpec, Targets};

/// What the files say, and said.
#[derive(Default)]
pub(super) struct Followed {
    /// The files as they were found the last time.
    seen: BTreeMap<PathBuf, FileNow>,
    /// The texts that count.
    pub(super) texts: BTreeMap<PathBuf, Arc<str>>,
    /// The files whose text does not.
    pub(super) refused: BTreeMap<PathBuf, Vec<Problem>>,
    /// The probes of the texts that count.
    pub(super) config: Option<Config>,
    /// Probes that were stopped by hand.
    pub(super) stopped: BTreeMap<ProbeId, StoppedAt>,
    /// Counts the configurations.
    pub(super) generation: u64,
    /// What globs match and leave out, as it was said.
    left_out: Vec<Problem>,
}

/// When a probe was stopped by hand.
pub(super) struct StoppedAt {
    /// The text of its file then: with another one it starts.
    pub(super) text: Option<Arc<str>>,
    /// Nanoseconds since 1970.
    pub(super) since_unix_ns: u64,
}

/// What another look found.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Files that are new, have another text, count for the first time, or are gone, and what is wrong with the text now.
    pub(super) files: Vec<(PathBuf, Vec<Problem>)>,
    /// Warnings about the texts that count.
    pub(super) warnings: Vec<Problem>,
}

impl Followed {
    /// Takes what a look found. `None`: nothing has changed.
    pub(super) fn take(&mut self, scan: Scan, check: impl Fn(&[SourceFile]) -> Checked) -> Option<Changed> {
        let mut now: Vec<FileNow> = Vec::new();
        for Scanned { path, text, withheld } in scan.files {
            match text {
                Ok(text) => now.push(FileNow { path, text: Ok(text), withheld }),
                Err(Unreadable::Problem(problem)) => now.push(FileNow { path, text: Err(*problem), withheld }),
                // Somebody is writing it: until that is over it is what it was.
                Err(Unreadable::Unsettled) => now.extend(self.seen.get(&path).cloned()),
            }
        }
        // Nobody knows whether the files of a directory that cannot be listed have gone.
        for root in scan.roots.iter().filter(|root| !root.state.is_known()) {
            let is_in = |path: &PathBuf| path.parent() == Some(&root.path) || *path == root.path;
            let is_unknown = |path: &&PathBuf| is_in(path) && now.iter().all(|file| file.path != **path);
            let unknown = self.seen.iter().filter(|(path, _)| is_unknown(path)).map(|(_, file)| {
                let file = file.clone();
                match &root.problem {
                    Some(problem) => FileNow { text: Err(problem.clone()), ..file },
                    None => file,
                }
            });
            let unknown: Vec<FileNow> = unknown.collect();
            now.extend(unknown);
        }
        let seen: BTreeMap<PathBuf, FileNow> = now.iter().map(|file| (file.path.clone(), file.clone())).collect();
        if seen == self.seen && self.config.is_some() {
            return None;
        }
        let accepted = accept(&now, &self.texts, check);
        let paths: BTreeSet<&PathBuf> = seen.keys().chain(self.seen.keys()).collect();
        // One that another file kept from counting counts now, although it has not changed.
        let is_free =
            |path: &PathBuf| self.refused.contains_key(path) && accepted.texts.get(path) != self.texts.get(path);
        let differs = |path: &&&PathBuf| seen.get(**path) != self.seen.get(**path) || is_free(path);
        let problems = |path: &PathBuf| accepted.refused.get(path).cloned().unwrap_or_default();
        let files = paths.iter().filter(differs).map(|path| ((*path).clone(), problems(path))).collect();
        if accepted.texts != self.texts || self.config.is_none() {
            self.generation += 1;
        }
        self.seen = seen;
        self.texts = accepted.texts;
        self.refused = accepted.refused;
        self.config = Some(accepted.config);
        let texts = &self.texts;
        let config = self.config.as_ref();
        self.stopped.retain(|id, stopped| {
            let path = config
                .and_then(|config| config.probes.iter().find(|probe| probe.spec.id == *id))
                .map(CheckedProbe::path);
            path.is_some_and(|path| texts.get(path) == stopped.text.as_ref())
        });
        Some(Changed { files, warnings: accepted.warnings })
    }

    /// The units that should run on this machine now, with where they stand in their files.
    pub(super) fn desired(&self, host: &Host) -> BTreeMap<UnitId, (Content, CheckedProbe)> {
        let mut all = BTreeMap::new();
        let Some(config) = &self.config else { return all };
        for probe in config.probes.iter().filter(|probe| !self.stopped.contains_key(&probe.spec.id)) {
            let mut spec = probe.spec.clone();
            spec.buffer_bytes.get_or_insert(DAEMON_BUFFER_BYTES);
            let content = |spec: &ProbeSpec| Content {
                binary: spec.binary().and_then(binary_identity),
                ..Content::new(spec, &probe.program, &config.sinks)
            };
            let (found, errors) = expand_present(&spec, host);
            let found = together(&spec, found, &probe.program, host);
            if found.is_empty() && !errors.is_empty() {
                // It waits as a whole, and says why when it is tried.
                let id = UnitId { probe: spec.id.clone(), target: None };
                all.insert(id, (content(&spec), probe.clone()));
            }
            for part in found {
                let id = UnitId { probe: part.spec.id.clone(), target: part.target };
                all.insert(id, (content(&part.spec), probe.clone()));
            }
        }
        all
    }

    /// What globs match and leave out because it cannot be traced; each is returned once.
    pub(super) fn left_out(&mut self, host: &Host) -> Vec<Problem> {
        let probes = self.config.iter().flat_map(|config| &config.probes);
        let of_probe = |probe: &CheckedProbe| {
            let warning = |error| Problem { severity: Severity::Warning, ..refusal(probe, &error) };
            left_out(&probe.spec, host).into_iter().map(warning).collect::<Vec<_>>()
        };
        let now: Vec<Problem> = probes.flat_map(of_probe).collect();
        let before = std::mem::replace(&mut self.left_out, now.clone());
        now.into_iter().filter(|problem| !before.contains(problem)).collect()
    }

    /// True if some probe follows the routes.
    pub(super) fn follows_routes(&self) -> bool {
        let probes = self.config.iter().flat_map(|config| &config.probes);
        let is_route = |targets: &Targets| match targets {
            Targets::Each(patterns) => patterns.iter().any(|pattern| pattern == Targets::DEFAULT_ROUTE),
            Targets::One | Targets::FirstOf(_) => false,
        };
        probes.into_iter().any(|probe| is_route(&probe.spec.targets))
    }

    /// The programs, libraries and cgroups that hooks are in, and those that are looked for.
    pub(super) fn places(&self) -> Watched {
        let probes = || self.config.iter().flat_map(|config| &config.probes);
        let names: BTreeSet<&str> = probes().filter_map(|probe| probe.spec.binary()).collect();
        let mut all = Watched { paths: names.into_iter().flat_map(binary_places).collect(), ..Watched::default() };
        for CgroupPlaces { cgroups, folders } in probes().map(|probe| cgroup_places(&probe.spec)) {
            all.paths.extend(cgroups);
            all.folders.extend(folders);
        }
        all
    }

    /// Names the texts that count.
    pub(super) fn hash(&self) -> String {
        let mut hasher = DefaultHasher::new();
        for (path, text) in &self.texts {
            (path.file_name(), text).hash(&mut hasher);
        }
        format!("{:016x}", hasher.finish())
    }
}

/// The part that the plan wants.
pub(super) fn contents(desired: &BTreeMap<UnitId, (Content, CheckedProbe)>) -> Desired {
    desired.iter().map(|(id, (content, _))| (id.clone(), content.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::catalog::builtin;
    use crate::config::{Environment, Location, Span, check, codes};
    use crate::files::ScannedRoot;
    use crate::status::DirectoryState;

    const GOOD: &str = "version: 1\nprobes:\n  - name: one\n    program: exec\n";

    /// What a look found of the file `d/a.yaml`, and whether `d` could be listed.
    fn scan(text: Option<Result<&str, Unreadable>>, is_listed: bool) -> Scan {
        let scanned = |text: Result<&str, Unreadable>| Scanned {
            path: "d/a.yaml".into(),
            text: text.map(Arc::from),
            withheld: None,
        };
        let state = if is_listed { DirectoryState::Ok } else { DirectoryState::Unreadable };
        let problem = (!is_listed).then(|| problem("d"));
        let roots = vec![ScannedRoot { path: "d".into(), state, problem }];
        Scan { files: text.map(scanned).into_iter().collect(), roots, ..Scan::default() }
    }

    fn problem(path: &str) -> Problem {
        let source = Arc::new(SourceFile::new(path, ""));
        Problem::new(codes::FILE_UNREADABLE, Location::new(&source, Span::default()), "permission denied".to_owned())
    }

    fn denied() -> Unreadable {
        Unreadable::Problem(Box::new(problem("d/a.yaml")))
    }

    /// The probe of a file stays while the file cannot be read, is being written, or its directory cannot be listed, in any
    /// order; it goes with the file.
    #[test]
    fn what_is_not_known_stays() {
        let catalog = builtin().unwrap();
        let nothing = |_: &str| None;
        let check = |files: &[SourceFile]| check(files, &catalog, &Environment::new(&nothing));
        let mut followed = Followed::default();
        let mut probes = |scan: Scan| {
            followed.take(scan, check);
            followed.config.as_ref().unwrap().probes.len()
        };
        assert_eq!(probes(scan(Some(Err(Unreadable::Unsettled)), true)), 0);
        assert_eq!(probes(scan(Some(Ok(GOOD)), true)), 1);
        assert_eq!(probes(scan(Some(Err(Unreadable::Unsettled)), true)), 1);
        assert_eq!(probes(scan(Some(Err(denied())), true)), 1);
        assert_eq!(probes(scan(Some(Err(Unreadable::Unsettled)), true)), 1);
        assert_eq!(probes(scan(None, false)), 1);
        assert_eq!(probes(scan(Some(Ok(GOOD)), true)), 1);
        assert_eq!(probes(scan(None, false)), 1);
        assert_eq!(followed.refused[Path::new("d/a.yaml")], [problem("d")]);
        let mut probes = |scan: Scan| {
            followed.take(scan, check);
            followed.config.as_ref().unwrap().probes.len()
        };
        assert_eq!(probes(scan(None, true)), 0);
    }
}
