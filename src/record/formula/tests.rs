// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formulas over small records: what language.md says of numbers, null and texts.

use core::net::Ipv6Addr;
use std::sync::Arc;

use crate::record::{Completer, Decision, NoLookups, NoSets, SetContent, Sets};
use crate::spec::{Arithmetic, Comparison, Field, FieldType, Formula, Layout, NameTable, SetName, TextTest};

/// 8 bytes of mask, then these operands.
fn layout(operands: &[(FieldType, u32)], filter: Formula) -> Layout {
    let mut size = 8;
    let field = |(index, (kind, bytes)): (usize, &(FieldType, u32))| {
        size += bytes;
        Field {
            name: String::new(),
            offset: size - bytes,
            size: *bytes,
            kind: kind.clone(),
            absent_bit: Some(index as u8),
            of_end: None,
            bits: None,
            unit: String::new(),
            doc: String::new(),
        }
    };
    let operands = operands.iter().enumerate().map(field).collect();
    Layout { size, absent: Some(0), operands, filter: Some(Arc::new(filter)), ..Layout::default() }
}

fn decide(operands: &[(FieldType, &[u8])], absent: u64, filter: Formula) -> Decision {
    decide_in(operands, absent, filter, &NoSets)
}

fn decide_in(operands: &[(FieldType, &[u8])], absent: u64, filter: Formula, sets: &dyn Sets) -> Decision {
    let kinds: Vec<_> = operands.iter().map(|(kind, bytes)| (kind.clone(), bytes.len() as u32)).collect();
    let mut record = absent.to_ne_bytes().to_vec();
    operands.iter().for_each(|(_, bytes)| record.extend_from_slice(bytes));
    Completer::new(&layout(&kinds, filter), sets).judge(&record, &mut NoLookups)
}

fn holds(operands: &[(FieldType, &[u8])], absent: u64, filter: Formula) -> Option<bool> {
    decide(operands, absent, filter).holds
}

fn number(number: i128) -> Formula {
    Formula::Number { bits: number as u64, signed: number < 0 }
}

fn compare(op: Comparison, left: Formula, right: Formula) -> Formula {
    Formula::Compare { op, sides: Box::new((left, right)) }
}

fn equal(left: Formula, right: Formula) -> Formula {
    compare(Comparison::Equal, left, right)
}

fn calculate(op: Arithmetic, signed: bool, left: Formula, right: Formula) -> Formula {
    Formula::Arithmetic { op, signed, sides: Box::new((left, right)) }
}

fn text(text: &str) -> Formula {
    Formula::Text(text.as_bytes().into())
}

fn matches(how: TextTest, wanted: &str) -> Formula {
    Formula::Matches { how, of: Box::new(Formula::Operand(0)), texts: vec![wanted.as_bytes().into()] }
}

/// A number is read by its own sign and width, and compared exactly with one of another sign.
#[test]
fn comparisons_are_exact() {
    let is = |kind: FieldType, bytes: &[u8], op, other| {
        holds(&[(kind, bytes)], 0, compare(op, Formula::Operand(0), number(other))).unwrap()
    };
    assert!(is(FieldType::Unsigned, &[0xff], Comparison::Equal, 255));
    assert!(is(FieldType::Signed, &[0xff], Comparison::Equal, -1));
    assert!(is(FieldType::Signed, &[0xff], Comparison::Less, u64::MAX.into()));
    assert!(is(FieldType::Unsigned, &[0xff; 8], Comparison::Greater, -1));
    assert!(is(FieldType::Unsigned, &[0xff; 8], Comparison::NotEqual, -1));
    assert!(is(FieldType::Signed, &i64::MIN.to_ne_bytes(), Comparison::LessOrEqual, 0));
    assert!(is(FieldType::Port, &443u16.to_be_bytes(), Comparison::GreaterOrEqual, 443));
    assert!(is(FieldType::Bool, &[2], Comparison::Equal, 1));
}

/// Overflow wraps, division rounds to zero, by 0 it is null.
#[test]
fn arithmetic() {
    let is = |op, signed, left, right, result: Option<i128>| {
        let formula = calculate(op, signed, number(left), number(right));
        let found = holds(&[], 0, equal(formula.clone(), number(result.unwrap_or(0))));
        assert_eq!(found, result.map(|_| true), "{left} {op:?} {right}");
        assert_eq!(holds(&[], 0, Formula::IsNull(Box::new(formula))), Some(result.is_none()));
    };
    is(Arithmetic::Add, false, u64::MAX.into(), 1, Some(0));
    is(Arithmetic::Subtract, true, 1, 2, Some(-1));
    is(Arithmetic::Multiply, true, -3, 5, Some(-15));
    is(Arithmetic::Divide, true, -7, 2, Some(-3));
    is(Arithmetic::Divide, false, 7, 2, Some(3));
    is(Arithmetic::Divide, true, i64::MIN.into(), -1, Some(i64::MIN.into()));
    is(Arithmetic::Remainder, true, -7, 2, Some(-1));
    is(Arithmetic::Remainder, true, i64::MIN.into(), -1, Some(0));
    is(Arithmetic::Divide, true, 1, 0, None);
    is(Arithmetic::Remainder, false, 1, 0, None);
    is(Arithmetic::ShiftLeft, false, 1, 63, Some(1 << 63));
    is(Arithmetic::ShiftRight, true, -8, 1, Some(-4));
    is(Arithmetic::ShiftRight, false, 8, 1, Some(4));
    is(Arithmetic::ShiftLeft, false, 1, 64, None);
    is(Arithmetic::BitXor, false, 6, 3, Some(5));
}

/// What is calculated and read as an error or a signal is null where it stands for none, as what is read so is.
#[test]
fn named_results() {
    let named = |table, of| Formula::Named { table, of: Box::new(of) };
    let sum = |left, right| calculate(Arithmetic::Add, true, number(left), number(right));
    let error = |left, right| named(NameTable::Errno, sum(left, right));
    assert_eq!(holds(&[], 0, equal(error(-14, 1), number(-13))), Some(true));
    assert_eq!(holds(&[], 0, equal(error(1, -1), number(0))), None);
    assert_eq!(holds(&[], 0, Formula::IsNull(Box::new(error(1, -1)))), Some(true));
    assert_eq!(holds(&[], 0, Formula::IsNull(Box::new(error(-4000, -96)))), Some(true));
    assert_eq!(holds(&[], 0, Formula::IsNull(Box::new(error(-4000, -95)))), Some(false));
    let signal = |left| named(NameTable::Signal, calculate(Arithmetic::BitAnd, false, number(left), number(0x7f)));
    assert_eq!(holds(&[], 0, equal(signal(0x89), number(9))), Some(true));
    assert_eq!(holds(&[], 0, compare(Comparison::NotEqual, signal(0x80), number(9))), None);
    assert_eq!(holds(&[], 0, Formula::IsNull(Box::new(signal(0x80)))), Some(true));
    // All 64 bits say which error it is.
    let bits = named(NameTable::Errno, calculate(Arithmetic::Add, false, number(u64::MAX.into()), number(-12)));
    assert_eq!(holds(&[], 0, equal(bits, number(-13))), Some(true));
}

/// What is absent is undecided in every comparison, and goes on through `&& || !` as in SQL; only `== null` decides.
#[test]
fn three_values() {
    let unknown = || equal(Formula::Operand(0), number(1));
    let operands = [(FieldType::Unsigned, &[1u8][..])];
    let of = |filter| holds(&operands, 1, filter);
    let (yes, no) = (|| Formula::Bool(true), || Formula::Bool(false));
    assert_eq!(of(unknown()), None);
    assert_eq!(of(Formula::Not(Box::new(unknown()))), None);
    assert_eq!(of(Formula::Any(vec![unknown(), yes()])), Some(true));
    assert_eq!(of(Formula::Any(vec![unknown(), no()])), None);
    assert_eq!(of(Formula::All(vec![unknown(), no()])), Some(false));
    assert_eq!(of(Formula::All(vec![unknown(), yes()])), None);
    assert_eq!((of(Formula::All(vec![])), of(Formula::Any(vec![]))), (Some(true), Some(false)));
    assert_eq!(of(Formula::IsNull(Box::new(Formula::Operand(0)))), Some(true));
    assert_eq!(of(Formula::IsNull(Box::new(unknown()))), Some(true));
    assert_eq!(of(Formula::IsNull(Box::new(Formula::Operand(7)))), Some(true));
    assert_eq!(holds(&operands, 0, Formula::IsNull(Box::new(Formula::Operand(0)))), Some(false));
}

/// Only what was asked for and could not be read makes a refusal undecided.
#[test]
fn unreadable_operands() {
    let operands = [(FieldType::Unsigned, &[1u8][..]), (FieldType::Unsigned, &[2])];
    let first = || equal(Formula::Operand(0), number(2));
    let second = || equal(Formula::Operand(1), number(2));
    let (absent, unreadable) = (1 << 1, 1 << 1 | 1 << 33);
    let of = |absent, filter| {
        let decision = decide(&operands, absent, filter);
        (decision.holds, decision.unreadable)
    };
    assert_eq!(of(absent, second()), (None, false));
    assert_eq!(of(unreadable, second()), (None, true));
    assert_eq!(of(unreadable, Formula::All(vec![first(), second()])), (Some(false), false));
    assert_eq!(of(unreadable, Formula::All(vec![second(), first()])), (Some(false), true));
}

/// A whole text is always decided; of one that was cut only what its known part decides.
#[test]
fn cut_texts() {
    let kind = FieldType::Text { limit: Some(4) };
    let of = |bytes: &'static [u8], how, wanted| holds(&[(kind.clone(), bytes)], 0, matches(how, wanted));
    let whole = |how, wanted| of(b"/etc\0\0\0\0", how, wanted).unwrap();
    let cut = |how, wanted| of(b"/etc/x\0\0", how, wanted);
    for (how, fits, fits_not) in [
        (TextTest::Equal, "/etc", "/et"),
        (TextTest::StartsWith, "/et", "et"),
        (TextTest::EndsWith, "tc", "et"),
        (TextTest::Contains, "et", "ec"),
        (TextTest::Glob, "/?t*", "?t*"),
        (TextTest::Under, "/", "/e"),
    ] {
        assert!(whole(how, fits) && !whole(how, fits_not), "{how:?}");
    }
    assert!(whole(TextTest::Under, "/etc") && whole(TextTest::Under, "/etc/"));
    assert_eq!(
        (cut(TextTest::Equal, "/etc"), cut(TextTest::Equal, "/etc/x"), cut(TextTest::Equal, "/usr/x")),
        (Some(false), None, Some(false))
    );
    assert_eq!(
        (cut(TextTest::StartsWith, "/etc"), cut(TextTest::StartsWith, "/etc/"), cut(TextTest::StartsWith, "/x/etc")),
        (Some(true), None, Some(false))
    );
    assert_eq!(
        (cut(TextTest::Under, "/"), cut(TextTest::Under, "/etc"), cut(TextTest::Under, "/x")),
        (Some(true), None, Some(false))
    );
    for how in [TextTest::EndsWith, TextTest::Contains, TextTest::Glob] {
        assert_eq!(cut(how, "/e"), None, "{how:?}");
    }
    let order = |op, wanted| holds(&[(kind.clone(), b"/etc/x\0\0")], 0, compare(op, Formula::Operand(0), text(wanted)));
    assert_eq!(
        (order(Comparison::Less, "/f"), order(Comparison::Greater, "/etc"), order(Comparison::Less, "/etc/y")),
        (Some(true), Some(true), None)
    );
    assert!(decide(&[(kind.clone(), b"/etc/x\0\0")], 0, matches(TextTest::EndsWith, "x")).unreadable);
    let size = Formula::Size(Box::new(Formula::Operand(0)));
    assert_eq!(holds(&[(kind.clone(), b"/etc\0\0\0\0")], 0, equal(size.clone(), number(4))), Some(true));
    assert_eq!(holds(&[(kind, b"/etc/x\0\0")], 0, equal(size.clone(), number(4))), None);
    let buffer = [2u32.to_ne_bytes(), 9u32.to_ne_bytes(), *b"abcd"].concat();
    assert_eq!(holds(&[(FieldType::Counted { text: false }, &buffer)], 0, equal(size, number(9))), Some(true));
}

/// Of a path the beginning may be missing: its end is known, and marks are no part of it.
#[test]
fn cut_paths() {
    let of = |cut: u8, how, wanted| {
        let slot = [&7u16.to_ne_bytes()[..], &[cut, 1], b"ls\0bin\0"].concat();
        holds(&[(FieldType::Path, &slot)], 0, matches(how, wanted))
    };
    assert_eq!((of(0, TextTest::Equal, "/bin/ls"), of(0, TextTest::Under, "/bin")), (Some(true), Some(true)));
    assert_eq!((of(1, TextTest::Equal, "/bin/ls"), of(1, TextTest::Equal, "/usr/bin/ls")), (Some(false), None));
    assert_eq!(
        (of(1, TextTest::EndsWith, "/ls"), of(1, TextTest::EndsWith, "x/bin/ls"), of(1, TextTest::EndsWith, "/cat")),
        (Some(true), None, Some(false))
    );
    assert_eq!(
        (of(1, TextTest::StartsWith, "/bin"), of(1, TextTest::Under, "/"), of(1, TextTest::Contains, "bin")),
        (None, None, None)
    );
}

/// Addresses of both families are in networks of theirs.
#[test]
fn networks() {
    let networks =
        vec![("::ffff:10.0.0.0".parse().unwrap(), 104), ("fd00::".parse().unwrap(), 8), ("::1".parse().unwrap(), 128)];
    let of = |kind, bytes: &[u8]| {
        let filter = Formula::InNetworks { of: Box::new(Formula::Operand(0)), networks: networks.clone() };
        holds(&[(kind, bytes)], 0, filter).unwrap()
    };
    let six = |address: &str| address.parse::<Ipv6Addr>().unwrap().octets();
    assert!(of(FieldType::Ipv4, &[10, 1, 2, 3]) && !of(FieldType::Ipv4, &[11, 1, 2, 3]));
    assert!(
        of(FieldType::Ip, &six("::ffff:10.9.9.9"))
            && of(FieldType::Ip, &six("fd12::1"))
            && of(FieldType::Ipv6, &six("::1"))
    );
    assert!(!of(FieldType::Ip, &six("::2")));
    let same = equal(Formula::Operand(0), Formula::Operand(1));
    assert_eq!(
        holds(&[(FieldType::Ipv4, &[10, 0, 0, 1]), (FieldType::Ip, &six("::ffff:10.0.0.1"))], 0, same),
        Some(true)
    );
}

#[derive(Debug)]
struct Words(Vec<&'static [u8]>);

impl SetContent for Words {
    fn has_number(&self, number: i128) -> bool {
        number == 7
    }

    fn has_address(&self, address: Ipv6Addr) -> bool {
        address.is_loopback()
    }

    fn has_text(&self, text: &[u8]) -> bool {
        self.0.contains(&text)
    }

    fn any_text(&self, fits: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.0.iter().any(|text| fits(text))
    }
}

impl Sets for Words {
    fn set(&self, name: &SetName) -> Option<Arc<dyn SetContent>> {
        (&*name.0 == "known").then(|| Arc::new(Self(self.0.clone())) as _)
    }
}

/// A set is asked for numbers, addresses and texts; of a text that was cut it decides what its known part decides.
#[test]
fn sets() {
    let words = Words(vec![b"/etc", b"/usr/", b"/variable"]);
    let of = |kind, bytes: &[u8], how, name: &str| {
        let filter = Formula::InSet { of: Box::new(Formula::Operand(0)), how, set: SetName(name.into()) };
        decide_in(&[(kind, bytes)], 0, filter, &words).holds
    };
    let text = FieldType::Text { limit: Some(6) };
    assert_eq!(of(FieldType::Unsigned, &[7], TextTest::Equal, "known"), Some(true));
    assert_eq!(of(FieldType::Unsigned, &[7], TextTest::Equal, "other"), Some(false));
    assert_eq!(of(FieldType::Ipv6, &Ipv6Addr::LOCALHOST.octets(), TextTest::Equal, "known"), Some(true));
    assert_eq!(of(text.clone(), b"/etc\0\0\0\0", TextTest::Equal, "known"), Some(true));
    assert_eq!(of(text.clone(), b"/etc/x\0\0", TextTest::Under, "known"), Some(true));
    assert_eq!(of(text.clone(), b"/usr/x\0\0", TextTest::Under, "known"), Some(true));
    assert_eq!(of(text.clone(), b"/etcx\0\0\0", TextTest::Under, "known"), Some(false));
    assert_eq!(of(text.clone(), b"/variab\0", TextTest::Equal, "known"), None);
    assert_eq!(of(text, b"/variox\0", TextTest::Equal, "known"), Some(false));
}
