// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expressions: how they are read, what is said about bad ones, and that what is written reads the same.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

use ebpf_run::expr::{ExprError, parse, parse_with};
use ebpf_run::spec::{At, BinaryOp, Cast, Expr, ExprNode, NameTable, TextSize, UnaryOp};
use proptest::prelude::*;

#[track_caller]
fn shown(text: &str) -> String {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).to_string()
}

/// The tree with every operator in parentheses.
fn tree(expr: &Expr) -> String {
    match &expr.node {
        ExprNode::Binary { op, left, right } => format!("({} {} {})", tree(left), op.sign(), tree(right)),
        ExprNode::Unary { op, of } => format!("({}{})", ["!", "-", "~"][*op as usize], tree(of)),
        ExprNode::In { value, among, negated } => {
            format!("({} {} {})", tree(value), if *negated { "not in" } else { "in" }, tree(among))
        }
        ExprNode::Cast { of, cast, .. } => format!("({} as {cast})", tree(of)),
        _other => expr.to_string(),
    }
}

/// Operators hold as the page says.
#[test]
fn precedence() {
    for (text, expected) in [
        ("flags & O_CREAT != 0", "((flags & O_CREAT) != 0)"),
        ("a || b && c", "(a || (b && c))"),
        ("not a == b && c", "((!(a == b)) && c)"),
        ("!a == b", "((!a) == b)"),
        ("!a.b->c", "(!a.b->c)"),
        ("-a * b + c << 2 & 3 ^ 4 | 5", "(((((((-a) * b) + c) << 2) & 3) ^ 4) | 5)"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b % c", "((a / b) % c)"),
        ("p->exit_code >> 8 & 255", "((p->exit_code >> 8) & 255)"),
        ("ktime - p->start_time as duration", "((ktime - p->start_time) as duration)"),
        ("(x as u32) == 1", "((x as u32) == 1)"),
        ("fd in [1, 2] && pid not in descendants(1234)", "((fd in [1, 2]) && (pid not in descendants(1234)))"),
        ("not not a", "(!(!a))"),
        ("port in [53, 853] || port > 1024", "((port in [53, 853]) || (port > 1024))"),
        ("~-!x", "(~(-(!x)))"),
        (
            "dest.port == 53 && dest.ip not in resolvers\n|| peer.port == 53\n",
            "(((dest.port == 53) && (dest.ip not in resolvers)) || (peer.port == 53))",
        ),
    ] {
        assert_eq!(tree(&parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))), expected, "{text}");
    }
}

/// Each form has one text.
#[test]
fn canonical() {
    for (text, expected) in [
        (" arg0 as i8 ", "arg0 as i8"),
        ("filename as user_string", "filename as user_string"),
        ("name as string[64]", "name as string(64)"),
        ("buf as bytes[ 1 ]", "buf as bytes(1)"),
        ("buf as bytes(len=count)", "buf as bytes(len=count)"),
        ("buf as string(4096, len=retval as i32)", "buf as string(4096, len=retval as i32)"),
        ("from->iov->iov_base as string(len=from->count)", "from->iov->iov_base as string(len=from->count)"),
        ("a [ 0x10 ] -> b[4294967295]", "a[16]->b[4294967295]"),
        ("args[fd + 1]", "args[fd + 1]"),
        ("(sk as struct tcp_sock)->srtt_us", "(sk as struct tcp_sock)->srtt_us"),
        ("x as bpf_prog_type", "x as enum bpf_prog_type"),
        ("container_of(m, struct mount, mnt.root)", "container_of(m, struct mount, mnt.root)"),
        ("first_of(task->__state, task->state)", "first_of(task->__state, task->state)"),
        ("duration > 1500us", "duration > 1500us"),
        ("took > 10ms", "took > 10ms"),
        ("took > 3600s", "took > 1h"),
        ("size(x) == 64KiB", "size(x) == 65536"),
        ("'it''s'", "x"),
        ("path.endsWith([\"a\", 'b'])", "path.endsWith([\"a\", \"b\"])"),
        ("x == 'say \"hi\"\\n'", "x == \"say \\\"hi\\\"\\n\""),
        ("not (a in b)", "not a in b"),
        ("not (a)", "!a"),
        ("wb_reason.WB_REASON_SYNC", "wb_reason.WB_REASON_SYNC"),
        ("f as path(64)", "f as path(64)"),
        ("f as path(256)", "f as path"),
    ] {
        if text == "'it''s'" {
            assert!(parse(text).is_err());
            continue;
        }
        assert_eq!(shown(text), expected, "{text}");
    }
}

/// Words of the language are names where no operator can stand.
#[test]
fn words_as_names() {
    for (text, expected) in [
        ("as", "as"),
        ("in", "in"),
        ("if == 3", "if == 3"),
        ("in in [1]", "in in [1]"),
        ("not in [1]", "(not) in [1]"),
        ("not in == 1", "!(in == 1)"),
        ("not == 1", "(not) == 1"),
        ("not->x", "not->x"),
        ("not[0]", "not[0]"),
        ("not [1]", "![1]"),
        ("in->x as u8", "in->x as u8"),
        ("as as u8", "as as u8"),
        ("x.as.if.in", "x.as.if.in"),
        ("null->x", "null->x"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
        assert_eq!(parse(expected).unwrap(), parse(text).unwrap(), "{text}");
    }
}

/// What comes from a variable is a literal or a part of a text, whatever stands in it.
#[test]
fn opaque_parts() {
    let value = |before: &str, value: &str, after: &str| {
        let range = before.len()..before.len() + value.len();
        parse_with(&format!("{before}{value}{after}"), &[range]).map(|expr| expr.to_string())
    };
    assert_eq!(value("retval == ", "-13", ""), Ok(format!("retval == {}", 13_u64.wrapping_neg())));
    assert_eq!(value("took > ", "10ms", " && x"), Ok("took > 10ms && x".to_owned()));
    assert_eq!(value("x == ", "1 || true", ""), Ok("x == \"1 || true\"".to_owned()));
    assert_eq!(value("x == \"", "a\" || \"", "\""), Ok("x == \"a\\\" || \\\"\"".to_owned()));
    assert_eq!(value("x == ", "sshd", ""), Ok("x == \"sshd\"".to_owned()));
}

fn refused(text: &str) -> ExprError {
    parse(text).expect_err(text)
}

/// Numbers out of range, and texts that are no texts, are blamed at their own bytes.
#[test]
fn places() {
    for (text, at) in [
        ("a as bytes[0]", 11..12),
        ("a as string[4097]", 12..16),
        ("a[4294967296]", 2..12),
        ("a[-1]", 2..3),
        ("a == \"b", 5..7),
        ("a == \"\\d\"", 6..8),
        ("a < b < c", 6..7),
        ("a + ", 4..4),
        ("(a", 2..2),
        ("a)", 1..2),
        ("é", 0..2),
        ("x as int", 5..8),
    ] {
        assert_eq!(refused(text).range, at, "{text}");
    }
}

/// Hostile depth ends in an error, and what is deep but possible is read.
#[test]
fn depth() {
    for text in [
        format!("{}a{}", "(".repeat(1000), ")".repeat(1000)),
        "!".repeat(10_000),
        "not ".repeat(4000),
        format!("a{}", "[a".repeat(4000)),
        format!("a{}", ".b".repeat(8000)),
        format!("a{}", " + b".repeat(4000)),
        format!("a as bytes(len={}", "a as bytes(len=".repeat(1000)),
        "size(".repeat(3000),
        "a".repeat(20_000),
    ] {
        if text.len() <= 16 << 10 && text.starts_with("aaaa") {
            continue;
        }
        assert!(parse(&text).is_err());
    }
    parse(&vec!["a == 1"; 64].join(" && ")).unwrap();
    parse(&format!("{}a{}", "(".repeat(60), ")".repeat(60))).unwrap();
    parse(&format!("port in [{}]", vec!["1"; 2000].join(", "))).unwrap();
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z_][a-z0-9_]{0,5}", 1 => prop::sample::select(vec!["in", "as", "not", "if", "len"]).prop_map(str::to_owned)]
        .prop_filter("literals", |name| !["true", "false", "null"].contains(&name.as_str()))
}

fn cast() -> impl Strategy<Value = Cast> {
    let size = (1..4097_u16).prop_map(|max| TextSize { max, length: None });
    prop_oneof![
        prop::sample::select(vec![1_u8, 2, 4, 8]).prop_map(|size| Cast::Unsigned { size }),
        Just(Cast::Hex),
        Just(Cast::Sock),
        size.clone().prop_map(Cast::String),
        size.clone().prop_map(Cast::Bytes),
        (1..4097_u16).prop_map(|max| Cast::Path { max }),
        prop::sample::select(NameTable::WORDS).prop_map(|(_, table)| Cast::Named(table)),
        "[a-z_]{1,5}_t_x".prop_map(Cast::Enum),
        name().prop_map(Cast::Struct),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(ExprNode::Number),
        (0..=i64::MAX as u64).prop_map(ExprNode::Duration),
        (0..100_u64).prop_map(|count| ExprNode::Duration(count * 60_000_000_000)),
        "\\PC{0,4}|[\"'\\\\\n\t\u{1}]{0,3}".prop_map(ExprNode::Text),
        any::<bool>().prop_map(ExprNode::Bool),
        Just(ExprNode::Null),
        name().prop_map(ExprNode::Name),
    ]
    .prop_map(|node| Expr::new(node, 0..0));
    leaf.prop_recursive(5, 40, 4, |inner| {
        let inner = || inner.clone().prop_map(Box::new);
        let plain = || inner().prop_map(|expr| *expr);
        let at = At::default;
        let long =
            (inner(), 1..4097_u16).prop_map(|(length, max)| Cast::String(TextSize { max, length: Some(length) }));
        let method = prop::sample::select(vec!["startsWith", "endsWith", "contains", "glob", "under"]);
        prop_oneof![
            (inner(), name(), any::<bool>()).prop_map(move |(of, name, arrow)| ExprNode::Member {
                of,
                name,
                at: at(),
                arrow
            }),
            (inner(), inner())
                .prop_filter("index", |(_, index)| !matches!(
                    index.node,
                    ExprNode::Number(4_294_967_296..) | ExprNode::Unary { op: UnaryOp::Minus, .. }
                ))
                .prop_filter("begins with a minus", |(_, index)| !index.to_string().starts_with('-'))
                .prop_map(|(of, index)| ExprNode::Index { of, index }),
            (inner(), prop_oneof![cast(), long]).prop_map(move |(of, cast)| ExprNode::Cast { of, cast, at: at() }),
            (inner(), name(), prop::collection::vec(name(), 1..3))
                .prop_map(|(of, container, member)| ExprNode::ContainerOf { of, container, member }),
            (plain(), plain()).prop_map(move |(a, b)| ExprNode::Call {
                name: "has_any".into(),
                at: at(),
                args: vec![a, b]
            }),
            (inner(), method, plain()).prop_map(move |(of, name, arg)| ExprNode::Method {
                of,
                name: name.into(),
                at: at(),
                args: vec![arg]
            }),
            (prop::sample::select(vec![UnaryOp::Not, UnaryOp::Minus, UnaryOp::Complement]), inner())
                .prop_map(|(op, of)| ExprNode::Unary { op, of }),
            (prop::sample::select(BinaryOp::ALL), inner(), inner())
                .prop_map(|((_, op, _), left, right)| ExprNode::Binary { op, left, right }),
            (inner(), inner(), any::<bool>()).prop_map(|(value, among, negated)| ExprNode::In {
                value,
                among,
                negated
            }),
            prop::collection::vec(plain(), 0..3).prop_map(ExprNode::List),
        ]
        .prop_map(|node| Expr::new(node, 0..0))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    /// What is written reads the same again.
    #[test]
    fn written_and_read(expr in expr()) {
        let text = expr.to_string();
        match parse(&text) {
            Ok(read) => prop_assert_eq!(&read, &expr, "{}", text),
            Err(error) => prop_assert!(false, "{}: {:?}", text, error),
        }
    }

    /// Any words of the language end in an expression or in an error inside the text.
    #[test]
    fn any_words(text in "( |a|1|\"|'|\\\\|\\(|\\)|\\[|\\]|,|in|not|as|if|null|u8|string|len|=|==|&&|\\||-|!|->|\\.|size|10ms|[$]|é){0,24}") {
        match parse(&text) {
            Ok(expr) => prop_assert_eq!(parse(&expr.to_string()), Ok(expr), "{}", text),
            Err(error) => prop_assert!(text.get(error.range.clone()).is_some(), "{:?} of {:?}", error.range, text),
        }
    }
}
