// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories that may not be read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use ebpf_run::files::Trust;

use crate::followed::{DEBOUNCE, Followed, Place};

const A: (&str, &str) = ("d/a.yaml", "a");
const B: (&str, &str) = ("d/b.yaml", "b");

/// Runs a test on a thread that may do what any user may (no CAP_DAC_OVERRIDE), and with files of its own.
fn as_nobody(test: impl FnOnce() + Send) {
    let body = || {
        // SAFETY: changes as whom this thread, and no other, uses files. setfsuid(2): the capabilities about files go with it.
        unsafe {
            libc::setfsgid(65534);
            libc::setfsuid(65534);
        }
        let place = Place::new();
        place.write("probe", "");
        chmod(&place, "probe", 0);
        let denied = fs::read(place.path("probe")).unwrap_err();
        assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied);
        test();
    };
    if let Err(panic) = thread::scope(|scope| scope.spawn(body).join()) {
        std::panic::resume_unwind(panic);
    }
}

pub(crate) fn chmod(place: &Place, name: &str, mode: u32) {
    fs::set_permissions(place.path(name), Permissions::from_mode(mode)).unwrap();
}

/// `chmod 000` of a file is noticed, and so is `chmod 644`; the other file is as it was.
#[test]
fn a_file() {
    as_nobody(|| {
        let place = Place::new();
        place.make("d");
        place.write(A.0, A.1);
        place.write(B.0, B.1);
        let mut followed = Followed::with(&place, &["d"], DEBOUNCE, Trust::Warned);
        followed.has(&[A, B]);
        followed.after(|place| chmod(place, "d/a.yaml", 0), &[("d/a.yaml", "!E0002"), B]);
        followed.after(|place| chmod(place, "d/a.yaml", 0o644), &[A, B]);
    });
}

/// A directory that cannot be listed, or passed, is no empty one; when it can be again, that is noticed, and what is written then.
#[test]
fn a_directory() {
    as_nobody(|| {
        let place = Place::new();
        place.make("up/d");
        place.write("up/d/a.yaml", "a");
        let mut followed = Followed::with(&place, &["up/d"], DEBOUNCE, Trust::Warned);
        let (unlisted, a) = (("up/d", "!unreadable"), ("up/d/a.yaml", "a"));
        followed.after(|place| chmod(place, "up/d", 0), &[unlisted]);
        followed.after(|place| chmod(place, "up/d", 0o755), &[a]);
        followed.after(|place| place.write("up/d/a.yaml", "b"), &[("up/d/a.yaml", "b")]);
        followed.after(|place| chmod(place, "up", 0), &[unlisted]);
        followed.after(|place| chmod(place, "up", 0o755), &[("up/d/a.yaml", "b")]);
        followed.after(|place| place.write("up/d/a.yaml", "a"), &[a]);
    });
}

/// A directory above may be passed but not read, as `/root` of others often is: that is no reason not to follow.
#[test]
fn one_above() {
    as_nobody(|| {
        let place = Place::new();
        place.make("up/d");
        chmod(&place, "up", 0o311);
        let mut followed = Followed::with(&place, &["up/d"], DEBOUNCE, Trust::Warned);
        followed.after(|place| place.write("up/d/a.yaml", "a"), &[("up/d/a.yaml", "a")]);
        chmod(&place, "up", 0o755);
    });
}
