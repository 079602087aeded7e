// SPDX-License-Identifier: MIT OR Apache-2.0
//! Symbolic links: Kubernetes volumes, git-sync, chains.

use std::fs;

use crate::followed::{Followed, Place};

/// What kubelet's AtomicWriter does with a volume: a directory with a time in its name, `..data` that leads to it, and for each
/// file a link over `..data`. Files that are not in the new payload go.
fn atomic_writer(place: &Place, volume: &str, time: &str, files: &[(&str, &str)]) {
    let data = place.path(&format!("{volume}/..data"));
    let old = fs::read_link(&data).ok();
    let payload = format!("..2026_11_21_{time}");
    place.make(&format!("{volume}/{payload}"));
    for (name, text) in files {
        place.write(&format!("{volume}/{payload}/{name}"), text);
    }
    place.swap(&payload, &format!("{volume}/..data"));
    for (name, _) in files {
        if fs::symlink_metadata(place.path(&format!("{volume}/{name}"))).is_err() {
            place.link(&format!("..data/{name}"), &format!("{volume}/{name}"));
        }
    }
    if let Some(old) = old {
        for entry in fs::read_dir(data.with_file_name(&old)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if !files.iter().any(|(kept, _)| *kept == name) {
                place.remove(&format!("{volume}/{name}"));
            }
        }
        place.remove_all(&format!("{volume}/{}", old.to_str().unwrap()));
    }
}

/// The first mount of a Kubernetes volume, updates, a file more and one less.
#[test]
fn kubernetes() {
    let place = Place::new();
    place.make("volume");
    let mut followed = Followed::new(&place, &["volume"]);
    followed.has(&[]);
    let both = |a, b| [("volume/a.yaml", a), ("volume/b.yaml", b)];
    let files = [("a.yaml", "a1"), ("b.yaml", "b1")];
    followed.after(|place| atomic_writer(place, "volume", "1", &files), &both("a1", "b1"));
    let files = [("a.yaml", "a2"), ("b.yaml", "b2")];
    followed.after(|place| atomic_writer(place, "volume", "2", &files), &both("a2", "b2"));
    let files = [("a.yaml", "a3"), ("c.yaml", "c3")];
    let expected = [("volume/a.yaml", "a3"), ("volume/c.yaml", "c3")];
    followed.after(|place| atomic_writer(place, "volume", "3", &files), &expected);
    // Many times the same: no watch is left on what has gone.
    for round in 4..8 {
        let text = format!("a{round}");
        let files = [("a.yaml", text.as_str())];
        followed.after(|place| atomic_writer(place, "volume", &round.to_string(), &files), &[("volume/a.yaml", &text)]);
    }
}

/// A pod that starts with its volume mounted.
#[test]
fn kubernetes_from_the_start() {
    let place = Place::new();
    place.make("volume");
    atomic_writer(&place, "volume", "1", &[("a.yaml", "a1")]);
    let mut followed = Followed::new(&place, &["volume"]);
    followed.has(&[("volume/a.yaml", "a1")]);
    let update = |place: &Place| atomic_writer(place, "volume", "2", &[("a.yaml", "a2")]);
    followed.after(update, &[("volume/a.yaml", "a2")]);
}

/// What git-sync does: a worktree for each revision, `current` exchanged by a rename, the old worktree removed.
#[test]
fn git_sync() {
    let place = Place::new();
    let revision = |place: &Place, name: &str, text: &str| {
        place.make(&format!("root/.worktrees/{name}/probes.d"));
        place.write(&format!("root/.worktrees/{name}/probes.d/a.yaml"), text);
    };
    let file = "root/current/probes.d/a.yaml";
    revision(&place, "r1", "one");
    place.link(".worktrees/r1", "root/current");
    let mut followed = Followed::new(&place, &["root/current/probes.d"]);
    followed.has(&[(file, "one")]);
    let sync = |place: &Place| {
        revision(place, "r2", "two");
        place.swap(".worktrees/r2", "root/current");
        place.remove_all("root/.worktrees/r1");
    };
    followed.after(sync, &[(file, "two")]);
    let keep = |place: &Place| {
        revision(place, "r3", "three");
        place.swap(".worktrees/r3", "root/current");
    };
    followed.after(keep, &[(file, "three")]);
    // Back to one that is still there.
    followed.after(|place| place.swap(".worktrees/r2", "root/current"), &[(file, "two")]);
    followed.after(|place| place.write("root/.worktrees/r2/probes.d/a.yaml", "edited"), &[(file, "edited")]);
}

/// git-sync starts after the daemon.
#[test]
fn git_sync_comes_later() {
    let place = Place::new();
    place.make("root");
    let mut followed = Followed::new(&place, &["root/current/probes.d"]);
    followed.has(&[("root/current/probes.d", "!missing")]);
    let sync = |place: &Place| {
        place.link(".worktrees/r1", "root/current");
        place.make("root/.worktrees/r1/probes.d");
        place.write("root/.worktrees/r1/probes.d/a.yaml", "one");
    };
    followed.after(sync, &[("root/current/probes.d/a.yaml", "one")]);
}

/// A link that leads over other links, up and down and from the root of the file system: each of them may change, and the file
/// at the end too, whatever its name.
#[test]
fn chains() {
    let place = Place::new();
    for directory in ["d", "b", "c", "e"] {
        place.make(directory);
    }
    place.write("c/text", "c");
    place.write("e/text", "e");
    place.link("../b/middle", "d/a.yaml");
    place.link(place.path("end").to_str().unwrap(), "b/middle");
    place.link("b/../c/text", "end");
    let mut followed = Followed::new(&place, &["d"]);
    followed.has(&[("d/a.yaml", "c")]);
    followed.after(|place| place.write("c/text", "c2"), &[("d/a.yaml", "c2")]);
    followed.after(|place| place.swap("e/text", "end"), &[("d/a.yaml", "e")]);
    followed.after(|place| place.write("e/text", "e2"), &[("d/a.yaml", "e2")]);
    followed.after(|place| place.swap("../c/text", "b/middle"), &[("d/a.yaml", "c2")]);
    followed.after(|place| place.swap("../e/text", "d/a.yaml"), &[("d/a.yaml", "e2")]);
    followed.after(|place| place.rename("e", "f"), &[("d/a.yaml", "!E0001")]);
    followed.after(|place| place.rename("f", "e"), &[("d/a.yaml", "e2")]);
}

/// A link to a file of the same directory that is itself no configuration file.
#[test]
fn a_neighbour() {
    let place = Place::new();
    place.make("d");
    place.write("d/text", "one");
    let mut followed = Followed::new(&place, &["d"]);
    followed.has(&[]);
    followed.after(|place| place.link("text", "d/a.yaml"), &[("d/a.yaml", "one")]);
    followed.after(|place| place.write("d/text", "two"), &[("d/a.yaml", "two")]);
    followed.after(|place| place.remove("d/text"), &[("d/a.yaml", "!E0001")]);
    followed.after(|place| place.write("d/text", "three"), &[("d/a.yaml", "three")]);
}

/// Links that lead in a circle are a problem, not an end.
#[test]
fn circles() {
    let place = Place::new();
    place.make("d");
    place.link("b.yaml", "d/a.yaml");
    place.link("a.yaml", "d/b.yaml");
    place.link("loop", "loop");
    let mut followed = Followed::new(&place, &["d", "loop"]);
    let circle = "!E0002";
    followed.has(&[("d/a.yaml", circle), ("d/b.yaml", circle), ("loop", "!unreadable")]);
    let mend = |place: &Place| {
        place.remove("d/b.yaml");
        place.write("d/b.yaml", "b");
        place.remove("loop");
    };
    followed.after(mend, &[("d/a.yaml", "b"), ("d/b.yaml", "b"), ("loop", "!missing")]);
}
