// SPDX-License-Identifier: MIT OR Apache-2.0
//! From text to checked probes: located YAML, the schema, the rules.
//!
//! Every problem of every file is found in one go, each with its place. What never happens here: no file is opened, no
//! kernel is asked, nothing is printed.

pub mod codes;

mod check;
mod checked;
mod cx;
mod decode;
mod destination;
mod discretion;
mod document;
mod draft;
mod effective;
mod environment;
mod flow;
pub(crate) mod forms;
mod gate;
mod guess;
mod origin;
pub(crate) mod pattern;
mod problem;
mod render;
mod report;
mod schema;
mod set;
mod source;
mod starter;
mod vars;
pub(crate) mod yaml;

pub use check::check;
pub(crate) use check::{FileSinks, Run};
pub use checked::{Checked, CheckedProbe, Config};
pub(crate) use cx::{Cx, TARGET, unknown};
pub(crate) use decode::decode;
pub(crate) use destination::short_forms;
pub(crate) use draft::Draft;
pub use effective::effective;
pub use environment::Environment;
pub use flow::flow;
pub(crate) use forms::{Ordered, Scalar};
pub(crate) use guess::{cut, without_curly};
pub(crate) use pattern::is_identifier;
pub use problem::{Problem, Severity};
pub use render::render;
pub use report::{json_line, sarif};
pub use schema::{described, schema};
pub use set::{BadLine, MAX_SET_ENTRIES, SetFile, SetLines, set_entry, set_lines};
pub(crate) use set::{FileSets, NamedSet};
pub use source::{Location, SourceFile, Span, Withheld};
pub use starter::{HookForm, hook_forms, starter};
pub use vars::is_var_name;
pub use yaml::MAX_BYTES as MAX_FILE_BYTES;
pub(crate) use yaml::{Entry, Node, Value};

use std::time::Duration;

/// `500ms`, `10s`, `5m`, `1h`, as everywhere in the YAML; the error says what is expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if (pattern::DURATION.matches)(text) {
        Ok(pattern::duration(text))
    } else {
        Err(format!("must be {}", pattern::DURATION.expected))
    }
}

/// True for the names of files that a directory of configuration is read for: `*.yaml` and `*.yml`, no dotfiles, nothing
/// that an editor left behind.
///
/// ```
/// use ebpf_run::config::is_config_name;
/// assert!(is_config_name("web.yaml"));
/// assert!(!is_config_name(".web.yaml") && !is_config_name("web.yaml~") && !is_config_name("#web.yaml#"));
/// ```
pub fn is_config_name(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| !stem.is_empty() && !name.starts_with(['.', '#', '~']) && !stem.ends_with(['~', '#']))
}
