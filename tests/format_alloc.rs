// SPDX-License-Identifier: MIT OR Apache-2.0
//! The path of an event allocates nothing.

use std::alloc::{GlobalAlloc, Layout as Size, System};
use std::cell::Cell;
use std::sync::Arc;

use ebpf_run::format::{Encoder, Look};
use ebpf_run::spec::{Field, FieldType, Format, Layout};

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

/// No format allocates for an event of any kind of field, into a buffer that is large enough.
#[test]
fn events_allocate_nothing() {
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
            bits: None,
            unit,
            doc: String::new(),
        });
        layout.size += size;
    }
    let mut out = Vec::with_capacity(16 << 10);
    for format in [Format::Jsonl, Format::Text, Format::Pretty] {
        let mut encoder = Encoder::new(format, "p", &[("env".into(), "x".into())], &layout, &Look::default());
        let before = ALLOCATIONS.get();
        for byte in [0, 1, b'a', b'"', 0x1b, 0xff] {
            out.clear();
            encoder.event(&[byte; 256][..layout.size as usize], u64::from(byte) << 40, &mut out);
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{format:?}");
    }
}
