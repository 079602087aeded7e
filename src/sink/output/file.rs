// SPDX-License-Identifier: MIT OR Apache-2.0
//! A path: a file that is appended to, a FIFO, a device. What others can change is not used (`sink::judge`), and a file that
//! is moved away, as logs are rotated, is followed by a new one.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::descriptor::Descriptor;
use super::kind::{Output, OutputKind};
use crate::sink::batch::Lines;
use crate::sink::judge::{self, FileKind};
use crate::sink::make::{examine_path, open_path};
use crate::sink::owner::resolve;
use crate::sink::queue::Stop;
use crate::sink::unwritable::Unwritable;
use crate::spec::{DestinationKind, Format, Rights, SinkSpec};
use crate::trust::Breach;
use crate::words::shown;

/// A file, by its path.
pub(super) const FILE: OutputKind = OutputKind { kind: DestinationKind::File, open, examine, may_hang: true };

fn open(spec: &SinkSpec) -> Result<Box<dyn Output>, Unwritable> {
    let place = Place::of(spec)?;
    let (open, breach) = place.open(None)?;
    if let Some(breach) = breach {
        let text = format!("{breach}: `{}` can be taken away from there", place.path.display());
        tracing::warn!("{}", shown(&text));
    }
    Ok(Box::new(PathOutput { name: spec.name.clone(), place, open, format: None, is_displaced: false }))
}

/// What this user may not look at is not judged.
fn examine(spec: &SinkSpec) -> Result<(), Unwritable> {
    let place = Place::of(spec)?;
    match resolve(&place.rights).and_then(|rights| examine_path(&place.path, rights)) {
        Err(Unwritable::Io(error)) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// The path of a sink, and whose a file is that is made there.
struct Place {
    path: PathBuf,
    rights: Rights,
}

/// What was opened at a path.
struct Open {
    descriptor: Descriptor,
    kind: Option<FileKind>,
    identity: Option<(u64, u64)>,
}

struct PathOutput {
    /// The sink's name.
    name: String,
    place: Place,
    open: Open,
    format: Option<Format>,
    /// The file was moved away, and a new one could not be made.
    is_displaced: bool,
}

impl Place {
    fn of(spec: &SinkSpec) -> Result<Self, Unwritable> {
        let path = spec.destination.path().ok_or_else(|| Unwritable::said("it has no path"))?;
        Ok(Self { path: path.to_owned(), rights: spec.rights.clone() })
    }

    /// Opens what the path leads to, where it is of the kind that it was, or makes a file. Also says who could take it away.
    fn open(&self, before: Option<FileKind>) -> Result<(Open, Option<Breach>), Unwritable> {
        let (file, breach) = open_path(&self.path, resolve(&self.rights)?, before)?;
        Ok((Open::new(file), breach))
    }

    /// Opens what has the path now, where that is not what is open: anyone who rotates logs has moved it away. A new file is made
    /// where there is none. `None`: nothing has changed.
    fn moved(&self, open: &Open) -> Option<Result<Open, Unwritable>> {
        if fs::metadata(&self.path).is_ok_and(|found| open.is_at(&found)) {
            return None;
        }
        let opened = match open.kind {
            // Nobody would see that a file has taken the place of a FIFO or a device.
            Some(FileKind::Fifo | FileKind::Device) if !self.path.exists() => {
                Err(io::Error::from(ErrorKind::NotFound).into())
            }
            kind => self.open(kind).map(|(open, _)| open),
        };
        Some(opened)
    }
}

impl Open {
    /// Of a file that was opened by its path, with `O_NONBLOCK` where it has a reader.
    fn new(file: File) -> Self {
        let about = file.metadata().ok();
        let kind = about.as_ref().and_then(|about| judge::kind(about).ok());
        let identity = about.map(|about| (about.dev(), about.ino()));
        Self { descriptor: Descriptor::new(file), kind, identity }
    }

    /// True where it is what was found at its path.
    fn is_at(&self, found: &Metadata) -> bool {
        self.identity == Some((found.dev(), found.ino()))
    }

    /// True for a file that was deleted: nobody will ever read what is written to it.
    fn is_deleted(&self) -> bool {
        self.kind == Some(FileKind::File) && self.descriptor.has_no_name()
    }
}

impl Output for PathOutput {
    fn is_terminal(&self) -> bool {
        self.open.descriptor.is_terminal()
    }

    /// A FIFO may find another reader, and what lies in it stays there for that one.
    fn ends_with_its_reader(&self) -> bool {
        false
    }

    fn expect(&mut self, format: Format) {
        self.format = Some(format);
        self.open.descriptor.expect_own(format);
    }

    fn follow(&mut self) -> Result<bool, Unwritable> {
        let Some(moved) = self.place.moved(&self.open) else { return Ok(false) };
        match moved {
            Ok(open) => {
                // What is torn in the old file may be mended now; another try there will not be.
                drop(self.open.descriptor.prepare());
                self.open = open;
                if let Some(format) = self.format {
                    self.open.descriptor.expect_own(format);
                }
                self.is_displaced = false;
                return Ok(true);
            }
            Err(error) if error.is_judged() || self.open.is_deleted() => return Err(error),
            Err(error) if !self.is_displaced => {
                self.is_displaced = true;
                let name = shown(&self.name);
                tracing::warn!(
                    sink = %name,
                    "`{name}` was moved, and no new file can be made: {error}; the old one is written to"
                );
            }
            Err(_) => {}
        }
        Ok(false)
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.open.descriptor.prepare()
    }

    fn can_go_on(&self) -> bool {
        self.open.descriptor.can_go_on()
    }

    fn has_room(&self) -> bool {
        self.open.descriptor.has_room()
    }

    fn write_lines(&mut self, lines: &Lines, stop: &Stop) -> (usize, io::Result<()>) {
        self.open.descriptor.write_lines(lines.bytes(), stop)
    }

    fn write_rest(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>) {
        self.open.descriptor.write_rest(bytes, stop)
    }
}
