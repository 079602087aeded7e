// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a probe attaches.

use std::fmt;

/// Where a probe attaches; one variant for each hook kind, each with its own fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// `xdp`: every packet that an interface receives.
    Xdp {
        /// The interface's name.
        interface: String,
        /// How the driver runs it.
        mode: XdpMode,
    },
    /// `kprobe`: the entry of a kernel function, or an instruction inside it.
    Kprobe {
        /// The function's name.
        symbol: String,
        /// Bytes after its start.
        offset: u64,
    },
    /// `kretprobe`: the return of a kernel function.
    Kretprobe {
        /// The function's name.
        symbol: String,
    },
    /// `tracepoint`: a stable event of the kernel, with named fields.
    Tracepoint(TracepointName),
    /// `raw_tracepoint`: the same event before its fields are made: cheaper, with the kernel's own arguments.
    RawTracepoint {
        /// The event's name, without a category.
        name: String,
    },
    /// No `hook` in the file: the program brings its own.
    Own,
}

impl Hook {
    /// The key in the YAML: `xdp`, `kprobe` …; `own` where the program brings its own hooks.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Xdp { .. } => "xdp",
            Self::Kprobe { .. } => "kprobe",
            Self::Kretprobe { .. } => "kretprobe",
            Self::Tracepoint(_) => "tracepoint",
            Self::RawTracepoint { .. } => "raw_tracepoint",
            Self::Own => "own",
        }
    }
}

/// `kprobe do_sys_openat2`, `xdp on eth0 (auto)`
impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xdp { interface, mode } => write!(f, "xdp on {interface} ({})", mode.name()),
            Self::Kprobe { symbol, offset: 0 } | Self::Kretprobe { symbol } => write!(f, "{} {symbol}", self.kind()),
            Self::Kprobe { symbol, offset } => write!(f, "kprobe {symbol}+{offset:#x}"),
            Self::Tracepoint(name) => write!(f, "tracepoint {name}"),
            Self::RawTracepoint { name } => write!(f, "raw_tracepoint {name}"),
            Self::Own => f.write_str("the program's own hooks"),
        }
    }
}

/// `category:name` of a tracepoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracepointName {
    /// The subsystem: `sched`.
    pub category: String,
    /// The event: `sched_switch`.
    pub name: String,
}

impl fmt::Display for TracepointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.category, self.name)
    }
}

/// How an interface runs an XDP program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum XdpMode {
    /// The driver's own hook where it has one, else generic; the runner says which it got.
    #[default]
    Auto,
    /// In the driver, before the kernel allocates anything (`XDP_FLAGS_DRV_MODE`).
    Native,
    /// In the network stack, after the socket buffer is made (`XDP_FLAGS_SKB_MODE`).
    Generic,
    /// On the network card (`XDP_FLAGS_HW_MODE`).
    Offload,
}

impl XdpMode {
    /// The word in the YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Offload => "offload",
        }
    }
}
