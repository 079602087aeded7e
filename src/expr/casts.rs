// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can follow `as`, described.

/// Every type as it is written, and what it makes of the bytes.
pub const CASTS: &[(&str, &str)] = &[
    ("u8, u16, u32, u64", "An unsigned integer of 8, 16, 32 or 64 bits."),
    ("i8, i16, i32, i64", "A signed integer of 8, 16, 32 or 64 bits."),
    ("hex", "An integer, written `0x1f`."),
    (
        "string, string[N]",
        "A string that ends with a NUL, of at most N bytes: 1 to 4096, 256 without N. Its address decides whether it \
         is read from kernel or process memory.",
    ),
    (
        "user_string, user_string[N]",
        "The same, in process memory only. Use it for arguments of system calls: a process can pass any number, even \
         an address of the kernel.",
    ),
    ("bytes[N]", "N bytes, 1 to 4096, written as hexadecimal digits."),
    ("ipv4", "Four bytes in network order, written as an IPv4 address."),
    ("ipv6", "Sixteen bytes in network order, written as an IPv6 address."),
    ("port", "Two bytes in network order: a port number."),
];

#[cfg(test)]
mod tests {
    use super::CASTS;
    use crate::expr::parse::{TYPES, parse};

    /// All types are described, and what is described is a type.
    #[test]
    fn described() {
        let forms: Vec<&str> = CASTS.iter().flat_map(|(forms, _)| forms.split(", ")).collect();
        for form in &forms {
            let text = format!("x as {}", form.replace("[N]", "[16]"));
            assert!(parse(&text).is_ok(), "{text}");
        }
        for word in TYPES {
            assert!(forms.iter().any(|form| form.split('[').next() == Some(word)), "{word}");
        }
    }
}
