// SPDX-License-Identifier: MIT OR Apache-2.0
//! `file: { path: events.jsonl }`, `jsonl:events.jsonl`: a file that is appended to, a FIFO, a device.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::form::{DestinationForm, Given};
use crate::config::decode::decode;
use crate::config::guess::shell_variable;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile};
use crate::config::yaml::Entry;
use crate::config::{codes, pattern};
use crate::format::{FormatWriter, WRITERS};
use crate::spec::{Destination, DestinationKind, Format, Rights};

/// A file, by its path.
pub(super) const FILE: DestinationForm = DestinationForm {
    kind: DestinationKind::File,
    word: "file",
    example: "file: { path: … }",
    schema: |schemas| schemas.subschema_for::<FileForm>(),
    long,
    short_words,
    argument: Some("PATH"),
    short,
    written: |path| json!({ "path": path }),
    plain: |destination| destination.path().map_or_else(|| destination.clone(), |path| Destination::File(plain(path))),
    claim: |destination| destination.path().map(plain).filter(|path| !is_shared(path)),
};

/// A file, appended to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileForm {
    /// The file. A relative path counts from the directory where ebpf-run was started.
    #[schemars(length(min = 1), extend("examples" = ["/var/log/ebpf-run/events.jsonl"]))]
    path: String,
    /// The mode of a new file, in octal and in quotes. The default is 0640, minus the umask.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::MODE.regex, "examples" = ["0640", "0600", "0664"]))]
    mode: Option<String>,
    /// The owner of a new file: `user`, `user:group` or `:group`, by name or number. An existing file is used if it
    /// belongs to this user, to root or to the user who runs ebpf-run.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::OWNER.regex, "examples" = ["syslog:adm", ":adm", "1000:1000"]))]
    owner: Option<String>,
}

fn long(source: &Arc<SourceFile>, entry: &Entry) -> Result<Given, Vec<Problem>> {
    let mut problems = Vec::new();
    let Some(form) = decode::<FileForm>(source, &entry.value, &mut problems) else { return Err(problems) };
    let path = good_path(&form.path).map_err(|label| {
        let span = entry.value.at(&["path"]).map_or(entry.key_span, |node| node.span);
        let message = format!("`{}` names no file to write to", form.path);
        vec![Problem::new(codes::WRONG_FORM, Location::new(source, span), message).label(label)]
    })?;
    Ok(Given { destination: Destination::File(path), format: Some(Format::Jsonl), rights: rights(&form) })
}

/// Whose the file is; the forms have been checked.
fn rights(form: &FileForm) -> Rights {
    let owner = form.owner.as_deref().unwrap_or_default();
    let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
    let given = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    let mode = form.mode.as_deref().and_then(|mode| u32::from_str_radix(mode, 8).ok());
    Rights { mode, user: given(user), group: given(group) }
}

/// The formats that a file can have by a short form, and `file` for the usual one.
fn short_words() -> Vec<&'static str> {
    WRITERS.iter().filter(|writer| writer.has_short_form).map(|writer| writer.name).chain(["file"]).collect()
}

fn short(word: &str, path: &str) -> Result<Given, String> {
    let format = FormatWriter::named(word).map_or(Format::Jsonl, |writer| writer.format);
    let destination = Destination::File(good_path(path)?);
    Ok(Given { destination, format: Some(format), rights: Rights::default() })
}

fn good_path(path: &str) -> Result<PathBuf, String> {
    if let Some(name) = variable(path) {
        return Err(format!("`${name}` is not expanded: write `${{env:{name}}}`"));
    }
    match path {
        "" => Err("the path is missing".to_owned()),
        _ if path.trim() != path => Err("the path begins or ends with a space".to_owned()),
        _ if path.starts_with("~/") => Err("`~` is not expanded: write the whole path".to_owned()),
        _ if path.ends_with('/') => Err("this is a directory: add the name of a file".to_owned()),
        _ if path.contains('\0') => Err("a path cannot contain NUL".to_owned()),
        _good => Ok(PathBuf::from(path)),
    }
}

/// What a shell would put in the place of a directory: `HOME` of `$HOME/events.jsonl`. Such names have capitals only; a
/// directory may be called `$Recycle.Bin`.
fn variable(path: &str) -> Option<&str> {
    let of_part =
        |part| shell_variable(part).filter(|(before, name, _)| before.is_empty() && !name.contains(char::is_lowercase));
    path.split('/').find_map(of_part).map(|(_, name, _)| name)
}

/// A path without `.` parts, so that `./a` and `a` are one file. Links are not followed: no file is looked at.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// True for what many may write to, each in its own way: terminals, `/dev/null`, standard streams.
fn is_shared(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}
