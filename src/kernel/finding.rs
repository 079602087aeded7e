// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a look at a probe finds out, without anything being attached.

use super::error::KernelError;

/// One thing that a check found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The probe cannot run here as it is.
    Wrong(KernelError),
    /// The probe runs here when somebody starts it, and there is something to know about that.
    Warning(KernelError),
    /// Only attaching would tell, or it takes privileges that this process does not have to find out.
    Unknown(KernelError),
}

impl Finding {
    /// What keeps the probe from running here.
    pub fn wrong(&self) -> Option<&KernelError> {
        match self {
            Self::Wrong(error) => Some(error),
            Self::Warning(_) | Self::Unknown(_) => None,
        }
    }

    /// The same, to be added to.
    pub fn wrong_mut(&mut self) -> Option<&mut KernelError> {
        match self {
            Self::Wrong(error) => Some(error),
            Self::Warning(_) | Self::Unknown(_) => None,
        }
    }

    /// The same with another error in it: blame that moves to the part of the file which it belongs to.
    #[must_use]
    pub fn map(self, change: impl FnOnce(KernelError) -> KernelError) -> Self {
        match self {
            Self::Wrong(error) => Self::Wrong(change(error)),
            Self::Warning(error) => Self::Warning(change(error)),
            Self::Unknown(error) => Self::Unknown(change(error)),
        }
    }
}
