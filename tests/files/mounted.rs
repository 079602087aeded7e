// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounts over files and directories that are followed, and file systems that go, die or do not answer.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ebpf_run::files::{Looker, Trust};
use ebpf_run::status::DirectoryState;

use crate::followed::{DEBOUNCE, Followed, Place};
use crate::mounts::{mount, mount_silent, with_own_mounts};

const A: (&str, &str) = ("d/a.yaml", "a");

/// Runs a test that mounts.
fn mounting(test: impl FnOnce() + Send) {
    if !with_own_mounts(test) {
        println!("skipped: files: mounts need root");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped in CI");
    }
}

fn one() -> Place {
    let place = Place::new();
    place.make("d");
    place.make("source");
    place.write(A.0, A.1);
    place
}

fn over(place: &Place, source: &str, target: &str) {
    mount("mount --bind", &[&place.path(source), &place.path(target)]);
}

fn tmpfs(place: &Place, target: &str) {
    mount("mount -t tmpfs none", &[&place.path(target)]);
}

fn unmount(place: &Place, target: &str) {
    mount("umount", &[&place.path(target)]);
}

/// What is said of a file that is a mount of its own.
fn warned(place: &Place) -> Vec<String> {
    let found = Looker::new(Trust::Required).look(&[place.path("d")], DEBOUNCE);
    found.warnings.into_iter().map(|warning| format!("{} {}", warning.code, warning.message)).collect()
}

/// A file that is mounted over one of the directory: the mount and what is written into the source are seen at once. That what
/// takes the source's place is not, is said, before and after; and mounted again it is.
#[test]
fn one_file() {
    mounting(|| {
        let place = one();
        place.write("source/p.yaml", "b");
        let mut followed = Followed::new(&place, &["d"]);
        followed.has(&[A]);
        assert_eq!(warned(&place), [""; 0]);
        followed.after(|place| over(place, "source/p.yaml", A.0), &[(A.0, "b")]);
        let own = format!("W0001 `{}` is mounted by itself: ", place.path(A.0).display());
        assert!(matches!(warned(&place).as_slice(), [warning] if warning.starts_with(&own)), "{:?}", warned(&place));
        followed.after(|place| place.write("source/p.yaml", "c"), &[(A.0, "c")]);
        let replace = |place: &Place| {
            place.write("source/new", "d");
            place.rename("source/new", "source/p.yaml");
        };
        followed.after(replace, &[(A.0, "c")]);
        let stale =
            format!("W0001 `{}` is a mount of a file that was replaced or deleted: ", place.path(A.0).display());
        assert!(matches!(warned(&place).as_slice(), [warning] if warning.starts_with(&stale)), "{:?}", warned(&place));
        let again = |place: &Place| {
            unmount(place, A.0);
            over(place, "source/p.yaml", A.0);
        };
        followed.after(again, &[(A.0, "d")]);
        followed.after(|place| unmount(place, A.0), &[A]);
    });
}

/// The same for a file that is named itself.
#[test]
fn one_file_by_name() {
    mounting(|| {
        let place = one();
        place.write("source/p.yaml", "b");
        over(&place, "source/p.yaml", A.0);
        let mut followed = Followed::new(&place, &[A.0]);
        followed.has(&[(A.0, "b")]);
        followed.after(|place| place.write("source/p.yaml", "c"), &[(A.0, "c")]);
    });
}

/// A mount over the directory, and its end, are seen at once; so is one over a directory above.
#[test]
fn over_the_directory() {
    mounting(|| {
        let place = one();
        place.write("source/b.yaml", "b");
        let mut followed = Followed::new(&place, &["d"]);
        followed.after(|place| over(place, "source", "d"), &[("d/b.yaml", "b")]);
        followed.after(|place| place.write("source/b.yaml", "c"), &[("d/b.yaml", "c")]);
        followed.after(|place| unmount(place, "d"), &[A]);
    });
}

/// What is mounted elsewhere is no reason to look.
#[test]
fn elsewhere() {
    mounting(|| {
        let place = one();
        place.make("d/other");
        let mut followed = Followed::new(&place, &["d"]);
        followed.quiet();
        for target in ["source", "d/other"] {
            tmpfs(&place, target);
            unmount(&place, target);
        }
        assert_eq!(followed.quiet(), 0);
    });
}

/// A directory whose file system is unmounted is not an empty one: nobody knows what its files say, until it is mounted again or
/// somebody puts files in its place. The same where the mount was further up.
#[test]
fn unmounted() {
    mounting(|| {
        for (point, root) in [("up/d", "up/d"), ("up", "up/d")] {
            let place = Place::new();
            place.make("up/d");
            let file = "up/d/a.yaml";
            let fill = |place: &Place| {
                tmpfs(place, point);
                place.make("up/d");
                place.write(file, "a");
            };
            if point == "up" {
                place.remove_all("up/d");
            }
            fill(&place);
            let mut followed = Followed::new(&place, &[root]);
            followed.has(&[(file, "a")]);
            followed.after(|place| unmount(place, point), &[(root, "!unmounted")]);
            followed.after(fill, &[(file, "a")]);
            followed.after(|place| unmount(place, point), &[(root, "!unmounted")]);
            let instead = |place: &Place| {
                place.make("up/d");
                place.write(file, "b");
            };
            followed.after(instead, &[(file, "b")]);
            followed.after(|place| place.remove_all("up/d"), &[(root, "!deleted")]);
        }
    });
}

/// A file system that does not answer holds up nobody for long, and only once; one whose server has died cannot be read.
#[test]
fn a_dead_server() {
    mounting(|| {
        let place = one();
        let roots = [place.path("d"), place.path("source")];
        let state = |looker: &mut Looker, place: &Place| {
            let found = looker.look(&roots, DEBOUNCE);
            let states: Vec<(PathBuf, DirectoryState)> =
                found.roots.iter().map(|root| (root.path.clone(), root.state)).collect();
            assert_eq!(states[0], (place.path("d"), DirectoryState::Ok));
            assert_eq!(found.files.len(), 1);
            states[1].1
        };
        let mut looker = Looker::new(Trust::Required);
        assert_eq!(state(&mut looker, &place), DirectoryState::Ok);
        let Some(server) = mount_silent(&place.path("source")) else {
            println!("skipped: files: no FUSE");
            return;
        };
        let start = Instant::now();
        assert_eq!(state(&mut looker, &place), DirectoryState::Silent);
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        let start = Instant::now();
        assert_eq!(state(&mut looker, &place), DirectoryState::Silent);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        drop(server);
        let start = Instant::now();
        while state(&mut looker, &place) != DirectoryState::Unreadable {
            assert!(start.elapsed() < crate::followed::BOUND);
        }
        unmount(&place, "source");
        assert_eq!(state(&mut looker, &place), DirectoryState::Ok);
    });
}
