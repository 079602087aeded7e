// SPDX-License-Identifier: MIT OR Apache-2.0
//! Object files that are not as they should be, and one that somebody else wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ebpf_run::catalog::{Program, builtin, describe};
use ebpf_run::expr::{Arguments, FunctionScope, Machine, Owner, Prototype, Returned, Scope, parse, resolve};
use ebpf_run::spec::{Capture, HookKind};
use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["exec", "packet_count", "trace"];

fn object(name: &str) -> Vec<u8> {
    builtin().unwrap().get(name).unwrap().object.to_vec()
}

/// Where a section lies in an object file: offset and length.
fn place(object: &[u8], name: &str) -> (usize, usize) {
    let header = FileHeader64::<Endianness>::parse(object).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, object).unwrap();
    let (_, section) = sections.section_by_name(endian, name.as_bytes()).unwrap();
    let (offset, len) = section.file_range(endian).unwrap();
    (offset as usize, len as usize)
}

/// Describes the bytes and follows every type in them as a capture would; the result does not matter, only that there is one.
fn survives(bytes: &[u8]) {
    if let Ok(program) = describe("x", bytes) {
        assert!(program.hooks.len() < 10_000);
    }
    let Ok(header) = FileHeader64::<Endianness>::parse(bytes) else { return };
    let Ok(endian) = header.endian() else { return };
    let Ok(sections) = header.sections(endian, bytes) else { return };
    let Some((_, section)) = sections.section_by_name(endian, b".BTF") else { return };
    let Ok(Ok(btf)) = section.data(endian, bytes).map(|data| ebpf_run::catalog::Btf::parse(data.to_vec())) else {
        return;
    };
    for id in 0..btf.len() + 2 {
        drop((btf.display(id), btf.size_of(id), btf.resolve(id), btf.is_volatile(id), btf.get(id)));
    }
    let catalog = builtin().unwrap();
    let head = catalog.get("trace").unwrap().event.as_ref().unwrap();
    for function in ["exec_start", "exec_end", "trace_kprobe", "packet_count"] {
        let scope = Scope::Function(FunctionScope {
            owner: Owner::Kernel,
            name: function.to_owned(),
            prototype: Prototype::of_function(&btf, function),
            arguments: Arguments::Registers,
            result: Returned::Nowhere,
            kinds: (HookKind::Kprobe, HookKind::Kretprobe),
        });
        for text in
            ["ctx", "arg0", "ctx->__data_loc_filename", "ctx->di", "ctx[3]", "ctx as string", "ctx->data as ipv6"]
        {
            let capture = Capture { name: "c".to_owned(), expr: parse(text).unwrap() };
            drop(resolve(&[capture], &scope, &Machine::of_types(None), head));
        }
    }
}

/// Each length that a file can be cut to, in steps, and each of the last bytes.
#[test]
fn truncated_objects() {
    for name in NAMES {
        let bytes = object(name);
        for len in (0..bytes.len()).step_by(97).chain(0..80).chain(bytes.len().saturating_sub(200)..bytes.len()) {
            survives(&bytes[..len]);
        }
    }
}

/// Each number in the type section replaced by ones that lead in circles or nowhere.
#[test]
fn types_that_go_in_circles() {
    for name in NAMES {
        let bytes = object(name);
        let (start, len) = place(&bytes, ".BTF");
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let types = start + word(start + 4) as usize;
        let types_end = types + word(start + 12) as usize;
        assert!(types_end <= start + len);
        let mut mutated = bytes.clone();
        for at in (start..start + 24).chain(types..types_end).step_by(4) {
            let near = [1, 2].map(|less| word(at).wrapping_sub(less));
            for value in [0, u32::MAX, word(at).wrapping_add(1)].into_iter().chain(near) {
                mutated[at..at + 4].copy_from_slice(&value.to_ne_bytes());
                drop(describe("x", &mutated[..]));
            }
            mutated[at..at + 4].copy_from_slice(&bytes[at..at + 4]);
        }
    }
}

/// A type section of these types, in an otherwise empty BTF.
fn btf(types: &[&[u32]]) -> Vec<u8> {
    let body: Vec<u8> = types.iter().flat_map(|ty| ty.iter()).flat_map(|word| word.to_ne_bytes()).collect();
    let strings = b"\0a\0";
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    for word in [24, 0, body.len() as u32, body.len() as u32, strings.len() as u32] {
        bytes.extend(word.to_ne_bytes());
    }
    [bytes, body, strings.to_vec()].concat()
}

/// A pointer to itself, an array of itself, a typedef of itself, a struct in itself: no answer, but no end of the stack.
#[test]
fn types_of_themselves() {
    let kind = |kind: u32, count: u32| kind << 24 | count;
    let types: [&[u32]; 8] = [
        &[0, kind(2, 0), 1],
        &[0, kind(3, 0), 0, 2, 2, 4],
        &[1, kind(8, 0), 3],
        &[1, kind(4, 1), 8, 0, 4, 0],
        &[0, kind(10, 0), 6],
        &[0, kind(9, 0), 5],
        &[0, kind(2, 0), 8],
        &[0, kind(10, 0), 7],
    ];
    let btf = ebpf_run::catalog::Btf::parse(btf(&types)).unwrap();
    assert_eq!(btf.len(), 8);
    for id in 0..10 {
        drop((btf.display(id), btf.size_of(id), btf.resolve(id), btf.is_volatile(id)));
    }
    // Nested as deep as a file can nest them: each array is one of the next.
    let many: Vec<Vec<u32>> = (1..20_000u32).map(|id| vec![0, 3 << 24, 0, id + 1, id + 1, 1]).collect();
    let many: Vec<&[u32]> = many.iter().map(Vec::as_slice).collect();
    let btf = ebpf_run::catalog::Btf::parse(self::btf(&many)).unwrap();
    drop((btf.size_of(1), btf.display(1)));
}

/// What is no BPF object is told from what is one.
#[test]
fn other_files() {
    let refusal = |bytes: &[u8]| describe("x", bytes).unwrap_err().to_string();
    assert!(refusal(b"").starts_with("not a BPF object file"));
    assert!(refusal(&[0xff; 4096]).starts_with("not a BPF object file"));
    let own = fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(refusal(&own), "not a BPF object file: it is for another architecture");
    let mut big_endian = object("exec");
    big_endian[5] = 2;
    assert!(describe("x", &big_endian[..]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]

    /// Random bytes anywhere in a good object.
    #[test]
    fn mutated_objects(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = object(NAMES[which]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        survives(&bytes);
    }

    /// Random words in its types, where they do most harm.
    #[test]
    fn mutated_types(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![0u32..200, any::<u32>()]), 1..12),
    ) {
        let mut bytes = object(NAMES[which]);
        let (start, len) = place(&bytes, ".BTF");
        for (at, word) in changes {
            let at = start + at.index(len / 4 - 1) * 4;
            bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        survives(&bytes);
    }

    /// Bytes of nobody.
    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), elf in any::<bool>()) {
        let bytes = if elf { [&object("exec")[..64], &bytes].concat() } else { bytes };
        survives(&bytes);
    }
}

/// A program as somebody outside of this project would write it.
const MINE: &str = r#"
#define SEC(name) __attribute__((section(name), used))
#define TAG(text) __attribute__((btf_decl_tag(text)))
typedef unsigned int u32;
typedef unsigned long long u64;
enum mine_kind { MINE_SMALL, MINE_LARGE };
struct mine_head {
    u64 time_ns TAG("as:time");
    u64 absent TAG("as:absent");
    u32 pid TAG("doc:who did it");
    u32 unused TAG("internal");
};
struct mine_event {
    struct mine_head head;
    enum mine_kind kind TAG("doc:small or large");
    u32 peer TAG("as:ipv4");
    u64 size TAG("unit:bytes");
    char name[16];
    u32 hidden TAG("internal");
    u32 padding TAG("internal");
};
const struct mine_event *event_type SEC(".rodata.meta");
const volatile u32 min_size TAG("doc:leave out what is smaller") TAG("unit:bytes") = 0;
const volatile _Bool loud = 1;
const volatile char only[8] = "";
SEC("?tracepoint") TAG("doc:What somebody wrote.") int mine(void *ctx) { return min_size + loud + only[0]; }
SEC("?raw_tracepoint") int mine_raw(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "GPL";
"#;

/// Compiles it; `None`, and said so, where there is no clang.
fn compiled(folder: &Path) -> Option<()> {
    fs::write(folder.join("mine.bpf.c"), MINE).unwrap();
    let mut clang = Command::new("clang");
    clang.args(["-target", "bpf", "-g", "-O2", "-c", "mine.bpf.c", "-o", "mine.bpf.o"]).current_dir(folder);
    match clang.stderr(Stdio::inherit()).status() {
        Ok(status) => assert!(status.success()),
        Err(error) => {
            drop(writeln!(std::io::stderr(), "skipped: user_objects: no clang: {error}"));
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped in CI");
            return None;
        }
    }
    Some(())
}

fn programs(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
    command.arg("programs").args(arguments).current_dir(folder).output().unwrap()
}

/// An object that a user brings takes the same path as a built-in one.
#[test]
fn user_objects() {
    let folder = tempfile::tempdir().unwrap();
    let Some(()) = compiled(folder.path()) else { return };
    let output = programs(folder.path(), &["./mine.bpf.o"]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    for text in ["What somebody wrote.", "min_size", "leave out what is smaller", "small|large", "ipv4", "who did it"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("hidden") && !page.contains("padding"), "{page}");
    let output = programs(folder.path(), &["mine.bpf.o", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["name"], &json["doc"]), (&"mine".into(), &"What somebody wrote.".into()));
    let names = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&json["event"]), ["pid", "kind", "peer", "size", "name"]);
    assert_eq!(names(&json["params"]), ["min_size", "loud", "only"]);
    let params = &json["params"];
    assert_eq!(
        (&params[0]["default"], &params[1]["default"], &params[2]["default"]),
        (&0.into(), &true.into(), &"".into())
    );
    assert_eq!((&params[0]["unit"], &json["hooks"][1]["kind"]), (&"bytes".into(), &"raw_tracepoint".into()));
}

/// What is no object, or none that can be described, is refused with a sentence.
#[test]
fn bad_user_objects() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str| {
        let output = programs(folder.path(), &[name]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("./none.o").contains("failed to read `./none.o`"));
    fs::write(folder.path().join("text.o"), "not an object").unwrap();
    assert!(refused("text.o").contains("failed to describe `text.o`: not a BPF object file"));
    let mut cut = object("exec");
    cut.truncate(cut.len() / 2);
    fs::write(folder.path().join("cut.o"), cut).unwrap();
    assert!(refused("cut.o").contains("failed to describe `cut.o`: not a BPF object file"));
    assert!(refused("exce").contains("there is no program `exce`\nhelp: did you mean `exec`?"));
}

/// A program whose object file was read from disk is the one in the binary: described alike, with its bytes, named after its
/// file. Its light form is in the binary alone.
#[test]
fn programs_from_files() {
    let directory = tempfile::tempdir().unwrap();
    for built_in in builtin().unwrap().programs() {
        for suffix in ["bpf.o", "o"] {
            let path = directory.path().join(format!("{}.{suffix}", built_in.name));
            fs::write(&path, &*built_in.object).unwrap();
            let read = Program::from_file(&path, &fs::read(&path).unwrap()).unwrap();
            assert_eq!(read, Program { light: None, counting: None, span: None, ..(**built_in).clone() });
        }
    }
}
