// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel: the only user of libbpf.
//!
//! ```text
//! ProbeSpec ──prepare──▶ Prepared ──load──▶ Loaded ──attach──▶ Attached ──silence─▶ counts
//!            BTF, tracefs          verifier         links                 nothing left
//! ```
//!
//! A value dropped at any point undoes what was done to the kernel so far: all of it hangs on file descriptors.
//! What never happens here: nothing is printed, no event is formatted.

mod answers;
mod attach;
mod binaries;
mod binary_file;
mod capabilities;
mod check;
mod clock;
mod counters;
mod counts;
mod descriptors;
mod doctor;
mod error;
mod expand;
mod hooks;
mod host;
mod interfaces;
mod itself;
mod library_paths;
mod link_layer;
mod load;
mod log;
mod mapped;
mod mapping;
mod netdev;
mod netlink;
mod outline;
mod prepare;
mod ring;
mod tracefs;
mod user_names;
mod user_places;
mod user_trust;

pub use attach::{Attached, Detaching, Former, Generation, is_missing, settle};
pub use binaries::{binary_identity, binary_path};
pub use capabilities::Capabilities;
pub use check::{Finding, check, inspect};
pub use clock::{boot_ns, boot_shift_ns};
pub use counters::CounterReader;
pub use counts::Counts;
pub use doctor::{Diagnosis, Facts, Memlock, Outcome, Try, examine};
pub use error::KernelError;
pub use expand::{Expanded, claimed_twice, claims, expand, expand_present};
pub use hooks::{Found, Listed, Pattern, Query, Search, binary_in_yaml, search};
pub use host::Host;
pub use interfaces::InterfaceWatch;
pub use library_paths::binary_places;
pub use link_layer::LinkLayer;
pub use load::Loaded;
pub use log::quiet_libbpf;
pub use mapped::FormerSearch;
pub use outline::{FunctionOutline, Need, Outline, outline};
pub use prepare::{Prepared, prepare};
pub use ring::{Ring, Waker, wait};
