// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts: what one beside a value means, and what is asked of one.

use core::net::{IpAddr, Ipv6Addr};
use std::ops;
use std::sync::Arc;

use super::checker::{Beside, Checker, Typed};
use super::compare::too_long;
use super::constant::of_table;
use super::types::{Range, Type};
use super::values::{Meaning, Values};
use crate::spec::{Expr, ExprNode, Formula, NameTable, SetKind, TextTest};
use crate::words::{Refusal, list, nearest};

impl<V: Values> Checker<'_, V> {
    /// A text of the file, beside a value of that type.
    pub(super) fn text_beside(&self, text: &str, beside: Beside<'_>) -> Result<Typed, Refusal> {
        let plain = || Typed::new(Formula::Text(text.as_bytes().into()), Type::Text(None));
        let Beside::Type(ty) = beside else { return Ok(plain()) };
        match ty {
            Type::Named(table, range) => named(*table, *range, text),
            Type::Enum(names, _) => match names.iter().find(|(_, known)| known == text) {
                Some((number, _)) => Ok(Typed::new(
                    Formula::Number { bits: number.cast_unsigned(), signed: true },
                    Type::Enum(Arc::clone(names), Range::constant((*number).into(), true)),
                )),
                None => Err(unknown_name(text, names.iter().map(|(_, known)| known.as_str()))),
            },
            Type::Address => address(text).map(|network| {
                Typed::new(Formula::InNetworks { of: Box::new(Formula::Null), networks: vec![network] }, Type::Address)
            }),
            Type::Grouped { bytes, what } => {
                let digits: Option<Vec<u8>> = grouped(text, *bytes);
                let refuse = || Refusal::new(format!("`{text}` is not {what}"));
                digits.map(|bytes| Typed::new(Formula::Text(bytes.into()), ty.clone())).ok_or_else(refuse)
            }
            Type::Number(_)
            | Type::Bool
            | Type::Duration
            | Type::Ktime
            | Type::Label(_)
            | Type::Text(_)
            | Type::Whole(_)
            | Type::Null => Ok(plain()),
        }
    }

    /// `path.under("/etc")`
    pub(super) fn method(
        &mut self,
        of: &Expr,
        name: &str,
        at: &ops::Range<usize>,
        args: &[Expr],
    ) -> Result<Typed, Refusal> {
        let how = match name {
            "startsWith" => TextTest::StartsWith,
            "endsWith" => TextTest::EndsWith,
            "contains" => TextTest::Contains,
            "glob" => TextTest::Glob,
            _under => TextTest::Under,
        };
        if self.is_nothing(of) {
            return Ok(Typed::condition(Formula::Null));
        }
        let asked = self.check(of, Beside::Nothing)?;
        if !matches!(asked.ty, Type::Text(_) | Type::Label(_)) {
            let refusal = Refusal::new(format!("`.{name}` asks a text, and `{of}` is {}", asked.ty.words()));
            let help = match asked.ty {
                Type::Address => format!("for a network write `{of} in \"10.0.0.0/8\"`"),
                Type::Number(_) => format!("read it as text: `({of} as string).{name}(…)`"),
                _other => format!("compare it: `{of} == …`"),
            };
            return Err(refusal.help(help).at(at.clone()));
        }
        let Some(arg) = args.first() else { return Err(Refusal::new(format!("`.{name}` takes a text"))) };
        let text = Box::new(asked.formula.clone());
        if let Some(set) = self.set_of(arg, SetKind::Text, name)? {
            return Ok(Typed::condition(Formula::InSet { of: text, how, set }));
        }
        let texts = self.texts(arg, name)?;
        if let Type::Text(Some(most)) = asked.ty
            && let Some(long) = texts.iter().find(|text| {
                text.len() > most && matches!(how, TextTest::StartsWith | TextTest::EndsWith | TextTest::Contains)
            })
        {
            return Err(too_long(of, most, long.len()).at(arg.range.clone()));
        }
        Ok(Typed::condition(Formula::Matches { how, of: text, texts }))
    }

    /// The set that an argument names; `None` where it names none.
    pub(super) fn set_of(
        &self,
        arg: &Expr,
        wanted: SetKind,
        what: &str,
    ) -> Result<Option<crate::spec::SetName>, Refusal> {
        let ExprNode::Name(name) = &arg.node else { return Ok(None) };
        if !matches!(self.values.meaning(name), Meaning::Unknown) {
            return Ok(None);
        }
        let Some(set) = self.values.set(name) else {
            let refusal = Refusal::new(format!("unknown set `{name}`")).at(arg.range.clone());
            return Err(refusal.maybe_help(crate::words::suggest(name, self.values.sets(), "sets are")));
        };
        if set.kind == wanted {
            return Ok(Some(set.name.clone()));
        }
        let message =
            format!("the set `{name}` is of `{}`, and `{what}` asks one of `{}`", set.kind.word(), wanted.word());
        Err(Refusal::new(message).at(arg.range.clone()))
    }

    /// A text, or a list of some.
    fn texts(&self, arg: &Expr, name: &str) -> Result<Vec<Arc<[u8]>>, Refusal> {
        match &arg.node {
            ExprNode::Text(text) if text.is_empty() => {
                Err(Refusal::new("an empty text is a part of every text").at(arg.range.clone()))
            }
            ExprNode::Text(text) => Ok(vec![text.as_bytes().into()]),
            ExprNode::List(items) if items.is_empty() => Err(Refusal::new("the list is empty").at(arg.range.clone())),
            ExprNode::List(items) => {
                let texts = items.iter().map(|item| match &item.node {
                    ExprNode::List(_) => Err(Refusal::new("a list in a list").at(item.range.clone())),
                    _text => self.texts(item, name),
                });
                Ok(texts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
            }
            _other => {
                let help = format!("write `.{name}(\"text\")`, a list of texts, or a set");
                Err(Refusal::new(format!("`{arg}` is not a text")).help(help).at(arg.range.clone()))
            }
        }
    }
}

/// `"SIGKILL"`, `"O_RDWR|O_CREAT"`
fn named(table: NameTable, range: Range, text: &str) -> Result<Typed, Refusal> {
    if let Some(typed) = of_table(table, range, text) {
        return Ok(typed);
    }
    let parts: Option<Vec<i64>> = text.split('|').map(|part| table.held(part.trim())).collect();
    match parts.filter(|_| table.is_flags()) {
        Some(parts) => {
            let bits = parts.iter().fold(0, |bits, part| bits | part.cast_unsigned());
            Ok(Typed::new(
                Formula::Number { bits, signed: false },
                Type::Named(table, Range::constant(bits.into(), false)),
            ))
        }
        None => Err(unknown_name(text, table.names().map(|(known, _)| known))),
    }
}

fn unknown_name<'n>(text: &str, known: impl Iterator<Item = &'n str>) -> Refusal {
    let known: Vec<&str> = known.collect();
    // `icmp` is `IPPROTO_ICMP`, `kill` is `SIGKILL`.
    let upper = text.to_uppercase();
    let is_bare =
        |name: &&str| name.strip_suffix(&upper).is_some_and(|prefix| prefix.ends_with('_') || upper.len() > 2);
    let with_prefix = known.iter().copied().filter(is_bare).min_by_key(|name| name.len());
    let near = with_prefix.or_else(|| nearest(text, known.iter().copied()));
    let help = near.map(|near| format!("did you mean `\"{near}\"`?"));
    Refusal::new(format!("no such number is called `{text}`"))
        .help(help.unwrap_or_else(|| format!("names are {}", list(known, 8))))
}

/// `10.0.0.1`, `fd00::/8`: the address as one of IPv6, and how many of its bits count.
pub(super) fn address(text: &str) -> Result<(Ipv6Addr, u8), Refusal> {
    let refuse =
        |message: String| Err(Refusal::new(message).help("addresses are `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`"));
    let (alone, prefix) = match text.split_once('/') {
        Some((alone, prefix)) => (alone, Some(prefix)),
        None => (text, None),
    };
    let (address, offset) = match alone.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => (address.to_ipv6_mapped(), 96),
        Ok(IpAddr::V6(address)) => (address, 0),
        Err(_) => return refuse(format!("`{text}` is not an IP address or network")),
    };
    let prefix = match prefix {
        None => 128 - offset,
        Some(digits) => match digits.parse::<u8>() {
            Ok(bits) if bits <= 128 - offset && !digits.starts_with('+') => bits,
            Ok(_) | Err(_) => return refuse(format!("`/{digits}` is no prefix: at most {}", 128 - offset)),
        },
    };
    let bits = prefix + offset;
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    if address.to_bits() & !mask != 0 {
        let network = Ipv6Addr::from_bits(address.to_bits() & mask);
        let network = network.to_ipv4_mapped().map_or_else(|| network.to_string(), |network| network.to_string());
        let message = format!("`{text}` has bits set behind its prefix");
        return Err(Refusal::new(message).help(format!("write `{network}/{prefix}`, or `{alone}` for the one address")));
    }
    Ok((address, bits))
}

/// `52:54:00:12:34:56`, `6ba7b810-9dad-11d1-80b4-00c04fd430c8`
fn grouped(text: &str, bytes: usize) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|c| *c != ':' && *c != '-').collect();
    if digits.len() != 2 * bytes || !digits.is_ascii() {
        return None;
    }
    (0..bytes).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()).collect()
}
