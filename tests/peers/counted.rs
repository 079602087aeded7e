// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted, beside libbpf-tools and scripts of bpftrace that count the same events at the same time: counts and sizes are
//! equal; of times, which each takes for itself, each bucket above 20 µs is within 1 % of the events.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::lab::{self, Lab, Run};
use crate::peer::{Killed, Peer};
use crate::printed::Histogram;
use crate::{ATTEMPTS, missed, program};

/// Both while they count.
pub(crate) struct Both {
    lab: Lab,
    run: Run,
    peer: Killed,
}

/// What both say.
pub(crate) struct Said {
    pub(crate) rows: Vec<Value>,
    pub(crate) peer: String,
    /// The kernel skipped programs of one of them.
    skipped: bool,
    notes: String,
}

impl Both {
    /// Starts both, and waits until they are attached.
    pub(crate) fn start(lab: Lab, probe: &str, command: &[&str]) -> Self {
        let mut tool = Command::new(program(command[0]).unwrap());
        tool.args(&command[1..]).stdin(Stdio::null());
        tool.stdout(fs::File::create(lab.path("peer.out")).unwrap());
        tool.stderr(fs::File::create(lab.path("peer.log")).unwrap());
        let mut peer = Killed::new(tool.spawn().unwrap());
        peer.wait_until_attached(|| fs::read_to_string(lab.path("peer.log")).unwrap_or_default());
        lab.yaml(probe);
        let mut run = Run::start(lab.command(&["probes.yaml"]));
        run.wait_until_attached();
        Self { lab, run, peer }
    }

    /// The same with a script of bpftrace.
    pub(crate) fn bpftrace(lab: Lab, probe: &str, script: &str) -> Self {
        lab.yaml(probe);
        let mut run = Run::start(lab.command(&["probes.yaml"]));
        run.wait_until_attached();
        let path = lab.text("peer.bt");
        fs::write(&path, script).unwrap();
        let Peer::Bpftrace { child, .. } = Peer::bpftrace(&lab, &path).unwrap() else { unreachable!("it is bpftrace") };
        Self { lab, run, peer: child }
    }

    /// Ends both, the later one first.
    pub(crate) fn end(mut self) -> Said {
        let skipped = self.peer.end_as_ctrl_c();
        let ended = self.run.interrupt();
        let text = |name: &str| fs::read_to_string(self.lab.path(name)).unwrap_or_default();
        Said {
            skipped: skipped > 0 || missed(&ended.stderr),
            notes: format!("{}\nthe peer: {skipped} skipped; {}", ended.stderr, text("peer.log")),
            rows: ended.events().into_iter().filter(lab::counts).collect(),
            peer: text("peer.out"),
        }
    }
}

impl Said {
    /// The rows of one of several probes.
    pub(crate) fn rows_of(&self, probe: &str) -> Vec<&Value> {
        self.rows.iter().filter(|row| row["probe"] == probe).collect()
    }

    /// What a value of ours comes to, by these keys joined with `, `.
    pub(crate) fn sums(&self, keys: &[&str], value: &str) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for row in &self.rows {
            *all.entry(joined(row, keys)).or_default() += row[value].as_u64().unwrap();
        }
        all
    }

    /// A histogram of ours, by these keys; lower edges divided by `unit`.
    pub(crate) fn histograms(&self, keys: &[&str], value: &str, unit: u64) -> BTreeMap<String, Histogram> {
        let mut all: BTreeMap<String, Histogram> = BTreeMap::new();
        for row in &self.rows {
            for bucket in row[value].as_array().unwrap() {
                let low = bucket[0].as_u64().unwrap_or(0) / unit;
                *all.entry(joined(row, keys)).or_default().entry(low).or_default() += bucket[2].as_u64().unwrap();
            }
        }
        all
    }
}

fn joined(row: &Value, keys: &[&str]) -> String {
    let text = |key: &&str| row[*key].as_str().map_or_else(|| row[*key].to_string(), str::to_owned);
    keys.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// What a difference begins with that is of the clocks: each side reads its own, and where many times lie at the edge of a bucket some
/// fall to another side of it.
const AT_AN_EDGE: &str = "as many times, in other buckets: ";

/// Compares until the kernel skipped no program of either and no times lay at an edge, or until they are equal although it did.
pub(crate) fn compared(what: &str, compare: impl Fn() -> (Said, Result<String, String>)) {
    for attempt in 1.. {
        let turn = crate::turn();
        let (said, outcome) = compare();
        drop(turn);
        match outcome {
            Ok(same) => return println!("{what}: {same}"),
            Err(why) if (said.skipped || why.starts_with(AT_AN_EDGE)) && attempt < ATTEMPTS => {
                println!("{what}, attempt {attempt}: {why}");
            }
            Err(why) => panic!("{what}: {why}\n{}\n{}", said.notes, said.peer),
        }
    }
}

/// Equal histograms of sizes, or numbers, by key.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(ours: &T, theirs: &T) -> Result<String, String> {
    if ours == theirs { Ok(format!("{ours:?}")) } else { Err(format!("ours {ours:?}\n  theirs {theirs:?}")) }
}

/// As many times, and as many in each bucket above 20 µs but for 1 % of all.
pub(crate) fn alike(ours: &Histogram, theirs: &Histogram) -> Result<String, String> {
    let all: u64 = theirs.values().sum();
    let is_near = |low: &u64| {
        let of = |histogram: &Histogram| histogram.get(low).copied().unwrap_or(0);
        of(ours).abs_diff(of(theirs)) * 100 <= all
    };
    let is_same = ours.values().sum::<u64>() == all && all > 0;
    let far = ours.keys().chain(theirs.keys()).find(|low| **low >= 32 && !is_near(low));
    if is_same && far.is_none() {
        return Ok(format!("{all} times: {ours:?}"));
    }
    let begin = if is_same { AT_AN_EDGE } else { "" };
    Err(format!("{begin}ours {ours:?}\n  theirs {theirs:?}"))
}
