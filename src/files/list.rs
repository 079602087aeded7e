// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file with a list of values: judged and read through one descriptor, like a configuration.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::read::words;
use super::roots::untrusted;
use crate::trust::{is_of_the_kernel, through, walk};

/// Everybody may read it.
const OTHERS_READ: u32 = 0o004;
/// Bytes of the largest list.
const MAX_BYTES: u64 = 256 << 20;

/// What a list has in it.
#[derive(Debug)]
pub struct List {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Not everybody may read it: what it says is not repeated in messages.
    pub is_private: bool,
}

/// A file, or why it cannot be read, as it follows "cannot read `PATH`: ". `guarded`: a file that others than root could change is not
/// read.
pub fn read_list(path: &Path, guarded: bool) -> Result<List, String> {
    let failed = |error: io::Error| words(&error);
    let walked = walk(path).map_err(failed)?;
    if let Some(breach) = walked.breach().filter(|_| guarded) {
        let problem = untrusted(path, breach);
        return Err(problem.help.map_or(problem.message.clone(), |help| format!("{}; {help}", problem.message)));
    }
    if walked.about.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !walked.about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if is_of_the_kernel(walked.file.as_fd()).map_err(failed)? {
        return Err("it is a virtual file of the kernel".to_owned());
    }
    if walked.about.len() > MAX_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(through(walked.file.as_fd()));
    let mut bytes = Vec::new();
    // One byte more than there may be tells a file that grows.
    file.and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
    }
    Ok(List { bytes, is_private: walked.about.mode() & OTHERS_READ == 0 })
}
