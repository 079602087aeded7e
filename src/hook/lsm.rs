// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lsm`: a hook of the Linux security modules, where the kernel asks them, or tells them something. Observed only: nothing is
//! ever refused.

use schemars::{Schema, SchemaGenerator};
use serde_json::json;

use super::event::{self, Written, long, without_stars};
use super::kind::{Kind, no_claim};
use super::names::as_list;
use super::offers;
use crate::config::{Cx, TARGET};
use crate::spec::{Hook, HookKind, Site, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Lsm,
    doc: "A hook of the Linux security modules: its name, a list of names, a glob, or a mapping with `first_of`. Events say what the \
          kernel asks them, before anyone has answered; nothing is ever refused. It takes a kernel with BPF among its security \
          modules, which `lsm=…,bpf` at boot may leave out.",
    program: "trace",
    example: "lsm: file_open",
    capture: ("file", "file->f_path.dentry->d_name.name as string"),
    how: &[],
    elsewhere: &[],
    at: |target| {
        let name = target.rsplit_once([':', '/']).map_or(target, |(_, name)| name);
        let name = name.strip_prefix("bpf_lsm_").or_else(|| name.strip_prefix("security_")).unwrap_or(name);
        if name.contains(['*', '?']) { format!("lsm: \"{name}\"") } else { format!("lsm: {name}") }
    },
    form,
    long,
    check,
    lacks: |_, base| match base {
        "retval" | "ret" => {
            let message = format!("there is no `{base}` at a security hook: nobody has decided yet");
            Some(Refusal::new(message).help("a `fexit` at `security_NAME` has what was decided"))
        }
        _argument => offers::beyond_words(base, "security hook"),
    },
    of_current_thread: |_| false,
    claim: no_claim,
};

fn form(generator: &mut SchemaGenerator) -> Schema {
    event::form(generator, json!(["file_open", ["path_link", "path_symlink"], "inode_*"]))
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let (name, targets) = event::check(cx, HookKind::Lsm, is_good)?;
    Some((Hook { kind: HookKind::Lsm, site: Site::SecurityHook(name) }, targets))
}

fn is_good(cx: &mut Cx<'_>, Written { name, span, may_be_glob }: Written<'_>) -> bool {
    let bare = name.rsplit_once([':', '/']).map_or(name, |(_, bare)| bare);
    // The functions that call the hooks, and those that BPF has in them.
    let hook = bare.strip_prefix("bpf_lsm_").or_else(|| bare.strip_prefix("security_")).unwrap_or(bare);
    if hook == name && is_word(&without_stars(name, may_be_glob)) {
        return true;
    }
    let help = if let Some(list) = as_list(name).filter(|_| name.contains(',')) {
        format!("write a list: `lsm: {list}`")
    } else if !may_be_glob && name.contains(['*', '?']) {
        "write full names here; globs go into `name`".to_owned()
    } else if hook != name && is_word(&without_stars(hook, may_be_glob)) {
        format!("write the hook's name alone: `{hook}`")
    } else {
        "`ebpf-run hooks PATTERN --kind lsm` lists them".to_owned()
    };
    let problem = cx.error(TARGET, span, format!("`{name}` is not a valid name of a security hook"));
    cx.report(problem.label("letters, digits and `_` only").help(help));
    false
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
