// SPDX-License-Identifier: MIT OR Apache-2.0
//! What hooks of the network offer: the packet or the call at hand.

use super::builtin::BUILTINS;
use super::path::{Composite, Place, Reached, Ty};
use crate::spec::{FetchSource, PacketPart, PacketSlot, SocketCallSlot};
use crate::words::{Refusal, suggest};

/// What a program of the network is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkScope {
    /// A packet at an interface.
    Packet,
    /// A packet of a socket, whose cgroup is known.
    SocketPacket,
    /// A socket that gets its peer.
    Connect,
    /// A socket that is made.
    SockCreate,
}

/// What people call the whole packet elsewhere.
const OTHER_NAMES: [&str; 4] = ["skb", "pkt", "ctx", "xdp_md"];

impl NetworkScope {
    /// True where the event is a call of the process that runs.
    pub(super) fn runs_in_process(self) -> bool {
        match self {
            Self::Packet | Self::SocketPacket => false,
            Self::Connect | Self::SockCreate => true,
        }
    }

    /// Its parts that stand for themselves; those of a packet come after its name.
    fn parts(self) -> &'static [PacketPart] {
        match self {
            Self::Packet => &[],
            Self::SocketPacket => PacketSlot::OF_SOCKET,
            Self::Connect => SocketCallSlot::CONNECT,
            Self::SockCreate => SocketCallSlot::CREATE,
        }
    }

    /// What one of its own names stands for.
    pub(super) fn own<'a>(self, name: &str) -> Option<Reached<'a>> {
        let at_hand = |parts, taken| {
            let place = Place::register(FetchSource::Packet, Ty::Int { size: 8, signed: false });
            Reached::Composite(Composite::at_hand(place, parts, taken))
        };
        if name == "packet" && !self.runs_in_process() {
            return Some(at_hand(PacketSlot::PARTS, ""));
        }
        let parts = self.parts();
        parts.iter().any(|part| part.name == name).then(|| at_hand(parts, name))
    }

    /// That it has no such name.
    pub(super) fn unknown(self, name: &str) -> Refusal {
        let refusal = Refusal::new(format!("this hook has no `{name}`"));
        let is_packet = !self.runs_in_process();
        if is_packet && OTHER_NAMES.contains(&name) {
            return refusal.help("the packet at hand is `packet`");
        }
        let begins = |part: &&PacketPart| part.name.split('.').next() == Some(name);
        if is_packet && PacketSlot::PARTS.iter().any(|part| begins(&part)) {
            return refusal.help(format!("write `packet.{name}`"));
        }
        let whole = is_packet.then_some("packet");
        let own = self.parts().iter().map(|part| part.name).filter(|name| !name.contains('.'));
        let builtins = BUILTINS.iter().filter(|builtin| !is_packet || !builtin.of_process).map(|builtin| builtin.name);
        let known: Vec<&str> = whole.into_iter().chain(own).chain(builtins).collect();
        refusal.maybe_help(suggest(name, known, "there are"))
    }
}
