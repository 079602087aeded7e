// SPDX-License-Identifier: MIT OR Apache-2.0
//! The metrics of a snapshot, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test may")]

use ebpf_run::status::{Status, metrics};

/// Every metric keeps its name, help text and labels: dashboards and alerts use them. Values of the same labels are added, odd
/// characters stay inside their quotes, and a probe that does not run has no counters.
#[test]
fn every_metric() {
    let status: Status = serde_json::from_str(include_str!("snapshot.json")).unwrap();
    let text = metrics(&status);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/metrics/metrics.txt"), &text).unwrap();
    }
    assert_eq!(text, include_str!("metrics.txt"), "UPDATE=1 rewrites it");
}

/// A metric without series is left out: a daemon without probes, files and sinks has none for them.
#[test]
fn no_series_no_metric() {
    let mut status: Status = serde_json::from_str(include_str!("snapshot.json")).unwrap();
    (status.probes, status.files, status.sinks) = (Vec::new(), Vec::new(), Vec::new());
    let text = metrics(&status);
    for name in ["config_file_ok", "probe_events_total", "probe_sink_events_lost_total", "sink_open"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    assert!(text.contains("\nebpf_run_probes{state=\"running\"} 0\n"), "{text}");
}
