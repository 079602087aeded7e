// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other tool: bpftrace, which runs beside the load, or strace, which runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::lab::{BOUND, Lab};

/// What bpftrace writes once all its probes are attached, if a variable of this name is in its environment. (Its own tests use it.)
const ATTACHED: &str = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";

/// How the number of lines that its programs wrote is called at its end. On its way out it sometimes loses one in silence.
const PRINTED: &str = "@printed: ";

/// This script of bpftrace, which then also counts the lines that it prints.
pub(crate) fn counting(script: &str) -> String {
    script.replace("printf(\"= ", "@printed = count(); printf(\"= ")
}

/// A tool that sees the same events.
pub(crate) enum Peer {
    /// Running; killed when dropped.
    Bpftrace { child: Killed, out: PathBuf, log: PathBuf },
    /// Not running on its own. What it wrote, and the script that makes lines of it.
    Strace { out: PathBuf, sed: String },
}

/// All that a peer saw.
pub(crate) struct Seen {
    pub(crate) lines: Vec<String>,
    /// It lost events, or the kernel skipped its programs.
    pub(crate) missed: bool,
    /// What it said about itself.
    pub(crate) said: String,
}

impl Peer {
    /// Starts bpftrace and waits until it is attached.
    pub(crate) fn bpftrace(lab: &Lab, script: &str) -> Result<Self, String> {
        let (out, log) = (lab.path("peer.out"), lab.path("peer.log"));
        let mut command = Command::new("bpftrace");
        // With `-o` it would write line by line only at its end.
        command.env(ATTACHED, "1").args(["-B", "line"]).arg(script).stdin(Stdio::null());
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&log).unwrap());
        let child = command.spawn().unwrap();
        let mut child = Killed(child);
        let start = Instant::now();
        loop {
            let said = text(&log) + &text(&out);
            if said.contains(ATTACHED) {
                return Ok(Self::Bpftrace { child, out, log });
            }
            if child.0.try_wait().unwrap().is_some() || start.elapsed() > BOUND {
                return Err(format!("bpftrace does not attach: {said}"));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has seen by now.
    pub(crate) fn lines(&self) -> Vec<String> {
        let written = match self {
            Self::Bpftrace { out, .. } => text(out),
            Self::Strace { out, sed } => edited(&text(out), sed),
        };
        written.lines().filter_map(|line| line.strip_prefix("= ")).map(str::to_owned).collect()
    }

    /// Ends it.
    pub(crate) fn end(mut self) -> Seen {
        let skipped = match &mut self {
            Self::Bpftrace { child, .. } => child.end_as_ctrl_c(),
            Self::Strace { .. } => 0,
        };
        let lines = self.lines();
        match &self {
            Self::Bpftrace { out, log, .. } => {
                let said = format!("{}; the kernel skipped its programs {skipped} times", text(log).trim());
                let lost = text(out).lines().chain(said.lines()).any(|line| line.starts_with("Lost "));
                let printed = text(out).lines().find_map(|line| line.strip_prefix(PRINTED)?.parse().ok());
                let said = format!("{said}, and it printed {printed:?} lines, of which {} are here", lines.len());
                Seen { missed: lost || skipped > 0 || printed.unwrap_or(0) != lines.len(), lines, said }
            }
            Self::Strace { out, .. } => Seen { lines, missed: false, said: format!("\n{}", end_of(&text(out))) },
        }
    }
}

/// A process that is killed when dropped.
pub(crate) struct Killed(Child);

impl Killed {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }

    /// Waits until it holds links, and no more come: it does not say when it is attached.
    pub(crate) fn wait_until_attached(&mut self, said: impl Fn() -> String) {
        let (start, mut seen, mut since) = (Instant::now(), 0, Instant::now());
        loop {
            assert!(self.0.try_wait().unwrap().is_none(), "it ended: {}", said());
            assert!(start.elapsed() < BOUND, "it does not attach: {}", said());
            let links = links(self.0.id());
            if links != seen {
                (seen, since) = (links, Instant::now());
            } else if links > 0 && since.elapsed() > Duration::from_millis(500) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Interrupts it and waits for its end; how often the kernel skipped its programs by then.
    pub(crate) fn end_as_ctrl_c(&mut self) -> u64 {
        let skipped = skipped(self.0.id());
        let start = Instant::now();
        while self.0.try_wait().unwrap().is_none() && start.elapsed() < BOUND {
            // On a busy machine one alone does not always end it.
            // SAFETY: signals a child that has not been waited for.
            unsafe { libc::kill(self.0.id().cast_signed(), libc::SIGINT) };
            for _ in 0..50 {
                if self.0.try_wait().unwrap().is_some() {
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        skipped
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How many links a process holds.
fn links(pid: u32) -> usize {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return 0 };
    entries.flatten().filter(|entry| text(&entry.path()).lines().any(|line| line.starts_with("link_id:"))).count()
}

/// How often the kernel skipped the programs that a process holds.
fn skipped(pid: u32) -> u64 {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return 0 };
    let misses =
        |info: String| info.lines().find_map(|line| line.strip_prefix("recursion_misses:")?.trim().parse::<u64>().ok());
    entries.flatten().filter_map(|entry| misses(text(&entry.path()))).sum()
}

/// The output of strace, as this script edits it.
fn edited(output: &str, sed: &str) -> String {
    let lines: String = output.lines().map(|line| plain(line) + "\n").collect();
    let mut child = Command::new("sed");
    let mut child = child.args(["-nEf", sed]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writing = thread::spawn(move || std::io::Write::write_all(&mut input, lines.as_bytes()));
    let done = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// `… = -1 ENOENT (No such file or directory)` as `… = -2 ENOENT`, `…)   = 3</etc/fstab>` as `…) = 3 null`.
fn plain(line: &str) -> String {
    let Some((call, result)) = line.rsplit_once(" = ") else { return line.to_owned() };
    let call = call.trim_end();
    let word = result.split([' ', '<']).next().unwrap_or(result);
    let failed = result.strip_prefix("-1 ").and_then(|error| error.split_once(" ("));
    match failed.and_then(|(name, text)| Some((errno(text.strip_suffix(')')?)?, name))) {
        Some((errno, name)) => format!("{call} = -{errno} {name}"),
        None if word.parse::<i64>().is_ok() => format!("{call} = {word} null"),
        None => line.to_owned(),
    }
}

/// The number of the error that the C library describes with these words.
fn errno(words: &str) -> Option<i32> {
    let said = |number: &i32| std::io::Error::from_raw_os_error(*number).to_string();
    (1..134).find(|number| said(number).strip_suffix(&format!(" (os error {number})")) == Some(words))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
