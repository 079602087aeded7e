// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who has the one place for an XDP program on an interface, and what takes it away from there: that differs by mode, and by what
//! holds it (netlink or a bpf_link).

use std::fs;
use std::time::{Duration, Instant};

use libbpf_rs::query::{LinkInfoIter, LinkTypeInfo};

use super::xdp_query::query;
use crate::kernel::error::KernelError;
use crate::kernel::host::Capabilities;
use crate::kernel::info;
use crate::kernel::site::interface::Netdev;
use crate::spec::{Place, XdpMode};

/// What the programs of libxdp are called, under which several share an interface.
const DISPATCHER: &str = "xdp_dispatcher";
/// How long the holder of a link is looked for: a machine may have a million descriptors.
const PATIENCE: Duration = Duration::from_millis(200);

/// A program on an interface.
struct Occupant {
    program: u32,
    name: String,
    mode: XdpMode,
    hold: Hold,
}

/// What keeps it there.
enum Hold {
    /// Netlink, as `ip link` does.
    Netlink,
    /// The bpf_link of this number.
    Link(u32),
    /// This process may not see links.
    Unknown,
}

/// That an interface, or one above it that sends all it has through this one, already runs a program; `None` where neither does.
pub(super) fn occupied(interface: &str, index: u32) -> Option<KernelError> {
    if let Some(occupant) = Occupant::of(index) {
        let (who, help) = occupant.describe(interface);
        let message = format!("`{interface}` already runs an XDP program: {who}");
        return Some(KernelError::new(Place::Target, message, format!("an interface can run only one: {help}")));
    }
    // dev_xdp_attach() of net/core/dev.c
    let above = Netdev::numbered(Netdev::numbered(index)?.master?)?;
    let (who, help) = Occupant::of(above.index)?.describe(&above.name);
    let message = format!("`{}`, which `{interface}` is a part of, already runs an XDP program: {who}", above.name);
    Some(KernelError::new(Place::Target, message, format!("only one of them can run one: {help}")))
}

impl Occupant {
    fn of(index: u32) -> Option<Self> {
        let query = query(index)?;
        let ids = [
            (query.drv_prog_id, XdpMode::Native),
            (query.skb_prog_id, XdpMode::Generic),
            (query.hw_prog_id, XdpMode::Offload),
        ];
        let (program, mode) = ids.into_iter().find(|(id, _)| *id != 0)?;
        // Each network namespace has an interface of this number: the program tells them apart.
        let on_it = |kind: &LinkTypeInfo| matches!(kind, LinkTypeInfo::Xdp(xdp) if xdp.ifindex == index);
        let link = LinkInfoIter::default().find(|link| link.prog_id == program && on_it(&link.info));
        let hold = match link {
            Some(link) => Hold::Link(link.id),
            None if Capabilities::effective().has("CAP_SYS_ADMIN") => Hold::Netlink,
            None => Hold::Unknown,
        };
        Some(Self { program, name: info::name_of_program(program).unwrap_or_default(), mode, hold })
    }

    /// `` `name` (id 12, native mode), held by process 3 (`name`) ``, and what ends that.
    fn describe(&self, interface: &str) -> (String, String) {
        let (id, mode) = (self.program, self.mode.name());
        let name = if self.name.is_empty() { String::new() } else { format!("`{}` ", self.name) };
        let who = format!("{name}(id {id}, {mode} mode)");
        match self.hold {
            Hold::Unknown => (who, "as root, `bpftool net` and `bpftool link` show what holds it".to_owned()),
            Hold::Netlink if self.name == DISPATCHER => {
                (who, format!("`xdp-loader unload {interface} --all` removes it"))
            }
            Hold::Netlink => (who, format!("`ip link set dev {interface} {} off` removes it", self.word())),
            Hold::Link(link) => match holder(link) {
                Some((pid, name)) => {
                    (format!("{who}, held by process {pid} (`{name}`)"), format!("end process {pid} (`{name}`)"))
                }
                // Pinned, or held where we cannot look.
                None => (format!("{who}, held by link {link}"), format!("`bpftool link detach id {link}` detaches it")),
            },
        }
    }

    /// The mode in the language of ip-link(8), where `xdp off` means native mode on every interface that has it.
    fn word(&self) -> &'static str {
        match self.mode {
            XdpMode::Native | XdpMode::Auto => "xdpdrv",
            XdpMode::Generic => "xdpgeneric",
            XdpMode::Offload => "xdpoffload",
        }
    }
}

/// Number and name of a process that holds a link.
fn holder(link: u32) -> Option<(u32, String)> {
    let until = Instant::now() + PATIENCE;
    let wanted = format!("link_id:\t{link}");
    let pids =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors.take_while(|_| Instant::now() < until).any(|entry| {
            let is_link = fs::read_link(entry.path()).is_ok_and(|path| path.as_os_str() == "anon_inode:bpf_link");
            let about = || format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_string_lossy());
            is_link && fs::read_to_string(about()).is_ok_and(|text| text.lines().any(|line| line == wanted))
        })
    };
    let pid = pids.take_while(|_| Instant::now() < until).find(holds)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some((pid, name.trim_end().to_owned()))
}
