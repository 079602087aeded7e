// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel says about a probe, as a problem of its file.

use crate::config::{CheckedProbe, Problem, Severity, codes};
use crate::kernel::{Finding, KernelError};
use crate::runner::refusal;

/// An error, or a warning where it takes privileges to find out.
pub(super) fn problem(probe: &CheckedProbe, finding: &Finding) -> Problem {
    match finding {
        Finding::Wrong(error) => refusal(probe, error),
        Finding::Warning(error) => Problem { severity: Severity::Warning, ..refusal(probe, error) },
        Finding::Unknown(error) => {
            Problem { code: codes::NOT_VERIFIED, severity: Severity::Warning, ..refusal(probe, error) }
        }
    }
}

/// The same finding without what variables of the environment say.
pub(super) fn discreet(probe: &CheckedProbe, finding: Finding) -> Finding {
    let without = |error: KernelError| {
        let Problem { message, help, notes, .. } = refusal(probe, &error);
        KernelError { message, help, notes, ..error }
    };
    match finding {
        Finding::Wrong(error) => Finding::Wrong(without(error)),
        Finding::Warning(error) => Finding::Warning(without(error)),
        Finding::Unknown(error) => Finding::Unknown(without(error)),
    }
}
