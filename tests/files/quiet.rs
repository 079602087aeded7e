// SPDX-License-Identifier: MIT OR Apache-2.0
//! How seldom somebody says "look again".

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use ebpf_run::files::Trust;

use crate::followed::{Followed, Place};

/// Names and texts as `Followed::finds` wants them.
fn pairs(all: &[(String, String)]) -> Vec<(&str, &str)> {
    all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

/// Our own looks, and others who read, are no reason to look: nothing is said while we do nothing else for a second.
#[test]
fn reading_is_no_change() {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "a");
    place.write("text", "b");
    place.link("../text", "d/b.yaml");
    place.link("d", "link");
    let mut followed = Followed::new(&place, &["link", "text", "missing"]);
    followed.quiet();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        followed.look();
        fs::read(place.path("d/a.yaml")).unwrap();
        fs::read_dir(place.path("d")).unwrap().for_each(drop);
    }
    assert_eq!(followed.quiet(), 0);
    followed.after(
        |place| place.write("d/a.yaml", "c"),
        &[("link/a.yaml", "c"), ("link/b.yaml", "b"), ("missing", "!missing"), ("text", "b")],
    );
}

/// What happens beside the configuration is no reason to look either: `/etc` and `/tmp` are busy places.
#[test]
fn neighbours_are_no_change() {
    let place = Place::new();
    place.make("etc/d");
    place.make("etc/other");
    place.write("etc/d/a.yaml", "a");
    let mut followed = Followed::new(&place, &["etc/d"]);
    followed.quiet();
    place.write("etc/passwd", "x");
    place.write("etc/b.yaml", "x");
    place.rename("etc/passwd", "etc/passwd-");
    place.remove_all("etc/other");
    place.write("x", "x");
    place.remove("x");
    assert_eq!(followed.quiet(), 0);
}

/// Four files that are written back to back are one change.
#[test]
fn back_to_back() {
    let place = Place::new();
    place.make("d");
    let debounce = Duration::from_millis(500);
    let mut followed = Followed::with(&place, &["d"], debounce, Trust::Required);
    let files: Vec<(String, String)> = (0..4).map(|n| (format!("d/{n}.yaml"), format!("text {n}"))).collect();
    let start = Instant::now();
    let copy = |place: &Place| {
        for file in &files {
            write_all(place, std::slice::from_ref(file));
            thread::sleep(Duration::from_millis(10));
        }
    };
    let said = followed.after(copy, &pairs(&files));
    assert!(said == 1 || start.elapsed() > debounce * 2, "told to look {said} times");
    assert_eq!(followed.quiet(), 0);
}

fn write_all(place: &Place, files: &[(String, String)]) {
    for (name, text) in files {
        place.write(name, text);
    }
}

/// Changes that never stop are looked at all the same, and not each by itself.
#[test]
fn changes_without_end() {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "a");
    let debounce = Duration::from_millis(20);
    let mut followed = Followed::with(&place, &["d"], debounce, Trust::Required);
    followed.quiet();
    let start = Instant::now();
    let mut changes: u64 = 0;
    while !followed.is_told() {
        place.link("nothing", "d/x.yaml");
        place.remove("d/x.yaml");
        changes += 1;
        assert!(start.elapsed() < crate::followed::BOUND, "nobody said anything");
    }
    assert!(start.elapsed() >= debounce * 9, "{:?}", start.elapsed());
    assert!(changes > 10, "{changes}");
}

/// A thousand files: all are found at once, and each later change too.
#[test]
fn a_thousand_files() {
    let place = Place::new();
    place.make("d");
    let mut files: Vec<(String, String)> = (0..1000).map(|n| (format!("d/{n:03}.yaml"), format!("text {n}"))).collect();
    files.sort();
    let mut followed = Followed::new(&place, &["d"]);
    followed.after(|place| write_all(place, &files), &pairs(&files));
    let start = Instant::now();
    followed.has(&pairs(&files));
    assert!(start.elapsed() < Duration::from_secs(2), "a look takes {:?}", start.elapsed());
    files[500].1 = "changed".to_owned();
    let (name, text) = files[500].clone();
    followed.after(|place| place.write(&name, &text), &pairs(&files));
    let again: Vec<(String, String)> = files.iter().map(|(name, text)| (name.clone(), format!("{text}!"))).collect();
    followed.after(|place| write_all(place, &again), &pairs(&again));
    followed.after(|place| again.iter().for_each(|(name, _)| place.remove(name)), &[]);
}
