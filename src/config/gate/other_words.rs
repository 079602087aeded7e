// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values that people know from other tools, and what they are called here.

/// The key; the word from elsewhere; the word here.
const WORDS: &[(&str, &str, &str)] = &[
    // ip-link(8), and the names of the flags of the kernel.
    ("mode", "drv", "native"),
    ("mode", "xdpdrv", "native"),
    ("mode", "driver", "native"),
    ("mode", "skb", "generic"),
    ("mode", "xdpgeneric", "generic"),
    ("mode", "hw", "offload"),
    ("mode", "xdpoffload", "offload"),
    ("mode", "hardware", "offload"),
    ("mode", "default", "auto"),
    ("format", "ndjson", "jsonl"),
    ("format", "human", "pretty"),
    ("format", "table", "pretty"),
    ("format", "logfmt", "text"),
    ("format", "plain", "text"),
];

/// What the `value` of a `key` is called here.
pub(super) fn here(key: &str, value: &str) -> Option<&'static str> {
    WORDS.iter().find(|(of, word, _)| *of == key && word.eq_ignore_ascii_case(value)).map(|(_, _, here)| *here)
}
