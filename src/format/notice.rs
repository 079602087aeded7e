// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that are neither events nor counts: what happened to a probe or a file while the daemon ran.
//!
//! ```text
//! {"ts":"2026-11-21T07:40:00.000000000Z","probe":"opens","type":"probe_state","state":"running"}
//! {"ts":"2026-11-21T07:40:00.000000000Z","type":"reload","file":"/etc/ebpf-run/probes.d/web.yaml","result":"refused","message":"…"}
//! ```

/// One such line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice<'a> {
    /// The probe that it is about, where it is about one.
    pub probe: Option<&'a str>,
    /// `type`: `reload`, `probe_state`.
    pub kind: &'a str,
    /// More fields, in this order; empty values are left out.
    pub fields: &'a [(&'a str, &'a str)],
    /// A number at the end, `count`, where there is one.
    pub count: Option<u64>,
}

impl<'a> Notice<'a> {
    /// The fields that have a value.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields.iter().copied().filter(|(_, value)| !value.is_empty())
    }
}
