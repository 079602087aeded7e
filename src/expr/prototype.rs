// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parameters and return types of the kernel's functions and raw tracepoints, from its BTF.

use std::collections::BTreeMap;

use crate::catalog::{Btf, Named, Type, TypeId};

/// The raw tracepoints of a kernel, by name: where its BTF has their prototypes. To find them it looks at all types, once.
///
/// The names of arguments come from `__traceiter_NAME` (Linux 5.10), their types from there or from `btf_trace_NAME`; both begin with a
/// pointer that a program does not get.
#[derive(Debug, Clone, Default)]
pub struct RawTracepoints {
    iterators: BTreeMap<String, TypeId>,
    types: BTreeMap<String, TypeId>,
}

impl RawTracepoints {
    /// All that the kernel's BTF has.
    pub fn of(btf: &Btf) -> Self {
        let found = |what, prefix: &str| {
            let mut all = BTreeMap::new();
            for id in btf.all(what) {
                if let Some(name) = btf.name(id).strip_prefix(prefix) {
                    all.entry(name.to_owned()).or_insert(id);
                }
            }
            all
        };
        Self { iterators: found(Named::Func, "__traceiter_"), types: found(Named::Typedef, "btf_trace_") }
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// True for the name of one.
    pub fn contains(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    /// The arguments of one, from the BTF that they were found in.
    pub fn prototype<'a>(&self, btf: &'a Btf, name: &str) -> Option<Prototype<'a>> {
        let from_iterator = self.iterators.get(name).and_then(|id| Prototype::of_type(btf, *id));
        let prototype = from_iterator.or_else(|| {
            let (_, Type::Ptr(target)) = btf.resolve(*self.types.get(name)?) else { return None };
            Prototype::of(btf, target)
        })?;
        Some(prototype.without_first())
    }
}

/// Parameters and return type of a kernel function.
#[derive(Clone)]
pub struct Prototype<'a> {
    pub(super) btf: &'a Btf,
    pub(super) returns: TypeId,
    pub(super) params: Vec<(String, TypeId)>,
}

/// What the trampolines of a kernel hand to programs.
#[derive(Debug, Clone, Copy)]
pub struct TrampolineTakes {
    /// Structs that are passed by value.
    pub structs: bool,
    /// Most words of eight bytes that the arguments may have.
    pub words: usize,
}

impl<'a> Prototype<'a> {
    /// The prototype of a kernel function; `None` if the BTF does not have it.
    pub fn of_function(btf: &'a Btf, symbol: &str) -> Option<Self> {
        Self::of_type(btf, btf.find(Named::Func, symbol)?)
    }

    /// The arguments of a raw tracepoint. For many, [`RawTracepoints`] are looked up once.
    pub fn of_raw_tracepoint(btf: &'a Btf, name: &str) -> Option<Self> {
        RawTracepoints::of(btf).prototype(btf, name)
    }

    /// The same without the first parameter, which the program of a raw tracepoint does not get.
    pub fn without_first(mut self) -> Self {
        if !self.params.is_empty() {
            self.params.remove(0);
        }
        self
    }

    /// The prototype of a type that is a function.
    pub fn of_type(btf: &'a Btf, id: TypeId) -> Option<Self> {
        let Type::Func(prototype) = btf.get(id) else { return None };
        Self::of(btf, prototype)
    }

    /// Name and C type of each parameter; the name of a variable rest is empty, its type `...`.
    pub fn declarations(&self) -> Vec<(String, String)> {
        let declare = |(name, ty): &(String, TypeId)| match (name.is_empty(), ty) {
            (true, 0) => (String::new(), "...".to_owned()),
            _ => (name.clone(), self.btf.display(*ty)),
        };
        self.params.iter().map(declare).collect()
    }

    /// C type of what the function returns.
    pub fn returned_type(&self) -> String {
        self.btf.display(self.returns)
    }

    fn of(btf: &'a Btf, id: TypeId) -> Option<Self> {
        match btf.resolve(id).1 {
            Type::Proto { returns, params } => Some(Self { btf, returns, params }),
            _ => None,
        }
    }

    /// Words of eight bytes that the first `count` parameters take in the context of a trampoline (`btf_ctx_arg_offset` of
    /// kernel/bpf/btf.c, Linux 6.1; before, each takes one).
    pub(super) fn words(&self, count: usize) -> usize {
        let words = |(_, ty): &(String, TypeId)| match self.btf.resolve(*ty).1 {
            Type::Composite { size, .. } => size.div_ceil(8) as usize,
            _ => 1,
        };
        self.params.iter().take(count).map(words).sum()
    }

    /// The C type of a parameter, or of what is returned, that is passed by value and not in one register; `None` for others.
    pub(super) fn by_value(&self, ty: TypeId) -> Option<String> {
        let is_so = matches!(self.btf.resolve(ty).1, Type::Composite { .. } | Type::Float(_));
        is_so.then(|| self.btf.display(ty))
    }

    /// Why a trampoline cannot call programs for the function; `None` where it can. Structs that are returned none takes.
    pub fn misfit(&self, takes: TrampolineTakes) -> Option<&'static str> {
        let mut arguments = self.params.iter();
        let is_struct = self.by_value(self.returns).is_some()
            || !takes.structs && arguments.any(|(_, ty)| self.by_value(*ty).is_some());
        if is_struct {
            return Some("they take or return a struct by value, which this kernel does not hand to programs");
        }
        (self.words(usize::MAX) > takes.words).then_some("they have more arguments than this kernel hands to programs")
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.params.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty())
    }
}
