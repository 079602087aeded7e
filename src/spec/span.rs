// SPDX-License-Identifier: MIT OR Apache-2.0
//! Spans: what begins at one hook and ends at another is one event, and says how long it took.

use std::time::Duration;

use super::expr::Expr;
use super::fetch::Fetch;
use super::hook::{Hook, Targets};

/// How a probe pairs what begins and what ends. Its `hook` is the first that ends spans.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Where they begin.
    pub ends: SpanEnds,
    /// What is done where a start meets an open one of the same key: the first stays, or the last.
    pub keeps_first: bool,
    /// After which time one that is open is given up; `None`: never, unless its thread has ended.
    pub expire: Option<Duration>,
    /// How many can be open at a time.
    pub max_open: u32,
}

impl Span {
    /// How many can be open where the file does not say.
    pub const MAX_OPEN: u32 = 10_240;

    /// The entry and the return of a call.
    pub fn in_one_thread() -> Self {
        Self { ends: SpanEnds::Thread, keeps_first: false, expire: None, max_open: Self::MAX_OPEN }
    }

    /// Its hooks, where the file names them.
    pub fn parts(&self) -> &[SpanPart] {
        match &self.ends {
            SpanEnds::Thread => &[],
            SpanEnds::Across(parts) => parts,
        }
    }
}

/// Where spans begin and end.
#[derive(Debug, Clone, PartialEq)]
pub enum SpanEnds {
    /// They are the calls of the probe's hook: entry and return, in one thread.
    Thread,
    /// At these hooks, the ends first.
    Across(Vec<SpanPart>),
}

/// What a hook is to spans, in the order in which several at one hook run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanRole {
    /// They end there.
    End,
    /// They are voided there.
    Cancel,
    /// They begin there.
    Start,
    /// They pass there, and leave values.
    Via,
}

impl SpanRole {
    /// All of them, by their words.
    pub const WORDS: [(Self, &str); 4] =
        [(Self::Start, "start"), (Self::Via, "via"), (Self::Cancel, "cancel"), (Self::End, "end")];

    /// The key under `span`.
    pub fn word(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Cancel => "cancel",
            Self::Start => "start",
            Self::Via => "via",
        }
    }
}

/// What became of all that began: `started` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpanCounts {
    /// What began.
    pub started: u64,
    /// What ended: each is an event, or was refused by `where`.
    pub paired: u64,
    /// What another start of the same key took the place of; or what found one open, where the first stays.
    pub repeated: u64,
    /// What was voided.
    pub cancelled: u64,
    /// What was given up: too old, or of a thread that has ended.
    pub expired: u64,
    /// What there was no room for.
    pub full: u64,
}

impl SpanCounts {
    /// What has neither ended nor been given up.
    pub fn open(&self) -> u64 {
        let Self { started, paired, repeated, cancelled, expired, full } = *self;
        started.saturating_sub(paired + repeated + cancelled + expired + full)
    }

    /// The two together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            started: self.started + other.started,
            paired: self.paired + other.paired,
            repeated: self.repeated + other.repeated,
            cancelled: self.cancelled + other.cancelled,
            expired: self.expired + other.expired,
            full: self.full + other.full,
        }
    }

    /// What is open is given up.
    #[must_use]
    pub fn given_up(self) -> Self {
        Self { expired: self.expired + self.open(), ..self }
    }

    /// Each with its name, in the order in which they are told.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("started", self.started),
            ("paired", self.paired),
            ("repeated", self.repeated),
            ("cancelled", self.cancelled),
            ("expired", self.expired),
            ("full", self.full),
            ("open", self.open()),
        ]
    }
}

/// One hook of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanPart {
    /// What it is to the spans.
    pub role: SpanRole,
    /// Which of those of its role, as the file lists them.
    pub number: usize,
    /// The hook.
    pub hook: Hook,
    /// What the file asks for, where the mechanism was chosen on this machine.
    pub asked: Option<Hook>,
    /// What its target matches.
    pub targets: Targets,
    /// Names that other targets of it have, and this one does not.
    pub elsewhere: Vec<String>,
    /// By which it is paired.
    pub key: Vec<Expr>,
    /// Without which it is none: all of these must hold.
    pub filter: Vec<Expr>,
}

/// One number of a key, as a program reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWord {
    /// Where it is.
    pub fetch: Fetch,
    /// Bits below those that count.
    pub shift: u8,
    /// Bits that count: 1 to 64.
    pub width: u8,
    /// Whether the highest of them is a sign.
    pub signed: bool,
    /// What is added.
    pub add: u32,
}

/// `struct open_span` of `bpf/include/span.h`: what a start leaves, before its slots.
///
/// ```text
/// 0   u64      time_ns
/// 8   u64      absent
/// 16  u32      tid
/// 20  u32      pid
/// 24  u32      uid, zero where nobody asks for it
/// 28  u32      zero
/// 32  char[16] comm, the same
/// 48  …        slots
/// ```
pub struct OpenSpanSlot;

impl OpenSpanSlot {
    /// Where slots begin.
    pub const SIZE: u32 = 48;
    /// Most bytes of one, with its slots; a path at its end may need 256 more.
    pub const MOST: u32 = 3840;
    /// Where its time is.
    pub const TIME: u32 = 0;
    /// Where its thread is, with its process behind it.
    pub const TID: u32 = 16;

    /// Where a field of an event's head is in it; `None` for what it does not keep.
    pub fn head(name: &str) -> Option<u32> {
        match name {
            "tid" => Some(16),
            "pid" => Some(20),
            "uid" => Some(24),
            "comm" => Some(32),
            _other => None,
        }
    }

    /// True for what is kept only where somebody asks for it: thread and process are always there.
    pub fn is_asked_for(name: &str) -> bool {
        matches!(name, "uid" | "comm")
    }
}
