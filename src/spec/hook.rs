// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a probe attaches.

use std::fmt;
use std::time::Duration;

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
    /// `uprobe`: an instruction of a program or library, before it runs; mostly the entry of a function.
    Uprobe(UserPoint),
    /// `uretprobe`: the return of a function of a program or library.
    Uretprobe(UserPoint),
    /// No `hook` in the file: the program brings its own.
    Own,
}

/// A point in the file of a program or library, in all processes that run it or in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPoint {
    /// The file as written: an absolute path, or a bare name that is searched for (`bash`, `libc.so.6`).
    pub binary: String,
    /// Where in it.
    pub place: UserPlace,
    /// Only this process; `None`: every one.
    pub pid: Option<u32>,
    /// Only this build of the file: its build id, in lower-case hexadecimal digits; `None`: any.
    pub build_id: Option<String>,
    /// Also where others than root could change the file.
    pub allow_untrusted: bool,
}

/// Where in the file of a program or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserPlace {
    /// A function, or an instruction inside it.
    Symbol {
        /// Its name in the file's tables of symbols.
        name: String,
        /// Bytes after its start; 0 at `uretprobe`.
        offset: u64,
    },
    /// So many bytes into the file.
    Offset(u64),
}

impl UserPoint {
    /// The function's name; `None` where the file says a number.
    pub fn symbol(&self) -> Option<&str> {
        match &self.place {
            UserPlace::Symbol { name, .. } => Some(name),
            UserPlace::Offset(_) => None,
        }
    }

    /// True for the same place in the same processes, whichever files may be there.
    pub fn is_at_place_of(&self, other: &Self) -> bool {
        (&self.binary, &self.place, self.pid) == (&other.binary, &other.place, other.pid)
    }

    fn at(&self, symbol: String) -> Self {
        let offset = if let UserPlace::Symbol { offset, .. } = self.place { offset } else { 0 };
        Self { place: UserPlace::Symbol { name: symbol, offset }, ..self.clone() }
    }
}

/// `readline`, `readline+0x4`, `+0x1139`
impl fmt::Display for UserPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol { name, offset: 0 } => f.write_str(name),
            Self::Symbol { name, offset } => write!(f, "{name}+{offset:#x}"),
            Self::Offset(offset) => write!(f, "+{offset:#x}"),
        }
    }
}

/// `bash:readline`, `/usr/bin/bash:readline (process 12)`
impl fmt::Display for UserPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.binary, self.place)?;
        self.pid.map_or(Ok(()), |pid| write!(f, " (process {pid})"))
    }
}

impl Hook {
    /// The interface of a hook at one.
    pub fn interface(&self) -> Option<&str> {
        match self {
            Self::Xdp { interface, .. } => Some(interface),
            Self::Kprobe { .. }
            | Self::Kretprobe { .. }
            | Self::Tracepoint(_)
            | Self::RawTracepoint { .. }
            | Self::Uprobe(_)
            | Self::Uretprobe(_)
            | Self::Own => None,
        }
    }

    /// The program or library of a hook in one, as the file names it.
    pub fn binary(&self) -> Option<&str> {
        match self {
            Self::Uprobe(point) | Self::Uretprobe(point) => Some(&point.binary),
            Self::Xdp { .. }
            | Self::Kprobe { .. }
            | Self::Kretprobe { .. }
            | Self::Tracepoint(_)
            | Self::RawTracepoint { .. }
            | Self::Own => None,
        }
    }

    /// True where an event is what the current thread does: never an interrupt that came while it ran, never something that
    /// happens to another thread. By name, so not of each hook of which it is true: system calls, functions of user space, page
    /// faults, file systems.
    pub fn tells_of_the_current_thread(&self) -> bool {
        /// Categories of tracepoints.
        const CATEGORIES: [&str; 15] = [
            "syscalls",
            "raw_syscalls",
            "exceptions",
            "9p",
            "btrfs",
            "erofs",
            "ext4",
            "f2fs",
            "filelock",
            "filemap",
            "fuse",
            "iomap",
            "netfs",
            "nfs",
            "xfs",
        ];
        /// Raw tracepoints of the first three.
        const RAW: [&str; 4] = ["sys_enter", "sys_exit", "page_fault_user", "page_fault_kernel"];
        /// Beginnings of the functions that system calls are, or go through.
        const FUNCTIONS: [&str; 9] = [
            "__x64_sys_",
            "__ia32_sys_",
            "__arm64_sys_",
            "__se_sys_",
            "__do_sys_",
            "do_sys_",
            "ksys_",
            "vfs_",
            "filp_",
        ];
        match self {
            Self::Uprobe(_) | Self::Uretprobe(_) => true,
            Self::Tracepoint(name) => CATEGORIES.contains(&name.category.as_str()),
            Self::RawTracepoint { name } => RAW.contains(&name.as_str()),
            Self::Kprobe { symbol, .. } | Self::Kretprobe { symbol } => {
                FUNCTIONS.iter().any(|begin| symbol.starts_with(begin))
            }
            Self::Xdp { .. } | Self::Own => false,
        }
    }

    /// The field that says which target an event comes from, where a probe has several.
    pub fn target_field(&self) -> Option<&'static str> {
        match self {
            Self::Xdp { .. } => Some("interface"),
            Self::Kprobe { .. } | Self::Kretprobe { .. } | Self::Uprobe(_) | Self::Uretprobe(_) => Some("symbol"),
            Self::Tracepoint(_) | Self::RawTracepoint { .. } | Self::Own => None,
        }
    }

    /// The same hook at another interface or function.
    #[must_use]
    pub fn at(&self, target: &str) -> Self {
        let target = target.to_owned();
        match self {
            Self::Xdp { mode, .. } => Self::Xdp { interface: target, mode: *mode },
            Self::Kprobe { offset, .. } => Self::Kprobe { symbol: target, offset: *offset },
            Self::Kretprobe { .. } => Self::Kretprobe { symbol: target },
            Self::Uprobe(point) => Self::Uprobe(point.at(target)),
            Self::Uretprobe(point) => Self::Uretprobe(point.at(target)),
            Self::Tracepoint(_) | Self::RawTracepoint { .. } | Self::Own => self.clone(),
        }
    }

    /// The key in the YAML: `xdp`, `kprobe` …; `own` where the program brings its own hooks.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Xdp { .. } => "xdp",
            Self::Kprobe { .. } => "kprobe",
            Self::Kretprobe { .. } => "kretprobe",
            Self::Tracepoint(_) => "tracepoint",
            Self::RawTracepoint { .. } => "raw_tracepoint",
            Self::Uprobe(_) => "uprobe",
            Self::Uretprobe(_) => "uretprobe",
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
            Self::Uprobe(point) | Self::Uretprobe(point) => write!(f, "{} {point}", self.kind()),
            Self::Own => f.write_str("the program's own hooks"),
        }
    }
}

/// What the target of a hook stands for, where it is an interface or a function. [`Hook`] holds the first name as written;
/// which ones there are is found out on the machine, and each becomes a probe of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Targets {
    /// The one name that the hook holds.
    #[default]
    One,
    /// Each of these names, and each that one of these globs (`eth*`, `tcp_*`) or `@default-route` stands for. Events say
    /// which: a field `interface` or `symbol`.
    Each(Vec<String>),
    /// The first of these functions that the kernel, or the binary, has: names that differ by version.
    FirstOf(Vec<String>),
}

impl Targets {
    /// The interfaces that the routes to everywhere use.
    pub const DEFAULT_ROUTE: &str = "@default-route";

    /// How many targets one probe may have: each is a program of its own.
    pub const MAX: usize = 128;

    /// True for a name that stands for others. Among the parameters of a function of C++, a star is a pointer.
    pub fn is_pattern(name: &str) -> bool {
        let before = name.rsplit_once('(').map(|(before, _)| before).filter(|before| !before.is_empty());
        name == Self::DEFAULT_ROUTE || before.unwrap_or(name).contains(['*', '?'])
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

/// Tells the file that a path leads to from one that replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// Its length: an inode's number is given again.
    pub bytes: u64,
    /// Its last write: seconds since 1970, and nanoseconds.
    pub written: (i64, i64),
    /// The last change of anything about it, also of its owner and mode. Nobody can set this time.
    pub changed: (i64, i64),
    /// When it was made, since 1970; `None` where the file system does not know.
    pub born: Option<Duration>,
}
