// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories that users other than root could change: refused as long as they could, and not a moment longer.

use std::os::unix::fs::chown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ebpf_run::files::{Looker, Trust};
use ebpf_run::trust::Reason;

use crate::followed::{DEBOUNCE, Followed, Place};
use crate::permissions::chmod;

const A: (&str, &str) = ("up/d/a.yaml", "a");
const B: (&str, &str) = ("up/d/b.yaml", "b");
const UNTRUSTED: (&str, &str) = ("up/d", "!untrusted");
/// Somebody who is not root and whose number has no name.
pub(crate) const STRANGER: u32 = 123_456;

fn two() -> Place {
    let place = Place::new();
    place.make("up/d");
    place.write(A.0, A.1);
    place.write(B.0, B.1);
    place
}

/// True where files can be given away.
pub(crate) fn is_root() -> bool {
    // SAFETY: takes and returns a number.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        println!("skipped: trust: files of other users need root");
    }
    root
}

/// `chmod` of a file is noticed in both directions; the other file is as it was.
#[test]
fn a_file() {
    let place = two();
    let mut followed = Followed::new(&place, &["up/d"]);
    followed.has(&[A, B]);
    followed.after(|place| chmod(place, A.0, 0o666), &[(A.0, "!E0006"), B]);
    followed.after(|place| chmod(place, A.0, 0o644), &[A, B]);
    followed.after(|place| chmod(place, A.0, 0o646), &[(A.0, "!E0006"), B]);
    followed.after(|place| chmod(place, A.0, 0o600), &[A, B]);
}

/// The same of the directory, and of one above it; a sticky one above is nobody else's to change.
#[test]
fn a_directory() {
    let place = two();
    let mut followed = Followed::new(&place, &["up/d"]);
    followed.after(|place| chmod(place, "up/d", 0o777), &[UNTRUSTED]);
    followed.after(|place| chmod(place, "up/d", 0o755), &[A, B]);
    followed.after(|place| chmod(place, "up", 0o777), &[UNTRUSTED]);
    followed.after(|place| chmod(place, "up", 0o1777), &[A, B]);
}

/// What is no file is called that, and nobody is told to change the mode of a device that everybody can write.
#[test]
fn devices() {
    let place = two();
    place.link("/dev/zero", "up/d/c.yaml");
    Followed::new(&place, &["up/d"]).has(&[A, B, ("up/d/c.yaml", "!E0003")]);
}

/// A link is judged by what it leads to and by the whole way there; a file that is named, like one that is found.
#[test]
fn links_and_names() {
    if !is_root() {
        return;
    }
    let place = two();
    place.make("hers");
    place.write("hers/c.yaml", "c");
    chown(place.path("hers"), Some(STRANGER), None).unwrap();
    place.link("../../hers/c.yaml", "up/d/c.yaml");
    let mut followed = Followed::new(&place, &["up/d", "hers/c.yaml"]);
    let refused = [A, B, ("up/d/c.yaml", "!E0006"), ("hers/c.yaml", "!E0006")];
    followed.has(&refused);
    let give_back = |place: &Place| chown(place.path("hers"), Some(0), None).unwrap();
    followed.after(give_back, &[A, B, ("up/d/c.yaml", "c"), ("hers/c.yaml", "c")]);
    let give_away = |place: &Place| chown(place.path("hers/c.yaml"), None, Some(STRANGER)).unwrap();
    followed.after(give_away, &[A, B, ("up/d/c.yaml", "c"), ("hers/c.yaml", "c")]);
    followed.after(|place| chmod(place, "hers/c.yaml", 0o664), &refused);
}

/// Where it is allowed, everything is read, and a look says who could change it, once.
#[test]
fn allowed() {
    let place = two();
    chmod(&place, "up/d", 0o777);
    let found = Looker::new(Trust::Warned).look(&[place.path("up/d")], DEBOUNCE);
    let breaches: Vec<_> = found.breaches.iter().map(|breach| (breach.path.clone(), breach.reason)).collect();
    assert_eq!(breaches, [(std::fs::canonicalize(place.path("up/d")).unwrap(), Reason::Everybody)]);
    assert_eq!(place.found(found).into_iter().collect::<Vec<_>>(), [A, B].map(|(a, b)| (a.to_owned(), b.to_owned())));
}

/// What is judged is what is read, however often the two are exchanged.
#[test]
fn exchanged_in_between() {
    let place = two();
    place.make("up/other");
    place.write("up/other/good", "good");
    place.write("up/other/bad", "bad");
    chmod(&place, "up/other/bad", 0o666);
    place.remove(A.0);
    place.remove(B.0);
    place.link("../other/good", A.0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                place.swap("../other/bad", A.0);
                place.swap("../other/good", A.0);
            }
        });
        let mut looker = Looker::new(Trust::Required);
        let start = Instant::now();
        let mut looks = 0;
        while start.elapsed() < Duration::from_secs(1) || looks < 100 {
            let found = place.found(looker.look(&[place.path("up/d")], Duration::ZERO));
            assert_ne!(found[A.0], "bad");
            looks += 1;
        }
        over.store(true, Ordering::Relaxed);
    });
}
