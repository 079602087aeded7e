// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a key of a probe says of itself, and what its check works on.

use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::catalog::{Catalog, Program};
use crate::config::{Cx, Draft, FileSets, FileSinks, Node, Problem, Run, SourceFile, codes, decode};
use crate::spec::{Hook, HookKind, ProbeId, Span, Targets};

/// One key of a probe: all that the schema, the checks, starter files and the man page need to know of it.
pub(crate) struct Key {
    /// The word in the file.
    pub(crate) word: &'static str,
    /// Whether every probe must have it.
    pub(crate) required: bool,
    /// Its form, with the description, the examples and the default that editors and the man page show.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    /// How it stands under `defaults`; `None` where it cannot.
    pub(crate) in_defaults: Option<InDefaults>,
    /// For which programs it makes sense; `None`: for all of them.
    pub(crate) needs: Option<Need>,
    /// Whether such a program has a use for it at a kind of hook.
    pub(crate) at_kind: fn(&Program, HookKind) -> bool,
    /// Whether it is a mapping whose entries stand for themselves, so that a broken one says nothing of the others.
    pub(crate) by_entry: bool,
    /// The code of a problem that only says how many entries there are: with fewer of them it may not be one.
    pub(crate) too_many: Option<&'static str>,
    /// Its value written out, without short forms.
    pub(crate) written: fn(&SourceFile, &Node) -> Json,
    /// Reads it from a probe, and from `defaults` where it can stand there; reports what is wrong with it.
    pub(crate) check: fn(&mut Checking<'_>),
}

/// How a key stands under `defaults`.
pub(crate) struct InDefaults {
    /// Where it is described among them; the lowest comes first.
    pub(crate) rank: u8,
    /// Its form there.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    /// What becomes of it where a probe has the key as well.
    pub(crate) joined: Joined,
}

/// What becomes of a default where the probe has the key as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The probe's own value replaces it.
    Replaced,
    /// Entries that the probe does not have stay.
    ByEntry,
}

/// For which programs a key makes sense. For the others a probe's own is refused, and a default is for other probes.
pub(crate) struct Need {
    /// True for a program that has a use for it.
    pub(crate) met: fn(&Program) -> bool,
    /// What is wrong where it has none; `None` where the check of the key says it.
    pub(crate) refuse: fn(&Cx<'_>, &Program) -> Option<Problem>,
}

impl Key {
    /// What most keys are: optional, for every program, not under `defaults`.
    pub(crate) const PLAIN: Self = Self {
        word: "",
        required: false,
        schema: |_| Schema::default(),
        in_defaults: None,
        needs: None,
        at_kind: |_, _| true,
        by_entry: false,
        too_many: None,
        written: |_, node| node.to_json(),
        check: |_| {},
    };

    /// True where the program has a use for the key at a kind of hook; `None`: at its own, or nobody knows.
    pub(crate) fn makes_sense_at(&self, program: &Program, kind: Option<HookKind>) -> bool {
        self.makes_sense_for(program) && kind.is_none_or(|kind| (self.at_kind)(program, kind))
    }

    /// True where the program has a use for the key.
    pub(crate) fn makes_sense_for(&self, program: &Program) -> bool {
        self.needs.as_ref().is_none_or(|need| (need.met)(program))
    }
}

/// What a key does to a probe. What `defaults` say is done to many.
pub(crate) type Set = Box<dyn Fn(&mut Draft)>;

/// What the checks of keys work on, in the order of `KEYS`: first who the probe is, where it attaches and what it runs, since
/// the other keys ask for that.
pub(crate) struct Checking<'a> {
    /// The mapping that the keys stand in, and a place to complain.
    pub(crate) cx: Cx<'a>,
    /// All keys.
    pub(crate) keys: &'static [&'static Key],
    /// The programs.
    pub(crate) catalog: &'a Catalog,
    /// The sinks that the file declares.
    pub(crate) sinks: &'a FileSinks,
    /// The sets that the file declares.
    pub(crate) sets: &'a FileSets,
    /// What the files share.
    pub(crate) run: &'a mut Run,
    /// What the file has under `defaults`, key by key, where nothing is wrong with its form; empty for `defaults` themselves.
    pub(crate) defaults: &'a [(&'static str, &'a Node)],
    /// Who it is.
    pub(crate) id: Option<ProbeId>,
    /// Where it attaches, or that its program says so, if that can exist.
    pub(crate) hook: Option<(Option<Hook>, Targets)>,
    /// How it pairs what begins and what ends.
    pub(crate) span: Option<Box<Span>>,
    /// What runs there, if there is such a program and it fits.
    pub(crate) program: Option<&'a Program>,
    /// The same, or what usually runs at such a hook: what the machine is asked about.
    pub(crate) stand_in: Option<&'a Arc<Program>>,
    /// What the keys make of the probe.
    pub(crate) set: Vec<Set>,
}

impl Checking<'_> {
    /// What the file says under a key; `None` where it has none, or cannot be used, which is reported.
    pub(super) fn own<T: DeserializeOwned>(&mut self, word: &str) -> Option<T> {
        let node = self.cx.node.at(&[word])?;
        decode(self.cx.source, node, self.cx.problems)
    }

    /// What the file says under a key of `defaults`.
    pub(super) fn default_of(&self, word: &str) -> Option<&Node> {
        self.defaults.iter().find(|(known, _)| *known == word).map(|(_, node)| *node)
    }

    /// True where the program, if it is known, has no use for a key.
    pub(super) fn is_needless(&self, key: &Key) -> bool {
        self.program.is_some_and(|program| !key.makes_sense_for(program))
    }

    /// Notes what becomes of the probe.
    pub(super) fn then(&mut self, set: impl Fn(&mut Draft) + 'static) {
        self.set.push(Box::new(set));
    }
}

/// That the program has no use for a key, since it does not do what the key is about.
pub(super) fn needless(cx: &Cx<'_>, program: &Program, word: &str, why: &str) -> Option<Problem> {
    let message = format!("`{}` does not use `{word}`: it {why}", program.name);
    let problem = cx.error(codes::NEEDLESS_KEY, cx.key(&[word]), message);
    Some(problem.help(format!("remove `{word}`")))
}
