// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this process may do, from `CapEff` of `/proc/self/status`.

use std::fs;

/// Those that matter here, by their numbers in `include/uapi/linux/capability.h`.
const KNOWN: [(&str, u32); 9] = [
    ("CAP_DAC_READ_SEARCH", 2),
    ("CAP_NET_ADMIN", 12),
    ("CAP_IPC_LOCK", 14),
    ("CAP_SYS_PTRACE", 19),
    ("CAP_SYS_ADMIN", 21),
    ("CAP_SYS_RESOURCE", 24),
    ("CAP_SYSLOG", 34),
    ("CAP_PERFMON", 38),
    ("CAP_BPF", 39),
];

/// The effective capabilities of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Reads them; none where /proc does not tell.
    pub fn effective() -> Self {
        Self::parse(&fs::read_to_string("/proc/self/status").unwrap_or_default())
    }

    fn parse(status: &str) -> Self {
        let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        Self(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0))
    }

    /// Those of the ones that matter here which the process has.
    pub fn names(self) -> Vec<&'static str> {
        KNOWN.into_iter().filter(|(_, bit)| self.0 >> bit & 1 == 1).map(|(name, _)| name).collect()
    }

    /// True where the process has it. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, which it was before Linux 5.8.
    pub fn has(self, name: &str) -> bool {
        let bit = |name: &str| KNOWN.iter().find(|(known, _)| *known == name).map_or(0, |(_, bit)| self.0 >> bit & 1);
        bit(name) == 1 || matches!(name, "CAP_BPF" | "CAP_PERFMON") && bit("CAP_SYS_ADMIN") == 1
    }

    /// A process with these, by the numbers of the kernel.
    #[cfg(test)]
    pub(in crate::kernel) fn of_mask(mask: u64) -> Self {
        Self(mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask is read by the numbers of the kernel; CAP_SYS_ADMIN includes what was split off it.
    #[test]
    fn masks() {
        let of = |mask: &str| Capabilities::parse(&format!("Name:\tx\nCapEff:\t{mask}\n"));
        assert_eq!(of("000000c000001000").names(), ["CAP_NET_ADMIN", "CAP_PERFMON", "CAP_BPF"]);
        assert!(of("0000000000200000").has("CAP_BPF") && !of("0000000000200000").has("CAP_NET_ADMIN"));
        assert_eq!(Capabilities::parse("").names(), Vec::<&str>::new());
    }
}
