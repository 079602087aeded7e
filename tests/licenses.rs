// SPDX-License-Identifier: MIT OR Apache-2.0
//! The licences of what is linked into the static binary go with it.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The folder beside the static binary names every library and crate that is inside of it, with the texts of their licences and
/// where their source is; `scripts/static` writes it.
#[test]
fn licences_go_with_the_static_binary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = fs::read_to_string(root.join("scripts/static")).unwrap();
    assert!(script.contains("\nscripts/licenses \"$target\" \"target/$target/$profile/licenses\"\n"), "{script}");
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("licenses");
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(root.join("scripts/licenses")).arg(target).arg(&written).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let read = |name: &str| fs::read_to_string(written.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let notice = read("NOTICE");
    for part in
        ["libelf", "glibc", "zlib", "libbpf", "apt-get source elfutils=", "apt-get source glibc=", "make static"]
    {
        assert!(notice.contains(part), "{part} in {notice}");
    }
    for (file, text) in [
        ("libelf-dev.txt", "elfutils"),
        ("libc6-dev.txt", "GNU C Library"),
        ("zlib1g-dev.txt", "Jean-loup Gailly"),
        ("libbpf.txt", "Redistribution and use in source and binary forms"),
        ("LGPL-2.1.txt", "GNU LESSER GENERAL PUBLIC LICENSE"),
        ("LGPL-3.txt", "GNU LESSER GENERAL PUBLIC LICENSE"),
        ("GPL-3.txt", "GNU GENERAL PUBLIC LICENSE"),
        ("LICENSE-MIT", "Permission is hereby granted"),
    ] {
        assert!(read(file).contains(text), "{text} in {file}");
    }
    // Each crate that the manifest names, and what it brings in itself.
    let crates = read("rust-crates.txt");
    for name in ["annotate-snippets", "clap", "libbpf-rs", "libbpf-sys", "object", "serde_json", "tokio", "memchr"] {
        assert!(crates.contains(&format!("\n==== {name} ")) || crates.starts_with(&format!("==== {name} ")), "{name}");
    }
    assert!(crates.matches("Permission is hereby granted").count() > 30, "texts of the licences");
    assert!(!crates.contains("==== proptest "), "what only tests use is not inside");
}
