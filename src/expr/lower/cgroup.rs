// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups, by their ids: user space keeps a set with the id that a path stands for, also where the cgroup comes later.

use std::sync::Arc;

use super::graph::{Graph, Ways};
use super::unfit::Unfit;
use crate::expr::operand::Operand;
use crate::spec::{Fetch, FetchCopy, FetchSource, SetUse, StepNext, StepTest, TextTest, Widening};

/// Levels that the kernel's helper takes.
const MOST_LEVELS: usize = 255;

impl Graph<'_> {
    /// `cgroup == "/a"`, `cgroup.under(["/a", "/b"])`: true where one fits.
    pub(super) fn cgroups(
        &mut self,
        how: TextTest,
        operand: &Operand,
        texts: &[Arc<[u8]>],
        holds: bool,
        ways: Ways,
    ) -> Result<StepNext, Unfit> {
        let by_path = || Unfit::new("the kernel knows a cgroup by its number");
        let Some(fetch) = Self::fetch(operand)? else { return Ok(ways.no) };
        // At a packet its socket tells.
        if !matches!(fetch.source, FetchSource::CgroupId | FetchSource::Packet) || !fetch.hops.is_empty() {
            return Err(by_path());
        }
        let (fits, fits_not) = if holds { (ways.yes, ways.no) } else { (ways.no, ways.yes) };
        let mut entry = fits_not;
        for text in texts.iter().rev() {
            let path = std::str::from_utf8(text).ok().and_then(SetUse::of_cgroup);
            let (set, spec) = path.filter(|(set, _)| self.has_set(set)).ok_or_else(by_path)?;
            let level = spec.cgroup_level().filter(|level| *level <= MOST_LEVELS).ok_or_else(by_path)?;
            let fetch = match how {
                TextTest::Equal => fetch.clone(),
                TextTest::Under => {
                    let source = FetchSource::CgroupAncestor(level as u8);
                    Fetch { source, copy: FetchCopy::Value, offset: 0, ..fetch.clone() }
                }
                TextTest::StartsWith | TextTest::EndsWith | TextTest::Contains | TextTest::Glob => {
                    return Err(by_path());
                }
            };
            entry =
                self.push(operand, fetch, StepTest::Set(set.name, Widening::NONE), Ways { yes: fits, no: entry })?;
            // What is above that level has no ancestor there.
            self.fault_to(entry, operand, fits_not);
        }
        Ok(entry)
    }
}
