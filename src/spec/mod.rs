// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words that every floor uses: what a probe is, where it hooks, what a record looks like, where events go.
//!
//! Nothing here does anything: no file, no kernel, no terminal. Values of these types have been checked; what a
//! person typed lives in `key` and `config`, what runs lives in `kernel`.

mod capture;
mod counting;
mod event;
mod expr;
mod expr_names;
mod expr_text;
mod fetch;
mod formula;
mod hook;
mod hook_kind;
mod layout;
mod limits;
mod machine_point;
pub mod names;
mod network_point;
mod of_end;
mod place;
mod sample;
mod set;
mod sink;
mod site;
mod slots;
mod span;
mod step;
mod user_point;

pub use capture::{DEFAULT_TEXT_BYTES, MAX_TEXT_BYTES};
pub use counting::{Counting, KeyPiece, Operation, OperationKind, StackKey, Table, Tally, Wide};
pub use event::{LossCause, RESERVED_FIELDS};
pub use expr::{At, BinaryOp, Cast, Expr, ExprNode, NameTable, TextSize, UnaryOp};
pub use fetch::{Fetch, FetchCopy, FetchIndex, FetchSource, Kept, Narrow, PacketLayer};
pub use formula::{Arithmetic, Comparison, Formula, SetName, TextTest};
pub use hook::{Claim, Hook, Targets};
pub use hook_kind::HookKind;
pub use layout::{BitRange, ComputedType, Field, FieldType, FoundOut, Layout};
pub use limits::{Limits, Period, RateLimit};
pub use machine_point::{Items, PerfEvent};
pub use names::SyscallAbi;
pub use network_point::{CgroupPoint, Direction, XdpMode};
pub use of_end::{EndPart, OfEnd};
pub use place::{AggregatePart, Place};
pub use sample::{Aggregate, AggregateKey, AggregateValue, Buckets, Sample, Statistic, Top};
pub use set::{SetEntry, SetKind, SetSource, SetSpec, SetUse};
pub use sink::{Destination, DestinationKind, Format, Rights, SinkId, SinkSpec};
pub use site::{CallEnd, Site, SyscallSite, TracepointName};
pub use slots::{EndpointSlot, PacketPart, PacketSlot, SlotPart, SockSlot, SocketCallSlot, StackSlot};
pub use span::{KeyWord, OpenSpanSlot, Span, SpanCounts, SpanEnds, SpanPart, SpanRole};
pub use step::{Step, StepNext, StepTest, Widening};
pub use user_point::{FileIdentity, UserPlace, UserPoint};

use std::time::Duration;

/// What identifies a probe between two readings of the files: its name. A file that is renamed, or a probe that moves to
/// another file, goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProbeId {
    /// The probe's `name`, unique in one run and fit for a file name.
    pub name: String,
}

/// One checked probe: everything that decides how it runs and nothing else, so two equal specs run alike.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSpec {
    /// Who it is.
    pub id: ProbeId,
    /// Where it attaches; `None`: where the program says itself.
    pub hook: Option<Hook>,
    /// What its target matches.
    pub targets: Targets,
    /// What the file asks for, where the mechanism of `hook` was chosen on this machine; `None` before that, and where it names
    /// the mechanism itself.
    pub asked: Option<Hook>,
    /// Names that other targets of the probe have, and this one does not: they are null here.
    pub elsewhere: Vec<String>,
    /// How its tables look where something in them is null at some targets; `None`: they look alike anyway.
    pub counted_as: Option<std::sync::Arc<Counting>>,
    /// All targets of the probe, where it asks which one an event is of; else none.
    pub siblings: Vec<String>,
    /// The program of the catalogue that runs there.
    pub program: String,
    /// The program's parameters that the file sets, in the order of the file.
    pub params: Vec<(String, ParamValue)>,
    /// What begins before it fires, and elsewhere: an event says how long that took. `None`: what fires is the event.
    pub span: Option<Box<Span>>,
    /// What to read when it fires, in the order of the file; empty for programs with a layout of their own.
    pub capture: Vec<Capture>,
    /// How often counters are reported and snapshots taken ([`ONCE`]: not again). Other programs that emit events do not use it.
    pub interval: Duration,
    /// Which of its events are wanted: all of these must hold.
    pub filter: Vec<Expr>,
    /// The tables that its events are counted in; none: each event is reported.
    pub aggregates: Vec<Aggregate>,
    /// The sets that its expressions ask for, each once. What is in them is no part of the probe.
    pub sets: Vec<SetUse>,
    /// What it is for, in the words of its file, where a sink shows that; else empty.
    pub description: String,
    /// Constant fields of every event, in the order of the file.
    pub labels: Vec<(String, String)>,
    /// Where its events go; never empty, no sink twice.
    pub sinks: Vec<SinkId>,
    /// Bytes of its ring buffer: a power of two and a multiple of the page size. `None`: the file does not say.
    pub buffer_bytes: Option<u32>,
    /// Whether it sees what this process does itself. `None`: the file does not say.
    pub include_self: Option<bool>,
    /// Which of its events pass; off for programs that emit none.
    pub limits: Limits,
}

impl ProbeSpec {
    /// A probe that says where it attaches and what it runs, and nothing else yet.
    pub fn new(id: ProbeId, hook: Option<Hook>, targets: Targets, program: String) -> Self {
        Self {
            id,
            hook,
            targets,
            asked: None,
            elsewhere: Vec::new(),
            counted_as: None,
            siblings: Vec::new(),
            program,
            params: Vec::new(),
            span: None,
            capture: Vec::new(),
            interval: DEFAULT_INTERVAL,
            filter: Vec::new(),
            aggregates: Vec::new(),
            sets: Vec::new(),
            description: String::new(),
            labels: Vec::new(),
            sinks: Vec::new(),
            buffer_bytes: None,
            include_self: None,
            limits: Limits::default(),
        }
    }

    /// Bytes of its ring buffer.
    pub fn ring_bytes(&self) -> u32 {
        self.buffer_bytes.unwrap_or(DEFAULT_BUFFER_BYTES)
    }

    /// Has each event say which system call it is, before all else that is captured.
    pub fn name_syscall(&mut self) {
        self.name_target("syscall");
    }

    /// Has each event say which target it is of, by this builtin, before all else that is captured.
    pub fn name_target(&mut self, name: &str) {
        if self.capture.iter().all(|capture| capture.name != name) {
            let expr = Expr::new(ExprNode::Name(name.to_owned()), 0..0);
            self.capture.insert(0, Capture { name: name.to_owned(), expr });
        }
    }

    /// The names that what it reads begins with.
    pub fn names(&self) -> Vec<&str> {
        let captured = self.capture.iter().map(|capture| &capture.expr);
        captured
            .chain(&self.filter)
            .chain(self.aggregates.iter().flat_map(Aggregate::exprs))
            .flat_map(Expr::names)
            .collect()
    }

    /// The field of its events that says which of several targets of one program they are of.
    pub fn shared_target(&self) -> Option<&'static str> {
        let word = self.hook.as_ref().filter(|hook| hook.is_at_several())?.target_field()?;
        let is_it = |capture: &Capture| capture.name == word && capture.expr.names() == [word];
        self.capture.iter().any(is_it).then_some(word)
    }

    /// The interface that it attaches to, where it does to one.
    pub fn interface(&self) -> Option<&str> {
        self.hook.as_ref()?.interface()
    }

    /// The program or library that it attaches to, as the file names it.
    pub fn binary(&self) -> Option<&str> {
        self.hook.as_ref()?.binary()
    }

    /// The same at one target.
    #[must_use]
    pub fn at(&self, target: &str) -> Self {
        let hook = self.hook.as_ref().map(|hook| hook.at(target));
        Self { hook, targets: Targets::One, ..self.clone() }
    }
}

/// One entry of `capture`: the name in the output and what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The name of the field in the output; never one of [`RESERVED_FIELDS`].
    pub name: String,
    /// What is read.
    pub expr: Expr,
}

/// A parameter's value as checked against the program's declaration.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamValue {
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits the parameter's type.
    Int(i128),
    /// Text that fits the parameter's array with its final NUL.
    Text(String),
}

/// Bytes of a probe's ring buffer when the file does not say: 4 MiB, some 40 ms of a probe that fires two million times a second.
pub const DEFAULT_BUFFER_BYTES: u32 = 4 << 20;

/// The same for a probe of a daemon, which may have hundreds of them: 1 MiB.
pub const DAEMON_BUFFER_BYTES: u32 = 1 << 20;

/// `interval: end`: counters are reported once, at the end.
pub const AT_THE_END: Duration = Duration::MAX;
/// In place of an interval, for a snapshot that is taken at the start and never again.
pub const ONCE: Duration = Duration::MAX;

/// How often counters are reported when the file does not say.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
