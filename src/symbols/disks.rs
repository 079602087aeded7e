// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of disks by their numbers.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::patience::Patience;

/// How long a name is believed: a number may come to mean another disk.
const FRESH: Duration = Duration::from_secs(10);
/// How long it is believed that a number has none.
const UNKNOWN: Duration = Duration::from_secs(1);
/// More than any machine has; events may have any number.
const MOST: usize = 4096;

/// Known ones, by number, with when they were asked for.
#[derive(Debug, Default)]
pub(super) struct Disks(HashMap<u32, (Option<Box<str>>, Instant)>);

impl Disks {
    pub(super) fn name(&mut self, number: u32, patience: &mut Patience) -> Option<&str> {
        let (major, minor) = (number >> 20, number & 0xf_ffff);
        // File systems without a disk.
        if major == 0 {
            return None;
        }
        let now = Instant::now();
        let is_fresh = self.0.get(&number).is_some_and(|(name, since)| {
            now.saturating_duration_since(*since) < if name.is_some() { FRESH } else { UNKNOWN }
        });
        if !is_fresh && let Some(name) = patience.ask(|| find(major, minor)) {
            if self.0.len() >= MOST {
                self.0.clear();
            }
            self.0.insert(number, (name, now));
        }
        self.0.get(&number)?.0.as_deref()
    }
}

fn find(major: u32, minor: u32) -> Option<Box<str>> {
    let link = fs::read_link(format!("/sys/dev/block/{major}:{minor}")).ok();
    let name = link.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    // `cciss!c0d0` is /dev/cciss/c0d0.
    let named = name.map(|name| name.replace('!', "/").into());
    named.or_else(|| in_partitions(&fs::read_to_string("/proc/partitions").ok()?, major, minor))
}

/// Lines of `major minor blocks name`.
fn in_partitions(text: &str, major: u32, minor: u32) -> Option<Box<str>> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let mut number = || words.next()?.parse().ok();
        let found = (number()?, number()?) == (major, minor);
        words.nth(1).filter(|_| found).map(Into::into)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of /proc/partitions is found by both numbers.
    #[test]
    fn partitions() {
        let text = "major minor  #blocks  name\n\n   8        0  104857600 sda\n   8        1  104856559 sda1\n 253 0 9 dm-0\n";
        assert_eq!(in_partitions(text, 8, 1).as_deref(), Some("sda1"));
        assert_eq!(in_partitions(text, 253, 0).as_deref(), Some("dm-0"));
        assert_eq!(in_partitions(text, 8, 2), None);
    }

    /// What is no disk has no name, and is not asked for.
    #[test]
    fn no_disks() {
        let (mut disks, mut patience) = (Disks::default(), Patience::default());
        for (number, remembered) in [(42, 0), (0xfff0_0001, 1)] {
            assert_eq!(disks.name(number, &mut patience), None);
            assert_eq!(disks.0.len(), remembered);
        }
    }
}
