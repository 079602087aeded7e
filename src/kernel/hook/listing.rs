// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the targets of a hook kind are listed.

use std::collections::{BTreeMap, HashMap};

use crate::catalog::{Btf, Named, TypeId};
use crate::expr::Prototype;
use crate::kernel::host::Host;

/// What `hooks` shows of a kind.
pub(in crate::kernel) struct Listing {
    /// Where its targets are found.
    pub(in crate::kernel) source: Source,
    /// Whether they are listed where nobody names the kind.
    pub(in crate::kernel) unasked: fn(&Host) -> Unasked,
    /// What is known of one of them.
    pub(in crate::kernel) describe: fn(&str, &Prototypes<'_>, &Host) -> Option<Signature>,
}

/// Where the targets of a kind are found.
pub(in crate::kernel) enum Source {
    /// All of them are listed by the machine.
    Machine(fn(&Host) -> Places),
    /// They are functions of a binary, which is searched through: it may have millions.
    Binary,
    /// They are probes that the source of a binary names.
    Probes,
}

/// Targets, each with why it may not work all the same (empty where nothing is known); and what could not be looked at.
pub(in crate::kernel) type Places = (BTreeMap<String, String>, Option<String>);

/// Whether a kind is listed where nobody asks for it.
pub(in crate::kernel) enum Unasked {
    Listed,
    /// It is not, and why that may surprise.
    LeftOut(&'static str),
    /// Another kind lists the same.
    NotListed,
}

/// Name and C type of each argument or field.
pub type Declared = Vec<(String, String)>;

/// What is known of something that can be hooked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// A function's arguments, and the C type of what it returns.
    Function(Declared, String),
    /// What an event is called with.
    Event(Declared),
    /// The fields of an event's record.
    Fields(Declared),
}

/// The prototypes of this kernel's functions, by their names.
pub(in crate::kernel) struct Prototypes<'b> {
    btf: Option<&'b Btf>,
    functions: HashMap<&'b str, TypeId>,
}

impl<'b> Prototypes<'b> {
    pub(in crate::kernel) fn of(host: &'b Host) -> Self {
        let btf = host.btf();
        let functions = btf.iter().flat_map(|btf| btf.all(Named::Func).map(|id| (btf.name(id), id))).collect();
        Self { btf, functions }
    }

    /// That of a function; `None` where the kernel's BTF does not have it.
    pub(in crate::kernel) fn get(&self, name: &str) -> Option<Prototype<'b>> {
        Prototype::of_type(self.btf?, *self.functions.get(name)?)
    }

    /// What it says of a function.
    pub(in crate::kernel) fn signature(&self, name: &str) -> Option<Signature> {
        let prototype = self.get(name)?;
        Some(Signature::Function(prototype.declarations(), prototype.returned_type()))
    }
}
