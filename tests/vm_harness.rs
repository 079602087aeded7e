// SPDX-License-Identifier: MIT OR Apache-2.0
//! The judge of the VM tests is itself held to its word; the VMs are in `tests/vm/`.

#![allow(clippy::unwrap_used)]

#[path = "vm/expect.rs"]
mod expect;
#[path = "vm/results.rs"]
mod results;

use expect::Expectations;
use results::Results;

/// The faults of one line of output, common fields added, against one expectation.
fn faults(expected: &str, event: &str) -> Vec<String> {
    let stdout = format!("{{\"ts\":\"t\",\"probe\":\"p\",{event}}}\n");
    Expectations::parse(expected).unwrap().faults(stdout.as_bytes())
}

#[test]
fn an_expectation_is_a_subset_and_its_matchers_all_hold() {
    for (expected, event) in [
        (r#"{"fd":-2}"#, r#""fd":-2,"comm":"cat""#),
        (r#"{"fd":{"$ge":3,"$lt":100}}"#, r#""fd":3"#),
        (r#"{"v":{"$gt":18446744073709551614}}"#, r#""v":18446744073709551615"#),
        (r#"{"v":{"$le":0.5}}"#, r#""v":0.5"#),
        (r#"{"comm":{"$re":"^tru"}}"#, r#""comm":"true""#),
        (r#"{"labels":{"a":1}}"#, r#""labels":{"a":1,"b":2}"#),
        ("# why\n\n{\"fd\":1}\n! {\"fd\":2}", r#""fd":1"#),
    ] {
        assert_eq!(faults(expected, event), Vec::<String>::new(), "{expected}");
    }
}

#[test]
fn what_differs_is_a_fault() {
    for (expected, event) in [
        (r#"{"fd":-2}"#, r#""fd":4294967294"#),
        (r#"{"fd":-2}"#, r#""fd":"-2""#),
        (r#"{"fd":{"$ge":3,"$lt":100}}"#, r#""fd":100"#),
        (r#"{"v":{"$gt":18446744073709551614}}"#, r#""v":18446744073709551614"#),
        (r#"{"fd":{"$gt":0}}"#, r#""fd":"1""#),
        (r#"{"comm":{"$re":"^tru"}}"#, r#""comm":"untrue""#),
        (r#"{"absent":{"$gt":0}}"#, r#""fd":1"#),
        ("{\"fd\":1}\n! {\"comm\":\"cat\"}", r#""fd":1,"comm":"cat""#),
    ] {
        assert_eq!(faults(expected, event).len(), 1, "{expected}");
    }
}

#[test]
fn an_unmet_expectation_shows_the_nearest_event_and_its_differences() {
    let stdout = "{\"ts\":\"t\",\"probe\":\"p\",\"comm\":\"sh\",\"fd\":9}\n{\"ts\":\"t\",\"probe\":\"p\",\"comm\":\"cat\",\"fd\":-1}\n";
    let faults = Expectations::parse(r#"{"comm":"cat","fd":-2}"#).unwrap().faults(stdout.as_bytes());
    assert_eq!(
        faults,
        [concat!(
            "expect:1: no event matches; of 2 events the nearest is ",
            r#"{"ts":"t","probe":"p","comm":"cat","fd":-1}"#,
            "\n    - fd: -2\n    + fd: -1"
        )]
    );
}

#[test]
fn output_that_is_not_whole_lines_of_events_is_a_fault() {
    let expectations = Expectations::parse(r#"{"probe":"p"}"#).unwrap();
    let good = b"{\"ts\":\"t\",\"probe\":\"p\"}\n";
    assert!(expectations.faults(good).is_empty());
    for bad in [&b"ready\n"[..], b"{\"ts\":\"t\"}\n", b"[1]\n", b"\"\xff\"\n", b"{\"ts\":\"t\",\"probe\":\"p\"}"] {
        assert_eq!(expectations.faults(&[good, bad].concat()).len(), 1, "{}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn an_expect_file_that_cannot_mean_anything_is_refused() {
    for (text, error) in [
        ("", "expect: nothing is expected"),
        ("! {\"fd\":1}", "expect: nothing is expected"),
        ("{\"fd\":{\"$gte\":1}}", "expect:1: unknown matcher $gte"),
        ("\n{\"fd\":{\"$gt\":\"1\"}}", "expect:2: $gt takes a number"),
        ("{\"fd\":{\"$gt\":1,\"x\":2}}", "expect:1: matchers and fields in one object"),
    ] {
        assert_eq!(Expectations::parse(text).unwrap_err(), error);
    }
    assert!(Expectations::parse("{\"fd\":{\"$re\":\"(\"}}").is_err());
    assert!(Expectations::parse("[1]").is_err());
}

#[test]
fn results_are_read_up_to_where_a_vm_died() {
    let text = "@boot 6.1\n@scenario a\n@value exit 0\n@file stdout\naGVs\r\nbG8K\n@file stderr\n/+8=\n@end 2\n@scenario b\n@value exit 1\n@file stdout\naGV";
    let results = Results::parse(text);
    assert_eq!(results.release, "6.1");
    assert!(!results.done);
    assert_eq!(results.scenarios.len(), 1);
    assert_eq!(results.open.as_deref(), Some("b"));
    let outcome = &results.scenarios["a"];
    assert_eq!(outcome.values["exit"], "0");
    assert_eq!(outcome.file("stdout"), b"hello\n");
    assert_eq!(outcome.file("stderr"), b"\xff\xef");
    assert_eq!(outcome.file("trigger"), b"");
    assert!(Results::parse(&format!("{text}\n@end 2\n@done\n")).done);
}
