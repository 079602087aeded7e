// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of an interface or a cgroup a program sees.

/// How an interface runs an XDP program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum XdpMode {
    /// The driver's own hook where it has one, else generic; the runner says which it got.
    #[default]
    Auto,
    /// In the driver, before the kernel allocates anything (`XDP_FLAGS_DRV_MODE`).
    Native,
    /// In the network stack, after the socket buffer is made (`XDP_FLAGS_SKB_MODE`).
    Generic,
    /// On the network card (`XDP_FLAGS_HW_MODE`).
    Offload,
}

impl XdpMode {
    /// The word in the YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Offload => "offload",
        }
    }
}

/// Which way packets go, as seen from this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// In.
    Ingress,
    /// Out.
    Egress,
}

impl Direction {
    /// The word in the YAML.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// What of a cgroup a program sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupPoint {
    /// Packets that its sockets receive or send.
    Packets(Direction),
    /// What it connects to, by IPv4 and IPv6.
    Connect,
    /// The sockets that it makes.
    SockCreate,
}

impl CgroupPoint {
    /// The word in the YAML.
    pub fn word(self) -> &'static str {
        match self {
            Self::Packets(direction) => direction.word(),
            Self::Connect => "connect",
            Self::SockCreate => "sock_create",
        }
    }

    /// From what follows the slash in the name of a section: `connect4` of `SEC("cgroup/connect4")`.
    pub fn of_section(word: &str) -> Option<Self> {
        match word {
            "ingress" => Some(Self::Packets(Direction::Ingress)),
            "egress" => Some(Self::Packets(Direction::Egress)),
            "connect4" | "connect6" => Some(Self::Connect),
            "sock_create" => Some(Self::SockCreate),
            _ => None,
        }
    }
}
