// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of one program.

use std::sync::Arc;

use super::fetch_table::FetchTable;
use super::limit_table::LimitTable;
use super::object::ObjectBytes;
use super::syscall_table::SyscallTable;
use crate::spec::{CallEnd, CgroupPoint, Hook, HookKind, Layout, ParamValue, ProbeSpec, Site};

/// Before the bytes of a field whose size a parameter gives: how many of them are used.
const LENGTH_BYTES: u32 = 4;

/// The programs that a run can use, in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    programs: Vec<Arc<Program>>,
}

impl Catalog {
    /// A catalogue of these programs.
    pub fn new(mut programs: Vec<Program>) -> Self {
        programs.sort_by(|a, b| a.name.cmp(&b.name));
        Self { programs: programs.into_iter().map(Arc::new).collect() }
    }

    /// All programs, by name.
    pub fn programs(&self) -> &[Arc<Program>] {
        &self.programs
    }

    /// The program of this name; `None` where there is none. For names that a person wrote: what has been checked carries its
    /// program.
    pub fn get(&self, name: &str) -> Option<&Arc<Program>> {
        self.programs.iter().find(|program| program.name == name)
    }
}

/// One program: what it is for, where it can attach, what it can be told, what it reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// The stem of its file: `packet_count`.
    pub name: String,
    /// What it is for, one sentence or two.
    pub doc: String,
    /// The hooks it has functions for.
    pub hooks: Vec<HookDecl>,
    /// Those of the same kinds that one link attaches to many places.
    pub many: Vec<HookDecl>,
    /// What it can be told under `params`.
    pub params: Vec<Param>,
    /// The record that it emits; `None` where it emits none of its own. For a program that captures, the fixed head.
    pub event: Option<Layout>,
    /// What it counts; `None` where it counts nothing.
    pub counters: Option<Counters>,
    /// How its work list is filled; `Some` where `capture` decides what is read (the `trace` program).
    pub fetch_table: Option<FetchTable>,
    /// Where in `.rodata` it is told that packets have no Ethernet header; `Some` where it reads packets.
    pub no_link_header: Option<u32>,
    /// How it is told which system calls to report; `Some` where it has functions for them.
    pub syscall_table: Option<SyscallTable>,
    /// How `limits` are given to it; `Some` where it emits events.
    pub limit_table: Option<LimitTable>,
    /// Its object file: what is loaded.
    pub object: ObjectBytes,
    /// The same without what only `where` and values of several parts need, all variables at the same places: it loads in half the
    /// time. `None`: there is none.
    pub light: Option<ObjectBytes>,
    /// The same program in the form that counts its events in tables (`aggregate`). `None`: it has none.
    pub counting: Option<Arc<Program>>,
    /// The same for hooks of spans, all variables at the same places; `None` where it has no spans.
    pub span: Option<SpanObjects>,
}

/// What runs at the hooks of spans.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanObjects {
    /// Where they begin, are cancelled, or pass.
    pub start: ObjectBytes,
    /// The program whose variables are at the places of those of `start`; `None`: this one.
    pub starts_as: Option<Arc<Program>>,
    /// Where they end.
    pub end: ObjectBytes,
}

impl Program {
    /// True where `capture` decides what is read.
    pub fn captures(&self) -> bool {
        self.fetch_table.is_some()
    }

    /// True for the form that counts its events in tables, and writes no records.
    pub fn counts(&self) -> bool {
        self.fetch_table.as_ref().is_some_and(FetchTable::counts)
    }

    /// The record that it emits under these parameters.
    pub fn event_under(&self, params: &[(String, ParamValue)]) -> Option<Layout> {
        let mut layout = self.event.clone()?;
        for param in &self.params {
            let field = layout.fields.iter_mut().find(|field| param.sizes.as_ref() == Some(&field.name));
            let given = params.iter().find(|(name, _)| *name == param.name).map_or(&param.default, |(_, value)| value);
            if let (Some(field), ParamValue::Int(bytes)) = (field, given) {
                let bytes = u32::try_from(*bytes).unwrap_or(0).saturating_add(LENGTH_BYTES);
                field.size = bytes.min(field.size);
                layout.size = field.offset.saturating_add(field.size);
            }
        }
        Some(layout)
    }

    /// The functions that are attached under these parameters.
    pub fn hooks_under(&self, params: &[(String, ParamValue)]) -> impl Iterator<Item = &HookDecl> {
        let is_set =
            |name: &String| params.iter().any(|(param, value)| param == name && *value == ParamValue::Bool(true));
        self.hooks.iter().filter(move |hook| hook.only_if.as_ref().is_none_or(is_set))
    }

    /// The functions that are attached for a probe, each with its hook: at the one that the file names, or at the program's own.
    pub fn attached_for(&self, spec: &ProbeSpec) -> Vec<FunctionAt> {
        let at = |decl: &HookDecl| match (&spec.hook, &decl.site) {
            (Some(hook), None)
                if hook.kind == decl.kind
                    && hook.cgroup_point() == decl.point
                    && decl.end.is_none_or(|end| hook.end() == Some(end)) =>
            {
                Some(hook.clone())
            }
            (None, Some(site)) => Some(Hook { kind: decl.kind, site: site.clone() }),
            (Some(_), _) | (None, None) => None,
        };
        if spec.hook.as_ref().is_some_and(|hook| hook.several().is_some()) {
            let many = self.many.iter();
            return many
                .filter_map(|decl| Some(FunctionAt { function: decl.function.clone(), hook: at(decl)? }))
                .collect();
        }
        self.hooks_under(&spec.params)
            .filter_map(|decl| Some(FunctionAt { function: decl.function.clone(), hook: at(decl)? }))
            .collect()
    }

    /// The kinds of hooks that a probe of it can name, each once. What runs at functions of the kernel runs at `function`.
    pub fn kinds(&self) -> Vec<HookKind> {
        let mut kinds: Vec<HookKind> = Vec::new();
        let mut add = |kind| {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        };
        for decl in self.hooks.iter().filter(|decl| decl.site.is_none()) {
            add(decl.kind);
            if decl.kind == HookKind::Kprobe {
                add(HookKind::Function);
            }
        }
        kinds
    }

    /// True where the program names its own targets and needs no `hook` in the YAML.
    pub fn has_own_hooks(&self) -> bool {
        !self.hooks.is_empty() && self.hooks.iter().all(|hook| hook.site.is_some())
    }
}

/// One function of a program, by its SEC name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookDecl {
    /// The C function.
    pub function: String,
    /// The hook kind.
    pub kind: HookKind,
    /// Where it attaches, if the program says; `None` takes it from the YAML.
    pub site: Option<Site>,
    /// What of a cgroup it sees; `None` at other kinds.
    pub point: Option<CgroupPoint>,
    /// The end of a call that it is for; `None`: its kind tells.
    pub end: Option<CallEnd>,
    /// The parameter without which it is not attached; `None`: it always is.
    pub only_if: Option<String>,
}

impl HookDecl {
    /// Where it attaches, in words, if the program says: `sched:sched_process_exec`.
    pub fn target(&self) -> Option<String> {
        self.site.as_ref().map(Site::to_string)
    }
}

/// A function of a program, and where it is attached for a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionAt {
    /// The C function.
    pub function: String,
    /// Its hook.
    pub hook: Hook,
}

/// One parameter: a `const volatile` variable of the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The key under `params`.
    pub name: String,
    /// What values it takes.
    pub ty: ParamType,
    /// Its value when nobody says; always means "off".
    pub default: ParamValue,
    /// `ns`, `bytes` …; empty where there is none.
    pub unit: String,
    /// One sentence.
    pub doc: String,
    /// Where it lives in `.rodata`, in bytes.
    pub offset: u32,
    /// The record's last field, whose bytes after its length it gives; `None` for a parameter that does not.
    pub sizes: Option<String>,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// `true` or `false`.
    Bool,
    /// An integer of `size` bytes.
    Int {
        /// 1, 2, 4 or 8.
        size: u8,
        /// Whether its type can be negative.
        signed: bool,
        /// The least that it takes.
        least: i128,
        /// The greatest that it takes.
        most: i128,
    },
    /// Text of at most `size - 1` bytes.
    Text {
        /// Bytes of the array, its final NUL included.
        size: u32,
    },
}

impl ParamType {
    /// Every integer of `size` bytes.
    pub fn integer(size: u8, signed: bool) -> Self {
        let bits = u32::from(size) * 8;
        let (least, most) = if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) };
        Self::Int { size, signed, least, most }
    }

    /// The same, with the integers of `-1..100` only; `None` where that is no range of them.
    #[must_use]
    pub fn within(self, range: &str) -> Option<Self> {
        let Self::Int { size, signed, least, most } = self else { return None };
        let (from, to) = range.split_once("..")?;
        let (from, to): (i128, i128) = (from.parse().ok()?, to.parse().ok()?);
        let narrower = least <= from && from <= to && to <= most;
        narrower.then_some(Self::Int { size, signed, least: from, most: to })
    }
}

/// What a program counts in a map, summed over CPUs and reported each interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Counters {
    /// The map's name in the object.
    pub map: String,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value on one CPU.
    pub value_size: u32,
    /// Key and value, one after the other, as one record: `size = key_size + value_size`.
    pub row: Layout,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A range is taken where it lies within the type, and nothing else is.
    #[test]
    fn ranges() {
        let byte = ParamType::integer(1, true);
        let narrow = byte.within("-1..100");
        assert_eq!(narrow, Some(ParamType::Int { size: 1, signed: true, least: -1, most: 100 }));
        for range in ["-1..128", "2..1", "1", "a..b", ""] {
            assert_eq!(byte.within(range), None, "{range}");
        }
        assert_eq!(ParamType::Bool.within("0..1"), None);
    }
}
