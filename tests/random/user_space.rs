// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions and numbers that user space calculates, over records as the `trace` program writes them.

use ebpf_run::catalog::builtin;
use ebpf_run::expr::{Machine, RecordScope, Resolved, Scope, Wanted, parse, parse_format, resolve_probe};
use ebpf_run::record::{Completer, FieldValue, NoLookups, NoSets, RecordPlan};
use ebpf_run::spec::{Capture, Fetch, FetchCopy, Layout};

use super::naive::{self, Value};
use super::tree::{Cond, Grammar, Kind, Name, Num, Random, text};
use super::{count, seed};

const FORMAT: &str = "format:\n\
    \tfield:u8 a;\toffset:8;\tsize:1;\tsigned:0;\n\
    \tfield:s8 b;\toffset:16;\tsize:1;\tsigned:1;\n\
    \tfield:u16 c;\toffset:24;\tsize:2;\tsigned:0;\n\
    \tfield:s16 d;\toffset:32;\tsize:2;\tsigned:1;\n\
    \tfield:u32 e;\toffset:40;\tsize:4;\tsigned:0;\n\
    \tfield:int f;\toffset:48;\tsize:4;\tsigned:1;\n\
    \tfield:u64 g;\toffset:56;\tsize:8;\tsigned:0;\n\
    \tfield:long h;\toffset:64;\tsize:8;\tsigned:1;\n\
    \tfield:bool i;\toffset:72;\tsize:1;\tsigned:0;\n\
    \tfield:const char * j;\toffset:80;\tsize:8;\tsigned:0;\n\
    \tfield:__u8 k[4];\toffset:88;\tsize:4;\tsigned:0;\n\
    \tfield:__u8 l[16];\toffset:96;\tsize:16;\tsigned:0;\n\
    \tfield:uid_t m;\toffset:112;\tsize:4;\tsigned:0;\n";

/// The offsets of the values in it.
const OFFSETS: [i32; 13] = [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 112];

fn grammar() -> Grammar {
    let number = |text, bytes, signed, value| Name { text, kind: Kind::Number(bytes, signed), value };
    let name = |text, kind, value| Name { text, kind, value };
    let names = vec![
        number("a", 1, false, 0),
        number("b", 1, true, 1),
        number("c", 2, false, 2),
        number("d", 2, true, 3),
        number("e", 4, false, 4),
        number("f", 4, true, 5),
        number("g", 8, false, 6),
        number("h", 8, true, 7),
        number("(h as u32)", 4, false, 7),
        number("(g as i8)", 1, true, 6),
        name("i", Kind::Flag, 8),
        name("(j as string(32))", Kind::Text(32), 9),
        name("(k as ipv4)", Kind::Ipv4, 10),
        name("(l as ipv6)", Kind::Ipv6, 11),
        name("m", Kind::Uid, 12),
        name("(f as errno)", Kind::Errno, 5),
        name("(a as signal)", Kind::Signal, 0),
    ];
    Grammar { names, calculates: true }
}

/// An event of which any value may be null.
fn event(random: &mut Random) -> Vec<Value> {
    let bytes = [1, 1, 2, 2, 4, 4, 8, 8, 1, 0, 4, 16, 4];
    let value = |(index, bytes): (usize, &u32)| {
        if random.below(10) == 0 {
            return Value::Null;
        }
        match index {
            8 => Value::Number(random.below(2) as i128),
            9 => Value::Text(text(random, 8).chars().take(33 + random.below(2)).collect()),
            10 => {
                Value::Address(0xffff << 32 | u128::from(random.one(&[0x0a00_0001_u32, 0x0a80_0001, 0x7f00_0001, 0])))
            }
            11 => Value::Address(random.one(&[1, 0xfd << 120 | 1, 0xffff << 32 | 0x0a00_0001, 0])),
            signed @ (1 | 3 | 5 | 7) => {
                let number = random.number().rem_euclid(1 << (8 * bytes));
                let _ = signed;
                Value::Number(if number >= 1 << (8 * bytes - 1) { number - (1 << (8 * bytes)) } else { number })
            }
            _unsigned => Value::Number(random.number().rem_euclid(1 << (8 * bytes))),
        }
    };
    bytes.iter().enumerate().map(value).collect()
}

/// What the `trace` program makes of an event.
fn record(resolved: &Resolved, event: &[Value]) -> Vec<u8> {
    let mut record = vec![0; resolved.layout.size as usize];
    let mut absent = 0_u64;
    for (bit, fetch) in resolved.fetches.iter().enumerate() {
        let at = fetch.hops.first().copied().unwrap_or(fetch.offset);
        let index = OFFSETS.iter().position(|offset| *offset == at).unwrap();
        match bytes(fetch, &event[index]) {
            Some(bytes) => record[fetch.out as usize..][..bytes.len()].copy_from_slice(&bytes),
            None => absent |= 1 << bit,
        }
    }
    let place = resolved.layout.absent.unwrap() as usize;
    record[place..place + 8].copy_from_slice(&absent.to_ne_bytes());
    record
}

fn bytes(fetch: &Fetch, value: &Value) -> Option<Vec<u8>> {
    let size = usize::from(fetch.size);
    match value {
        Value::Null => None,
        Value::Number(number) => Some((*number as u128).to_le_bytes()[..size].to_vec()),
        Value::Address(address) => Some(address.to_be_bytes()[16 - size..].to_vec()),
        Value::Text(text) => {
            assert_eq!(fetch.copy, FetchCopy::KernelText);
            let mut bytes = text.as_bytes()[..text.len().min(size - 1)].to_vec();
            bytes.push(0);
            Some(bytes)
        }
    }
}

/// A capture alone; `None` where it is refused, as what is always or never true is.
fn resolved(text: &str, head: &Layout) -> Option<Resolved> {
    let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let scope = Scope::Record(RecordScope { name: "test:thing".to_owned(), fields: parse_format(FORMAT) });
    let captures = [Capture { name: "x".to_owned(), expr }];
    let wanted = Wanted { captures: &captures, filter: &[], sets: &[] };
    match resolve_probe(wanted, &scope, &Machine::of_types(None), head) {
        Ok(resolved) => Some(resolved),
        Err(errors) => {
            let (_, refusal) = &errors[0];
            let known = [
                "always the same",
                "never",
                "division by 0",
                "too small",
                "at most",
                "compares nothing",
                "with names",
                "has no bits",
                "all bits of",
            ];
            assert!(known.iter().any(|known| refusal.message.contains(known)), "{text}: {refusal:?}");
            None
        }
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Null,
    Truth(bool),
    Number(i128),
}

/// What the product makes of it.
fn ours(resolved: &Resolved, record: &[u8]) -> Answer {
    let mut completer = Completer::new(&resolved.layout, &NoSets);
    let plan = RecordPlan::new(&resolved.layout);
    let field = plan.field("x").unwrap();
    completer.judge(record, &mut NoLookups);
    let full = completer.complete(record, &mut NoLookups);
    match plan.record(full).value(field) {
        FieldValue::Bool(truth) => Answer::Truth(truth),
        FieldValue::Signed(number) => Answer::Number(number.into()),
        FieldValue::Unsigned(number) => Answer::Number(number.into()),
        FieldValue::Null => Answer::Null,
        other => panic!("{other:?}"),
    }
}

/// 10,000 random expressions, each over some records: the same truth, the same number, the same null.
#[test]
fn user_space() {
    let mut random = Random(seed("user_space"));
    let head = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    let (grammar, wanted) = (grammar(), count(10_000));
    let (mut compared, mut refused, mut truths) = (0, 0, [0; 4]);
    while compared < wanted {
        let (cond, num): (Option<Cond>, Option<Num>) = match random.below(4) {
            0 => (None, Some(Num::Two("+", grammar.num(&mut random, 3).into(), Num::Constant(0).into()))),
            _condition => (Some(grammar.cond(&mut random, 3)), None),
        };
        let text = cond.as_ref().map_or_else(|| num.as_ref().unwrap().text(), Cond::text);
        let Some(resolved) = resolved(&text, &head) else {
            refused += 1;
            continue;
        };
        compared += 1;
        if !resolved.layout.fields.iter().any(|field| matches!(field.kind, ebpf_run::spec::FieldType::Computed(..))) {
            continue;
        }
        for _ in 0..4 {
            let event = event(&mut random);
            let theirs = match (&cond, &num) {
                (Some(cond), _) => naive::truth(cond, &event).map_or(Answer::Null, Answer::Truth),
                (None, Some(num)) => {
                    naive::number(num, &event).map_or(Answer::Null, |read| Answer::Number(read.number))
                }
                (None, None) => unreachable!("one of them"),
            };
            truths[match theirs {
                Answer::Null => 0,
                Answer::Truth(true) => 1,
                Answer::Truth(false) => 2,
                Answer::Number(_) => 3,
            }] += 1;
            let ours = ours(&resolved, &record(&resolved, &event));
            assert_eq!(ours, theirs, "{text}\n{event:?}\n{:?}", resolved.layout);
        }
    }
    println!("{compared} expressions, {refused} refused; null, true, false, numbers: {truths:?}");
    assert!(truths.iter().all(|count| *count > wanted / 10), "{truths:?}");
    assert!(refused < 3 * wanted, "{refused}");
}
