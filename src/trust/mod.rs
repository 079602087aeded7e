// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who could change what a path leads to: what is read or written as root must not be for somebody else to choose.
//!
//! ```text
//! /etc/ebpf-run/probes.d/web.yaml     /            root  0755   nobody else can put another `etc` there
//!                                     /etc         root  0755
//!                                     …
//!                                     web.yaml     root  0644   nobody else can write it
//! /home/eve/web.yaml                  /home/eve    eve   0755   she can: the path is hers
//! ```
//!
//! The walk opens one name after the other with `O_PATH | O_NOFOLLOW` and follows links itself, so what it judges is what it
//! opened, and the last descriptor is the very file that was judged (path_resolution(7)).
//!
//! Root and the process's own user are trusted, and so is group 0, as logrotate(8) has it. A directory that others can write
//! is safe for what trusted users own in it where it is sticky (unlink(2)). Whom a list of rights (acl(5)) lets write counts like
//! the group.

mod breach;
mod file_system;
mod list;
mod owner;
mod through;
mod walk;

pub use breach::{Breach, Reason, user_name};
pub use file_system::{file_system, is_of_the_kernel};
pub use list::writer_of_list;
pub use through::through;
pub use walk::{Walked, walk};
