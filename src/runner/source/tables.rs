// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `aggregate` counts: rows of a table, reported at each interval and once more at the end.
//!
//! All targets of a probe count in the same tables. Each of them has a source, of which one reads; where it ends, another goes on.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock::now_unix_ns;
use super::outputs::Outputs;
use super::table_rows::RowMaker;
use super::{Budget, Made, Making, Round, Source, SourceId};
use crate::expr::learn;
use crate::kernel::{KernelError, RawRow, TableMaps, TableReader};
use crate::spec::{AT_THE_END, Counting, FieldType, HookKind, Layout, LossCause, Place, Table};
use crate::status::FullTable;

/// The tables of one probe, which its targets share.
pub(in crate::runner) struct SharedTables {
    /// What programs are given.
    pub(in crate::runner) maps: Vec<Arc<TableMaps>>,
    /// What they are made for, as far as the targets so far know it.
    counting: Mutex<Counting>,
    tables: Vec<Mutex<Shared>>,
}

/// One of them.
struct Shared {
    reader: TableReader,
    /// Who reads it.
    holder: Option<SourceId>,
    /// How many sources there are, and how many of them know what all of it is.
    users: usize,
    knowing: usize,
    since: Instant,
    next: Option<Instant>,
    /// It could not be read the last time.
    failing: bool,
    /// The last reading in which it had no room left, and whether that was told.
    full: Option<FullTable>,
    told: bool,
    /// All of a snapshot is in it.
    has_snapshot: bool,
}

impl SharedTables {
    /// Makes the maps of all tables.
    pub(in crate::runner) fn new(counting: &Counting) -> Result<Self, KernelError> {
        let failed = |error: std::io::Error| {
            let refusal = KernelError::at(Place::Probe, format!("failed to make its tables: {error}"));
            let no_memory = error.raw_os_error() == Some(libc::ENOMEM);
            refusal.maybe_help(no_memory.then(|| "set a smaller `max_keys`, or leave out keys and values".to_owned()))
        };
        TableMaps::fit(counting).map_err(|refusal| KernelError::of(Place::Probe, refusal))?;
        let maps = TableMaps::of(counting).map_err(failed)?;
        let mut tables = Vec::new();
        for (table, of_table) in counting.tables.iter().zip(&maps) {
            let reader = TableReader::new(Arc::clone(of_table), table, &counting.tallies).map_err(failed)?;
            tables.push(Mutex::new(Shared {
                reader,
                holder: None,
                users: 0,
                knowing: 0,
                since: Instant::now(),
                next: None,
                failing: false,
                full: None,
                told: false,
                has_snapshot: false,
            }));
        }
        Ok(Self { maps, counting: Mutex::new(counting.clone()), tables })
    }

    /// True where another target, or another version of the probe, counts the same. What a target lacks is null there, and may be of any
    /// kind: the others tell.
    pub(in crate::runner) fn fit(&self, counting: &Counting) -> bool {
        let mut known = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = known.difference(counting).is_none();
        if fits {
            learn(&mut known, counting);
        }
        fits
    }

    /// All items of a snapshot are counted.
    pub(super) fn took_snapshot(&self) {
        let all = (0..self.tables.len()).filter_map(|number| self.lock(number));
        all.for_each(|mut table| table.has_snapshot = true);
    }

    /// True until the tables are read.
    pub(super) fn has_snapshot(&self) -> bool {
        (0..self.tables.len()).filter_map(|number| self.lock(number)).any(|table| table.has_snapshot)
    }

    /// How many there are.
    pub(in crate::runner) fn count(&self) -> usize {
        self.tables.len()
    }

    /// True for one that has call stacks in its keys.
    pub(in crate::runner) fn has_stacks(&self, number: usize) -> bool {
        let counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        counting.tables.get(number).is_some_and(|table| !table.stacks.is_empty())
    }

    /// One that had no room left, as it was when it was last read so.
    pub(in crate::runner) fn full(&self, number: usize) -> Option<FullTable> {
        self.lock(number)?.full.clone()
    }

    /// True once for each.
    pub(in crate::runner) fn is_news(&self, number: usize) -> bool {
        self.lock(number).is_some_and(|mut table| !std::mem::replace(&mut table.told, true))
    }

    fn counting(&self) -> Counting {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self, table: usize) -> Option<MutexGuard<'_, Shared>> {
        Some(self.tables.get(table)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is said of a table of which these are all rows, where it has no room for another.
fn full_table(table: &Table, rows: &[RawRow]) -> Option<FullTable> {
    let sample = table.row.sample.as_ref().filter(|_| rows.len() >= table.max_keys as usize)?;
    let keys = table.row.fields.get(..sample.keys)?;
    // A row has its stacks behind its values; in the key is the hash of each.
    let mut stacks = table.stacks.iter().map(|stack| stack.at);
    let starts: Vec<u32> = keys
        .iter()
        .map(|key| match &key.kind {
            FieldType::Stack { .. } => stacks.next().unwrap_or(key.offset),
            _other => key.offset,
        })
        .collect();
    let values = |index: usize| {
        let start = starts.get(index).copied().unwrap_or(0);
        let end = starts.get(index + 1).copied().unwrap_or(table.key_bytes);
        let parts = rows.iter().filter_map(|row| row.key.get(start as usize..end as usize));
        parts.collect::<HashSet<_>>().len() as u64
    };
    // Of those that are equal the first.
    let (values, index) =
        (0..keys.len()).map(|index| (values(index), index)).rev().max_by_key(|(values, _)| *values)?;
    let key = keys.get(index)?.name.clone();
    Some(FullTable { table: sample.table.clone(), max_keys: table.max_keys, key, values })
}

/// How long names of functions are waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is asked whether they are known.
const AGAIN: Duration = Duration::from_millis(5);
/// How often it is looked for new call stacks.
const LOOK: Duration = Duration::from_millis(200);

/// What was read of a table.
struct Held {
    rows: Vec<RawRow>,
    elapsed: Duration,
    unix_ns: u64,
    since: Instant,
    /// So many of the first rows wait for nothing.
    known: usize,
}

/// One table of a unit.
struct TableSource {
    id: SourceId,
    shared: Arc<SharedTables>,
    number: usize,
    rows: RowMaker,
    /// What was read, until the names of its functions are known; the oldest first.
    held: VecDeque<Held>,
    /// When it is looked for new call stacks next; `None`: there are none in its keys.
    next_look: Option<Instant>,
    outputs: Outputs,
    interval: Duration,
    /// It is read when it has a snapshot, whatever the time.
    of_snapshots: bool,
    table: Table,
    /// What each value is that is counted is known.
    knows_all: bool,
    /// A program counts for it.
    begun: bool,
    /// None does any more.
    retired: bool,
    /// Its last rows were read.
    closed: bool,
    /// It has said its last.
    ended: bool,
}

/// The tables that a unit counts in.
pub(super) fn make(making: &Making<'_>, id: &mut dyn FnMut() -> SourceId) -> Made {
    let Some(shared) = making.tables else { return Ok(Vec::new()) };
    let counting = shared.counting();
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for (number, table) in counting.tables.iter().enumerate() {
        let tallies = counting.tallies.get(table.tallies.clone()).unwrap_or_default().to_vec();
        sources.push(Box::new(TableSource {
            id: id(),
            shared: Arc::clone(shared),
            number,
            table: table.clone(),
            knows_all: tallies.iter().all(|tally| !tally.elsewhere),
            rows: RowMaker::new(&table.row, tallies, making.sets),
            held: VecDeque::new(),
            next_look: (!table.stacks.is_empty()).then(Instant::now),
            outputs: Outputs::new((making.outputs)(&table.row)),
            interval: making.spec.interval,
            of_snapshots: making.spec.hook.as_ref().is_some_and(|hook| hook.kind == HookKind::Iter),
            begun: false,
            retired: false,
            closed: false,
            ended: false,
        }));
    }
    Ok(sources)
}

impl TableSource {
    /// Reads what was counted since the last time. `None` if it cannot be read now: it belongs to the next report then.
    fn take(&mut self, now: Instant, is_last: bool) -> Option<Held> {
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
        (table.failing, table.has_snapshot) = (false, false);
        if let Some(full) = full_table(&self.table, &rows) {
            table.full = Some(full);
        }
        let elapsed = now.saturating_duration_since(std::mem::replace(&mut table.since, now));
        Some(Held { rows, elapsed, unix_ns: now_unix_ns(), since: now, known: 0 })
    }

    /// Reports what was read, as far as all is known about it, or will not be.
    fn report(&mut self, round: &Round, now: Instant, budget: &Budget) -> usize {
        let mut reported = 0;
        while let Some(held) = self.held.front_mut() {
            let waits = self.rows.asks() && now.saturating_duration_since(held.since) < PATIENCE;
            if waits && !self.rows.is_known(&held.rows, &mut held.known, round) {
                break;
            }
            let Some(Held { rows, elapsed, unix_ns, .. }) = self.held.pop_front() else { break };
            let rows = self.rows.rows(rows, round);
            if rows.rows.is_empty() || budget.take() {
                self.outputs.iter_mut().for_each(|output| output.sample(&rows, elapsed, unix_ns));
                reported += 1;
            }
        }
        reported
    }

    /// Has the functions of new stacks found out before anybody asks: their processes may be gone by then.
    fn look(&mut self, round: &Round) {
        if self.next_look.is_none_or(|next| round.now < next) {
            return;
        }
        self.next_look = after(round.now, LOOK);
        let shared = Arc::clone(&self.shared);
        let Some(mut table) = shared.lock(self.number) else { return };
        if table.holder != Some(self.id) {
            return;
        }
        let rows = table.reader.new_stacks();
        drop(table);
        self.rows.ask(&rows, round);
    }

    /// Reports all that was read: what is found out about it is waited for here.
    fn report_all(&mut self, round: &Round, deadline: Instant) {
        loop {
            let now = Instant::now();
            // What waits longer than that does so in vain.
            let end = now + if now >= deadline { PATIENCE } else { Duration::ZERO };
            self.report(round, end, &Budget::new(None));
            if self.held.is_empty() {
                return;
            }
            std::thread::sleep(AGAIN);
            round.symbols.borrow_mut().refresh();
        }
    }

    /// Nothing counts for this one any more. The last of them reports what there is; where there are others, one of them goes on.
    fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let is_last = {
            let shared = Arc::clone(&self.shared);
            let Some(mut table) = shared.lock(self.number) else { return };
            if self.begun {
                table.users = table.users.saturating_sub(1);
                table.knowing = table.knowing.saturating_sub(usize::from(self.knows_all));
            }
            if table.holder == Some(self.id) {
                table.holder = None;
            }
            self.begun && table.users == 0 && (!self.of_snapshots || table.has_snapshot)
        };
        if is_last {
            match self.take(Instant::now(), true) {
                Some(last) => self.held.push_back(last),
                // How many rows it would have had is unknown.
                None => self.outputs.add_lost(LossCause::Unreadable, 1),
            }
        }
    }
}

impl Source for TableSource {
    fn id(&self) -> SourceId {
        self.id
    }

    fn layout(&self) -> &Layout {
        &self.rows.layout
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn due(&self) -> Option<Instant> {
        let again = self.held.front().and_then(|_| after(Instant::now(), AGAIN));
        let table = self.shared.lock(self.number)?;
        if self.closed || table.holder.is_some_and(|holder| holder != self.id) {
            return again;
        }
        let next = if self.of_snapshots { table.has_snapshot.then(Instant::now) } else { table.next };
        [next, again, self.next_look].into_iter().flatten().min()
    }

    fn begin(&mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(mut table) = shared.lock(self.number) else { return };
        self.begun = true;
        table.users += 1;
        if self.knows_all {
            // Who read it until now may not have known.
            table.holder = table.holder.filter(|_| table.knowing > 0);
            table.knowing += 1;
        }
        if table.next.is_none() && !self.of_snapshots {
            table.since = Instant::now();
            table.next = after(table.since, self.interval);
        }
    }

    fn set_interval(&mut self, interval: Duration) {
        if interval != self.interval {
            self.interval = interval;
            if let Some(mut table) = self.shared.lock(self.number).filter(|_| !self.of_snapshots) {
                table.next = after(Instant::now(), interval);
            }
        }
    }

    /// Reports if it is time. Intervals that were missed (a stopped process) become one longer one.
    fn poll(&mut self, round: &Round) -> usize {
        if self.retired {
            self.close();
        } else {
            self.look(round);
        }
        let reported = self.report(round, Instant::now(), &round.budget);
        if self.closed {
            if self.held.is_empty() && !std::mem::replace(&mut self.ended, true) {
                self.outputs.finish(Instant::now());
            }
            return reported;
        }
        {
            let shared = Arc::clone(&self.shared);
            let Some(mut table) = shared.lock(self.number) else { return 0 };
            // One that knows what all of it is, if there is one.
            if table.holder.is_none() && (self.knows_all || table.knowing == 0) {
                table.holder = Some(self.id);
            }
            let is_due = match self.of_snapshots {
                true => table.has_snapshot,
                false => table.next.is_some_and(|next| next <= round.now),
            };
            if table.holder != Some(self.id) || !is_due {
                return reported;
            }
            while let Some(next) = table.next.filter(|next| *next <= round.now) {
                table.next = after(next, self.interval);
            }
        }
        let now = Instant::now();
        let taken = self.take(now, false);
        self.held.extend(taken);
        reported + self.report(round, now, &round.budget)
    }

    fn is_over(&self) -> bool {
        let has_snapshot = || self.shared.lock(self.number).is_some_and(|table| table.has_snapshot);
        self.of_snapshots && self.held.is_empty() && !has_snapshot()
    }

    /// It ends with the next round, and does not wait for a sink without room.
    fn retire(&mut self, _written: u64) {
        self.retired = true;
    }

    fn is_done(&mut self) -> bool {
        self.ended
    }

    fn finish(&mut self, round: &Round, deadline: Instant) {
        self.close();
        self.report_all(round, deadline);
        if !std::mem::replace(&mut self.ended, true) {
            self.outputs.finish(deadline);
        }
    }
}

/// When the next report is due; `None`: only at the end.
fn after(since: Instant, interval: Duration) -> Option<Instant> {
    if interval == AT_THE_END { None } else { since.checked_add(interval) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Field, Sample, StackKey, Statistic};

    fn field(name: &str, offset: u32, kind: FieldType) -> Field {
        let (unit, doc) = (String::new(), String::new());
        Field { name: name.to_owned(), offset, size: 8, kind, absent_bit: None, of_end: None, bits: None, unit, doc }
    }

    /// Of call stacks the hashes in the key count, wherever the stacks are in a row: before and behind other keys.
    #[test]
    fn stacks_that_fill_a_table() {
        let stack = || FieldType::Stack { user: true };
        for (first, second, at) in
            [("u", "big", 8), ("big", "u", 16)].map(|(first, second, at): (&str, &str, u32)| (first, second, at))
        {
            // The key is 24 bytes long, the value behind it 8.
            let key = |name: &str, offset: u32| match name {
                "u" => field("u", 32, stack()),
                other => field(other, offset, FieldType::Bool),
            };
            let sample =
                Sample { table: None, keys: 2, statistics: vec![Statistic::Count], top: None, cumulative: false };
            let fields = vec![key(first, 8), key(second, 16), field("n", 24, FieldType::Unsigned)];
            let row = Layout { size: 32 + 80, absent: Some(0), fields, sample: Some(sample), ..Layout::default() };
            let stacks = vec![StackKey { at, slot: 80, user: true }];
            let table = Table {
                keys: 0..2,
                tallies: 0..1,
                key_bytes: 24,
                value_bytes: 8,
                in_scratch: true,
                stacks,
                max_keys: 12,
                row,
            };
            let rows: Vec<RawRow> = (0..12_u64)
                .map(|number| {
                    let (hash, big) = (number / 2, number % 2);
                    let parts = if at == 8 { [0, hash, big] } else { [0, big, hash] };
                    let key = parts.iter().flat_map(|part| part.to_ne_bytes()).collect();
                    RawRow { key, counters: vec![1], stacks: vec![0; 80] }
                })
                .collect();
            let full = full_table(&table, &rows).unwrap();
            assert_eq!((full.key.as_str(), full.values), ("u", 6), "{first}, {second}");
            assert_eq!(full_table(&table, &rows[1..]), None);
        }
    }
}
