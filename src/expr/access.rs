// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a partly followed expression stands, and one step further.

use crate::catalog::{Btf, Type, TypeId};
use crate::spec::FetchSource;
use crate::words::{Refusal, suggest};

/// A type as the hook gives it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ty<'a> {
    /// A type of the kernel's BTF.
    Btf(&'a Btf, TypeId),
    /// An integer of a tracepoint's record, or an argument whose type nobody tells.
    Int {
        /// Bytes: 1, 2, 4 or 8.
        size: u32,
        /// Whether it can be negative.
        signed: bool,
    },
    /// A user or group id: of a tracepoint's record, or a builtin.
    Id,
    /// A `bool` of a tracepoint's record.
    Bool,
    /// A pointer in a tracepoint's record: what it points to is only known by name.
    Pointer,
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
    /// A field of the head, by this name.
    Head(&'static str),
}

/// Where an expression stands.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) source: FetchSource,
    /// Pointers followed so far: what is added before each is read.
    pub(super) hops: Vec<u32>,
    /// What is added to the address that the hops lead to.
    pub(super) offset: u32,
    /// False: the value is in a register. True: it is in memory, at the address.
    pub(super) in_memory: bool,
    /// The pointers of this hook point into the process's memory (arguments of system calls, and of functions of a program).
    pub(super) user: bool,
    pub(super) ty: Ty<'a>,
}

impl<'a> Place<'a> {
    /// A value in a register.
    pub(super) fn register(source: FetchSource, ty: Ty<'a>) -> Self {
        Self { source, hops: Vec::new(), offset: 0, in_memory: false, user: false, ty }
    }

    /// A value in the tracepoint's record.
    pub(super) fn record(source: FetchSource, offset: u32, ty: Ty<'a>, user: bool) -> Self {
        Self { source, hops: Vec::new(), offset, in_memory: true, user, ty }
    }

    /// The place that the pointer here points to; its type is for the caller to set.
    pub(super) fn follow(mut self) -> Self {
        if self.in_memory {
            self.hops.push(self.offset);
        }
        self.offset = 0;
        self.in_memory = true;
        self
    }

    /// An argument or return value of a function of a program: a register whose type nobody tells.
    pub(super) fn is_user_register(&self) -> bool {
        self.user && !self.in_memory && matches!(self.ty, Ty::Int { .. })
    }

    /// What a register of a program has nothing of: members, elements.
    fn refuse_user_register(&self, step: &str, text: &str) -> Result<(), Refusal> {
        if !self.is_user_register() {
            return Ok(());
        }
        let message = format!("`{text}{step}` cannot be read: binaries do not store the types of arguments");
        let help = format!("`{text} as string` reads the string at that address, `{text} as bytes[N]` the bytes");
        Err(Refusal::new(message).help(help))
    }

    /// `->name`
    pub(super) fn arrow(self, name: &str, text: &str) -> Result<Self, Refusal> {
        self.refuse_user_register(&format!("->{name}"), text)?;
        let (btf, id) = match self.ty {
            Ty::Btf(btf, id) => (btf, id),
            // Eight bytes whose type nobody tells may be an address.
            Ty::Pointer | Ty::Int { size: 8, .. } => {
                return Err(Refusal::new(format!(
                    "`{text}` cannot be followed with `->`: its type is not known at this hook"
                ))
                .help("use a kprobe or a raw tracepoint, whose arguments have the kernel's own types"));
            }
            Ty::Int { .. } | Ty::Id | Ty::Bool | Ty::Array { .. } | Ty::Head(_) => {
                return Err(Refusal::new(format!("`{text}` is not a pointer: it has no members")));
            }
        };
        match btf.resolve(id).1 {
            Type::Ptr(target) => Self { ty: Ty::Btf(btf, target), ..self.follow() }.member(name, text),
            Type::Composite { .. } => Err(Refusal::new(format!("`{text}` is not a pointer but a {}", btf.display(id)))
                .help(format!("write `{text}.{name}`"))),
            _ => Err(not_a_struct(btf, id, text)),
        }
    }

    /// `.name`
    pub(super) fn dot(self, name: &str, text: &str) -> Result<Self, Refusal> {
        self.refuse_user_register(&format!(".{name}"), text)?;
        let Ty::Btf(btf, id) = self.ty else {
            return Err(Refusal::new(format!("`{text}` has no members")));
        };
        match btf.resolve(id).1 {
            Type::Composite { .. } => self.member(name, text),
            Type::Ptr(_) => {
                let message = format!("`{text}` is a pointer ({})", btf.display(id));
                Err(Refusal::new(message).help(format!("write `{text}->{name}`")))
            }
            _ => Err(not_a_struct(btf, id, text)),
        }
    }

    /// `[index]`
    pub(super) fn index(self, index: u32, text: &str) -> Result<Self, Refusal> {
        self.refuse_user_register(&format!("[{index}]"), text)?;
        match self.ty {
            Ty::Array { size, signed, count, .. } => {
                if count != 0 && index >= count {
                    return Err(out_of_range(text, index, count));
                }
                let offset = element_offset(self.offset, index, size, text)?;
                Ok(Self { offset, ty: Ty::Int { size, signed }, ..self })
            }
            Ty::Btf(btf, id) => match btf.resolve(id).1 {
                Type::Array { element, count } => {
                    if count != 0 && index >= count {
                        return Err(out_of_range(text, index, count));
                    }
                    self.element(btf, element, index, text)
                }
                Type::Ptr(target) => self.follow().element(btf, target, index, text),
                _ => Err(not_an_array(text)),
            },
            Ty::Pointer => Err(Refusal::new(format!("`{text}` is a pointer, and its type is not known at this hook"))
                .help(format!("for the bytes there write `{text} as bytes[N]`"))),
            Ty::Int { .. } | Ty::Id | Ty::Bool | Ty::Head(_) => Err(not_an_array(text)),
        }
    }

    fn element(self, btf: &'a Btf, element: TypeId, index: u32, text: &str) -> Result<Self, Refusal> {
        let size = btf.size_of(element).ok_or_else(|| not_an_array(text))?;
        let offset = element_offset(self.offset, index, size, text)?;
        Ok(Self { offset, ty: Ty::Btf(btf, element), ..self })
    }

    /// The member `name` of the struct that is here.
    fn member(self, name: &str, text: &str) -> Result<Self, Refusal> {
        let Ty::Btf(btf, id) = self.ty else { return Ok(self) };
        let (id, Type::Composite { .. }) = btf.resolve(id) else { return Err(not_a_struct(btf, id, text)) };
        let mut seen = Seen::default();
        match find_member(btf, id, name, &mut seen) {
            Some(Found { bits: 0, bit_offset, ty }) => {
                let offset = self.offset.saturating_add(bit_offset / 8);
                Ok(Self { offset, ty: Ty::Btf(btf, ty), ..self })
            }
            Some(_) => Err(Refusal::new(format!("`{name}` is a bit-field of {}", btf.display(id)))
                .help("bit-fields cannot be captured")),
            None => {
                let message = format!("{} has no member `{name}`", btf.display(id));
                let help = match macro_of_sock(btf, id, name) {
                    Some(meant) => Some(format!("in the kernel's source that is a macro: write `{meant}`")),
                    None => suggest(name, seen.names.iter().map(String::as_str), "its members are"),
                };
                Err(Refusal::new(message).maybe_help(help))
            }
        }
    }
}

/// `include/net/sock.h` defines `sk_family` and many more as `__sk_common.skc_family`; everybody knows them by that name.
fn macro_of_sock(btf: &Btf, id: TypeId, name: &str) -> Option<String> {
    let common = find_member(btf, id, "__sk_common", &mut Seen::default())?;
    let member = format!("skc_{}", name.strip_prefix("sk_")?);
    find_member(btf, common.ty, &member, &mut Seen::default())?;
    Some(format!("__sk_common.{member}"))
}

struct Found {
    bits: u32,
    bit_offset: u32,
    ty: TypeId,
}

/// What a search has come across.
#[derive(Default)]
struct Seen {
    names: Vec<String>,
    /// Malformed BTF may have a struct in itself.
    structs: Vec<TypeId>,
}

/// Searches a struct and the anonymous structs and unions in it.
fn find_member(btf: &Btf, id: TypeId, name: &str, seen: &mut Seen) -> Option<Found> {
    let (id, Type::Composite { members, .. }) = btf.resolve(id) else { return None };
    if seen.structs.contains(&id) {
        return None;
    }
    seen.structs.push(id);
    for member in members {
        if member.name == name {
            return Some(Found { bits: member.bits, bit_offset: member.bit_offset, ty: member.ty });
        }
        if !member.name.is_empty() {
            // Marks of the kernel's layout, without a value.
            if !member.name.starts_with("__cacheline_group_") {
                seen.names.push(member.name);
            }
        } else if let Some(found) = find_member(btf, member.ty, name, seen) {
            return Some(Found { bit_offset: found.bit_offset.saturating_add(member.bit_offset), ..found });
        }
    }
    None
}

fn element_offset(base: u32, index: u32, size: u32, text: &str) -> Result<u32, Refusal> {
    let offset = index.checked_mul(size).and_then(|bytes| base.checked_add(bytes));
    offset.ok_or_else(|| Refusal::new(format!("`{text}[{index}]` is too far away")))
}

fn out_of_range(text: &str, index: u32, count: u32) -> Refusal {
    let message = format!("`{text}` has {count} elements; there is no element {index}");
    Refusal::new(message).help(format!("indexes count from 0: the last element is `{text}[{}]`", count - 1))
}

fn not_an_array(text: &str) -> Refusal {
    Refusal::new(format!("`{text}` is not an array"))
}

fn not_a_struct(btf: &Btf, id: TypeId, text: &str) -> Refusal {
    let ty = btf.display(id);
    let is_unknown = matches!(btf.resolve(id).1, Type::Void);
    let help = is_unknown.then(|| format!("the kernel's BTF does not describe `{ty}`"));
    Refusal::new(format!("`{text}` has no members: it is a `{ty}`")).maybe_help(help)
}
