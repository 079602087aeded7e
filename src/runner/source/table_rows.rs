// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a table has counted, as it is reported.

use std::collections::HashMap;

use super::Round;
use super::lookups::MachineLookups;
use crate::kernel::RawRow;
use crate::record::{Completer, FieldValue, FullRecord, RecordPlan, Row, Rows, Sets};
use crate::spec::{FoundOut, Layout, Tally, Top};

/// Rows behind the first that is not known, of which it is asked at one time what is not known.
const MOST_BEHIND: usize = 1024;

/// Makes rows of what was counted.
pub(super) struct RowMaker {
    pub(super) layout: Layout,
    plan: RecordPlan,
    completer: Completer,
    /// What its counters mean, as this target knows it.
    pub(super) tallies: Vec<Tally>,
    /// Rows that differ in their bytes may look alike.
    alike: bool,
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

impl RowMaker {
    pub(super) fn new(layout: &Layout, tallies: Vec<Tally>, sets: &dyn Sets) -> Self {
        Self {
            layout: layout.clone(),
            plan: RecordPlan::new(layout),
            completer: Completer::new(layout, sets),
            tallies,
            alike: can_look_alike(layout),
        }
    }

    /// True where keys are functions, whose names take a while to be found out.
    pub(super) fn asks(&self) -> bool {
        self.completer.asks()
    }

    /// Moves `known` past the first rows of whose keys all is known; true at the end. What is not known of some rows behind that is being
    /// found out from now on: it is asked often, and there may be many rows.
    pub(super) fn is_known(&self, raw: &[RawRow], known: &mut usize, round: &Round) -> bool {
        let mut lookups = MachineLookups::of(round, false);
        let mut behind = 0;
        for row in raw.iter().skip(*known) {
            if !self.completer.is_known(&row.record(&self.tallies), &mut lookups) || behind > 0 {
                behind += 1;
            } else {
                *known += 1;
            }
            if behind >= MOST_BEHIND {
                break;
            }
        }
        behind == 0
    }

    /// Has all be found out that is not known of these.
    pub(super) fn ask(&self, raw: &[RawRow], round: &Round) {
        let mut lookups = MachineLookups::of(round, false);
        for row in raw {
            self.completer.is_known(&row.record(&self.tallies), &mut lookups);
        }
    }

    /// The rows as they are reported: those that look alike are one, the first by the value that `top` names come first.
    pub(super) fn rows(&mut self, raw: Vec<RawRow>, round: &Round) -> Rows {
        let mut lookups = MachineLookups::of(round, false);
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
            FieldValue::Histogram(histogram) => histogram.counts.iter().map(|count| i128::from(*count)).sum(),
            value => value.number().unwrap_or(i128::MIN),
        }
    }
}
