// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sinks on files, FIFOs and full disks.

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout, reason = "a test may")]

mod faults;
mod places;

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ebpf_run::sink::{Batch, Delivery, Lines, Sink};
use ebpf_run::spec::{Destination, Format, LossCause, Rights, SinkSpec};

const LONG: Duration = Duration::from_secs(20);

fn spec(path: &Path) -> SinkSpec {
    SinkSpec {
        name: "events".into(),
        destination: Destination::File(path.to_owned()),
        format: None,
        rights: Rights::default(),
    }
}

fn open(path: &Path) -> Sink {
    Sink::open(&spec(path)).unwrap()
}

fn refusal(path: &Path) -> String {
    Sink::open(&spec(path)).err().unwrap().to_string()
}

fn batch(delivery: &Arc<Delivery>, text: &str) -> Batch {
    let mut lines = Lines::default();
    lines.push_several(text.lines().count() as u64, |bytes| bytes.extend_from_slice(text.as_bytes()));
    Batch { lines, header: None, delivery: Arc::clone(delivery) }
}

/// Sends a line, and waits until it was written or lost.
fn send(sink: &Sink, delivery: &Arc<Delivery>, text: &str) {
    let settled = || delivery.delivered() + delivery.lost_total();
    let before = settled();
    assert!(sink.send(batch(delivery, text)).is_ok());
    wait_until("an end of the line", || settled() == before + 1);
}

fn mkfifo(path: &Path) {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0, "{}", io::Error::last_os_error());
}

fn reader(fifo: &Path) -> fs::File {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(fifo).unwrap()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "waited in vain for: {what}");
        std::thread::yield_now();
    }
}

/// A file is created with mode 0640 at most, appended to by the next run, and is JSON unless told otherwise.
#[test]
fn files_are_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let delivery = Arc::new(Delivery::default());
    for text in ["one\ntwo\n", "three\n"] {
        let sink = open(&path);
        assert_eq!(sink.format(), Format::Jsonl);
        sink.send(batch(&delivery, text)).unwrap();
        sink.flush_and_close(LONG);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777 & !0o640, 0);
    assert_eq!((delivery.delivered(), delivery.lost_total()), (3, 0));
}

/// A line that a crash tore is taken out before anything else happens; somebody else's last line gets its end instead.
#[test]
fn a_torn_line_is_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let whole = "{\"ts\":\"2026-11-21T07:40:00Z\",\"probe\":\"a\"}";
    for (before, mended) in [
        ("whole\n{\"ts\":\"20".to_owned(), "whole\n".to_owned()),
        ("{\"t".to_owned(), String::new()),
        (format!("whole\n{}\0\0\0", &whole[..30]), "whole\n".to_owned()),
        (format!("whole\n{whole}"), format!("whole\n{whole}\n")),
        ("a note".to_owned(), "a note\n".to_owned()),
    ] {
        fs::write(&path, &before).unwrap();
        let sink = open(&path);
        wait_until("the end to be mended", || fs::read_to_string(&path).unwrap() == mended);
        let delivery = Arc::new(Delivery::default());
        sink.send(batch(&delivery, "next\n")).unwrap();
        sink.flush_and_close(LONG);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{mended}next\n"), "{before:?}");
        assert_eq!(delivery.delivered(), 1);
    }
}

/// A file that is moved away or deleted, as logs are rotated, is followed by a new one, and one that lies there is appended to.
/// Where none can be made the old one goes on. No line is lost, or torn by it.
#[test]
fn rotated() {
    let dir = tempfile::tempdir().unwrap();
    let [path, old, folder] = ["d/a.jsonl", "old", "d"].map(|name| dir.path().join(name));
    fs::create_dir(&folder).unwrap();
    let sink = open(&path);
    let delivery = Arc::new(Delivery::default());
    let send = |text: &str| send(&sink, &delivery, text);
    send("one\n");
    fs::rename(&path, &old).unwrap();
    send("two\n");
    assert_eq!(
        (fs::read_to_string(&old).unwrap().as_str(), fs::read_to_string(&path).unwrap().as_str()),
        ("one\n", "two\n")
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
    fs::remove_file(&path).unwrap();
    send("three\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    fs::write(dir.path().join("new"), "torn").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    send("four\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "torn\nfour\n");
    fs::rename(&folder, dir.path().join("e")).unwrap();
    send("five\n");
    assert_eq!(fs::read_to_string(dir.path().join("e/a.jsonl")).unwrap(), "torn\nfour\nfive\n");
    fs::create_dir(&folder).unwrap();
    send("six\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "six\n");
    sink.flush_and_close(LONG);
    assert_eq!((delivery.delivered(), delivery.lost_total()), (6, 0));
}

/// Where the directory is deleted with the file, lines are lost and not delivered to nobody, until it is there again.
#[test]
fn directory_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("d");
    let path = folder.join("a.jsonl");
    fs::create_dir(&folder).unwrap();
    let sink = open(&path);
    let delivery = Arc::new(Delivery::default());
    let send = |text: &str| send(&sink, &delivery, text);
    send("one\n");
    fs::remove_dir_all(&folder).unwrap();
    send("two\n");
    assert_eq!((delivery.lost(LossCause::SinkError), sink.failed_writes()), (1, 1));
    fs::create_dir(&folder).unwrap();
    send("three\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    sink.flush_and_close(LONG);
    assert_eq!((delivery.delivered(), delivery.lost_total()), (2, 1));
}

/// What cannot be a sink is refused at once, in one sentence that names it.
#[test]
fn refusals() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert_eq!(
        refusal(&at("no/such/a.jsonl")),
        format!(
            "failed to open `{}`: the directory `{}` does not exist",
            at("no/such/a.jsonl").display(),
            at("no/such").display()
        )
    );
    assert!(refusal(dir.path()).ends_with("it is a directory; a sink needs the path of a file"));
    mkfifo(&at("fifo"));
    assert!(refusal(&at("fifo")).ends_with("it is a FIFO without a reader; start the reader first"));
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    assert!(refusal(&at("socket")).ends_with("it is a socket; a sink writes to files, FIFOs, terminals and /dev/null"));
    fs::write(at("plain"), "").unwrap();
    assert!(refusal(&at("plain/a.jsonl")).ends_with("Not a directory (os error 20)"));
}

/// While nobody reads a FIFO its sink fills up and says so, another sink gets everything, and the end comes in time.
#[test]
fn a_stuck_sink_slows_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    mkfifo(&fifo);
    let mut reader = reader(&fifo);
    let (stuck, free) = (open(&fifo), open(&dir.path().join("free.jsonl")));
    let (to_stuck, to_free) = (Arc::new(Delivery::default()), Arc::new(Delivery::default()));
    let text = "0123456789abcdef\n".repeat(4000);
    let mut sent = 0;
    while to_stuck.lost(LossCause::QueueFull) == 0 {
        if let Err(batch) = stuck.send(batch(&to_stuck, &text)) {
            batch.delivery.add_lost(LossCause::QueueFull, batch.lines.events());
        }
        assert!(free.wait_for_room(LONG));
        free.send(batch(&to_free, &text)).unwrap();
        sent += 4000;
    }
    free.flush_and_close(LONG);
    assert_eq!((to_free.delivered(), to_free.lost_total()), (sent, 0));
    stuck.flush_and_close(Duration::from_millis(10));
    assert_eq!(to_stuck.delivered() + to_stuck.lost_total(), sent);
    assert!(to_stuck.lost(LossCause::SinkError) > 0);
    drop(stuck);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count() as u64, to_stuck.delivered());
}

/// A FIFO outlives its reader: the next one gets whole lines from then on.
#[test]
fn a_fifo_finds_its_next_reader() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    mkfifo(&fifo);
    let mut first = reader(&fifo);
    let sink = open(&fifo);
    let delivery = Arc::new(Delivery::default());
    sink.send(batch(&delivery, "one\n")).unwrap();
    wait_until("the first line", || delivery.delivered() == 1);
    first.read_exact(&mut [0; 4]).unwrap();
    drop(first);
    sink.send(batch(&delivery, "two\n")).unwrap();
    wait_until("the lost line", || delivery.lost(LossCause::SinkError) == 1);
    assert!(!sink.is_closed());
    let mut second = reader(&fifo);
    sink.send(batch(&delivery, "three\n")).unwrap();
    sink.flush_and_close(LONG);
    drop(sink);
    let mut text = String::new();
    second.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), delivery.delivered()), ("three\n", 2));
}

/// A device that is always full loses every event, counts each, and stays open.
#[test]
fn a_full_device_is_counted() {
    let sink = open(Path::new("/dev/full"));
    let delivery = Arc::new(Delivery::default());
    for _ in 0..10 {
        sink.send(batch(&delivery, "one\ntwo\n")).unwrap();
    }
    sink.flush_and_close(LONG);
    assert!(!sink.is_closed());
    assert_eq!((delivery.delivered(), delivery.lost(LossCause::SinkError)), (0, 20));
}

/// A disk that fills up in the middle of a line and has room again later: no line is torn, every event is counted.
#[test]
fn a_disk_that_fills_up_and_has_room_again() {
    let dir = tempfile::tempdir().unwrap();
    if let Err(error) = mount_tmpfs(dir.path(), "size=64k") {
        eprintln!("skipped: a_disk_that_fills_up_and_has_room_again: no private tmpfs: {error}");
        return;
    }
    let ballast = dir.path().join("ballast");
    fs::write(&ballast, [0; 32 << 10]).unwrap();
    let path = dir.path().join("a.jsonl");
    let sink = open(&path);
    let delivery = Arc::new(Delivery::default());
    // 64 bytes a line less one, so that the end of a page is never the end of a line for long.
    let line = |number: u64| format!("{number:062}\n");
    let text = |from: u64| (from..from + 100).map(line).collect::<String>();
    let mut sent = 0;
    while delivery.lost(LossCause::SinkError) < 300 {
        let batch = batch(&delivery, &text(sent));
        assert!(sink.wait_for_room(LONG));
        sink.send(batch).unwrap();
        sent += 100;
    }
    wait_until("the queue to be empty", || delivery.delivered() + delivery.lost_total() == sent);
    assert!(fs::read(&path).unwrap().ends_with(b"\n"), "what was begun is taken back");
    assert!(sink.trouble().unwrap().starts_with("No space left on device"), "{:?}", sink.trouble());
    fs::remove_file(&ballast).unwrap();
    for _ in 0..2 {
        assert!(sink.wait_for_room(LONG));
        sink.send(batch(&delivery, &text(sent))).unwrap();
        sent += 100;
    }
    sink.flush_and_close(LONG);
    assert_eq!(sink.trouble(), None);
    let file = fs::read_to_string(&path).unwrap();
    assert!(file.ends_with(&line(sent - 1)));
    let numbers: Vec<u64> = file.split_inclusive('\n').map(|text| text.trim_end().parse().unwrap()).collect();
    assert!(file.split_inclusive('\n').all(|line| line.len() == 63) && numbers.is_sorted_by(|a, b| a < b));
    assert_eq!(numbers.len() as u64, delivery.delivered());
    assert_eq!(delivery.delivered() + delivery.lost_total(), sent);
}

/// Two probes on one sink: their lines mix whole.
#[test]
fn two_probes_share_a_sink() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let sink = open(&path);
    let deliveries = [Arc::new(Delivery::default()), Arc::new(Delivery::default())];
    std::thread::scope(|scope| {
        for (delivery, word) in deliveries.iter().zip(["first\n", "second\n"]) {
            let sink = &sink;
            scope.spawn(move || {
                for _ in 0..200 {
                    let mut lines = sink.take_lines();
                    while lines.bytes().len() < 10_000 {
                        lines.push_event(|bytes| bytes.extend_from_slice(word.as_bytes()));
                    }
                    assert!(sink.wait_for_room(LONG));
                    let mut batch = Batch { lines, header: None, delivery: Arc::clone(delivery) };
                    while let Err(refused) = sink.send(batch) {
                        assert!(sink.wait_for_room(LONG));
                        batch = refused;
                    }
                }
            });
        }
    });
    sink.flush_and_close(LONG);
    let file = fs::read_to_string(&path).unwrap();
    let count = |word: &str| file.lines().filter(|&line| line == word).count() as u64;
    assert_eq!([count("first"), count("second")], deliveries.each_ref().map(|delivery| delivery.delivered()));
    assert_eq!(file.lines().count() as u64, count("first") + count("second"));
}

/// Mounts a tmpfs that only this thread, and those it starts, can see.
fn mount_tmpfs(at: &Path, options: &str) -> io::Result<()> {
    let check = |result: i32| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    let at = CString::new(at.to_str().unwrap()).unwrap();
    let options = CString::new(options).unwrap();
    // SAFETY: takes no pointer.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the target is a NUL-terminated string; with MS_PRIVATE the other pointers are not read and may be null.
    check(unsafe { libc::mount(std::ptr::null(), c"/".as_ptr(), std::ptr::null(), private, std::ptr::null()) })?;
    // SAFETY: all strings are NUL-terminated and outlive the call.
    check(unsafe { libc::mount(c"none".as_ptr(), at.as_ptr(), c"tmpfs".as_ptr(), 0, options.as_ptr().cast()) })
}
