// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories that are removed, made, moved and exchanged.

use std::os::unix::fs::MetadataExt as _;

use crate::followed::{Followed, Place};

const A: (&str, &str) = ("up/d/a.yaml", "a");
const DELETED: (&str, &str) = ("up/d", "!deleted");

fn one() -> Place {
    let place = Place::new();
    place.make("up/d");
    place.write(A.0, A.1);
    place
}

/// `rm -r`, and later `mkdir` and files.
#[test]
fn removed_and_made_again() {
    let place = one();
    let mut followed = Followed::new(&place, &["up/d"]);
    followed.has(&[A]);
    followed.after(|place| place.remove_all("up/d"), &[DELETED]);
    followed.after(|place| place.make("up/d"), &[]);
    followed.after(|place| place.write("up/d/a.yaml", "b"), &[("up/d/a.yaml", "b")]);
}

/// The same at once, so often that a file system which uses inode numbers again gives the old one: what is written later is
/// found.
#[test]
fn made_again_with_the_same_inode() {
    let place = one();
    let mut followed = Followed::new(&place, &["up/d"]);
    for round in 0..3 {
        let number = |place: &Place| place.path("up/d").metadata().unwrap().ino();
        let again = |place: &Place| {
            let old = number(place);
            place.remove_all("up/d");
            place.make("up/d");
            if round == 0 {
                // For the reader of a failure.
                println!("the inode number is the same: {}", old == number(place));
            }
        };
        followed.after(again, &[]);
        let text = format!("round {round}");
        followed.after(|place| place.write("up/d/a.yaml", &text), &[("up/d/a.yaml", &text)]);
    }
}

/// The directory above goes as well, and comes back in steps.
#[test]
fn removed_with_the_one_above() {
    let place = one();
    let mut followed = Followed::new(&place, &["up/d"]);
    followed.after(|place| place.remove_all("up"), &[DELETED]);
    followed.quiet();
    place.make("up");
    followed.quiet();
    followed.after(|place| place.make("up/d"), &[]);
    followed.after(|place| place.write(A.0, A.1), &[A]);
    followed.after(|place| place.remove_all("up"), &[DELETED]);
    let all_at_once = |place: &Place| {
        place.make("up/d");
        place.write(A.0, "b");
    };
    followed.after(all_at_once, &[("up/d/a.yaml", "b")]);
}

/// A root that is not there when the daemon starts, not even the directories above.
#[test]
fn not_there_at_first() {
    let place = Place::new();
    let mut followed = Followed::new(&place, &["up/d"]);
    followed.has(&[("up/d", "!missing")]);
    let appear = |place: &Place| {
        place.make("up/d");
        place.write(A.0, A.1);
    };
    followed.after(appear, &[A]);
    followed.after(|place| place.write(A.0, "b"), &[("up/d/a.yaml", "b")]);
}

/// `mv d d.old; mv d.new d`: what happens in the old one is nobody's business, what happens in the new one is found.
#[test]
fn replaced_by_mv() {
    let place = one();
    place.make("up/d.new");
    place.write("up/d.new/b.yaml", "b");
    let mut followed = Followed::new(&place, &["up/d"]);
    let replace = |place: &Place| {
        place.rename("up/d", "up/d.old");
        place.rename("up/d.new", "up/d");
    };
    followed.after(replace, &[("up/d/b.yaml", "b")]);
    followed.quiet();
    place.write("up/d.old/a.yaml", "z");
    assert_eq!(followed.quiet(), 0);
    followed.after(|place| place.write("up/d/b.yaml", "c"), &[("up/d/b.yaml", "c")]);
    followed.after(|place| place.rename("up/d", "up/e"), &[DELETED]);
    followed.after(|place| place.rename("up/d.old", "up/d"), &[("up/d/a.yaml", "z")]);
    followed.after(|place| place.write(A.0, A.1), &[A]);
}

/// The same with a directory two levels up.
#[test]
fn one_further_up_is_replaced() {
    let place = Place::new();
    for (top, text) in [("top", "a"), ("top.new", "b")] {
        place.make(&format!("{top}/up/d"));
        place.write(&format!("{top}/up/d/a.yaml"), text);
    }
    let mut followed = Followed::new(&place, &["top/up/d"]);
    let replace = |place: &Place| {
        place.rename("top", "top.old");
        place.rename("top.new", "top");
    };
    followed.after(replace, &[("top/up/d/a.yaml", "b")]);
    followed.after(|place| place.write("top/up/d/a.yaml", "c"), &[("top/up/d/a.yaml", "c")]);
}

/// An empty directory is moved over (`rename(2)` of a directory over an empty one).
#[test]
fn replaced_by_rename() {
    let place = Place::new();
    place.make("up/d");
    place.make("up/new");
    place.write("up/new/a.yaml", "a");
    let mut followed = Followed::new(&place, &["up/d"]);
    followed.after(|place| place.rename("up/new", "up/d"), &[A]);
    followed.after(|place| place.write(A.0, "b"), &[("up/d/a.yaml", "b")]);
}

/// A file takes the directory's name, then a directory again.
#[test]
fn a_file_in_its_place() {
    let place = one();
    let mut followed = Followed::new(&place, &["up/d"]);
    let file = |place: &Place| {
        place.remove_all("up/d");
        place.write("up/d", "text");
    };
    followed.after(file, &[("up/d", "text")]);
    followed.after(|place| place.write("up/d", "more"), &[("up/d", "more")]);
    let directory = |place: &Place| {
        place.remove("up/d");
        place.make("up/d");
        place.write(A.0, A.1);
    };
    followed.after(directory, &[A]);
}

/// Several roots, one of them twice by another spelling, one inside of another.
#[test]
fn several_roots() {
    let place = one();
    place.make("up/d/e");
    place.write("up/d/e/e.yaml", "e");
    let mut followed = Followed::new(&place, &["up/d", "up/./d/", "up/d/e", "other"]);
    followed.has(&[A, ("up/d/e/e.yaml", "e"), ("other", "!missing")]);
    followed.after(|place| place.write("up/d/e/e.yaml", "f"), &[A, ("up/d/e/e.yaml", "f"), ("other", "!missing")]);
    followed.after(|place| place.make("other"), &[A, ("up/d/e/e.yaml", "f")]);
    followed.after(|place| place.write(A.0, "b"), &[("up/d/a.yaml", "b"), ("up/d/e/e.yaml", "f")]);
}
