// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that are neither events nor counts: what happened to a probe or a file while the daemon ran.
//!
//! ```text
//! {"ts":"2026-11-21T07:40:00.000000000Z","probe":"opens","type":"probe_state","state":"running"}
//! {"ts":"2026-11-21T07:40:00.000000000Z","type":"reload","file":"/etc/ebpf-run/probes.d/web.yaml","result":"refused","message":"…"}
//! ```

use super::escape::{Style, escape, quoted_if_needed};
use super::time::Rfc3339;
use crate::spec::Format;

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

/// The line in this format, with its `\n`. Pretty and text have the same: there is nothing to align.
pub fn notice(format: Format, notice: &Notice<'_>, unix_ns: u64) -> Vec<u8> {
    let mut stamp = Rfc3339::new();
    let ts = String::from_utf8_lossy(stamp.format(unix_ns)).into_owned();
    let probe = notice.probe.map(|probe| ("probe", probe));
    let fields = [("ts", ts.as_str())].into_iter().chain(probe).chain([("type", notice.kind)]);
    let fields = fields.chain(notice.fields.iter().copied().filter(|(_, value)| !value.is_empty()));
    let mut line = Vec::new();
    for (at, (name, value)) in fields.enumerate() {
        match format {
            Format::Jsonl => {
                line.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
                line.extend_from_slice(name.as_bytes());
                line.extend_from_slice(b"\":\"");
                escape(value.as_bytes(), Style::Json, &mut line);
                line.push(b'"');
            }
            Format::Pretty | Format::Text => {
                if at > 0 {
                    line.push(b' ');
                }
                line.extend_from_slice(name.as_bytes());
                line.push(b'=');
                quoted_if_needed(value.as_bytes(), &mut line);
            }
        }
    }
    if let Some(count) = notice.count {
        let name = if format == Format::Jsonl { ",\"count\":" } else { " count=" };
        line.extend_from_slice(format!("{name}{count}").as_bytes());
    }
    line.extend_from_slice(if format == Format::Jsonl { b"}\n" } else { b"\n" });
    line
}
