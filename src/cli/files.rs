// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the paths of the command line to texts: files as they are, directories as their YAML files by name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::{MAX_FILE_BYTES, SourceFile, is_config_name};

/// Reads all files; every one that cannot be read is a message.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Vec<String>> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    let mut add = |path: &Path| match read(path) {
        Ok(text) => files.push(SourceFile { path: path.to_owned(), text: text.into() }),
        Err(error) => errors.push(format!("failed to read `{}`: {error}", path.display())),
    };
    let mut listing_errors = Vec::new();
    for path in paths {
        if !path.is_dir() {
            add(path);
            continue;
        }
        match yaml_files(path) {
            Ok(found) if found.is_empty() => {
                listing_errors.push(format!("no *.yaml or *.yml file in the directory `{}`", path.display()));
            }
            Ok(found) => found.iter().for_each(|path| add(path)),
            Err(error) => listing_errors.push(format!("failed to list the directory `{}`: {error}", path.display())),
        }
    }
    errors.extend(listing_errors);
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}

fn yaml_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_config_name) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, String> {
    let words = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    // Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(words)?;
    let metadata = file.metadata().map_err(words)?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    read_text(&file).map_err(words)?.map_err(str::to_owned)
}

fn read_text(file: &File) -> io::Result<Result<String, &'static str>> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Ok(Err("it is larger than 1 MiB: this is not a probe file"));
    }
    Ok(String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text"))
}
