// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a first name stands for: a capture, a name of the hook, a builtin, a variable of the kernel.

use super::place::{Place, Ty};
use super::reached::Reached;
use crate::catalog::{Named, Type};
use crate::expr::builtin::{Builtin, BuiltinValue, builtin, builtin_names};
use crate::expr::foreign;
use crate::expr::item::Instead;
use crate::expr::machine::{Machine, Variable};
use crate::expr::operand::{Operand, OperandSource};
use crate::expr::scope::Scope;
use crate::expr::stack::frames;
use crate::spec::{Capture, Expr, FetchCopy, FetchSource, FieldType, NameTable, StackSlot};
use crate::words::{Refusal, suggest};

/// The names that a path can begin with, at one place of a probe.
#[derive(Clone, Copy)]
pub struct Names<'s, 'a> {
    scope: &'s Scope<'a>,
    pub(super) machine: &'s Machine<'a>,
    /// What `where` can name first; inside captures, nothing.
    captures: &'s [Capture],
    /// Who wins where the hook and the builtins both have a name.
    both: Both,
}

/// Who wins where the hook and the builtins both have a name.
#[derive(Clone, Copy)]
enum Both {
    /// The hook: in `capture`, as since 0.1.0.
    Hook,
    /// Nobody: it must be said.
    Neither,
    /// The builtin: in what a builtin stands for.
    Builtin,
}

/// What a name stands for.
pub(super) enum Found<'a> {
    /// This.
    Reached(Reached<'a>),
    /// A path in the language.
    Path(&'static str),
    /// The same, read in another way than its type says.
    Instead(Instead),
}

impl<'s, 'a> Names<'s, 'a> {
    /// The names inside `capture`.
    pub fn of_captures(scope: &'s Scope<'a>, machine: &'s Machine<'a>) -> Self {
        Self { scope, machine, captures: &[], both: Both::Hook }
    }

    /// The names in `where`, `by` and `values`: those of the captures come first.
    pub fn of_conditions(scope: &'s Scope<'a>, machine: &'s Machine<'a>, captures: &'s [Capture]) -> Self {
        Self { scope, machine, captures, both: Both::Neither }
    }

    pub(in crate::expr) fn inside_captures(&self) -> Self {
        Self { captures: &[], both: Both::Hook, ..*self }
    }

    pub(super) fn of_builtins(&self) -> Self {
        Self { captures: &[], both: Both::Builtin, ..*self }
    }

    /// The expression of the capture of this name.
    pub fn captured(&self, name: &str) -> Option<&'s Expr> {
        self.captures.iter().find(|capture| capture.name == name).map(|capture| &capture.expr)
    }

    /// True where the hook itself has the name.
    pub(in crate::expr) fn is_own(&self, name: &str) -> bool {
        matches!(self.scope.own(name, self.machine.types), Ok(Some(_)))
    }

    /// False for a name that stands for nothing here. What cannot be read for a reason of its own stands for something.
    pub(in crate::expr) fn is_known(&self, name: &str) -> bool {
        let is_qualifier = ["args", "current", "kernel"].contains(&name);
        let is_elsewhere = || self.machine.elsewhere.iter().any(|other| other == name);
        let is_own = || !matches!(self.scope.own(name, self.machine.types), Ok(None));
        let is_instead = || self.scope.instead(name).is_some();
        is_qualifier || builtin(name).is_some() || is_elsewhere() || is_instead() || is_own()
    }

    /// The kernel's types.
    pub(in crate::expr) fn btf(&self) -> Option<&'a crate::catalog::Btf> {
        self.machine.types.get()
    }

    /// What the hook itself has of that name. What a target lacks is no mistake where others have it.
    fn own_or_elsewhere(&self, name: &str) -> Result<Option<Reached<'a>>, Refusal> {
        let is_elsewhere = self.machine.elsewhere.iter().any(|other| other == name);
        if is_elsewhere && self.scope.lacks(name) { Ok(None) } else { self.scope.own(name, self.machine.types) }
    }

    /// What the name stands for that is no capture.
    pub(super) fn lookup(&self, name: &str) -> Result<Found<'a>, Refusal> {
        let known = builtin(name);
        if let Some(instead) = self.scope.instead(name) {
            return Ok(Found::Instead(instead));
        }
        if let (Both::Builtin, Some(known)) = (self.both, known) {
            return self.value_of(known);
        }
        match (self.own_or_elsewhere(name)?, known, self.both) {
            (Some(_), Some(known), Both::Neither) if self.is_another(known) => {
                let message = format!("`{name}` is a name of this hook and a builtin");
                Err(Refusal::new(message)
                    .help(format!("write `args.{name}` for the hook's, `current.{name}` for the builtin")))
            }
            (Some(own), ..) => Ok(Found::Reached(own)),
            (None, Some(known), _) => self.value_of(known),
            (None, None, _) if self.machine.elsewhere.iter().any(|other| other == name) => {
                Ok(Found::Reached(Reached::Nothing))
            }
            (None, None, _) => Err(self.unknown(name)),
        }
    }

    /// False for what is told of a process where no process runs: what the hook itself calls so, the socket's cgroup, is all there is.
    fn has_meaning(&self, builtin: &Builtin) -> bool {
        !builtin.of_process || self.scope.runs_in_process()
    }

    /// True for a builtin that is something else than what the hook calls so: the thread of an item is the item's own.
    fn is_another(&self, builtin: &Builtin) -> bool {
        self.has_meaning(builtin) && !(builtin.of_process && self.scope.has_items_process())
    }

    /// What a name of the hook stands for that is a path.
    pub(super) fn instead_of(&self, name: &str) -> Option<Instead> {
        self.scope.instead(name)
    }

    /// `args.X`
    pub(super) fn own_name(&self, name: &str) -> Result<Reached<'a>, Refusal> {
        match self.own_or_elsewhere(name)? {
            Some(own) => Ok(own),
            None if self.machine.elsewhere.iter().any(|other| other == name) => Ok(Reached::Nothing),
            None => Err(self.scope.unknown(name)),
        }
    }

    /// `current.X`
    pub(super) fn builtin(&self, name: &str) -> Result<Found<'a>, Refusal> {
        match builtin(name) {
            Some(known) => self.value_of(known),
            None => Err(Refusal::new(format!("there is no builtin `{name}`")).maybe_help(suggest(
                name,
                builtin_names(),
                "there are",
            ))),
        }
    }

    fn unknown(&self, name: &str) -> Refusal {
        let refusal = self.scope.unknown(name).maybe_help(foreign::name(name).map(str::to_owned));
        let captures = self.captures.iter().map(|capture| capture.name.as_str());
        match suggest(name, captures, "").filter(|_| self.machine.types.get().is_some() || refusal.help.is_none()) {
            Some(help) => Refusal { help: Some(help), ..refusal },
            None => refusal,
        }
    }

    fn value_of(&self, builtin: &'static Builtin) -> Result<Found<'a>, Refusal> {
        let name = builtin.name;
        if let Some(instead) = self.scope.instead(name) {
            return Ok(Found::Instead(instead));
        }
        if !self.has_meaning(builtin) {
            if let Some(own) = self.scope.own(name, self.machine.types)? {
                return Ok(Found::Reached(own));
            }
            return Err(self.scope.no_process(name));
        }
        let register = |source, ty| Found::Reached(Reached::Place(Place::register(source, ty)));
        match &builtin.value {
            BuiltinValue::Head => Ok(register(FetchSource::Context, Ty::Head(name))),
            BuiltinValue::Number(source, size, kind) => {
                Ok(register(*source, Ty::Shown { kind: kind.clone(), size: *size }))
            }
            BuiltinValue::Path(text) => Ok(Found::Path(text)),
            BuiltinValue::Task if self.scope.has_items_process() => {
                let own = self.scope.own(name, self.machine.types)?;
                own.map(Found::Reached).ok_or_else(|| self.scope.unknown(name))
            }
            BuiltinValue::Task => {
                let Some(btf) = self.machine.types.get() else {
                    return Err(Refusal::new(
                        "`task` cannot be followed: this kernel has no BTF, which describes its types",
                    ));
                };
                let to = btf.find(Named::Composite, "task_struct").map(|id| (btf, id));
                Ok(register(FetchSource::Task, Ty::Pointer { to, char: false }))
            }
            BuiltinValue::Target => self.target(name).map(|place| Found::Reached(Reached::Place(place))),
            BuiltinValue::Stack => self.stack(name == "ustack", StackSlot::DEFAULT).map(Found::Reached),
        }
    }

    /// A stack of so many frames.
    fn stack(&self, user: bool, frames: u16) -> Result<Reached<'a>, Refusal> {
        if !self.scope.has_stacks() {
            let message = "this hook has no stacks: the kernel gives none to programs that a call of a socket runs";
            return Err(Refusal::new(message).help("`syscall: connect` has them, and the address"));
        }
        let copy = if user { FetchCopy::UserStack } else { FetchCopy::KernelStack };
        let bytes = StackSlot::bytes(user, frames);
        let place = Place::register(FetchSource::Stack, Ty::Untyped);
        let (before, fetch) = place.fetch(copy, bytes - StackSlot::HEAD, bytes);
        Ok(Reached::Value(Operand {
            before,
            source: OperandSource::Fetch(fetch),
            part: 0,
            size: bytes,
            of_end: None,
            bits: None,
            kind: FieldType::Stack { user },
        }))
    }

    /// `kstack(16)`
    pub(super) fn sized_stack(&self, name: &str, size: &Expr) -> Result<Reached<'a>, Refusal> {
        let known = builtin(name).filter(|known| self.has_meaning(known));
        match (known, frames(name, size)) {
            // It says why.
            (None, _) => self.builtin(name).map(|_| Reached::Nothing),
            (Some(_), Ok(frames)) => self.stack(name == "ustack", frames),
            (Some(_), Err(error)) => Err(Refusal::new(error.message).at(error.range)),
        }
    }

    fn target(&self, name: &str) -> Result<Place<'a>, Refusal> {
        if let Some(target) = self.machine.targets.iter().find(|target| target.word == name) {
            let kind = FieldType::Enum(target.names.clone());
            return Ok(Place::register(target.source, Ty::Shown { kind, size: 8 }));
        }
        if name == "syscall" && self.scope.has_syscalls() {
            let kind = FieldType::Named(NameTable::Syscall);
            return Ok(Place::register(FetchSource::SyscallNumber, Ty::Shown { kind, size: 8 }));
        }
        let here: Vec<&str> = self.machine.targets.iter().map(|target| target.word).collect();
        let message = format!("`{name}` has no meaning at this hook");
        Err(Refusal::new(message).maybe_help(suggest("", here, "what it is attached to is")))
    }

    /// `kernel.NAME`: a variable of the kernel.
    pub(super) fn variable(&self, name: &str) -> Result<Place<'a>, Refusal> {
        let ty = self.machine.types.get().and_then(|btf| {
            let id = btf.find(Named::Var, name)?;
            match btf.get(id) {
                Type::Var { ty, .. } if !is_per_cpu(btf, id) => Some(Ok(Ty::Btf(btf, ty))),
                Type::Var { .. } => Some(Err(Refusal::new(format!("`kernel.{name}` is a variable of each CPU"))
                    .help("only variables that exist once can be read"))),
                _ => None,
            }
        });
        let ty = ty.transpose()?;
        match (self.machine.variable)(name) {
            Variable::At(address) => Ok(Place::record(FetchSource::Constant(address), 0, ty.unwrap_or(Ty::Untyped))),
            Variable::Hidden => Err(Refusal::new(format!("the kernel does not show where `{name}` is")).help(
                "addresses are hidden from this process: it needs CAP_SYSLOG and `kernel.kptr_restrict` below 2",
            )),
            Variable::Unknown => Err(Refusal::new(format!("this kernel has no variable `{name}`"))
                .help("`/proc/kallsyms` lists its variables; kernels without CONFIG_KALLSYMS_ALL leave them out")),
        }
    }
}

/// True for a variable of which each CPU has its own: those are the ones in a section of that name.
fn is_per_cpu(btf: &crate::catalog::Btf, variable: u32) -> bool {
    btf.all(Named::Section).filter(|id| btf.name(*id) == ".data..percpu").any(|id| match btf.get(id) {
        Type::Section(entries) => entries.iter().any(|(id, ..)| *id == variable),
        _ => false,
    })
}
