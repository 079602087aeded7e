// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe with one target while it runs: the attached program, where its events go, what was counted.

use std::sync::Arc;

use super::deliveries::Deliveries;
use super::notices::Notices;
use super::readers::ReadBy;
use super::tally::Tally;
use crate::format::{Look, SinkTotals};
use crate::kernel::Attached;
use crate::plan::Content;
use crate::runner::source::{Account, AllRefusals, Route, SharedTables, Source, SourceId};
use crate::spec::Layout;
use crate::status::FullTable;

/// A unit that is attached.
pub(in crate::runner) struct Unit {
    /// The probe's name; with its target, where the file names several.
    pub(in crate::runner) title: String,
    /// What it was made for.
    pub(in crate::runner) content: Content,
    pub(in crate::runner) attached: Attached,
    /// The tables that it counts in, where it does.
    pub(super) tables: Option<Arc<SharedTables>>,
    /// Its sinks, with what they got from it.
    pub(in crate::runner) routes: Vec<Route>,
    /// Names it and those that take its place.
    pub(super) lineage: Lineage,
    pub(super) readings: Vec<Reading>,
    /// What earlier programs of it counted.
    pub(super) past: Tally,
    /// What was taken out of its rings and refused.
    pub(super) refusals: AllRefusals,
    /// What sinks got from it that it does not write to any more.
    pub(super) former: Deliveries,
    pub(super) notices: Notices,
    /// Nothing of it runs, and nothing is read.
    pub(in crate::runner) has_ended: bool,
    /// How it took the place of the version before; exact for the first.
    pub(in crate::runner) handover: Handover,
}

/// What becomes of the events while a version takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runner) enum Handover {
    /// Each event runs in one of the two.
    Exact,
    /// Both run for a moment: another mechanism, or other places.
    Overlap,
    /// None runs for a moment: there is room for one.
    Gap,
}

impl Handover {
    /// What people should know of it; `None` where there is nothing.
    pub(in crate::runner) fn remark(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::Overlap => Some("both versions ran for a moment: events of that moment may be reported twice"),
            Self::Gap => Some("no version ran for a moment: events of that moment are missing"),
        }
    }
}

/// A unit and those that take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lineage(pub(super) u64);

/// What a unit knows of one of its sources; the source itself belongs to a reader.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) id: SourceId,
    pub(super) by: ReadBy,
    /// Of its events or samples.
    pub(super) layout: Layout,
    /// It is read on where the next version takes over what it reads: [`Source::goes_on`].
    pub(super) goes_on: bool,
    /// What was taken out of it; `None` for one without events.
    pub(super) account: Option<Arc<Account>>,
}

impl Reading {
    /// Of a source that is about to be given to its reader.
    pub(super) fn of(source: &dyn Source) -> Self {
        Self {
            id: source.id(),
            by: ReadBy::of(source),
            layout: source.layout().clone(),
            goes_on: source.goes_on(),
            account: source.account(),
        }
    }
}

impl Unit {
    /// Its events go there now. What other sinks got still counts.
    pub(super) fn reroute(&mut self, routes: Vec<Route>) {
        let before = std::mem::replace(&mut self.routes, routes);
        self.former.take(before, &self.routes);
    }

    /// Goes on counting where one ended whose place it takes.
    pub(super) fn succeed(&mut self, before: &mut Self) {
        self.past = before.counted_by_programs().without_open();
        self.refusals.succeed(std::mem::take(&mut before.refusals));
        self.notices.skip(&self.counted());
        self.lineage = before.lineage;
        self.former = std::mem::take(&mut before.former);
        self.former.take(std::mem::take(&mut before.routes), &self.routes);
    }

    /// What each sink got from it so far, by its name; those that it writes to now come first.
    ///
    /// While it runs this has to be read before [`Unit::counted`]: then no sink has more than what was produced.
    pub(in crate::runner) fn sinks(&self) -> Vec<SinkTotals> {
        self.former.totals(&self.routes)
    }

    /// What its programs counted so far, the one that runs included.
    pub(in crate::runner) fn counted(&self) -> Tally {
        // Read first, as what is missed: see [`Tally::and`].
        let refused = self.refusals.refused();
        self.counted_by_programs().and_refused(refused)
    }

    fn counted_by_programs(&self) -> Tally {
        let missed = self.past.missed + self.attached.missed();
        Tally { missed, ..self.past }.and(self.attached.counts())
    }

    /// What its readers did with its events; none for a program without events.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.readings.iter().filter_map(|reading| reading.account.as_ref())
    }

    /// True for a program that counts its events in tables.
    pub(in crate::runner) fn counts(&self) -> bool {
        self.tables.is_some()
    }

    /// True for a program that reports events, not only counts.
    pub(in crate::runner) fn has_events(&self) -> bool {
        self.accounts().next().is_some()
    }

    /// True while its ring cannot be read: its events wait, and are lost when it is full.
    pub(in crate::runner) fn is_unreadable(&self) -> bool {
        self.accounts().any(|account| account.is_waiting())
    }

    /// True if it has events, and the kernel skips some that it does not count.
    pub(in crate::runner) fn missed_unknown(&self) -> bool {
        self.has_events() && !self.attached.missed_is_counted
    }

    /// From now on its losses are told to the sinks that it has now.
    pub(super) fn route_notices(&mut self, look: &Look) {
        self.report_losses();
        self.notices = Notices::new(&self.routes, &self.content.spec, look);
        self.notices.skip(&self.counted());
    }

    /// Says on the streams what was lost since the last time.
    pub(in crate::runner) fn report_losses(&mut self) {
        let counted = self.counted();
        self.notices.report(&counted);
        let is_news = |number: &usize| self.tables.as_ref().is_some_and(|tables| tables.is_news(*number));
        for (_, full) in self.full().filter(|(number, _)| is_news(number)) {
            tracing::warn!(probe = self.title, "events are lost: {}", full.words());
        }
    }

    /// Its tables that had no room, where events were lost because of that.
    pub(in crate::runner) fn full_tables(&self) -> Vec<FullTable> {
        self.full().map(|(_, full)| full).collect()
    }

    fn full(&self) -> impl Iterator<Item = (usize, FullTable)> {
        let has_lost = |number: usize, tables: &SharedTables| {
            let counts = self.attached.counts();
            let no_stacks = || tables.has_stacks(number) && counts.is_some_and(|counts| counts.stacks_full() > 0);
            counts.is_some_and(|counts| counts.table_full(number) > 0) || no_stacks()
        };
        let all = self.tables.iter().flat_map(|tables| (0..tables.count()).map(move |number| (number, tables)));
        all.filter(move |(number, tables)| has_lost(*number, tables))
            .filter_map(|(number, tables)| Some((number, tables.full(number)?)))
    }
}
