// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bpf/include/kernel.h` against the running kernel's BTF: what is declared there, and what a program reads through
//! CO-RE, must exist under that name, and a value that is read must have the size that the header says.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

use std::fs;
use std::io::Write as _;
use std::path::Path;

use ebpf_run::catalog::{Btf, KernelOffsets, Named, Type, TypeId, builtin};
use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, SectionHeader as _};

const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's types; `None`, and said so, where it shows none.
fn kernel() -> Option<Btf> {
    match fs::read(BTF_PATH) {
        Ok(bytes) => Some(Btf::parse(bytes).unwrap()),
        Err(error) => {
            let test = std::thread::current().name().unwrap_or("?").to_owned();
            drop(writeln!(std::io::stderr(), "skipped: {test}: {BTF_PATH}: {error}"));
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped in CI");
            None
        }
    }
}

/// A section of an object file.
fn section<'a>(object: &'a [u8], name: &str) -> &'a [u8] {
    let header = FileHeader64::<Endianness>::parse(object).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, object).unwrap();
    let found = sections.section_by_name(endian, name.as_bytes());
    found.map_or(&[], |(_, section)| section.data(endian, object).unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// One CO-RE relocation: the type where it begins, and the indexes of `0:2:1`.
#[derive(Debug)]
struct Relocation {
    root: TypeId,
    access: Vec<usize>,
}

/// The field relocations of `.BTF.ext`. Layout: `struct btf_ext_header` and `struct bpf_core_relo` of the kernel.
fn relocations(object: &[u8]) -> Vec<Relocation> {
    let (btf, ext) = (section(object, ".BTF"), section(object, ".BTF.ext"));
    let strings = &btf[u32_at(btf, 4) + u32_at(btf, 16)..];
    let (header_len, offset, len) = (u32_at(ext, 4), u32_at(ext, 24), u32_at(ext, 28));
    let mut found = Vec::new();
    if header_len < 32 || len == 0 {
        return found;
    }
    let part = &ext[header_len + offset..][..len];
    let record = u32_at(part, 0);
    let mut at = 4;
    while at < part.len() {
        let count = u32_at(part, at + 4);
        at += 8;
        for _ in 0..count {
            let (root, text, kind) = (u32_at(part, at + 4), u32_at(part, at + 8), u32_at(part, at + 12));
            // Kinds 0 to 5 are about fields; the others, about types and enumerators, are not used by any program.
            assert!(kind <= 5, "a relocation of kind {kind}");
            let text = strings[text..].split(|byte| *byte == 0).next().unwrap();
            let access = std::str::from_utf8(text).unwrap().split(':').map(|index| index.parse().unwrap()).collect();
            found.push(Relocation { root: root as TypeId, access });
            at += record;
        }
    }
    found
}

/// A name without the `___flavour` that libbpf ignores.
fn plain(name: &str) -> &str {
    name.split("___").next().unwrap()
}

/// True for what only other kernels have under this name: `kernfs_node___before_6_15`.
fn is_of_other_kernels(name: &str) -> bool {
    name.contains("___before_")
}

/// A named struct, union or typedef.
fn find(btf: &Btf, name: &str) -> Option<TypeId> {
    btf.find(Named::Composite, name).or_else(|| btf.find(Named::Typedef, name))
}

/// The type of a member, also of one in an anonymous struct or union.
fn member(btf: &Btf, id: TypeId, name: &str) -> Option<TypeId> {
    member_at(btf, id, name).map(|(_, ty)| ty)
}

fn member_at(btf: &Btf, id: TypeId, name: &str) -> Option<(u32, TypeId)> {
    let Type::Composite { members, .. } = btf.resolve(id).1 else { return None };
    members.iter().find_map(|found| {
        let at = found.bit_offset / 8;
        match found.name.as_str() {
            "" => member_at(btf, found.ty, name).map(|(inner, ty)| (at + inner, ty)),
            own => (own == name).then_some((at, found.ty)),
        }
    })
}

/// What a program reads that the kernel does not have, and how many reads were looked at.
fn problems(object: &[u8], kernel: &Btf) -> (Vec<String>, usize) {
    let own = Btf::parse(section(object, ".BTF").to_vec()).unwrap();
    let mut problems = Vec::new();
    let all = relocations(object);
    let looked_at = all.len();
    for Relocation { root, access } in all {
        let mut text = plain(own.name(root)).to_owned();
        let Some(mut theirs) = find(kernel, &text) else {
            problems.push(format!("this kernel has no `{text}`"));
            continue;
        };
        let mut ours = root;
        // The first index counts whole structs, as in an array.
        let complete = access[1..].iter().all(|index| {
            let next = match own.resolve(ours).1 {
                Type::Composite { members, .. } => {
                    let step = &members[*index];
                    text = format!("{text}.{}", step.name);
                    ours = step.ty;
                    member(kernel, theirs, &step.name)
                }
                Type::Array { element, .. } => {
                    ours = element;
                    match kernel.resolve(theirs).1 {
                        Type::Array { element, .. } => Some(element),
                        _ => None,
                    }
                }
                other => panic!("{text}: {other:?}"),
            };
            next.inspect(|next| theirs = *next).is_some()
        });
        if !complete && is_of_other_kernels(own.name(root)) {
            // The program asks whether it is there.
        } else if !complete {
            problems.push(format!("this kernel has no `{text}`"));
        } else if own.size_of(ours) != kernel.size_of(theirs) {
            let (ours, theirs) = (own.size_of(ours), kernel.size_of(theirs));
            problems.push(format!("`{text}` has {theirs:?} bytes in this kernel, {ours:?} in kernel.h"));
        }
    }
    problems.sort();
    problems.dedup();
    (problems, looked_at)
}

/// What a program reads is there, with its size.
#[test]
fn what_programs_read() {
    let Some(kernel) = kernel() else { return };
    let mut total = 0;
    for program in builtin().unwrap().programs() {
        let (problems, looked_at) = problems(&program.object, &kernel);
        assert!(problems.is_empty(), "{}: {}", program.name, problems.join("; "));
        total += looked_at;
    }
    assert!(total > 10, "the relocations were not found: {total}");
}

/// Struct name and member names of each struct in a header that is marked CORE.
fn declared(header: &str) -> Vec<(String, Vec<String>)> {
    let mut structs = Vec::new();
    let (mut name, mut members) = (String::new(), Vec::new());
    for line in header.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["typedef", "struct", "{"] => (name, members) = (String::new(), Vec::new()),
            ["struct", struct_name, "{"] => (name, members) = ((*struct_name).to_owned(), Vec::new()),
            ["}", "CORE;"] => structs.push((name.clone(), members.clone())),
            ["}", "CORE", typedef] => structs.push((typedef.trim_end_matches(';').to_owned(), members.clone())),
            [.., last] if line.ends_with(';') && !line.starts_with('}') => {
                let last = last.trim_end_matches(';').trim_start_matches('*');
                members.push(last.split('[').next().unwrap().to_owned());
            }
            _ => {}
        }
    }
    structs
}

/// What the header declares, read or not, is there.
#[test]
fn what_the_header_declares() {
    let Some(kernel) = kernel() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf/include/kernel.h");
    let header = fs::read_to_string(path).unwrap();
    let structs = declared(&header);
    assert_eq!(structs.len(), header.matches("} CORE").count(), "a struct in a form that this test does not read");
    let mut missing = Vec::new();
    for (name, members) in structs {
        assert!(!members.is_empty(), "{name}");
        if is_of_other_kernels(&name) {
            continue;
        }
        match find(&kernel, plain(&name)) {
            Some(id) => {
                let absent = members.iter().filter(|name| member(&kernel, id, name).is_none());
                missing.extend(absent.map(|member| format!("{name}.{member}")));
            }
            None => missing.push(name),
        }
    }
    assert!(missing.is_empty(), "this kernel has no {}", missing.join(", "));
}

/// A name that the kernel does not have, and a value of another size, are found.
#[test]
fn mistakes_are_found() {
    let Some(kernel) = kernel() else { return };
    let object = builtin().unwrap().get("exec").unwrap().object.clone();
    let misspelt = |from: &str, to: &str| {
        let mut bytes = object.to_vec();
        let from = format!("\0{from}\0").into_bytes();
        let at: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(&from)).collect();
        assert!(!at.is_empty(), "{from:?}");
        for at in at {
            bytes[at + 1..at + 1 + to.len()].copy_from_slice(to.as_bytes());
        }
        problems(&bytes, &kernel).0
    };
    assert_eq!(misspelt("real_parent", "real_parens"), ["this kernel has no `task_struct.real_parens`"]);
    assert_eq!(misspelt("signal_struct", "signal_strict"), ["this kernel has no `signal_strict`"]);
    assert_eq!(misspelt("counter", "kounter"), ["this kernel has no `signal_struct.live.kounter`"]);
    // The four bytes of `tgid` read under the name of something larger.
    let sizes = misspelt("tgid", "comm");
    assert_eq!(sizes, ["`task_struct.comm` has Some(16) bytes in this kernel, Some(4) in kernel.h"]);
    let text = "struct a {\n\tint b;\n\tstruct c *d;\n\tchar e[16];\n} CORE;\ntypedef struct {\n\tint f;\n} CORE g_t;\nstruct h {\n\tint i;\n};\n";
    let expected = [("a".to_owned(), vec!["b".into(), "d".into(), "e".into()]), ("g_t".to_owned(), vec!["f".into()])];
    assert_eq!(declared(text), expected);
}

/// What only other kernels have, which the program asks for and does without.
const OF_OTHER_KERNELS: [&str; 3] = ["cgroup.ancestor_ids", "sk_buff.vlan_tci", "sk_buff.__pkt_vlan_present_offset"];

/// `trace` reads structs at places that the runner fills in: a relocation in its object would have libbpf search all types of the
/// kernel at each start. What it asks for is there.
#[test]
fn what_trace_asks_for() {
    let catalog = builtin().unwrap();
    let trace = catalog.get("trace").unwrap();
    assert!(relocations(&trace.object).is_empty() && relocations(trace.light.as_ref().unwrap()).is_empty());
    let Some(kernel) = kernel() else { return };
    let own = Btf::parse(section(&trace.object, ".BTF").to_vec()).unwrap();
    let paths: Vec<&str> = own.all(Named::DeclTag).filter_map(|tag| own.name(tag).strip_prefix("kernel:")).collect();
    assert!(paths.len() > 20, "the notes were not found: {}", paths.len());
    // The runner finds the same: what it does not find is among those.
    let found = KernelOffsets::of_object(&trace.object).of_kernel(&kernel);
    assert_eq!(found.len(), paths.len());
    for (path, at) in paths.into_iter().zip(found) {
        let expected = place(&kernel, path);
        assert!(expected.is_some() || OF_OTHER_KERNELS.contains(&path), "this kernel has no `{path}`");
        assert_eq!(at, expected.unwrap_or(u32::MAX), "{path}");
    }
}

/// Where a member is, in bytes, or the number of an enumerator.
fn place(kernel: &Btf, path: &str) -> Option<u32> {
    let mut words = path.split('.');
    let name = words.next().unwrap();
    let named = kernel.find(Named::Enum, name).and_then(|id| match kernel.get(id) {
        Type::Enum { values, .. } => values.into_iter().find(|(word, _)| path.ends_with(&format!(".{word}"))),
        _ => None,
    });
    if let Some((_, value)) = named {
        return u32::try_from(value).ok();
    }
    let mut at = (0, find(kernel, name)?);
    for word in words {
        let (offset, ty) = member_at(kernel, at.1, word)?;
        at = (at.0 + offset, ty);
    }
    Some(at.0)
}
