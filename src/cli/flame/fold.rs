// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an event in JSON to a folded stack.

use serde_json::{Map, Value};

/// What a line of events is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// `comm;main;work`, how often, and whether that is of a sample.
    Stack { text: String, count: u64, is_sample: bool },
    /// So many events were lost.
    Lost { cause: String, count: u64 },
    /// It has no stack.
    Nothing,
    /// The row of a sample has no such value.
    NoValue,
}

/// Folds an event or a row. `value` names the value of rows; without it the first number after the stack counts.
pub(super) fn fold(event: &Map<String, Value>, value: Option<&str>) -> Line {
    let kind = event.get("type").and_then(Value::as_str);
    if kind == Some("lost") {
        let cause = event.get("cause").and_then(Value::as_str).unwrap_or("unknown").replace('_', " ");
        return Line::Lost { cause, count: event.get("count").and_then(Value::as_u64).unwrap_or(0) };
    }
    let mut stacks: Vec<(usize, &Vec<Value>)> = event
        .values()
        .enumerate()
        .filter_map(|(at, value)| Some((at, value.as_array().filter(|frames| is_stack(frames))?)))
        .collect();
    let Some(last) = stacks.last().map(|(at, _)| *at) else { return Line::Nothing };
    let is_sample = kind == Some("sample");
    let count = match (is_sample, value) {
        (false, _) => Some(1),
        (true, Some(name)) => event.get(name).and_then(whole),
        (true, None) => event.values().skip(last + 1).find_map(whole),
    };
    let Some(count) = count else { return Line::NoValue };
    // The process's first.
    stacks.sort_by_key(|(_, frames)| is_of_kernel(frames));
    let named = |key: &str| event.get(key).and_then(Value::as_str).filter(|name| !name.is_empty());
    let mut text = plain(named("comm").or_else(|| named("probe")).unwrap_or("?"));
    for frame in stacks.iter().flat_map(|(_, frames)| frames.iter().rev()) {
        text.push(';');
        text.push_str(&function(frame));
    }
    Line::Stack { text, count, is_sample }
}

fn is_stack(frames: &[Value]) -> bool {
    !frames.is_empty() && frames.iter().all(|frame| frame.get("addr").is_some())
}

/// A count that makes a function wide: what is below 0 does not.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_number()?;
    number.as_u64().or_else(|| number.as_f64().map(|number| number.max(0.0) as u64))
}

/// Kernels have the upper half of all addresses.
fn is_of_kernel(frames: &[Value]) -> bool {
    let address = frames.first().and_then(|frame| frame.get("addr")).and_then(Value::as_str);
    address.is_some_and(|address| address.len() == "0xffffffff81000000".len() && address[2..] >= *"8")
}

/// As the format `folded` writes it.
fn function(frame: &Value) -> String {
    let part = |key: &str| frame.get(key).and_then(Value::as_str);
    match (part("symbol"), part("module")) {
        (Some(symbol), _) => plain(symbol),
        (None, Some(module)) => format!("[{}]", plain(module)),
        (None, None) => "[unknown]".to_owned(),
    }
}

/// Without what ends a name or a line.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c == ';' {
                ':'
            } else if c.is_control() {
                '?'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str, value: Option<&str>) -> Line {
        fold(serde_json::from_str::<Value>(json).unwrap().as_object().unwrap(), value)
    }

    fn stack(text: &str, count: u64, is_sample: bool) -> Line {
        Line::Stack { text: text.to_owned(), count, is_sample }
    }

    /// Events count once, the process's functions are outside of the kernel's, and what is unknown has its library's name.
    #[test]
    fn events() {
        let json = r#"{"ts":"x","probe":"p","pid":7,"comm":"a;b\n","k":[{"addr":"0xffffffff81000010","symbol":"vfs_read","offset":3}],
            "u":[{"addr":"0x7f01","module":"libc.so.6"},{"addr":"0x1","symbol":"ma;in"},{"addr":"0x2"}],"list":[1],"n":5}"#;
        assert_eq!(of(json, None), stack("a:b?;[unknown];ma:in;[libc.so.6];vfs_read", 1, false));
        assert_eq!(of(r#"{"probe":"p","k":null,"l":[]}"#, None), Line::Nothing);
        assert_eq!(of(r#"{"probe":"p","k":[{"addr":"0x1"}]}"#, None), stack("p;[unknown]", 1, false));
    }

    /// Rows count by their first value, or by the one that is named.
    #[test]
    fn rows() {
        let json = r#"{"ts":"x","probe":"p","type":"sample","interval_ms":1000,"pid":7,"k":[{"addr":"0x1","symbol":"f"}],"calls":12,"took":3.5,"none":null,"low":-4}"#;
        assert_eq!(of(json, None), stack("p;f", 12, true));
        assert_eq!(of(json, Some("took")), stack("p;f", 3, true));
        assert_eq!(of(json, Some("low")), stack("p;f", 0, true));
        assert_eq!((of(json, Some("none")), of(json, Some("k"))), (Line::NoValue, Line::NoValue));
    }

    /// What was lost is told.
    #[test]
    fn losses() {
        let line = of(r#"{"ts":"x","probe":"p","type":"lost","cause":"ring_full","count":880}"#, None);
        assert_eq!(line, Line::Lost { cause: "ring full".to_owned(), count: 880 });
    }
}
