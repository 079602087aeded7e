// SPDX-License-Identifier: MIT OR Apache-2.0
//! One run warns of files that others could change, once; of a user's own it does not.

use std::os::unix::fs::{chown, lchown};
use std::process::Command;

use crate::followed::Place;
use crate::permissions::chmod;
use crate::trust::{STRANGER, is_root};

/// A directory with two files that have a mistake: nothing is attached.
fn two() -> Place {
    let place = Place::new();
    place.make("d");
    place.write("d/a.yaml", "version: 1\nprobes: [{}]\n");
    place.write("d/b.yaml", "version: 1\nprobes: [{}]\n");
    place
}

/// The lines that warn of others.
fn warnings(place: &Place, sudo_uid: Option<u32>) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
    command.arg(place.path("d")).env_remove("SUDO_UID");
    if let Some(uid) = sudo_uid {
        command.env("SUDO_UID", uid.to_string());
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let of_others = said.lines().filter(|line| line.contains("anyone who can change it controls"));
    of_others.map(|line| line.replace(&place.path("d").display().to_string(), "d")).collect()
}

/// Files that everybody can write are said once; those of another user too, unless sudo(8) was that user's.
#[test]
fn warns_once() {
    let place = two();
    assert_eq!(warnings(&place, None), [""; 0]);
    chmod(&place, "d/a.yaml", 0o666);
    chmod(&place, "d/b.yaml", 0o666);
    let everybody = ["warning: `d/a.yaml` is writable by everyone: anyone who can change it controls what runs here"];
    assert_eq!(warnings(&place, None), everybody);
    if !is_root() {
        return;
    }
    for name in ["d/a.yaml", "d/b.yaml", "d"] {
        chmod(&place, name, 0o755);
        chown(place.path(name), Some(STRANGER), Some(STRANGER)).unwrap();
    }
    let owner =
        [format!("warning: `d` belongs to the user {STRANGER}: anyone who can change it controls what runs here")];
    assert_eq!(warnings(&place, None), owner);
    assert_eq!(warnings(&place, Some(STRANGER)), [""; 0]);
    assert_eq!(warnings(&place, Some(STRANGER + 1)), owner);
    lchown(place.path("d"), Some(0), Some(0)).unwrap();
}
