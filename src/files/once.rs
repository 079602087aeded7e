// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the paths of the command line to texts: files as they are, directories as their YAML files by name.

use std::collections::HashSet;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::read::{problem, read, standard_input, words};
use super::scan::yaml_files;
use crate::config::{Problem, SourceFile, codes};
use crate::trust::{Breach, walk};

/// What the paths led to.
#[derive(Default)]
pub struct Found {
    /// The files that could be read.
    pub files: Vec<SourceFile>,
    /// What could not be read, and why; one problem for each.
    pub problems: Vec<Problem>,
    /// Who could change what was read: once for each file or directory that lets them.
    pub breaches: Vec<Breach>,
}

/// Reads all files; one that is named twice is read once. `-` is standard input.
pub fn read_all(paths: &[PathBuf]) -> Found {
    let mut all = Found::default();
    let mut seen = HashSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if seen.insert(path.clone()) {
                all.add_standard_input();
            }
            continue;
        }
        let listed = match path.is_dir() {
            false => Ok((vec![path.clone()], None)),
            true => list(path).map(|(files, directory)| (files, Some(directory))),
        };
        match listed {
            Ok((found, _)) if found.is_empty() => {
                let message = format!("no *.yaml or *.yml file in the directory `{}`", path.display());
                all.problems.push(problem(codes::NO_FILES, path, message));
            }
            Ok((found, directory)) => {
                let is_new = |path: &&PathBuf| seen.insert(plain(path));
                found.iter().filter(is_new).for_each(|path| all.add(path, directory.as_deref()));
            }
            Err(error) => {
                let message = format!("failed to list the directory `{}`: {}", path.display(), words(&error));
                all.problems.push(problem(codes::FILE_UNREADABLE, path, message));
            }
        }
    }
    all
}

/// The configuration files of a directory, and the directory without links.
fn list(directory: &Path) -> io::Result<(Vec<PathBuf>, PathBuf)> {
    let walked = walk(directory)?;
    Ok((yaml_files(directory, &walked)?, walked.path))
}

fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

impl Found {
    fn add_standard_input(&mut self) {
        match standard_input() {
            Ok(file) => self.files.push(file),
            Err(problem) => self.problems.push(*problem),
        }
    }

    fn add(&mut self, path: &Path, directory: Option<&Path>) {
        let reading = read(path, directory);
        self.breaches.extend(reading.breach.filter(|breach| !self.breaches.contains(breach)));
        match reading.text {
            Ok(text) => self.files.push(SourceFile { withheld: reading.withheld, ..SourceFile::new(path, text) }),
            Err(problem) => self.problems.push(*problem),
        }
    }
}
