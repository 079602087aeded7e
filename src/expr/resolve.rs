// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a capture expression to a fetch: names become offsets, types become sizes and signs.
//!
//! ```text
//! sk->__sk_common.skc_dport as port     (hook: kprobe tcp_connect)
//!   sk            argument 0, struct sock *
//!   ->__sk_common follow it; offset 0
//!   .skc_dport    offset 0 + 12; unsigned short
//!   as port       2 bytes in network order
//! Fetch { source: Argument(0), hops: [], offset: 12, copy: Kernel, size: 2 }, Kind::Port
//! ```

use super::access::{Place, Ty};
use super::scope::Scope;
use super::shape::{head_shape, shape};
use super::simple::simple;
use crate::spec::{Capture, CaptureExpr, CaptureStep, Fetch, Field, Layout};
use crate::words::Refusal;

/// A probe's captures, resolved: what the program is told and how its records are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The program's work list. Its index is the bit of the field in the mask of absent values.
    pub fetches: Vec<Fetch>,
    /// The record: the head that all events share, then the captured fields.
    pub layout: Layout,
}

/// Resolves the captures of a probe. `head` is the layout of the record's fixed head; all errors are found at once, each
/// with the index of its capture.
pub fn resolve(captures: &[Capture], scope: &Scope<'_>, head: &Layout) -> Result<Resolved, Vec<(usize, Refusal)>> {
    let mut resolved = Resolved { fetches: Vec::new(), layout: head.clone() };
    let mut errors = Vec::new();
    for (index, capture) in captures.iter().enumerate() {
        if let Err(error) = add(capture, scope, head, &mut resolved) {
            errors.push((index, error));
        }
    }
    if errors.is_empty() { Ok(resolved) } else { Err(errors) }
}

fn add(capture: &Capture, scope: &Scope<'_>, head: &Layout, resolved: &mut Resolved) -> Result<(), Refusal> {
    let expr = &simple(&capture.expr)?;
    let place = walk(expr, scope)?;
    if let Ty::Head(name) = place.ty {
        // The head has it already: the field is a second look at the same bytes.
        let field = head.process.iter().find(|field| field.name == name);
        let field = field.ok_or_else(|| Refusal::new(format!("this program does not record `{name}`")))?;
        let (kind, size) = head_shape(expr, &place, field)?;
        resolved.layout.fields.push(Field { name: capture.name.clone(), kind, size, ..field.clone() });
        return Ok(());
    }
    let shape = shape(expr, place)?;
    let (out, slot) = (resolved.layout.size, shape.size.next_multiple_of(8));
    resolved.layout.size += u32::from(slot);
    resolved.layout.fields.push(Field {
        name: capture.name.clone(),
        offset: out,
        size: u32::from(shape.shown),
        kind: shape.kind,
        absent_bit: Some(resolved.fetches.len() as u8),
        bits: None,
        unit: String::new(),
        doc: String::new(),
    });
    resolved.fetches.push(Fetch {
        source: shape.place.source,
        hops: shape.place.hops.iter().map(|hop| *hop as i32).collect(),
        user_from: None,
        offset: shape.place.offset as i32,
        index: None,
        keep: None,
        length: None,
        copy: shape.copy,
        size: shape.size,
        slot,
        out,
    });
    Ok(())
}

/// Follows the steps of an expression from its base.
fn walk<'a>(expr: &CaptureExpr, scope: &Scope<'a>) -> Result<Place<'a>, Refusal> {
    let mut place = scope.base(&expr.base)?;
    let mut text = expr.base.clone();
    for step in &expr.steps {
        place = match step {
            CaptureStep::Arrow(name) => place.arrow(name, &text)?,
            CaptureStep::Dot(name) => place.dot(name, &text)?,
            CaptureStep::Index(index) => place.index(*index, &text)?,
        };
        text.push_str(&match step {
            CaptureStep::Arrow(name) => format!("->{name}"),
            CaptureStep::Dot(name) => format!(".{name}"),
            CaptureStep::Index(index) => format!("[{index}]"),
        });
    }
    Ok(place)
}
