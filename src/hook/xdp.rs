// SPDX-License-Identifier: MIT OR Apache-2.0
//! `xdp`: every packet that an interface receives.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::interface::is_interface;
use super::kind::Kind;
use super::names::{Places, places};
use crate::config::Cx;
use crate::config::forms::{form, plain_enum};
use crate::spec::{Claim, Hook, HookKind, Place, Site, Targets, XdpMode};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Xdp,
    doc: "Every packet that an interface receives.",
    program: "packet_count",
    example: "xdp: { interface: eth0 }",
    capture: ("from", "packet.source"),
    how: &["mode"],
    elsewhere: &[],
    at: |target| format!("xdp: {{ interface: {target} }}"),
    form: form::<Xdp>,
    long,
    check,
    lacks,
    of_current_thread,
    claim,
};

/// Every packet that an interface receives.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Xdp {
    /// The interface's name, as `ip link` shows it (`altname`s too); a list of names, a glob (`eth*`), or `@default-route` for the interfaces
    /// of the default routes. With anything but one name, events carry a field `interface`.
    #[schemars(extend("examples" = ["eth0", ["eth0", "eth1"], "eth*", "@default-route", { "first_of": ["eth0", "ens3"] }]))]
    interface: Places,
    /// `native`: in the driver. `generic`: in the network stack, on every interface. `offload`: on the network card.
    /// `auto`: native if the driver supports it, else generic; messages name the mode.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    mode: Option<RawMode>,
}

/// How an interface runs an XDP program.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = plain_enum)]
enum RawMode {
    /// Native where the driver can, else generic.
    Auto,
    /// In the driver.
    Native,
    /// In the network stack.
    Generic,
    /// On the network card.
    Offload,
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<Xdp>(&["hook", "xdp"])?;
    if cx.node.at(&["hook", "xdp", "mode"]).is_some() {
        cx.note_place(Place::Mode, cx.value(&["hook", "xdp", "mode"]));
    }
    let mode = match raw.mode {
        None | Some(RawMode::Auto) => XdpMode::Auto,
        Some(RawMode::Native) => XdpMode::Native,
        Some(RawMode::Generic) => XdpMode::Generic,
        Some(RawMode::Offload) => XdpMode::Offload,
    };
    let (interface, targets) = places(cx, ["hook", "xdp", "interface"], &raw.interface, is_interface)?;
    let site = Site::Interface { name: interface, mode };
    Some((Hook { kind: HookKind::Xdp, site }, targets))
}

fn long(mut value: Value) -> Value {
    if let Value::Object(xdp) = &mut value {
        xdp.entry("mode").or_insert_with(|| "auto".into());
    }
    value
}

/// An interface runs one XDP program.
fn claim(hook: &Hook) -> Option<Claim> {
    hook.interface().map(|name| Claim::Interface(name.to_owned()))
}

fn lacks(_: &Hook, _: &str) -> Option<Refusal> {
    None
}

/// Packets arrive in interrupts.
fn of_current_thread(_: &Site) -> bool {
    false
}
