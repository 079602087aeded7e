// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs and libraries: the file that a name leads to, whose it is, its functions, and the places in it.

mod binaries;
mod expand;
mod file;
mod held;
mod library_paths;
mod mapped;
mod names;
mod places;
mod probes;
mod trust;

pub use binaries::{binary_identity, binary_path};
pub use library_paths::binary_places;
pub use mapped::FormerSearch;

pub(in crate::kernel) use binaries::{Binaries, Opened, unusable};
pub(in crate::kernel) use expand::{first_of, named, unfit};
pub(in crate::kernel) use file::BinaryFile;
pub(in crate::kernel) use held::Held;
pub(in crate::kernel) use names::{first, near, of_a_source, some};
pub(in crate::kernel) use places::{Instruction, Located};
pub(in crate::kernel) use probes::{first_probe, functions_around, named_probes, probe_names, probe_of};
