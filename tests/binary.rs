// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs and libraries that somebody made to take memory and time, or to have something written where it does not belong:
//! each is read or refused within the room that a large one of good faith takes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ebpf_run::catalog::{Binary, Bytes, Lookup, ObjectError, Written, is_for_this_machine};

use self::elf::{CODE, Elf, FUNCTION, build_id, symbol};

#[allow(dead_code, reason = "tests of the live kernel use the rest")]
#[path = "support/elf.rs"]
mod elf;

/// Counts what is allocated, and the most that ever was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What reading a file may take: with what the program itself needs it stays below 64 MB.
const MOST_BYTES: usize = 45 << 20;
/// Far more than it takes, also where nothing was optimised.
const MOST_TIME: Duration = Duration::from_secs(20);

/// Tests that look at memory run one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What comes of it, within the room and the time.
fn within<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let (start, before) = (Instant::now(), NOW.load(Relaxed));
    MOST.store(before, Relaxed);
    let done = run();
    let (took, most) = (start.elapsed(), MOST.load(Relaxed) - before);
    assert!(most < MOST_BYTES && took < MOST_TIME, "{what}: {most} bytes, {took:?}");
    done
}

/// Everything that is asked of a program.
fn ask<B: Bytes>(what: &str, bytes: B) -> Result<Binary<B>, ObjectError> {
    within(what, || {
        let binary = Binary::parse(bytes)?;
        for name in ["main", "f", ""] {
            drop(binary.find(name));
        }
        drop(binary.around(CODE + 8));
        drop(binary.unwinds());
        drop(binary.names(|name| assert!(name.len() <= 3 * 4095)));
        Ok(binary)
    })
}

/// A file of which only some parts are not zero: sparse, as any user can make one.
#[derive(Debug)]
struct Sparse {
    size: u64,
    parts: Vec<(u64, Vec<u8>)>,
}

impl Sparse {
    fn new(elf: &Elf) -> Self {
        let (head, behind) = elf.parts();
        let begin = CODE + elf.code;
        Self { size: begin + behind.len() as u64, parts: vec![(0, head), (begin, behind)] }
    }
}

impl Bytes for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()> {
        room.fill(0);
        let end = offset.checked_add(room.len() as u64).filter(|end| *end <= self.size);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        for (begin, part) in &self.parts {
            let (from, to) = (offset.max(*begin), end.min(begin + part.len() as u64));
            if from < to {
                let source = &part[(from - begin) as usize..(to - begin) as usize];
                room[(from - offset) as usize..(to - offset) as usize].copy_from_slice(source);
            }
        }
        Ok(())
    }
}

/// What a file has under a name.
fn one(binary: &Binary<impl Bytes>, name: &str) -> u64 {
    match binary.find(name).unwrap() {
        Lookup::One(function) => function.offset,
        other => panic!("{name}: {other:?}"),
    }
}

/// A program that is cut or has changed bytes in its headers is read or refused, and never ends the process.
#[test]
fn broken_binaries() {
    let _alone = alone();
    let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
    let whole = Binary::parse(bytes.as_slice()).unwrap();
    assert!(whole.function_count() > 100 && whole.entry().is_some_and(|entry| whole.is_code(entry)));
    let main = whole.find("main").unwrap();
    assert!(matches!(&main, Lookup::One(function) if whole.is_code(function.offset) && !function.weak), "{main:?}");
    for length in (0..256).chain((256..bytes.len()).step_by(bytes.len() / 16)) {
        drop(Binary::parse(&bytes[..length]));
    }
    // The headers of the file, its segments and its sections.
    let small = Elf { note: build_id(&[1; 20]), code: 64, ..Elf::functions(["f", "g", "main"]) }.bytes();
    for at in (0..0x230).chain(small.len() - 600..small.len()) {
        for byte in [0xff, 0x80, 0] {
            let mut changed = small.clone();
            changed[at] = byte;
            drop(ask("a changed byte", changed.as_slice()));
        }
    }
}

/// Functions are found by name, by place and by version; the build id and what is executable are known.
#[test]
fn what_is_in_a_file() {
    let _alone = alone();
    let mut elf =
        Elf { note: build_id(&[0xab, 0xcd, 0x01]), ..Elf::functions(["f", "twin", "twin", "strong@@V2", "old@V1"]) };
    let (begin, weak, chooses) = (elf.names.len() as u32, 0x22, 0x1a);
    elf.names.extend(b"half\0whole\0");
    elf.symbols.extend(symbol(begin, weak, CODE + 0x100, 4));
    elf.symbols.extend(symbol(begin, FUNCTION, CODE + 0x200, 4));
    elf.symbols.extend(symbol(begin + 5, chooses, CODE + 0x300, 64));
    elf.symbols.extend(symbol(begin + 5, 0x11, CODE + 0x400, 64));
    elf.symbols.extend(symbol(begin + 5, FUNCTION, 0, 64));
    elf.dynamic_names = b"\0f\0LIB_1\0LIB_2\0".to_vec();
    elf.dynamic =
        [symbol(1, FUNCTION, CODE, 16), symbol(1, FUNCTION, CODE + 0x500, 16), symbol(1, FUNCTION, CODE + 0x600, 16)]
            .concat();
    elf.numbers = [3_u16, 0x8002, 0x8009].map(u16::to_le_bytes).concat();
    // Two versions, each with the name behind it.
    for (number, name, next) in [(2_u16, 3_u32, 28_u32), (3, 9, 0)] {
        elf.versions.extend([1_u16, 0, number, 1].map(u16::to_le_bytes).concat());
        elf.versions.extend([0_u32, 20, next, name, 0].map(u32::to_le_bytes).concat());
    }
    let bytes = elf.bytes();
    let binary = ask("a good one", bytes.as_slice()).unwrap();
    assert_eq!(binary.build_id(), "abcd01");
    assert_eq!((binary.entry(), binary.is_go()), (Some(CODE), false));
    assert_eq!(binary.code().collect::<Vec<_>>(), [(CODE, CODE + 0x10_0000)]);
    let mut names = Vec::new();
    binary.names(|name| names.push(name.to_owned())).unwrap();
    names.sort();
    names.dedup();
    assert_eq!(names, ["f", "f@LIB_1", "half", "old@V1", "strong", "twin", "whole"]);
    // The one without a version that is known is another `f`.
    let places = |lookup: Lookup| match lookup {
        Lookup::Several(all) => all.iter().map(|function| function.offset - CODE).collect(),
        Lookup::One(function) => vec![function.offset - CODE],
        Lookup::Missing => Vec::new(),
    };
    for (name, expected) in [
        ("f", &[0, 0x600][..]),
        ("f@LIB_1", &[0x500]),
        ("twin", &[16, 32]),
        ("strong", &[48]),
        ("strong@@V2", &[48]),
        ("old@V1", &[64]),
        ("old", &[]),
        ("half", &[0x200]),
        ("whole", &[0x300]),
        ("", &[]),
    ] {
        assert_eq!(places(binary.find(name).unwrap()), expected, "{name}");
    }
    let whole = binary.around(CODE + 0x310).unwrap().unwrap();
    assert!(whole.name == "whole" && whole.chooses && whole.size == 64, "{whole:?}");
    assert_eq!(binary.around(CODE + 0x102).unwrap().map(|function| function.weak), Some(true));
    assert_eq!(binary.around(CODE + 0x204).unwrap(), None);
}

/// Many symbols that share one long name, or the tails of one, take no more than one name does.
#[test]
fn shared_names() {
    let _alone = alone();
    let shared = |count: u32, length: usize, tail: u32| {
        let mut elf = Elf { names: vec![b'x'; length], code: 1 << 20, ..Elf::default() };
        elf.names.push(0);
        elf.symbols = (0..count).flat_map(|at| symbol(at * tail, FUNCTION, CODE + 16, 16)).collect();
        elf.symbols.extend(symbol(length as u32 - 1, FUNCTION, CODE + 32, 16));
        Sparse::new(&elf)
    };
    let binary = ask("one name of 1 MiB", shared(20_000, 1 << 20, 0)).unwrap();
    assert_eq!(one(&binary, "x"), CODE + 32);
    assert_eq!(one(&ask("tails", shared(20_000, 1 << 20, 50)).unwrap(), "x"), CODE + 32);
    assert_eq!(one(&ask("one name of 4,000", shared(4_000, 4000, 0)).unwrap(), "x"), CODE + 32);
    let error = ask("tails of 4,000", shared(1_000_000, 4000, 0)).unwrap_err();
    assert!(error.to_string().contains("its symbol names overlap"), "{error}");
    // Of a name that thousands have, so many are looked at.
    let binary = ask("one name of all", shared(1_000_000, 1, 0)).unwrap();
    assert!(matches!(binary.find("x").unwrap(), Lookup::Several(all) if all.len() <= 1024));
}

/// Many segments of code, names that never end and a table of names that is a hole take no more time than the size of the
/// tables: nothing is gone through again for each function.
#[test]
fn nothing_twice() {
    let _alone = alone();
    let functions = |count: u32, name: &dyn Fn(u32) -> u32, address: u64| {
        (0..count).flat_map(|at| symbol(name(at), FUNCTION, address, 16)).collect::<Vec<u8>>()
    };
    // 128 of 8 bytes each, of which the last one has all functions.
    let segment = |at: u64| {
        let [offset, memory] = [CODE + 16 * at, (1 << 30) + 16 * at];
        let numbers = [offset, memory, memory, 8, 8, 8].map(u64::to_le_bytes).concat();
        [[1_u32, 5].map(u32::to_le_bytes).concat(), numbers].concat()
    };
    let mut elf = Elf { names: b"\0f\0".to_vec(), code: 1 << 20, ..Elf::default() };
    elf.note = (0..128).flat_map(segment).collect();
    elf.changes = vec![(32, 0x200_u64.to_le_bytes().to_vec()), (56, 128_u16.to_le_bytes().to_vec())];
    elf.symbols = functions(2_000_000, &|_| 1, (1 << 30) + 16 * 127);
    assert_eq!(ask("many segments", Sparse::new(&elf)).unwrap().function_count(), 2_000_000);
    // All of them in the last 4,000 bytes of a table without a NUL; then all over one.
    for (length, step) in [(4000, 0), (2_000_000, 2)] {
        let mut elf = Elf { names: vec![b'x'; length], code: 1 << 20, ..Elf::default() };
        elf.symbols = functions(900_000, &|at| at * step, CODE);
        let read = Counted { file: Sparse::new(&elf), bytes: AtomicUsize::new(0) };
        let most = 10 * read.file.size as usize;
        let binary = ask("names without an end", read).unwrap();
        let bytes = binary.bytes().bytes.load(Relaxed);
        assert!(binary.function_count() == 0 && bytes < most, "{bytes} bytes were read");
    }
    let mut elf = Elf { code: 1 << 20, ..Elf::functions(["f"]) };
    (elf.dynamic, elf.dynamic_names) = (elf.symbols.clone(), vec![0; 40 << 20]);
    assert!(!ask("a hole of names", Sparse::new(&elf)).unwrap().unwinds().unwrap());
}

/// Names of C++ that say little and stand for much are not all taken apart, and that is said.
#[test]
fn names_that_take_long() {
    let _alone = alone();
    // Each type has the one before it twice in it: `T<T<int, int>, T<int, int>>` …
    let digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars();
    let doubled: String = digits.skip(1).take(29).map(|digit| format!("1TIS{digit}_S{digit}_E")).collect();
    let names: Vec<String> = (0..60_000).map(|at| format!("_Z5victm1SIiiE{doubled}{at}")).collect();
    let binary = ask("doubled types", Sparse::new(&Elf::functions(names.iter().map(String::as_str)))).unwrap();
    let found = within("to find one", || binary.in_source(&Written::new("victm")));
    assert!(found.unwrap_err().to_string().contains("write more of the name"));
    let names = (0..60_000).map(|at| format!("_ZN6n{at:05}6answerEi")).collect::<Vec<_>>();
    let binary = ask("usual names", Sparse::new(&Elf::functions(names.iter().map(String::as_str)))).unwrap();
    assert_eq!(binary.in_source(&Written::new("ns::answer")).unwrap(), []);
}

/// A file of which it is known how much of it was read.
struct Counted {
    file: Sparse,
    bytes: AtomicUsize,
}

impl Bytes for Counted {
    fn size(&self) -> u64 {
        self.file.size()
    }

    fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(room.len(), Relaxed);
        self.file.read_at(offset, room)
    }
}

/// A large program with half a million functions, which has its symbols in both tables, is read whole.
#[test]
fn large() {
    let _alone = alone();
    let name = |at: usize| format!("_ZN4some9namespace5Class{at}6methodERKNSt7__cxx1112basic_stringEi");
    let names: Vec<String> = (0..500_000).map(name).collect();
    let mut elf = Elf { code: 300 << 20, ..Elf::functions(names.iter().map(String::as_str)) };
    elf.dynamic.clone_from(&elf.symbols);
    elf.dynamic_names.clone_from(&elf.names);
    let file = Sparse::new(&elf);
    drop((elf, names));
    let binary = ask("a large one", file).unwrap();
    assert_eq!(binary.function_count(), 1_000_000);
    assert_eq!(one(&binary, &name(123_456)), CODE + 16 * 123_456);
    assert_eq!(binary.around(CODE + 16 * 7 + 5).unwrap().map(|function| function.name), Some(name(7)));
    assert_eq!(binary.find(&name(500_000)).unwrap(), Lookup::Missing);
}

/// A sparse file of gigabytes costs what its tables do; tables that no program has are refused.
#[test]
fn sparse() {
    let _alone = alone();
    let elf = Elf { code: 3 << 30, ..Elf::functions(["f"]) };
    assert_eq!(one(&ask("3 GiB of code", Sparse::new(&elf)).unwrap(), "f"), CODE);
    let zeroes = Sparse { size: 3 << 30, parts: Vec::new() };
    assert!(ask("3 GiB of nothing", zeroes).unwrap_err().to_string().contains("does not begin with an ELF header"));
    // The headers of sections are the last 512 bytes: kind at 4, offset at 24, size at 32 of each.
    let with = |section: usize, size: u64, symbols: bool| {
        let mut file = Sparse::new(&elf);
        let tables = &mut file.parts[1].1;
        let header = tables.len() - 512 + 64 * section;
        let before = file.size;
        file.size = before + (4 << 30);
        tables[header + 24..header + 32].copy_from_slice(&before.to_le_bytes());
        tables[header + 32..header + 40].copy_from_slice(&size.to_le_bytes());
        if symbols {
            // Functions, all of one name, instead of zeroes.
            let count = (size / 24).min(3 << 20) as u32;
            let many = (0..count).flat_map(|_| symbol(1, FUNCTION, CODE, 16)).collect();
            file.parts.push((before, many));
        }
        file
    };
    assert_eq!(ask("8 million symbols that are none", with(1, 24 * 8_000_000, false)).unwrap().function_count(), 0);
    for (file, said) in [
        (with(1, 24 * 10_000_000, false), "it has 10000000 symbols, more than any real program"),
        (with(1, 24 * 3_000_000, true), "it has too many functions"),
        (with(2, 1 << 30, false), "bytes, more than any real program"),
        (with(1, u64::MAX - 7, false), "symbols, more than any real program"),
        (with(2, u64::MAX - 7, false), "one of its tables lies beyond its end"),
    ] {
        let error = ask(said, file).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}

/// Counts of the headers that nobody can mean are refused, and circles of versions end.
#[test]
fn counts() {
    let _alone = alone();
    let with = |at: usize, bytes: &[u8]| {
        let mut elf = Elf::functions(["f"]);
        elf.changes.push((at, bytes.to_vec()));
        elf
    };
    for (what, elf, said) in [
        ("segments", with(56, &[0xff, 0xff]), "one of its tables lies beyond its end"),
        ("size of segments", with(54, &[57, 0]), "its program headers have an unexpected size"),
        ("sections", with(60, &[0xff, 0xff]), "one of its tables lies beyond its end"),
        ("place of sections", with(40, &[0xff; 8]), "one of its tables lies beyond its end"),
        ("size of sections", with(58, &[63, 0]), "its section headers have an unexpected size"),
        ("32 bits", with(4, &[1]), "it is a 32-bit file"),
        ("machine", with(18, &[8, 0]), "it is for another architecture"),
        ("kind", with(16, &[1, 0]), "neither a program nor a library, but another kind of ELF file"),
    ] {
        let error = ask(what, elf.bytes().as_slice()).unwrap_err().to_string();
        assert!(error.contains(said), "{what}: {error}");
    }
    // Section 0 has the count of sections that the header has no room for.
    let mut many = with(60, &[0, 0]).bytes();
    let zeroth = many.len() - 512;
    many[zeroth + 32..zeroth + 40].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(ask("all sections", many.as_slice()).unwrap_err().to_string().contains("sections"));
    let mut elf = Elf::functions(["f"]);
    (elf.dynamic, elf.dynamic_names) = (elf.symbols.clone(), b"\0f\0".to_vec());
    elf.numbers = 0x8002_u16.to_le_bytes().to_vec();
    // Each says that the next one is where it begins, four bytes on, where the same bytes say it again.
    elf.versions = [4, 0, 0, 0].repeat(5000);
    assert!(ask("circle of versions", elf.bytes().as_slice()).is_ok());
}

/// Which files a search for a library passes over is told from their first bytes.
#[test]
fn classes() {
    let good = Elf::functions(["f"]).bytes();
    let with = |at: usize, byte: u8| {
        let mut head = good[..20].to_vec();
        head[at] = byte;
        is_for_this_machine(&head)
    };
    assert!(
        is_for_this_machine(&good[..20]) && is_for_this_machine(b"/* GNU ld script */ ") && is_for_this_machine(b"")
    );
    assert!(!with(4, 1) && !with(5, 2) && !with(18, 3));
}
