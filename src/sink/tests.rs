// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sinks on pipes and sockets, as standard output would be.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::output::Stream;
use super::{Batch, Delivery, Lines, MAX_QUEUED_BATCHES, Sink};
use crate::spec::{Destination, LossCause, Rights, SinkSpec};

const LONG: Duration = Duration::from_secs(20);

fn stdout_like(fd: OwnedFd) -> Sink {
    let spec =
        SinkSpec { name: "stdout".into(), destination: Destination::Stdout, format: None, rights: Rights::default() };
    Sink::start(&spec, Stream::boxed(fd)).unwrap()
}

fn pipe_sink() -> (Sink, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    (stdout_like(writer.into()), reader)
}

/// `lines` numbered lines of 100 bytes.
fn batch(delivery: &Arc<Delivery>, lines: u64) -> Batch {
    let mut all = Lines::default();
    for number in 0..lines {
        all.push_event(|bytes| bytes.extend(format!("{number:099}\n").into_bytes()));
    }
    Batch { lines: all, header: None, delivery: Arc::clone(delivery) }
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "waited in vain for: {what}");
        std::thread::yield_now();
    }
}

/// Sends until the queue takes no more; gives the number of events that it took.
fn fill(sink: &Sink, delivery: &Arc<Delivery>) -> u64 {
    let mut taken = 0;
    while sink.send(batch(delivery, 640)).is_ok() {
        taken += 640;
    }
    taken
}

fn sum(delivery: &Delivery) -> u64 {
    delivery.delivered() + delivery.lost_total()
}

/// A reader that comes late gets every line, however often the pipe was full in between.
#[test]
fn a_slow_reader_gets_everything() {
    let (sink, mut reader) = pipe_sink();
    let delivery = Arc::new(Delivery::default());
    let taken = fill(&sink, &delivery);
    assert!(!sink.has_room() && !sink.wait_for_room(Duration::ZERO));
    let read = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    assert!(sink.wait_for_room(LONG));
    sink.flush_and_close(LONG);
    drop(sink);
    let text = read.join().unwrap();
    assert!(text.lines().all(|line| line.len() == 99));
    assert_eq!((text.lines().count() as u64, delivery.delivered(), delivery.lost_total()), (taken, taken, 0));
}

/// Large batches fill the queue by their bytes, before their number does.
#[test]
fn bytes_are_bounded_too() {
    let (sink, _reader) = pipe_sink();
    let delivery = Arc::new(Delivery::default());
    let taken = (0..MAX_QUEUED_BATCHES).take_while(|_| sink.send(batch(&delivery, 10_500)).is_ok()).count();
    // Four MiB wait, and one batch may be on its way into the pipe.
    assert!((4..=5).contains(&taken), "{taken}");
    sink.flush_and_close(Duration::ZERO);
    assert_eq!(delivery.lost_total() + delivery.delivered(), taken as u64 * 10_500);
}

/// The standard output that a shell shares with others stays as it was: blocking.
#[test]
fn the_shared_description_is_left_alone() {
    let (reader, writer) = std::io::pipe().unwrap();
    let shared: OwnedFd = writer.try_clone().unwrap().into();
    let sink = stdout_like(shared);
    assert!(!fcntl_getfl(&writer).unwrap().contains(OFlags::NONBLOCK));
    drop((sink, reader));
}

/// A non-blocking pipe, as a shell pipeline may leave behind, works like any other.
#[test]
fn an_inherited_nonblocking_pipe_works() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let output = Stream::as_it_is(File::from(OwnedFd::from(writer)));
    let spec =
        SinkSpec { name: "pipe".into(), destination: Destination::Stdout, format: None, rights: Rights::default() };
    let sink = Sink::start(&spec, output).unwrap();
    let delivery = Arc::new(Delivery::default());
    sink.send(batch(&delivery, 5000)).unwrap();
    let read = std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()).unwrap());
    sink.flush_and_close(LONG);
    drop(sink);
    assert_eq!((read.join().unwrap(), delivery.delivered()), (500_000, 5000));
}

/// A blocking socket (the journal gives such a stdout) that nobody reads does not hold the end up.
#[test]
fn a_stuck_socket_does_not_hold_the_end_up() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let sink = stdout_like(ours.into());
    let delivery = Arc::new(Delivery::default());
    let taken = fill(&sink, &delivery);
    let start = Instant::now();
    sink.flush_and_close(Duration::from_millis(20));
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert_eq!(sum(&delivery), taken);
    assert_eq!(delivery.lost(LossCause::SinkError), delivery.lost_total());
    drop(sink);
    let mut text = String::new();
    theirs.read_to_string(&mut text).unwrap();
    let whole = text.matches('\n').count() as u64;
    assert_eq!(whole, delivery.delivered());
    theirs.flush().unwrap();
}

/// When the reader of standard output goes away the sink is closed: it takes everything, and counts it as lost.
#[test]
fn a_closed_pipe_closes_the_sink() {
    let (sink, reader) = pipe_sink();
    let delivery = Arc::new(Delivery::default());
    sink.send(batch(&delivery, 1)).unwrap();
    wait_until("the first line", || delivery.delivered() == 1);
    assert!(!sink.is_closed());
    drop(reader);
    sink.send(batch(&delivery, 10)).unwrap();
    wait_until("the closed pipe", || sink.is_closed());
    for _ in 0..2 * MAX_QUEUED_BATCHES {
        sink.send(batch(&delivery, 1)).unwrap();
    }
    assert!(sink.has_room());
    sink.flush_and_close(LONG);
    let lost = 10 + 2 * MAX_QUEUED_BATCHES as u64;
    assert_eq!((delivery.delivered(), delivery.lost(LossCause::SinkError)), (1, lost));
}

/// A reader that goes away in the middle of a line wakes a writer that waits for it, and every event is counted.
#[test]
fn a_reader_that_leaves_wakes_the_writer() {
    let (sink, mut reader) = pipe_sink();
    let delivery = Arc::new(Delivery::default());
    let taken = fill(&sink, &delivery);
    reader.read_exact(&mut [0; 150]).unwrap();
    drop(reader);
    wait_until("the closed pipe", || sink.is_closed());
    sink.flush_and_close(LONG);
    assert_eq!(sum(&delivery), taken);
    assert!(delivery.lost(LossCause::SinkError) > 0);
}

/// What is sent after the end is counted as lost, and closing twice is closing once.
#[test]
fn after_the_end() {
    let (sink, _reader) = pipe_sink();
    let delivery = Arc::new(Delivery::default());
    sink.flush_and_close(LONG);
    sink.flush_and_close(Duration::ZERO);
    sink.send(batch(&delivery, 3)).unwrap();
    assert_eq!((delivery.delivered(), delivery.lost(LossCause::SinkError)), (0, 3));
}

/// Buffers come back, so that a run in its stride allocates none.
#[test]
fn buffers_come_back() {
    let (sink, _reader) = pipe_sink();
    let delivery = Arc::new(Delivery::default());
    let mut lines = sink.take_lines();
    assert!(lines.has_usual_room() && lines.is_empty());
    let first = lines.bytes().as_ptr();
    lines.push_event(|bytes| bytes.extend_from_slice(b"line\n"));
    sink.send(Batch { lines, header: None, delivery: Arc::clone(&delivery) }).unwrap();
    wait_until("the line", || delivery.delivered() == 1);
    // It is recycled under the same lock that counts it.
    let again = sink.take_lines();
    assert_eq!((again.bytes().as_ptr(), again.is_empty()), (first, true));
}

/// A header stands before the first lines, and again where those of another follow, and is no event.
#[test]
fn headers_stand_where_columns_change() {
    let (sink, mut reader) = pipe_sink();
    let delivery = Arc::new(Delivery::default());
    let send = |header: Option<&str>, line: &str| {
        let mut lines = sink.take_lines();
        lines.push_event(|bytes| bytes.extend_from_slice(line.as_bytes()));
        let header = header.map(|header| Arc::from(header.as_bytes()));
        sink.send(Batch { lines, header, delivery: Arc::clone(&delivery) }).unwrap();
    };
    for (header, line) in [("a,b\n", "1\n"), ("a,b\n", "2\n"), ("c\n", "3\n"), ("a,b\n", "4\n")] {
        send(Some(header), line);
    }
    send(None, "5\n");
    sink.flush_and_close(LONG);
    drop(sink);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "a,b\n1\n2\nc\n3\na,b\n4\n5\n");
    assert_eq!((delivery.delivered(), delivery.lost_total()), (5, 0));
}
