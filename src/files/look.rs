// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks again and again, and waits for no file system that does not answer.
//!
//! A look runs on a thread of its own: stat(2) of a dead NFS server's file waits for ever, and the daemon's loop must not. What
//! did not get on for a while is left to its thread, and its root is left out until that one comes back.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::progress::Progress;
use super::roots::{Known, Root, RootFound};
use super::scan::{RawScan, scan};
use super::scanned::{Scan, Trust};

/// How long one file may take, twice. Local ones take microseconds; a server that is that slow is as good as dead.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks at directories and files, and knows how they were the last time.
#[derive(Debug)]
pub struct Looker {
    trust: Trust,
    known: Known,
    /// Roots whose look does not come back.
    stuck: BTreeMap<PathBuf, JoinHandle<()>>,
}

impl Looker {
    /// One that has seen nothing yet.
    pub fn new(trust: Trust) -> Self {
        Self { trust, known: Known::default(), stuck: BTreeMap::new() }
    }

    /// True while a file system does not answer.
    pub fn is_stuck(&self) -> bool {
        !self.stuck.is_empty()
    }

    /// True where one has answered that did not: look again.
    pub fn has_answer(&self) -> bool {
        self.stuck.values().any(JoinHandle::is_finished)
    }

    /// What is there now: a state that all roots had at one moment, as far as their times tell. A file counts when nobody has
    /// written to it for `settle`, or for 250 ms if that is less; this waits for that, up to twice as long.
    pub fn look(&mut self, roots: &[PathBuf], settle: Duration) -> Scan {
        self.stuck.retain(|_, look| !look.is_finished());
        let mut roots: Vec<PathBuf> = roots.iter().map(|root| normal(root)).collect();
        roots.sort();
        roots.dedup();
        let mut raw = loop {
            let able: Vec<PathBuf> = roots.iter().filter(|root| !self.stuck.contains_key(*root)).cloned().collect();
            match attempt(&able, settle, self.trust) {
                Ok(raw) => break raw,
                Err((root, look)) => drop(self.stuck.insert(root, look)),
            }
        };
        let silent = roots.into_iter().filter(|root| self.stuck.contains_key(root));
        raw.roots.extend(silent.map(|path| Root { path, found: RootFound::Silent }));
        let mut roots: Vec<_> = raw.roots.into_iter().map(|root| self.known.judge(root)).collect();
        roots.sort_by(|a, b| a.path.cmp(&b.path));
        Scan { files: raw.files, roots, warnings: raw.warnings, breaches: raw.breaches }
    }
}

/// `./a.yaml` is `a.yaml`, also for those who compare paths.
fn normal(root: &Path) -> PathBuf {
    let root: PathBuf = root.components().filter(|part| *part != Component::CurDir).collect();
    if root.as_os_str().is_empty() { PathBuf::from(".") } else { root }
}

/// One look, or the root that it does not come back from.
fn attempt(roots: &[PathBuf], settle: Duration, trust: Trust) -> Result<RawScan, (PathBuf, JoinHandle<()>)> {
    let progress = Arc::<Progress>::default();
    let (done, result) = channel();
    let work = {
        let (roots, progress) = (roots.to_vec(), Arc::clone(&progress));
        // Nobody waits any more for what comes too late.
        move || drop(done.send(scan(&roots, settle, trust, &progress)))
    };
    let Ok(look) = thread::Builder::new().name("look".to_owned()).spawn(work) else {
        return Ok(scan(roots, settle, trust, &progress));
    };
    let mut steps = 0;
    loop {
        match result.recv_timeout(PATIENCE) {
            Ok(raw) => return Ok(raw),
            // It ended without a word: it panicked. What is to be found out is found out here.
            Err(RecvTimeoutError::Disconnected) => return Ok(scan(roots, settle, trust, &progress)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let before = std::mem::replace(&mut steps, progress.steps());
        if steps == before {
            let at = progress.path();
            let root = roots.iter().filter(|root| at.starts_with(root)).max_by_key(|root| root.as_os_str().len());
            if let Some(root) = root.or(roots.first()) {
                return Err((root.clone(), look));
            }
        }
    }
}
