// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cgroup`: what the processes of a cgroup send, receive and ask of the network.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::kind::{Kind, as_written, no_claim};
use super::names::{Places, places};
use super::tc::RawDirection;
use crate::config::forms::{form, plain_enum};
use crate::config::{Cx, Span, TARGET};
use crate::spec::{CgroupPoint, Hook, HookKind, Site, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Cgroup,
    doc: "What the processes of a cgroup and of those below it do on the network: packets that their sockets receive or send (`direction`), \
          or, with `call`, each `connect` (TCP, UDP and the like, IPv4 and IPv6) or each socket that they make. Everything is allowed.",
    program: "trace",
    example: "cgroup: { path: /system.slice, call: connect }",
    capture: ("to", "destination"),
    how: &["direction", "call"],
    elsewhere: &["cgroup_skb", "cgroup_sock_addr"],
    at: |target| format!("cgroup: {{ path: {target}, call: connect }}"),
    form: either,
    long: as_written,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

/// What the processes of a cgroup do on the network.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cgroup {
    /// The cgroup's path below the cgroup2 mount, those below it included: `/` is all of them, `/system.slice/nginx.service` one service. A
    /// list, or a glob (`/system.slice/*.service`); with anything but one path, events carry a field `path`.
    #[schemars(extend("examples" = ["/", "/system.slice", "/system.slice/*.service", { "first_of": ["/system.slice/docker.service", "/docker"] }]))]
    path: Places,
    /// `ingress`: packets that its sockets receive. `egress`: packets that they send.
    #[serde(default)]
    direction: Option<RawDirection>,
    /// `connect`: each call that gives a socket its peer, before the kernel acts on it. `sock_create`: each internet socket that is made.
    #[serde(default)]
    call: Option<RawCall>,
}

/// What is asked of the network.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = plain_enum)]
enum RawCall {
    /// A socket gets its peer.
    Connect,
    /// A socket is made.
    SockCreate,
}

/// Exactly one of the two keys beside the path.
fn either(generator: &mut SchemaGenerator) -> Schema {
    form::<Cgroup>(generator)
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<Cgroup>(&["hook", "cgroup"])?;
    let found = places(cx, ["hook", "cgroup", "path"], &raw.path, is_path);
    let point = match (raw.direction, raw.call) {
        (Some(direction), None) => Some(CgroupPoint::Packets(direction.checked())),
        (None, Some(RawCall::Connect)) => Some(CgroupPoint::Connect),
        (None, Some(RawCall::SockCreate)) => Some(CgroupPoint::SockCreate),
        (None, None) => {
            let problem = cx.error(TARGET, cx.key(&["hook", "cgroup"]), "`cgroup` needs `direction` or `call`");
            cx.report(
                problem
                    .label("which of its events?")
                    .help("write `direction: ingress` or `egress` for packets, or `call: connect` or `sock_create`"),
            );
            None
        }
        (Some(_), Some(_)) => {
            let span = cx.key(&["hook", "cgroup", "call"]);
            let problem = cx.error(TARGET, span, "`cgroup` takes `direction` or `call`, not both");
            cx.report(problem.label("beside `direction`").help("write two probes"));
            None
        }
    };
    let (path, targets) = found?;
    let site = Site::Cgroup { path, point: point? };
    Some((Hook { kind: HookKind::Cgroup, site }, targets))
}

fn is_path(cx: &mut Cx<'_>, path: &str, span: Span) -> bool {
    let parts = || path.split('/').skip(1);
    let (complaint, help) = if let Some(rest) = path.strip_prefix("/sys/fs/cgroup") {
        let rest = rest.strip_prefix("/unified").unwrap_or(rest);
        let help = format!("write `{}`", if rest.is_empty() { "/" } else { rest });
        ("it is a path below the cgroup2 mount".to_owned(), help)
    } else if !path.starts_with('/') {
        ("it does not begin with `/`".to_owned(), format!("write `/{path}`"))
    } else if path.len() > 1 && path.ends_with('/') {
        ("it ends with `/`".to_owned(), format!("write `{}`", path.trim_end_matches('/')))
    } else if path.contains(|c: char| c.is_control()) {
        ("it has a control character".to_owned(), "`systemd-cgls` shows the cgroups of this machine".to_owned())
    } else if path.len() > 1 && parts().any(|part| matches!(part, "" | "." | "..")) {
        ("it has an empty part, `.` or `..`".to_owned(), "write the path as /proc/PID/cgroup has it".to_owned())
    } else {
        return true;
    };
    let problem = cx.error(TARGET, span, format!("`{path}` is not the path of a cgroup"));
    cx.report(problem.label(complaint).help(help));
    false
}

fn lacks(_: &Hook, _: &str) -> Option<Refusal> {
    None
}

/// `connect` and `socket` are calls of the thread that makes them; packets are not.
fn of_current_thread(site: &Site) -> bool {
    matches!(site, Site::Cgroup { point: CgroupPoint::Connect | CgroupPoint::SockCreate, .. })
}
