// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a partly followed path stands.

use crate::catalog::{Btf, Type, TypeId};
use crate::spec::{BitRange, Fetch, FetchCopy, FetchIndex, FetchSource, FieldType, Narrow};

/// A type as the hook gives it.
#[derive(Debug, Clone)]
pub(in crate::expr) enum Ty<'a> {
    /// A type of the kernel's BTF.
    Btf(&'a Btf, TypeId),
    /// An integer of a tracepoint's record, or an argument whose type nobody tells.
    Int {
        /// Bytes: 1, 2, 4 or 8.
        size: u32,
        /// Whether it can be negative.
        signed: bool,
    },
    /// An integer that is shown in a way of its own: an id, a disk, a name of an enum.
    Shown {
        /// How.
        kind: FieldType,
        /// Bytes: 1, 2, 4 or 8.
        size: u32,
    },
    /// A pointer of a tracepoint's record, or what a cast to a struct made.
    Pointer {
        /// What it points to, where that is known.
        to: Option<(&'a Btf, TypeId)>,
        /// True for a pointer to `char`: text.
        char: bool,
    },
    /// An array of integers in a tracepoint's record.
    Array {
        /// Bytes of an element.
        size: u32,
        /// Whether an element can be negative.
        signed: bool,
        /// How many there are; 0 where only the record knows.
        count: u32,
        /// True for `char`.
        char: bool,
    },
    /// Memory of the kernel of whose type nothing is known but its address: a variable that BTF leaves out.
    Untyped,
    /// A field of the head, by this name.
    Head(&'static str),
}

impl<'a> Ty<'a> {
    /// What a pointer points to; `None` for what is no pointer, or one to nobody knows what.
    pub(in crate::expr) fn pointee(&self) -> Option<(&'a Btf, TypeId)> {
        match self {
            Self::Pointer { to, .. } => *to,
            Self::Btf(btf, id) => match btf.resolve(*id).1 {
                Type::Ptr(target) => Some((btf, target)),
                _ => None,
            },
            Self::Int { .. } | Self::Shown { .. } | Self::Array { .. } | Self::Untyped | Self::Head(_) => None,
        }
    }

    /// The struct that a value of the type is, or points to: its name; empty for others.
    pub(in crate::expr) fn struct_name(&self) -> &'a str {
        let (btf, id) = match (self.pointee(), self) {
            (Some((btf, id)), _) => (btf, id),
            (None, Self::Btf(btf, id)) => (*btf, *id),
            (None, _) => return "",
        };
        match btf.resolve(id) {
            (id, Type::Composite { .. }) => btf.name(id),
            _ => "",
        }
    }
}

/// Where a path stands.
#[derive(Debug, Clone)]
pub(in crate::expr) struct Place<'a> {
    pub(in crate::expr) source: FetchSource,
    /// Pointers followed so far: what is added before each is read.
    pub(in crate::expr) hops: Vec<i32>,
    /// What is added to the address that the hops lead to.
    pub(in crate::expr) offset: i32,
    /// False: the value is in a register. True: it is in memory, at the address.
    pub(in crate::expr) in_memory: bool,
    /// From this hop on addresses are the process's, whatever they say; see [`Fetch::user_from`].
    pub(in crate::expr) user_from: Option<u8>,
    /// Whether 32-bit processes have the same there.
    pub(in crate::expr) narrow: Narrow,
    /// Fetches that must come first: what they keep is an index.
    pub(in crate::expr) before: Vec<Fetch>,
    /// That index.
    pub(in crate::expr) index: Option<FetchIndex>,
    /// The bits of the integer here that count.
    pub(in crate::expr) bits: Option<BitRange>,
    pub(in crate::expr) ty: Ty<'a>,
}

impl<'a> Place<'a> {
    /// A value in a register.
    pub(in crate::expr) fn register(source: FetchSource, ty: Ty<'a>) -> Self {
        Self {
            source,
            hops: Vec::new(),
            offset: 0,
            in_memory: false,
            user_from: None,
            narrow: Narrow::Same,
            before: Vec::new(),
            index: None,
            bits: None,
            ty,
        }
    }

    /// A value in memory, this many bytes after the address that the source gives.
    pub(in crate::expr) fn record(source: FetchSource, offset: u32, ty: Ty<'a>) -> Self {
        Self { offset: offset as i32, in_memory: true, ..Self::register(source, ty) }
    }

    /// The same, where all that it points to is the process's memory.
    #[must_use]
    pub(in crate::expr) fn of_user(self) -> Self {
        let user_from = Some(self.hops.len() as u8 + u8::from(self.in_memory));
        Self { user_from, ..self }
    }

    /// The place that the pointer here points to; its type is for the caller to set.
    #[must_use]
    pub(in crate::expr) fn follow(mut self) -> Self {
        if self.in_memory {
            if self.is_user_memory() {
                self.narrow = Narrow::Otherwise;
            }
            self.hops.push(self.offset);
        }
        self.offset = 0;
        self.in_memory = true;
        self
    }

    /// True where what is here is in the process's memory for certain.
    pub(in crate::expr) fn is_user_memory(&self) -> bool {
        self.in_memory && self.user_from.is_some_and(|from| self.hops.len() >= usize::from(from))
    }

    /// True where a pointer here points into the process's memory for certain.
    pub(in crate::expr) fn points_to_user(&self) -> bool {
        self.user_from.is_some()
    }

    /// An argument or return value of a function of a program: a register whose type nobody tells.
    pub(in crate::expr) fn is_user_register(&self) -> bool {
        self.points_to_user() && !self.in_memory && matches!(self.ty, Ty::Int { size: 8, .. })
    }

    /// How bytes here are copied.
    pub(in crate::expr) fn copy(&self) -> FetchCopy {
        match (self.in_memory, self.is_user_memory()) {
            (false, _) => FetchCopy::Value,
            (true, false) => FetchCopy::Kernel,
            (true, true) => FetchCopy::User,
        }
    }

    /// The fetch of `size` bytes here, to a slot of `slot` bytes or some more.
    pub(in crate::expr) fn fetch(self, copy: FetchCopy, size: u16, slot: u16) -> (Vec<Fetch>, Fetch) {
        let fetch = Fetch {
            source: self.source,
            hops: self.hops,
            user_from: self.user_from,
            narrow: self.narrow,
            offset: self.offset,
            index: self.index,
            keep: None,
            length: None,
            copy,
            size,
            slot: slot.next_multiple_of(8),
            out: 0,
        };
        (self.before, fetch)
    }
}
