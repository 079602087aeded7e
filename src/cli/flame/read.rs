// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stacks of a file that was written before: events as JSON lines, or folded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::fold::{Line, fold};
use super::{Folded, NoPicture};
use crate::words::path_text;

/// Bytes of one line; longer ones are no events.
const MOST_BYTES: u64 = 16 << 20;
/// Begins the line of what was lost: `format/folded.rs`.
const LOST: &str = "[lost];";

pub(super) fn read(paths: &[PathBuf], value: Option<&str>) -> Result<Folded, NoPicture> {
    let [path] = paths else {
        return Err(NoPicture::usage(
            "error: one file of events or stacks at a time; join several with cat(1) and `-`",
        ));
    };
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path_text(path).into_owned() };
    let failed = |error: io::Error| NoPicture::usage(format!("error: failed to read `{name}`: {error}"));
    let mut input: Box<dyn BufRead> = match File::open(path) {
        _ if path == Path::new("-") => Box::new(io::stdin().lock()),
        Ok(file) => Box::new(BufReader::new(file)),
        Err(error) => return Err(failed(error)),
    };
    let mut folded = Folded { unit: "events", source: name.clone(), ..Folded::default() };
    let mut totals = Totals::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let bytes = io::Read::take(&mut input, MOST_BYTES).read_until(b'\n', &mut line).map_err(failed)?;
        if bytes == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            add(&mut folded, &mut totals, text, value)
                .map_err(|what| NoPicture::usage(format!("error: {name}:{number}: {what}")))?;
        }
    }
    for (stack, count) in totals.tables.into_values().flat_map(|(_, rows)| rows) {
        push(&mut folded, &stack, count);
    }
    Ok(folded)
}

/// Rows of tables that never begin again: the last report of each has all.
#[derive(Default)]
struct Totals {
    /// By probe and table: when that was, and its stacks.
    tables: BTreeMap<String, (String, Vec<(String, u64)>)>,
}

impl Totals {
    fn add(&mut self, event: &Map<String, Value>, stack: String, count: u64) {
        let [probe, table, ts] =
            ["probe", "table", "ts"].map(|key| event.get(key).map(Value::to_string).unwrap_or_default());
        let (last, rows) = self.tables.entry(format!("{probe} {table}")).or_default();
        if *last != ts {
            *last = ts;
            rows.clear();
        }
        rows.push((stack, count));
    }
}

/// The stacks that a run has recorded.
pub(super) fn folded_of(text: &[u8], source: String) -> Folded {
    let mut folded = Folded { unit: "events", source, ..Folded::default() };
    for line in String::from_utf8_lossy(text).lines() {
        if let Some((stack, count)) = line.rsplit_once(' ')
            && let Ok(count) = count.parse()
        {
            push(&mut folded, stack, count);
        }
    }
    folded
}

/// Adds one line; what is wrong with it otherwise.
fn add(folded: &mut Folded, totals: &mut Totals, text: &str, value: Option<&str>) -> Result<(), String> {
    if text.starts_with('{') {
        let event: Map<String, Value> = serde_json::from_str(text).map_err(|error| format!("not an event: {error}"))?;
        return add_event(folded, totals, &event, value);
    }
    let parts = text.rsplit_once(' ').and_then(|(stack, count)| Some((stack, count.parse::<u64>().ok()?)));
    let Some((stack, count)) = parts.filter(|(stack, _)| !stack.ends_with(':')) else {
        return Err(
            "neither an event (JSON) nor a folded stack (`comm;main;work 7`); a file of probes ends in `.yaml`"
                .to_owned(),
        );
    };
    push(folded, stack, count);
    Ok(())
}

fn add_event(
    folded: &mut Folded,
    totals: &mut Totals,
    event: &Map<String, Value>,
    value: Option<&str>,
) -> Result<(), String> {
    match fold(event, value) {
        Line::Stack { text, count, is_sample } => {
            if is_sample {
                folded.unit = "samples";
            }
            if event.get("cumulative") == Some(&Value::Bool(true)) {
                totals.add(event, text, count);
            } else {
                push(folded, &text, count);
            }
        }
        Line::Lost { cause, count } => push(folded, &format!("{LOST}{cause}"), count),
        Line::Nothing => {}
        Line::NoValue => {
            return Err(match value {
                Some(name) => format!("the row has no number `{name}`"),
                None => "the row has no number after its stack; say which value counts with `--value NAME`".to_owned(),
            });
        }
    }
    Ok(())
}

fn push(folded: &mut Folded, stack: &str, count: u64) {
    folded.text.extend_from_slice(format!("{stack} {count}\n").as_bytes());
    if stack.starts_with(LOST) {
        folded.lost += count;
    } else {
        folded.count += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms may be in one file, and the first line that is neither is named.
    #[test]
    fn lines() {
        let mut folded = Folded { unit: "events", ..Folded::default() };
        let mut totals = Totals::default();
        let mut given = |text: &str| add(&mut folded, &mut totals, text, None);
        given("app;main;operator new(int) 7").unwrap();
        given(r#"{"probe":"p","k":[{"addr":"0x1","symbol":"f"}]}"#).unwrap();
        given("[lost];ring full 3").unwrap();
        // Only the last report of what is cumulative counts.
        for (ts, count) in [("a", 5), ("a", 2), ("b", 9), ("b", 3)] {
            let row = r#""probe":"p","type":"sample","cumulative":true,"k":[{"addr":"0x1","symbol":"g"}]"#;
            given(&format!(r#"{{"ts":"{ts}",{row},"calls":{count}}}"#)).unwrap();
        }
        assert_eq!(totals.tables["\"p\" "], ("\"b\"".to_owned(), vec![("p;g".to_owned(), 9), ("p;g".to_owned(), 3)]));
        assert_eq!(folded.text, b"app;main;operator new(int) 7\np;f 1\n[lost];ring full 3\n");
        assert_eq!((folded.count, folded.lost, folded.unit), (8, 3, "samples"));
        for (text, message) in [
            ("version: 1", "a file of probes ends in `.yaml`"),
            ("{\"a\":", "not an event"),
            (r#"{"type":"sample","k":[{"addr":"0x1"}]}"#, "`--value NAME`"),
        ] {
            let error = add(&mut folded, &mut Totals::default(), text, None).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
