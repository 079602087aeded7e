// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon knows, and how what runs comes to follow the files.

use std::cell::RefCell;
use std::time::Duration;

use super::binaries::BinaryWatch;
use super::follow::{Followed, contents};
use super::options::DaemonOptions;
use super::rates::Rates;
use super::roots::Roots;
use super::said::Said;
use super::service::Service;
use super::tell::Tell;
use super::units::Units;
use crate::config::{Checked, SourceFile};
use crate::files::Watcher;
use crate::plan::plan;
use crate::runner::engine::{Engine, News};
use crate::runner::source::now_unix_ns;
use crate::status::Reloads;

/// How often a look that finds other directories is repeated at once.
const MOST_LOOKS: usize = 4;

/// Everything that a daemon knows.
pub(super) struct Daemon<'a> {
    pub(super) roots: Roots,
    pub(super) debounce: Duration,
    pub(super) check: &'a dyn Fn(&[SourceFile]) -> Checked,
    pub(super) followed: Followed,
    pub(super) units: Units,
    pub(super) watcher: Option<Watcher>,
    pub(super) binaries: BinaryWatch,
    /// On the clock of the units.
    pub(super) next_retry: Option<Duration>,
    /// A file was being written.
    pub(super) unsettled: bool,
    pub(super) reloads: Reloads,
    pub(super) started_unix_ns: u64,
    pub(super) service: Service,
    pub(super) rates: RefCell<Rates>,
    pub(super) tell: Tell<'a>,
}

impl<'a> Daemon<'a> {
    /// One that has not looked yet.
    pub(super) fn new(
        options: &DaemonOptions,
        check: &'a dyn Fn(&[SourceFile]) -> Checked,
        engine: Engine,
        watcher: Option<Watcher>,
        say: &'a mut dyn FnMut(&Said<'_>),
    ) -> Self {
        Self {
            roots: Roots::new(options.roots.clone(), options.trust),
            debounce: options.debounce,
            check,
            followed: Followed::default(),
            units: Units::new(engine),
            watcher,
            binaries: BinaryWatch::default(),
            next_retry: None,
            unsettled: false,
            reloads: Reloads::default(),
            started_unix_ns: now_unix_ns(),
            service: Service::from_environment(),
            rates: RefCell::default(),
            tell: Tell { say, news: News::new(), look: options.look.clone() },
        }
    }

    /// The service manager hears that everything that can run does.
    pub(super) fn tell_ready(&mut self) {
        let headline = self.headline();
        self.service.ready(headline);
    }

    /// Looks at the files, and makes the machine do what they say.
    pub(super) fn look(&mut self) {
        self.units.looking.begin(&mut self.units.entries);
        for _ in 0..MOST_LOOKS {
            let (found, roots) = self.roots.look(self.debounce, &mut *self.tell.say);
            self.unsettled = found.is_unsettled();
            if let Some(watcher) = &mut self.watcher {
                // To watch one whose file system does not answer would be to wait for it.
                watcher.follow(self.roots.able());
            }
            let changed = self.followed.take(found, self.check);
            if let Some(changed) = &changed {
                let problems = changed.files.iter().flat_map(|(_, problems)| problems);
                let new = problems.filter(|problem| !self.roots.is_said(problem));
                new.for_each(|problem| (self.tell.say)(&Said::Problem(problem)));
                changed.warnings.iter().for_each(|problem| (self.tell.say)(&Said::Problem(problem)));
                let left_out = self.followed.left_out(&self.units.host());
                left_out.iter().for_each(|problem| (self.tell.say)(&Said::Problem(problem)));
            }
            self.act();
            if changed.is_some() || !roots.is_empty() {
                self.count_reload();
            }
            for root in roots {
                self.tell.reload(&root.path, root.problem.as_ref(), std::iter::empty());
            }
            for (path, problems) in changed.iter().flat_map(|changed| &changed.files) {
                let problem = problems.iter().find(|problem| problem.is_error());
                let units = self.units.of_file(path);
                self.tell.reload(path, problem, units);
            }
            self.units.copy_news(&mut self.tell.news);
            if !self.watcher.as_mut().is_some_and(Watcher::rearm) {
                break;
            }
        }
    }

    /// Makes the machine do what the files said the last time.
    pub(super) fn act(&mut self) {
        for _ in 0..MOST_LOOKS {
            self.reconcile();
            if !self.binaries.watch(self.followed.places()) {
                break;
            }
        }
    }

    fn reconcile(&mut self) {
        if let Some(config) = &self.followed.config {
            for no in self.units.engine.sets.follow(&config.sets, &config.used_sets()) {
                tracing::warn!("failed to make the set `{}`: {}", no.name.0, no.why);
            }
        }
        let host = self.units.host();
        let desired = self.followed.desired(&host);
        let wanted = contents(&desired);
        self.units.stay_in_files(&wanted, &host);
        let current = self.units.entries.iter().map(|(id, entry)| (id.clone(), entry.as_planned())).collect();
        let plan_now = plan(&wanted, &current, self.units.now());
        self.units.execute(&plan_now, &desired, &mut self.tell);
        self.units.copy_news(&mut self.tell.news);
        let current = self.units.entries.iter().map(|(id, entry)| (id.clone(), entry.as_planned())).collect();
        self.next_retry = plan(&wanted, &current, Duration::ZERO).next_retry;
    }
}
