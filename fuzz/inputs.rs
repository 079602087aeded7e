// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done with any bytes at all: by the fuzzer, and by `tests/fuzz_corpus.rs` with the committed corpus.

#![allow(dead_code, clippy::unwrap_used, reason = "each target uses one of these; a broken promise is a panic")]

use std::io;
use std::sync::LazyLock;

use ebpf_run::catalog::{self, Binary, Bytes, Catalog, Lookup, is_for_this_machine};
use ebpf_run::config::{self, Environment, Problem, SourceFile};
use ebpf_run::expr;

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
