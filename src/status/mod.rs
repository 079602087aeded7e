// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon says about itself: one snapshot, which the control socket, the table of `ebpf-run status` and the metrics
//! are all made from.
//!
//! What never happens here: nothing is asked of the kernel and nothing is sent.

mod exposition;
mod full_table;
mod metrics;
mod table;

pub use full_table::FullTable;
pub use metrics::{CONTENT_TYPE, is_own_metric, metrics};
pub use table::table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything at one moment. Times are nanoseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the daemon.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started.
    pub started_unix_ns: u64,
    /// When this was taken.
    pub now_unix_ns: u64,
    /// Counts the configurations that differed from the one before, from 1.
    pub generation: u64,
    /// Names the texts that count: the same on two machines with the same files.
    pub config_hash: String,
    /// How often files were read and differed.
    pub reloads: Reloads,
    /// The directories that are followed, and files that are followed by name.
    #[serde(default)]
    pub directories: Vec<DirectoryStatus>,
    /// The files that are followed, by path.
    pub files: Vec<FileStatus>,
    /// The probes, each target of a probe by itself, by file and name.
    pub probes: Vec<ProbeStatus>,
    /// The open sinks.
    pub sinks: Vec<SinkStatus>,
}

/// What became of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reloads {
    /// After which everything was as the files say, or waits for something that is missing.
    pub ok: u64,
    /// After which a file was refused or a probe failed.
    pub failed: u64,
    /// When the last good one was; 0: never.
    pub last_ok_unix_ns: u64,
}

/// A directory that is followed, or a file that is followed by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryStatus {
    /// Its path.
    pub path: String,
    /// Whether it could be looked at.
    pub state: DirectoryState,
    /// What is wrong with it, as people should read it; empty where nothing is.
    pub problem: String,
}

/// Whether the files of a directory are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryState {
    /// They are.
    Ok,
    /// It has never been there since the daemon started.
    Missing,
    /// It was there and has gone: its probes were stopped.
    Deleted,
    /// It cannot be read. Of this one and those below, what its files said last goes on.
    Unreadable,
    /// Users other than root could change it.
    Untrusted,
    /// Its file system was unmounted, and nothing is in its place.
    Unmounted,
    /// Its file system does not answer.
    Silent,
}

impl DirectoryState {
    /// The word for people and machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Deleted => "deleted",
            Self::Unreadable => "unreadable",
            Self::Untrusted => "untrusted",
            Self::Unmounted => "unmounted",
            Self::Silent => "silent",
        }
    }

    /// False where nobody knows which files there are: those that there were go on.
    pub fn is_known(self) -> bool {
        match self {
            Self::Ok | Self::Missing | Self::Deleted => true,
            Self::Unreadable | Self::Untrusted | Self::Unmounted | Self::Silent => false,
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    /// Its path.
    pub path: String,
    /// Whether its text counts.
    pub state: FileState,
    /// Its probes that are followed now.
    pub probes: usize,
    /// What is wrong with its text, as people should read it.
    pub problems: Vec<String>,
}

/// Whether a file's text counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It does.
    Ok,
    /// It has an error; its last good text counts.
    Kept,
    /// It has an error, and never had a good text since the daemon started.
    Refused,
}

/// What a probe does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// It runs as its file says.
    Running,
    /// It runs an earlier version: the one in the file failed.
    Outdated,
    /// What it attaches to is not there yet.
    Waiting,
    /// It does not run: the kernel or a sink refused it.
    Failed,
    /// Stopped by hand until its file changes.
    Stopped,
}

impl ProbeState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Running, Self::Outdated, Self::Waiting, Self::Failed, Self::Stopped];

    /// The word for people and machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Outdated => "outdated",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// What is true of a probe in this state, for people: the start of a sentence in documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Running => "attached as its file describes",
            Self::Outdated => "attached in an earlier version, because the one in its file failed",
            Self::Waiting => "not attached, because its interface, function, binary or process does not exist yet",
            Self::Failed => "not attached, because the kernel or a sink refused it",
            Self::Stopped => "detached by `ebpf-run stop`",
        }
    }

    /// What the daemon does about it, for people.
    pub fn next(self) -> &'static str {
        match self {
            Self::Running => "writes its events to its sinks",
            Self::Outdated => {
                "keeps the earlier version; retries the new one after 1 s, 2 s, 4 s … up to a minute, and at once when its file changes"
            }
            Self::Waiting => "attaches it when that appears",
            Self::Failed => {
                "retries after 1 s, 2 s, 4 s … up to a minute, and at once when its file changes or on `ebpf-run reload`"
            }
            Self::Stopped => "starts it on `ebpf-run start`, when its file changes, or when the daemon starts again",
        }
    }
}

/// One probe, or one target of a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeStatus {
    /// Its name.
    pub name: String,
    /// Its interface or function, where the file names several.
    pub target: Option<String>,
    /// Its file.
    pub file: String,
    /// What it does.
    pub state: ProbeState,
    /// Since when.
    pub since_unix_ns: u64,
    /// How many versions of it have run; 0: none.
    pub generation: u32,
    /// How it is attached: `tracepoint sched:sched_switch`; empty where it is not.
    pub mechanism: String,
    /// Why it does not run as its file says, or why what runs cannot be read; empty where it does and can.
    pub error: String,
    /// Events that it produced since it last started; `None` for a program that counts.
    pub produced: Option<u64>,
    /// Events, or rows of samples, that were written, over all sinks.
    pub delivered: u64,
    /// Events a second, over the time since the last snapshot before.
    pub rate: f64,
    /// What was lost, by cause: before the sinks and over all of them.
    pub lost: BTreeMap<String, u64>,
    /// Causes for which this kernel loses events and does not count them: `missed`, before Linux 6.7. They are in no number
    /// here.
    #[serde(default)]
    pub uncounted: Vec<String>,
    /// Events that its `where` did not let pass.
    #[serde(default)]
    pub filtered: u64,
    /// The same, where something that it asked for could not be read.
    #[serde(default)]
    pub undecided: u64,
    /// What the daemon did itself and the probe left out; not among those produced.
    #[serde(default)]
    pub of_itself: u64,
    /// What became of its spans: `started` is the sum of the others. Empty for a probe without spans.
    #[serde(default)]
    pub spans: BTreeMap<String, u64>,
    /// Its tables that had no room, where events were lost because of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub full_tables: Vec<FullTable>,
    /// What each of its sinks got. With what was lost before them, no sink ever has more than what was produced.
    #[serde(default)]
    pub sinks: Vec<SinkShare>,
    /// Bytes of kernel memory of its programs and maps.
    pub kernel_memory_bytes: u64,
    /// How often the kernel ran it; `None` where it does not count (`kernel.bpf_stats_enabled`).
    pub runs: Option<u64>,
    /// How long it ran.
    pub run_time_ns: Option<u64>,
    /// The ids of its BPF links.
    pub links: Vec<u32>,
}

/// What one sink got from one probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkShare {
    /// The sink's name.
    pub name: String,
    /// Events, or rows of samples, that were written.
    pub delivered: u64,
    /// What was lost on the way to it alone, by cause.
    pub lost: BTreeMap<String, u64>,
}

/// One open sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// How messages call it.
    pub name: String,
    /// Where its bytes go: `stdout`, `stderr` or a path.
    pub destination: String,
    /// False when the reader of a stream has gone.
    pub open: bool,
    /// Bytes that the destination took.
    pub written_bytes: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Why it takes no events now: a full disk, a reader that has gone; empty where it does.
    #[serde(default)]
    pub error: String,
}

impl Status {
    /// True when every directory was read, every file counts, every probe runs as its file says and can be read, and every sink takes its
    /// events.
    pub fn is_good(&self) -> bool {
        self.is_applied()
            && self.directories.iter().all(|directory| directory.state == DirectoryState::Ok)
            && self.probes.iter().all(|probe| probe.state != ProbeState::Waiting && probe.error.is_empty())
            && self.sinks.iter().all(|sink| sink.error.is_empty())
    }

    /// True if no directory or file was refused and no probe failed: what waits for something that is missing, also for a
    /// directory that has never been there, does what is wanted.
    pub fn is_applied(&self) -> bool {
        let good = |state| matches!(state, ProbeState::Running | ProbeState::Stopped | ProbeState::Waiting);
        let known = |state| matches!(state, DirectoryState::Ok | DirectoryState::Missing);
        self.directories.iter().all(|directory| known(directory.state))
            && self.files.iter().all(|file| file.state == FileState::Ok)
            && self.probes.iter().all(|probe| good(probe.state))
    }
}
