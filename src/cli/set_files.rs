// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that sets have their entries from, before anything runs: what a run would say of them, at once and line by line.

use std::path::Path;
use std::sync::Arc;

use crate::config::{
    BadLine, Location, MAX_SET_ENTRIES, Problem, SetFile, SetLines, SourceFile, Span, Withheld, codes, set_lines,
};
use crate::files::{List, read_list};
use crate::trust::{Breach, walk};

/// What is wrong with them: warnings, since a run does without what cannot be read.
pub(super) fn problems(files: &[SetFile]) -> Vec<Problem> {
    files.iter().flat_map(|file| about(file).into_iter().map(|problem| file.discreet(problem))).collect()
}

/// Those that a daemon would not read on this machine, since others than root could change them.
pub(super) fn distrusted(files: &[SetFile]) -> Vec<Problem> {
    let distrusted = breaches(files).map(|(file, breach)| {
        let problem =
            Problem::warning(codes::SET_FILE, file.place.clone(), format!("{breach}: a daemon does not read it"));
        file.discreet(problem.help(format!("let only root change it: `{}`", breach.remedy())))
    });
    distrusted.collect()
}

/// Who could change what is in a set: the first breach of each file.
pub(super) fn breaches(files: &[SetFile]) -> impl Iterator<Item = (&SetFile, Breach)> {
    files.iter().filter_map(|file| Some((file, walk(file.path()?).ok()?.breach()?.clone())))
}

fn about(file: &SetFile) -> Vec<Problem> {
    let Some(path) = file.path() else { return Vec::new() };
    let shown = SourceFile::new(path, "").shown();
    let unusable = |message: String, label: &str, help: &str| {
        vec![Problem::warning(codes::SET_FILE, file.place.clone(), message).label(label).help(help)]
    };
    let list = match read_list(path, false) {
        Ok(list) => list,
        Err(why) => {
            let help = "create it with one entry on each line: a run follows it";
            return unusable(format!("cannot read `{shown}`: {why}"), "empty until it can be read", help);
        }
    };
    let lines = set_lines(file.spec.kind, &list.bytes, !list.is_private);
    if lines.is_too_long {
        let message = format!("`{shown}` has more than {MAX_SET_ENTRIES} entries");
        return unusable(message, "a run does not use it", "split it into several sets: `x in A || x in B`");
    }
    if lines.bad.is_empty() && lines.entries.is_empty() {
        return unusable(format!("`{shown}` has no entries"), "nothing is in the set", "write one entry on each line");
    }
    of_lines(file, path, &list, &lines)
}

/// The bad lines, in the file that has them.
fn of_lines(file: &SetFile, path: &Path, list: &List, lines: &SetLines) -> Vec<Problem> {
    if lines.bad.is_empty() {
        return Vec::new();
    }
    let mut source = SourceFile::new(path, String::from_utf8_lossy(&list.bytes));
    source.withheld = list.is_private.then_some(Withheld::Private);
    let source = Arc::new(source);
    let of_line = |BadLine { number, why }: &BadLine| {
        let place = Location::new(&source, span_of(&source.text, *number));
        let problem = Problem::warning(codes::SET_LINE, place, why.message.clone()).maybe_help(why.help.clone());
        problem.related(file.place.clone(), format!("the set `{}` is in it", file.word))
    };
    let mut problems: Vec<Problem> = lines.bad.iter().map(of_line).collect();
    let hidden = lines.bad_count - lines.bad.len();
    if let Some(last) = problems.last_mut() {
        let more = if hidden > 0 { format!("{hidden} more lines are bad; ") } else { String::new() };
        last.notes.push(format!("{more}the other lines count, and old entries stay"));
    }
    problems
}

/// Where a line is, without the spaces around it.
fn span_of(text: &str, number: usize) -> Span {
    let mut start = 0;
    for (index, line) in text.split('\n').enumerate() {
        if index + 1 == number {
            let begin = line.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
            let start = start + line.len() - begin.len();
            return Span::new(start, start + begin.trim_ascii_end().len());
        }
        start += line.len() + 1;
    }
    Span::default()
}
