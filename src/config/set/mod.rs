// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sets` of a file: what expressions look values up in.
//!
//! ```yaml
//! sets:
//!   private: { ip: [10.0.0.0/8, 192.168.0.0/16, "fd00::/8"] }
//!   watched: { text: { file: watched.txt } }
//!   build: { pid: { descendants: 1234 } }
//! ```

mod declared;
mod entry;
mod file;
mod form;
mod lines;
mod read;

pub(crate) use declared::{FileSets, NamedSet};
pub use entry::set_entry;
pub use file::SetFile;
pub(super) use form::SetForm;
pub use lines::{BadLine, MAX_SET_ENTRIES, SetLines, set_lines};
pub(super) use read::path_of;
