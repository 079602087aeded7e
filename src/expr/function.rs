// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments and results of functions, and arguments of raw tracepoints, as names that expressions begin with.

use super::builtin::{BUILTINS, builtin};
use super::path::{Place, Ty};
use super::prototype::Prototype;
use crate::catalog::Type;
use crate::spec::{FetchSource, HookKind};
use crate::words::{Refusal, suggest};

/// Arguments that are passed in registers, and that the program can read: six on x86-64 (rdi, rsi, rdx, rcx, r8, r9), eight on
/// arm64 (x0 to x7).
pub const REGISTER_ARGUMENTS: usize = if cfg!(target_arch = "aarch64") { 8 } else { 6 };

/// Arguments of a raw tracepoint, MAX_BPF_FUNC_ARGS of `include/linux/bpf.h`.
pub const MOST_RAW_ARGUMENTS: usize = 12;

/// What a function or a raw tracepoint offers where a program meets it.
pub struct FunctionScope<'a> {
    /// Whose arguments they are.
    pub owner: Owner,
    /// Its name, for messages.
    pub name: String,
    /// Its parameters and what it returns; `None`: nobody has a type for it, arguments are only known by number.
    pub prototype: Option<Prototype<'a>>,
    /// Where its arguments are.
    pub arguments: Arguments,
    /// Where what it returns is.
    pub result: Returned,
    /// The kind of hook that has the arguments, and the one that has the result.
    pub kinds: (HookKind, HookKind),
}

/// Whose arguments a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A function of the kernel.
    Kernel,
    /// A function of a program or library, of whose arguments a binary tells nothing.
    User,
    /// A raw tracepoint.
    Event,
}

/// Where arguments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// In the registers of a call.
    Registers,
    /// One after the other in the context of the program, each in a word of eight bytes or more.
    Words,
    /// The registers hold other values by now.
    Gone,
}

/// Where the result of a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Nowhere yet, or never.
    Nowhere,
    /// In the register of a return.
    Register,
    /// In the word after those of the arguments.
    AfterArguments,
}

impl<'a> FunctionScope<'a> {
    /// The place of one of its own names; `None` where it has none of that name.
    pub(super) fn own(&self, name: &str) -> Result<Option<Place<'a>>, Refusal> {
        if name == "retval" && self.result != Returned::Nowhere {
            return self.returned().map(Some);
        }
        let place = self.argument(name)?;
        let is_user = self.owner == Owner::User;
        Ok(place.map(|place| if is_user { place.of_user() } else { place }))
    }

    /// The same where the call returns, as if its arguments were still there.
    pub(super) fn with_result(&self, result: Returned) -> Self {
        let Self { owner, name, prototype, arguments, kinds, .. } = self;
        Self {
            owner: *owner,
            name: name.clone(),
            prototype: prototype.clone(),
            arguments: *arguments,
            result,
            kinds: *kinds,
        }
    }

    /// True for the result of a function that returns nothing, and for the number of an argument that it does not have.
    pub(super) fn lacks(&self, name: &str) -> bool {
        let Some(prototype) = &self.prototype else { return false };
        match argument_number(name) {
            Some(index) => index >= prototype.params.len(),
            None => name == "retval" && returns_nothing(prototype),
        }
    }

    fn argument(&self, name: &str) -> Result<Option<Place<'a>>, Refusal> {
        let prototype = self.prototype.as_ref();
        let by_name = prototype.and_then(|prototype| prototype.params.iter().position(|param| param.0 == name));
        if self.arguments == Arguments::Gone {
            return self.gone(name, by_name.is_some());
        }
        let Some(index) = by_name.or_else(|| argument_number(name)) else { return Ok(None) };
        if let Some(prototype) = prototype.filter(|prototype| index >= prototype.params.len()) {
            return Err(self.too_few(name, prototype));
        }
        let limit = if self.arguments == Arguments::Registers { REGISTER_ARGUMENTS } else { MOST_RAW_ARGUMENTS };
        if index >= limit {
            let message = match self.owner {
                Owner::Event => format!("no raw tracepoint has an argument `{name}`"),
                Owner::Kernel | Owner::User => beyond_registers(name, index),
            };
            return Err(Refusal::new(message).help(format!("`arg0` to `arg{}` can be captured", limit - 1)));
        }
        let Some(prototype) = prototype else {
            let ty = Ty::Int { size: 8, signed: false };
            return Ok(Some(Place::register(FetchSource::Argument(index as u8), ty)));
        };
        let word = self.word(prototype, index, name)?;
        let ty = Ty::Btf(prototype.btf, prototype.params[index].1);
        Ok(Some(Place::register(FetchSource::Argument(word as u8), ty)))
    }

    /// In which register, or word of the context, an argument begins.
    fn word(&self, prototype: &Prototype<'a>, index: usize, name: &str) -> Result<usize, Refusal> {
        let refused = |(param, ty): &(String, _)| {
            prototype.by_value(*ty).map(|ty| {
                let message = format!("`{name}` cannot be located: `{param}` is passed by value ({ty})");
                Refusal::new(message)
            })
        };
        match (self.arguments, self.owner) {
            // A struct that is passed by value takes one or two registers, or none: what follows it has no known place.
            (Arguments::Registers, _) => prototype.params[..=index].iter().find_map(refused).map_or(Ok(index), Err),
            (Arguments::Words, Owner::Event) | (Arguments::Gone, _) => Ok(index),
            (Arguments::Words, Owner::Kernel | Owner::User) => {
                prototype.params.get(index).and_then(refused).map_or(Ok(prototype.words(index)), Err)
            }
        }
    }

    fn too_few(&self, name: &str, prototype: &Prototype<'_>) -> Refusal {
        let count = prototype.params.len();
        let what = match self.owner {
            Owner::Event => "this tracepoint".to_owned(),
            Owner::Kernel | Owner::User => format!("`{}`", self.name),
        };
        let message = format!("{what} has {count} argument{}, there is no `{name}`", if count == 1 { "" } else { "s" });
        Refusal::new(message).maybe_help(suggest(name, prototype.names(), "its arguments are"))
    }

    fn returned(&self) -> Result<Place<'a>, Refusal> {
        let source = match (self.result, &self.prototype) {
            (Returned::AfterArguments, Some(prototype)) => {
                FetchSource::Argument(prototype.words(prototype.params.len()) as u8)
            }
            (Returned::AfterArguments | Returned::Register | Returned::Nowhere, _) => FetchSource::Return,
        };
        let Some(prototype) = &self.prototype else {
            let place = Place::register(source, Ty::Int { size: 8, signed: true });
            return Ok(if self.owner == Owner::User { place.of_user() } else { place });
        };
        if returns_nothing(prototype) {
            return Err(Refusal::new(format!("`{}` returns nothing", self.name)));
        }
        // In one register, in two, or in memory.
        if let Some(ty) = prototype.by_value(prototype.returns) {
            let message = format!("`retval` cannot be located: `{}` returns `{ty}` by value", self.name);
            return Err(Refusal::new(message));
        }
        Ok(Place::register(source, Ty::Btf(prototype.btf, prototype.returns)))
    }

    /// What became of an argument when the function has returned.
    fn gone(&self, name: &str, is_param: bool) -> Result<Option<Place<'a>>, Refusal> {
        if (argument_number(name).is_none() && !is_param) || builtin(name).is_some() {
            return Ok(None);
        }
        let (entry, on_return) = self.kinds;
        Err(Refusal::new(format!(
            "`{name}` is an argument: when the function returns, its registers hold other values"
        ))
        .help(format!("capture arguments with a `{entry}`; a `{on_return}` has `retval`")))
    }

    /// That it has no such name.
    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let Self { owner, prototype, arguments, .. } = self;
        let of = &self.name;
        if name == "retval" && *owner != Owner::Event {
            let help = format!("a `{}` of `{of}` has it", self.kinds.1);
            return Refusal::new(format!("there is no `retval` at the entry of `{of}`")).help(help);
        }
        let message = match (owner, arguments, prototype) {
            (Owner::Event, ..) if name == "retval" => format!("raw tracepoint `{of}` has no `retval`"),
            (_, Arguments::Gone, _) => format!("there is no `{name}` at the return of `{of}`"),
            (Owner::User, ..) => {
                format!("there is no `{name}`: binaries do not store the argument names of `{of}`")
            }
            // Without a type, what is not a number or a builtin is nothing.
            (Owner::Kernel | Owner::Event, _, None) => {
                format!("there is no `{name}`: the kernel's BTF does not describe the arguments of `{of}`")
            }
            (Owner::Event, _, Some(_)) => format!("raw tracepoint `{of}` has no argument `{name}`"),
            (Owner::Kernel, _, Some(_)) => format!("`{of}` has no argument `{name}`"),
        };
        let mut known: Vec<&str> = match (arguments, prototype) {
            (Arguments::Gone, _) => Vec::new(),
            (Arguments::Registers | Arguments::Words, Some(prototype)) => prototype.names().collect(),
            (Arguments::Registers | Arguments::Words, None) => vec!["arg0", "arg1", "arg2"],
        };
        if self.result != Returned::Nowhere {
            known.push("retval");
        }
        known.extend(BUILTINS.iter().map(|builtin| builtin.name));
        Refusal::new(message).maybe_help(suggest(name, known.iter().copied(), "there are"))
    }
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

fn returns_nothing(prototype: &Prototype<'_>) -> bool {
    matches!(prototype.btf.resolve(prototype.returns).1, Type::Void)
}
