// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the machine as a whole a program sees: a counter that comes to a number, objects that there are.

/// What a counter counts, by the names of perf-list(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerfEvent {
    /// Time on the CPU, in nanoseconds.
    CpuClock,
    /// The same, of what runs.
    TaskClock,
    /// Memory that a process touches and that is not mapped yet, or not writable.
    PageFaults,
    /// Those of them without a disk.
    MinorFaults,
    /// Those with one.
    MajorFaults,
    /// A CPU changes from one thread to another.
    ContextSwitches,
    /// A thread moves to another CPU.
    CpuMigrations,
    /// Memory at an odd address, which the kernel had to see to.
    AlignmentFaults,
    /// Instructions that the kernel had to see to.
    EmulationFaults,
    /// Cycles of the CPU.
    Cycles,
    /// Instructions that it carried out.
    Instructions,
    /// Cycles at a rate that does not change.
    RefCycles,
    /// What it asked the last cache for.
    CacheReferences,
    /// What that did not have.
    CacheMisses,
    /// Branches that it took or not.
    Branches,
    /// Those that it guessed wrong.
    BranchMisses,
    /// Cycles of the bus.
    BusCycles,
    /// Cycles in which no instruction could begin.
    StalledCyclesFrontend,
    /// Cycles in which none could end.
    StalledCyclesBackend,
}

impl PerfEvent {
    /// Every one, in the order of the documentation, with its word in the YAML.
    pub const WORDS: [(Self, &str); 19] = [
        (Self::CpuClock, "cpu-clock"),
        (Self::TaskClock, "task-clock"),
        (Self::PageFaults, "page-faults"),
        (Self::MinorFaults, "minor-faults"),
        (Self::MajorFaults, "major-faults"),
        (Self::ContextSwitches, "context-switches"),
        (Self::CpuMigrations, "cpu-migrations"),
        (Self::AlignmentFaults, "alignment-faults"),
        (Self::EmulationFaults, "emulation-faults"),
        (Self::Cycles, "cycles"),
        (Self::Instructions, "instructions"),
        (Self::RefCycles, "ref-cycles"),
        (Self::CacheReferences, "cache-references"),
        (Self::CacheMisses, "cache-misses"),
        (Self::Branches, "branches"),
        (Self::BranchMisses, "branch-misses"),
        (Self::BusCycles, "bus-cycles"),
        (Self::StalledCyclesFrontend, "stalled-cycles-frontend"),
        (Self::StalledCyclesBackend, "stalled-cycles-backend"),
    ];

    /// The word in the YAML.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(event, _)| *event == self).map_or("", |(_, word)| word)
    }

    /// True where it counts nanoseconds.
    pub fn is_clock(self) -> bool {
        matches!(self, Self::CpuClock | Self::TaskClock)
    }

    /// True where a counter of the CPU counts it, and not the kernel.
    pub fn is_of_hardware(self) -> bool {
        match self {
            Self::CpuClock
            | Self::TaskClock
            | Self::PageFaults
            | Self::MinorFaults
            | Self::MajorFaults
            | Self::ContextSwitches
            | Self::CpuMigrations
            | Self::AlignmentFaults
            | Self::EmulationFaults => false,
            Self::Cycles
            | Self::Instructions
            | Self::RefCycles
            | Self::CacheReferences
            | Self::CacheMisses
            | Self::Branches
            | Self::BranchMisses
            | Self::BusCycles
            | Self::StalledCyclesFrontend
            | Self::StalledCyclesBackend => true,
        }
    }
}

/// What a snapshot has: an event for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Items {
    /// Threads.
    Task,
    /// The open files of each process.
    TaskFile,
    /// TCP sockets.
    Tcp,
    /// UDP sockets.
    Udp,
    /// Loaded BPF programs.
    BpfProg,
    /// BPF maps.
    BpfMap,
}

impl Items {
    /// Every kind, in the order of the documentation, with its word in the YAML, which is the kernel's name for it.
    pub const WORDS: [(Self, &str); 6] = [
        (Self::Task, "task"),
        (Self::TaskFile, "task_file"),
        (Self::Tcp, "tcp"),
        (Self::Udp, "udp"),
        (Self::BpfProg, "bpf_prog"),
        (Self::BpfMap, "bpf_map"),
    ];

    /// The word in the YAML.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(items, _)| *items == self).map_or("", |(_, word)| word)
    }

    /// True where an item belongs to a process, or is one.
    pub fn have_process(self) -> bool {
        match self {
            Self::Task | Self::TaskFile => true,
            Self::Tcp | Self::Udp | Self::BpfProg | Self::BpfMap => false,
        }
    }
}
