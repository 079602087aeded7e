// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that are written, moved and deleted.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::process::Command;

use crate::followed::{Followed, Place};

const OLD: (&str, &str) = ("d/a.yaml", "old");
const NEW: (&str, &str) = ("d/a.yaml", "new");

/// A directory `d` with one file.
fn one() -> Place {
    let place = Place::new();
    place.make("d");
    place.write(OLD.0, OLD.1);
    place
}

/// `>`: the same file is truncated and written.
#[test]
fn written_in_place() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    followed.has(&[OLD]);
    followed.after(|place| place.write("d/a.yaml", "new"), &[NEW]);
    followed.after(|place| place.write("d/a.yaml", "old"), &[OLD]);
}

/// A new file, and one more; `*.yml` as well.
#[test]
fn new_files() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    followed.after(|place| place.write("d/b.yml", "b"), &[OLD, ("d/b.yml", "b")]);
    followed.after(|place| place.write("d/c.yaml", ""), &[OLD, ("d/b.yml", "b"), ("d/c.yaml", "")]);
}

/// `>>`, and a change in the middle that leaves the size as it is.
#[test]
fn written_in_part() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    let append = |place: &Place| {
        OpenOptions::new().append(true).open(place.path("d/a.yaml")).unwrap().write_all(b"er").unwrap();
    };
    followed.after(append, &[("d/a.yaml", "older")]);
    let overwrite = |place: &Place| {
        OpenOptions::new().write(true).open(place.path("d/a.yaml")).unwrap().write_all(b"b").unwrap();
    };
    followed.after(overwrite, &[("d/a.yaml", "blder")]);
}

/// vim with its defaults: a probe file, the old file renamed to a backup, a new one under the name, the backup removed.
#[test]
fn vim() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    let save = |place: &Place| {
        File::create_new(place.path("d/.a.yaml.swp")).unwrap();
        File::create_new(place.path("d/4913")).unwrap();
        place.remove("d/4913");
        place.rename("d/a.yaml", "d/a.yaml~");
        let mut file = File::create_new(place.path("d/a.yaml")).unwrap();
        file.write_all(b"new").unwrap();
        file.sync_all().unwrap();
        file.set_permissions(fs::metadata(place.path("d/a.yaml~")).unwrap().permissions()).unwrap();
        drop(file);
        place.remove("d/a.yaml~");
        place.remove("d/.a.yaml.swp");
    };
    followed.after(save, &[NEW]);
}

/// `sed -i`: a temporary file in the same directory, renamed over the old one.
#[test]
fn sed() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    let save = |place: &Place| {
        place.write("d/sedAbCdEf", "new");
        place.rename("d/sedAbCdEf", "d/a.yaml");
    };
    followed.after(save, &[NEW]);
    let sed = |place: &Place| {
        let done = Command::new("sed").args(["-i", "s/new/old/"]).arg(place.path("d/a.yaml")).status();
        assert!(done.unwrap().success());
    };
    followed.after(sed, &[OLD]);
}

/// `mv` into the directory, within it, over another file, and out of it.
#[test]
fn moved() {
    let place = one();
    place.write("b.yaml", "b");
    let mut followed = Followed::new(&place, &["d"]);
    followed.after(|place| place.rename("b.yaml", "d/b.yaml"), &[OLD, ("d/b.yaml", "b")]);
    followed.after(|place| place.rename("d/b.yaml", "d/c.yaml"), &[OLD, ("d/c.yaml", "b")]);
    followed.after(|place| place.rename("d/c.yaml", "d/a.yaml"), &[("d/a.yaml", "b")]);
    followed.after(|place| place.rename("d/a.yaml", "a.yaml"), &[]);
    followed.after(|place| place.rename("a.yaml", "d/a.yaml"), &[("d/a.yaml", "b")]);
}

/// A file is deleted, and comes back.
#[test]
fn deleted() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    followed.after(|place| place.remove("d/a.yaml"), &[]);
    followed.after(|place| place.write("d/a.yaml", "new"), &[NEW]);
}

/// A hard link is a new name.
#[test]
fn linked() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    let link = |place: &Place| fs::hard_link(place.path("d/a.yaml"), place.path("d/b.yaml")).unwrap();
    followed.after(link, &[OLD, ("d/b.yaml", "old")]);
}

/// A root that is a file: written, replaced, deleted, made again; its neighbours are nobody's business.
#[test]
fn a_file_as_root() {
    let place = one();
    place.write("d/b.yaml", "b");
    let mut followed = Followed::new(&place, &["d/a.yaml"]);
    followed.has(&[OLD]);
    followed.after(|place| place.write("d/a.yaml", "new"), &[NEW]);
    let replace = |place: &Place| {
        place.write("d/x", "old");
        place.rename("d/x", "d/a.yaml");
    };
    followed.after(replace, &[OLD]);
    followed.after(|place| place.remove("d/a.yaml"), &[("d/a.yaml", "!deleted")]);
    followed.after(|place| place.write("d/a.yaml", "new"), &[NEW]);
    followed.quiet();
    place.write("d/b.yaml", "other");
    place.write("d/c.yaml", "new");
    assert_eq!(followed.quiet(), 0);
}

/// What editors leave behind is no configuration, and no reason to look.
#[test]
fn leftovers() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    followed.quiet();
    for name in
        ["d/.a.yaml.swp", "d/a.yaml~", "d/#a.yaml#", "d/.#a.yaml", "d/.a.yaml", "d/4913", "d/a.yaml.bak", "d/.yaml"]
    {
        place.write(name, "leftover");
    }
    place.link("nobody@nowhere:1", "d/.#b.yaml");
    assert_eq!(followed.quiet(), 0);
    followed.has(&[OLD]);
    followed.after(|place| place.write("d/a.yaml", "new"), &[NEW]);
}

/// A directory, a pipe and a link to nothing with the name of a configuration file: problems, and nothing waits for them.
#[test]
fn no_files() {
    let place = one();
    let mut followed = Followed::new(&place, &["d"]);
    let make = |place: &Place| {
        place.make("d/directory.yaml");
        place.link("nothing", "d/link.yaml");
        assert!(Command::new("mkfifo").arg(place.path("d/pipe.yaml")).status().unwrap().success());
    };
    let all = [OLD, ("d/directory.yaml", "!E0003"), ("d/link.yaml", "!E0001"), ("d/pipe.yaml", "!E0003")];
    followed.after(make, &all);
}
