// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an expression to the place that it names, step by step.

use super::element::Which;
use super::names::{Found, Names};
use super::parts::Composite;
use super::place::{Place, Ty};
use super::reached::Reached;
use super::retype::composite;
use crate::expr::builtin::builtin;
use crate::expr::item::{Instead, Read};
use crate::expr::operand::{Operand, OperandSource};
use crate::expr::parse::parse;
use crate::expr::stack::is_stack_of;
use crate::expr::types;
use crate::spec::{Cast, Expr, ExprNode, Fetch, FetchCopy, FetchSource, FieldType, Kept};
use crate::words::{Refusal, list};

/// Most pointers that one value may be behind.
const MAX_HOPS: usize = 8;
/// Deeper than this, a path goes through captures or builtins in a circle.
const MAX_DEPTH: u32 = 64;

/// True for an expression that only says where a value is: the resolver makes an [`Operand`] of it.
pub fn is_path(expr: &Expr) -> bool {
    match &expr.node {
        ExprNode::Name(_) | ExprNode::ContainerOf { .. } => true,
        ExprNode::Member { of, .. } | ExprNode::Index { of, .. } | ExprNode::Cast { of, .. } => is_path(of),
        ExprNode::Method { of, name, .. } => is_stack_of(of, name),
        ExprNode::Call { name, args, .. } => match name.as_str() {
            "first_of" => args.iter().all(is_path),
            "kstack" | "ustack" => true,
            _other => false,
        },
        ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::Unary { .. }
        | ExprNode::Binary { .. }
        | ExprNode::In { .. }
        | ExprNode::List(_) => false,
    }
}

/// The name of the hook, or builtin, that a path begins with (`pid` of `args.pid`); `None` for what is none, begins with several, or
/// asks for no name of the hook.
pub fn first_name(expr: &Expr) -> Option<&str> {
    match &expr.node {
        ExprNode::Name(name) => Some(name),
        ExprNode::Member { of, name, .. } => match first_name(of) {
            Some("args") if matches!(of.node, ExprNode::Name(_)) => Some(name),
            // These are never the hook's.
            Some("current" | "kernel") if matches!(of.node, ExprNode::Name(_)) => None,
            first => first,
        },
        ExprNode::Index { of, .. } | ExprNode::Cast { of, .. } | ExprNode::ContainerOf { of, .. } => first_name(of),
        ExprNode::Call { name, .. } if matches!(name.as_str(), "kstack" | "ustack") => Some(name),
        ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::Call { .. }
        | ExprNode::Method { .. }
        | ExprNode::Unary { .. }
        | ExprNode::Binary { .. }
        | ExprNode::In { .. }
        | ExprNode::List(_) => None,
    }
}

impl<'a> Names<'_, 'a> {
    /// What a path comes to.
    pub fn value(&self, expr: &Expr) -> Result<Operand, Refusal> {
        self.value_within(expr, MAX_DEPTH)
    }

    fn value_within(&self, expr: &Expr, depth: u32) -> Result<Operand, Refusal> {
        let operand = match self.walk(expr, depth)? {
            Reached::Place(place) => types::by_type(place, &expr.to_string()),
            Reached::Composite(composite) => composite.operand(&expr.to_string()),
            Reached::Value(operand) => Ok(operand),
            Reached::Nothing => Ok(Operand::nothing(FieldType::Unsigned, 8)),
        };
        operand.and_then(not_too_far).map_err(|refusal| refusal.at(expr.range.clone()))
    }

    fn walk(&self, expr: &Expr, depth: u32) -> Result<Reached<'a>, Refusal> {
        let here = || expr.range.clone();
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Refusal::new("the expression is nested too deeply").at(here()));
        };
        match &expr.node {
            ExprNode::Name(name) => self.name(name, depth).map_err(|refusal| refusal.at(here())),
            ExprNode::Member { of, name, at, .. } => {
                let reached = match self.qualified(of, name, depth) {
                    Some(found) => found,
                    None => member(self.walk(of, depth)?, name, &of.to_string()),
                };
                reached.map_err(|refusal| refusal.at(at.0.clone()))
            }
            ExprNode::Index { of, index } => self.index(of, index, depth).map_err(|refusal| refusal.at(here())),
            ExprNode::Cast { of, cast, at } => {
                let reached = self.walk(of, depth)?;
                self.cast(reached, of, cast, depth).map_err(|refusal| refusal.at(at.0.clone()))
            }
            ExprNode::ContainerOf { of, container, member } => {
                let around = match self.walk(of, depth)? {
                    Reached::Place(place) => composite(self.machine.types.get(), container)
                        .and_then(|target| place.around(target, member, &of.to_string()))
                        .map(Reached::Place),
                    Reached::Nothing => Ok(Reached::Nothing),
                    Reached::Composite(_) | Reached::Value(_) => {
                        Err(Refusal::new(format!("`{of}` is no pointer to a member of a struct")))
                    }
                };
                around.map_err(|refusal| refusal.at(here()))
            }
            ExprNode::Method { of, name, args, at } => match (&of.node, args.as_slice()) {
                (ExprNode::Name(hook), [size]) if hook == "current" && is_stack_of(of, name) => {
                    self.sized_stack(name, size).map_err(|refusal| refusal.at(at.0.clone()))
                }
                (ExprNode::Name(hook), _) if is_stack_of(of, name) => {
                    let refusal = Refusal::new(format!("`{hook}` is no hook that has a stack here"));
                    Err(refusal.help(format!("write `{name}(16)`; spans have `start.{name}(16)`")).at(here()))
                }
                _other => Err(no_path(expr)),
            },
            ExprNode::Call { name, args, at } => match name.as_str() {
                "first_of" => self.first_of(args, depth).map_err(|refusal| refusal.at(here())),
                "kstack" | "ustack" => match args.as_slice() {
                    [size] => self.sized_stack(name, size).map_err(|refusal| refusal.at(at.0.clone())),
                    _other => Err(no_path(expr)),
                },
                _other => Err(no_path(expr)),
            },
            ExprNode::Number(_)
            | ExprNode::Duration(_)
            | ExprNode::Text(_)
            | ExprNode::Bool(_)
            | ExprNode::Null
            | ExprNode::Unary { .. }
            | ExprNode::Binary { .. }
            | ExprNode::In { .. }
            | ExprNode::List(_) => Err(no_path(expr)),
        }
    }

    /// A name alone: a capture, the hook's, a builtin. A builtin that is a path is walked as if it stood there.
    fn name(&self, name: &str, depth: u32) -> Result<Reached<'a>, Refusal> {
        if let Some(expr) = self.captured(name) {
            return self.inside_captures().walk(expr, depth);
        }
        match self.lookup(name)? {
            Found::Reached(reached) => Ok(reached),
            Found::Path(text) => self.expanded(text, depth),
            Found::Instead(instead) => self.instead(&instead, depth),
        }
    }

    /// A path that is read in a way of its own.
    fn instead(&self, instead: &Instead, depth: u32) -> Result<Reached<'a>, Refusal> {
        let place = match (self.expanded(instead.path, depth)?, &instead.read) {
            (Reached::Place(place), _) => place,
            (reached, _) => return Ok(reached),
        };
        match &instead.read {
            Read::ByType => Ok(Reached::Place(place)),
            Read::Shown(kind, size) => {
                let ty = Ty::Shown { kind: kind.clone(), size: *size };
                Ok(Reached::Place(Place { ty, ..place }))
            }
            Read::SumOfCpus(kind) => self.sum_of_cpus(place, kind.clone()).map(Reached::Value),
        }
    }

    /// The sum of what each CPU has at a place, which is an offset into its own memory.
    fn sum_of_cpus(&self, place: Place<'a>, kind: FieldType) -> Result<Operand, Refusal> {
        let (offsets, cpus) = (self.machine.cpu_memory)().ok_or_else(|| {
            Refusal::new("this kernel does not say where the memory of each CPU is, which this is the sum of")
                .help("it takes CONFIG_KALLSYMS_ALL with CAP_SYSLOG and `kernel.kptr_restrict` below 2, or Linux 5.19")
        })?;
        let (before, fetch) = place.fetch(FetchCopy::SumOfCpus { offsets, cpus }, 8, 8);
        let source = OperandSource::Fetch(fetch);
        Ok(Operand { before, source, part: 0, size: 8, of_end: None, bits: None, kind })
    }

    fn expanded(&self, text: &str, depth: u32) -> Result<Reached<'a>, Refusal> {
        let expr = parse(text).map_err(|error| Refusal::new(error.message))?;
        // What is wrong in there is nothing that the file says.
        self.of_builtins().walk(&expr, depth).map_err(|refusal| Refusal { range: None, ..refusal })
    }

    /// `args.X`, `current.X` and `kernel.X`, where the first is not a name of the hook or a capture itself.
    fn qualified(&self, of: &Expr, name: &str, depth: u32) -> Option<Result<Reached<'a>, Refusal>> {
        let ExprNode::Name(qualifier) = &of.node else { return None };
        if self.captured(qualifier).is_some() || self.is_own(qualifier) {
            return None;
        }
        match qualifier.as_str() {
            "args" => Some(match self.instead_of(name).filter(|_| builtin(name).is_none()) {
                Some(instead) => self.instead(&instead, depth),
                None => self.own_name(name),
            }),
            "current" => Some(match self.builtin(name) {
                Ok(Found::Reached(reached)) => Ok(reached),
                Ok(Found::Path(text)) => self.expanded(text, depth),
                Ok(Found::Instead(instead)) => self.instead(&instead, depth),
                Err(refusal) => Err(refusal),
            }),
            "kernel" => Some(self.variable(name).map(Reached::Place)),
            _other => None,
        }
    }

    fn index(&self, of: &Expr, index: &Expr, depth: u32) -> Result<Reached<'a>, Refusal> {
        let text = of.to_string();
        let place = match self.walk(of, depth)? {
            Reached::Place(place) => place,
            Reached::Nothing => return Ok(Reached::Nothing),
            Reached::Composite(_) | Reached::Value(_) => {
                return Err(Refusal::new(format!("`{text}` is not an array")));
            }
        };
        let which = match &index.node {
            ExprNode::Number(number) => Which::Number(*number),
            _ => Which::Value(self.kept(index, "an index", depth)?),
        };
        place.element(which, &text, &index.to_string()).map(Reached::Place)
    }

    /// The fetches that keep a number, for an index or a length.
    fn kept(&self, expr: &Expr, role: &str, depth: u32) -> Result<Vec<Fetch>, Refusal> {
        if !is_path(expr) {
            let message = format!("{role} that is calculated cannot be used: `{expr}`");
            let help = "a number, or a path to one (`fd`, `from->count`, `retval as i32`), can";
            return Err(Refusal::new(message).help(help).at(expr.range.clone()));
        }
        let operand = self.value_within(expr, depth)?;
        let range = || expr.range.clone();
        let signed = types::is_number(&operand.kind)
            .ok_or_else(|| Refusal::new(format!("{role} must be a number, and `{expr}` is none")).at(range()))?;
        let fetch = match operand.source {
            OperandSource::Head { fetch, .. } | OperandSource::Fetch(fetch) => fetch,
            OperandSource::Nothing | OperandSource::Field(_) => {
                return Err(Refusal::new(format!("`{expr}` is not known here, so it is no use as {role}")).at(range()));
            }
        };
        let number = operand.before.len() as u8;
        if operand.bits.is_some() || operand.part != 0 || number >= Kept::ROOM {
            let message =
                format!("`{expr}` cannot be used as {role}: it is no whole integer, or needs too many others");
            return Err(Refusal::new(message).at(range()));
        }
        let keep = Some(Kept { number, size: operand.size as u8, signed });
        let mut before = operand.before;
        before.push(Fetch { keep, slot: 0, ..fetch });
        Ok(before)
    }

    fn cast(&self, reached: Reached<'a>, of: &Expr, cast: &Cast, depth: u32) -> Result<Reached<'a>, Refusal> {
        let text = of.to_string();
        let place = match reached {
            Reached::Place(place) => place,
            Reached::Nothing => return Ok(nothing_as(cast)),
            Reached::Value(operand) => return types::recast(operand, cast, &text).map(Reached::Value),
            Reached::Composite(composite) => {
                return types::recast(composite.operand(&text)?, cast, &text).map(Reached::Value);
            }
        };
        if let Cast::Struct(name) = cast {
            let target = composite(self.machine.types.get(), name)?;
            return place.retyped(target, &text, name).map(Reached::Place);
        }
        if matches!(cast, Cast::Sock | Cast::Sockaddr | Cast::Packet) {
            let place = types::address(place, cast, &text)?;
            return Ok(Composite::of(cast, place).map_or(Reached::Nothing, Reached::Composite));
        }
        let length = match cast {
            Cast::String(size) | Cast::UserString(size) | Cast::Bytes(size) => size.length.as_deref(),
            _ => None,
        };
        let kept = length.map(|length| self.kept(length, "a length", depth)).transpose()?;
        types::read(place, cast, kept, self.machine.types, &text).map(Reached::Value)
    }

    fn first_of(&self, args: &[Expr], depth: u32) -> Result<Reached<'a>, Refusal> {
        let mut lacking = Vec::new();
        for arg in args {
            match self.walk(arg, depth) {
                Ok(Reached::Nothing) => {}
                Ok(reached) => return Ok(reached),
                Err(refusal) => lacking.push((arg, refusal)),
            }
        }
        if self.machine.is_one_of_several || lacking.is_empty() {
            return Ok(Reached::Nothing);
        }
        if let [(arg, refusal)] = lacking.as_slice() {
            return Err(refusal.clone().at(arg.range.clone()));
        }
        let reasons: Vec<&str> = lacking.iter().map(|(_, refusal)| refusal.message.as_str()).collect();
        let texts: Vec<String> = lacking.iter().map(|(arg, _)| arg.to_string()).collect();
        let message = format!("none of {} is here", list(texts.iter().map(String::as_str), 8));
        Err(Refusal::new(message).help(reasons.join("; ")))
    }
}

/// What is not here, of the type that it has where it is.
fn nothing_as<'a>(cast: &Cast) -> Reached<'a> {
    let nowhere = Place::register(FetchSource::Constant(0), Ty::Pointer { to: None, char: false });
    if let Some(composite) = Composite::of(cast, nowhere.clone()) {
        return Reached::Composite(composite.absent());
    }
    match (cast, types::read(nowhere, cast, None, None.into(), "")) {
        (Cast::Path { .. } | Cast::FdPath, _) => Reached::Value(Operand::nothing(FieldType::Path, 8)),
        (_, Ok(operand)) => Reached::Value(Operand::nothing(operand.kind, operand.size)),
        (_, Err(_)) => Reached::Nothing,
    }
}

/// A member or a part of where a path stands.
fn member<'a>(reached: Reached<'a>, name: &str, text: &str) -> Result<Reached<'a>, Refusal> {
    match reached {
        Reached::Place(place) => {
            let is_sockaddr = place.ty.struct_name() == "sockaddr" && Composite::is_part_of_sockaddr(name);
            match place.clone().step(name, text) {
                Ok(place) => Ok(Reached::Place(place)),
                Err(_) if is_sockaddr => member(sockaddr(place, text)?, name, text),
                Err(refusal) => Err(refusal),
            }
        }
        Reached::Composite(composite) => composite.step(name, text).map(Reached::Composite),
        Reached::Nothing => Ok(Reached::Nothing),
        Reached::Value(_) => Err(Refusal::new(format!("`{text}` has no members: it is a single value"))),
    }
}

/// What a `struct sockaddr` is without being told.
fn sockaddr<'a>(place: Place<'a>, text: &str) -> Result<Reached<'a>, Refusal> {
    let place = types::address(place, &Cast::Sockaddr, text)?;
    Ok(Composite::of(&Cast::Sockaddr, place).map_or(Reached::Nothing, Reached::Composite))
}

/// Holds that no pointer is behind too many others.
pub(in crate::expr) fn not_too_far(operand: Operand) -> Result<Operand, Refusal> {
    let fetches = operand.before.iter().chain(operand.source.fetch());
    let hops = fetches.map(|fetch| fetch.hops.len()).max().unwrap_or_default();
    if hops > MAX_HOPS {
        let message = format!("the value is behind {hops} pointers; at most {MAX_HOPS} can be followed");
        return Err(Refusal::new(message).help("begin closer to it: a hook whose arguments have it, or `container_of`"));
    }
    Ok(operand)
}

fn no_path(expr: &Expr) -> Refusal {
    let message = format!("`{expr}` does not name a value that can be read");
    Refusal::new(message).help("name an argument, a field, a builtin, or a member of one").at(expr.range.clone())
}
