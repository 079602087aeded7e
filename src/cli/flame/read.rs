// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stacks of a file that was written before: events as JSON lines, or folded.

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
            add(&mut folded, text, value)
                .map_err(|what| NoPicture::usage(format!("error: {name}:{number}: {what}")))?;
        }
    }
    Ok(folded)
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
fn add(folded: &mut Folded, text: &str, value: Option<&str>) -> Result<(), String> {
    if text.starts_with('{') {
        let event: Map<String, Value> = serde_json::from_str(text).map_err(|error| format!("not an event: {error}"))?;
        return add_event(folded, &event, value);
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

fn add_event(folded: &mut Folded, event: &Map<String, Value>, value: Option<&str>) -> Result<(), String> {
    match fold(event, value) {
        Line::Stack { text, count, is_sample } => {
            if is_sample {
                folded.unit = "samples";
            }
            push(folded, &text, count);
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
        add(&mut folded, "app;main;operator new(int) 7", None).unwrap();
        add(&mut folded, r#"{"probe":"p","k":[{"addr":"0x1","symbol":"f"}]}"#, None).unwrap();
        add(&mut folded, "[lost];ring full 3", None).unwrap();
        assert_eq!(folded.text, b"app;main;operator new(int) 7\np;f 1\n[lost];ring full 3\n");
        assert_eq!((folded.count, folded.lost, folded.unit), (8, 3, "events"));
        for (text, message) in [
            ("version: 1", "a file of probes ends in `.yaml`"),
            ("{\"a\":", "not an event"),
            (r#"{"type":"sample","k":[{"addr":"0x1"}]}"#, "`--value NAME`"),
        ] {
            let error = add(&mut folded, text, None).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
