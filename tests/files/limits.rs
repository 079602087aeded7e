// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine that gives no more watches: it is said once, and the daemon's periodic look has to do.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use ebpf_run::files::Watcher;

use crate::followed::{DEBOUNCE, Followed, Place};

/// Says to the test that it runs where limits are its own.
const INSIDE: &str = "EBPF_RUN_OWN_LIMITS";

/// Runs the test that calls it once more, alone, in a user namespace, where the limits of inotify are its own; true inside.
fn with_own_limits() -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let test = thread::current().name().unwrap().to_owned();
    let possible = Command::new("unshare").args(["-Ur", "test", "-w", "/proc/sys/user/max_inotify_watches"]).status();
    if !possible.as_ref().is_ok_and(std::process::ExitStatus::success) {
        // Not eprintln!: the harness would keep it to itself.
        drop(writeln!(io::stderr(), "skipped: {test}: no user namespace ({possible:?})"));
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped in CI");
        return false;
    }
    let mut command = Command::new("unshare");
    command.arg("-Ur").arg(std::env::current_exe().unwrap()).args(["--exact", &test, "--nocapture"]).env(INSIDE, "1");
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&done.stderr));
    false
}

fn limit(what: &str, most: u32) {
    std::fs::write(format!("/proc/sys/user/max_inotify_{what}"), most.to_string()).unwrap();
}

/// Where log lines go.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

/// No watch is left: said once with what helps, looks find everything as before, and when there are watches again they are used.
#[test]
fn watches() {
    if !with_own_limits() {
        return;
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let place = Place::new();
        place.make("d");
        place.write("d/a.yaml", "a");
        limit("watches", 1);
        let mut followed = Followed::new(&place, &["d"]);
        followed.has(&[("d/a.yaml", "a")]);
        place.write("d/a.yaml", "b");
        assert_eq!(followed.quiet(), 0);
        followed.has(&[("d/a.yaml", "b")]);
        let said = log.lines();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("WARN") && said[0].contains("sysctl fs.inotify.max_user_watches"), "{said:?}");
        limit("watches", 100);
        assert!(followed.watcher.rearm());
        followed.after(|place| place.write("d/a.yaml", "c"), &[("d/a.yaml", "c")]);
        assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
    });
}

/// No instance is left: an error that says what helps.
#[test]
fn instances() {
    if !with_own_limits() {
        return;
    }
    limit("instances", 0);
    let refused = Watcher::new(vec![PathBuf::from("/")], DEBOUNCE, || {}).err().unwrap().to_string();
    assert!(refused.contains("sysctl fs.inotify.max_user_instances"), "{refused}");
}
