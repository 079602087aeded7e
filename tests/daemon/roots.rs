// SPDX-License-Identifier: MIT OR Apache-2.0
//! The directories that a daemon follows, themselves: whose they are, whether they can be read, whether they are there. What
//! is wrong with one is said by everything that says anything, and ends the moment it is mended.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::daemon::{Daemon, call, calls, numbers};
use crate::lab::{bpf, need, tid, wait_for};

const EVENTS: &str = "sinks: [\"jsonl:events.jsonl\"]";

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The exit status and both outputs of a command to the daemon.
fn command(daemon: &Daemon, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
    let output = command.args(words).arg("--socket").arg(daemon.lab.path("control.sock")).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Waits until the directory is in this state. Then it is what every answer says: its exit status is a failure unless it is `ok`.
#[track_caller]
fn is(daemon: &Daemon, state: &str) {
    wait_for(state, || daemon.status()["directories"][0]["state"] == state);
    let code = i32::from(state != "ok");
    assert_eq!(command(daemon, &["status", "--check"]), (code, String::new()));
    let (status, said) = command(daemon, &["reload"]);
    assert_eq!(status, code, "{said}");
    if code == 1 {
        assert!(said.contains(&format!("probes.d   {state}")), "{said}");
    }
}

/// Makes the call until its event is there: the probe runs.
fn runs(daemon: &Daemon, n: u32) {
    wait_for("the event", || {
        call(n);
        numbers(&daemon.lines("events.jsonl"), tid()).contains(&u64::from(n))
    });
}

/// A directory and a file that others can write are refused at once, wherever that is said, and what ran goes on; mended, they count.
#[test]
fn untrusted() {
    need!(bpf());
    let mut daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    is(&daemon, "ok");
    chmod(&daemon.lab.path("probes.d"), 0o777);
    is(&daemon, "untrusted");
    daemon.run.said(|line| line.contains("E0006") && line.contains("can be written by everybody"));
    let (_, said) = command(&daemon, &["status"]);
    assert_eq!(said.matches("E0006").count(), 1, "{said}");
    assert!(said.contains("help: `chmod go-w /") && said.contains("`--allow-untrusted-config`"), "{said}");
    daemon.write("a.yaml", &calls("hers", EVENTS));
    daemon.wait_file("a.yaml", "kept");
    runs(&daemon, 7601);
    assert_eq!(daemon.probe("one")["state"], "running");
    daemon.write("a.yaml", &calls("one", EVENTS));
    chmod(&daemon.lab.path("probes.d"), 0o755);
    is(&daemon, "ok");
    chmod(&daemon.file("a.yaml"), 0o666);
    daemon.wait_file("a.yaml", "kept");
    assert_eq!(command(&daemon, &["status", "--check"]).0, 1);
    runs(&daemon, 7602);
    chmod(&daemon.file("a.yaml"), 0o644);
    daemon.wait_file("a.yaml", "ok");
    assert_eq!(daemon.probe("one")["generation"], 1);
    is(&daemon, "ok");
    daemon.stop();
}

/// What others can write does not run at the start; with the word for it, it does, and that is said once.
#[test]
fn untrusted_at_the_start() {
    need!(bpf());
    let daemon = Daemon::with(&[]);
    chmod(&daemon.lab.path("probes.d"), 0o777);
    daemon.write("a.yaml", &calls("one", EVENTS));
    is(&daemon, "untrusted");
    assert_eq!(daemon.status()["probes"], serde_json::json!([]));
    daemon.stop();
    let daemon = Daemon::start(&[], &["--debounce", "10ms", "--allow-untrusted-config"]);
    chmod(&daemon.lab.path("probes.d"), 0o777);
    daemon.write("a.yaml", &calls("one", EVENTS));
    daemon.write("b.yaml", &calls("two", EVENTS));
    daemon.wait("one", "running");
    daemon.wait("two", "running");
    is(&daemon, "ok");
    let (ended, _) = daemon.stop();
    assert_eq!(ended.stderr.matches("whoever can change it decides").count(), 1, "{}", ended.stderr);
}

/// A directory that is deleted stops its probes, and that is a failure until it is there again.
#[test]
fn deleted() {
    need!(bpf());
    let mut daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    fs::remove_dir_all(daemon.lab.path("probes.d")).unwrap();
    daemon.wait_gone("one");
    is(&daemon, "deleted");
    daemon.run.said(|line| line.contains("`probes.d` has been deleted: its probes were stopped"));
    fs::create_dir(daemon.lab.path("probes.d")).unwrap();
    daemon.write("a.yaml", &calls("one", EVENTS));
    daemon.wait("one", "running");
    is(&daemon, "ok");
    daemon.run.said(|line| line == "`probes.d` is read again");
    daemon.stop();
}

/// The lines of a file that a link leads to, out of the directory, are shown by nothing.
#[test]
fn a_link_out_of_the_directory() {
    need!(bpf());
    const LINE: &str = "root:$y$j9T$secret:19000:0:99999:7:::";
    let daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    for (name, text) in [
        ("shadow", format!("{LINE}\ndaemon:*:19000:0:99999:7:::\n")),
        ("keys", format!("version: 1\n\"{LINE}\": 1\nprobes:\n  - name: \"{LINE}\"\n    {LINE}: [\n")),
        (
            "values",
            format!(
                "version: 1\nprobes:\n  - {{ name: \"{LINE}\", hook: {{ kprobe: \"{LINE}\" }}, sinks: [\"{LINE}\"] }}\n"
            ),
        ),
        ("environment", format!("version: 1\nprobes: [\"${{env:{LINE}}}\", \"${{{LINE}}}\"]\n")),
    ] {
        fs::write(daemon.lab.path(name), text).unwrap();
        symlink(Path::new("..").join(name), daemon.file(&format!("{name}.yaml"))).unwrap();
    }
    for name in ["shadow", "keys", "values", "environment"] {
        daemon.wait_file(&format!("{name}.yaml"), "refused");
        let place = format!("probes.d/{name}.yaml:");
        wait_for(&place, || daemon.run.stderr_now().contains(&place));
    }
    let mut said = command(&daemon, &["status"]).1 + &command(&daemon, &["status", "--format", "json"]).1;
    assert!(said.contains("its text is not shown"), "{said}");
    for format in ["text", "json", "sarif"] {
        let arguments = ["check", "--format", format, "probes.d"];
        said += &daemon.lab.run(&arguments).stdout.join("\n");
    }
    let (ended, _) = daemon.stop();
    said += &ended.stderr;
    assert!(!said.contains("secret") && !said.contains("19000"), "{said}");
}
