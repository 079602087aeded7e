// SPDX-License-Identifier: MIT OR Apache-2.0
//! One entry of the work list that specialises the `trace` program: a value, resolved against the kernel's types.

/// What to read and where to put it in the record. `bpf/include/fetch.h` is what executes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Where the value comes from.
    pub source: FetchSource,
    /// For each pointer that is followed: what is added to the address before it is read. At most 8. It may be negative: what is around
    /// a member lies before it (`container_of`).
    pub hops: Vec<i32>,
    /// From this hop on (`hops.len()`: the copy alone) every address is the process's, whatever it says: arguments of system calls and
    /// of functions of programs. `None`: an address itself tells whose memory it is in.
    pub user_from: Option<u8>,
    /// What is added to the address before the copy; it may be negative as well.
    pub offset: i32,
    /// Whether 32-bit processes have the same there.
    pub narrow: Narrow,
    /// An offset that is only known when the event happens: `a[fd]`.
    pub index: Option<FetchIndex>,
    /// Keep the value (eight bytes, sign-extended by [`Kept::size`]) for an index or a length of a later fetch.
    pub keep: Option<Kept>,
    /// The value kept under this number is the length of what is copied: at most `size` bytes of it.
    pub length: Option<u8>,
    /// How it reaches the record.
    pub copy: FetchCopy,
    /// Bytes to copy.
    pub size: u16,
    /// Bytes that the record has for it: a multiple of 8, at least `size`. 0: nothing goes to the record (it is only kept).
    pub slot: u16,
    /// Where its slot begins in the record: a multiple of 8.
    pub out: u32,
}

/// How what is read of a system call's memory lies in a 32-bit process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrow {
    /// As in others.
    Same,
    /// Otherwise, as it has pointers or `long`s: null there.
    Otherwise,
    /// A `struct timespec`, of which older calls take one of 8 bytes.
    Timespec,
}

/// `a[fd]`: `scale` times the value kept under `kept` is added to the offset before hop number `hop` (`hop == hops.len()`: before
/// the copy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchIndex {
    /// The number under which an earlier fetch kept the index.
    pub kept: u8,
    /// At which hop it counts.
    pub hop: u8,
    /// Bytes of an element.
    pub scale: u32,
    /// How many elements there are; an index of so much or more is a fault. 0: nobody knows.
    pub count: u32,
}

/// A place for values that later fetches use: 0 to [`Kept::ROOM`] − 1, for the record and for the tests each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub number: u8,
    /// Bytes of the integer: 1, 2, 4, 8.
    pub size: u8,
    /// Whether it can be negative.
    pub signed: bool,
}

impl Kept {
    /// How many values can be kept.
    pub const ROOM: u8 = 4;
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchSource {
    /// This argument of the function or raw tracepoint, from 0.
    Argument(u8),
    /// What the function returned.
    Return,
    /// The address of the tracepoint's record.
    Context,
    /// The address of a dynamic array; its `__data_loc` is this many bytes into the record.
    DataLoc(u8),
    /// The same for `__rel_loc` (Linux 5.16).
    RelLoc(u8),
    /// The real group id of the thread.
    Gid,
    /// The CPU.
    Cpu,
    /// The process id, by the first PID namespace.
    Pid,
    /// The thread id, by the first PID namespace.
    Tid,
    /// The real user id of the thread.
    Uid,
    /// The name of the thread: 16 bytes, by [`FetchCopy::Comm`].
    Comm,
    /// The address of the current `struct task_struct`.
    Task,
    /// CLOCK_MONOTONIC in nanoseconds.
    Ktime,
    /// 32 random bits.
    Random,
    /// The id of the thread's cgroup (v2).
    CgroupId,
    /// The id of its ancestor at this level; at a packet, of the cgroup of its socket.
    CgroupAncestor(u8),
    /// This address or number: a variable of the kernel.
    Constant(u64),
    /// Which target of several of one program: the number that the link carries.
    Target,
    /// The calculation that begins with this operation of [`super::Counting::operations`].
    Calculated(u8),
    /// The number of the system call, at raw `sys_enter` and `sys_exit`.
    SyscallNumber,
    /// Argument `n` of a USDT, by the specification that the link carries.
    Usdt(u8),
    /// The packet or socket that the program was called for, at xdp, tc and cgroup.
    Packet,
    /// What the start of a span, or a hook on its way, left.
    Stored {
        /// Where in [`super::OpenSpanSlot`] it begins.
        at: u32,
        /// Its bit of what has no value.
        bit: u8,
    },
    /// Nanoseconds since the start of the span.
    Duration,
    /// Process and thread in one word.
    PidTgid,
    /// The stack pointer of a call.
    StackPointer,
    /// Where on the stack a trampoline keeps the arguments: one place at the entry and the return of a call.
    Frame,
    /// What led to the event, by [`FetchCopy::KernelStack`] or [`FetchCopy::UserStack`].
    Stack,
}

/// How a value reaches the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchCopy {
    /// The value itself, eight bytes; `offset` bytes into it for a member of a struct that was passed by value.
    Value,
    /// Bytes of kernel memory at the address.
    Kernel,
    /// Bytes of the process's memory at the address.
    User,
    /// NUL-terminated text in kernel memory.
    KernelText,
    /// NUL-terminated text in the process's memory.
    UserText,
    /// The name of the thread.
    Comm,
    /// A `struct sock` at the address, as [`super::SockSlot`] lies in memory.
    Sock,
    /// A `struct sockaddr` at the address, as [`super::EndpointSlot`].
    Sockaddr,
    /// The path of a `struct file` at the address, as [`super::FieldType::Path`].
    FilePath,
    /// The path of a `struct path` at the address.
    Path,
    /// The path of a `struct dentry` at the address, within its file system.
    DentryPath,
    /// The path of the file behind a descriptor of this process, which is the value.
    FdPath,
    /// The functions of the kernel that led to the event, as [`super::StackSlot`] lies in memory.
    KernelStack,
    /// The functions of the process that did.
    UserStack,
    /// Bytes from `part` on of what the headers of a `struct sk_buff` at the address say, or of the packet or call at hand
    /// ([`FetchSource::Packet`]), as [`super::PacketSlot`] and [`super::SocketCallSlot`] lie in memory. No value where there is no such
    /// header.
    Packet {
        /// Where in it.
        part: u8,
        /// The header that has it.
        layer: PacketLayer,
    },
    /// The sum of the eight bytes that each CPU has at the address, which is an offset into its own memory.
    SumOfCpus {
        /// The address of the array that says where the memory of each is (`__per_cpu_offset`).
        offsets: u64,
        /// How many there may be.
        cpus: u32,
    },
}

/// A header of a packet. Its number is the bit of `layers` in `struct packet_parts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketLayer {
    /// None is needed.
    Always = 0,
    /// Ethernet.
    Ethernet = 1 << 0,
    /// A VLAN tag, or more.
    Vlan = 1 << 1,
    /// A second one in it.
    InnerVlan = 1 << 2,
    /// IPv4 or IPv6.
    Ip = 1 << 3,
    /// One that begins with ports: TCP, UDP, SCTP, DCCP, UDP-Lite; in the first fragment.
    Ports = 1 << 4,
    /// TCP.
    Tcp = 1 << 5,
    /// UDP.
    Udp = 1 << 6,
    /// ICMP or ICMPv6.
    Icmp = 1 << 7,
}
