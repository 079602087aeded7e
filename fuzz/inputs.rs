// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done with any bytes at all: by the fuzzer, and by `tests/fuzz_corpus.rs` with the committed corpus.

#![allow(dead_code, clippy::unwrap_used, reason = "each target uses one of these; a broken promise is a panic")]

use std::io;
use std::sync::{Arc, LazyLock};

use ebpf_run::catalog::{self, Binary, Bytes, Catalog, Lookup, is_for_this_machine};
use ebpf_run::config::{self, Environment, Problem, SourceFile};
use ebpf_run::expr;
use ebpf_run::format::{Encoder, Look};
use ebpf_run::record::{Completer, NoLookups, NoSets};
use ebpf_run::spec::{
    Arithmetic, Comparison, ComputedType, Field, FieldType, Format, Formula, Layout, NameTable, TextTest,
};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| catalog::builtin().unwrap());

/// A configuration file: `check` ends, every place of every problem lies inside the file, and every problem can be shown.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let file = SourceFile::new("fuzz.yaml", text);
    let variables = |name: &str| match name {
        "EMPTY" => Some("".into()),
        "A" | "B" | "NODE" => Some("x: [1, \"\n${env:A}".into()),
        "N" => Some("17".into()),
        _unset => None,
    };
    let checked = config::check(std::slice::from_ref(&file), &CATALOG, &Environment::new(&variables));
    assert_eq!(checked.config.is_none(), checked.problems.iter().any(Problem::is_error));
    for problem in &checked.problems {
        let others = problem.related.iter().map(|(place, _)| place);
        for place in std::iter::once(&problem.primary).chain(others) {
            assert!(text.get(place.span.start..place.span.end).is_some(), "{:?} lies outside", place.span);
        }
        assert!(!config::render(problem, false).is_empty());
    }
}

/// A capture expression: the range of an error lies inside the text, and what was read reads the same again.
pub(crate) fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match expr::parse(text) {
        Ok(expression) => assert_eq!(expr::parse(&expression.to_string()).as_ref(), Ok(&expression)),
        Err(error) => assert!(text.get(error.range.clone()).is_some(), "{:?} lies outside", error.range),
    }
}

/// An object file: it is described or refused.
pub(crate) fn describe(bytes: &[u8]) {
    if let Ok(program) = catalog::describe("fuzz", bytes) {
        drop(format!("{program:?}"));
    }
}

/// A program or library: it is read or refused, and what it lists is found. Every fourth is the beginning of a sparse file of
/// 3 GiB, whose tables may lie anywhere.
pub(crate) fn binary(bytes: &[u8]) {
    is_for_this_machine(bytes);
    if bytes.last().is_some_and(|last| last & 3 == 0) { ask(Beginning(bytes)) } else { ask(bytes) }
}

/// What a sparse file begins with.
struct Beginning<'b>(&'b [u8]);

impl Bytes for Beginning<'_> {
    fn size(&self) -> u64 {
        3 << 30
    }

    fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(room.len() as u64).filter(|end| *end <= self.size());
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let rest = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let length = rest.len().min(room.len());
        room[..length].copy_from_slice(&rest[..length]);
        room[length..].fill(0);
        Ok(())
    }
}

/// Sizes and types of the fields of a record.
fn types() -> Vec<(u32, FieldType)> {
    let names = [(1, "one".to_owned()), (-1, "minus \"one\"".to_owned())];
    let integers =
        [FieldType::Unsigned, FieldType::Signed, FieldType::Hex, FieldType::Enum(names.into()), FieldType::Bool];
    let tables = NameTable::WORDS.iter().map(|(_, table)| FieldType::Named(*table));
    let integers = integers.into_iter().chain(tables).flat_map(|kind| [1, 2, 4, 8].map(|size| (size, kind.clone())));
    let others = [
        (4, FieldType::Id),
        (1, FieldType::Flag),
        (40, FieldType::Text { limit: Some(20) }),
        (16, FieldType::Text { limit: None }),
        (60, FieldType::Argv),
        (260, FieldType::Path),
        (20, FieldType::Path),
        (9, FieldType::Bytes),
        (4, FieldType::Ipv4),
        (16, FieldType::Ipv6),
        (2, FieldType::Port),
        (4, FieldType::Errno),
        (8, FieldType::Duration),
        (16, FieldType::Timespec),
        (8, FieldType::Ktime),
        (16, FieldType::Ip),
        (6, FieldType::Mac),
        (16, FieldType::Uuid),
        (24, FieldType::Endpoint),
        (136, FieldType::Endpoint),
        (280, FieldType::Sock),
        (128, FieldType::Packet),
        (40, FieldType::Counted { text: true }),
        (40, FieldType::Counted { text: false }),
        (4, FieldType::Dev),
        (8, FieldType::Ksym),
        (8, FieldType::Usym),
        (8, FieldType::Cgroup),
        (8, FieldType::Container),
    ];
    integers.chain(others).collect()
}

/// All of them in the same bytes, behind the mask of what is absent; computed fields of each.
static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    let field = |(number, (size, kind)): (usize, (u32, FieldType))| Field {
        name: format!("f{number}"),
        offset: 8,
        size,
        kind,
        absent_bit: Some(number as u8 % 32),
        of_end: None,
        bits: None,
        unit: String::new(),
        doc: String::new(),
    };
    let fields: Vec<Field> = types().into_iter().enumerate().map(field).collect();
    let computed = |number: usize| {
        let of = || Formula::Operand(number);
        let text = Formula::Matches { how: TextTest::Glob, of: Box::new(of()), texts: vec![b"*a?"[..].into()] };
        let less = Formula::Compare { op: Comparison::Less, sides: Box::new((of(), Formula::Operand(number / 2))) };
        let size = Formula::Size(Box::new(of()));
        let sides = Box::new((size, of()));
        let sum = Formula::Arithmetic { op: Arithmetic::Divide, signed: true, sides };
        [(text, ComputedType::Bool), (less, ComputedType::Bool), (sum, ComputedType::Duration)]
            .map(|(formula, shown)| FieldType::Computed(Arc::new(formula), shown))
    };
    let computed = (0..fields.len()).flat_map(computed).map(|kind| (0, kind)).enumerate();
    let computed: Vec<Field> = computed.map(|(number, kind)| field((number + fields.len(), kind))).collect();
    let operands = fields.clone();
    let fields =
        fields.into_iter().chain(computed.into_iter().map(|field| Field { absent_bit: None, ..field })).collect();
    Layout { size: 288, absent: Some(0), fields, operands, ..Layout::default() }
});

/// A record: each format makes one line of it, which acts on nothing, and JSON is JSON.
pub(crate) fn record(bytes: &[u8]) {
    let mut completer = Completer::new(&LAYOUT, &NoSets);
    assert_eq!(completer.judge(bytes, &mut NoLookups).holds, Some(true));
    for format in [Format::Jsonl, Format::Text, Format::Pretty] {
        let mut line = Vec::new();
        let full = completer.complete(bytes, &mut NoLookups);
        Encoder::new(format, "p", &[], &LAYOUT, &Look::default()).event(full, 1, &mut line);
        let line = String::from_utf8(line).unwrap();
        let inside = line.strip_suffix('\n').unwrap();
        assert!(!inside.contains(char::is_control), "{inside:?}");
        if format == Format::Jsonl {
            serde_json::from_str::<serde_json::Value>(inside).unwrap();
        }
    }
}

fn ask(bytes: impl Bytes) {
    let Ok(binary) = Binary::parse(bytes) else { return };
    let mut names = Vec::new();
    let _ = binary.names(|name| {
        if names.len() < 8 {
            names.push(name.to_owned());
        }
    });
    for name in &names {
        assert!(!matches!(binary.find(name), Ok(Lookup::Missing)), "{name:?} is listed and not found");
    }
    for offset in binary.code().flat_map(|(begin, end)| [begin, begin.saturating_add(1), end]).chain(binary.entry()) {
        if let Ok(Some(function)) = binary.around(offset) {
            assert!(binary.is_code(function.offset), "{function:?}");
        }
    }
    assert!(binary.build_id().len() <= 128);
}
