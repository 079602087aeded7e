// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tracer calls the values of a field, in the `print fmt` of its tracepoint.
//!
//! ```text
//! print fmt: "state=%s", __print_symbolic(REC->state, { TCP_ESTABLISHED, "TCP_ESTABLISHED" }, { 2, "TCP_SYN_SENT" })
//! ```

use super::kernel_types::Types;
use crate::catalog::{Btf, Named, Type};

/// Values, as C writes them, and their names, where the field itself (and nothing calculated from it) is printed by name.
pub(super) fn printed(format: &str, field: &str) -> Vec<(String, String)> {
    let mut rest = format;
    while let Some((_, after)) = rest.split_once("__print_symbolic(") {
        rest = after;
        let Some((what, list)) = after.split_once(',') else { break };
        if is_field(what, field) {
            return entries(list);
        }
    }
    Vec::new()
}

/// `REC->state`, `(int)REC->state`, `(REC->state)`
fn is_field(what: &str, field: &str) -> bool {
    let what = what.trim().trim_start_matches('(').trim_end_matches(')');
    what.split_once("REC->").is_some_and(|(cast, name)| {
        let cast = cast.trim().trim_matches(|c| c == '(' || c == ')');
        name.trim() == field && cast.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _".contains(&byte))
    })
}

/// The `{ value, "name" }` that follow, up to the end of the call.
fn entries(list: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = list.trim_start();
    while let Some(entry) = rest.strip_prefix('{') {
        // A name may have a brace in it: its quotes tell where it ends.
        let Some((value, after)) = entry.split_once(',') else { break };
        let Some((name, after)) = after.trim_start().strip_prefix('"').and_then(|text| text.split_once('"')) else {
            break;
        };
        found.push((value.trim().to_owned(), name.to_owned()));
        let Some((_, after)) = after.split_once('}') else { break };
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// The number that a C constant is: a literal, an enumerator of the kernel's BTF, shifts and sums of them; `None` for all else.
pub(super) fn evaluate(text: &str, types: Types<'_>) -> Option<i64> {
    let mut reader = Reader { rest: text, types };
    let value = reader.union()?;
    reader.rest.trim().is_empty().then_some(value)
}

struct Reader<'t, 'b> {
    rest: &'t str,
    types: Types<'b>,
}

impl Reader<'_, '_> {
    fn eat(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(sign);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }

    /// `|` holds least, then `<<`, then `+` and `-`.
    fn union(&mut self) -> Option<i64> {
        let mut value = self.shift()?;
        while self.eat("|") {
            value |= self.shift()?;
        }
        Some(value)
    }

    fn shift(&mut self) -> Option<i64> {
        let mut value = self.sum()?;
        while self.eat("<<") {
            value = value.checked_shl(u32::try_from(self.sum()?).ok()?)?;
        }
        Some(value)
    }

    fn sum(&mut self) -> Option<i64> {
        let mut value = self.atom()?;
        loop {
            value = if self.eat("+") {
                value.checked_add(self.atom()?)?
            } else if self.eat("-") {
                value.checked_sub(self.atom()?)?
            } else {
                return Some(value);
            };
        }
    }

    fn atom(&mut self) -> Option<i64> {
        if self.eat("(") {
            let value = self.union()?;
            return self.eat(")").then_some(value);
        }
        if self.eat("-") {
            return self.atom()?.checked_neg();
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return number(word);
        }
        enumerator(self.types.get()?, word)
    }
}

fn number(word: &str) -> Option<i64> {
    let digits = word.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok(),
        None => digits.parse().ok(),
    }
}

fn enumerator(btf: &Btf, name: &str) -> Option<i64> {
    if name.is_empty() {
        return None;
    }
    btf.all(Named::Enum).find_map(|id| match btf.get(id) {
        Type::Enum { values, .. } => values.into_iter().find(|(known, _)| known == name).map(|(_, value)| value),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of a field are found where the field itself is printed by name, whatever its values look like.
    #[test]
    fn names() {
        let format = r#" "%s %s %s", __print_symbolic((((REC->ioprio) >> 13) & 7), { 1, "rt" }), __print_symbolic(REC->state, { TCP_X, "a}b" }, {0x2UL,"c"}), __print_symbolic((int)REC->mode, { (1 << 3), "m" })"#;
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(value, name)| ((*value).to_owned(), (*name).to_owned())).collect()
        };
        assert_eq!(printed(format, "ioprio"), []);
        assert_eq!(printed(format, "state"), owned(&[("TCP_X", "a}b"), ("0x2UL", "c")]));
        assert_eq!(printed(format, "mode"), owned(&[("(1 << 3)", "m")]));
        assert_eq!(printed("\"%d\", REC->state", "state"), []);
    }

    /// Constants of C are numbers where they are calculated from literals.
    #[test]
    fn constants() {
        for (text, value) in [
            ("7", Some(7)),
            ("0x10UL", Some(16)),
            ("010", Some(8)),
            ("-1", Some(-1)),
            ("1 | 1 << 3", Some(9)),
            ("((1UL) << (4))", Some(16)),
            ("TCP_X", None),
            ("1 << 3 ?", None),
            ("", None),
        ] {
            assert_eq!(evaluate(text, None.into()), value, "{text}");
        }
    }
}
