// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `aggregate` counts: rows of a table, reported at each interval and once more at the end.
//!
//! All targets of a probe count in the same tables. Each of them has a source, of which one reads; where it ends, another goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock::now_unix_ns;
use super::lookups::MachineLookups;
use super::outputs::Outputs;
use super::{Budget, Made, Making, Round, Source, SourceId};
use crate::kernel::{KernelError, RawRow, TableMaps, TableReader};
use crate::record::{CodeOf, Completer, FullRecord, RecordPlan, Row, Rows};
use crate::spec::{AT_THE_END, Counting, FoundOut, Layout, LossCause, Place, Tally, Top};
use crate::symbols::Wait;

/// The tables of one probe, which its targets share.
pub(in crate::runner) struct SharedTables {
    /// What programs are given.
    pub(in crate::runner) maps: Vec<Arc<TableMaps>>,
    /// What they are made for.
    counting: Counting,
    tables: Vec<Mutex<Shared>>,
}

/// One of them.
struct Shared {
    reader: TableReader,
    /// Who reads it.
    holder: Option<SourceId>,
    /// How many sources there are.
    users: usize,
    since: Instant,
    next: Option<Instant>,
    /// It could not be read the last time.
    failing: bool,
}

impl SharedTables {
    /// Makes the maps of all tables.
    pub(in crate::runner) fn new(counting: &Counting) -> Result<Self, KernelError> {
        let failed = |error: std::io::Error| {
            let refusal = KernelError::at(Place::Probe, format!("failed to make its tables: {error}"));
            let no_memory = error.raw_os_error() == Some(libc::ENOMEM);
            refusal.maybe_help(no_memory.then(|| "set a smaller `max_keys`, or leave out keys and values".to_owned()))
        };
        let (mut maps, mut tables) = (Vec::new(), Vec::new());
        for table in &counting.tables {
            let of_table = Arc::new(TableMaps::new(table).map_err(failed)?);
            let reader = TableReader::new(Arc::clone(&of_table), table, &counting.tallies).map_err(failed)?;
            maps.push(of_table);
            tables.push(Mutex::new(Shared {
                reader,
                holder: None,
                users: 0,
                since: Instant::now(),
                next: None,
                failing: false,
            }));
        }
        Ok(Self { maps, counting: counting.clone(), tables })
    }

    /// True where another target, or another version of the probe, counts the same. What a target lacks is null there, and may be of any
    /// kind.
    pub(in crate::runner) fn fit(&self, counting: &Counting) -> bool {
        self.counting.difference(counting).is_none()
    }

    fn lock(&self, table: usize) -> Option<MutexGuard<'_, Shared>> {
        Some(self.tables.get(table)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How long the names of functions in the last rows are waited for.
const LAST_NAMES: Duration = Duration::from_secs(3);

/// One table of a unit.
struct TableSource {
    id: SourceId,
    shared: Arc<SharedTables>,
    number: usize,
    layout: Layout,
    plan: RecordPlan,
    completer: Completer,
    /// What its counters mean, as this target knows it.
    tallies: Vec<Tally>,
    /// Rows that differ in their bytes may look alike.
    alike: bool,
    outputs: Outputs,
    interval: Duration,
    /// A key is a function of the kernel, and nobody has been told yet to find out what these are called.
    needs_functions: bool,
    /// A program counts for it.
    begun: bool,
    /// None does any more.
    retired: bool,
    /// It has said its last.
    ended: bool,
}

/// The tables that a unit counts in.
pub(super) fn make(making: &Making<'_>, id: &mut dyn FnMut() -> SourceId) -> Made {
    let (Some(shared), Some(counting)) = (making.tables, &making.prepared.counting) else { return Ok(Vec::new()) };
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for (number, table) in counting.tables.iter().enumerate() {
        let layout = table.row.clone();
        sources.push(Box::new(TableSource {
            id: id(),
            shared: Arc::clone(shared),
            number,
            plan: RecordPlan::new(&layout),
            completer: Completer::new(&layout, making.sets),
            tallies: counting.tallies.get(table.tallies.clone()).unwrap_or_default().to_vec(),
            alike: can_look_alike(&layout),
            outputs: Outputs::new((making.outputs)(&layout)),
            needs_functions: layout.fields.iter().any(|field| field.kind.found_out() == FoundOut::KernelSymbol),
            layout,
            interval: making.spec.interval,
            begun: false,
            retired: false,
            ended: false,
        }));
    }
    Ok(sources)
}

/// True where rows with different keys may look alike: a text that is cut, a number that has no name of its own, an id that is shown by
/// its name.
fn can_look_alike(layout: &Layout) -> bool {
    use crate::spec::FieldType::{Bool, Duration, Hex, Ip, Ipv4, Ipv6, Mac, Port, Signed, Text, Unsigned, Uuid};
    let keys = layout.sample.as_ref().map_or(0, |sample| sample.keys);
    layout.fields.iter().take(keys).any(|key| {
        !matches!(
            key.kind,
            Unsigned | Signed | Bool | Hex | Duration | Text { limit: None } | Ip | Ipv4 | Ipv6 | Port | Mac | Uuid
        ) || key.kind.found_out() != FoundOut::Nothing
    })
}

impl TableSource {
    /// Reads what was counted since the last time, and reports it. `None` if it cannot be read now: it belongs to the next report then.
    fn report(&mut self, round: &Round, now: Instant, budget: &Budget, is_last: bool) -> Option<usize> {
        let shared = Arc::clone(&self.shared);
        let mut table = shared.lock(self.number)?;
        let rows = if is_last { table.reader.take_last() } else { table.reader.take() };
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                if !std::mem::replace(&mut table.failing, true) {
                    tracing::warn!("failed to read a table: {error}; it is tried again at each interval");
                }
                return None;
            }
        };
        table.failing = false;
        let elapsed = now.saturating_duration_since(std::mem::replace(&mut table.since, now));
        drop(table);
        // At the end there is nothing else to do.
        let wait = if is_last { Wait::Until(Instant::now() + LAST_NAMES) } else { Wait::Moment };
        let rows = self.rows(rows, round, wait);
        if !rows.rows.is_empty() && !budget.take() {
            return Some(0);
        }
        let unix_ns = now_unix_ns();
        self.outputs.iter_mut().for_each(|output| output.sample(&rows, elapsed, unix_ns));
        Some(1)
    }

    /// The rows as they are reported: those that look alike are one, the first by the value that `top` names come first.
    fn rows(&mut self, raw: Vec<RawRow>, round: &Round, wait: Wait) -> Rows {
        let mut lookups = MachineLookups::of(round, wait);
        let (mut merged, mut places): (Vec<RawRow>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
        for row in raw {
            if !self.alike {
                merged.push(row);
                continue;
            }
            let completed = self.completer.complete_row(row.record(&self.tallies), &mut lookups);
            let look = self.look(&completed);
            match places.get(&look).and_then(|place| merged.get_mut(*place)) {
                Some(known) => known.add(&row, &self.tallies),
                None => {
                    places.insert(look, merged.len());
                    merged.push(row);
                }
            }
        }
        let mut rows: Vec<(i128, Row)> = merged
            .into_iter()
            .map(|row| {
                let row = self.completer.complete_row(row.record(&self.tallies), &mut lookups);
                (self.order(&row), row)
            })
            .collect();
        // The largest first; where they are equal, by key, so that two runs look alike.
        rows.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.bytes.cmp(&right.bytes)));
        let most = self.top().map_or(usize::MAX, |top| top.rows as usize);
        let rest = rows.split_off(most.min(rows.len()));
        let of = |rows: Vec<(i128, Row)>| rows.into_iter().map(|(_, row)| row).collect();
        Rows { left_out: rest.len() as u64, rows: of(rows), rest: of(rest) }
    }

    fn top(&self) -> Option<Top> {
        self.layout.sample.as_ref()?.top
    }

    /// What people see of the keys of a row.
    fn look(&self, row: &Row) -> String {
        let keys = self.layout.sample.as_ref().map_or(0, |sample| sample.keys);
        let record = self.plan.record(FullRecord::from(row));
        let values = self.plan.fields().iter().take(keys).map(|field| record.value(field));
        format!("{:?}", values.collect::<Vec<_>>())
    }

    /// The number that rows are ordered by: of a histogram, how many values it has.
    fn order(&self, row: &Row) -> i128 {
        let Some(sample) = &self.layout.sample else { return 0 };
        let by = self.top().map_or(0, |top| top.by);
        let Some(field) = self.plan.fields().get(sample.keys + by) else { return 0 };
        match self.plan.record(FullRecord::from(row)).value(field) {
            crate::record::FieldValue::Histogram(histogram) => {
                histogram.counts.iter().map(|count| i128::from(*count)).sum()
            }
            value => value.number().unwrap_or(i128::MIN),
        }
    }

    /// Nothing counts for this one any more. The last of them reports what there is; where there are others, one of them goes on.
    fn end(&mut self, round: &Round, deadline: Instant) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let is_last = {
            let shared = Arc::clone(&self.shared);
            let Some(mut table) = shared.lock(self.number) else { return };
            if self.begun {
                table.users = table.users.saturating_sub(1);
            }
            if table.holder == Some(self.id) {
                table.holder = None;
            }
            self.begun && table.users == 0
        };
        if is_last && self.report(round, Instant::now(), &Budget::new(None), true).is_none() {
            // How many rows it would have had is unknown.
            self.outputs.add_lost(LossCause::Unreadable, 1);
        }
        self.outputs.finish(deadline);
    }
}

impl Source for TableSource {
    fn id(&self) -> SourceId {
        self.id
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn due(&self) -> Option<Instant> {
        let table = self.shared.lock(self.number)?;
        let is_mine = table.holder.is_none_or(|holder| holder == self.id);
        if is_mine { table.next } else { None }
    }

    fn begin(&mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(mut table) = shared.lock(self.number) else { return };
        self.begun = true;
        table.users += 1;
        if table.next.is_none() {
            table.since = Instant::now();
            table.next = after(table.since, self.interval);
        }
    }

    fn set_interval(&mut self, interval: Duration) {
        if interval != self.interval {
            self.interval = interval;
            if let Some(mut table) = self.shared.lock(self.number) {
                table.next = after(Instant::now(), interval);
            }
        }
    }

    /// Reports if it is time. Intervals that were missed (a stopped process) become one longer one.
    fn poll(&mut self, round: &Round) -> usize {
        if std::mem::take(&mut self.needs_functions) {
            // All of them are read when the first is asked for, which takes longer than rows can wait.
            round.symbols.borrow_mut().knows_functions(CodeOf::Kernel, &mut [0].into_iter());
        }
        if self.retired {
            self.end(round, Instant::now());
        }
        if self.ended {
            return 0;
        }
        {
            let shared = Arc::clone(&self.shared);
            let Some(mut table) = shared.lock(self.number) else { return 0 };
            // One that knows what all of it is, if there is one.
            let knows_all = self.tallies.iter().all(|tally| !tally.elsewhere) || table.users <= 1;
            if table.holder.is_none() && knows_all {
                table.holder = Some(self.id);
            }
            if table.holder != Some(self.id) || table.next.is_none_or(|next| round.now < next) {
                return 0;
            }
            while let Some(next) = table.next.filter(|next| *next <= round.now) {
                table.next = after(next, self.interval);
            }
        }
        self.report(round, Instant::now(), &round.budget, false).unwrap_or(0)
    }

    /// It ends with the next round, and does not wait for a sink without room.
    fn retire(&mut self, _written: u64) {
        self.retired = true;
    }

    fn is_done(&mut self) -> bool {
        self.ended
    }

    fn finish(&mut self, round: &Round, deadline: Instant) {
        self.end(round, deadline);
    }
}

/// When the next report is due; `None`: only at the end.
fn after(since: Instant, interval: Duration) -> Option<Instant> {
    if interval == AT_THE_END { None } else { since.checked_add(interval) }
}
