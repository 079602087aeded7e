// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an object file to a [`Program`]: what its BTF says, in the words of `bpf/include/program.h`.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use super::btf::{Btf, Member, Named, Type, TypeId};
use super::elf::{ObjectError, Parts, parts};
use super::fetch_table::FetchTable;
use super::limit_table::LimitTable;
use super::object::ObjectBytes;
use super::program::{Counters, HookDecl, Param, ParamType, Program};
use super::syscall_table::SyscallTable;
use crate::spec::{CallEnd, CgroupPoint, Field, FieldType, HookKind, Layout, ParamValue, Sample, Site, Statistic};

/// How the names of sections end whose functions one link attaches to many places: `kprobe.multi`.
const MANY: &str = ".multi";

/// How deep structs may lie in one another: the head in a record, and one more.
const MAX_DEPTH: u32 = 3;

/// Most members of all structs in one record or row.
const MAX_MEMBERS: u32 = 4096;

/// The fields of an event's head that every event shows first, in this order.
const PROCESS_FIELDS: [&str; 4] = ["pid", "tid", "uid", "comm"];

/// The program `name`: what the bytes of its object file say about it, and these bytes.
pub fn describe(name: &str, object: impl Into<ObjectBytes>) -> Result<Program, ObjectError> {
    let object = object.into();
    let parts = parts(&object)?;
    let btf = Btf::parse(parts.btf.to_vec()).map_err(|error| ObjectError(error.to_string()))?;
    let describe = Describe { tags: tags(&btf), btf: &btf, parts: &parts, members: Cell::new(0) };
    let event = describe.event()?;
    let (many, hooks) = describe.hooks()?.into_iter().partition(|hook| describe.is_for_many(hook));
    Ok(Program {
        name: name.to_owned(),
        doc: describe.doc(),
        hooks,
        many,
        params: describe.params()?,
        limit_table: LimitTable::find(&parts.constants).filter(|_| event.is_some()),
        event,
        no_link_header: parts.constants.get("no_link_header").copied(),
        counters: describe.counters()?,
        fetch_table: FetchTable::find(&btf, &parts.constants)?,
        syscall_table: SyscallTable::find(&btf, &parts.constants)?,
        object: object.clone(),
        light: None,
        span: None,
        counting: None,
    })
}

/// The notes on types and their members: `(type, member)` → `["doc:…", "unit:ns"]`.
type Tags = HashMap<(TypeId, Option<u32>), Vec<String>>;

fn tags(btf: &Btf) -> Tags {
    let mut tags = Tags::new();
    for id in btf.all(Named::DeclTag) {
        if let Type::DeclTag { target, member } = btf.get(id) {
            tags.entry((target, member)).or_default().push(btf.name(id).to_owned());
        }
    }
    tags
}

struct Describe<'a> {
    btf: &'a Btf,
    tags: Tags,
    parts: &'a Parts<'a>,
    /// Members of structs that were looked at so far.
    members: Cell<u32>,
}

impl Describe<'_> {
    /// The rest of the first note that begins with `key`: `doc:` gives the sentence.
    fn tag(&self, target: TypeId, member: Option<u32>, key: &str) -> Option<&str> {
        self.tags.get(&(target, member))?.iter().find_map(|tag| tag.strip_prefix(key))
    }

    fn is_internal(&self, target: TypeId, member: Option<u32>) -> bool {
        self.tag(target, member, "internal").is_some()
    }

    fn text(&self, target: TypeId, member: Option<u32>, key: &str) -> String {
        self.tag(target, member, key).unwrap_or_default().to_owned()
    }

    /// The note of the first function that has one.
    fn doc(&self) -> String {
        let note = |(_, function): &(String, String)| {
            let id = self.btf.find(Named::Func, function)?;
            self.tag(id, None, "doc:").map(str::to_owned)
        };
        self.parts.functions.iter().find_map(note).unwrap_or_default()
    }

    fn hooks(&self) -> Result<Vec<HookDecl>, ObjectError> {
        let hook = |(section, function): &(String, String)| {
            let section = section.strip_prefix('?').unwrap_or(section);
            let (kind, target) = match section.split_once('/') {
                Some((kind, target)) => (kind, Some(target)),
                None => (section, None),
            };
            let kind = kind.strip_suffix(MANY).unwrap_or(kind);
            // Functions of other sections are called by programs (.text) and attach nowhere.
            if kind.starts_with('.') {
                return None;
            }
            // What of a cgroup is seen is no target: which cgroup, the file says.
            let point = target.filter(|_| matches!(kind, "cgroup" | "cgroup_skb")).and_then(CgroupPoint::of_section);
            let target = target.filter(|_| point.is_none());
            let kind = match kind {
                "tp" => Some(HookKind::Tracepoint),
                "raw_tp" => Some(HookKind::RawTracepoint),
                "cgroup" | "cgroup_skb" => point.map(|_| HookKind::Cgroup),
                word => HookKind::of_word(word),
            };
            let refused = || ObjectError(format!("function `{function}`: nothing of section `{section}` is attached"));
            let site = |kind| target.map(|target| Site::of_section(kind, target).ok_or_else(refused)).transpose();
            let place = kind.ok_or_else(refused).and_then(|kind| Ok((kind, site(kind)?)));
            let only_if = self.btf.find(Named::Func, function).and_then(|id| self.tag(id, None, "only_if:"));
            let only_if = only_if.map(str::to_owned);
            let tagged = self.btf.find(Named::Func, function).and_then(|id| self.tag(id, None, "hook:"));
            if let Some(tag) = tagged {
                return Some(self.tagged(function, tag));
            }
            Some(place.map(|(kind, site)| HookDecl {
                function: function.clone(),
                kind,
                site,
                point,
                end: None,
                only_if,
            }))
        };
        self.parts.functions.iter().filter_map(hook).collect()
    }

    /// True for a function that one link attaches to many places.
    fn is_for_many(&self, hook: &HookDecl) -> bool {
        let mut sections = self.parts.functions.iter().filter(|(_, function)| *function == hook.function);
        sections.any(|(section, _)| section.ends_with(MANY))
    }

    /// A function whose section does not tell its hook: `syscall/return`, `timer`.
    fn tagged(&self, function: &str, tag: &str) -> Result<HookDecl, ObjectError> {
        let unknown = || ObjectError(format!("function `{function}`: `{tag}` is no hook"));
        let (kind, end) = tag.split_once('/').map_or((tag, None), |(kind, end)| (kind, Some(end)));
        let end = match end {
            None => None,
            Some("entry") => Some(CallEnd::Entry),
            Some("return") => Some(CallEnd::Return),
            Some(_) => return Err(unknown()),
        };
        let kind = HookKind::of_word(kind).ok_or_else(unknown)?;
        Ok(HookDecl { function: function.to_owned(), kind, site: None, point: None, end, only_if: None })
    }

    /// The variables of a section: type number of the variable, its name, its type, its offset and size.
    fn variables(&self, section: &str) -> Vec<(TypeId, &str, TypeId, u32, u32)> {
        let Some(id) = self.btf.find(Named::Section, section) else { return Vec::new() };
        let Type::Section(entries) = self.btf.get(id) else { return Vec::new() };
        let variable = |(id, offset, size): (TypeId, u32, u32)| match self.btf.get(id) {
            Type::Var { ty, global: true } => Some((id, self.btf.name(id), ty, offset, size)),
            _ => None,
        };
        entries.into_iter().filter_map(variable).collect()
    }

    fn params(&self) -> Result<Vec<Param>, ObjectError> {
        let mut params = Vec::new();
        for (id, name, ty, in_btf, size) in self.variables(".rodata") {
            let offset = self.parts.constants.get(name).copied().unwrap_or(in_btf);
            if !self.btf.is_volatile(ty) || self.is_internal(id, None) {
                continue;
            }
            let place = offset as usize..offset.saturating_add(size) as usize;
            let bytes = self.parts.rodata.get(place).filter(|_| size > 0 && self.btf.size_of(ty) == Some(size));
            let bytes = bytes.ok_or_else(|| ObjectError(format!("parameter `{name}` lies outside .rodata")))?;
            let (ty, default) = self.param_type(ty, bytes).ok_or_else(|| {
                ObjectError(format!("parameter `{name}` is neither a number, nor a bool, nor an array of char"))
            })?;
            let ty = match self.tag(id, None, "range:") {
                Some(range) => ty
                    .within(range)
                    .ok_or_else(|| ObjectError(format!("`{range}` is not a valid range for parameter `{name}`")))?,
                None => ty,
            };
            let (unit, doc) = (self.text(id, None, "unit:"), self.text(id, None, "doc:"));
            let sizes = self.tag(id, None, "sizes:").map(str::to_owned);
            params.push(Param { name: name.to_owned(), ty, default, unit, doc, offset, sizes });
        }
        Ok(params)
    }

    fn param_type(&self, ty: TypeId, bytes: &[u8]) -> Option<(ParamType, ParamValue)> {
        match self.btf.resolve(ty).1 {
            Type::Int { bool: true, .. } => Some((ParamType::Bool, ParamValue::Bool(bytes.first() != Some(&0)))),
            Type::Int { size: size @ (1 | 2 | 4 | 8), signed, .. } => {
                let size = size as u8;
                Some((ParamType::integer(size, signed), ParamValue::Int(integer(bytes, signed))))
            }
            Type::Array { element, count } if self.is_char(element) => {
                let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
                let text = String::from_utf8_lossy(text).into_owned();
                Some((ParamType::Text { size: count }, ParamValue::Text(text)))
            }
            _ => None,
        }
    }

    fn is_char(&self, ty: TypeId) -> bool {
        matches!(self.btf.resolve(ty).1, Type::Int { char: true, .. })
    }

    /// The record behind `const struct X *event_type SEC(".rodata.meta")`.
    fn event(&self) -> Result<Option<Layout>, ObjectError> {
        let variables = self.variables(".rodata.meta");
        let Some((_, _, ty, _, _)) = variables.iter().find(|(_, name, ..)| *name == "event_type") else {
            return Ok(None);
        };
        let (Type::Ptr(target), ..) = (self.btf.resolve(*ty).1, ()) else {
            return Err(ObjectError("`event_type` is not a pointer to a struct".to_owned()));
        };
        self.layout(target).map(Some)
    }

    fn layout(&self, ty: TypeId) -> Result<Layout, ObjectError> {
        let (id, Type::Composite { size, members }) = self.btf.resolve(ty) else {
            return Err(ObjectError(format!("`{}` is not a struct", self.btf.display(ty))));
        };
        let mut layout = Layout { size, ..Layout::default() };
        self.add_members(&mut layout, id, &members, 0, MAX_DEPTH)?;
        if layout.absent.is_none() {
            layout.fields.iter_mut().for_each(|field| field.absent_bit = None);
        }
        layout.process.sort_by_key(|field| PROCESS_FIELDS.iter().position(|name| *name == field.name));
        Ok(layout)
    }

    /// Adds the members of a struct at `base`; those of a struct inside it (the head) stand for themselves.
    fn add_members(
        &self,
        layout: &mut Layout,
        id: TypeId,
        members: &[Member],
        base: u32,
        depth: u32,
    ) -> Result<(), ObjectError> {
        let depth = depth.checked_sub(1).ok_or_else(|| ObjectError("structs are nested too deeply".to_owned()))?;
        let mut number = 0;
        self.members.set(self.members.get().saturating_add(members.len() as u32));
        if self.members.get() > MAX_MEMBERS {
            return Err(ObjectError(format!("its structs have more than {MAX_MEMBERS} members")));
        }
        for (index, member) in members.iter().enumerate() {
            let index = Some(index as u32);
            let offset = base.saturating_add(member.bit_offset / 8);
            let is_one_value = self.tag(id, index, "as:").is_some();
            if let (inner, Type::Composite { members, .. }) = self.btf.resolve(member.ty)
                && !is_one_value
            {
                self.add_members(layout, inner, &members, offset, depth)?;
                continue;
            }
            match self.tag(id, index, "as:") {
                Some("time") => layout.time = Some(offset),
                Some("absent") if self.btf.size_of(member.ty) != Some(8) => {
                    return Err(ObjectError(format!("field `{}` is AS(\"absent\") and has not 8 bytes", member.name)));
                }
                Some("absent") => layout.absent = Some(offset),
                // Captures can name it; no event shows it unasked.
                Some("cpu") => layout.operands.push(self.field(id, index, member, offset)?),
                Some(_) | None => {
                    if !self.is_internal(id, index) {
                        let field = self.field(id, index, member, offset)?;
                        if base == 0 && !PROCESS_FIELDS.contains(&field.name.as_str()) {
                            let absent_bit = (number < 32).then_some(number);
                            layout.fields.push(Field { absent_bit, ..field });
                        } else {
                            layout.process.push(field);
                        }
                    }
                    number += 1;
                }
            }
        }
        Ok(())
    }

    fn field(&self, id: TypeId, index: Option<u32>, member: &Member, offset: u32) -> Result<Field, ObjectError> {
        let fail = |what: &str| Err(ObjectError(format!("field `{}` {what}", member.name)));
        if member.bits != 0 || !member.bit_offset.is_multiple_of(8) {
            return fail("is a bit-field");
        }
        let Some(size) = self.btf.size_of(member.ty) else {
            return fail("has no size");
        };
        let kind = match self.tag(id, index, "as:") {
            Some(word) => match kind_by_word(word, size) {
                Some(kind) => kind,
                None => return fail(&format!("has {size} bytes and AS(\"{word}\"), which do not match")),
            },
            None => match self.kind_by_type(member.ty) {
                Some(kind) => kind,
                None => {
                    return fail(&format!(
                        "has the type `{}`, which has no output format",
                        self.btf.display(member.ty)
                    ));
                }
            },
        };
        Ok(Field {
            name: member.name.clone(),
            offset,
            size,
            kind,
            absent_bit: None,
            of_end: None,
            bits: None,
            unit: self.text(id, index, "unit:"),
            doc: self.text(id, index, "doc:"),
        })
    }

    fn kind_by_type(&self, ty: TypeId) -> Option<FieldType> {
        match self.btf.resolve(ty).1 {
            Type::Int { bool: true, .. } => Some(FieldType::Bool),
            Type::Int { size: 1 | 2 | 4 | 8, signed: true, .. } => Some(FieldType::Signed),
            Type::Int { size: 1 | 2 | 4 | 8, signed: false, .. } => Some(FieldType::Unsigned),
            Type::Ptr(_) => Some(FieldType::Hex),
            Type::Enum { values, .. } => Some(FieldType::Enum(short_names(&values))),
            Type::Array { element, .. } if self.is_char(element) => Some(FieldType::Text { limit: None }),
            Type::Array { element, .. } if self.btf.size_of(element) == Some(1) => Some(FieldType::Bytes),
            _ => None,
        }
    }

    /// The map that carries `COUNTERS("key")`.
    fn counters(&self) -> Result<Option<Counters>, ObjectError> {
        for (id, name, ty, ..) in self.variables(".maps") {
            let Some(key_name) = self.tag(id, None, "counters:") else { continue };
            let (_, Type::Composite { members, .. }) = self.btf.resolve(ty) else { continue };
            let pointed = |wanted: &str| {
                let member = members.iter().find(|member| member.name == wanted)?;
                match self.btf.resolve(member.ty).1 {
                    Type::Ptr(target) => Some(target),
                    _ => None,
                }
            };
            let (Some(key), Some(value)) = (pointed("key"), pointed("value")) else {
                return Err(ObjectError(format!("map `{name}` lacks `__type(key, …)` or `__type(value, …)`")));
            };
            return self.counter_rows(name, key_name, key, value).map(Some);
        }
        Ok(None)
    }

    fn counter_rows(&self, map: &str, key_name: &str, key: TypeId, value: TypeId) -> Result<Counters, ObjectError> {
        let size = |ty| self.btf.size_of(ty).ok_or_else(|| ObjectError(format!("map `{map}`: a type has no size")));
        let (key_size, value_size) = (size(key)?, size(value)?);
        let mut row = match self.btf.resolve(key).1 {
            Type::Composite { .. } => self.layout(key)?,
            _ => {
                let member = Member { name: key_name.to_owned(), ty: key, bit_offset: 0, bits: 0 };
                let field = self.field(0, None, &member, 0)?;
                Layout { fields: vec![field], ..Layout::default() }
            }
        };
        let values = self.layout(value)?;
        if values.fields.iter().any(|field| field.size != 8 || field.kind != FieldType::Unsigned) {
            return Err(ObjectError(format!("map `{map}`: counters must be `__u64`: they are summed over CPUs")));
        }
        row.size = key_size.checked_add(value_size).ok_or_else(|| ObjectError(format!("map `{map}` is too large")))?;
        let after_key = |field: Field| Field { offset: field.offset.saturating_add(key_size), ..field };
        // The kernel adds them up.
        let statistics = vec![Statistic::Sum; values.fields.len()];
        row.sample = Some(Sample { table: None, keys: row.fields.len(), statistics, top: None, cumulative: false });
        row.fields.extend(values.fields.into_iter().map(after_key));
        Ok(Counters { map: map.to_owned(), key_size, value_size, row })
    }
}

/// The kinds of `AS("…")`, with the sizes that they can have.
fn kind_by_word(word: &str, size: u32) -> Option<FieldType> {
    let integer = matches!(size, 1 | 2 | 4 | 8);
    match word {
        "argv" if size > 4 => Some(FieldType::Argv),
        "bytes" => Some(FieldType::Bytes),
        "cpu" if size == 4 => Some(FieldType::Unsigned),
        "errno" if size == 4 => Some(FieldType::Errno),
        "flag" if size == 1 => Some(FieldType::Flag),
        "id" if size == 4 => Some(FieldType::Id),
        "hex" if integer => Some(FieldType::Hex),
        "ipv4" if size == 4 => Some(FieldType::Ipv4),
        "ipv6" if size == 16 => Some(FieldType::Ipv6),
        "path" if size > 4 => Some(FieldType::Path),
        "port" if size == 2 => Some(FieldType::Port),
        _ => None,
    }
}

/// The names of an enum as the output has them: without the words that all share, in lower case.
fn short_names(values: &[(String, i64)]) -> Arc<[(i64, String)]> {
    let first = values.first().map_or("", |(name, _)| name);
    let shared = values.iter().fold(first.len(), |length, (name, _)| {
        length.min(first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count())
    });
    let underscore = first.as_bytes()[..shared].iter().rposition(|byte| *byte == b'_');
    let cut = if values.len() > 1 { underscore.map_or(0, |at| at + 1) } else { 0 };
    values.iter().map(|(name, value)| (*value, name[cut..].to_ascii_lowercase())).collect()
}

/// An integer of 1 to 8 bytes in the machine's order.
fn integer(bytes: &[u8], signed: bool) -> i128 {
    let mut wide = [0; 8];
    let count = bytes.len().min(8);
    wide[..count].copy_from_slice(&bytes[..count]);
    let value = u64::from_le_bytes(wide);
    let shift = 64 - 8 * count as u32;
    if signed { i128::from((value << shift) as i64 >> shift) } else { i128::from(value) }
}
