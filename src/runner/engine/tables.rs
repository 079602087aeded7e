// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tables of each probe: all its targets count in the same ones, and so does the next version that counts the same.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::kernel::KernelError;
use crate::runner::source::SharedTables;
use crate::spec::{Aggregate, Counting, ProbeId};

/// Those that programs count in.
#[derive(Default)]
pub(super) struct Tables(RefCell<HashMap<ProbeId, Known>>);

struct Known {
    aggregates: Vec<Aggregate>,
    tables: Weak<SharedTables>,
}

impl Tables {
    /// The tables of a probe, made where there are none that fit.
    pub(super) fn of(
        &self,
        probe: &ProbeId,
        aggregates: &[Aggregate],
        counting: &Counting,
    ) -> Result<Arc<SharedTables>, KernelError> {
        let mut known = self.0.borrow_mut();
        known.retain(|_, known| known.tables.strong_count() > 0);
        let found = known.get(probe).filter(|known| known.aggregates == aggregates);
        if let Some(tables) = found.and_then(|known| known.tables.upgrade()).filter(|tables| tables.fit(counting)) {
            return Ok(tables);
        }
        let tables = Arc::new(SharedTables::new(counting)?);
        known.insert(probe.clone(), Known { aggregates: aggregates.to_vec(), tables: Arc::downgrade(&tables) });
        Ok(tables)
    }
}
