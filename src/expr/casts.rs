// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can stand behind `as`, described.

/// Every type as it is written, and what it makes of the bytes.
pub const CASTS: &[(&str, &str)] = &[
    ("u8, u16, u32, u64", "An unsigned integer of so many bits."),
    ("i8, i16, i32, i64", "A signed integer of so many bits."),
    ("hex", "An integer, written `0x1f`."),
    (
        "string, string[N]",
        "Text that ends with a NUL, of at most N bytes: 1 to 4096, 256 without N. The address tells whether it is read from the \
         memory of the kernel or of the process.",
    ),
    (
        "user_string, user_string[N]",
        "The same, in the memory of the process only: an argument of a system call can be any number, an address of the kernel too.",
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
