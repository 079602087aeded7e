// SPDX-License-Identifier: MIT OR Apache-2.0
//! Labels of series: `comm="cat"`.

use crate::words::{distinct, shown};

/// `a`, `a-b` as `a_b`, `2nd` as `_2nd`: what a label can be called.
pub(super) fn label_name(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    // Names that begin with `__` are Prometheus's own.
    let name = if name.starts_with("__") { name.trim_start_matches('_').to_owned() } else { name };
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// `name`, or `exported_name` where others have it: as Prometheus does where a target and a series have a label of one name.
pub(super) fn unique(name: String, others: &[String]) -> String {
    if name == "le" || others.contains(&name) { unique(format!("exported_{name}"), others) } else { name }
}

/// What stands between the quotes: characters that act on a terminal, for which the format has no escape, are written out.
pub(super) fn label_value(value: &[u8]) -> String {
    let mut out = String::new();
    for (at, line) in distinct(value).split('\n').enumerate() {
        if at > 0 {
            out.push_str("\\n");
        }
        for c in shown(line).chars() {
            if matches!(c, '\\' | '"') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are made fit, and differ; values cannot end their quotes or act on a terminal.
    #[test]
    fn labels() {
        assert_eq!(
            ["comm", "a-b c", "2nd", "__name__", "é", ""].map(label_name),
            ["comm", "a_b_c", "_2nd", "name__", "_", "_"]
        );
        assert_eq!(unique("le".into(), &[]), "exported_le");
        assert_eq!(unique("probe".into(), &["probe".into(), "exported_probe".into()]), "exported_exported_probe");
        assert_eq!(label_value(b"a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        assert_eq!(label_value(b"\x1b[2J"), "\\\\u{1b}[2J");
    }
}
