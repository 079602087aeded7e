// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a probe attaches.

use std::fmt;
use std::time::Duration;

/// Where a probe attaches, and by which mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The mechanism: what the YAML names as the key under `hook`.
    pub kind: HookKind,
    /// The place. Which kinds go with which sites, `hook::KINDS` knows.
    pub site: Site,
}

/// The mechanism of a hook; what each of them is and takes is in a file of `hook` and one of `kernel::hook`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookKind {
    /// Every packet that an interface receives.
    Xdp,
    /// The entry of a kernel function, or an instruction inside it.
    Kprobe,
    /// The return of a kernel function.
    Kretprobe,
    /// The entry of a kernel function, by a trampoline in it.
    Fentry,
    /// The return of a kernel function, by a trampoline in it.
    Fexit,
    /// A stable event of the kernel, with named fields.
    Tracepoint,
    /// The same event before its fields are made: cheaper, with the kernel's own arguments.
    RawTracepoint,
    /// An instruction of a program or library, before it runs; mostly the entry of a function.
    Uprobe,
    /// The return of a function of a program or library.
    Uretprobe,
    /// A probe that the source of a program or library names.
    Usdt,
    /// A decision or notice of the Linux security modules.
    Lsm,
    /// Every packet that an interface receives or sends, in the network stack.
    Tc,
    /// Packets of the processes of a cgroup, or what they ask of the network.
    Cgroup,
    /// A function, of the kernel or of a program: which of the mechanisms above it takes is found out on the machine.
    Function,
    /// A system call, at its return or entry: raw `sys_exit` and `sys_enter`.
    Syscall,
}

impl HookKind {
    /// Every kind, in the order of the schema and the documentation, with its key in the YAML.
    pub const WORDS: [(Self, &str); 15] = [
        (Self::Xdp, "xdp"),
        (Self::Kprobe, "kprobe"),
        (Self::Kretprobe, "kretprobe"),
        (Self::Fentry, "fentry"),
        (Self::Fexit, "fexit"),
        (Self::Tracepoint, "tracepoint"),
        (Self::RawTracepoint, "raw_tracepoint"),
        (Self::Uprobe, "uprobe"),
        (Self::Uretprobe, "uretprobe"),
        (Self::Usdt, "usdt"),
        (Self::Lsm, "lsm"),
        (Self::Tc, "tc"),
        (Self::Cgroup, "cgroup"),
        (Self::Function, "function"),
        (Self::Syscall, "syscall"),
    ];

    /// The key in the YAML.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// The kind with this key; `None` for any other word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

impl fmt::Display for HookKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A place where programs can be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// A network interface.
    Interface {
        /// Its name.
        name: String,
        /// How its driver runs an XDP program.
        mode: XdpMode,
    },
    /// The traffic of a network interface in one direction.
    Traffic {
        /// The interface's name.
        interface: String,
        /// Which way.
        direction: Direction,
    },
    /// A cgroup and those below it.
    Cgroup {
        /// Its path from the cgroup2 mount: `/system.slice`; `/` is all.
        path: String,
        /// What of it.
        point: CgroupPoint,
    },
    /// A function of the kernel, or an instruction inside it.
    Function {
        /// The function's name.
        symbol: String,
        /// Bytes after its start.
        offset: u64,
        /// Further functions that the same program is attached to; after the first, and in order.
        more: Vec<String>,
    },
    /// A tracepoint, with its category.
    Event(TracepointName),
    /// A tracepoint by its name alone, before its fields are made.
    RawEvent(String),
    /// A hook of the Linux security modules.
    SecurityHook(String),
    /// A point in a program or library.
    Binary(UserPoint),
    /// A function of the kernel, by whatever mechanism: what `function` asks for.
    Call {
        /// Its name.
        symbol: String,
        /// Which end of a call.
        end: CallEnd,
    },
    /// System calls.
    Syscall(SyscallSite),
}

/// The end of a call that a hook is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallEnd {
    /// Before it does anything.
    Entry,
    /// When it is done.
    Return,
}

/// System calls at one of their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyscallSite {
    /// Their names, as unistd.h has them; all are reported by one program. Sorted, never empty.
    pub calls: Vec<String>,
    /// At which end.
    pub end: CallEnd,
    /// True for what stands in for a tracepoint of the category `syscalls`: it does not see 32-bit processes, and captures name
    /// the fields of its record.
    pub as_tracepoint: bool,
}

impl fmt::Display for SyscallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls.as_slice() {
            [one] => f.write_str(one)?,
            [one, two] => write!(f, "{one}, {two}")?,
            [one, ..] => write!(f, "{one} and {} more", self.calls.len() - 1)?,
            [] => {}
        }
        match self.end {
            CallEnd::Entry => f.write_str(" (entry)"),
            CallEnd::Return => Ok(()),
        }
    }
}

impl Site {
    /// What follows the slash in the name of a section: `sched/sched_switch` of `SEC("tp/sched/sched_switch")`. `None` where a
    /// program of this kind cannot name its own place.
    pub fn of_section(kind: HookKind, target: &str) -> Option<Self> {
        match kind {
            HookKind::Kprobe | HookKind::Kretprobe | HookKind::Fentry | HookKind::Fexit => {
                Some(Self::Function { symbol: target.to_owned(), offset: 0, more: Vec::new() })
            }
            HookKind::Tracepoint => {
                let (category, name) = target.split_once('/')?;
                Some(Self::Event(TracepointName { category: category.to_owned(), name: name.to_owned() }))
            }
            HookKind::RawTracepoint => Some(Self::RawEvent(target.to_owned())),
            HookKind::Lsm => Some(Self::SecurityHook(target.to_owned())),
            HookKind::Xdp
            | HookKind::Uprobe
            | HookKind::Uretprobe
            | HookKind::Usdt
            | HookKind::Tc
            | HookKind::Cgroup
            | HookKind::Function
            | HookKind::Syscall => None,
        }
    }
}

/// `eth0 (auto)`, `tcp_sendmsg+0x8`, `sched:sched_switch`, `bash:readline`
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface { name, mode } => write!(f, "{name} ({})", mode.name()),
            Self::Traffic { interface, direction } => write!(f, "{interface} ({})", direction.word()),
            Self::Cgroup { path, point } => write!(f, "{path} ({})", point.word()),
            Self::Function { symbol, offset: 0, more } => write_several(f, symbol, more),
            Self::Function { symbol, offset, .. } => write!(f, "{symbol}+{offset:#x}"),
            Self::Event(name) => name.fmt(f),
            Self::RawEvent(name) | Self::SecurityHook(name) => f.write_str(name),
            Self::Binary(point) => point.fmt(f),
            Self::Call { symbol, end: CallEnd::Entry } => f.write_str(symbol),
            Self::Call { symbol, end: CallEnd::Return } => write!(f, "{symbol} (return)"),
            Self::Syscall(site) => site.fmt(f),
        }
    }
}

/// `vfs_read`, `vfs_read, vfs_write`, `vfs_open, vfs_read and 7 more`
fn write_several(f: &mut fmt::Formatter<'_>, first: &str, more: &[String]) -> fmt::Result {
    match more {
        [] => f.write_str(first),
        [one] => write!(f, "{first}, {one}"),
        [one, others @ ..] => write!(f, "{first}, {one} and {} more", others.len()),
    }
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
        /// Further functions that the same program is attached to; after the first, and in order.
        more: Vec<String>,
    },
    /// So many bytes into the file.
    Offset(u64),
    /// Each place of a probe that the source names.
    Probe {
        /// Whose it is.
        provider: String,
        /// What it is called.
        name: String,
    },
}

impl UserPlace {
    /// The probe `provider:name`; `None` without a colon.
    pub fn probe(text: &str) -> Option<Self> {
        let (provider, name) = text.split_once(':')?;
        Some(Self::Probe { provider: provider.to_owned(), name: name.to_owned() })
    }
}

impl UserPoint {
    /// The function's name; `None` where the file says a number.
    pub fn symbol(&self) -> Option<&str> {
        match &self.place {
            UserPlace::Symbol { name, .. } => Some(name),
            UserPlace::Offset(_) | UserPlace::Probe { .. } => None,
        }
    }

    /// True for the same place in the same processes, whichever files may be there.
    pub fn is_at_place_of(&self, other: &Self) -> bool {
        (&self.binary, &self.place, self.pid) == (&other.binary, &other.place, other.pid)
    }

    fn at(&self, symbol: String) -> Self {
        let place = match &self.place {
            UserPlace::Symbol { offset, .. } => UserPlace::Symbol { name: symbol, offset: *offset, more: Vec::new() },
            UserPlace::Offset(_) => UserPlace::Symbol { name: symbol, offset: 0, more: Vec::new() },
            UserPlace::Probe { .. } => UserPlace::probe(&symbol).unwrap_or_else(|| self.place.clone()),
        };
        Self { place, ..self.clone() }
    }
}

/// `readline`, `readline+0x4`, `+0x1139`
impl fmt::Display for UserPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol { name, offset: 0, more } => write_several(f, name, more),
            Self::Symbol { name, offset, .. } => write!(f, "{name}+{offset:#x}"),
            Self::Offset(offset) => write!(f, "+{offset:#x}"),
            Self::Probe { provider, name } => write!(f, "{provider}:{name}"),
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
    /// The entry of a kernel function.
    pub fn function(kind: HookKind, symbol: &str) -> Self {
        Self { kind, site: Site::Function { symbol: symbol.to_owned(), offset: 0, more: Vec::new() } }
    }

    /// The interface of a hook at one.
    pub fn interface(&self) -> Option<&str> {
        match &self.site {
            Site::Interface { name, .. } => Some(name),
            Site::Traffic { interface, .. } => Some(interface),
            Site::Cgroup { .. }
            | Site::Function { .. }
            | Site::Event(_)
            | Site::RawEvent(_)
            | Site::SecurityHook(_)
            | Site::Binary(_)
            | Site::Call { .. }
            | Site::Syscall(_) => None,
        }
    }

    /// The path of the cgroup of a hook at one.
    pub fn cgroup(&self) -> Option<&str> {
        if let Site::Cgroup { path, .. } = &self.site { Some(path) } else { None }
    }

    /// What of a cgroup a hook at one sees.
    pub fn cgroup_point(&self) -> Option<CgroupPoint> {
        if let Site::Cgroup { point, .. } = &self.site { Some(*point) } else { None }
    }

    /// The program or library of a hook in one, as the file names it.
    pub fn binary(&self) -> Option<&str> {
        self.point().map(|point| point.binary.as_str())
    }

    /// The point of a hook in a program or library.
    pub fn point(&self) -> Option<&UserPoint> {
        if let Site::Binary(point) = &self.site { Some(point) } else { None }
    }

    /// The kernel function of a hook in one, and the bytes after its start.
    pub fn symbol(&self) -> Option<(&str, u64)> {
        match &self.site {
            Site::Function { symbol, offset, .. } => Some((symbol, *offset)),
            Site::Call { symbol, .. } => Some((symbol, 0)),
            Site::Interface { .. }
            | Site::Traffic { .. }
            | Site::Cgroup { .. }
            | Site::Event(_)
            | Site::RawEvent(_)
            | Site::SecurityHook(_)
            | Site::Binary(_)
            | Site::Syscall(_) => None,
        }
    }

    /// The end of a call that a hook of a kind for both is at.
    pub fn end(&self) -> Option<CallEnd> {
        match &self.site {
            Site::Call { end, .. } => Some(*end),
            Site::Syscall(site) => Some(site.end),
            Site::Interface { .. }
            | Site::Traffic { .. }
            | Site::Cgroup { .. }
            | Site::Function { .. }
            | Site::Event(_)
            | Site::RawEvent(_)
            | Site::SecurityHook(_)
            | Site::Binary(_) => None,
        }
    }

    /// The field that says which target an event comes from, where a probe has several.
    pub fn target_field(&self) -> Option<&'static str> {
        match &self.site {
            Site::Interface { .. } | Site::Traffic { .. } => Some("interface"),
            Site::Cgroup { .. } => Some("path"),
            Site::Binary(UserPoint { place: UserPlace::Probe { .. }, .. }) => Some("event"),
            Site::Function { .. } | Site::Binary(_) | Site::SecurityHook(_) | Site::Call { .. } => Some("symbol"),
            Site::Event(_) | Site::RawEvent(_) => Some("event"),
            Site::Syscall(_) => Some("syscall"),
        }
    }

    /// The functions that one program is attached to, where they are several: in order.
    pub fn several(&self) -> Option<Vec<&str>> {
        let (first, more) = match &self.site {
            Site::Function { symbol, more, .. } => (symbol, more),
            Site::Binary(UserPoint { place: UserPlace::Symbol { name, more, .. }, .. }) => (name, more),
            Site::Interface { .. }
            | Site::Traffic { .. }
            | Site::Cgroup { .. }
            | Site::Event(_)
            | Site::RawEvent(_)
            | Site::SecurityHook(_)
            | Site::Call { .. }
            | Site::Syscall(_)
            | Site::Binary(_) => return None,
        };
        let all = || [first].into_iter().chain(more).map(String::as_str).collect();
        (!more.is_empty()).then(all)
    }

    /// The same hook at all of these functions, which are in order.
    #[must_use]
    pub fn at_all(&self, names: &[String]) -> Self {
        let Some((first, rest)) = names.split_first() else { return self.clone() };
        let mut hook = self.at(first);
        match &mut hook.site {
            Site::Function { more, .. } | Site::Binary(UserPoint { place: UserPlace::Symbol { more, .. }, .. }) => {
                *more = rest.to_vec();
            }
            Site::Interface { .. }
            | Site::Traffic { .. }
            | Site::Cgroup { .. }
            | Site::Event(_)
            | Site::RawEvent(_)
            | Site::SecurityHook(_)
            | Site::Call { .. }
            | Site::Syscall(_)
            | Site::Binary(_) => {}
        }
        hook
    }

    /// What it is attached to: the field of [`Hook::target_field`], and the name there.
    pub fn target(&self) -> Option<(&'static str, String)> {
        let name = match &self.site {
            Site::Interface { name, .. } | Site::Traffic { interface: name, .. } => name.clone(),
            Site::Binary(point) => point.place.to_string(),
            Site::Function { symbol, .. } | Site::Call { symbol, .. } => symbol.clone(),
            // Which call it is, its number says.
            Site::Syscall(_) => return None,
            Site::Cgroup { path, .. } => path.clone(),
            Site::Event(_) | Site::RawEvent(_) | Site::SecurityHook(_) => self.site.to_string(),
        };
        Some((self.target_field()?, name))
    }

    /// The same hook at another interface or function.
    #[must_use]
    pub fn at(&self, target: &str) -> Self {
        let target = target.to_owned();
        let site = match &self.site {
            Site::Interface { mode, .. } => Site::Interface { name: target, mode: *mode },
            Site::Traffic { direction, .. } => Site::Traffic { interface: target, direction: *direction },
            Site::Cgroup { point, .. } => Site::Cgroup { path: target, point: *point },
            Site::Function { offset, .. } => Site::Function { symbol: target, offset: *offset, more: Vec::new() },
            Site::Binary(point) => Site::Binary(point.at(target)),
            Site::Event(name) => Site::Event(TracepointName::parse(&target).unwrap_or_else(|| name.clone())),
            Site::RawEvent(_) => Site::RawEvent(target),
            Site::SecurityHook(_) => Site::SecurityHook(target),
            Site::Call { end, .. } => Site::Call { symbol: target, end: *end },
            Site::Syscall(site) => Site::Syscall(SyscallSite { calls: vec![target], ..site.clone() }),
        };
        Self { kind: self.kind, site }
    }
}

/// `kprobe do_sys_openat2`, `xdp on eth0 (auto)`; what stands in for a tracepoint has the tracepoint's name.
impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Site::Syscall(SyscallSite { calls, end, as_tracepoint: true }) = &self.site {
            let half = match end {
                CallEnd::Entry => "sys_enter",
                CallEnd::Return => "sys_exit",
            };
            return write!(f, "tracepoint syscalls:{half}_{}", calls.first().map_or("", String::as_str));
        }
        let on = if self.interface().is_some() { "on " } else { "" };
        write!(f, "{} {on}{}", self.kind, self.site)
    }
}

/// What the target of a hook matches. [`Hook`] holds the first name as written;
/// which ones there are is found out on the machine, and each becomes a probe of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Targets {
    /// The one name that the hook holds.
    #[default]
    One,
    /// Each of these names, and each that one of these globs (`eth*`, `tcp_*`) or `@default-route` stands for. Events say
    /// which: a field `interface`, `symbol` or `event`.
    Each(Vec<String>),
    /// The first of these functions or events that the kernel, or the binary, has: names that differ by version.
    FirstOf(Vec<String>),
}

impl Targets {
    /// The interfaces that the routes to everywhere use.
    pub const DEFAULT_ROUTE: &str = "@default-route";

    /// How many targets one probe may have.
    pub const MAX: usize = 1000;

    /// True for a name that matches others. Among the parameters of a function of C++, a star is a pointer.
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

impl TracepointName {
    /// `sched:sched_switch`; `None` without a colon.
    pub fn parse(text: &str) -> Option<Self> {
        let (category, name) = text.split_once(':')?;
        Some(Self { category: category.to_owned(), name: name.to_owned() })
    }
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

/// Which way packets go, as seen from this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// In.
    Ingress,
    /// Out.
    Egress,
}

impl Direction {
    /// The word in the YAML.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// What of a cgroup a program sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupPoint {
    /// Packets that its sockets receive or send.
    Packets(Direction),
    /// What it connects to, by IPv4 and IPv6.
    Connect,
    /// The sockets that it makes.
    SockCreate,
}

impl CgroupPoint {
    /// The word in the YAML.
    pub fn word(self) -> &'static str {
        match self {
            Self::Packets(direction) => direction.word(),
            Self::Connect => "connect",
            Self::SockCreate => "sock_create",
        }
    }

    /// From what follows the slash in the name of a section: `connect4` of `SEC("cgroup/connect4")`.
    pub fn of_section(word: &str) -> Option<Self> {
        match word {
            "ingress" => Some(Self::Packets(Direction::Ingress)),
            "egress" => Some(Self::Packets(Direction::Egress)),
            "connect4" | "connect6" => Some(Self::Connect),
            "sock_create" => Some(Self::SockCreate),
            _ => None,
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

/// What one running probe at most can have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Claim {
    /// A network interface, for a program that is alone there.
    Interface(String),
}
