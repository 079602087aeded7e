// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every event has one fate: produced = delivered + filtered + undecided + lost; and ids of events have the names that the machine has for
//! them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cgroups::{Cgroup, cgroup2};
use crate::lab::{Ended, Lab, bpf, need, open_missing, sh, tid};

fn probe(hook: &str, capture: &str, clauses: &[&str], more: &str) -> String {
    let clauses: String = clauses.iter().map(|clause| format!("      - {clause}\n")).collect();
    let filter = if clauses.is_empty() { String::new() } else { format!("    where:\n{clauses}") };
    format!("probes:\n  - name: it\n    hook: {hook}\n    capture: {capture}\n{filter}{more}")
}

/// How many events `where` refused, and of how many it could not decide: the note below the row of the summary.
fn refused(ended: &Ended) -> [u64; 2] {
    let note = ended.stderr.lines().find_map(|line| line.trim().strip_prefix("not passed by `where`: ")).unwrap_or("");
    ["filtered", "undecided"].map(|name| {
        let count = note.split("; ").find_map(|part| part.strip_prefix(name));
        count.map_or(0, |count| count.trim().replace(',', "").parse().unwrap())
    })
}

fn adds_up(ended: &Ended) -> [u64; 3] {
    let (totals, [filtered, undecided]) = (ended.totals("it"), refused(ended));
    assert_eq!(totals.produced, totals.delivered + filtered + undecided + totals.lost, "{}", ended.stderr);
    let events = ended.events().iter().filter(|event| event["type"].is_null()).count() as u64;
    assert_eq!(events, totals.delivered, "{}", ended.stderr);
    assert!(!ended.stderr.contains("unaccounted"), "{}", ended.stderr);
    [totals.delivered, filtered, undecided]
}

fn seek(offset: i64) {
    // SAFETY: there is no such descriptor.
    unsafe { libc::lseek(-1, offset, libc::SEEK_SET) };
}

/// What the kernel leaves is decided in user space, to the event; the others are counted.
#[test]
fn filtered_in_both_places() {
    need!(bpf());
    let lab = Lab::new();
    let own = format!("tid == {}", tid());
    let run = lab.ready(&probe("{ syscall: lseek }", "{ offset: offset }", &[&own, "offset % 7 == 3"], ""), &[]);
    (0..7000).for_each(seek);
    let ended = run.interrupt().code(0);
    let [delivered, filtered, undecided] = adds_up(&ended);
    assert_eq!((delivered, undecided), (1000, 0), "{}", ended.stderr);
    assert!(filtered >= 6000, "{}", ended.stderr);
    assert!(ended.events().iter().all(|event| event["offset"].as_u64().unwrap() % 7 == 3));
}

/// `--count` counts what is delivered, not what is produced.
#[test]
fn a_count_of_those_that_pass() {
    need!(bpf());
    let lab = Lab::new();
    let own = format!("tid == {}", tid());
    let yaml = probe("{ syscall: lseek }", "{ offset: offset }", &[&own, "offset % 7 == 3"], "");
    let run = lab.ready(&yaml, &["--count", "10"]);
    (0..700).for_each(seek);
    let ended = run.end().code(0);
    let offsets: Vec<u64> = ended.events().iter().map(|event| event["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (0..10).map(|n| 7 * n + 3).collect::<Vec<u64>>());
    adds_up(&ended);
}

/// Limits hold for what `where` leaves, wherever it was decided.
#[test]
fn limits_after_where() {
    need!(bpf());
    let lab = Lab::new();
    let own = format!("tid == {}", tid());
    let limits = "    limits: { rate_limit: 100/h }\n";
    let run = lab.ready(&probe("{ syscall: lseek }", "{ offset: offset }", &[&own, "offset % 7 == 3"], limits), &[]);
    (0..7000).for_each(seek);
    let ended = run.interrupt().code(0);
    let [delivered, ..] = adds_up(&ended);
    let totals = ended.totals("it");
    // An hour may begin in between.
    assert!((100..=200).contains(&delivered) && totals.lost == 1000 - delivered, "{totals:?}");
    assert!(totals.causes.contains("rate limited"), "{totals:?}");
}

/// What could not be read, or not to its end, was not refused for good: it is counted by itself, and the stream says so.
#[test]
fn undecided() {
    need!(bpf());
    let lab = Lab::new();
    let own = format!("tid == {}", tid());
    let clauses = [own.as_str(), "path.endsWith(\"wanted\")"];
    let run = lab.ready(&probe("{ syscall: openat }", "{ path: filename }", &clauses, ""), &[]);
    let folder = "/".to_owned() + &"x".repeat(200);
    let long = format!("{folder}{folder}/wanted");
    (0..20).for_each(|_| open_missing(&long));
    (0..3).for_each(|_| open_missing("/not/that/one"));
    (0..4).for_each(|_| open_missing("/that/is/wanted"));
    for _ in 0..5 {
        // SAFETY: the kernel refuses the address, where nothing is mapped, with EFAULT.
        unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, 0x7000_0000_0000_u64, 0, 0) };
    }
    let ended = run.interrupt().code(0);
    let [delivered, filtered, undecided] = adds_up(&ended);
    assert_eq!((delivered, undecided), (4, 25), "{}", ended.stderr);
    assert!(filtered >= 3, "{}", ended.stderr);
    let told = ended.events().into_iter().filter(|event| event["type"] == "undecided");
    assert_eq!(told.map(|event| event["count"].as_u64().unwrap()).sum::<u64>(), 25);
}

/// A cgroup has its path, and the container that this tells.
#[test]
fn cgroups_and_containers() {
    need!(bpf());
    need!(cgroup2().map(|_| ()));
    let lab = Lab::new();
    let id = format!("{:064x}", std::process::id());
    let name = format!("docker-{id}.scope");
    let cgroup = Cgroup(cgroup2().unwrap().join(&name));
    fs::create_dir(&cgroup.0).unwrap();
    let capture = "{ path: filename, cgroup: cgroup, container: container }";
    let mut run = lab.ready(&probe("{ syscall: openat }", capture, &[], ""), &[]);
    let file = lab.text("inside");
    let join = cgroup.0.join("cgroup.procs");
    sh(&format!("echo $$ > {}; cat {file} 2>/dev/null || true", join.display()));
    let event = run.event(|event| event["path"] == *file);
    assert_eq!(event["cgroup"], format!("/{name}"), "{event}");
    assert_eq!(event["container"], id, "{event}");
    let outside = lab.text("outside");
    open_missing(&outside);
    let event = run.event(|event| event["path"] == *outside);
    assert_eq!(event["container"], Value::Null, "{event}");
    run.interrupt().code(0);
}

extern "C" fn compare_for_this_test(_: *const libc::c_void, _: *const libc::c_void) -> i32 {
    0
}

/// An address in a program has the name of its function.
#[test]
fn user_symbols() {
    need!(bpf());
    let lab = Lab::new();
    let hook = "{ uprobe: \"libc.so.6:qsort\" }";
    let own = format!("tid == {}", tid());
    let mut run = lab.ready(&probe(hook, "{ compare: arg3 as usym }", &[&own], ""), &[]);
    let mut numbers = [2u8, 1];
    // SAFETY: the array has two elements of one byte.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 2, 1, Some(compare_for_this_test)) };
    let event = run.event(|event| event["tid"] == tid());
    let name = event["compare"].as_str().unwrap();
    assert!(name.contains("compare_for_this_test") && !name.contains('+'), "{event}");
    run.interrupt().code(0);
}

/// The disk of a block request is called as in /dev, and the kernel's code as in /proc/kallsyms.
#[test]
fn disks_and_kernel_symbols() {
    need!(bpf());
    let hidden = fs::read_to_string("/proc/kallsyms").is_ok_and(|text| text.starts_with("0000000000000000"));
    need!(if hidden { Err("the kernel hides its addresses".to_owned()) } else { Ok(()) });
    let lab = Lab::new();
    let hook = "{ tracepoint: \"skb:kfree_skb\" }";
    let mut run = lab.ready(&probe(hook, "{ at: location as ksym }", &[], ""), &[]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    socket.send_to(b"x", nobody).unwrap();
    let event = run.event(|event| event["at"].is_string());
    let name = event["at"].as_str().unwrap();
    assert!(name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'), "{event}");
    run.interrupt().code(0);
    let disk = fs::read_dir("/sys/class/block").unwrap().flatten().find(|disk| disk.path().join("device").exists());
    let Some(disk) = disk else { return };
    let mut run = lab.ready(&probe("{ tracepoint: \"block:block_rq_issue\" }", "{ disk: dev }", &[], ""), &[]);
    let file = lab.text("data");
    sh(&format!("dd if=/dev/zero of={file} bs=4k count=1 conv=fsync 2>/dev/null; sync"));
    let event = run.try_event(std::time::Duration::from_secs(5), |event| event["disk"].is_string());
    run.interrupt().code(0);
    if let Some(event) = event {
        let name = event["disk"].as_str().unwrap();
        assert!(Path::new("/sys/class/block").join(name).exists(), "{event}, and there is {}", disk.path().display());
    }
}
