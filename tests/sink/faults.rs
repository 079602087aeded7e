// SPDX-License-Identifier: MIT OR Apache-2.0
//! Full disks, and what is done to files meanwhile: every line of every file is whole, and every event is counted as what
//! became of it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ebpf_run::sink::{Delivery, Sink};
use serde_json::Value;

use super::{LONG, batch, mount_tmpfs, open, wait_until};

/// A line as the program writes them, of a length that never divides a page.
fn line(number: u64) -> String {
    format!("{{\"ts\":\"2026-11-21T07:40:00.000000000Z\",\"probe\":\"p\",\"n\":{number},\"pad\":\"{:<61}\"}}\n", "x")
}

fn lines(from: u64, count: u64) -> String {
    (from..from + count).map(line).collect()
}

/// The numbers in a file, each line of which must be whole.
fn numbers(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "{path:?} ends torn: {:?}",
        &text[text.len().saturating_sub(99)..]
    );
    parsed(&text)
}

fn parsed(text: &str) -> Vec<u64> {
    let number = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(line) => line["n"].as_u64().unwrap(),
        Err(error) => panic!("{error}: {line:?}"),
    };
    text.lines().map(number).collect()
}

/// A small disk that is full but for `room` bytes, with a sink on it that has written and then failed.
struct Full {
    dir: tempfile::TempDir,
    sink: Sink,
    delivery: Arc<Delivery>,
    sent: u64,
}

impl Full {
    fn new(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        if let Err(error) = mount_tmpfs(dir.path(), "size=128k") {
            eprintln!("skipped: {test}: no private tmpfs: {error}");
            return None;
        }
        fs::write(dir.path().join("ballast"), [0; 64 << 10]).unwrap();
        let sink = open(&dir.path().join("a.jsonl"));
        let mut full = Self { dir, sink, delivery: Arc::default(), sent: 0 };
        while full.delivery.lost_total() < 300 {
            full.send(100);
        }
        assert!(full.sink.trouble().unwrap().starts_with("No space left on device"));
        Some(full)
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Sends lines, and waits until all are delivered or lost.
    fn send(&mut self, count: u64) {
        self.sink.send(batch(&self.delivery, &lines(self.sent, count))).unwrap();
        self.sent += count;
        let settled = || self.delivery.delivered() + self.delivery.lost_total();
        wait_until("an end of the lines", || settled() == self.sent);
    }

    /// After the mend, the first events that come are delivered to this file.
    fn mended(mut self, to: &str) -> Vec<u64> {
        let before = self.delivery.delivered();
        self.send(10);
        assert_eq!((self.delivery.delivered(), self.sink.trouble()), (before + 10, None));
        let numbers = numbers(&self.at(to));
        assert!(numbers.ends_with(&(self.sent - 10..self.sent).collect::<Vec<_>>()), "{numbers:?}");
        self.sink.flush_and_close(LONG);
        assert_eq!(self.delivery.delivered() + self.delivery.lost_total(), self.sent);
        numbers
    }

    fn make_room(&self) {
        fs::remove_file(self.at("ballast")).unwrap();
    }
}

/// Disk full → deleted → mended: the next event goes into a new file.
#[test]
fn full_then_deleted() {
    let Some(full) = Full::new("full_then_deleted") else { return };
    fs::remove_file(full.at("a.jsonl")).unwrap();
    assert_eq!(full.mended("a.jsonl").len(), 10);
}

/// Disk full → moved → mended: the old file has whole lines, and as many as were delivered.
#[test]
fn full_then_moved() {
    let Some(mut full) = Full::new("full_then_moved") else { return };
    fs::rename(full.at("a.jsonl"), full.at("old")).unwrap();
    full.make_room();
    full.send(10);
    assert_eq!(full.sink.trouble(), None);
    let new = numbers(&full.at("a.jsonl"));
    assert_eq!(new, (full.sent - 10..full.sent).collect::<Vec<_>>());
    let delivery = &full.delivery;
    assert_eq!((numbers(&full.at("old")).len() + new.len()) as u64, delivery.delivered());
    assert_eq!(delivery.delivered() + delivery.lost_total(), full.sent);
}

/// Disk full → truncated → mended, to nothing, between lines and within a line: no rest of a line follows.
#[test]
fn full_then_truncated() {
    for length in [0, 3 * line(10).len() as u64, 700] {
        let Some(full) = Full::new("full_then_truncated") else { return };
        File::options().write(true).open(full.at("a.jsonl")).unwrap().set_len(length).unwrap();
        full.mended("a.jsonl");
    }
}

/// Disk full → room again: whole lines before and after, and nothing in between.
#[test]
fn full_then_room() {
    let Some(full) = Full::new("full_then_room") else { return };
    full.make_room();
    let delivery = Arc::clone(&full.delivery);
    let numbers = full.mended("a.jsonl");
    assert_eq!(numbers.len() as u64, delivery.delivered());
    assert!(numbers.is_sorted_by(|a, b| a < b));
}

/// A sink that has nothing to write is good again a second after its disk is, at the latest.
#[test]
fn an_idle_sink_recovers() {
    let Some(full) = Full::new("an_idle_sink_recovers") else { return };
    std::thread::sleep(Duration::from_millis(700));
    assert!(full.sink.trouble().is_some(), "nothing has changed");
    full.make_room();
    let start = Instant::now();
    wait_until("the sink to see the room", || full.sink.trouble().is_none());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    full.mended("a.jsonl");
}

/// A limit on the size of files is an error like a full disk, and does not end the process.
#[test]
fn a_limit_of_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    // The limit holds for the whole process, and so for all tests: another process has it.
    if std::env::var_os("SIZE_LIMITED").is_none() {
        let this = std::env::current_exe().unwrap();
        let limited = "ulimit -f 8; exec \"$0\" --exact faults::a_limit_of_size --nocapture";
        let done = std::process::Command::new("sh").args(["-c", limited]).arg(this).env("SIZE_LIMITED", "1").output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        return;
    }
    let sink = open(&path);
    let delivery = Arc::new(Delivery::default());
    sink.send(batch(&delivery, &lines(0, 1000))).unwrap();
    wait_until("an end of the lines", || delivery.delivered() + delivery.lost_total() == 1000);
    assert!(sink.trouble().unwrap().starts_with("File too large"), "{:?}", sink.trouble());
    assert_eq!(numbers(&path).len() as u64, delivery.delivered());
    fs::rename(&path, dir.path().join("old")).unwrap();
    sink.send(batch(&delivery, &lines(0, 10))).unwrap();
    sink.flush_and_close(LONG);
    assert_eq!(numbers(&path).len(), 10);
}

/// Two sinks write to one full file, as two processes would: no line is torn, none cut away.
#[test]
fn two_writers_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    if let Err(error) = mount_tmpfs(dir.path(), "size=256k") {
        eprintln!("skipped: two_writers_on_a_full_disk: no private tmpfs: {error}");
        return;
    }
    let path = dir.path().join("a.jsonl");
    let sinks = [open(&path), open(&path)];
    let delivery = Arc::new(Delivery::default());
    let mut sent = 0;
    for round in 0..60 {
        fs::write(dir.path().join("ballast"), vec![0; 4096 * (round % 7)]).ok();
        for sink in &sinks {
            sink.send(batch(&delivery, &lines(sent, 50))).unwrap();
            sent += 50;
        }
        wait_until("an end of the lines", || delivery.delivered() + delivery.lost_total() == sent);
        if round % 20 == 19 {
            File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        }
    }
    assert!(delivery.lost_total() > 0 && delivery.delivered() > 0, "{delivery:?}");
    for sink in &sinks {
        sink.flush_and_close(LONG);
    }
    // The next one that is opened is alone again: what could only be blanked is cut.
    open(&path).flush_and_close(LONG);
    numbers(&path);
}

/// A line that another writer, or whoever cut the file, left torn while we write does not spoil ours.
#[test]
fn a_torn_line_before_ours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    // Keeps anybody else from cutting.
    let (sink, _other) = (open(&path), open(&path));
    let delivery = Arc::new(Delivery::default());
    for round in 0..3 {
        sink.send(batch(&delivery, &lines(round, 1))).unwrap();
        wait_until("the line", || delivery.delivered() == round + 1);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"ts\":\"2026").unwrap();
    }
    sink.send(batch(&delivery, &lines(3, 1))).unwrap();
    sink.flush_and_close(LONG);
    assert_eq!(numbers(&path), [0, 1, 2, 3]);
}

/// A file that can only grow (chattr +a) gets our lines whole, whatever stands before them.
#[test]
fn a_file_that_can_only_grow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    fs::write(&path, "").unwrap();
    let chattr = |how: &str| {
        std::process::Command::new("chattr").arg(how).arg(&path).output().is_ok_and(|done| done.status.success())
    };
    if !chattr("+a") {
        eprintln!("skipped: a_file_that_can_only_grow: no chattr +a here");
        return;
    }
    let sink = open(&path);
    let delivery = Arc::new(Delivery::default());
    sink.send(batch(&delivery, &lines(0, 3))).unwrap();
    wait_until("the lines", || delivery.delivered() == 3);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"ts\":\"2026").unwrap();
    sink.send(batch(&delivery, &lines(3, 1))).unwrap();
    sink.flush_and_close(LONG);
    assert!(chattr("-a"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.ends_with(&format!("\n{{\"ts\":\"2026\n{}", line(3))), "{text}");
}

/// Everything that can happen to a log, in random order, while events flow: the disk fills, the file is deleted, moved, copied
/// and truncated, its directory goes and comes, something else takes its place. Every line of every file that ever was is
/// whole, none is there twice, and as many are there as were delivered.
#[test]
fn random_faults() {
    let dir = tempfile::tempdir().unwrap();
    if let Err(error) = mount_tmpfs(dir.path(), "size=512k,nr_inodes=200") {
        eprintln!("skipped: random_faults: no private tmpfs: {error}");
        return;
    }
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or(u64::from(std::process::id()) ^ 0x9e37_79b9_7f4a_7c15);
    println!("seed {seed}");
    let mut random = Random(seed);
    let (folder, path) = (dir.path().join("d"), dir.path().join("d/a.jsonl"));
    fs::create_dir(&folder).unwrap();
    let sink = open(&path);
    let delivery = Arc::new(Delivery::default());
    // Every file that there was, by its inode: what was read of it so far is checked when it goes.
    let mut open_files: HashMap<u64, File> = HashMap::new();
    let mut seen: Vec<u64> = Vec::new();
    let take = |file: &mut File, seen: &mut Vec<u64>| {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "torn at its end: {:?}", &text[text.len() - 40..]);
        seen.extend(parsed(&text));
    };
    let (mut sent, mut at_least) = (0, 0);
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        for _ in 0..random.below(4).max(std::mem::take(&mut at_least)) {
            let count = 1 + random.below(60);
            sink.send(batch(&delivery, &lines(sent, count))).unwrap();
            sent += count;
        }
        wait_until("an end of the lines", || delivery.delivered() + delivery.lost_total() == sent);
        if let Ok(file) = File::open(&path) {
            let about = file.metadata().unwrap();
            if about.is_file() {
                open_files.entry(about.ino()).or_insert(file);
            }
        }
        let is_file = fs::symlink_metadata(&path).is_ok_and(|about| about.is_file());
        match random.below(12) {
            0 => drop(fs::write(dir.path().join("ballast"), vec![1; random.below(512 << 10) as usize])),
            1 => drop(fs::remove_file(dir.path().join("ballast"))),
            2 => drop(fs::remove_file(&path)),
            3 => drop(fs::rename(&path, dir.path().join("old"))),
            4 if is_file => {
                // copytruncate: what is there is taken, then cut away.
                let mut file = File::open(&path).unwrap();
                take(&mut file, &mut seen);
                File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
            }
            5 if is_file => {
                // Cut within a line: the whole ones before it stay, the rest counts as seen.
                let file = File::options().read(true).write(true).open(&path).unwrap();
                let length = file.metadata().unwrap().len();
                let keep = random.below(length + 1);
                let mut text = String::new();
                (&file).read_to_string(&mut text).unwrap();
                // A line that lacks its end only is whole.
                let keep = if text[keep as usize..].starts_with('\n') { keep + 1 } else { keep };
                let begin = text[..keep as usize].rfind('\n').map_or(0, |newline| newline + 1);
                seen.extend(parsed(&text[begin..]));
                file.set_len(keep).unwrap();
                // The next line mends it.
                at_least = 1;
            }
            6 => drop(fs::rename(&folder, dir.path().join(format!("e{}", random.below(3))))),
            7 => drop(fs::create_dir(&folder)),
            8 if !is_file => drop(fs::remove_dir(&path).or_else(|_| fs::remove_file(&path))),
            9 if !path.exists() => drop(fs::create_dir(&path)),
            10 if !path.exists() => drop(std::os::unix::fs::symlink("/dev/null", &path)),
            _ => {}
        }
    }
    fs::remove_file(dir.path().join("ballast")).ok();
    sink.flush_and_close(LONG);
    assert_eq!(delivery.delivered() + delivery.lost_total(), sent);
    for file in open_files.values_mut() {
        take(file, &mut seen);
    }
    let found = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), found as u64), (found, delivery.delivered()), "seed {seed}");
    assert!(delivery.delivered() > 0 && delivery.lost_total() > 0, "{delivery:?}");
}

/// Numbers that look random (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
