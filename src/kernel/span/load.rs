// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads the programs of a span that stand beside the one at its end.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::ptr;
use std::sync::Arc;

use libbpf_rs::{MapCore as _, Object, ObjectBuilder, OpenObject};

use super::maps::{BEHIND, OPEN};
use super::others::Others;
use super::parts::{is_behind, spec_of};
use super::prepared::{PreparedPart, PreparedSpan};
use crate::catalog::{FunctionAt, Program, SpanHook};
use crate::kernel::error::{KernelError, describe};
use crate::kernel::generation::Generation;
use crate::kernel::hook::of;
use crate::kernel::host::Host;
use crate::kernel::prepared::Prepared;
use crate::kernel::specialise::{give_sets_of, give_tables, specialise};
use crate::kernel::tables::TableMaps;
use crate::kernel::verify::{VerifierLog, open_failed, refused, select_functions, size_maps, tell_arguments, verify};
use crate::spec::{Layout, Place, ProbeSpec, SpanPart, SpanRole};

/// Sizes the map of what has begun; what nothing is behind has no array for it. What is open goes on where the starts of `running` leave
/// the same.
pub(in crate::kernel) fn size_map(
    object: &mut OpenObject,
    span: &PreparedSpan,
    number: usize,
    running: Option<&Generation>,
) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if name == OPEN {
            map.set_key_size(span.key_words * 8)?;
            map.set_value_size(span.kept_bytes)?;
            map.set_max_entries(span.span.max_open)?;
            if let Some(kept) = running.and_then(|running| running.open_spans(span)) {
                map.reuse_fd(kept)?;
            }
        } else if name == BEHIND {
            map.set_autocreate(has_behind(span, number))?;
        }
    }
    Ok(())
}

/// Tells the program of a part what its hook is to the spans.
pub(in crate::kernel) fn specialise_hook(
    object: &mut OpenObject,
    program: &Program,
    span: &PreparedSpan,
    number: usize,
) -> Result<(), KernelError> {
    let part = &span.parts[number];
    let mut map = object.maps_mut().find(|map| map.name().to_string_lossy().ends_with(".rodata"));
    let Some(rodata) = map.as_mut().and_then(|map| map.initial_value_mut()) else { return Ok(()) };
    let Some(table) = &program.fetch_table else { return Ok(()) };
    let hook = SpanHook {
        role: part.hook.role,
        key: &part.told.key,
        keeps_first: span.span.keeps_first,
        expire_ns: span.span.expire.map_or(0, |expire| u64::try_from(expire.as_nanos()).unwrap_or(0)),
        gated: part.told.gated,
        gate: part.told.gate.filter(|_| part.hook.role == SpanRole::End),
        bits: &part.told.bits,
        via_bits: span.via_bits,
        keeps_process: span.keeps_process,
        is_near: span.is_near(),
        has_behind: has_behind(span, number),
    };
    let too_much = |_| KernelError::at(Place::Hook, "its key follows more pointers than a program can");
    table.write_span(rodata, &hook, part.context).map_err(too_much)
}

/// Loads all but the first part, whose object is `end`.
pub(in crate::kernel) fn load_others(
    end: &Object,
    spec: &ProbeSpec,
    program: &Program,
    (span, tables): (&PreparedSpan, &[Arc<TableMaps>]),
    host: &Host,
) -> Result<Others, KernelError> {
    let mut others = Others::default();
    let hooks: Vec<SpanPart> = span.parts.iter().map(|part| part.hook.clone()).collect();
    for (number, part) in span.parts.iter().enumerate().skip(1) {
        let spec = spec_of(spec, &part.hook);
        let program = program_of(program, part);
        let (object, functions) = load_part(end, &spec, program, (span, number, tables), host)?;
        match is_behind(&hooks, number) {
            Some(before) => {
                let before = before.checked_sub(1).map_or(end, |index| &others.objects[index]);
                put_behind(before, &object, &functions)?;
            }
            None => {
                let index = others.objects.len();
                others.functions.extend(functions.into_iter().map(|function| (function, index)));
            }
        }
        others.objects.push(object);
    }
    Ok(others)
}

fn load_part(
    end: &Object,
    spec: &ProbeSpec,
    program: &Program,
    (span, number, tables): (&PreparedSpan, usize, &[Arc<TableMaps>]),
    host: &Host,
) -> Result<(Object, Vec<FunctionAt>), KernelError> {
    let part = &span.parts[number];
    let prepared = alone(part, span, tables);
    let failed = |error: &libbpf_rs::Error| open_failed(program, error);
    let mut builder = ObjectBuilder::default();
    let mut object = builder.open_memory(bytes(program, part)).map_err(|error| failed(&error))?;
    let functions = program.attached_for(spec);
    let mut log = VerifierLog::new();
    select_functions(&mut object, &functions, &mut log);
    size_maps(&mut object, spec, program).map_err(|error| failed(&error))?;
    size_map(&mut object, span, number, None).map_err(|error| failed(&error))?;
    share_maps(&mut object, end, part).map_err(|error| failed(&error))?;
    give_sets_of(&mut object, &part.sets).map_err(|error| failed(&error))?;
    give_tables(&mut object, &prepared).map_err(|error| failed(&error))?;
    specialise(&mut object, spec, program, &prepared, host)?;
    specialise_hook(&mut object, program, span, number)?;
    for FunctionAt { function, hook } in &functions {
        (of(hook.kind).prepare)(&mut object, function, hook, host).map_err(|error| error.of_hook_in(spec))?;
    }
    match verify(object) {
        Ok(object) => {
            tell_arguments(&object, spec, host)?;
            Ok((object, functions))
        }
        Err(code) => Err(refused(spec, program, code, &log, host)),
    }
}

/// The program that runs at a hook: what begins is counted when it ends.
fn program_of<'p>(program: &'p Program, part: &PreparedPart) -> &'p Program {
    let starts = program.span.as_ref().and_then(|span| span.starts_as.as_deref());
    if part.hook.role == SpanRole::End { program } else { starts.unwrap_or(program) }
}

/// The object that runs at a hook of this role.
fn bytes<'p>(program: &'p Program, part: &PreparedPart) -> &'p [u8] {
    match (&program.span, part.hook.role) {
        (Some(span), SpanRole::End) => &span.end,
        (Some(span), SpanRole::Start | SpanRole::Via | SpanRole::Cancel) => &span.start,
        (None, _) => &program.object,
    }
}

/// One map of what has begun for all, and one ring for all ends.
fn share_maps(object: &mut OpenObject, end: &Object, part: &PreparedPart) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        let is_shared = name == OPEN || name == "events" && part.hook.role == SpanRole::End;
        if is_shared && let Some(shared) = end.maps().find(|known| known.name() == name.as_str()) {
            map.reuse_fd(shared.as_fd())?;
        } else if name == "events" {
            map.set_autocreate(false)?;
        }
    }
    Ok(())
}

fn has_behind(span: &PreparedSpan, number: usize) -> bool {
    let hooks: Vec<SpanPart> = span.parts.iter().map(|part| part.hook.clone()).collect();
    (number + 1..hooks.len()).any(|later| is_behind(&hooks, later) == Some(number))
}

/// From now on the program of `next` runs after the one of `before`.
fn put_behind(before: &Object, next: &Object, functions: &[FunctionAt]) -> Result<(), KernelError> {
    let failed = |code: i32| {
        let message = format!("failed to run two programs at one hook: {}", describe(code));
        KernelError::at(Place::Program, message)
    };
    let array = before.maps().find(|map| map.name() == BEHIND).ok_or_else(|| failed(libc::ENOENT))?;
    let is_it = |program: &libbpf_rs::Program<'_>| {
        functions.first().is_some_and(|function| program.name() == function.function.as_str())
    };
    let program = next.progs().find(is_it).ok_or_else(|| failed(libc::ENOENT))?;
    let (key, value) = (0_u32, program.as_fd().as_raw_fd());
    let (key, value) = (ptr::from_ref(&key).cast(), ptr::from_ref(&value).cast());
    // SAFETY: key and value are four bytes each, as the map declares, and live across the call.
    let code = unsafe { libbpf_sys::bpf_map_update_elem(array.as_fd().as_raw_fd(), key, value, 0) };
    if code < 0 { Err(failed(-code)) } else { Ok(()) }
}

/// What a program at one hook is told, as a program with no spans has it: an end fills a record or counts, the others fill what is kept.
fn alone(part: &PreparedPart, span: &PreparedSpan, tables: &[Arc<TableMaps>]) -> Prepared {
    let counting = part.told.counting.clone();
    let size = if part.hook.role == SpanRole::End { span.record_bytes } else { span.kept_bytes };
    Prepared {
        fetches: part.told.fetches.clone(),
        context: part.context,
        steps: part.told.steps.clone(),
        set_places: part.set_places.clone(),
        sets: part.sets.clone(),
        layout: counting.is_none().then(|| Layout { size, ..Layout::default() }),
        tables: if counting.is_some() { tables.to_vec() } else { Vec::new() },
        counting,
        key_reads_arguments: part.told.key_reads_arguments(),
        ..Prepared::default()
    }
}
