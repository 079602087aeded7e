// SPDX-License-Identifier: MIT OR Apache-2.0
//! BTF, the kernel's type format, read in place: of an object file or of a whole kernel.
//!
//! One pass over the type section notes where each type begins (four bytes a type; the kernel has some 150,000), the
//! rest is decoded when asked for. Layout: `Documentation/bpf/btf.rst` of the kernel.
//!
//! ```text
//! header | types: { name_off, info, size_or_type, kind-specific … } … | strings, NUL-terminated
//! ```

mod by_name;
mod types;

use std::borrow::Cow;
use std::fmt;

pub use types::{Member, Type};

use by_name::ByName;

/// A type's number; 0 is `void`.
pub type TypeId = u32;

/// Why bytes are not BTF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BtfError(String);

impl fmt::Display for BtfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed BTF: {}", self.0)
    }
}

impl std::error::Error for BtfError {}

/// The types of one object or kernel.
pub struct Btf {
    data: Cow<'static, [u8]>,
    strings: usize,
    /// Where type `i + 1` begins in `data`.
    starts: Vec<u32>,
    functions: ByName,
}

impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Btf({} types)", self.len())
    }
}

const KIND_INT: u32 = 1;
const KIND_PTR: u32 = 2;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_FWD: u32 = 7;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;
const KIND_RESTRICT: u32 = 11;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_FLOAT: u32 = 16;
const KIND_DECL_TAG: u32 = 17;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;

/// What a search by name looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A function.
    Func,
    /// A struct or union.
    Composite,
    /// A typedef.
    Typedef,
    /// An enum.
    Enum,
    /// A variable.
    Var,
    /// A section.
    Section,
    /// A note on a declaration.
    DeclTag,
}

impl Named {
    fn matches(self, kind: u32) -> bool {
        match self {
            Self::Func => kind == KIND_FUNC,
            Self::Composite => kind == KIND_STRUCT || kind == KIND_UNION,
            Self::Typedef => kind == KIND_TYPEDEF,
            Self::Enum => kind == KIND_ENUM || kind == KIND_ENUM64,
            Self::Var => kind == KIND_VAR,
            Self::Section => kind == KIND_DATASEC,
            Self::DeclTag => kind == KIND_DECL_TAG,
        }
    }
}

impl Btf {
    /// Reads a `.BTF` section or `/sys/kernel/btf/vmlinux`. Every offset is checked here, once.
    pub fn parse(data: impl Into<Cow<'static, [u8]>>) -> Result<Self, BtfError> {
        let data = data.into();
        let error = |what: &str| BtfError(what.to_owned());
        if data.len() < 24 || data.len() > u32::MAX as usize {
            return Err(error("too short for a header"));
        }
        if data[..2] != [0x9f, 0xeb] {
            return Err(error("its magic number is not 0xeb9f in this machine's byte order"));
        }
        let header = u32_at(&data, 4) as usize;
        let types = header.saturating_add(u32_at(&data, 8) as usize);
        let types_end = types.saturating_add(u32_at(&data, 12) as usize);
        let strings = header.saturating_add(u32_at(&data, 16) as usize);
        let strings_end = strings.saturating_add(u32_at(&data, 20) as usize);
        if types_end > data.len() || strings_end > data.len() || strings == strings_end || data[strings_end - 1] != 0 {
            return Err(error("a section lies outside the data"));
        }
        let mut starts = Vec::with_capacity((types_end - types) / 24);
        let mut at = types;
        while at < types_end {
            let size =
                type_size(&data, at, types_end).ok_or_else(|| error("a type is truncated or of unknown kind"))?;
            starts.push(at as u32);
            at += size;
        }
        Ok(Self { data, strings, starts, functions: ByName::default() })
    }

    /// How many types there are, `void` not counted.
    pub fn len(&self) -> u32 {
        self.starts.len() as u32
    }

    /// True where there is no type at all.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The type's name; empty where it has none.
    pub fn name(&self, id: TypeId) -> &str {
        self.start(id).map_or("", |at| self.string(self.u32(at)))
    }

    /// The type of this number; [`Type::Void`] for 0 and for numbers that do not exist.
    pub fn get(&self, id: TypeId) -> Type {
        let Some(at) = self.start(id) else { return Type::Void };
        let info = self.u32(at + 4);
        let size = self.u32(at + 8);
        let count = (info & 0xffff) as usize;
        let body = at + 12;
        match kind_of(info) {
            KIND_INT => self.int(id, size, self.u32(body)),
            KIND_PTR => Type::Ptr(size),
            KIND_ARRAY => Type::Array { element: self.u32(body), count: self.u32(body + 8) },
            KIND_STRUCT | KIND_UNION => {
                Type::Composite { size, members: (0..count).map(|i| self.member(body + 12 * i, info >> 31)).collect() }
            }
            KIND_ENUM => Type::Enum { size, values: (0..count).map(|i| self.enumerator(body + 8 * i, info)).collect() },
            KIND_ENUM64 => Type::Enum { size, values: (0..count).map(|i| self.enumerator64(body + 12 * i)).collect() },
            KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT | KIND_TYPE_TAG => Type::Alias(size),
            KIND_FUNC => Type::Func(size),
            KIND_FUNC_PROTO => {
                let param = |i: usize| (self.string(self.u32(body + 8 * i)).to_owned(), self.u32(body + 8 * i + 4));
                Type::Proto { returns: size, params: (0..count).map(param).collect() }
            }
            KIND_VAR => Type::Var { ty: size, global: self.u32(body) == 1 },
            KIND_DATASEC => {
                let entry = |i: usize| {
                    let at = body + 12 * i;
                    (self.u32(at), self.u32(at + 4), self.u32(at + 8))
                };
                Type::Section((0..count).map(entry).collect())
            }
            KIND_FLOAT => Type::Float(size),
            KIND_DECL_TAG => {
                let member = self.u32(body);
                Type::DeclTag { target: size, member: (member != u32::MAX).then_some(member) }
            }
            // KIND_FWD, and kinds of a newer kernel: nothing can be read through them.
            _ => Type::Void,
        }
    }

    /// The type behind typedefs, qualifiers and tags.
    pub fn resolve(&self, mut id: TypeId) -> (TypeId, Type) {
        // Malformed BTF may go in circles.
        for _ in 0..64 {
            match self.get(id) {
                Type::Alias(next) => id = next,
                found => return (id, found),
            }
        }
        (0, Type::Void)
    }

    /// True where the type, or one that it is another name of, has one of these names.
    pub fn is_called(&self, mut id: TypeId, names: &[&str]) -> bool {
        for _ in 0..64 {
            match self.get(id) {
                Type::Alias(_) if names.contains(&self.name(id)) => return true,
                Type::Alias(next) => id = next,
                _ => return false,
            }
        }
        false
    }

    /// True where one of the names or qualifiers of the type is `volatile`; of an array, those of its elements, where C
    /// puts them.
    pub fn is_volatile(&self, mut id: TypeId) -> bool {
        for _ in 0..64 {
            let Some(at) = self.start(id) else { return false };
            match kind_of(self.u32(at + 4)) {
                KIND_VOLATILE => return true,
                KIND_TYPEDEF | KIND_CONST | KIND_RESTRICT | KIND_TYPE_TAG => id = self.u32(at + 8),
                KIND_ARRAY => id = self.u32(at + 12),
                _ => return false,
            }
        }
        false
    }

    /// Bytes of a value of the type; `None` for functions, `void` and what has no size.
    pub fn size_of(&self, mut id: TypeId) -> Option<u32> {
        let mut elements = 1u32;
        // Malformed BTF may have an array of itself.
        for _ in 0..64 {
            let size = match self.resolve(id).1 {
                Type::Int { size, .. } | Type::Composite { size, .. } | Type::Enum { size, .. } | Type::Float(size) => {
                    size
                }
                Type::Ptr(_) => 8,
                Type::Array { element, count } => {
                    elements = elements.checked_mul(count)?;
                    id = element;
                    continue;
                }
                Type::Void
                | Type::Alias(_)
                | Type::Func(_)
                | Type::Proto { .. }
                | Type::Var { .. }
                | Type::Section(_)
                | Type::DeclTag { .. } => return None,
            };
            return elements.checked_mul(size);
        }
        None
    }

    /// The first type of this kind and name.
    pub fn find(&self, what: Named, name: &str) -> Option<TypeId> {
        match what {
            Named::Func => self.functions.find(name, || self.all(what), |id| self.name(id)),
            Named::Composite | Named::Typedef | Named::Enum | Named::Var | Named::Section | Named::DeclTag => {
                self.all(what).find(|id| self.name(*id) == name)
            }
        }
    }

    /// All types of this kind, in order.
    pub fn all(&self, what: Named) -> impl Iterator<Item = TypeId> + '_ {
        let matches = move |at: u32| what.matches(kind_of(self.u32(at as usize + 4)));
        self.starts.iter().enumerate().filter(move |(_, at)| matches(**at)).map(|(i, _)| i as u32 + 1)
    }

    /// How C would write the type: `struct sock *`.
    pub fn display(&self, id: TypeId) -> String {
        self.display_within(id, 32)
    }

    /// The same, `…` for what lies deeper than this: malformed BTF may have a pointer to itself.
    fn display_within(&self, id: TypeId, depth: u32) -> String {
        let Some(at) = self.start(id) else { return "void".to_owned() };
        let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
        let (name, next) = (self.name(id), self.u32(at + 8));
        match kind_of(self.u32(at + 4)) {
            KIND_PTR => {
                let target = self.display_within(next, depth);
                if target.ends_with('*') { format!("{target}*") } else { format!("{target} *") }
            }
            KIND_ARRAY => format!("{}[{}]", self.display_within(self.u32(at + 12), depth), self.u32(at + 20)),
            KIND_STRUCT | KIND_FWD => format!("struct {name}"),
            KIND_UNION => format!("union {name}"),
            KIND_ENUM | KIND_ENUM64 => format!("enum {name}"),
            KIND_CONST => format!("const {}", self.display_within(next, depth)),
            KIND_VOLATILE | KIND_RESTRICT | KIND_TYPE_TAG => self.display_within(next, depth),
            KIND_FUNC_PROTO => "function".to_owned(),
            _ => name.to_owned(),
        }
    }

    fn start(&self, id: TypeId) -> Option<usize> {
        let index = id.checked_sub(1)?;
        self.starts.get(index as usize).map(|at| *at as usize)
    }

    fn u32(&self, at: usize) -> u32 {
        u32_at(&self.data, at)
    }

    fn string(&self, offset: u32) -> &str {
        let start = self.strings.saturating_add(offset as usize);
        let bytes = self.data.get(start..).unwrap_or_default();
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).unwrap_or_default()
    }

    fn int(&self, id: TypeId, size: u32, encoding: u32) -> Type {
        let flags = encoding >> 24;
        let char = size == 1 && (flags & 2 != 0 || matches!(self.name(id), "char" | "signed char"));
        Type::Int { size, signed: flags & 1 != 0, bool: flags & 4 != 0, char }
    }

    fn member(&self, at: usize, has_bits: u32) -> Member {
        let offset = self.u32(at + 8);
        let (bit_offset, bits) = if has_bits == 1 { (offset & 0xff_ffff, offset >> 24) } else { (offset, 0) };
        Member { name: self.string(self.u32(at)).to_owned(), ty: self.u32(at + 4), bit_offset, bits }
    }

    /// Values are signed where the enum says so (kind flag, Linux 6.0), and in all enums of older compilers.
    fn enumerator(&self, at: usize, info: u32) -> (String, i64) {
        let value = self.u32(at + 4);
        let signed = info >> 31 == 1 || (value as i32) < 0;
        let value = if signed { i64::from(value as i32) } else { i64::from(value) };
        (self.string(self.u32(at)).to_owned(), value)
    }

    fn enumerator64(&self, at: usize) -> (String, i64) {
        let value = u64::from(self.u32(at + 4)) | u64::from(self.u32(at + 8)) << 32;
        (self.string(self.u32(at)).to_owned(), value as i64)
    }
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    data.get(at..at + 4).map_or(0, |bytes| u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn kind_of(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// Bytes of the type that begins at `at`; `None` if it is not whole or its kind is unknown.
fn type_size(data: &[u8], at: usize, end: usize) -> Option<usize> {
    if at + 12 > end {
        return None;
    }
    let info = u32_at(data, at + 4);
    let count = (info & 0xffff) as usize;
    let body = match kind_of(info) {
        KIND_PTR | KIND_FWD | KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT | KIND_FUNC | KIND_FLOAT
        | KIND_TYPE_TAG => 0,
        KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
        KIND_ARRAY => 12,
        KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => 12 * count,
        KIND_ENUM | KIND_FUNC_PROTO => 8 * count,
        _ => return None,
    };
    (at + 12 + body <= end).then_some(12 + body)
}
