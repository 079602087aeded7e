// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that are not in the binary: their object files come from elsewhere.

use std::path::Path;

use super::describe::describe;
use super::elf::ObjectError;
use super::program::Program;

impl Program {
    /// The program in the object file of this path, whose content is `bytes`. Its name is the file's without `.bpf.o` or
    /// `.o`. Fails where the bytes are no BPF object file with BTF, or do not follow `bpf/include/program.h`.
    pub fn from_file(path: &Path, bytes: &[u8]) -> Result<Self, ObjectError> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let stem = name.strip_suffix(".o").unwrap_or(&name);
        describe(stem.strip_suffix(".bpf").unwrap_or(stem), bytes)
    }
}
