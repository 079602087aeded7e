// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records become lines: the exact lines, and what holds for every record.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::time::Duration;

use ebpf_run::format::{Encoder, Look};
use ebpf_run::record::{Row, Rows};
use ebpf_run::spec::{Field, FieldType, Format, Layout, LossCause};
use proptest::prelude::*;
use serde_json::Value;

/// 2026-11-21T07:40:00.123456789Z.
const NOW: u64 = 1_795_246_800_123_456_789;

fn field(name: &str, offset: u32, size: u32, kind: FieldType) -> Field {
    Field {
        name: name.into(),
        offset,
        size,
        kind,
        absent_bit: None,
        of_end: None,
        bits: None,
        unit: String::new(),
        doc: String::new(),
    }
}

fn process() -> Vec<Field> {
    vec![
        field("pid", 8, 4, FieldType::Unsigned),
        field("tid", 12, 4, FieldType::Unsigned),
        field("uid", 16, 4, FieldType::Unsigned),
        field("comm", 24, 16, FieldType::Text { limit: None }),
    ]
}

/// Time, pid, tid, uid, comm, mask, then what the test puts behind them.
fn layout(fields: Vec<Field>) -> Layout {
    let size = fields.iter().map(|field| field.offset + field.size).max().unwrap_or(48);
    Layout { size, time: Some(0), absent: Some(40), process: process(), fields, ..Layout::default() }
}

/// A record of [`layout`].
fn record(pid: u32, tid: u32, uid: u32, absent: u64, comm: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    for number in [pid, tid, uid, 0] {
        bytes.extend(number.to_ne_bytes());
    }
    bytes.extend(comm);
    bytes.resize(40, 0);
    bytes.extend(absent.to_ne_bytes());
    bytes.extend(rest);
    bytes
}

fn line(format: Format, labels: &[(&str, &str)], layout: &Layout, record: &[u8], look: &Look) -> String {
    let labels: Vec<(String, String)> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut out = Vec::new();
    Encoder::new(format, "opens", &labels, layout, look).event(record, NOW, &mut out);
    String::from_utf8(out).unwrap()
}

/// A record with one field of every kind.
fn every_kind() -> (Layout, Vec<u8>) {
    let mut rest = Vec::new();
    let mut fields = Vec::new();
    let mut add = |name: &str, kind: FieldType, bytes: &[u8]| {
        fields.push(field(name, 48 + rest.len() as u32, bytes.len() as u32, kind));
        rest.extend(bytes);
    };
    add("big", FieldType::Unsigned, &u64::MAX.to_ne_bytes());
    add("small", FieldType::Unsigned, &[200]);
    add("neg", FieldType::Signed, &(-2i32).to_ne_bytes());
    add("min", FieldType::Signed, &i64::MIN.to_ne_bytes());
    add("yes", FieldType::Bool, &[1]);
    add("rare", FieldType::Flag, &[1]);
    add("never", FieldType::Flag, &[0]);
    add("addr", FieldType::Hex, &0x1fu64.to_ne_bytes());
    add("path", FieldType::Text { limit: Some(8) }, b"/tmp/a b\0\0\0\0\0\0\0\0");
    add("long", FieldType::Text { limit: Some(8) }, b"/tmp/abcdef\0\0\0\0\0");
    add("bad", FieldType::Text { limit: None }, b"\xff\x1b[2J\n\0\0");
    add("args", FieldType::Argv, b"\x0e\0\0\0sh\0-c\0echo hi\0\0\0\0");
    add("exe", FieldType::Path, b"\x06\0\0\x01sh\0bin\0junk");
    add("slice", FieldType::Path, b"\x06\0\x01\0a\0b c\0");
    add("why", FieldType::Errno, &2u32.to_ne_bytes());
    add("owner", FieldType::Id, &1000u32.to_ne_bytes());
    add("nobody", FieldType::Id, &[0xff; 4]);
    add("raw", FieldType::Bytes, &[0xde, 0xad, 0x00]);
    add("ip", FieldType::Ipv4, &[192, 0, 2, 1]);
    add("ip6", FieldType::Ipv6, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    add("port", FieldType::Port, &[1, 0xbb]);
    let names: FieldType = FieldType::Enum([(6, "tcp".to_owned()), (17, "udp".to_owned())].into());
    add("proto", names.clone(), &[6]);
    add("other", names, &(-9i32).to_ne_bytes());
    (layout(fields), record(4711, 4712, 1000, 0, b"cat", &rest))
}

/// One field of every kind, as JSON.
#[test]
fn jsonl_of_every_kind() {
    let (layout, record) = every_kind();
    assert_eq!(
        line(Format::Jsonl, &[("env", "pr\"od")], &layout, &record, &Look::default()),
        concat!(
            r#"{"ts":"2026-11-21T07:40:00.123456789Z","probe":"opens","pid":4711,"tid":4712,"uid":1000,"comm":"cat","#,
            r#""env":"pr\"od","big":18446744073709551615,"small":200,"neg":-2,"min":-9223372036854775808,"yes":true,"#,
            r#""rare":true,"addr":"0x1f","path":"/tmp/a b","long":"/tmp/abc","long_truncated":true,"#,
            r#""bad":"\\xff\u001b[2J\n","bad_escaped":true,"args":"sh -c 'echo hi'","exe":"/bin/sh (deleted)","#,
            r#""slice":"…/b c/a","slice_truncated":true,"why":"ENOENT","owner":1000,"nobody":null,"#,
            r#""raw":"dead00","ip":"192.0.2.1","ip6":"2001:db8::1","#,
            r#""port":443,"proto":"tcp","other":"-9"}"#,
            "\n"
        )
    );
}

/// The same record as text.
#[test]
fn text_of_every_kind() {
    let (layout, record) = every_kind();
    assert_eq!(
        line(Format::Text, &[("env", "two words")], &layout, &record, &Look::default()),
        concat!(
            r#"ts=2026-11-21T07:40:00.123456789Z probe=opens pid=4711 tid=4712 uid=1000 comm=cat env="two words" "#,
            r"big=18446744073709551615 small=200 neg=-2 min=-9223372036854775808 yes=true rare=true addr=0x1f ",
            r#"path="/tmp/a b" long=/tmp/abc long_truncated=true bad=\xff\x1b[2J\n args="sh -c 'echo hi'" "#,
            r#"exe="/bin/sh (deleted)" slice="…/b c/a" slice_truncated=true why=ENOENT owner=1000 raw=dead00 "#,
            "ip=192.0.2.1 ip6=2001:db8::1 port=443 proto=tcp other=-9\n"
        )
    );
}

/// The same record for people.
#[test]
fn pretty_of_every_kind() {
    let (layout, record) = every_kind();
    let look = Look { utc_offset_s: 3600, probe_width: 8, ..Look::default() };
    assert_eq!(
        line(Format::Pretty, &[("env", "prod")], &layout, &record, &look),
        concat!(
            "08:40:00.123 opens    cat[4711]            tid=4712 uid=1000 ",
            "big=18446744073709551615 small=200 neg=-2 min=-9223372036854775808 yes=true rare=true addr=0x1f ",
            r#"path="/tmp/a b" long=/tmp/abc… bad=\xff\x1b[2J\n args="sh -c 'echo hi'" "#,
            r#"exe="/bin/sh (deleted)" slice="…/b c/a" why=ENOENT owner=1000 raw=dead00 "#,
            "ip=192.0.2.1 ip6=2001:db8::1 port=443 proto=tcp other=-9 env=prod\n"
        )
    );
}

/// Units are for people only; a record without process fields has no column for them.
#[test]
fn units_are_humanised_in_pretty_only() {
    let mut fields = vec![field("took", 0, 8, FieldType::Unsigned), field("len", 8, 8, FieldType::Unsigned)];
    fields[0].unit = "ns".into();
    fields[1].unit = "bytes".into();
    let layout = Layout { size: 16, fields, ..Layout::default() };
    let record = [7_123_456u64.to_ne_bytes(), 4096u64.to_ne_bytes()].concat();
    let look = Look::default();
    assert_eq!(line(Format::Pretty, &[], &layout, &record, &look), "07:40:00.123 opens took=7.1ms len=4.0KiB\n");
    assert!(line(Format::Jsonl, &[], &layout, &record, &look).ends_with(",\"took\":7123456,\"len\":4096}\n"));
    assert!(line(Format::Text, &[], &layout, &record, &look).ends_with(" took=7123456 len=4096\n"));
}

/// Colour wraps the time, the probe and the keys, and never a value.
#[test]
fn colour_in_pretty() {
    let layout = layout(vec![field("nr", 48, 4, FieldType::Unsigned)]);
    let look = Look { color: true, probe_width: 5, ..Look::default() };
    assert_eq!(
        line(Format::Pretty, &[], &layout, &record(1, 1, 0, 0, b"x", &[7, 0, 0, 0]), &look),
        "\x1b[2m07:40:00.123\x1b[0m \x1b[36mopens\x1b[0m x[1]                 \x1b[2mnr=\x1b[0m7\n"
    );
}

/// An absent value is null in JSON and left out elsewhere, process fields included.
#[test]
fn absent_values() {
    let mut layout = layout(vec![field("a", 48, 1, FieldType::Unsigned), field("b", 49, 1, FieldType::Unsigned)]);
    layout.fields[0].absent_bit = Some(31);
    layout.process[3].absent_bit = Some(0);
    let record = record(7, 7, 0, 1 << 31 | 1, b"x", &[1, 2]);
    let look = Look::default();
    assert!(
        line(Format::Jsonl, &[], &layout, &record, &look).ends_with("\"uid\":0,\"comm\":null,\"a\":null,\"b\":2}\n")
    );
    assert!(line(Format::Text, &[], &layout, &record, &look).ends_with(" uid=0 b=2\n"));
    assert_eq!(line(Format::Pretty, &[], &layout, &record, &look), "07:40:00.123 opens [7]                  b=2\n");
}

/// A record that ends too early yields a line that says so, with what it holds.
#[test]
fn short_records() {
    let (layout, record) = every_kind();
    for format in [Format::Jsonl, Format::Text, Format::Pretty] {
        for len in 0..record.len() {
            let line = line(format, &[], &layout, &record[..len], &Look::default());
            assert!(line.contains("short_record") && line.ends_with('\n'), "{line}");
        }
    }
    let line = line(Format::Jsonl, &[], &layout, &record[..57], &Look::default());
    assert!(line.contains("\"big\":18446744073709551615,\"small\":200,\"neg\":null"), "{line}");
}

/// Counters: a line for each row, or a table for people.
#[test]
fn samples() {
    let names = FieldType::Enum([(6, "tcp".to_owned()), (17, "udp".to_owned())].into());
    let mut fields = vec![
        field("protocol", 0, 4, names),
        field("packets", 4, 8, FieldType::Unsigned),
        field("bytes", 12, 8, FieldType::Unsigned),
    ];
    fields[2].unit = "bytes".into();
    let layout = Layout { size: 20, fields, ..Layout::default() };
    let row = |protocol: u32, packets: u64, bytes: u64| {
        [&protocol.to_ne_bytes()[..], &packets.to_ne_bytes(), &bytes.to_ne_bytes()].concat()
    };
    let rows = [row(6, 120, 49_356), row(17, 3, 312)];
    let sample = |format, rows: &[Vec<u8>]| {
        let rows = &Rows { rows: rows.iter().cloned().map(Row::from).collect(), ..Rows::default() };
        let labels = [("env".to_owned(), "prod".to_owned())];
        let mut out = Vec::new();
        let look = Look { probe_width: 8, ..Look::default() };
        Encoder::new(format, "packets", &labels, &layout, &look).sample(rows, Duration::from_secs(1), NOW, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        sample(Format::Jsonl, &rows),
        concat!(
            r#"{"ts":"2026-11-21T07:40:00.123456789Z","probe":"packets","type":"sample","interval_ms":1000,"env":"prod","#,
            "\"protocol\":\"tcp\",\"packets\":120,\"bytes\":49356}\n",
            r#"{"ts":"2026-11-21T07:40:00.123456789Z","probe":"packets","type":"sample","interval_ms":1000,"env":"prod","#,
            "\"protocol\":\"udp\",\"packets\":3,\"bytes\":312}\n"
        )
    );
    assert!(
        sample(Format::Text, &rows)
            .ends_with(" type=sample interval_ms=1000 env=prod protocol=udp packets=3 bytes=312\n")
    );
    assert_eq!(
        sample(Format::Pretty, &rows),
        "07:40:00.123 packets  in 1s env=prod\n    protocol  packets    bytes\n    tcp           120  48.2KiB\n    udp             3     312B\n"
    );
    assert_eq!(sample(Format::Pretty, &[]), "07:40:00.123 packets  nothing in 1s env=prod\n");
    assert_eq!(sample(Format::Jsonl, &[]), "");
}

/// Losses say their cause and their number.
#[test]
fn losses() {
    let lost = |format, count| {
        let mut out = Vec::new();
        let look = Look::default();
        Encoder::new(format, "opens", &[], &Layout::default(), &look).lost(LossCause::RingFull, count, NOW, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        lost(Format::Jsonl, 880),
        "{\"ts\":\"2026-11-21T07:40:00.123456789Z\",\"probe\":\"opens\",\"type\":\"lost\",\"cause\":\"ring_full\",\"count\":880}\n"
    );
    assert_eq!(
        lost(Format::Text, 880),
        "ts=2026-11-21T07:40:00.123456789Z probe=opens type=lost cause=ring_full count=880\n"
    );
    assert_eq!(lost(Format::Pretty, 1880), "07:40:00.123 opens lost 1,880 events: ring full\n");
    assert_eq!(lost(Format::Pretty, 1), "07:40:00.123 opens lost 1 event: ring full\n");
}

/// After the buffer has grown once, events allocate nothing: its capacity stays.
#[test]
fn the_buffer_is_reused() {
    let (layout, record) = every_kind();
    for format in [Format::Jsonl, Format::Text, Format::Pretty] {
        let mut encoder = Encoder::new(format, "opens", &[], &layout, &Look::default());
        let mut out = Vec::with_capacity(4096);
        let start = out.as_ptr();
        for second in 0..100 {
            out.clear();
            encoder.event(&record, NOW + second * 1_000_000_000, &mut out);
        }
        assert_eq!(start, out.as_ptr());
    }
}

proptest! {
    /// Whatever the record, JSON is one valid line that serde_json reads, with the numbers and the text that went in.
    #[test]
    fn json_reads_back(pid in any::<u32>(), big in any::<u64>(), neg in any::<i64>(), text in "[^\0]{0,40}") {
        let mut rest = [big.to_ne_bytes(), neg.to_ne_bytes()].concat();
        rest.extend(text.as_bytes());
        rest.resize(16 + 200, 0);
        let layout = layout(vec![
            field("big", 48, 8, FieldType::Unsigned),
            field("neg", 56, 8, FieldType::Signed),
            field("text", 64, 200, FieldType::Text { limit: None }),
        ]);
        let line = line(Format::Jsonl, &[], &layout, &record(pid, pid, 0, 0, b"x", &rest), &Look::default());
        prop_assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&value["pid"], &Value::from(pid));
        prop_assert_eq!(&value["big"], &Value::from(big));
        prop_assert_eq!(&value["neg"], &Value::from(neg));
        prop_assert_eq!(&value["text"], &Value::from(text));
    }

    /// Any bytes at all make one line of valid UTF-8 without control characters, in every format.
    #[test]
    fn any_record_is_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..260)) {
        let (layout, _) = every_kind();
        for format in [Format::Jsonl, Format::Text, Format::Pretty] {
            let line = line(format, &[("a b", "\x1b")], &layout, &bytes, &Look::default());
            prop_assert!(line.ends_with('\n'));
            prop_assert!(!line[..line.len() - 1].chars().any(char::is_control));
            if format == Format::Jsonl {
                serde_json::from_str::<Value>(&line).unwrap();
            }
        }
    }
}
