// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a probe attaches.

use std::fmt;

use super::hook_kind::HookKind;
use super::network_point::CgroupPoint;
use super::site::{CallEnd, Site, SyscallSite, TracepointName};
use super::user_point::{UserPlace, UserPoint};

/// Where a probe attaches, and by which mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The mechanism: what the YAML names as the key under `hook`.
    pub kind: HookKind,
    /// The place. Which kinds go with which sites, `hook::KINDS` knows.
    pub site: Site,
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
            | Site::Syscall(_)
            | Site::Timer(_)
            | Site::Profile(_)
            | Site::Perf { .. }
            | Site::Items(_) => None,
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
            | Site::Syscall(_)
            | Site::Timer(_)
            | Site::Profile(_)
            | Site::Perf { .. }
            | Site::Items(_) => None,
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
            | Site::Binary(_)
            | Site::Timer(_)
            | Site::Profile(_)
            | Site::Perf { .. }
            | Site::Items(_) => None,
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
            Site::Timer(_) | Site::Profile(_) | Site::Perf { .. } | Site::Items(_) => None,
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
            | Site::Binary(_)
            | Site::Timer(_)
            | Site::Profile(_)
            | Site::Perf { .. }
            | Site::Items(_) => return None,
        };
        let all = || [first].into_iter().chain(more).map(String::as_str).collect();
        (!more.is_empty()).then(all)
    }

    /// True where one program reports several targets: functions, or system calls.
    pub fn is_at_several(&self) -> bool {
        let are_calls = |calls: &[String]| calls.len() > 1 || calls.iter().any(|call| Targets::is_pattern(call));
        self.several().is_some() || matches!(&self.site, Site::Syscall(site) if are_calls(&site.calls))
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
            | Site::Binary(_)
            | Site::Timer(_)
            | Site::Profile(_)
            | Site::Perf { .. }
            | Site::Items(_) => {}
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
            Site::Timer(_) | Site::Profile(_) | Site::Perf { .. } | Site::Items(_) => return None,
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
            // These have no target but the machine.
            Site::Timer(_) | Site::Profile(_) | Site::Perf { .. } | Site::Items(_) => self.site.clone(),
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

/// What one running probe at most can have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Claim {
    /// A network interface, for a program that is alone there.
    Interface(String),
}
