// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about reads and disks that count: a program of a name of its own reads so many pieces of one size.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::Task;
use super::rows::{buckets, copy_of, counted, rows, sum};
use crate::lab::{Lab, sh};

/// A disk that is a file, until it is dropped.
struct Disk(String);

impl Disk {
    fn new(lab: &Lab, bytes: u64) -> Self {
        let file = lab.text("disk");
        Self(sh(&format!("head -c {bytes} /dev/zero >{file}; losetup --find --show {file}")).trim().to_owned())
    }

    /// As events call it.
    fn name(&self) -> &str {
        self.0.strip_prefix("/dev/").unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        sh(&format!("losetup --detach {}", self.0));
    }
}

pub(super) fn sizes_of_reads() {
    let task = Task::start("026");
    let dd = copy_of(&task.lab, "dd", "task026");
    sh(&format!(
        "{dd} if=/dev/zero of=/dev/null bs=5000 count=123 status=none; {dd} if=/dev/zero of=/dev/null bs=100000 count=7 status=none"
    ));
    let events = task.told(&[], &[]);
    let sizes = buckets(&events, &json!({ "probe": "read-sizes", "comm": "task026" }), "bytes");
    assert_eq!((sizes.get(&4096), sizes.get(&65536)), (Some(&123), Some(&7)), "{sizes:?}");
    // What else a program reads when it begins is smaller.
    assert_eq!(sizes.range(4096..).count(), 2, "{sizes:?}");
}

pub(super) fn files_that_are_read() {
    let task = Task::start("035");
    let file = task.lab.text("read");
    fs::write(&file, vec![7; 300_000]).unwrap();
    sh(&format!("dd if={file} of=/dev/null bs=100 count=3000 status=none"));
    let events = task.told(&[], &[]);
    assert_eq!(sum(&events, &json!({ "probe": "read-files", "file": file }), "reads"), 3000);
}

pub(super) fn latency_of_a_disk() {
    let lab = Lab::new();
    let disk = Disk::new(&lab, 4 << 20);
    let task = Task::start_in(lab, "037", &[]);
    sh(&format!("dd if={} of=/dev/null bs=64k count=40 iflag=direct status=none", disk.0));
    let events = task.told(&[], &[]);
    let wanted = json!({ "probe": "disk-latency", "disk": disk.name() });
    assert_eq!(counted(&events, &wanted, "took"), 40);
}

/// Each request, in order, with the process that asked for it.
pub(super) fn requests() {
    let lab = Lab::new();
    let disk = Disk::new(&lab, 1 << 20);
    let task = Task::start_in(lab, "038", &[]);
    let dd = copy_of(&task.lab, "dd", "task038");
    sh(&format!("{dd} if={} of=/dev/null bs=64k count=16 iflag=direct status=none", disk.0));
    sh(&format!("{dd} if=/dev/zero of={} bs=4k count=2 seek=3 oflag=direct status=none", disk.0));
    let events = task.told(&[], &[]);
    let of_disk: Vec<_> = events.iter().filter(|event| event["disk"] == disk.name()).collect();
    let seen: Vec<_> = of_disk.iter().map(|event| json!([event["comm"], event["sector"], event["bytes"]])).collect();
    let reads = (0..16).map(|at| json!(["task038", at * 128, 65536]));
    let writes = [24, 32].map(|sector| json!(["task038", sector, 4096]));
    assert_eq!(seen, reads.chain(writes).collect::<Vec<_>>());
    for (number, event) in of_disk.iter().enumerate() {
        assert!(event["op"].as_str().unwrap().starts_with(if number < 16 { 'R' } else { 'W' }), "{event}");
        assert!(event["queued"].as_u64() > Some(0) && event["queued"].as_u64() < event["took"].as_u64(), "{event}");
    }
}

pub(super) fn sizes_by_process() {
    let lab = Lab::new();
    let disk = Disk::new(&lab, 1 << 20);
    let task = Task::start_in(lab, "039", &[]);
    let dd = copy_of(&task.lab, "dd", "task039");
    sh(&format!("{dd} if={} of=/dev/null bs=64k count=16 iflag=direct status=none", disk.0));
    sh(&format!("{dd} if={} of=/dev/null bs=4k count=21 iflag=direct status=none", disk.0));
    let events = task.told(&[], &[]);
    let sizes = buckets(&events, &json!({ "probe": "io-sizes", "comm": "task039" }), "size");
    assert_eq!(sizes, BTreeMap::from([(4096, 21), (65536, 16)]));
}

/// Larger than anything else that is read meanwhile, so that it is among the first.
pub(super) fn top_of_disks() {
    let lab = Lab::new();
    let disk = Disk::new(&lab, 64 << 20);
    let task = Task::start_in(lab, "042", &[]);
    let dd = copy_of(&task.lab, "dd", "task042");
    sh(&format!("{dd} if={} of=/dev/null bs=256k count=256 iflag=direct status=none", disk.0));
    let events = task.told(&[], &[]);
    let wanted = json!({ "probe": "top-io", "comm": "task042", "disk": disk.name() });
    assert_eq!((sum(&events, &wanted, "calls"), sum(&events, &wanted, "bytes")), (256, 64 << 20));
    assert!(rows(&events, &wanted).all(|row| row["took"].as_u64() > Some(0) && row["pid"].as_u64() > Some(0)));
}
