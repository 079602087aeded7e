// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every event has in common, and why one may be missing.

/// Names that the runner itself writes into events; a capture or a label cannot use them.
pub const RESERVED_FIELDS: [&str; 7] = ["ts", "probe", "type", "pid", "tid", "uid", "comm"];

/// Why an event that the kernel produced was not delivered. `produced = delivered + Σ lost` holds exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossCause {
    /// The ring buffer had no room when the program wanted to write.
    RingFull,
    /// The kernel did not run the program because another one was running on that CPU (recursion guard).
    Missed,
    /// `limits.sample` did not choose it.
    SampledOut,
    /// `limits.rate_limit` had let as many pass in that window.
    RateLimited,
    /// The sink's queue was full while another sink of the same probe went on.
    QueueFull,
    /// The sink refused the bytes: disk full, reader gone, I/O error.
    SinkError,
    /// It arrived after `--count` was reached.
    AfterCount,
    /// A table of `aggregate` had no room for one row more.
    TableFull,
    /// A table of `aggregate` had no room for one call stack more.
    StacksFull,
    /// So many programs made large keys of `aggregate` on that CPU at one time that no memory was free.
    Crowded,
    /// It was in a ring buffer, or a counter, that could not be read: there was no memory to map it.
    Unreadable,
}

impl LossCause {
    /// Every cause, in the order of the summary.
    pub const ALL: [Self; 11] = [
        Self::RingFull,
        Self::Missed,
        Self::SampledOut,
        Self::RateLimited,
        Self::QueueFull,
        Self::SinkError,
        Self::AfterCount,
        Self::TableFull,
        Self::StacksFull,
        Self::Crowded,
        Self::Unreadable,
    ];

    /// True where a line on the stream says so each second. A sample is what was asked for: only the summary counts what it
    /// left out.
    pub fn is_news(self) -> bool {
        self != Self::SampledOut
    }

    /// The word in JSON: `ring_full`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::Missed => "missed",
            Self::SampledOut => "sampled_out",
            Self::RateLimited => "rate_limited",
            Self::QueueFull => "queue_full",
            Self::SinkError => "sink_error",
            Self::AfterCount => "after_count",
            Self::TableFull => "table_full",
            Self::StacksFull => "stacks_full",
            Self::Crowded => "crowded",
            Self::Unreadable => "unreadable",
        }
    }
}
