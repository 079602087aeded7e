// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can follow `as`: the words, what they make of a value, and what they are called elsewhere.

use crate::spec::{Cast, DEFAULT_TEXT_BYTES, NameTable, TextSize};

/// Every type as it is written, and what it makes of the value.
pub const CASTS: &[(&str, &str)] = &[
    ("u8, u16, u32, u64", "An unsigned integer of 8, 16, 32 or 64 bits."),
    ("i8, i16, i32, i64", "A signed integer of 8, 16, 32 or 64 bits."),
    ("hex", "An integer, written `0x1f`."),
    ("bool", "`true` for every number but 0."),
    ("duration", "Nanoseconds."),
    ("ktime", "Nanoseconds of the monotonic clock, shown as the time of day in UTC."),
    ("timespec", "A `struct timespec` or a pointer to one: a duration."),
    (
        "string, string(N)",
        "A string that ends with a NUL, of at most N bytes: 1 to 4096, 256 without N. Its address decides whether it \
         is read from kernel or process memory. `string(N, len=EXPRESSION)` reads as many bytes as the expression says, none \
         if it is below 0.",
    ),
    (
        "user_string, user_string(N)",
        "The same, in process memory only. Use it for arguments of system calls: a process can pass any number, even \
         an address of the kernel.",
    ),
    (
        "bytes(N)",
        "N bytes, 1 to 4096, written as hexadecimal digits. `bytes(len=EXPRESSION)` reads as many as the expression says, 256 at \
         most, or `bytes(N, len=EXPRESSION)` N.",
    ),
    ("errno", "An error by its name: `EACCES`. Of -4095 to -1, else null."),
    ("signal", "A signal by its name: `SIGKILL`. 0 is null."),
    ("syscall", "A system call by its name."),
    ("open_flags, access, prot, map_flags, clone_flags, mount_flags", "Flags by their names, joined by `|`."),
    ("file_mode", "Type and permissions of a file."),
    ("cap, caps", "A capability by its number; a set of them."),
    (
        "socket_family, socket_type, ip_protocol, tcp_state, softirq",
        "A number by its name: `AF_INET6`, `TCP_ESTABLISHED`.",
    ),
    ("enum NAME", "An enum of the kernel: `enum bpf_prog_type`, or `bpf_prog_type` alone."),
    ("struct NAME", "A pointer to such a struct: `(sk as struct tcp_sock)->srtt_us`."),
    ("ipv4", "Four bytes in network order, written as an IPv4 address."),
    ("ipv6", "Sixteen bytes in network order, written as an IPv6 address."),
    ("ip", "An address of four or sixteen bytes in network order."),
    ("port", "Two bytes in network order: a port number."),
    ("mac", "Six bytes: an Ethernet address."),
    (
        "sockaddr",
        "A `struct sockaddr`, with `.ip`, `.port` and `.family`; of other families than IPv4 and IPv6 the first two are null.",
    ),
    ("sock", "A `struct sock`, with `.source`, `.destination`, `.family` and `.protocol`; each end is a sockaddr."),
    (
        "packet",
        "A `struct sk_buff`, with `.length`, `.protocol`, `.source`, `.destination`, and `.eth`, `.vlan`, `.ip`, `.tcp`, `.udp`, \
         `.icmp`.",
    ),
    (
        "path, path(N)",
        "The path of a `struct file`, `struct path` or `struct dentry`: the last N bytes, 256 without N.",
    ),
    ("fd_path", "The path of the file behind a descriptor of the process."),
    ("dev", "A disk by its name."),
    ("ksym, usym", "A function of the kernel or of the process, by an address in it."),
    ("cgroup", "The path of a cgroup, by its id."),
    ("uid", "A user or group id; -1 is null."),
    ("uuid", "Sixteen bytes: a UUID."),
];

/// The types without a size.
const PLAIN: &[(&str, Cast)] = &[
    ("u8", Cast::Unsigned { size: 1 }),
    ("u16", Cast::Unsigned { size: 2 }),
    ("u32", Cast::Unsigned { size: 4 }),
    ("u64", Cast::Unsigned { size: 8 }),
    ("i8", Cast::Signed { size: 1 }),
    ("i16", Cast::Signed { size: 2 }),
    ("i32", Cast::Signed { size: 4 }),
    ("i64", Cast::Signed { size: 8 }),
    ("hex", Cast::Hex),
    ("bool", Cast::Bool),
    ("duration", Cast::Duration),
    ("ktime", Cast::Ktime),
    ("timespec", Cast::Timespec),
    ("ipv4", Cast::Ipv4),
    ("ipv6", Cast::Ipv6),
    ("ip", Cast::Ip),
    ("port", Cast::Port),
    ("mac", Cast::Mac),
    ("sockaddr", Cast::Sockaddr),
    ("sock", Cast::Sock),
    ("packet", Cast::Packet),
    ("fd_path", Cast::FdPath),
    ("dev", Cast::Dev),
    ("ksym", Cast::Ksym),
    ("usym", Cast::Usym),
    ("cgroup", Cast::Cgroup),
    ("uid", Cast::Uid),
    ("uuid", Cast::Uuid),
];

/// How a type is made of its size.
pub(super) type MakeSized = fn(TextSize) -> Cast;

/// The types that can have a size, and how one is made of it.
const SIZED: &[(&str, MakeSized)] = &[
    ("string", Cast::String),
    ("user_string", Cast::UserString),
    ("bytes", Cast::Bytes),
    ("path", |size| Cast::Path { max: size.max }),
];

/// Words from C, Rust and bpftrace and what they are called here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("char", "i8"),
    ("short", "i16"),
    ("int", "i32"),
    ("long", "i64"),
    ("unsigned", "u32"),
    ("uint", "u32"),
    ("size_t", "u64"),
    ("uint8", "u8"),
    ("uint16", "u16"),
    ("uint32", "u32"),
    ("uint64", "u64"),
    ("int8", "i8"),
    ("int16", "i16"),
    ("int32", "i32"),
    ("int64", "i64"),
    ("uint8_t", "u8"),
    ("uint16_t", "u16"),
    ("uint32_t", "u32"),
    ("uint64_t", "u64"),
    ("str", "string"),
    ("ustr", "user_string"),
    ("text", "string"),
    ("pointer", "hex"),
    ("ptr", "hex"),
    ("buf", "bytes"),
    ("error", "errno"),
    ("inet", "ip"),
    ("macaddr", "mac"),
    ("symbol", "ksym"),
    ("kstack", "ksym"),
    ("time", "duration"),
    ("nsecs", "duration"),
    ("username", "uid"),
    ("disk", "dev"),
    ("capability", "cap"),
];

/// What the word of a type stands for.
pub(super) enum TypeWord {
    /// A type that is complete.
    Plain(Cast),
    /// One that can have a size.
    Sized(MakeSized),
}

/// The type of this word; `None` where it is none of ours: perhaps an enum of the kernel.
pub(super) fn type_word(word: &str) -> Option<TypeWord> {
    if let Some((_, cast)) = PLAIN.iter().find(|(name, _)| *name == word) {
        return Some(TypeWord::Plain(cast.clone()));
    }
    if let Some((_, table)) = NameTable::WORDS.iter().find(|(name, _)| *name == word) {
        return Some(TypeWord::Plain(Cast::Named(*table)));
    }
    SIZED.iter().find(|(name, _)| *name == word).map(|(_, make)| TypeWord::Sized(*make))
}

/// All words of types.
pub(super) fn type_words() -> impl Iterator<Item = &'static str> {
    let tables = NameTable::WORDS.iter().map(|(name, _)| *name);
    PLAIN.iter().map(|(name, _)| *name).chain(SIZED.iter().map(|(name, _)| *name)).chain(tables)
}

/// What a word that is no type is called here.
pub(super) fn called_here(word: &str) -> Option<&'static str> {
    OTHER_WORDS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours)
}

/// What to write for a word that is no type; `None` where nothing is near: it may be an enum of the kernel.
pub(super) fn meant(word: &str) -> Option<String> {
    if let Some(ours) = called_here(word) {
        return Some(format!("write `{ours}`"));
    }
    let nearest = crate::words::nearest(word, type_words())?;
    Some(format!("did you mean `{nearest}`? An enum of the kernel is `enum {word}`"))
}

/// All types, for a message.
pub(super) fn type_list() -> String {
    let plain = type_words().filter(|word| !SIZED.iter().any(|(sized, _)| sized == word));
    let plain = plain.collect::<Vec<_>>().join(" ");
    format!("types: {plain} string(N) user_string(N) bytes(N) path(N) struct enum")
}

/// The size of a text where none is written.
pub(super) const NO_SIZE: TextSize = TextSize { max: DEFAULT_TEXT_BYTES, length: None };

#[cfg(test)]
mod tests {
    use super::{CASTS, TypeWord, type_word, type_words};

    /// All types are described, and what is described is a type.
    #[test]
    fn described() {
        let forms: Vec<&str> = CASTS.iter().flat_map(|(forms, _)| forms.split(", ")).collect();
        for form in &forms {
            let (word, size) = form.split_once('(').map_or((*form, false), |(word, _)| (word, true));
            match type_word(word) {
                Some(TypeWord::Plain(_)) => assert!(!size, "{form}"),
                Some(TypeWord::Sized(_)) => {}
                None => assert!(form.starts_with("enum ") || form.starts_with("struct "), "{form}"),
            }
        }
        for word in type_words() {
            assert!(forms.iter().any(|form| form.split('(').next() == Some(word)), "{word}");
        }
    }
}
