// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holds the output of a scenario against its `expect` file.
//!
//! ```text
//! # a comment
//! {"probe":"opened","comm":"cat","fd":{"$ge":3,"$lt":100}}     some line of the output has these fields
//! ! {"probe":"opened","fd":{"$re":"^0x"}}                      no line of it has
//! ```
//!
//! Fields that an expectation does not name may have any value. A value is a constant, an object that is a subset in
//! its turn, or an object of matchers, all of which must hold: `$gt $ge $lt $le` for numbers, `$re` for strings, `$any` for
//! what one element of a list has.

use std::cmp::Ordering;
use std::fmt::Write;

use regex::Regex;
use serde_json::{Map, Value};

/// A whole `expect` file.
#[derive(Debug)]
pub(crate) struct Expectations(Vec<Expectation>);

#[derive(Debug)]
struct Expectation {
    line: usize,
    /// The line as it stands in the file.
    text: String,
    absent: bool,
    pattern: Value,
}

impl Expectations {
    /// Reads an `expect` file. Says which line is wrong, unknown matchers and broken expressions included. A file
    /// that expects nothing is an error: it would pass whatever happens.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut expectations = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (absent, json) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
            let pattern: Map<String, Value> =
                serde_json::from_str(json).map_err(|error| format!("expect:{line}: {error}"))?;
            let pattern = Value::Object(pattern);
            check_matchers(&pattern).map_err(|error| format!("expect:{line}: {error}"))?;
            expectations.push(Expectation { line, text: text.to_owned(), absent, pattern });
        }
        if expectations.iter().all(|expectation| expectation.absent) {
            return Err("expect: nothing is expected".to_owned());
        }
        Ok(Self(expectations))
    }

    /// What is wrong with this output, one entry a fault; empty when all is as expected. Every line must be a JSON
    /// object with `ts` and `probe`, whatever is expected.
    pub(crate) fn faults(&self, stdout: &[u8]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut events = Vec::new();
        for (number, line) in (1..).zip(stdout.split_inclusive(|byte| *byte == b'\n')) {
            match parse_event(line) {
                Ok(event) => events.push(event),
                Err(error) => {
                    faults.push(format!("stdout:{number}: {error}: {}", String::from_utf8_lossy(line).trim_end()));
                }
            }
        }
        for Expectation { line, text, absent, pattern } in &self.0 {
            let found = events.iter().find(|event| matches(pattern, event));
            match (absent, found) {
                (false, Some(_)) | (true, None) => {}
                (true, Some(event)) => faults.push(format!("expect:{line}: found what must not be: {event}")),
                (false, None) => faults.push(missing(*line, text, pattern, &events)),
            }
        }
        faults
    }
}

fn parse_event(line: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    if !text.ends_with('\n') {
        return Err("torn line".to_owned());
    }
    let event: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    // A reload is about a file.
    let about = event["probe"].is_string() || event["type"] == "reload";
    if event["ts"].is_string() && about { Ok(event) } else { Err("no ts or no probe".to_owned()) }
}

/// The fault of an unmet expectation: a diff against the event that comes nearest to it.
fn missing(line: usize, text: &str, pattern: &Value, events: &[Value]) -> String {
    let mut fault = format!("expect:{line}: no event matches");
    let distance = |event: &&Value| differences(pattern, event).len();
    let Some(nearest) = events.iter().min_by_key(distance) else {
        write!(fault, " {text} (there are no events)").unwrap();
        return fault;
    };
    write!(fault, "; of {} events the nearest is {nearest}", events.len()).unwrap();
    for (key, wanted, found) in differences(pattern, nearest) {
        let found = found.map_or("nothing".to_owned(), Value::to_string);
        write!(fault, "\n    - {key}: {wanted}\n    + {key}: {found}").unwrap();
    }
    fault
}

/// Fields of the pattern that this event does not meet, with what it has instead.
fn differences<'a>(pattern: &'a Value, event: &'a Value) -> Vec<(&'a str, &'a Value, Option<&'a Value>)> {
    let fields = pattern.as_object().into_iter().flatten();
    fields
        .map(|(key, wanted)| (key.as_str(), wanted, event.get(key)))
        .filter(|(_, wanted, found)| !found.is_some_and(|found| matches(wanted, found)))
        .collect()
}

fn matches(pattern: &Value, value: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(key, with)| match key.strip_prefix('$') {
            Some(_) => hold(key, with, value),
            None => part(value, key).is_some_and(|found| matches(with, found)),
        }),
        constant => constant == value,
    }
}

/// A field of an object, an element of a list by its number.
fn part<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).or_else(|| value.get(key.parse::<usize>().ok()?))
}

fn hold(operator: &str, with: &Value, value: &Value) -> bool {
    let order = || compare(value, with);
    match operator {
        "$gt" => order().is_some_and(Ordering::is_gt),
        "$ge" => order().is_some_and(Ordering::is_ge),
        "$lt" => order().is_some_and(Ordering::is_lt),
        "$le" => order().is_some_and(Ordering::is_le),
        "$re" => with
            .as_str()
            .zip(value.as_str())
            .is_some_and(|(with, value)| Regex::new(with).is_ok_and(|expression| expression.is_match(value))),
        "$any" => value.as_array().is_some_and(|all| all.iter().any(|one| matches(with, one))),
        _ => false,
    }
}

/// Integers exactly, up to the largest u64; `None` when one of the two is no number.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    let integer = |value: &Value| value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn check_matchers(pattern: &Value) -> Result<(), String> {
    let Value::Object(fields) = pattern else { return Ok(()) };
    for (key, value) in fields {
        match key.as_str() {
            "$gt" | "$ge" | "$lt" | "$le" if value.is_number() => {}
            "$gt" | "$ge" | "$lt" | "$le" => return Err(format!("{key} takes a number")),
            "$re" => {
                let text = value.as_str().ok_or("$re takes a string")?;
                Regex::new(text).map_err(|error| error.to_string())?;
            }
            "$any" => check_matchers(value)?,
            unknown if unknown.starts_with('$') => return Err(format!("unknown matcher {unknown}")),
            _ => check_matchers(value)?,
        }
    }
    // A list has elements by their number beside what one of them has.
    let is_of_value = |key: &&String| key.starts_with('$') && *key != "$any";
    if fields.keys().any(|key| is_of_value(&key)) && !fields.keys().all(|key| key.starts_with('$')) {
        return Err("matchers and fields in one object".to_owned());
    }
    Ok(())
}
