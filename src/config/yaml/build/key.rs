// SPDX-License-Identifier: MIT OR Apache-2.0
//! A value becomes a key of the mapping around it, where it can be one.

use super::super::node::{Node, Value};
use super::{Builder, Frame, Key};
use crate::config::codes;
use crate::config::guess::template_around;
use crate::config::source::Location;

impl Builder<'_> {
    /// Takes a value as the key of the innermost mapping, or says why it cannot be one: then the mapping lacks a key.
    pub(super) fn key(&mut self, node: Node) {
        let known = self.try_key(node);
        if let (None, Some(Frame::Map { incomplete, .. })) = (known, self.stack.last_mut()) {
            *incomplete = true;
        }
    }

    /// `None` for a key that nobody knows now. One that is given twice is known.
    fn try_key(&mut self, node: Node) -> Option<()> {
        let name = match node.value {
            Value::Text(text) => text.text,
            Value::Broken => return None,
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Seq(_) | Value::Map(_) => {
                let message = format!("a key must be a string, not {}", node.kind());
                let problem = self.problem(codes::KEY_NOT_TEXT, node.span, message);
                let raw = self.source.text.get(node.span.start..node.span.end).unwrap_or_default();
                let scalar = !raw.is_empty() && !matches!(node.value, Value::Seq(_) | Value::Map(_));
                let help = if matches!(node.value, Value::Bool(_)) {
                    format!(
                        "put it in quotes: `\"{raw}\"`; if a tool has written it (kubectl, Ansible): it was `on`, `off`, `yes`, `no`, \
                         `y` or `n`, which are booleans to YAML 1.1"
                    )
                } else if scalar {
                    format!("put it in quotes: `\"{raw}\"`")
                } else {
                    "write `key: value`; a string with brackets in it needs quotes".to_owned()
                };
                let template =
                    matches!(node.value, Value::Map(_)).then(|| template_around(self.source, node.span)).flatten();
                let problem = template.unwrap_or_else(|| problem.help(help));
                self.problems.push(problem);
                return None;
            }
        };
        if name.contains("${var:") {
            let problem = self.problem(codes::VAR_FORM, node.span, "a key cannot come from a variable");
            self.problems.push(problem.help("write the key itself; only values are replaced"));
            return None;
        }
        if name.contains("${env:") {
            let problem = self.problem(codes::ENV_FORM, node.span, "a key cannot come from the environment");
            self.problems.push(problem.help("write the key itself; only values are replaced"));
            return None;
        }
        let plain_merge = name == "<<" && self.source.text[node.span.start..].starts_with('<');
        let Frame::Map { seen, key, .. } = self.stack.last_mut()? else { return None };
        if let Some(&first) = seen.get(&name) {
            let problem = self.problem(codes::DUPLICATE_KEY, node.span, format!("the key `{name}` occurs twice"));
            let problem = problem.label("again here").related(Location::new(self.source, first), "first here").help(
                if plain_merge {
                    "merge several with one key: `<<: [*one, *two]`"
                } else {
                    "remove one of them; to have several, make them entries of a list"
                },
            );
            self.problems.push(problem);
            return (!plain_merge).then_some(());
        }
        seen.insert(name.clone(), node.span);
        *key = if plain_merge { Key::Merge(node.span) } else { Key::Is(name, node.span) };
        Some(())
    }
}
