// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a condition comes to, calculated as simply as possible: with whole numbers, whole texts, three truths. It shares nothing with
//! the product.

use super::tree::{Cond, Kind, Name, Num};

/// What one event holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Number(i128),
    Text(String),
    Address(u128),
}

/// The values of an event, by their numbers.
pub(crate) type Event = [Value];

/// A number and whether it is read as signed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Read {
    pub(crate) number: i128,
    pub(crate) signed: bool,
}

/// The number of the low 64 bits.
fn wrap(number: i128, signed: bool) -> i128 {
    let low = number.rem_euclid(1 << 64);
    if signed && low >= 1 << 63 { low - (1 << 64) } else { low }
}

fn read(name: Name, event: &Event) -> Option<Read> {
    let Value::Number(number) = event[name.value] else { return None };
    let (number, signed) = match name.kind {
        Kind::Number(bytes, signed) => {
            let size = 1_i128 << (8 * u32::from(bytes));
            let low = number.rem_euclid(size);
            (if signed && low >= size / 2 { low - size } else { low }, signed)
        }
        Kind::Errno if (-4095..0).contains(&number) => (number, true),
        Kind::Signal if number.rem_euclid(256) != 0 => (number.rem_euclid(256), false),
        Kind::Uid if number.rem_euclid(1 << 32) != (1 << 32) - 1 => (number.rem_euclid(1 << 32), false),
        Kind::Errno | Kind::Signal | Kind::Uid | Kind::Flag | Kind::Text(_) | Kind::Ipv4 | Kind::Ipv6 => return None,
    };
    Some(Read { number, signed })
}

pub(crate) fn number(num: &Num, event: &Event) -> Option<Read> {
    match num {
        Num::Name(name) => read(*name, event),
        Num::Constant(number) => Some(Read { number: *number, signed: *number < 0 }),
        Num::Minus(of) => {
            let of = number(of, event)?;
            Some(Read { number: wrap(-of.number, true), signed: true })
        }
        Num::Complement(of) => {
            let of = number(of, event)?;
            Some(Read { number: wrap(-1 - of.number, of.signed), signed: of.signed })
        }
        Num::Size(name) => match (&event[name.value], name.kind) {
            (Value::Text(text), Kind::Text(most)) if text.len() <= most => {
                Some(Read { number: text.len() as i128, signed: false })
            }
            _unknown => None,
        },
        Num::Two(op, left, right) => two(op, number(left, event), number(right, event)),
    }
}

fn two(op: &str, left: Option<Read>, right: Option<Read>) -> Option<Read> {
    let (left, right) = (left?, right?);
    let signed = match op {
        "-" => true,
        "<<" | ">>" => left.signed,
        _other => left.signed || right.signed,
    };
    let (a, b) = (wrap(left.number, signed), wrap(right.number, signed));
    let bits = |number: i128| wrap(number, false);
    let result = match op {
        "+" => a + b,
        "-" => a - b,
        // As much of the product as 64 bits are.
        "*" => (bits(a) as u128).wrapping_mul(bits(b) as u128) as i128 & ((1 << 64) - 1),
        "/" | "%" if b == 0 => return None,
        "/" => a / b,
        "%" => a % b,
        "&" => bits(a) & bits(b),
        "|" => bits(a) | bits(b),
        "^" => bits(a) ^ bits(b),
        "<<" => bits(a) << b,
        _right => a >> b,
    };
    Some(Read { number: wrap(result, signed), signed })
}

pub(crate) fn truth(cond: &Cond, event: &Event) -> Option<bool> {
    match cond {
        Cond::Compare(op, left, right) => {
            let (left, right) = (number(left, event)?.number, number(right, event)?.number);
            Some(match *op {
                "==" => left == right,
                "!=" => left != right,
                "<" => left < right,
                "<=" => left <= right,
                ">" => left > right,
                _at_least => left >= right,
            })
        }
        Cond::InNumbers(of, numbers, negated) => {
            let number = number(of, event)?.number;
            Some(numbers.contains(&number) != *negated)
        }
        Cond::Flag(name) => match &event[name.value] {
            Value::Number(number) => Some(*number != 0),
            _null => None,
        },
        Cond::Text(how, name, texts) => match (&event[name.value], name.kind) {
            (Value::Text(text), Kind::Text(most)) => any(texts.iter().map(|wanted| fits(how, text, most, wanted))),
            _null => None,
        },
        Cond::Networks(name, networks, negated) => match &event[name.value] {
            Value::Address(address) => {
                let is_in = |(network, prefix): &(u128, u8)| *prefix == 0 || (address ^ network) >> (128 - prefix) == 0;
                Some(networks.iter().any(is_in) != *negated)
            }
            _null => None,
        },
        Cond::Null(name, negated) => Some(is_null(*name, event) != *negated),
        Cond::Has(all, of, bits) => {
            let set = wrap(number(of, event)?.number, false) as u64 & bits;
            Some(if *all { set == *bits } else { set != 0 })
        }
        Cond::Not(of) => truth(of, event).map(|truth| !truth),
        Cond::And(parts) => any(parts.iter().map(|part| truth(part, event).map(|truth| !truth))).map(|any| !any),
        Cond::Or(parts) => any(parts.iter().map(|part| truth(part, event))),
    }
}

/// True if one is, undecided if one is undecided.
fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let truths: Vec<Option<bool>> = truths.collect();
    if truths.contains(&Some(true)) {
        return Some(true);
    }
    if truths.contains(&None) { None } else { Some(false) }
}

fn is_null(name: Name, event: &Event) -> bool {
    match name.kind {
        Kind::Errno | Kind::Signal | Kind::Uid => read(name, event).is_none(),
        Kind::Number(..) | Kind::Flag | Kind::Text(_) | Kind::Ipv4 | Kind::Ipv6 => {
            matches!(event[name.value], Value::Null)
        }
    }
}

/// The first questions are decided at any length, the others of a text that is seen whole.
fn fits(how: &str, text: &str, most: usize, wanted: &str) -> Option<bool> {
    let whole = text.len() <= most;
    match how {
        "==" | "in" => Some(text == wanted),
        "!=" => Some(text != wanted),
        "startsWith" => Some(text.starts_with(wanted)),
        "under" => {
            let folder = wanted.strip_suffix('/').unwrap_or(wanted);
            Some((text == folder && !folder.is_empty()) || text.starts_with(&format!("{folder}/")))
        }
        _other if !whole => None,
        "endsWith" => Some(text.ends_with(wanted)),
        "contains" => Some(text.contains(wanted)),
        _glob => Some(glob(wanted.as_bytes(), text.as_bytes())),
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => glob(&pattern[1..], text) || (!text.is_empty() && glob(pattern, &text[1..])),
        (Some(b'?'), Some(_)) => glob(&pattern[1..], &text[1..]),
        (Some(a), Some(b)) if a == b => glob(&pattern[1..], &text[1..]),
        _different => false,
    }
}
