// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an event of `notify` says about a path: as much as decides when to look.

use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind};

/// Something happened to one path.
#[derive(Debug, PartialEq)]
pub(super) struct Hint<'a> {
    /// A name in a watched directory, or a watched directory or file itself.
    pub(super) path: &'a Path,
    pub(super) change: Change,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// Written to, and still open.
    Written,
    /// Closed after writing, or it got or lost its name.
    Complete,
    /// Created, or its permissions changed.
    Other,
}

/// What an event says about each of its paths.
pub(super) fn hints(event: &Event) -> impl Iterator<Item = Hint<'_>> {
    let change = match event.kind {
        EventKind::Modify(ModifyKind::Data(_)) => Change::Written,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Remove(_)
        | EventKind::Modify(ModifyKind::Name(_)) => Change::Complete,
        EventKind::Any | EventKind::Access(_) | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
            Change::Other
        }
    };
    event.paths.iter().map(PathBuf::as_path).map(move |path| Hint { path, change })
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind, RenameMode};

    use super::*;

    /// A file is incomplete between the first write and what ends it; a rename is told of both names.
    #[test]
    fn what_an_event_says() {
        let close = EventKind::Access(AccessKind::Close(AccessMode::Write));
        for (kind, change) in [
            (EventKind::Modify(ModifyKind::Data(DataChange::Any)), Change::Written),
            (close, Change::Complete),
            (EventKind::Remove(RemoveKind::File), Change::Complete),
            (EventKind::Modify(ModifyKind::Name(RenameMode::From)), Change::Complete),
            (EventKind::Create(CreateKind::File), Change::Other),
            (EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), Change::Other),
        ] {
            let event = Event::new(kind).add_path("a".into());
            assert_eq!(hints(&event).collect::<Vec<_>>(), [Hint { path: Path::new("a"), change }], "{kind:?}");
        }
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        assert_eq!(hints(&Event::new(renamed).add_path("a".into()).add_path("b".into())).count(), 2);
    }
}
