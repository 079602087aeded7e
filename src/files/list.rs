// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file with a list of values: judged and read through one descriptor, like a configuration.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::read::words;
use super::roots::untrusted;
use crate::trust::{is_of_the_kernel, through, walk};

/// Bytes of the largest list.
const MAX_BYTES: u64 = 256 << 20;

/// The bytes of a file, or why there are none, as it follows "cannot read `PATH`: ". `guarded`: a file that others than root could
/// change is not read.
pub fn read_list(path: &Path, guarded: bool) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| words(&error);
    let walked = walk(path).map_err(failed)?;
    if let Some(breach) = walked.breach().filter(|_| guarded) {
        let problem = untrusted(path, breach);
        return Err(problem.help.map_or(problem.message.clone(), |help| format!("{}; {help}", problem.message)));
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
    file.and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}
