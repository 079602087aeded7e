// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel: the only user of libbpf.
//!
//! ```text
//! ProbeSpec ──prepare──▶ Prepared ──load──▶ Loaded ──attach──▶ Attached ──silence─▶ counts
//!            BTF, tracefs          verifier         links                 nothing left
//! ```
//!
//! | module | |
//! |---|---|
//! | `host` | the machine: the running kernel, what this process may do on it |
//! | `site` | places: interfaces, kernel functions, events, points of binaries; found, expanded, watched |
//! | `hook` | kinds of hooks, one file each: what they need, how they attach, what is said when they do not |
//! | `prepare`, `load`, `attach` | a probe on its way to run, and what is done with it then |
//! | `slot`, `layer` | what stays attached while programs are exchanged behind it: for one probe, for all at system calls |
//! | `check`, `outline`, `doctor`, `search` | what would run here, without running it |
//! | `ring`, `counts`, `counters` | what programs hand over |
//!
//! A value dropped at any point undoes what was done to the kernel so far: all of it hangs on file descriptors.
//! What never happens here: nothing is printed, no event is formatted.

mod agree;
mod attach;
mod check;
mod choose;
mod counters;
mod counts;
mod doctor;
mod error;
mod expand;
mod finding;
mod generation;
mod hook;
mod host;
mod info;
mod layer;
mod left_out;
mod load;
mod loaded;
mod log;
mod mapping;
mod outline;
mod prepare;
mod prepared;
mod rates;
mod raw_map;
mod ring;
mod search;
mod set;
mod set_map;
mod site;
mod slot;
mod snapshot;
mod span;
mod specialise;
mod tables;
mod together;
mod usdt;
mod verify;

pub use agree::disagreements;
pub use attach::{Attached, Detaching, Former, settle};
pub use check::{check, inspect};
pub use counters::CounterReader;
pub use counts::Counts;
pub use doctor::{Diagnosis, examine};
pub use error::{KernelError, few_of_each};
pub use expand::{Expanded, claimed_twice, claims, expand, expand_present, is_missing, missing_site};
pub use finding::Finding;
pub use generation::Generation;
pub use hook::{Declared, Outcome, Signature, Try};
pub use host::{Capabilities, Facts, Host, Memlock, boot_ns, boot_shift_ns, cgroup_root, monotonic_ns};
pub use left_out::left_out;
pub use loaded::Loaded;
pub use log::quiet_libbpf;
pub use outline::{FunctionOutline, Need, Outline, outline};
pub use prepare::prepare;
pub use prepared::Prepared;
pub use ring::{Ring, Waker, wait};
pub use search::{FoundHook, Listed, Pattern, Query, Search, binary_in_yaml, search};
pub use set::{Descendants, exact_networks, set_keys};
pub use set_map::SetMap;
pub use site::binary::{FormerSearch, binary_identity, binary_path, binary_places};
pub use site::cgroup::{CgroupPlaces, cgroup_places};
pub use site::interface::{InterfaceWatch, LinkLayer};
pub use snapshot::{RunStats, Snapshot, Snapshots};
pub use span::{DiesWith, OpenSpans, PreparedPart, PreparedSpan};
pub use tables::{RawRow, TableMaps, TableReader};
pub use together::{one_link_each, together};
