// SPDX-License-Identifier: MIT OR Apache-2.0
//! What messages leave out.
//!
//! ```text
//! error[E0201]: unknown key `root:$6$…`       of web.yaml -> /etc/shadow becomes
//! error[E0201]: a key is not known here
//! ```

use std::collections::HashSet;
use std::path::PathBuf;

use super::codes::CODES;
use super::problem::Problem;
use super::source::{Location, Withheld};

/// What may be said: of a file whose text is withheld, one problem of each code.
pub(super) fn discreet(problems: Vec<Problem>) -> Vec<Problem> {
    let mut said: HashSet<(PathBuf, &str)> = HashSet::new();
    let mut is_new = |problem: &Problem| {
        let source = &problem.primary.source;
        source.withheld.is_none() || said.insert((source.path.clone(), problem.code))
    };
    problems.into_iter().filter(|problem| is_new(problem)).map(without_text).collect()
}

/// The same problem without a word of files whose text is [withheld](super::source::Withheld): its place, its code and what the
/// code stands for.
fn without_text(mut problem: Problem) -> Problem {
    let is_withheld = |location: &Location| location.source.withheld.is_some();
    for (location, label) in &mut problem.related {
        if is_withheld(location) {
            label.clear();
        }
    }
    match problem.primary.source.withheld {
        Some(withheld) => {
            let path = problem.primary.source.shown();
            let help = match withheld {
                Withheld::Outside => Some(format!("`ebpf-run check \"$(readlink -f {path})\"` shows it")),
                Withheld::Private => None,
            };
            // Not even how long it is.
            problem.primary.span.end = problem.primary.span.start;
            Problem {
                message: title(problem.code).to_owned(),
                label: String::new(),
                help,
                notes: vec![withheld.note().to_owned()],
                ..problem
            }
        }
        None => problem,
    }
}

/// What a code stands for.
fn title(code: &str) -> &'static str {
    CODES.iter().find(|known| known.code == code).map_or("something is wrong", |known| known.title)
}
