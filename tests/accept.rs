// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which files run where some cannot.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use ebpf_run::catalog::builtin;
use ebpf_run::config::{Environment, check};
use ebpf_run::plan::{FileNow, accept};

/// A file that clashes with one that is refused for its own mistake runs; of two good ones that clash, the first runs.
#[test]
fn a_bad_file_takes_none_with_it() {
    let catalog = builtin().unwrap();
    let file = |name: &str, rest: &str| {
        let text =
            format!("version: 1\nprobes:\n  - {{ name: {name}, hook: {{ xdp: {{ interface: eth0 }} }}{rest} }}\n");
        FileNow { path: format!("{name}.yaml").into(), text: Ok(text.into()), withheld: None }
    };
    let running = |files: &[FileNow]| {
        let accepted = accept(files, &BTreeMap::new(), |files| check(files, &catalog, &Environment::default()));
        accepted.config.probes.iter().map(|probe| probe.spec.id.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(running(&[file("a", ", sinks: [nowhere]"), file("b", "")]), ["b"]);
    assert_eq!(running(&[file("a", ""), file("b", "")]), ["a"]);
}
