// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tree promises.

use std::sync::Arc;

use super::node::Value;
use super::{MAX_BYTES, Node, parse};
use crate::config::source::{SourceFile, Span};
use crate::config::{Environment, codes};

fn read(text: &str) -> (Option<Node>, Vec<&'static str>) {
    let source = Arc::new(SourceFile::new("t.yaml", text));
    let (root, problems) = parse(&source, &Environment::default());
    (root, problems.iter().map(|problem| problem.code).collect())
}

fn slice(text: &str, span: Span) -> &str {
    &text[span.start..span.end]
}

/// Spans are bytes, whatever characters, line ends and byte order mark stand before them.
#[test]
fn spans_are_bytes() {
    for text in [
        "# ünï ✓\nkéy: \"välue\"\nlist: # ✓✓\n  - ä\n  - {b: c}\nend: x",
        "\u{feff}# ünï\r\nkéy: \"välue\"\r\nlist:\r\n  - ä\r\n  - {b: c}\r\nend: x\r\n",
    ] {
        let (root, problems) = read(text);
        assert_eq!(problems, Vec::<&str>::new());
        let root = root.unwrap();
        assert_eq!(slice(text, root.entries()[0].key_span), "kéy");
        assert_eq!(slice(text, root.at(&["kéy"]).unwrap().span), "\"välue\"");
        let list = root.at(&["list"]).unwrap();
        assert_eq!(slice(text, list.items()[0].span), "ä");
        assert_eq!(slice(text, list.items()[1].span), "{b: c}");
        assert_eq!(slice(text, root.at(&["end"]).unwrap().span), "x");
        assert!(slice(text, root.span).starts_with("kéy") && slice(text, root.span).ends_with('x'));
    }
}

/// A part of a scalar that is written verbatim is found; one with escapes is blamed as a whole.
#[test]
fn parts_of_scalars() {
    let text = "a: plain text\nb: 'single'\nc: \"dou\\x62le\"";
    let root = read(text).0.unwrap();
    assert_eq!(slice(text, root.at(&["a"]).unwrap().part(&(6..10))), "text");
    assert_eq!(slice(text, root.at(&["b"]).unwrap().part(&(1..3))), "in");
    assert_eq!(slice(text, root.at(&["c"]).unwrap().part(&(0..2))), "\"dou\\x62le\"");
}

/// Quoted scalars are text, whatever they look like.
#[test]
fn quoted_is_text() {
    let root = read("a: \"1\"\nb: 'true'\nc: ''\nd: |\n  12\n").0.unwrap();
    for key in ["a", "b", "c", "d"] {
        assert!(matches!(root.at(&[key]).unwrap().value, Value::Text(_)), "{key}");
    }
}

/// Hostile depth and size end at once with one problem and without a deep stack.
#[test]
fn limits() {
    let blocks: String = (0..3000).map(|depth| format!("{}a:\n", " ".repeat(depth.min(300)))).collect();
    assert_eq!(read(&blocks).1.last(), Some(&codes::TOO_LARGE));
    let dashes = "- ".repeat(3000);
    assert_eq!(read(&dashes).1, [codes::TOO_LARGE]);
    for hostile in ["[".repeat(100_000), "{a: ".repeat(100_000), "? ".repeat(100_000), "{".repeat(100_000)] {
        assert_eq!(read(&hostile).1, [codes::TOO_LARGE], "{}", &hostile[..8]);
    }
    assert_eq!(read(&"- a\n".repeat(120_000)).1, [codes::TOO_LARGE]);
    assert_eq!(read(&"#".repeat(MAX_BYTES + 1)).1, [codes::TOO_LARGE]);
}

/// Depth that is allowed is read.
#[test]
fn depth_within_the_limit() {
    let text = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(read(&text).1, Vec::<&str>::new());
}

/// A value that is not written is blamed on its key, an empty list entry on its dash.
#[test]
fn unwritten_values() {
    let text = "a:\nb:\n  - \n  - x\nc: ~\n";
    let root = read(text).0.unwrap();
    assert_eq!(slice(text, root.at(&["a"]).unwrap().span), "a");
    assert_eq!(slice(text, root.at(&["b"]).unwrap().items()[0].span), "-");
    assert_eq!(slice(text, root.at(&["c"]).unwrap().span), "~");
}

/// An anchor is not part of the value that it stands before; an alias refers to the value where it is written.
#[test]
fn anchored_spans() {
    let text = "a: &a [1]\nb: &b {k: v}\nc: &c\n  k: v\nd: &d 'q: q'\ne: &e\nf: &f plain text # no\ng:\n  - &g\n  - &h x\n  \
                - &i # c\n    - y\nz: [*a, *b, *c, *d, *e, *f, *g, *h, *i]\n";
    let (root, problems) = read(text);
    assert_eq!(problems, Vec::<&str>::new());
    let root = root.unwrap();
    let of = |key: &str| slice(text, root.at(&[key]).unwrap().span);
    assert_eq!([of("a"), of("b"), of("d"), of("e"), of("f")], ["[1]", "{k: v}", "'q: q'", "&e", "plain text"]);
    assert!(of("c").ends_with("k: v"));
    let used: Vec<&str> = root.at(&["z"]).unwrap().items().iter().map(|item| slice(text, item.span)).collect();
    assert_eq!(used[..2], ["[1]", "{k: v}"]);
    assert_eq!(used[3..8], ["'q: q'", "&e", "plain text", "&g", "x"]);
    assert_eq!(
        root.at(&["d"]).unwrap().part(&(0..1)),
        Span::new(text.find("q: q").unwrap(), text.find(": q'").unwrap())
    );
}

/// `<<` puts keys where it stands; keys written out win, then the first mapping that has them.
#[test]
fn merged_keys() {
    let text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  first: 0\n  <<: [*a, *b]\n  x: 9\nd: {<<: *a}\n";
    let root = read(text).0.unwrap();
    let keys = |key: &str| {
        let entries = root.at(&[key]).unwrap().entries().iter();
        entries.map(|entry| format!("{}={}", entry.key, slice(text, entry.value.span))).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys("c"), "first=0 y=2 z=4 x=9");
    assert_eq!(keys("d"), "x=1 y=2");
    let merged = root.at(&["c"]).unwrap().get("z").unwrap();
    assert_eq!(slice(text, merged.merged.unwrap()), "*b");
}

/// Aliases count with all that they refer to, in values, bytes and levels.
#[test]
fn alias_limits() {
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(1000), "*a,".repeat(101));
    assert_eq!(read(&wide).1, [codes::TOO_LARGE]);
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a,".repeat(4));
    assert_eq!(read(&long).1, [codes::TOO_LARGE]);
    let deep = format!("a: &a {}{}\nb: {}*a{}\n", "[".repeat(40), "]".repeat(40), "[".repeat(40), "]".repeat(40));
    assert_eq!(read(&deep).1, [codes::TOO_LARGE]);
    assert_eq!(read("a: &a [*a]\n").1, [codes::ANCHOR]);
}

/// Reading goes on after an alias that refers to nothing, but not for ever.
#[test]
fn unknown_aliases() {
    let (root, problems) = read("a: *x\nb: {<<: *x, k: v}\n*x : 1\nc: [*x, 2]\n");
    let root = root.unwrap();
    assert_eq!(problems, [codes::ANCHOR; 4]);
    assert_eq!(root.at(&["a"]).unwrap().value, Value::Broken);
    assert!(root.is_incomplete() && root.at(&["b"]).unwrap().is_incomplete());
    assert!(!root.at(&["c"]).unwrap().is_incomplete());
    assert_eq!(root.at(&["c"]).unwrap().items()[1].value, Value::Int(2));
    let anchors: String = (0..2000).map(|number| format!("- &name{number} x\n")).collect();
    assert_eq!(read(&(anchors + &"- *nam\n".repeat(90_000))).1, [codes::ANCHOR; 201]);
}

/// Where the parser stops, what is complete stays; what is open or has just ended is marked, without what stands last.
#[test]
fn cut_off() {
    let (root, problems) = read("a: {k: v}\nb:\n  - k: v\n  - x: 1\n    y: 2\n    z: \"open\nc: 3\n");
    let root = root.unwrap();
    assert_eq!(problems, [codes::SYNTAX]);
    assert!(root.is_incomplete() && !root.at(&["a"]).unwrap().is_incomplete());
    let list = root.at(&["b"]).unwrap();
    assert!(list.is_incomplete() && !list.items()[0].is_incomplete() && list.items()[1].is_incomplete());
    let keys: Vec<&str> = list.items()[1].entries().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["x"]);
    assert_eq!(read("[a, b").0, None);
    assert_eq!(read("a: {k: v\nb: c\n").0.unwrap().at(&["a"]).unwrap().value, Value::Broken);
}

/// A tab separates as a space does, places stay what they are, and a text keeps the tabs that it has.
#[test]
fn tabs_separate() {
    let text = "a:\tone\nb: {c:\t2, \"d\":\t'x:\ty'}\ne: |\n  f:\tg\n  \th\n";
    let (root, problems) = read(text);
    assert_eq!(problems, Vec::<&str>::new());
    let root = root.unwrap();
    assert_eq!(slice(text, root.at(&["a"]).unwrap().span), "one");
    assert_eq!(slice(text, root.at(&["b", "c"]).unwrap().span), "2");
    assert_eq!(root.at(&["b", "d"]).unwrap().text(), Some("x:\ty"));
    assert_eq!(root.at(&["e"]).unwrap().text(), Some("f:\tg\n\th\n"));
    // In the indentation it is none.
    for text in ["a:\n\tb: c\n", "a:\n  b: c\n\td: e\n", "\ta: b\n\tc: d\n"] {
        assert_eq!(read(text).1, [codes::TAB], "{text:?}");
    }
}
