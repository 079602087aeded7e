// SPDX-License-Identifier: MIT OR Apache-2.0
//! An expression as text, in one form for each: what is written here reads the same again.

use std::fmt::{self, Write as _};

use super::capture::DEFAULT_TEXT_BYTES;
use super::expr::{BinaryOp, Cast, Expr, ExprNode, TextSize, UnaryOp};

/// How tightly what is written holds together. An operand that holds less than its place asks for stands in parentheses.
mod hold {
    /// `a as T`
    pub(super) const CAST: u8 = 0;
    /// `not a`; `&&` and `||` hold less, all other operators more (`BinaryOp::binding`).
    pub(super) const NOT: u8 = 3;
    /// `a == b`, `a in b`
    pub(super) const COMPARISON: u8 = 4;
    /// `!a`, `~a`, `-a`
    pub(super) const PREFIX: u8 = 11;
    /// `a->b`, `a[0]`, `a.under(b)`
    pub(super) const POSTFIX: u8 = 12;
}

impl BinaryOp {
    /// Every one, with its sign and how tightly it holds: the more, the tighter.
    pub const ALL: &[(&'static str, Self, u8)] = &[
        ("||", Self::Or, 1),
        ("&&", Self::And, 2),
        ("==", Self::Equal, hold::COMPARISON),
        ("!=", Self::NotEqual, hold::COMPARISON),
        ("<", Self::Less, hold::COMPARISON),
        ("<=", Self::LessOrEqual, hold::COMPARISON),
        (">", Self::Greater, hold::COMPARISON),
        (">=", Self::GreaterOrEqual, hold::COMPARISON),
        ("|", Self::BitOr, 5),
        ("^", Self::BitXor, 6),
        ("&", Self::BitAnd, 7),
        ("<<", Self::ShiftLeft, 8),
        (">>", Self::ShiftRight, 8),
        ("+", Self::Add, 9),
        ("-", Self::Subtract, 9),
        ("*", Self::Multiply, 10),
        ("/", Self::Divide, 10),
        ("%", Self::Remainder, 10),
    ];

    /// How it is written.
    pub fn sign(self) -> &'static str {
        self.entry().0
    }

    /// How tightly it holds.
    pub fn binding(self) -> u8 {
        self.entry().2
    }

    /// True for `==`, `<` and the like.
    pub fn compares(self) -> bool {
        self.binding() == hold::COMPARISON
    }

    fn entry(self) -> &'static (&'static str, Self, u8) {
        Self::ALL.iter().find(|(_, op, _)| *op == self).unwrap_or(&Self::ALL[0])
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self).0)
    }
}

/// The text, and how tightly it holds.
fn text(expr: &Expr) -> (String, u8) {
    match &expr.node {
        ExprNode::Number(number) => (number.to_string(), u8::MAX),
        ExprNode::Duration(ns) => (with_unit(*ns), u8::MAX),
        ExprNode::Text(text) => (quoted(text), u8::MAX),
        ExprNode::Bool(value) => (value.to_string(), u8::MAX),
        ExprNode::Null => ("null".to_owned(), u8::MAX),
        ExprNode::Name(name) => (name.clone(), u8::MAX),
        ExprNode::Member { of, name, arrow, .. } => {
            (format!("{}{}{name}", within(of, hold::POSTFIX), if *arrow { "->" } else { "." }), hold::POSTFIX)
        }
        ExprNode::Index { of, index } => (format!("{}[{index}]", within(of, hold::POSTFIX)), hold::POSTFIX),
        ExprNode::Cast { of, cast, .. } => (format!("{} as {cast}", within(of, hold::CAST + 1)), hold::CAST),
        ExprNode::ContainerOf { of, container, member } => {
            (format!("container_of({of}, struct {container}, {})", member.join(".")), u8::MAX)
        }
        ExprNode::Call { name, args, .. } => (format!("{name}({})", listed(args)), u8::MAX),
        ExprNode::Method { of, name, args, .. } => {
            (format!("{}.{name}({})", within(of, hold::POSTFIX), listed(args)), hold::POSTFIX)
        }
        ExprNode::Unary { op, of } => unary(*op, of),
        ExprNode::Binary { op, left, right } => {
            let holds = op.binding();
            let left = within(left, if op.compares() { holds + 1 } else { holds });
            (format!("{left} {} {}", op.sign(), within(right, holds + 1)), holds)
        }
        ExprNode::In { value, among, negated } => {
            let [value, among] = [value, among].map(|side| within(side, hold::COMPARISON + 1));
            (format!("{value} {} {among}", if *negated { "not in" } else { "in" }), hold::COMPARISON)
        }
        ExprNode::List(items) => (format!("[{}]", listed(items)), u8::MAX),
    }
}

/// `!a` before what holds tightly, else `not a == b`.
fn unary(op: UnaryOp, of: &Expr) -> (String, u8) {
    let (inner, holds) = if is_not(of) { (format!("({of})"), u8::MAX) } else { text(of) };
    let sign = match op {
        // `not in …` and `not as …` would be about something called `not`.
        UnaryOp::Not if holds < hold::PREFIX => {
            let is_operand =
                ["in", "as"].iter().any(|word| inner.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_word)));
            return if holds < hold::NOT || is_operand || inner.starts_with('[') {
                (format!("!({inner})"), hold::PREFIX)
            } else {
                (format!("not {inner}"), hold::NOT)
            };
        }
        UnaryOp::Not => '!',
        UnaryOp::Minus => '-',
        UnaryOp::Complement => '~',
    };
    if holds < hold::PREFIX || (op == UnaryOp::Minus && inner.starts_with('-')) {
        return (format!("{sign}({inner})"), hold::PREFIX);
    }
    (format!("{sign}{inner}"), hold::PREFIX)
}

/// The text of an operand, in parentheses where it holds less than that.
fn within(expr: &Expr, least: u8) -> String {
    let (text, holds) = text(expr);
    // Only before `.`, `->` and `[` is it a name.
    let is_operator = is_not(expr) && least != hold::POSTFIX;
    if holds < least || is_operator { format!("({text})") } else { text }
}

/// True for something called `not`, which before most other words would be the operator.
fn is_not(expr: &Expr) -> bool {
    matches!(&expr.node, ExprNode::Name(name) if name == "not")
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn listed(items: &[Expr]) -> String {
    items.iter().map(Expr::to_string).collect::<Vec<_>>().join(", ")
}

/// `10ms`: by the largest unit of which it is a whole number.
fn with_unit(ns: u64) -> String {
    let units =
        [("h", 3600 * 1_000_000_000), ("m", 60 * 1_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000)];
    match units.into_iter().find(|(_, size)| ns >= *size && ns.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", ns / size),
        None => format!("{ns}ns"),
    }
}

/// In double quotes, with `\` before what would end the text, and control characters by number.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            control if control.is_ascii_control() => drop(write!(quoted, "\\x{:02x}", control as u8)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

impl Cast {
    /// What a value that is read so can be called; `None` for forms that say how a number is read, not what it is.
    pub fn noun(&self) -> Option<String> {
        match self {
            Self::Unsigned { .. } | Self::Signed { .. } | Self::Hex | Self::Bool => None,
            Self::Enum(name) | Self::Struct(name) => Some(name.clone()),
            Self::String(_) | Self::UserString(_) => Some("string".to_owned()),
            Self::Bytes(_) => Some("bytes".to_owned()),
            Self::Path { .. } => Some("path".to_owned()),
            Self::Duration
            | Self::Ktime
            | Self::Timespec
            | Self::Named(_)
            | Self::Ipv4
            | Self::Ipv6
            | Self::Ip
            | Self::Port
            | Self::Mac
            | Self::Sockaddr
            | Self::Sock
            | Self::FdPath
            | Self::Dev
            | Self::Ksym
            | Self::Usym
            | Self::Cgroup
            | Self::Uid
            | Self::Uuid
            | Self::Packet => Some(self.to_string()),
        }
    }
}

impl fmt::Display for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned { size } => write!(f, "u{}", u32::from(*size) * 8),
            Self::Signed { size } => write!(f, "i{}", u32::from(*size) * 8),
            Self::Hex => f.write_str("hex"),
            Self::Bool => f.write_str("bool"),
            Self::Duration => f.write_str("duration"),
            Self::Ktime => f.write_str("ktime"),
            Self::Timespec => f.write_str("timespec"),
            Self::String(size) => write!(f, "string{size}"),
            Self::UserString(size) => write!(f, "user_string{size}"),
            Self::Bytes(TextSize { max, length: None }) => write!(f, "bytes({max})"),
            Self::Bytes(size) => write!(f, "bytes{size}"),
            Self::Named(table) => f.write_str(table.word()),
            Self::Enum(name) => write!(f, "enum {name}"),
            Self::Struct(name) => write!(f, "struct {name}"),
            Self::Ipv4 => f.write_str("ipv4"),
            Self::Ipv6 => f.write_str("ipv6"),
            Self::Ip => f.write_str("ip"),
            Self::Port => f.write_str("port"),
            Self::Mac => f.write_str("mac"),
            Self::Sockaddr => f.write_str("sockaddr"),
            Self::Sock => f.write_str("sock"),
            Self::Path { max: DEFAULT_TEXT_BYTES } => f.write_str("path"),
            Self::Path { max } => write!(f, "path({max})"),
            Self::FdPath => f.write_str("fd_path"),
            Self::Dev => f.write_str("dev"),
            Self::Ksym => f.write_str("ksym"),
            Self::Usym => f.write_str("usym"),
            Self::Cgroup => f.write_str("cgroup"),
            Self::Uid => f.write_str("uid"),
            Self::Uuid => f.write_str("uuid"),
            Self::Packet => f.write_str("packet"),
        }
    }
}

/// `(64)`, `(len=count)`, `(4096, len=count)`; nothing for 256 without a length.
impl fmt::Display for TextSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `=~` is one sign, other tools' for a regular expression.
        let gap = |length: &Expr| if length.to_string().starts_with('~') { " " } else { "" };
        match (self.max, &self.length) {
            (DEFAULT_TEXT_BYTES, None) => Ok(()),
            (max, None) => write!(f, "({max})"),
            (DEFAULT_TEXT_BYTES, Some(length)) => write!(f, "(len={}{length})", gap(length)),
            (max, Some(length)) => write!(f, "({max}, len={}{length})", gap(length)),
        }
    }
}
