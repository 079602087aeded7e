// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hooks of Linux security modules, which are listed and not attached yet.

use std::collections::BTreeMap;

use crate::catalog::Named;
use crate::kernel::hook::{Listing, Places, Source, Unasked};
use crate::kernel::host::Host;

pub(super) const LSM_HOOKS: Listing = Listing {
    source: Source::Machine(lsm_hooks),
    unasked: |_| Unasked::Listed,
    describe: |name, prototypes, _| prototypes.signature(&format!("{LSM}{name}")),
};

/// What a kind says that this build knows and does not attach.
const NOT_YET: &str = "not supported by this build yet";

/// The hooks that BPF programs can be at (`CONFIG_BPF_LSM`, Linux 5.7): the kernel has a function `bpf_lsm_NAME` for each.
fn lsm_hooks(host: &Host) -> Places {
    let names =
        host.btf().into_iter().flat_map(|btf| btf.all(Named::Func).filter_map(|id| btf.name(id).strip_prefix(LSM)));
    let all: BTreeMap<String, String> = names.map(|name| (name.to_owned(), NOT_YET.to_owned())).collect();
    let note = all.is_empty().then(|| "LSM hooks: this kernel has none for BPF (CONFIG_BPF_LSM)".to_owned());
    (all, note)
}

/// What the kernel calls the function of an LSM hook.
const LSM: &str = "bpf_lsm_";
