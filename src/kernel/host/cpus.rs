// SPDX-License-Identifier: MIT OR Apache-2.0
//! The CPUs of the machine, by their numbers.

use std::fs;

/// Those that run now: they can be switched off and on.
pub(in crate::kernel) fn online_cpus() -> Vec<u32> {
    let list = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let cpus = numbers(list.trim());
    // Without sysfs there is one at least, which has this number nearly everywhere.
    if cpus.is_empty() { vec![0] } else { cpus }
}

/// How many numbers of CPUs there may ever be, from 0 on; `None` where some of them are left out.
pub(in crate::kernel) fn possible_cpus() -> Option<u32> {
    let list = fs::read_to_string("/sys/devices/system/cpu/possible").ok()?;
    let cpus = numbers(list.trim());
    let count = cpus.len() as u32;
    (count > 0 && cpus.iter().copied().eq(0..count)).then_some(count)
}

/// `0-3,5`; nothing of what is no such list.
fn numbers(list: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lists of sysfs are read as the kernel writes them (`%*pbl`).
    #[test]
    fn lists() {
        assert_eq!(numbers("0-3,5"), [0, 1, 2, 3, 5]);
        assert_eq!(numbers("0"), [0]);
        assert_eq!(numbers(""), [0; 0]);
    }
}
