// SPDX-License-Identifier: MIT OR Apache-2.0
//! What BTF can say of a type, decoded.

use super::TypeId;

/// One type. Names are empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Nothing: type 0, and what this reader does not know.
    Void,
    /// An integer of `size` bytes.
    Int {
        /// Bytes.
        size: u32,
        /// Whether it can be negative.
        signed: bool,
        /// `_Bool`.
        bool: bool,
        /// True for `char` and its like: one byte that is text in an array.
        char: bool,
    },
    /// A pointer.
    Ptr(TypeId),
    /// An array of `count` elements.
    Array {
        /// Type of an element.
        element: TypeId,
        /// How many; 0 for a flexible array.
        count: u32,
    },
    /// A struct or union of `size` bytes.
    Composite {
        /// Bytes.
        size: u32,
        /// In the order of the declaration.
        members: Vec<Member>,
    },
    /// An enum of `size` bytes.
    Enum {
        /// Bytes.
        size: u32,
        /// Name and value.
        values: Vec<(String, i64)>,
    },
    /// A name, qualifier or tag for another type.
    Alias(TypeId),
    /// A function; its prototype.
    Func(TypeId),
    /// Parameters and return type.
    Proto {
        /// Type of the return value.
        returns: TypeId,
        /// Name and type.
        params: Vec<(String, TypeId)>,
    },
    /// A variable.
    Var {
        /// Its type.
        ty: TypeId,
        /// Whether it is visible outside its file.
        global: bool,
    },
    /// A section: variable, offset, size.
    Section(Vec<(TypeId, u32, u32)>),
    /// A floating-point number of `size` bytes.
    Float(u32),
    /// A note on a type (`member` is `None`) or on a member or parameter of it.
    DeclTag {
        /// What it is on.
        target: TypeId,
        /// Which member or parameter.
        member: Option<u32>,
    },
}

/// A member of a struct or union.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Empty for an anonymous struct or union.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// Offset in bits.
    pub bit_offset: u32,
    /// Bits of a bit-field; 0 otherwise.
    pub bits: u32,
}
