// SPDX-License-Identifier: MIT OR Apache-2.0
//! An expression of the language, after parsing: `retval < 0 && path.under("/etc")`.
//!
//! Nothing is known of names yet: whether `flags` is an argument, a capture or a builtin, `EACCES` a constant or `private` a
//! set, the resolver finds out.

use std::ops::Range;

/// An expression and where it stands in its text.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub node: ExprNode,
    /// The bytes of the text that it takes.
    pub range: Range<usize>,
}

/// The bytes of the text that a part takes. All are equal: where something stands is not what it says.
#[derive(Debug, Clone, Default)]
pub struct At(pub Range<usize>);

impl PartialEq for At {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for At {}

/// Two expressions are equal where they say the same, wherever they stand.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Expr {}

impl Expr {
    /// An expression of this place.
    pub fn new(node: ExprNode, range: Range<usize>) -> Self {
        Self { node, range }
    }
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprNode {
    /// `42`, `0x1f`, `0o17`, `64KiB`
    Number(u64),
    /// `10ms`, in nanoseconds.
    Duration(u64),
    /// `"text"` or `'text'`
    Text(String),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// A capture, a name of the hook, a builtin, a constant or a set.
    Name(String),
    /// `a->b` or `a.b`: both follow a pointer or take a member; also a part of a composite type (`conn.source.ip`).
    Member {
        /// Whose.
        of: Box<Expr>,
        /// Its name.
        name: String,
        /// Where the name stands.
        at: At,
        /// Written `->`; it means the same.
        arrow: bool,
    },
    /// `a[2]`, `a[fd]`
    Index {
        /// The array, or a pointer to its first element.
        of: Box<Expr>,
        /// Which element, from 0.
        index: Box<Expr>,
    },
    /// `a as TYPE`
    Cast {
        /// What is read.
        of: Box<Expr>,
        /// As what.
        cast: Cast,
        /// Where the type stands.
        at: At,
    },
    /// `container_of(m, struct mount, mnt)`
    ContainerOf {
        /// A pointer to the member.
        of: Box<Expr>,
        /// The struct around it, without `struct`.
        container: String,
        /// The path of the member in it.
        member: Vec<String>,
    },
    /// `first_of(a, b)`, `has_any(x, M)`, `size(x)`, `kstack(16)`, `descendants(1234)`
    Call {
        /// The function.
        name: String,
        /// Where its name stands.
        at: At,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// `path.under("/etc")`
    Method {
        /// What it is asked of.
        of: Box<Expr>,
        /// `startsWith`, `under` …
        name: String,
        /// Where the name stands.
        at: At,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// `!a`, `-a`, `~a`
    Unary {
        /// Which.
        op: UnaryOp,
        /// Of what.
        of: Box<Expr>,
    },
    /// `a + b`, `a == b`, `a && b`
    Binary {
        /// Which.
        op: BinaryOp,
        /// Its left side.
        left: Box<Expr>,
        /// Its right side.
        right: Box<Expr>,
    },
    /// `a in b`, `a not in b`
    In {
        /// What is looked for.
        value: Box<Expr>,
        /// A list, a set, a network, `descendants(…)`.
        among: Box<Expr>,
        /// `not in`
        negated: bool,
    },
    /// `[1, 2]`
    List(Vec<Expr>),
}

/// An operator with one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!` and `not`
    Not,
    /// `-`
    Minus,
    /// `~`
    Complement,
}

/// An operator with two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `&`
    BitAnd,
    /// `^`
    BitXor,
    /// `|`
    BitOr,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// The type after `as`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cast {
    /// `u8` `u16` `u32` `u64`: the low bytes as an unsigned integer; `size` in bytes.
    Unsigned {
        /// 1, 2, 4 or 8.
        size: u8,
    },
    /// `i8` `i16` `i32` `i64`: the low bytes as a signed integer; `size` in bytes.
    Signed {
        /// 1, 2, 4 or 8.
        size: u8,
    },
    /// `hex`: an integer written as `0x…`.
    Hex,
    /// `bool`: zero or not.
    Bool,
    /// `duration`: nanoseconds.
    Duration,
    /// `ktime`: nanoseconds of the monotonic clock, shown as a time of day.
    Ktime,
    /// `timespec`: a pointer to, or a struct of, seconds and nanoseconds; a duration.
    Timespec,
    /// `string(N)` (and `string[N]`): text in memory; whose, its address tells.
    String(TextSize),
    /// `user_string(N)`: text in the process's memory.
    UserString(TextSize),
    /// `bytes(N)`: raw bytes, written as hexadecimal digits.
    Bytes(TextSize),
    /// A number of a table that is built in: `errno`, `signal`, `open_flags` …
    Named(NameTable),
    /// An enum of BTF: `bpf_prog_type`, `enum bpf_prog_type`.
    Enum(String),
    /// `struct tcp_sock` (or `union x`): a pointer to one, of which members can be taken. No value of its own.
    Struct(String),
    /// Four bytes in network order.
    Ipv4,
    /// Sixteen bytes in network order.
    Ipv6,
    /// An address by its length: four bytes or sixteen.
    Ip,
    /// Two bytes in network order.
    Port,
    /// Six bytes.
    Mac,
    /// A pointer to a `struct sockaddr`: `.ip .port .family`.
    Sockaddr,
    /// A pointer to a `struct sock`: `.source .destination .family .protocol`.
    Sock,
    /// A `struct file`, `struct path` or `struct dentry`: its path, at most `max` bytes of it.
    Path {
        /// 256 unless told.
        max: u16,
    },
    /// A descriptor of the current process: the path of its file.
    FdPath,
    /// A `dev_t`: the disk's name.
    Dev,
    /// An address in the kernel's code: `tcp_sendmsg+0x8`.
    Ksym,
    /// An address in the process's code.
    Usym,
    /// The id of a cgroup: its path.
    Cgroup,
    /// A user or group id; −1 is unset: null.
    Uid,
    /// Sixteen bytes.
    Uuid,
    /// A pointer to a `struct sk_buff`: `.length .protocol .source .destination`, `eth.* vlan.* ip.* tcp.* udp.* icmp.*`.
    Packet,
}

/// How long a text or buffer may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSize {
    /// At most so many bytes: 1 to 4096.
    pub max: u16,
    /// Where it says its length itself: `bytes(len=count)`, `string(4096, len=retval as i32)`. Below 0 is empty.
    pub length: Option<Box<Expr>>,
}

/// A table of names that is built in; `spec::names` holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameTable {
    /// Errors: of −4095 to −1, else null.
    Errno,
    /// Signals; 0 is null.
    Signal,
    /// System calls of this architecture.
    Syscall,
    /// `O_…`
    OpenFlags,
    /// `S_IF…` and the permission bits.
    FileMode,
    /// `MAY_…`
    Access,
    /// `PROT_…`
    Prot,
    /// `MAP_…`
    MapFlags,
    /// `CLONE_…`
    CloneFlags,
    /// `MS_…`
    MountFlags,
    /// One capability by its number.
    Cap,
    /// A set of capabilities, a bit for each.
    Caps,
    /// `AF_…`
    SocketFamily,
    /// `SOCK_…`
    SocketType,
    /// `IPPROTO_…`
    IpProtocol,
    /// `TCP_…`
    TcpState,
    /// The bits of a TCP header: `FIN SYN RST PSH ACK URG ECE CWR NS`.
    TcpFlags,
    /// `HI`, `TIMER` …
    Softirq,
}

impl NameTable {
    /// Every table by its word after `as`.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("errno", Self::Errno),
        ("signal", Self::Signal),
        ("syscall", Self::Syscall),
        ("open_flags", Self::OpenFlags),
        ("file_mode", Self::FileMode),
        ("access", Self::Access),
        ("prot", Self::Prot),
        ("map_flags", Self::MapFlags),
        ("clone_flags", Self::CloneFlags),
        ("mount_flags", Self::MountFlags),
        ("cap", Self::Cap),
        ("caps", Self::Caps),
        ("socket_family", Self::SocketFamily),
        ("socket_type", Self::SocketType),
        ("ip_protocol", Self::IpProtocol),
        ("tcp_state", Self::TcpState),
        ("softirq", Self::Softirq),
    ];

    /// Its word after `as`.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, table)| *table == self).map_or("", |(word, _)| word)
    }
}
