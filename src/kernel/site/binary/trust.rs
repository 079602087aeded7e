// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose program or library a uprobe is in. The kernel writes a breakpoint into what every process maps of that file: anyone who
//! can change the file, or put another in its place, decides where.

use std::path::Path;

use crate::config::codes;
use crate::kernel::error::KernelError;
use crate::spec::{Place, UserPlace, UserPoint};
use crate::trust::Breach;

/// Why a file that others could change is not one that the probe allows.
pub(in crate::kernel) fn doubt(point: &UserPoint, path: &Path, breach: Option<&Breach>) -> Option<KernelError> {
    let breach = breach.filter(|_| point.build_id.is_none())?;
    let file = path.display();
    let (message, help) = match point.place {
        UserPlace::Symbol { .. } | UserPlace::Probe { .. } if point.allow_untrusted => return None,
        UserPlace::Symbol { .. } | UserPlace::Probe { .. } => (
            format!("other users could change `{file}`: {breach}"),
            "set `build_id: …` (`readelf -n` shows it) or `allow_untrusted: true`",
        ),
        UserPlace::Offset(_) => (
            format!("other users could change `{file}`, and an `offset` fits only one build: {breach}"),
            "set `build_id: …` (`readelf -n` shows it)",
        ),
    };
    Some(KernelError::new(Place::Binary, message, help).coded(codes::UNTRUSTED_BINARY))
}

/// A file that is another build than the probe asks for is refused; `found` is its build id, empty where it has none.
pub(in crate::kernel) fn check_build_id(point: &UserPoint, path: &Path, found: &str) -> Result<(), KernelError> {
    let Some(wanted) = &point.build_id else { return Ok(()) };
    if found == wanted {
        return Ok(());
    }
    let path = path.display();
    let (message, help) = if found.is_empty() {
        (format!("`{path}` has no build id"), "linkers write one: `cc -Wl,--build-id`".to_owned())
    } else {
        (format!("`{path}` is a different build"), format!("its build id is {found}"))
    };
    Err(KernelError::new(Place::BuildId, message, help))
}
