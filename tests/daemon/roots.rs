// SPDX-License-Identifier: MIT OR Apache-2.0
//! The directories that a daemon follows, themselves: whose they are, whether they can be read, whether they are there. What
//! is wrong with one is said by everything that says anything, and ends the moment it is mended.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::daemon::{Daemon, call, calls, numbers};
use crate::lab::{Lab, Run, bpf, need, skip, tid, wait_for};
use crate::mounts::{mount, mount_silent, with_own_mounts};

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
    daemon.run.said(|line| line.contains("E0006") && line.contains("is writable by everyone"));
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
    assert_eq!(ended.stderr.matches("anyone who can change it controls").count(), 1, "{}", ended.stderr);
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

/// Runs a test that mounts.
fn mounting(test: impl FnOnce() + Send) {
    if !with_own_mounts(test) {
        skip("no mounts of its own");
    }
}

/// A metric's value, by name and file or directory.
fn metric(daemon: &Daemon, name: &str) -> Vec<String> {
    let status = serde_json::from_value(daemon.status()).unwrap();
    let text = ebpf_run::status::metrics(&status);
    text.lines().filter(|line| line.starts_with(&format!("ebpf_run_{name}{{"))).map(str::to_owned).collect()
}

/// An unmounted directory, one whose server has died, and one whose server does not answer: what ran goes on, every answer is a
/// failure, and when it is back it counts, without a word from anybody.
#[test]
fn file_systems_that_go() {
    need!(bpf());
    mounting(|| {
        let daemon = Daemon::with(&[]);
        let directory = daemon.lab.path("probes.d");
        let fill = |daemon: &Daemon| {
            mount("mount -t tmpfs none", &[&directory]);
            daemon.write("a.yaml", &calls("one", EVENTS));
        };
        fill(&daemon);
        daemon.wait("one", "running");
        is(&daemon, "ok");
        mount("umount", &[&directory]);
        is(&daemon, "unmounted");
        daemon.wait_file("a.yaml", "kept");
        runs(&daemon, 7611);
        assert_eq!(metric(&daemon, "config_directory_ok"), ["ebpf_run_config_directory_ok{directory=\"probes.d\"} 0"]);
        assert_eq!(metric(&daemon, "config_file_ok"), ["ebpf_run_config_file_ok{file=\"probes.d/a.yaml\"} 0"]);
        fill(&daemon);
        is(&daemon, "ok");
        daemon.wait_file("a.yaml", "ok");
        let Some(server) = mount_silent(&directory) else { return skip("no FUSE") };
        is(&daemon, "silent");
        runs(&daemon, 7612);
        drop(server);
        is(&daemon, "unreadable");
        runs(&daemon, 7613);
        assert_eq!(metric(&daemon, "config_directory_ok"), ["ebpf_run_config_directory_ok{directory=\"probes.d\"} 0"]);
        mount("umount", &[&directory]);
        is(&daemon, "ok");
        assert_eq!(daemon.probe("one")["generation"], 1);
        let (ended, _) = daemon.stop();
        assert!(ended.stderr.contains("the file system of `probes.d` has been unmounted"), "{}", ended.stderr);
    });
}

/// One file that is mounted over one of the directory: it runs as it is written, and what cannot arrive is a warning.
#[test]
fn a_mounted_file() {
    need!(bpf());
    mounting(|| {
        let daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
        let source = daemon.lab.path("source");
        let write = |probe: &str| {
            fs::write(&source, format!("version: 1\nprobes:\n{}", calls(probe, EVENTS))).unwrap();
        };
        write("two");
        mount("mount --bind", &[&source, &daemon.file("a.yaml")]);
        daemon.wait("two", "running");
        write("three");
        daemon.wait("three", "running");
        is(&daemon, "ok");
        fs::remove_file(&source).unwrap();
        wait_for("the warning", || command(&daemon, &["status"]).1.contains("that was replaced or deleted"));
        is(&daemon, "ok");
        mount("umount", &[&daemon.file("a.yaml")]);
        daemon.wait("one", "running");
        let (ended, _) = daemon.stop();
        assert_eq!(ended.stderr.matches("warning[W0001]").count(), 2, "{}", ended.stderr);
    });
}

/// A directory that is not there at the start is watched for, which is a state of its own.
#[test]
fn not_there_yet() {
    need!(bpf());
    let daemon = Daemon::start(&[], &["--debounce", "10ms", "--config-dir", "later.d"]);
    wait_for("missing", || daemon.status()["directories"][0]["state"] == "missing");
    let (status, said) = command(&daemon, &["status"]);
    assert!(status == 0 && said.contains("later.d    missing: watching for it      0"), "{said}");
    assert_eq!(command(&daemon, &["status", "--check"]).0, 1);
    fs::create_dir(daemon.lab.path("later.d")).unwrap();
    is(&daemon, "ok");
    let (ended, _) = daemon.stop();
    assert!(ended.stderr.contains("warning: `later.d` does not exist yet; watching for it\n"), "{}", ended.stderr);
}

/// What a variable of the environment says is in no log, answer or event about what this machine refused.
#[test]
fn values_of_the_environment() {
    need!(bpf());
    const SECRET: &str = "Zq7Xw9Vk3Jj5";
    let lab = Lab::new();
    fs::create_dir(lab.path("probes.d")).unwrap();
    let mut text = calls("good", EVENTS);
    for (name, hook) in [
        ("function", "kprobe: \"${env:TOKEN}\""),
        ("event", "tracepoint: \"sched:${env:TOKEN}\""),
        ("binary", "uprobe: \"/usr/bin/${env:TOKEN}:main\""),
        ("interface", "xdp: { interface: \"${env:TOKEN}\" }"),
    ] {
        text += &format!("  - {{ name: {name}, hook: {{ {hook} }} }}\n");
    }
    text += &calls("sink", "sinks: [\"jsonl:/no/${env:TOKEN}/x.jsonl\"]");
    fs::write(lab.path("probes.d/a.yaml"), format!("version: 1\nprobes:\n{text}")).unwrap();
    fs::write(lab.path("probes.d/b.yaml"), "version: 1\nprobes: [{ name: \"${env:TOKEN}:x\" }]\n").unwrap();
    let mut command = lab.command(&["daemon", "--config-dir", "probes.d", "--socket", "control.sock"]);
    command.env("TOKEN", SECRET);
    let mut daemon = Daemon { lab, run: Run::start(command) };
    daemon.run.said(|line| line == "ready");
    let states = ["function", "event", "binary", "interface", "sink"].map(|name| daemon.probe(name)["state"].clone());
    assert!(states.iter().all(|state| state != "running"), "{states:?}");
    let (_, table) = self::command(&daemon, &["status"]);
    let mut said = table + &self::command(&daemon, &["status", "--format", "json"]).1;
    assert!(said.contains("`${env:TOKEN}`"), "{said}");
    let (ended, _) = daemon.stop();
    said += &ended.stderr;
    assert!(!said.contains(SECRET), "{said}");
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
