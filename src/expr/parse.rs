// SPDX-License-Identifier: MIT OR Apache-2.0
//! From text to an expression, by the precedence of its operators.
//!
//! ```text
//! tightest   a->b  a[0]  a.under(t)
//!            ! ~ -
//!            * / %     + -     << >>     &     ^     |
//!            == != < <= > >= in  not in       (they do not chain)
//!            not
//!            &&
//!            ||
//! last       as TYPE
//! ```

use std::ops::Range;

use super::cursor::Cursor;
use super::error::{ExprError, error};
use super::foreign;
use super::functions::{FUNCTIONS, Function, METHODS, find};
use super::lex::lex;
use super::parse_type::parse_type;
use super::stack::{frames, is_stack_of};
use super::token::Tok;
use super::unexpected::{MISSING, empty, is_c_cast, no_value, not_expected};
use crate::spec::{At, BinaryOp, Cast, Expr, ExprNode, UnaryOp};

/// Bytes of the longest expression.
const MAX_BYTES: usize = 16 << 10;
/// How deep parentheses, calls and lists may nest.
const MAX_NESTING: u16 = 64;
/// How deep an expression may be in all: `a && b && c` is two deep.
const MAX_DEPTH: u16 = 192;

/// How tightly `==` and its like hold; `not` less.
const COMPARISON: u8 = 4;
const NOT: u8 = 3;
const LEAST: u8 = 1;

/// Reads an expression.
pub fn parse(text: &str) -> Result<Expr, ExprError> {
    parse_with(text, &[])
}

/// Reads an expression of which the bytes of `opaque` came from the environment or a variable: each is one literal, or a part of a
/// text.
pub fn parse_with(text: &str, opaque: &[Range<usize>]) -> Result<Expr, ExprError> {
    if text.len() > MAX_BYTES {
        let help = "a long list belongs into a set, which can be a file";
        return Err(error(
            0..0,
            format!("the expression has {} bytes; at most {MAX_BYTES} are possible", text.len()),
            help,
        ));
    }
    let mut parser = Parser { cursor: Cursor::new(text, lex(text, opaque)), nesting: 0 };
    if *parser.cursor.tok() == Tok::End {
        return Err(empty(text.len()));
    }
    let deep = parser.whole()?;
    match parser.cursor.tok() {
        Tok::End => Ok(deep.expr),
        _more => Err(not_expected(&parser.cursor)),
    }
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    nesting: u16,
}

/// An expression, and how deep it is.
struct Deep {
    expr: Expr,
    depth: u16,
}

impl Deep {
    fn leaf(node: ExprNode, range: Range<usize>) -> Self {
        Self { expr: Expr::new(node, range), depth: 1 }
    }

    /// One around parts, of which the deepest is `depth` deep.
    fn around(node: ExprNode, range: Range<usize>, depth: u16) -> Result<Self, ExprError> {
        if depth >= MAX_DEPTH {
            return Err(too_deep(range));
        }
        Ok(Self { expr: Expr::new(node, range), depth: depth + 1 })
    }
}

fn too_deep(range: Range<usize>) -> ExprError {
    let help = "write a long condition as a list of clauses, a long choice as a list: `x in [1, 2]`";
    error(range, "the expression is nested too deeply", help)
}

impl Parser<'_> {
    /// Everything up to a closing sign or the end: operators, then perhaps a type.
    fn whole(&mut self) -> Result<Deep, ExprError> {
        if self.nesting >= MAX_NESTING {
            return Err(too_deep(self.cursor.range()));
        }
        self.nesting += 1;
        let deep = self.operators(LEAST);
        let deep = deep.and_then(|deep| if self.cursor.is_word("as") { self.cast(deep) } else { Ok(deep) });
        self.nesting -= 1;
        deep
    }

    /// `a as TYPE`, at the word `as`.
    fn cast(&mut self, of: Deep) -> Result<Deep, ExprError> {
        self.cursor.advance();
        let begin = self.cursor.range().start;
        let (cast, inner) = self.type_after_as()?;
        let end = self.cursor.end_before();
        if let Some((sign, behind)) = self.operator_here() {
            let whole = &self.cursor.text[of.expr.range.start..end];
            let help = format!("`as` stands last: write `({whole}) {behind}`");
            return Err(error(self.cursor.range(), format!("`{sign}` cannot follow a type"), help));
        }
        let range = of.expr.range.start..end;
        let node = ExprNode::Cast { of: Box::new(of.expr), cast, at: At(begin..end) };
        Deep::around(node, range, of.depth.max(inner))
    }

    /// The type here, and how deep its length is.
    fn type_after_as(&mut self) -> Result<(Cast, u16), ExprError> {
        // The cursor moves into the reader of the length and back.
        let mut nested = Parser { cursor: Cursor::new("", Vec::new()), nesting: self.nesting };
        let mut depth = 0;
        let cast = parse_type(&mut self.cursor, &mut |cursor| {
            std::mem::swap(&mut nested.cursor, cursor);
            let deep = nested.whole();
            std::mem::swap(&mut nested.cursor, cursor);
            depth = deep.as_ref().map_or(0, |deep| deep.depth);
            deep.map(|deep| deep.expr)
        });
        cast.map(|cast| (cast, depth))
    }

    /// The operator here and what is written from it on, for messages.
    fn operator_here(&self) -> Option<(String, String)> {
        let is_operator = match self.cursor.tok() {
            Tok::Sign("->" | ".") => true,
            Tok::Sign(sign) => BinaryOp::ALL.iter().any(|(known, ..)| known == sign),
            Tok::Word(word) => ["in", "as"].contains(&word.as_str()) || (word == "not" && self.is_not_in()),
            Tok::Number(_) | Tok::Duration(_) | Tok::Text(_) | Tok::Other | Tok::Bad(_) | Tok::End => false,
        };
        let rest = self.cursor.text[self.cursor.range().start..].split_whitespace();
        let behind = rest.take(2).collect::<Vec<_>>().join(" ");
        is_operator.then(|| (self.cursor.found().to_owned(), behind))
    }

    /// Operands and operators that hold at least as tightly as `least`.
    fn operators(&mut self, least: u8) -> Result<Deep, ExprError> {
        let mut left = self.prefixed(least)?;
        loop {
            let negated = self.is_not_in();
            if self.cursor.is_word("in") || negated {
                if least > COMPARISON {
                    return Ok(left);
                }
                left = self.member_of(left, negated)?;
            } else {
                let Tok::Sign(sign) = *self.cursor.tok() else { return Ok(left) };
                let known = BinaryOp::ALL.iter().find(|(known, _, binding)| *known == sign && *binding >= least);
                let Some(&(_, op, binding)) = known else { return Ok(left) };
                self.cursor.advance();
                let right = self.operators(binding + 1).map_err(|error| self.missing_after(error, sign))?;
                left = join(op, left, right)?;
                if !op.compares() {
                    continue;
                }
            }
            self.no_chain(&left.expr)?;
        }
    }

    /// `a in b`, at `in` or `not in`.
    fn member_of(&mut self, value: Deep, negated: bool) -> Result<Deep, ExprError> {
        (0..=usize::from(negated)).for_each(|_| self.cursor.advance());
        let among = self.operators(COMPARISON + 1).map_err(|error| self.missing_after(error, "in"))?;
        let (depth, range) = (value.depth.max(among.depth), value.expr.range.start..among.expr.range.end);
        let node = ExprNode::In { value: Box::new(value.expr), among: Box::new(among.expr), negated };
        Deep::around(node, range, depth)
    }

    /// `not in` as an operator.
    fn is_not_in(&self) -> bool {
        self.cursor.is_word("not") && matches!(self.cursor.ahead(1), Tok::Word(word) if word == "in")
    }

    /// Nothing that compares may follow a comparison.
    fn no_chain(&self, left: &Expr) -> Result<(), ExprError> {
        let sign = match self.cursor.tok() {
            Tok::Sign(sign) => {
                BinaryOp::ALL.iter().any(|(known, op, _)| known == sign && op.compares()).then_some(*sign)
            }
            Tok::Word(word) if word == "in" => Some("in"),
            Tok::Word(_) if self.is_not_in() => Some("not in"),
            _other => None,
        };
        let Some(sign) = sign else { return Ok(()) };
        let middle = match &left.node {
            ExprNode::Binary { right, .. } => &self.cursor.text[right.range.clone()],
            _other => "x",
        };
        let first = &self.cursor.text[left.range.clone()];
        let help = format!("write `{first} && {middle} {sign} …`");
        Err(error(self.cursor.range(), "comparisons do not chain", help))
    }

    /// A value that is missing at the end is missed after the sign.
    fn missing_after(&self, mut error: ExprError, sign: &str) -> ExprError {
        if error.range.start == self.cursor.text.len() && error.message == MISSING {
            error.message = format!("{MISSING} after `{sign}`");
        }
        error
    }

    /// `!a`, `not a`, `-a`, `~a`, or a value with what follows it.
    fn prefixed(&mut self, least: u8) -> Result<Deep, ExprError> {
        let begin = self.cursor.range();
        if self.nesting >= MAX_NESTING {
            return Err(too_deep(begin));
        }
        let op = match self.cursor.tok() {
            Tok::Sign("!") => UnaryOp::Not,
            Tok::Sign("-") => UnaryOp::Minus,
            Tok::Sign("~") => UnaryOp::Complement,
            Tok::Word(word) if word == "not" && self.is_operator_not() => return self.negated(least),
            _value => return self.value(),
        };
        self.cursor.advance();
        self.nesting += 1;
        let of = self.prefixed(u8::MAX);
        self.nesting -= 1;
        let of = of.map_err(|error| self.missing_after(error, &self.cursor.text[begin.clone()]))?;
        let range = begin.start..of.expr.range.end;
        Deep::around(ExprNode::Unary { op, of: Box::new(of.expr) }, range, of.depth)
    }

    /// `not a == b`, at `not`.
    fn negated(&mut self, least: u8) -> Result<Deep, ExprError> {
        let begin = self.cursor.range();
        if least > NOT {
            let help = "`not` takes the whole comparison after it: put it in parentheses, or write `!`";
            return Err(error(begin, "`not` is not expected here", help));
        }
        self.cursor.advance();
        self.nesting += 1;
        let of = self.operators(NOT);
        self.nesting -= 1;
        let of = of.map_err(|error| self.missing_after(error, "not"))?;
        let range = begin.start..of.expr.range.end;
        Deep::around(ExprNode::Unary { op: UnaryOp::Not, of: Box::new(of.expr) }, range, of.depth)
    }

    /// True where `not` is the operator; a hook may have an argument of that name.
    fn is_operator_not(&self) -> bool {
        let is_next_to = self.cursor.range().end == self.cursor.range_ahead(1).start;
        match self.cursor.ahead(1) {
            Tok::Word(word) => match word.as_str() {
                "as" => false,
                // `not in [1]` asks for something called `not`; `not in == 1` is about something called `in`.
                "in" => !begins_value(self.cursor.ahead(2)),
                _name => true,
            },
            Tok::Sign("[") => !is_next_to,
            other => begins_value(other) || matches!(other, Tok::Sign("-" | "~" | "!")),
        }
    }

    /// A value, and the members, elements and methods after it.
    fn value(&mut self) -> Result<Deep, ExprError> {
        let mut value = self.primary()?;
        loop {
            let Tok::Sign(sign) = *self.cursor.tok() else { return Ok(value) };
            value = match sign {
                "->" | "." => self.member(value, sign == "->")?,
                "[" => self.index(value)?,
                "(" => return Err(self.not_callable(&value.expr)),
                _other => return Ok(value),
            };
        }
    }

    fn not_callable(&self, value: &Expr) -> ExprError {
        let found = &self.cursor.text[value.range.clone()];
        let help = "functions are called by their names: `size(x)`, `x.under(\"/etc\")`";
        error(self.cursor.range(), format!("`{found}` is not a function"), help)
    }

    /// `->name`, `.name`, `.method(…)`
    fn member(&mut self, of: Deep, arrow: bool) -> Result<Deep, ExprError> {
        let sign = self.cursor.found();
        self.cursor.advance();
        let Some((name, at)) = self.cursor.word() else {
            let message = format!("a member's name is missing after `{sign}`");
            let missing = || error(self.cursor.range(), message, format!("write `{sign}NAME`"));
            return Err(self.cursor.bad().unwrap_or_else(missing));
        };
        let begin = of.expr.range.start;
        if !self.cursor.is("(") {
            let node = ExprNode::Member { of: Box::new(of.expr), name, at: At(at.clone()), arrow };
            return Deep::around(node, begin..at.end, of.depth);
        }
        // `start.kstack(16)`
        let of_hook = find(FUNCTIONS, &name).filter(|_| is_stack_of(&of.expr, &name));
        let Some(method) = find(METHODS, &name).or(of_hook) else {
            let message = format!("there is no method `{name}`");
            return Err(error(at, message, foreign::method(&name)));
        };
        let (args, depth) = self.arguments(method, &at)?;
        stack_size(&name, &args)?;
        let node = ExprNode::Method { of: Box::new(of.expr), name, at: At(at), args };
        Deep::around(node, begin..self.cursor.end_before(), of.depth.max(depth))
    }

    /// `[index]`
    fn index(&mut self, of: Deep) -> Result<Deep, ExprError> {
        self.cursor.advance();
        if self.cursor.is("-") {
            let message = "expected a number between `[` and `]`";
            return Err(error(self.cursor.range(), message, "an index counts from 0: `[0]`"));
        }
        if self.cursor.is("]") {
            return Err(error(self.cursor.range(), "an index is missing", "an index counts from 0: `[0]`"));
        }
        let range = self.cursor.range();
        let index = self.whole()?;
        if matches!(index.expr.node, ExprNode::Number(number) if number > u64::from(u32::MAX)) {
            return Err(error(range, "the index is too large", "at most 4294967295"));
        }
        self.cursor.expect("]", "an index counts from 0: `[0]`")?;
        let range = of.expr.range.start..self.cursor.end_before();
        let depth = of.depth.max(index.depth);
        Deep::around(ExprNode::Index { of: Box::new(of.expr), index: Box::new(index.expr) }, range, depth)
    }

    /// A literal, a name, a call, a list, or something in parentheses.
    fn primary(&mut self) -> Result<Deep, ExprError> {
        let range = self.cursor.range();
        let node = match self.cursor.tok() {
            Tok::Number(number) => ExprNode::Number(*number),
            Tok::Duration(ns) => ExprNode::Duration(*ns),
            Tok::Text(text) => ExprNode::Text(text.clone()),
            Tok::Word(word) => match word.as_str() {
                "true" => ExprNode::Bool(true),
                "false" => ExprNode::Bool(false),
                "null" => ExprNode::Null,
                _name => return self.named(),
            },
            Tok::Sign("(") => return self.parentheses(),
            Tok::Sign("[") => {
                self.cursor.advance();
                let (items, depth) = self.items("]")?;
                return Deep::around(ExprNode::List(items), range.start..self.cursor.end_before(), depth);
            }
            Tok::Bad(error) => return Err(error.clone()),
            Tok::Sign(_) | Tok::Other | Tok::End => return Err(no_value(&self.cursor)),
        };
        self.cursor.advance();
        Ok(Deep::leaf(node, range))
    }

    /// A name, or a call.
    fn named(&mut self) -> Result<Deep, ExprError> {
        let Some((name, at)) = self.cursor.word() else { return Err(no_value(&self.cursor)) };
        if !self.cursor.is("(") {
            return Ok(Deep::leaf(ExprNode::Name(name), at));
        }
        let Some(function) = find(FUNCTIONS, &name) else {
            return Err(error(at, format!("there is no function `{name}`"), foreign::call(&name)));
        };
        if name == "container_of" {
            return self.container_of(at);
        }
        let (args, depth) = self.arguments(function, &at)?;
        stack_size(&name, &args)?;
        let range = at.start..self.cursor.end_before();
        Deep::around(ExprNode::Call { name, at: At(at), args }, range, depth)
    }

    /// The arguments of a call, at its `(`; and how deep they are.
    fn arguments(&mut self, function: &Function, at: &Range<usize>) -> Result<(Vec<Expr>, u16), ExprError> {
        self.cursor.advance();
        let (args, depth) = self.items(")")?;
        let (least, most) = function.arguments;
        if args.len() < least || args.len() > most {
            let wanted = match (least, most) {
                (1, 1) => "one argument".to_owned(),
                (least, most) if least == most => format!("{least} arguments"),
                (least, most) => format!("{least} to {most} arguments"),
            };
            let message = format!("`{}` takes {wanted}, not {}", function.name, args.len());
            return Err(error(at.clone(), message, format!("for example `{}`", function.form)));
        }
        Ok((args, depth))
    }

    /// Expressions with commas between them, up to `close`.
    fn items(&mut self, close: &'static str) -> Result<(Vec<Expr>, u16), ExprError> {
        let (mut items, mut depth) = (Vec::new(), 0);
        while !self.cursor.eat(close) {
            let item = self.whole()?;
            depth = depth.max(item.depth);
            items.push(item.expr);
            if !self.cursor.eat(",") && !self.cursor.is(close) {
                return Err(self.unclosed(close));
            }
        }
        Ok((items, depth))
    }

    /// What is wrong where `close` should be.
    fn unclosed(&self, close: &str) -> ExprError {
        match self.cursor.tok() {
            Tok::End => {
                error(self.cursor.range(), format!("`{close}` is missing"), format!("write `{close}` at the end"))
            }
            Tok::Number(_) | Tok::Duration(_) | Tok::Text(_) => error(
                self.cursor.range(),
                format!("`{}` is not expected here", self.cursor.found()),
                "put `,` before it",
            ),
            Tok::Word(_) | Tok::Sign(_) | Tok::Other | Tok::Bad(_) => not_expected(&self.cursor),
        }
    }

    /// `(a || b)`
    fn parentheses(&mut self) -> Result<Deep, ExprError> {
        if let Some(error) = is_c_cast(&self.cursor) {
            return Err(error);
        }
        let begin = self.cursor.range().start;
        self.cursor.advance();
        let mut inner = self.whole()?;
        if !self.cursor.eat(")") {
            return Err(self.unclosed(")"));
        }
        inner.expr.range = begin..self.cursor.end_before();
        Ok(inner)
    }

    /// The rest of `container_of(m, struct mount, mnt)`, at `(`.
    fn container_of(&mut self, at: Range<usize>) -> Result<Deep, ExprError> {
        let help = "write `container_of(POINTER, struct NAME, MEMBER)`";
        self.cursor.advance();
        let of = self.whole()?;
        self.cursor.expect(",", help)?;
        if !self.cursor.is_word("struct") && !self.cursor.is_word("union") {
            return Err(error(self.cursor.range(), "`struct` is missing", help));
        }
        self.cursor.advance();
        let missing = |cursor: &Cursor<'_>| error(cursor.range(), "a name is missing", help);
        let (container, _) = self.cursor.word().ok_or_else(|| missing(&self.cursor))?;
        self.cursor.expect(",", help)?;
        let mut member = Vec::new();
        loop {
            member.push(self.cursor.word().ok_or_else(|| missing(&self.cursor))?.0);
            if !self.cursor.eat(".") {
                break;
            }
        }
        self.cursor.expect(")", help)?;
        let range = at.start..self.cursor.end_before();
        Deep::around(ExprNode::ContainerOf { of: Box::new(of.expr), container, member }, range, of.depth)
    }
}

/// Two sides and the operator between them.
fn join(op: BinaryOp, left: Deep, right: Deep) -> Result<Deep, ExprError> {
    let (range, depth) = (left.expr.range.start..right.expr.range.end, left.depth.max(right.depth));
    let node = ExprNode::Binary { op, left: Box::new(left.expr), right: Box::new(right.expr) };
    Deep::around(node, range, depth)
}

/// True if a value can begin with this.
fn begins_value(tok: &Tok) -> bool {
    match tok {
        Tok::Word(_) | Tok::Number(_) | Tok::Duration(_) | Tok::Text(_) | Tok::Bad(_) => true,
        Tok::Sign(sign) => matches!(*sign, "(" | "["),
        Tok::Other | Tok::End => false,
    }
}

/// A stack has so many frames.
fn stack_size(name: &str, args: &[Expr]) -> Result<(), ExprError> {
    match (name, args) {
        ("kstack" | "ustack", [size]) => frames(name, size).map(|_| ()),
        (_, _) => Ok(()),
    }
}
