// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that are neither events nor counts: what happened to a probe or a file while the daemon ran.
//!
//! ```text
//! {"ts":"2026-11-21T07:40:00.000000000Z","probe":"opens","type":"probe_state","state":"running"}
//! {"ts":"2026-11-21T07:40:00.000000000Z","type":"reload","file":"/etc/ebpf-run/probes.d/web.yaml","result":"refused","message":"…"}
//! ```

use super::Look;
use super::escape::{Style, escape, quoted_if_needed};
use super::pretty::Pretty;
use super::time::Rfc3339;
use crate::spec::{Format, Layout};

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

/// The line in this format, with its `\n`.
pub fn notice(format: Format, notice: &Notice<'_>, unix_ns: u64, look: &Look) -> Vec<u8> {
    let mut line = Vec::new();
    if format == Format::Pretty {
        let name = notice.probe.unwrap_or_default();
        Pretty::new(name, &[], &Layout::default(), look).notice(notice, unix_ns, &mut line);
        return line;
    }
    let is_json = format == Format::Jsonl;
    let mut stamp = Rfc3339::new();
    let ts = String::from_utf8_lossy(stamp.format(unix_ns)).into_owned();
    let probe = notice.probe.map(|probe| ("probe", probe));
    let fields = [("ts", ts.as_str())].into_iter().chain(probe).chain([("type", notice.kind)]);
    let fields = fields.chain(notice.fields.iter().copied().filter(|(_, value)| !value.is_empty()));
    for (at, (name, value)) in fields.enumerate() {
        if is_json {
            line.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
            line.extend_from_slice(name.as_bytes());
            line.extend_from_slice(b"\":\"");
            escape(value.as_bytes(), Style::Json, &mut line);
            line.push(b'"');
        } else {
            line.extend_from_slice(if at == 0 { b"" } else { b" " });
            line.extend_from_slice(name.as_bytes());
            line.push(b'=');
            quoted_if_needed(value.as_bytes(), &mut line);
        }
    }
    if let Some(count) = notice.count {
        let name = if is_json { ",\"count\":" } else { " count=" };
        line.extend_from_slice(format!("{name}{count}").as_bytes());
    }
    line.extend_from_slice(if is_json { b"}\n" } else { b"\n" });
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON is an object, text has everything, pretty stands in the columns of events.
    #[test]
    fn formats() {
        let line = |format, probe| {
            let fields = [("state", "running"), ("code", ""), ("mechanism", "xdp on \"eth0\"")];
            let look = Look { color: false, utc_offset_s: 3600, probe_width: 6 };
            let notice =
                notice(format, &Notice { probe, kind: "probe_state", fields: &fields, count: Some(2) }, 1, &look);
            String::from_utf8(notice).unwrap()
        };
        let json = r#"{"ts":"1970-01-01T00:00:00.000000001Z","probe":"opens","type":"probe_state","state":"running","mechanism":"xdp on \"eth0\"","count":2}"#;
        assert_eq!(line(Format::Jsonl, Some("opens")), format!("{json}\n"));
        let text =
            r#"ts=1970-01-01T00:00:00.000000001Z type=probe_state state=running mechanism="xdp on \"eth0\"" count=2"#;
        assert_eq!(line(Format::Text, None), format!("{text}\n"));
        let pretty = r#" probe_state state=running mechanism="xdp on \"eth0\"" count=2"#;
        assert_eq!(line(Format::Pretty, Some("opens")), format!("01:00:00.000 opens {pretty}\n"));
        assert_eq!(line(Format::Pretty, None), format!("01:00:00.000       {pretty}\n"));
    }
}
