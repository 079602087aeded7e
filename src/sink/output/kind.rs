// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a kind of destination can do: it is opened, and gets lines.

use std::io;

use crate::sink::batch::Lines;
use crate::sink::queue::Stop;
use crate::sink::unwritable::Unwritable;
use crate::spec::{DestinationKind, Format, SinkSpec};

/// A kind of destination, as its own file describes it.
pub(in crate::sink) struct OutputKind {
    /// Which one it is.
    pub(in crate::sink) kind: DestinationKind,
    /// Opens it without waiting for anybody.
    pub(in crate::sink) open: fn(&SinkSpec) -> Result<Box<dyn Output>, Unwritable>,
    /// What can be known of it without opening or making anything.
    pub(in crate::sink) examine: fn(&SinkSpec) -> Result<(), Unwritable>,
    /// Whether opening may not come back: it asks a file system, or another machine.
    pub(in crate::sink) may_hang: bool,
}

/// An open destination, which the thread of its sink writes to.
pub(in crate::sink) trait Output: Send {
    /// True where a person reads it as it comes.
    fn is_terminal(&self) -> bool;

    /// True where nobody will read it any more once its reader has gone, so that the sink ends with it.
    fn ends_with_its_reader(&self) -> bool;

    /// Lines of this format will be written. To be called once, before the first of them.
    fn expect(&mut self, format: Format);

    /// Between two lines: goes on in what has its place now. True where that is another thing than before: a line that was
    /// begun is not ended there. Fails where there is nothing to write to.
    fn follow(&mut self) -> Result<bool, Unwritable>;

    /// Makes it one where a line can begin. Fails where that cannot be done now.
    fn prepare(&mut self) -> io::Result<()>;

    /// True where the rest of a line that was begun would follow what was begun.
    fn can_go_on(&self) -> bool;

    /// True where it can be known, without writing, that it would take lines.
    fn has_room(&self) -> bool;

    /// Writes lines, waiting for room until `stop` says otherwise. Also gives how many bytes were taken for good, which may be
    /// some in case of an error; they end inside a line only where that could not be avoided.
    fn write_lines(&mut self, lines: &Lines, stop: &Stop) -> (usize, io::Result<()>);

    /// Writes the rest of a line that was begun, and says as [`Output::write_lines`] how far that went.
    fn write_rest(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>);
}
