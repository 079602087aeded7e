// SPDX-License-Identifier: MIT OR Apache-2.0
//! The control socket in the hands of those who do it wrong.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixStream;

use serde_json::json;

use crate::daemon::Daemon;
use crate::lab::{BOUND, Lab, bpf, json, need, wait_for};

/// The answer to these bytes.
fn answer(daemon: &Daemon, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(daemon.lab.path("control.sock")).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A daemon that has not read all of it hangs up with a reset, after its answer.
    let _ = stream.read_to_end(&mut answer);
    json(str::from_utf8(&answer).unwrap())["message"].as_str().unwrap().to_owned()
}

/// A file of somebody's that has the name of the socket stays as it is, and nothing is put beside it.
#[test]
fn a_file_is_no_socket() {
    need!(bpf());
    let lab = Lab::new();
    fs::write(lab.path("precious"), "mine").unwrap();
    fs::create_dir(lab.path("probes.d")).unwrap();
    let ended = lab.run(&["daemon", "--config-dir", "probes.d", "--socket", "precious"]);
    ended.code(1).says("failed to listen at `precious`: a file that is not a socket has this name");
    assert_eq!(fs::read_to_string(lab.path("precious")).unwrap(), "mine");
    assert!(!lab.path("precious.lock").exists());
}

/// The lock beside the socket is no link, and nothing that another user has put there; a directory whose way others could
/// bend is refused.
#[test]
fn the_lock_follows_no_link() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("probes.d")).unwrap();
    fs::write(lab.path("precious"), "mine").unwrap();
    let listen = |at: &str| lab.run(&["daemon", "--config-dir", "probes.d", "--socket", at]).code(1);
    symlink(lab.path("precious"), lab.path("a.sock.lock")).unwrap();
    symlink(lab.path("new"), lab.path("b.sock.lock")).unwrap();
    listen("a.sock").says("its lock `a.sock.lock` is a link: remove it");
    listen("b.sock").says("its lock `b.sock.lock` is a link: remove it");
    fs::write(lab.path("c.sock.lock"), "").unwrap();
    chown(lab.path("c.sock.lock"), Some(123_456), None).unwrap();
    listen("c.sock").says("its lock `c.sock.lock` is a file of another user: remove it");
    // In a sticky directory the kernel refuses it before we do, and the daemon is root already.
    fs::create_dir(lab.path("sticky")).unwrap();
    fs::set_permissions(lab.path("sticky"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(lab.path("sticky/d.sock.lock"), "").unwrap();
    chown(lab.path("sticky/d.sock.lock"), Some(4711), Some(4711)).unwrap();
    listen("sticky/d.sock").says("its lock `d.sock.lock` is a file of another user: remove it");
    // Hers are the directory and the link in it: what is made behind it would be made where she likes.
    fs::create_dir(lab.path("hers")).unwrap();
    fs::create_dir(lab.path("ours")).unwrap();
    symlink(lab.path("ours"), lab.path("hers/run")).unwrap();
    chown(lab.path("hers"), Some(123_456), None).unwrap();
    for path in ["hers/run/d.sock", "hers/run/more/d.sock", "hers/new/d.sock"] {
        listen(path).says("belongs to the user 123456: other users could put a link in its place");
    }
    assert_eq!(fs::read_dir(lab.path("ours")).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(lab.path("precious")).unwrap(), "mine");
    assert!(!lab.path("new").exists() && !lab.path("hers/new").exists());
}

/// Every request gets an answer that says what is wrong with it.
#[test]
fn bad_requests() {
    need!(bpf());
    let daemon = Daemon::empty();
    let long = format!("{{\"version\":1,\"command\":\"stop\",\"probe\":\"{}\"}}\n", "a".repeat(70_000));
    assert_eq!(answer(&daemon, long.as_bytes()), "the request is longer than 65536 bytes");
    assert!(answer(&daemon, b"\xff\xfe\n").starts_with("invalid request: "));
    assert_eq!(answer(&daemon, b"{\"version\":1,"), "no request in 5 s");
    let versions = [("2", "2"), ("\"1\"", "\"1\""), ("-1", "-1")];
    for (version, said) in versions {
        let request = format!("{{\"version\":{version},\"command\":\"status\"}}\n");
        let wanted = format!("this daemon speaks version 1 of the protocol, not {said}");
        assert_eq!(answer(&daemon, request.as_bytes()), wanted);
    }
    assert_eq!(answer(&daemon, b"{}\n"), "the request has no `version`: it must be 1");
    daemon.stop();
}

/// Sixteen may look on; one more is told so, until one of them has gone.
#[test]
fn too_many_look_on() {
    need!(bpf());
    let daemon = Daemon::empty();
    let tail = || {
        let mut stream = UnixStream::connect(daemon.lab.path("control.sock")).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        writeln!(stream, "{}", json!({ "version": 1, "command": "tail" })).unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        (json(&line), stream)
    };
    let mut all: Vec<_> = (0..16).map(|_| tail()).collect();
    assert!(all.iter().all(|(answer, _)| answer["result"] == "tail"));
    let (refused, _) = tail();
    assert_eq!(refused["message"], "16 connections look on already: end one of them first");
    daemon.lab.run(&["tail", "--socket", "control.sock"]).code(2).says("end one of them first");
    drop(all.pop());
    wait_for("room for one more", || tail().0["result"] == "tail");
    let (ended, _) = daemon.stop();
    assert!(!ended.stderr.contains("look on"), "{}", ended.stderr);
}

/// Another user reads who may ask, and how: from the mode of the socket, and from the daemon itself where an administrator has
/// opened the socket.
#[test]
fn another_user_reads_why_not() {
    need!(bpf());
    let daemon = Daemon::empty();
    let said = "error: permission denied at `control.sock`: only root may control this daemon, and you are nobody \
                (user 65534): run it with `sudo`";
    for command in [&["status"][..], &["reload"], &["stop", "x"], &["tail"]] {
        daemon.lab.run_as_nobody(&[command, &["--socket", "control.sock"]].concat()).code(1).says(said);
    }
    fs::set_permissions(daemon.lab.path("control.sock"), fs::Permissions::from_mode(0o666)).unwrap();
    for _ in 0..20 {
        daemon.lab.run_as_nobody(&["status", "--socket", "control.sock"]).code(1).says(said);
    }
    daemon.stop();
}
