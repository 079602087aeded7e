// SPDX-License-Identifier: MIT OR Apache-2.0
//! Full disks, and logs that are taken away: what the daemon counts as delivered is in some file, whole, and what it cannot
//! write is said by `status --check` until it can.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::{Daemon, call, calls};
use crate::lab::{Ended, bpf, json, need, sh, skip, wait_for};
use crate::mounts::{mount, mount_silent, with_own_mounts};

/// A small disk in a mount namespace of this test's own.
fn disk(size: &str) -> Result<tempfile::TempDir, String> {
    // SAFETY: moves this thread, and what it starts, into a new mount namespace.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return Err(format!("no mount namespace: {}", io::Error::last_os_error()));
    }
    let dir = tempfile::tempdir().unwrap();
    sh(&format!("mount --make-rprivate /; mount -t tmpfs -o size={size},mode=0755 none {}", dir.path().display()));
    Ok(dir)
}

fn check(daemon: &Daemon) -> Ended {
    daemon.lab.run(&["status", "--check", "--socket", "control.sock"])
}

fn sink_error(daemon: &Daemon) -> String {
    daemon.status()["sinks"][0]["error"].as_str().unwrap().to_owned()
}

/// The events in a text, each line of which must be JSON.
fn events(text: &str) -> u64 {
    assert!(text.is_empty() || text.ends_with('\n'), "torn at its end: {text:?}");
    text.lines().map(json).filter(|line| line["type"].is_null()).count() as u64
}

/// What the probe produced, delivered and lost, once nothing is on its way any more.
fn accounts(daemon: &Daemon) -> (u64, u64, u64) {
    let settled = daemon.wait_until("calls", "settled", |probe| {
        let lost: u64 = probe["lost"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        probe["produced"].as_u64() == Some(probe["delivered"].as_u64().unwrap() + lost)
    });
    let count = |key: &str| settled[key].as_u64().unwrap();
    (count("produced"), count("delivered"), count("produced") - count("delivered"))
}

/// A sink that no probe writes to any more is closed soon, without anybody asking: its file may be deleted and still fill the disk.
#[test]
fn unused_sinks_are_closed() {
    need!(bpf());
    let daemon = Daemon::start(&[("a.yaml", &calls("calls", "sinks: [\"jsonl:all.jsonl\"]"))], &[]);
    daemon.wait("calls", "running");
    let is_open = || {
        let all = fs::read_dir(format!("/proc/{}/fd", daemon.run.pid())).unwrap().flatten();
        all.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| link.ends_with("all.jsonl"))
    };
    assert!(is_open());
    daemon.delete("a.yaml");
    let start = Instant::now();
    wait_for("the sink is closed", || !is_open());
    assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
    daemon.stop();
}

/// Disk full → deleted, moved, truncated → mended: the next event is there within a second, the check says what is, every line
/// of every file is whole, and as many are there as were delivered.
#[test]
fn full_disks() {
    need!(bpf());
    let disk = match disk("1m") {
        Ok(disk) => disk,
        Err(reason) => return crate::lab::skip(&reason),
    };
    let at = |name: &str| disk.path().join(name);
    let daemon =
        Daemon::with(&[("a.yaml", &calls("calls", &format!("sinks: [\"jsonl:{}\"]", at("a.jsonl").display())))]);
    let mut gone = 0;
    for (round, how) in (0..).zip(["deleted", "moved", "truncated", "deleted", "room"]) {
        check(&daemon).code(0);
        // As much as there is room for, and a little less than the pages have.
        drop(io::copy(&mut io::repeat(1), &mut File::create(at("ballast")).unwrap()));
        let start = Instant::now();
        while sink_error(&daemon).is_empty() {
            assert!(start.elapsed() < crate::lab::BOUND, "the disk does not fill up");
            (0..50).for_each(call);
        }
        assert!(sink_error(&daemon).starts_with("No space left on device"), "{}", sink_error(&daemon));
        check(&daemon).code(1);
        accounts(&daemon);
        let text = fs::read_to_string(at("a.jsonl")).unwrap();
        match how {
            "deleted" => {
                gone += events(&text);
                fs::remove_file(at("a.jsonl")).unwrap();
            }
            "moved" => fs::rename(at("a.jsonl"), at("old.jsonl")).unwrap(),
            "truncated" => {
                // Within a line: what stands before it stays.
                let keep = text.len() / 2;
                let whole = text[..keep].rfind('\n').unwrap() + 1;
                gone += events(&text[whole..]);
                File::options().write(true).open(at("a.jsonl")).unwrap().set_len(keep as u64).unwrap();
            }
            _room => {}
        }
        fs::remove_file(at("ballast")).unwrap();
        let mended = Instant::now();
        let marker = 80_000 + round;
        call(marker);
        let is_there = || {
            let text = fs::read_to_string(at("a.jsonl")).unwrap_or_default();
            text.lines().any(|line| line.contains(&format!("\"n\":{marker}}}")))
        };
        wait_for("the next event", is_there);
        assert!(mended.elapsed() < Duration::from_secs(1), "{how}: {:?}", mended.elapsed());
        check(&daemon).code(0);
    }
    let (produced, delivered, lost) = accounts(&daemon);
    assert!(lost > 0 && delivered > 0 && produced == delivered + lost);
    let there: u64 = ["a.jsonl", "old.jsonl"].iter().map(|name| events(&fs::read_to_string(at(name)).unwrap())).sum();
    assert_eq!(there + gone, delivered);
    let (ended, _) = daemon.stop();
    assert_eq!(ended.stderr.matches("accepts events again").count(), 5, "{}", ended.stderr);
}

/// A FIFO, a directory or a link in the place of the log: nothing counts as delivered that nobody can read, the status says
/// why, and when it is gone the sink is good again without an event.
#[test]
fn something_else_takes_the_place() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("calls", "sinks: [\"jsonl:a.jsonl\"]"))]);
    let path = daemon.lab.path("a.jsonl");
    type Put<'a> = (&'a str, &'a dyn Fn(&Path));
    let put: [Put<'_>; 3] = [
        ("a file was there, and now it is a FIFO", &|path| drop(sh(&format!("mkfifo y; mv y {}", path.display())))),
        ("it is a directory", &|path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("a file was there, and now it is a device", &|path| {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/dev/null", path).unwrap();
        }),
    ];
    for (round, (what, put)) in (1..).zip(put) {
        call(round);
        wait_for("the file", || !daemon.lines("a.jsonl").is_empty());
        let (_, before, _) = accounts(&daemon);
        put(&path);
        (0..100).for_each(call);
        let (_, delivered, _) = accounts(&daemon);
        assert_eq!(delivered, before, "{what}");
        assert!(sink_error(&daemon).starts_with(what), "{}", sink_error(&daemon));
        check(&daemon).code(1);
        let table = daemon.lab.run(&["status", "--socket", "control.sock"]).code(0).stdout.join("\n");
        assert!(table.contains("failing") && table.contains(what), "{table}");
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        let start = Instant::now();
        wait_for("the sink to see it", || sink_error(&daemon).is_empty());
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        check(&daemon).code(0);
    }
    daemon.stop();
}

/// A file system that does not answer holds up nobody but its sinks: what is open there is said to be stuck, what is to be opened
/// there fails by itself, and both go on when it is mended.
#[test]
fn a_silent_file_system() {
    need!(bpf());
    let own = with_own_mounts(|| {
        let disk = tempfile::tempdir().unwrap();
        let sink = |name: &str| format!("sinks: [\"jsonl:{}\"]", disk.path().join(name).display());
        let daemon = Daemon::with(&[("a.yaml", &calls("one", &sink("a.jsonl")))]);
        let Some(server) = mount_silent(disk.path()) else { return skip("no FUSE") };
        call(1);
        wait_for("what is stuck", || sink_error(&daemon).starts_with("a write has taken "));
        check(&daemon).code(1);
        daemon.write("b.yaml", &calls("two", &sink("b.jsonl")));
        let failed = daemon.wait("two", "failed");
        assert!(failed["error"].as_str().unwrap().ends_with("its file system does not answer"), "{failed}");
        drop(server);
        mount("umount -l", &[disk.path()]);
        daemon.wait("two", "running");
        wait_for("a good check", || check(&daemon).status.success());
        call(2);
        for (name, numbers) in [("a.jsonl", &["\"n\":1}", "\"n\":2}"][..]), ("b.jsonl", &["\"n\":2}"])] {
            let text = || fs::read_to_string(disk.path().join(name)).unwrap();
            wait_for(name, || numbers.iter().all(|number| text().contains(number)));
        }
        daemon.stop();
    });
    if !own {
        skip("no mounts of its own");
    }
}
