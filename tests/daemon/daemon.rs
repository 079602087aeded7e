// SPDX-License-Identifier: MIT OR Apache-2.0
//! A daemon with a directory, a socket and nothing else, and what the tests ask of it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::{BOUND, Ended, Lab, Run, wait_for};

/// Follows `probes.d` in the directory of a test. Killed when dropped.
pub(crate) struct Daemon {
    pub(crate) lab: Lab,
    pub(crate) run: Run,
}

impl Daemon {
    /// One with no files yet, which looks as soon as nothing has changed for 10 ms.
    pub(crate) fn empty() -> Self {
        Self::with(&[])
    }

    /// One that finds these files (name, probes).
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        Self::start(files, &["--debounce", "10ms"])
    }

    /// The same with other arguments. Returns when it is ready.
    pub(crate) fn start(files: &[(&str, &str)], arguments: &[&str]) -> Self {
        let lab = Lab::new();
        fs::create_dir(lab.path("probes.d")).unwrap();
        files.iter().for_each(|(name, probes)| write(&lab, name, probes));
        let always = ["daemon", "--config-dir", "probes.d", "--socket", "control.sock"];
        let run = Run::start(lab.command(&[&always, arguments].concat()));
        let mut daemon = Self { lab, run };
        daemon.run.said(|line| line == "ready");
        daemon
    }

    /// The path of a file in its directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.lab.path("probes.d").join(name)
    }

    /// Puts a file in place, as `mv` does: the version, then these probes.
    pub(crate) fn write(&self, name: &str, probes: &str) {
        write(&self.lab, name, probes);
    }

    /// Deletes a file.
    pub(crate) fn delete(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }

    /// Sends a command; the answer, whatever it is.
    pub(crate) fn ask(&self, request: Value) -> Value {
        let mut stream = UnixStream::connect(self.lab.path("control.sock")).unwrap();
        stream.set_read_timeout(Some(crate::lab::BOUND)).unwrap();
        let mut request = request;
        request["version"] = 1.into();
        writeln!(stream, "{request}").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        crate::lab::json(&answer)
    }

    /// What it says about itself.
    pub(crate) fn status(&self) -> Value {
        self.ask(json!({ "command": "status" }))["status"].take()
    }

    /// What it says about a probe, `NAME` or `NAME/TARGET`; `Null` where it has none of that name.
    pub(crate) fn probe(&self, name: &str) -> Value {
        probe(&self.status(), name)
    }

    /// Waits until a probe is in this state, and returns what is said about it.
    pub(crate) fn wait(&self, name: &str, state: &str) -> Value {
        self.wait_until(name, state, |probe| probe["state"] == state)
    }

    /// Waits until a condition holds for a probe.
    pub(crate) fn wait_until(&self, name: &str, what: &str, mut holds: impl FnMut(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let found = self.probe(name);
            if holds(&found) {
                return found;
            }
            assert!(start.elapsed() < BOUND, "waited in vain for: `{name}`: {what}: {found}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until a probe is there no more.
    pub(crate) fn wait_gone(&self, name: &str) {
        self.wait_until(name, "gone", Value::is_null);
    }

    /// Waits until `state` is said of a file.
    pub(crate) fn wait_file(&self, name: &str, state: &str) -> Value {
        let path = format!("probes.d/{name}");
        let mut found = Value::Null;
        wait_for(&format!("`{name}`: {state}"), || {
            let status = self.status();
            let file = status["files"].as_array().unwrap().iter().find(|file| file["path"] == path);
            found = file.cloned().unwrap_or_default();
            found["state"] == state
        });
        found
    }

    /// How many BPF objects of a kind (`bpf-map`, `bpf-prog`) it holds; all for `bpf`.
    pub(crate) fn holds(&self, kind: &str) -> usize {
        let all = fs::read_dir(format!("/proc/{}/fd", self.run.pid())).unwrap();
        // One may be closed in between.
        let links = all.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        links.filter(|link| link.to_str().is_some_and(|link| link.starts_with(&format!("anon_inode:{kind}")))).count()
    }

    /// The lines of a file in the test's directory, whole ones only; none where it is not there yet.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.lab.path(name)).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(crate::lab::json).collect()
    }

    /// Ends it as systemd does. It has two seconds, says what it had to say, and leaves nothing behind.
    pub(crate) fn stop(mut self) -> (Ended, Lab) {
        self.run.note_objects();
        let start = Instant::now();
        self.run.signal(libc::SIGTERM);
        let ended = self.run.end().code(0);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "it took {took:?} to end");
        assert!(!ended.stderr.contains("unaccounted"), "{}", ended.stderr);
        assert!(!self.lab.path("control.sock").exists(), "the socket stays");
        (ended, self.lab)
    }
}

/// What a status says about a probe, `NAME` or `NAME/TARGET`.
pub(crate) fn probe(status: &Value, name: &str) -> Value {
    let (name, target) = name.split_once('/').map_or((name, None), |(name, target)| (name, Some(target)));
    let is_it = |probe: &&Value| probe["name"] == name && probe["target"].as_str() == target;
    status["probes"].as_array().unwrap().iter().find(is_it).cloned().unwrap_or_default()
}

fn write(lab: &Lab, name: &str, probes: &str) {
    let (hidden, path) = (lab.path("probes.d").join(format!(".{name}.new")), lab.path("probes.d").join(name));
    fs::write(&hidden, format!("version: 1\nprobes:\n{probes}")).unwrap();
    fs::rename(&hidden, &path).unwrap();
}

/// A probe at a system call that nobody makes but [`call`], which captures the number that is given to it. `rest` are more
/// of its lines: `sinks: …`.
pub(crate) fn calls(name: &str, rest: &str) -> String {
    format!(
        "  - name: {name}\n    hook: {{ tracepoint: \"syscalls:sys_enter_sched_get_priority_max\" }}\n    \
         capture: {{ n: policy as u32 }}\n    {rest}\n"
    )
}

/// Makes the system call of [`calls`]; the kernel refuses any number that is no policy.
pub(crate) fn call(n: u32) {
    // SAFETY: takes a number.
    unsafe { libc::syscall(libc::SYS_sched_get_priority_max, n) };
}

/// The numbers that this thread gave to [`call`], in the order of the lines.
pub(crate) fn numbers(lines: &[Value], tid: u64) -> Vec<u64> {
    lines.iter().filter(|line| line["tid"] == tid).map(|line| line["n"].as_u64().unwrap()).collect()
}
