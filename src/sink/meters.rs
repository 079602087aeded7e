// SPDX-License-Identifier: MIT OR Apache-2.0
//! The meters of the sink `metrics`: each is kept as long as a probe counts in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::meter::{Meter, MeterOf, exposition};
use crate::record::Rows;
use crate::spec::Layout;

/// All of them.
#[derive(Debug, Default)]
pub struct Meters(Mutex<Vec<Weak<Mutex<Meter>>>>);

/// One of them, which several versions of a probe share.
#[derive(Debug, Clone)]
pub struct MeterHandle(Arc<Mutex<Meter>>);

impl Meters {
    /// The meter for rows of this layout; the next version of a probe goes on counting in that of the one before.
    pub fn take(&self, of: MeterOf, layout: &Layout) -> MeterHandle {
        let mut all = lock(&self.0);
        all.retain(|meter| meter.strong_count() > 0);
        if let Some(known) = all.iter().filter_map(Weak::upgrade).find(|meter| lock(meter).is_of(&of, layout)) {
            lock(&known).describe(of);
            return MeterHandle(known);
        }
        let meter = Arc::new(Mutex::new(Meter::new(of, layout)));
        all.push(Arc::downgrade(&meter));
        MeterHandle(meter)
    }

    /// What Prometheus is told.
    pub fn text(&self) -> String {
        let all: Vec<Arc<Mutex<Meter>>> = lock(&self.0).iter().filter_map(Weak::upgrade).collect();
        let all: Vec<MutexGuard<'_, Meter>> = all.iter().map(|meter| lock(meter)).collect();
        exposition(all.iter().map(|meter| &**meter))
    }
}

impl MeterHandle {
    /// Adds what was counted in an interval.
    pub fn add(&self, rows: &Rows) {
        lock(&self.0).add(rows);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
