// SPDX-License-Identifier: MIT OR Apache-2.0
//! XDP tried for real.

use std::thread;
use std::time::Duration;

use super::trial::{Outcome, Try, TryOne};
use super::xdp_network::{DEVICE, enter_namespace, make_veth};
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind, Site, XdpMode};

/// XDP in a network namespace of our own, where there is nobody to disturb. The namespace ends with the thread.
pub(super) fn tries(one: TryOne<'_>) -> Vec<Try> {
    let private = thread::scope(|scope| scope.spawn(|| in_namespace(one)).join());
    match private {
        Ok(Ok(tries)) => tries,
        // Without a namespace: generic mode on `lo`, for a moment; it lets every packet pass. Native mode has nothing.
        Ok(Err(reason)) => {
            let native = not_tried("", format!("no network namespace to test it in: {reason}"));
            vec![native, one(on("lo", XdpMode::Generic), &Host::default())]
        }
        Err(_) => vec![not_tried("", "the test ended unexpectedly".to_owned())],
    }
}

fn in_namespace(one: TryOne<'_>) -> Result<Vec<Try>, String> {
    enter_namespace().map_err(|error| error.to_string())?;
    let host = Host::default();
    Ok(match make_veth() {
        Ok(()) => {
            let modes = [XdpMode::Native, XdpMode::Generic];
            modes.into_iter().map(|mode| one(on(DEVICE, mode), &host)).collect()
        }
        Err(error) => {
            vec![
                not_tried(DEVICE, format!("no veth interface to test it on: {error}")),
                one(on("lo", XdpMode::Generic), &host),
            ]
        }
    })
}

fn on(interface: &str, mode: XdpMode) -> Hook {
    Hook { kind: HookKind::Xdp, site: Site::Interface { name: interface.to_owned(), mode } }
}

fn not_tried(interface: &str, reason: String) -> Try {
    Try { hook: on(interface, XdpMode::Native), outcome: Outcome::NotTried(reason), took: Duration::ZERO }
}
