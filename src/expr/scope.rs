// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hook offers: the names that an expression can begin with.

use super::access::{Place, Ty};
use super::resolve::ResolveError;
use super::tracepoint::{TraceField, TraceShape, integer_type};
use crate::catalog::{Btf, Named, Type, TypeId};
use crate::spec::FetchSource;
use crate::words::suggest;

/// Arguments that are passed in registers, and that the program can read: six on x86-64 (rdi, rsi, rdx, rcx, r8, r9), eight on
/// arm64 (x0 to x7).
pub const REGISTER_ARGUMENTS: usize = if cfg!(target_arch = "aarch64") { 8 } else { 6 };

/// Arguments of a raw tracepoint, MAX_BPF_FUNC_ARGS of `include/linux/bpf.h`.
pub const MOST_RAW_ARGUMENTS: usize = 12;

/// The names that every hook offers.
pub const BUILTINS: [&str; 6] = ["pid", "tid", "uid", "gid", "comm", "cpu"];

/// What can be read where a probe hooks.
pub enum Scope<'a> {
    /// The entry of a function. `None`: the kernel has no type for it, arguments are only known by number.
    Entry {
        /// The function's name, for messages.
        symbol: &'a str,
        /// Its parameters.
        prototype: Option<Prototype<'a>>,
    },
    /// An instruction inside a function: the registers are there, but no argument has a name any more.
    Inside,
    /// The return of a function.
    Return {
        /// The function's name, for messages.
        symbol: &'a str,
        /// Its return type.
        prototype: Option<Prototype<'a>>,
    },
    /// A tracepoint.
    Tracepoint {
        /// `category:name`
        name: String,
        /// Its fields.
        fields: Vec<TraceField>,
    },
    /// A raw tracepoint.
    Raw {
        /// Its name.
        name: &'a str,
        /// The kernel's arguments. `None`: only known by number.
        prototype: Option<Prototype<'a>>,
    },
    /// The entry of a function of a program or library, whose arguments are only known by number.
    UserEntry {
        /// The function's name, for messages.
        function: String,
    },
    /// The return of such a function.
    UserReturn {
        /// The function's name, for messages.
        function: String,
    },
}

/// Parameters and return type of a kernel function.
#[derive(Clone)]
pub struct Prototype<'a> {
    btf: &'a Btf,
    returns: TypeId,
    params: Vec<(String, TypeId)>,
}

impl<'a> Prototype<'a> {
    /// The prototype of a kernel function; `None` if the BTF does not have it.
    pub fn of_function(btf: &'a Btf, symbol: &str) -> Option<Self> {
        Self::of_type(btf, btf.find(Named::Func, symbol)?)
    }

    /// The arguments of a raw tracepoint. Their names come from `__traceiter_NAME` (Linux 5.10), their types from
    /// there or from `btf_trace_NAME`; both begin with a pointer that a program does not get.
    pub fn of_raw_tracepoint(btf: &'a Btf, name: &str) -> Option<Self> {
        let from_iterator = Self::of_function(btf, &format!("__traceiter_{name}"));
        let prototype = from_iterator.or_else(|| {
            let id = btf.find(Named::Typedef, &format!("btf_trace_{name}"))?;
            let (_, Type::Ptr(target)) = btf.resolve(id) else { return None };
            Self::of(btf, target)
        })?;
        Some(prototype.without_first())
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

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.params.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty())
    }
}

impl<'a> Scope<'a> {
    /// The place that a first name stands for. The hook's own names come before the builtins: `pid` of
    /// `sched:sched_wakeup` is the field (the event has the builtin anyway).
    pub(super) fn base(&self, name: &str) -> Result<Place<'a>, ResolveError> {
        let own = match self {
            Self::Entry { symbol, prototype } => self.argument(name, prototype.as_ref(), Some(symbol))?,
            Self::Raw { prototype, .. } => self.argument(name, prototype.as_ref(), None)?,
            Self::Return { symbol, prototype } => self.returned(name, symbol, prototype.as_ref())?,
            Self::Tracepoint { name: event, fields } => field(name, event, fields),
            Self::UserEntry { .. } => self.argument(name, None, Some("it"))?.map(|place| Place { user: true, ..place }),
            Self::UserReturn { function } => {
                self.returned(name, function, None)?.map(|place| Place { user: true, ..place })
            }
            Self::Inside => None,
        };
        if let Some(place) = own.or_else(|| builtin(name)) {
            return Ok(place);
        }
        Err(self.unknown(name))
    }

    fn argument(
        &self,
        name: &str,
        prototype: Option<&Prototype<'a>>,
        symbol: Option<&str>,
    ) -> Result<Option<Place<'a>>, ResolveError> {
        let in_registers = symbol.is_some();
        let by_name = prototype.and_then(|prototype| prototype.params.iter().position(|param| param.0 == name));
        let Some(index) = by_name.or_else(|| argument_number(name)) else { return Ok(None) };
        if let (Some(prototype), true) = (prototype, index >= prototype.map_or(usize::MAX, |p| p.params.len())) {
            let count = prototype.params.len();
            let what = symbol.map_or_else(|| "this tracepoint".to_owned(), |symbol| format!("`{symbol}`"));
            let message =
                format!("{what} has {count} argument{}, there is no `{name}`", if count == 1 { "" } else { "s" });
            let list = suggest(name, prototype.names(), "its arguments are");
            return Err(ResolveError::new(message, list));
        }
        let limit = if in_registers { REGISTER_ARGUMENTS } else { MOST_RAW_ARGUMENTS };
        if index >= limit {
            let message = match in_registers {
                true => beyond_registers(name, index),
                false => format!("no raw tracepoint has as many arguments as `{name}` says"),
            };
            return Err(ResolveError::new(message, format!("`arg0` to `arg{}` can be captured", limit - 1)));
        }
        if let (Some(prototype), true) = (prototype, in_registers) {
            refuse_structs_by_value(prototype, index, name)?;
        }
        let ty = match prototype {
            Some(prototype) => Ty::Btf(prototype.btf, prototype.params[index].1),
            None => Ty::Int { size: 8, signed: false },
        };
        Ok(Some(Place::register(FetchSource::Argument(index as u8), ty)))
    }

    fn returned(
        &self,
        name: &str,
        symbol: &str,
        prototype: Option<&Prototype<'a>>,
    ) -> Result<Option<Place<'a>>, ResolveError> {
        if name == "retval" {
            let ty = match prototype {
                Some(prototype) if matches!(prototype.btf.resolve(prototype.returns).1, Type::Void) => {
                    return Err(ResolveError::new(format!("`{symbol}` returns nothing"), ""));
                }
                // In one register, in two, or in memory.
                Some(p) if matches!(p.btf.resolve(p.returns).1, Type::Composite { .. } | Type::Float(_)) => {
                    let message = format!(
                        "`retval` cannot be located: `{symbol}` returns `{}` by value",
                        p.btf.display(p.returns)
                    );
                    return Err(ResolveError::new(message, ""));
                }
                Some(prototype) => Ty::Btf(prototype.btf, prototype.returns),
                None => Ty::Int { size: 8, signed: true },
            };
            return Ok(Some(Place::register(FetchSource::Return, ty)));
        }
        let is_argument = argument_number(name).is_some() || prototype.is_some_and(|p| p.names().any(|n| n == name));
        if is_argument && !BUILTINS.contains(&name) {
            return Err(ResolveError::new(
                format!("`{name}` is an argument: when the function returns, its registers hold other values"),
                match self {
                    Self::UserReturn { .. } => "capture arguments with a `uprobe`; a `uretprobe` has `retval`",
                    _kernel => "capture arguments with a `kprobe`; a `kretprobe` has `retval`",
                },
            ));
        }
        Ok(None)
    }

    fn unknown(&self, name: &str) -> ResolveError {
        let what = match self {
            Self::Entry { symbol, .. } if name == "retval" => at_the_entry(symbol),
            Self::UserEntry { function } if name == "retval" => at_the_entry(function),
            Self::Raw { name: event, .. } if name == "retval" => format!("raw tracepoint `{event}` has no `retval`"),
            Self::Entry { symbol, prototype: None } => nameless(symbol, name),
            Self::Raw { name: event, prototype: None } => nameless(event, name),
            Self::Entry { symbol, .. } => format!("`{symbol}` has no argument `{name}`"),
            Self::Inside => {
                format!("there is no `{name}` inside a function: with an `offset`, arguments have no names")
            }
            Self::Return { symbol, .. } => format!("there is no `{name}` at the return of `{symbol}`"),
            Self::Tracepoint { name: event, .. } => format!("tracepoint `{event}` has no field `{name}`"),
            Self::Raw { name: event, .. } => format!("raw tracepoint `{event}` has no argument `{name}`"),
            Self::UserEntry { function } => {
                format!("a binary does not tell the arguments of `{function}`: there is no `{name}`, only numbers")
            }
            Self::UserReturn { function } => format!("there is no `{name}` at the return of `{function}`"),
        };
        let numbered = ["arg0", "arg1", "arg2"];
        let mut known: Vec<&str> = match self {
            Self::Entry { prototype: Some(prototype), .. } | Self::Raw { prototype: Some(prototype), .. } => {
                prototype.names().collect()
            }
            Self::Entry { prototype: None, .. } | Self::Raw { prototype: None, .. } | Self::UserEntry { .. } => {
                numbered.to_vec()
            }
            Self::Inside => Vec::new(),
            Self::Return { .. } | Self::UserReturn { .. } => vec!["retval"],
            Self::Tracepoint { fields, .. } => fields.iter().map(|field| field.name.as_str()).collect(),
        };
        known.extend(BUILTINS);
        let help = match (self, name) {
            (Self::Entry { symbol, .. }, "retval") => format!("a `kretprobe` of `{symbol}` has it"),
            (Self::UserEntry { function }, "retval") => format!("a `uretprobe` of `{function}` has it"),
            _ => suggest(name, known.iter().copied(), "there are"),
        };
        ResolveError::new(what, help)
    }
}

/// What a function returns is no argument of it.
fn at_the_entry(function: &str) -> String {
    format!("there is no `retval` at the entry of `{function}`")
}

/// Without a type of the function, what is not a number or a builtin is nothing.
fn nameless(hook: &str, name: &str) -> String {
    format!("the kernel's BTF does not tell the arguments of `{hook}`: there is no `{name}`, only numbers")
}

/// A struct that is passed by value takes one or two registers, or none: what follows it has no known place.
fn refuse_structs_by_value(prototype: &Prototype<'_>, index: usize, name: &str) -> Result<(), ResolveError> {
    for (param, ty) in &prototype.params[..=index] {
        if matches!(prototype.btf.resolve(*ty).1, Type::Composite { .. } | Type::Float(_)) {
            let message =
                format!("`{name}` cannot be located: `{param}` is passed by value ({})", prototype.btf.display(*ty));
            return Err(ResolveError::new(message, ""));
        }
    }
    Ok(())
}

/// What is wrong with the argument of this number, which is not one of the first [`REGISTER_ARGUMENTS`].
pub fn beyond_registers(name: &str, index: usize) -> String {
    // arm64 passes two more than x86-64 in registers.
    if cfg!(target_arch = "aarch64") && index < 8 {
        return format!("`{name}` cannot be captured: programs read the first {REGISTER_ARGUMENTS} arguments");
    }
    format!("`{name}` is passed on the stack, not in a register")
}

fn argument_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix("arg")?;
    (!digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

fn builtin<'a>(name: &str) -> Option<Place<'a>> {
    let register = |source| Place::register(source, Ty::Int { size: 4, signed: false });
    let head = |name| Place::register(FetchSource::Context, Ty::Head(name));
    match name {
        "pid" => Some(head("pid")),
        "tid" => Some(head("tid")),
        "uid" => Some(head("uid")),
        "comm" => Some(head("comm")),
        "gid" => Some(Place::register(FetchSource::Gid, Ty::Id)),
        "cpu" => Some(register(FetchSource::Cpu)),
        _ => None,
    }
}

fn field<'a>(name: &str, event: &str, fields: &[TraceField]) -> Option<Place<'a>> {
    let field = fields.iter().find(|field| field.name == name)?;
    let user = event.starts_with("syscalls:sys_enter_");
    let declared = integer_type(&field.c_type);
    let char = matches!(field.c_type.as_str(), "char" | "const char");
    let array = |count| {
        let (size, signed) = declared.unwrap_or((1, false));
        Ty::Array { size, signed, count, char }
    };
    Some(match field.shape {
        TraceShape::DataLoc => {
            Place::record(FetchSource::DataLoc(u8::try_from(field.offset).ok()?), 0, array(0), false)
        }
        TraceShape::RelLoc => Place::record(FetchSource::RelLoc(u8::try_from(field.offset).ok()?), 0, array(0), false),
        TraceShape::Array(count) => Place::record(FetchSource::Context, field.offset, array(count), false),
        TraceShape::Scalar => {
            let ty = match declared {
                _ if field.c_type.ends_with('*') => Ty::Pointer,
                _ if matches!(field.c_type.as_str(), "bool" | "_Bool") && field.size == 1 => Ty::Bool,
                Some((4, false)) if matches!(field.c_type.as_str(), "uid_t" | "gid_t") && field.size >= 4 => Ty::Id,
                // A system call's argument sits in eight bytes; its type says how many of them count.
                Some((size, signed)) if size <= field.size => Ty::Int { size, signed },
                Some(_) | None if matches!(field.size, 1 | 2 | 4 | 8) => {
                    Ty::Int { size: field.size, signed: field.signed }
                }
                Some(_) | None => Ty::Array { size: 1, signed: false, count: field.size, char: false },
            };
            Place::record(FetchSource::Context, field.offset, ty, user)
        }
    })
}
