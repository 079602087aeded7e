// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tree promises.

use std::sync::Arc;

use super::node::Value;
use super::{MAX_BYTES, Node, parse};
use crate::config::codes;
use crate::config::source::{SourceFile, Span};

fn read(text: &str) -> (Option<Node>, Vec<&'static str>) {
    let source = Arc::new(SourceFile { path: "t.yaml".into(), text: text.into() });
    let (root, problems) = parse(&source);
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
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    assert!(read(laughs).1.iter().all(|code| *code == codes::ANCHOR));
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
