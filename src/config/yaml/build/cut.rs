// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is left of a file whose end cannot be read.
//!
//! ```yaml
//! sinks: { out: stdout }  # whole
//! probes:                 # incomplete: more may follow
//!   - { name: a }         # whole
//!   - name: b             # incomplete, without what stands last: the mistake may lie in it
//!     program: "exec
//! ```

use super::super::node::{Entry, Node, Value};
use super::super::spans::is_flow;
use super::{Builder, Frame, Key};

impl Builder<'_> {
    /// Ends everything that is open. All of it, and what ends at this point, is marked as incomplete.
    pub(super) fn cut(&mut self) {
        let mut inner = match self.stack.pop() {
            Some(frame) => self.last_frame(frame),
            None => {
                self.root = self.root.take().filter(is_mapping);
                if let Some(root) = &mut self.root {
                    cut_inside(&self.source.text, root);
                }
                return;
            }
        };
        while let Some(mut frame) = self.stack.pop() {
            match &mut frame {
                Frame::Seq { items, .. } => items.push(inner),
                Frame::Map { entries, key, .. } => {
                    // Not what is a key itself or would be merged: it may mean anything.
                    if let Key::Is(name, key_span) = std::mem::replace(key, Key::Wanted) {
                        entries.push(Entry { key: name, key_span, merged: None, value: inner });
                    }
                }
            }
            inner = self.node(frame, None);
        }
        self.root = Some(inner).filter(is_mapping);
    }

    /// The innermost of the open lists and mappings.
    fn last_frame(&mut self, mut frame: Frame) -> Node {
        match &mut frame {
            Frame::Seq { items, .. } => cut_items(&self.source.text, items),
            // A key without its value is left out.
            Frame::Map { entries, .. } => cut_entries(&self.source.text, entries),
        }
        self.node(frame, None)
    }
}

fn is_mapping(node: &Node) -> bool {
    matches!(node.value, Value::Map(_))
}

/// Takes back what the mistake may have made of what stands in front of it. A quote that is not closed takes in what
/// follows: the last scalar is left out, and keys without a value above it, which it may have been meant for.
fn cut_items(text: &str, items: &mut Vec<Node>) {
    if items.pop_if(|last| is_scalar(last)).is_some() {
        while items.pop_if(|item| item.value == Value::Null).is_some() {}
    }
    if let Some(last) = items.last_mut() {
        cut_inside(text, last);
    }
}

/// The same for a mapping. What has not been read may have taken the place of what is merged.
fn cut_entries(text: &str, entries: &mut Vec<Entry>) {
    entries.retain(|entry| entry.merged.is_none());
    if entries.pop_if(|last| is_scalar(&last.value)).is_some() {
        while entries.pop_if(|entry| entry.value.value == Value::Null).is_some() {}
    }
    if let Some(last) = entries.last_mut() {
        cut_inside(text, &mut last.value);
    }
}

/// The same for what has just ended: a line that is indented less than it was meant to be ends all that is open above it.
/// What stands in brackets has been read as it was meant, but more may belong to it.
fn cut_inside(text: &str, node: &mut Node) {
    if is_scalar(node) {
        return;
    }
    match &mut node.value {
        Value::Seq(items) if !is_flow(text, node.span) => cut_items(text, items),
        Value::Map(entries) if !is_flow(text, node.span) => cut_entries(text, entries),
        _in_brackets => {}
    }
    node.set_incomplete();
}

fn is_scalar(node: &Node) -> bool {
    !matches!(node.value, Value::Seq(_) | Value::Map(_))
}
