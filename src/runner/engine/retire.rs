// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has ended and is not gone yet: sources that are still read, links that the kernel takes its time to detach.

use std::sync::Arc;
use std::thread;

use super::readers::Readers;
use super::unit::{Lineage, Reading, Unit};
use crate::kernel::Counts;
use crate::runner::source::Account;
use crate::spec::LossCause;

/// A source whose program does not run any more, until its reader has emptied it.
struct Retired {
    /// Of which unit.
    lineage: Lineage,
    title: String,
    produced: u64,
    dropped: u64,
    account: Arc<Account>,
}

/// All that have ended and are still read.
#[derive(Default)]
pub(super) struct Retiring(Vec<Retired>);

impl Retiring {
    /// No program fills these sources of a unit any more: they are read to their last events. `counts` are final.
    pub(super) fn take(&mut self, unit: &Unit, readings: &[Reading], counts: Option<&Counts>, readers: &mut Readers) {
        let (produced, dropped) = counts.map_or((0, 0), |counts| (counts.produced(), counts.unwritten()));
        let written = produced.saturating_sub(dropped);
        for reading in readings {
            readers.retire(reading.by, reading.id, written);
            if let Some(account) = &reading.account {
                let (title, account) = (unit.title.clone(), Arc::clone(account));
                self.0.push(Retired { lineage: unit.lineage, title, produced, dropped, account });
            }
        }
    }

    /// Closes the accounts of those that are gone. True while there are others.
    pub(super) fn sweep(&mut self) -> bool {
        self.0.retain(|retired| {
            // The reader drops its part when everything is handed over.
            let is_gone = Arc::strong_count(&retired.account) == 1;
            if is_gone {
                retired.close();
            }
            !is_gone
        });
        !self.0.is_empty()
    }

    /// The end, nothing is read any more: closes all accounts. Returns what was lost, by unit.
    pub(super) fn finish(self) -> Vec<(Lineage, [(LossCause, u64); 3])> {
        let finish = |retired: Retired| {
            let left = retired.close();
            // What a reader gave up before is counted at the sinks.
            let [after_count, undeliverable, (unreadable, _)] = retired.account.lost();
            (retired.lineage, [after_count, undeliverable, (unreadable, left)])
        };
        self.0.into_iter().map(finish).collect()
    }
}

impl Retired {
    fn close(&self) -> u64 {
        self.account.close(&self.title, self.produced, self.dropped)
    }
}

/// Detaches what is silent already, on a thread of its own: the kernel takes its time for that.
pub(in crate::runner) fn detach_aside<T: Send + 'static>(ended: Vec<T>) {
    if !ended.is_empty() {
        // Where there is no thread to be had they are dropped here and now.
        drop(thread::Builder::new().name("detach".to_owned()).spawn(move || drop(ended)));
    }
}
