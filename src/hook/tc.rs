// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tc`: every packet that an interface receives or sends, in the network stack.

use schemars::JsonSchema;
use serde::Deserialize;

use super::interface::is_interface;
use super::kind::{Kind, as_written, no_claim};
use super::names::{Places, places};
use crate::config::Cx;
use crate::config::forms::{form, plain_enum};
use crate::spec::{Direction, Hook, HookKind, Site, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Tc,
    doc: "Every packet that an interface receives (`ingress`) or sends (`egress`), in the network stack. Every packet passes.",
    program: "packet_count",
    example: "tc: { interface: eth0, direction: egress }",
    capture: ("to", "packet.destination"),
    how: &["direction"],
    elsewhere: &["classifier", "tcx", "sched_cls"],
    at: |target| format!("tc: {{ interface: {target}, direction: ingress }}"),
    form: form::<Tc>,
    long: as_written,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

/// Every packet that an interface receives or sends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tc {
    /// The interface's name, as `ip link` shows it (`altname`s too); a list of names, a glob (`eth*`), or `@default-route` for the interfaces
    /// of the default routes. With anything but one name, events carry a field `interface`.
    #[schemars(extend("examples" = ["eth0", ["eth0", "eth1"], "eth*", "@default-route", { "first_of": ["eth0", "ens3"] }]))]
    interface: Places,
    /// `ingress`: what it receives. `egress`: what it sends.
    direction: RawDirection,
}

/// Which way packets go.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = plain_enum)]
pub(super) enum RawDirection {
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
}

impl RawDirection {
    pub(super) fn checked(self) -> Direction {
        match self {
            Self::Ingress => Direction::Ingress,
            Self::Egress => Direction::Egress,
        }
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<Tc>(&["hook", "tc"])?;
    let (interface, targets) = places(cx, ["hook", "tc", "interface"], &raw.interface, is_interface)?;
    let site = Site::Traffic { interface, direction: raw.direction.checked() };
    Some((Hook { kind: HookKind::Tc, site }, targets))
}

fn lacks(_: &Hook, _: &str) -> Option<Refusal> {
    None
}

/// Packets arrive, and are sent again, in interrupts.
fn of_current_thread(_: &Site) -> bool {
    false
}
