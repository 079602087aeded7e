// SPDX-License-Identifier: MIT OR Apache-2.0
//! Call stacks, as each format writes them. The names come from files that anybody may have made.

use std::sync::Arc;

use super::escape::{Style, escape, json_escape, needs_quotes};
use super::human::decimal;
use super::value::hex_number;
use crate::record::StackFrame;

/// `[{"addr":"0xffffffff81a3c1d0","symbol":"tcp_sendmsg","offset":72}, …]`, the innermost function first.
pub(super) fn json_stack(frames: &[StackFrame], out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, frame) in frames.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"{\"addr\":\"" } else { b",{\"addr\":\"" });
        hex_number(frame.address, out);
        out.push(b'"');
        if let Some(symbol) = &frame.symbol {
            string(b",\"symbol\":\"", symbol, out);
        }
        if let Some(offset) = frame.offset {
            out.extend_from_slice(b",\"offset\":");
            decimal(offset, out);
        }
        if let Some(module) = &frame.module {
            string(b",\"module\":\"", module, out);
        }
        out.push(b'}');
    }
    out.push(b']');
}

fn string(key: &[u8], text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    json_escape(text.as_bytes(), out);
    out.push(b'"');
}

/// `main;work;memcpy`, the outermost function first.
pub(super) fn text_stack(frames: &[StackFrame], out: &mut Vec<u8>) {
    let misleads = |name: &Option<Arc<str>>| name.as_ref().is_some_and(|name| needs_quotes(name.as_bytes()));
    let style = if frames.iter().any(|frame| misleads(&frame.symbol) || misleads(&frame.module)) {
        out.push(b'"');
        Style::Quoted
    } else {
        Style::Plain
    };
    for (at, frame) in frames.iter().rev().enumerate() {
        if at > 0 {
            out.push(b';');
        }
        place(frame, style, out);
    }
    if style == Style::Quoted {
        out.push(b'"');
    }
}

/// A line for each function, indented, the innermost first: `        tcp_sendmsg+0x48`, `        memcpy+0x10 (libc.so.6)`.
pub(super) fn pretty_stack(frames: &[StackFrame], out: &mut Vec<u8>) {
    for frame in frames {
        out.extend_from_slice(b"        ");
        place(frame, Style::Plain, out);
        if frame.symbol.is_some() {
            plus(frame.offset, out);
            if let Some(module) = &frame.module {
                out.extend_from_slice(b" (");
                escape(module.as_bytes(), Style::Plain, out);
                out.push(b')');
            }
        }
        out.push(b'\n');
    }
}

/// `tcp_sendmsg`, `libc.so.6+0x1234`, `0x7f0012345678`: as much as is known.
fn place(frame: &StackFrame, style: Style, out: &mut Vec<u8>) {
    match (&frame.symbol, &frame.module) {
        (Some(symbol), _) => escape(symbol.as_bytes(), style, out),
        (None, Some(module)) => {
            escape(module.as_bytes(), style, out);
            plus(frame.offset, out);
        }
        (None, None) => hex_number(frame.address, out),
    }
}

fn plus(offset: Option<u64>, out: &mut Vec<u8>) {
    if let Some(offset) = offset {
        out.push(b'+');
        hex_number(offset, out);
    }
}
