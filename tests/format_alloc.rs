// SPDX-License-Identifier: MIT OR Apache-2.0
//! The path of an event, from its record to lines, allocates nothing.

use std::alloc::{GlobalAlloc, Layout as Size, System};
use std::cell::Cell;
use std::sync::Arc;

use ebpf_run::format::{Encoder, Look};
use ebpf_run::record::{CodeOf, Completer, Lookups, NoSets, StackFrame};
use ebpf_run::spec::{Comparison, ComputedType, Field, FieldType, Format, Formula, Layout, NameTable, TextTest};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread.
struct Counting;

// SAFETY: every call goes to `System` unchanged; the counter is a constant-initialised `Cell`, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, size: Size) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, size: Size) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A machine that knows all names.
struct Machine(Arc<str>);

impl Lookups for Machine {
    fn unix_ns(&mut self, monotonic_ns: u64) -> u64 {
        monotonic_ns
    }

    fn disk(&mut self, _number: u32, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(b"sda");
        true
    }

    fn knows(&mut self, _of: CodeOf, _addresses: &mut dyn Iterator<Item = u64>) -> bool {
        true
    }

    fn frames(&mut self, _of: CodeOf, address: u64, out: &mut Vec<StackFrame>) {
        let symbol = (address & 1 == 0).then(|| Arc::clone(&self.0));
        out.push(StackFrame { address, offset: symbol.is_some().then_some(8), symbol, module: None });
    }

    fn cgroup(&mut self, _id: u64, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(b"/system.slice");
        true
    }

    fn container(&mut self, _id: u64, _out: &mut Vec<u8>) -> bool {
        false
    }
}

/// One field of every kind, and operands of the same bytes.
fn every_kind() -> Layout {
    let names: Arc<[(i64, String)]> = [(6, "tcp".to_owned())].into();
    let kinds = [
        (8, FieldType::Unsigned),
        (8, FieldType::Signed),
        (1, FieldType::Bool),
        (1, FieldType::Flag),
        (8, FieldType::Hex),
        (32, FieldType::Text { limit: Some(20) }),
        (16, FieldType::Text { limit: None }),
        (32, FieldType::Argv),
        (32, FieldType::Path),
        (4, FieldType::Errno),
        (4, FieldType::Id),
        (8, FieldType::Bytes),
        (4, FieldType::Ipv4),
        (16, FieldType::Ipv6),
        (2, FieldType::Port),
        (4, FieldType::Enum(names)),
        (4, FieldType::Named(NameTable::Errno)),
        (8, FieldType::Named(NameTable::OpenFlags)),
        (8, FieldType::Duration),
        (16, FieldType::Timespec),
        (8, FieldType::Ktime),
        (16, FieldType::Ip),
        (6, FieldType::Mac),
        (16, FieldType::Uuid),
        (136, FieldType::Endpoint),
        (280, FieldType::Sock),
        (128, FieldType::Packet),
        (40, FieldType::Counted { text: true }),
        (40, FieldType::Counted { text: false }),
        (4, FieldType::Dev),
        (8, FieldType::Ksym),
        (8, FieldType::Usym),
        (8, FieldType::Cgroup),
        (8, FieldType::Container),
        (104, FieldType::Stack { user: false }),
        (40, FieldType::Stack { user: true }),
    ];
    let mut layout = Layout::default();
    for (size, kind) in kinds {
        let name = format!("f{}", layout.size);
        let unit = "ns".to_owned();
        layout.fields.push(Field {
            name,
            offset: layout.size,
            size,
            kind,
            absent_bit: None,
            of_end: None,
            bits: None,
            unit,
            doc: String::new(),
        });
        layout.size += size;
    }
    layout.operands = layout.fields.clone();
    layout
}

/// Everything is asked of every operand, so that each is evaluated; it is true in the end.
fn filter(operands: usize) -> Formula {
    let of = || (0..operands).map(Formula::Operand);
    let text: Arc<[u8]> = b"a"[..].into();
    let compare = |of| Formula::Compare {
        op: Comparison::Less,
        sides: Box::new((of, Formula::Number { bits: 1, signed: false })),
    };
    let matches = |how| {
        let text = Arc::clone(&text);
        of().map(move |of| Formula::Matches { how, of: Box::new(of), texts: vec![Arc::clone(&text)] })
    };
    let every = [TextTest::Equal, TextTest::EndsWith, TextTest::Contains, TextTest::Glob, TextTest::Under];
    let all = of().map(compare).chain(every.into_iter().flat_map(matches));
    let all: Vec<Formula> = all.map(|formula| Formula::All(vec![formula, Formula::Bool(false)])).collect();
    Formula::Any(all.into_iter().chain([Formula::Bool(true)]).collect())
}

/// Neither deciding whether an event passes, nor what is found out for it, nor a format allocates for it, of any kind of field,
/// into buffers that are large enough.
#[test]
fn events_allocate_nothing() {
    let mut layout = every_kind();
    layout.filter = Some(Arc::new(filter(layout.operands.len())));
    let computed = Arc::new(Formula::Size(Box::new(Formula::Operand(5))));
    let last =
        Field { kind: FieldType::Computed(computed, ComputedType::Unsigned), size: 0, ..layout.fields[0].clone() };
    layout.fields.push(last);
    let mut machine = Machine("function".into());
    let mut out = Vec::with_capacity(64 << 10);
    for format in [Format::Jsonl, Format::Text, Format::Pretty, Format::Folded] {
        let mut encoder = Encoder::new(format, "p", &[("env".into(), "x".into())], &layout, &Look::default());
        let mut completer = Completer::new(&layout, &NoSets);
        let record = |byte| [byte; 4096];
        let mut event = |byte: u8| {
            out.clear();
            let record = &record(byte)[..layout.size as usize];
            assert_eq!(completer.judge(record, &mut machine).holds, Some(true));
            encoder.event(completer.complete(record, &mut machine), u64::from(byte) << 40, &mut out);
        };
        let bytes = [0, 1, b'a', b'"', 0x1b, 0xff];
        // The first ones make room.
        bytes.into_iter().for_each(&mut event);
        let before = ALLOCATIONS.get();
        bytes.into_iter().for_each(&mut event);
        assert_eq!(ALLOCATIONS.get() - before, 0, "{format:?}");
    }
}
