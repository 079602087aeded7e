// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks in the middle of a change: SIGHUP, an interface or a retry may cause one at any moment.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ebpf_run::files::{Looker, Scan, Trust};

use crate::followed::{Followed, Place};

/// How long files have to rest in these tests: far longer than the pauses of those who write.
const SETTLE: Duration = Duration::from_millis(250);
/// A writer that paused for longer was held up by the machine.
const LONGEST: Duration = Duration::from_millis(120);
const PAUSE: Duration = Duration::from_millis(4);

/// One look.
fn look(place: &Place) -> Scan {
    Looker::new(Trust::Warned).look(&[place.path("d")], SETTLE)
}

/// Everything that looks found while something was changed, each as `path=text path=text`.
type Seen = BTreeSet<String>;

/// Looks at `d`, from several threads, while `change` runs, and after it. `change` gives the longest pause that it really made:
/// on a machine that was too busy for it the attempt does not count.
fn looks_during(place: &Place, settle: Duration, change: impl Fn() -> Duration) -> Seen {
    for _ in 0..20 {
        let seen = Mutex::new(Seen::new());
        let over = AtomicBool::new(false);
        let root = [place.path("d")];
        let look = || {
            let mut looker = Looker::new(Trust::Warned);
            while !over.load(Ordering::Relaxed) {
                let found = place.found(looker.look(&root, settle));
                let all: Vec<String> = found.iter().map(|(path, text)| format!("{path}={text}")).collect();
                seen.lock().unwrap().insert(all.join(" "));
                // So that not all of them wait for the same moment.
                thread::sleep(PAUSE);
            }
        };
        let longest = thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(look);
            }
            let longest = change();
            over.store(true, Ordering::Relaxed);
            longest
        });
        if longest < LONGEST {
            return seen.into_inner().unwrap();
        }
    }
    panic!("this machine is too busy");
}

/// Sleeps a little after each piece; gives the longest time between two, or from the change before them, which came after `start`.
fn in_pieces<T>(start: Instant, pieces: impl Iterator<Item = T>, mut write: impl FnMut(T)) -> Duration {
    let (mut longest, mut before) = (Duration::ZERO, start);
    for piece in pieces {
        write(piece);
        thread::sleep(PAUSE);
        let now = Instant::now();
        longest = longest.max(now - before);
        before = now;
    }
    longest
}

fn text(letter: char) -> String {
    format!("{letter}: text\n").repeat(100)
}

/// Until a look finds that nobody has written for long enough.
fn rest(place: &Place) {
    while look(place).is_unsettled() {}
}

/// Holds that looks found these, and at least one of them in the middle.
#[track_caller]
fn only(seen: &Seen, good: &[String]) {
    let is_in_the_middle = |found: &str| found.contains("!unsettled");
    let bad: Vec<_> = seen.iter().filter(|found| !good.contains(found) && !is_in_the_middle(found)).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert!(seen.iter().any(|found| is_in_the_middle(found)), "no look came in between: {seen:?}");
}

/// A file is truncated and written in pieces: a look finds the old text or the new one, or that somebody is writing; never
/// nothing, never a part.
#[test]
fn written_in_pieces() {
    let place = Place::new();
    place.make("d");
    let (old, new) = (text('o'), text('n'));
    place.write("d/a.yaml", &old);
    rest(&place);
    let seen = looks_during(&place, SETTLE, || {
        let start = Instant::now();
        let mut file = OpenOptions::new().write(true).truncate(true).open(place.path("d/a.yaml")).unwrap();
        let longest = in_pieces(start, new.as_bytes().chunks(10), |piece| file.write_all(piece).unwrap());
        // The next attempt, if there is one, begins with the old text.
        if longest >= LONGEST {
            place.write("d/a.yaml", &old);
            rest(&place);
        }
        longest
    });
    only(&seen, &[format!("d/a.yaml={old}"), format!("d/a.yaml={new}")]);
    assert_eq!(place.found(look(&place))["d/a.yaml"], new);
}

/// A file that grows all the while is being written; when it stops growing it is what it is.
#[test]
fn grows_while_it_is_read() {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "");
    rest(&place);
    let seen = looks_during(&place, SETTLE, || {
        place.write("d/a.yaml", "");
        rest(&place);
        let mut file = OpenOptions::new().append(true).open(place.path("d/a.yaml")).unwrap();
        in_pieces(Instant::now(), 0..150, |_| file.write_all(text('g').as_bytes()).unwrap())
    });
    let whole = text('g').repeat(150);
    only(&seen, &["d/a.yaml=".to_owned(), format!("d/a.yaml={whole}")]);
    assert_eq!(place.found(look(&place))["d/a.yaml"], whole);
}

/// An editor that takes the old file away before it gives the new one: no look finds that there is none.
#[test]
fn taken_away_for_a_moment() {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "0");
    rest(&place);
    let seen = looks_during(&place, SETTLE, || {
        let longest = in_pieces(Instant::now(), 0..20, |round| {
            place.rename("d/a.yaml", "d/a.yaml~");
            thread::sleep(PAUSE);
            place.write("d/a.yaml", &round.to_string());
        });
        rest(&place);
        longest
    });
    assert!(!seen.contains(""), "{seen:?}");
}

/// Files that Kubernetes exchanges together are of the same payload, whenever somebody looks.
#[test]
fn exchanged_together() {
    const FILES: usize = 40;
    const PAYLOADS: usize = 100;
    let place = Place::new();
    for payload in 0..PAYLOADS {
        place.make(&format!("d/..{payload}"));
        (0..FILES).for_each(|file| place.write(&format!("d/..{payload}/{file}.yaml"), &payload.to_string()));
    }
    (0..FILES).for_each(|file| place.link(&format!("..data/{file}.yaml"), &format!("d/{file}.yaml")));
    place.link("..0", "d/..data");
    // Short: many looks, none of which waits until it is over.
    let settle = Duration::from_millis(20);
    let seen = looks_during(&place, settle, || {
        rest(&place);
        for payload in 0..PAYLOADS {
            place.swap(&format!("..{payload}"), "d/..data");
            thread::sleep(Duration::from_micros(300));
        }
        rest(&place);
        Duration::ZERO
    });
    let texts = |found: &str| -> BTreeSet<String> {
        found
            .split(' ')
            .map(|file| file.split_once('=').unwrap().1)
            .filter(|text| !text.starts_with('!'))
            .map(str::to_owned)
            .collect()
    };
    let mixed: Vec<_> = seen.iter().filter(|found| texts(found).len() > 1).collect();
    assert!(mixed.is_empty(), "{mixed:?}");
    assert!(seen.iter().any(|found| texts(found).len() == 1), "{seen:?}");
}

/// A writer with pauses that are longer than the debounce: as long as it has not closed the file nobody is told to look.
#[test]
fn slow_writer() {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "old");
    let debounce = Duration::from_millis(200);
    let mut followed = Followed::with(&place, &["d"], debounce, Trust::Required);
    followed.has(&[("d/a.yaml", "old")]);
    for _ in 0..10 {
        followed.quiet();
        let start = Instant::now();
        let mut file = File::create(place.path("d/a.yaml")).unwrap();
        file.write_all(b"n").unwrap();
        thread::sleep(debounce * 2);
        file.write_all(b"ew").unwrap();
        thread::sleep(debounce * 2);
        let told = followed.is_told();
        // After ten times the debounce it would be right to look.
        let in_time = start.elapsed() < debounce * 9;
        drop(file);
        if in_time {
            assert!(!told, "told to look while somebody writes");
            followed.finds(&[("d/a.yaml", "new")]);
            return;
        }
    }
    panic!("this machine is too busy");
}

/// A file that is written and closed before a look may be asked for at once: the look waits and has it.
#[test]
fn just_written() {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "old");
    place.write("d/a.yaml", "new");
    let start = Instant::now();
    assert_eq!(place.found(look(&place))["d/a.yaml"], "new");
    assert!(start.elapsed() >= SETTLE / 2, "{:?}", start.elapsed());
    // What has rested is found without waiting.
    let start = Instant::now();
    assert_eq!(place.found(look(&place))["d/a.yaml"], "new");
    assert!(start.elapsed() < SETTLE / 2, "{:?}", start.elapsed());
}

/// A file from the future, where clocks differ, is nobody's who writes.
#[test]
fn from_the_future() {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "text");
    let file = OpenOptions::new().write(true).open(place.path("d/a.yaml")).unwrap();
    file.set_modified(std::time::SystemTime::now() + Duration::from_secs(3600)).unwrap();
    assert_eq!(place.found(look(&place))["d/a.yaml"], "text");
    assert_eq!(fs::read_to_string(place.path("d/a.yaml")).unwrap(), "text");
}
