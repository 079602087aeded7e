// SPDX-License-Identifier: MIT OR Apache-2.0
//! What makes a program one probe's: the constants that are written into its `.rodata` before it is frozen, the sets that it asks.

use std::os::fd::AsFd as _;

use libbpf_rs::OpenObject;

use super::error::KernelError;
use super::host::{Host, own_process, process_of};
use super::prepared::Prepared;
use super::rates::rate_of;
use super::set_map::SetMap;
use super::site::interface::LinkLayer;
use super::tables::{SCRATCH, TableMaps};
use super::usdt;
use crate::catalog::{FetchContext, FetchLimit, FetchTable, Param, ParamType, Program, SetPlace};
use crate::hook::leaves_itself_out;
use crate::spec::{Fetch, FetchCopy, FetchSource, Hook, Limits, ParamValue, Place, ProbeSpec, Site};

const NO_LIMITS: Limits = Limits { sample: None, rate: None };

/// Writes parameters, limits and work list into `.rodata`, which is frozen when the object is loaded.
pub(super) fn specialise(
    object: &mut OpenObject,
    spec: &ProbeSpec,
    program: &Program,
    prepared: &Prepared,
    host: &Host,
) -> Result<(), KernelError> {
    // libbpf prefixes the names of internal maps with the object's: `trace.rodata`.
    let mut map = object.maps_mut().find(|map| map.name().to_string_lossy().ends_with(".rodata"));
    let Some(rodata) = map.as_mut().and_then(|map| map.initial_value_mut()) else { return Ok(()) };
    for (name, value) in &spec.params {
        if let Some(param) = program.params.iter().find(|param| param.name == *name) {
            write_param(rodata, param, value);
        }
    }
    if let Some(table) = &program.limit_table {
        // After a part of `where` that user space decides they hold there.
        let in_user_space = prepared.layout.as_ref().is_some_and(|layout| layout.filter.is_some());
        let limits = if in_user_space { &NO_LIMITS } else { &spec.limits };
        table.write(rodata, limits, rate_of(spec));
    }
    if let (Some(table), Some(Site::Syscall(site))) =
        (&program.syscall_table, spec.hook.as_ref().map(|hook| &hook.site))
    {
        table.write(rodata, site);
    }
    if let (Some(at), LinkLayer::Ip) = (program.no_link_header, prepared.link_layer)
        && let Some(flag) = rodata.get_mut(at as usize)
    {
        *flag = 1;
    }
    if let Some(table) =
        program.fetch_table.as_ref().filter(|_| prepared.layout.is_some() || prepared.counting.is_some())
    {
        specialise_trace(rodata, table, prepared, host).map_err(|limit| too_much(prepared, &limit))?;
        if usdt::by_cookie(host) {
            table.tell_places_by_cookies(rodata);
        }
        if let Some(point) = spec.hook.as_ref().and_then(Hook::point)
            && let Some(pid) = point.pid.and_then(process_of)
        {
            table.keep_to_process(rodata, pid);
        }
        if leaves_itself_out(spec)
            && let Some(pid) = own_process()
        {
            table.leave_out_process(rodata, pid);
        }
    }
    Ok(())
}

/// The work list, the tests of `where`, and where the kernel's structs have what these read.
fn specialise_trace(rodata: &mut [u8], table: &FetchTable, prepared: &Prepared, host: &Host) -> Result<(), FetchLimit> {
    let Prepared { fetches, steps, set_places, context, counting, layout, .. } = prepared;
    let fetches = counting.as_ref().map_or(fetches, |counting| &counting.fetches);
    let record_bytes = layout.as_ref().map_or(0, |layout| layout.size);
    table.write(rodata, fetches, record_bytes, *context)?;
    table.write_steps(rodata, steps, set_places, *context)?;
    if let Some(counting) = counting {
        table.write_counting(rodata, counting, TableMaps::seed(), *context);
    }
    let counts_without = counting.as_ref().is_some_and(|counting| !counting.reads_arguments());
    if *context == FetchContext::Syscall && counts_without && !prepared.key_reads_arguments {
        table.leave_out_arguments(rodata);
    }
    let mut all = fetches.iter().chain(steps.iter().map(|step| &step.fetch));
    // What is at hand is no struct of the kernel.
    let mut of_kernel = || {
        all.any(|fetch| {
            fetch.source != FetchSource::Packet
                && (reads_structs(fetch.copy) || reads_cgroups(fetch.source) || fetch.copy == FetchCopy::UserStack)
        })
    };
    let has_processes = counting.as_ref().is_some_and(|counting| !counting.processes.is_empty());
    if (*context == FetchContext::Syscall || has_processes || of_kernel())
        && let Some(found) = host.offsets(&table.offsets)
    {
        table.offsets.write(rodata, &found);
    }
    Ok(())
}

/// True for what old kernels have no helper for.
fn reads_cgroups(source: FetchSource) -> bool {
    matches!(source, FetchSource::CgroupAncestor(_))
}

/// True where the program itself knows the kernel's structs that it reads.
fn reads_structs(copy: FetchCopy) -> bool {
    match copy {
        FetchCopy::Sock
        | FetchCopy::FilePath
        | FetchCopy::Path
        | FetchCopy::DentryPath
        | FetchCopy::FdPath
        | FetchCopy::Packet { .. } => true,
        FetchCopy::Value
        | FetchCopy::Kernel
        | FetchCopy::User
        | FetchCopy::KernelText
        | FetchCopy::UserText
        | FetchCopy::Comm
        | FetchCopy::KernelStack
        | FetchCopy::UserStack
        | FetchCopy::Sockaddr
        | FetchCopy::SumOfCpus { .. } => false,
    }
}

/// Gives the program the maps of the sets that its tests are about; the others are not made (`size_maps`).
pub(super) fn give_sets(object: &mut OpenObject, program: &Program, prepared: &Prepared) -> libbpf_rs::Result<()> {
    if program.fetch_table.is_none() {
        return Ok(());
    }
    give_sets_of(object, &prepared.sets)
}

/// The same of these maps.
pub(super) fn give_sets_of(object: &mut OpenObject, sets: &[(SetPlace, SetMap)]) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        let Some(place) = SetPlace::of_map(&name) else { continue };
        if let Some((_, set)) = sets.iter().find(|(known, _)| *known == place) {
            map.set_autocreate(true)?;
            map.reuse_fd(set.as_fd())?;
        }
    }
    Ok(())
}

/// Gives the program the tables that it counts in, and memory for large keys where one has such.
pub(super) fn give_tables(object: &mut OpenObject, prepared: &Prepared) -> libbpf_rs::Result<()> {
    let Some(counting) = &prepared.counting else { return Ok(()) };
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if name == SCRATCH {
            map.set_autocreate(counting.tables.iter().any(|table| table.in_scratch))?;
        }
        if let Some(given) = TableMaps::named(&prepared.tables, &name) {
            map.set_autocreate(true)?;
            map.reuse_fd(given)?;
        }
    }
    Ok(())
}

fn too_much(prepared: &Prepared, limit: &FetchLimit) -> KernelError {
    // A fetch's number is the bit of its field.
    let place = |index: &usize| {
        let mut fields = prepared.layout.iter().flat_map(|layout| &layout.fields);
        let field = fields.find(|field| field.absent_bit == Some(*index as u8));
        field.map_or(Place::Probe, |field| Place::Capture(field.name.clone()))
    };
    match limit {
        FetchLimit::Entries(limit) => {
            let message = format!("{} captures need a fetch; one probe has room for {limit}", prepared.fetches.len());
            KernelError::new(Place::Probe, message, "split them over two probes of the same hook")
        }
        FetchLimit::Hops(index, limit) => {
            let message = format!("it follows more than {limit} pointers");
            KernelError::new(place(index), message, "capture a shorter path")
        }
        FetchLimit::Steps(limit) => {
            let message =
                format!("its `where` takes {} tests; the kernel does {limit} for an event", prepared.steps.len());
            KernelError::new(Place::Probe, message, "split it over two probes of the same hook")
        }
        FetchLimit::Step(index) => {
            let message = format!("test {} of its `where` is none that the kernel can do", index + 1);
            KernelError::new(Place::Probe, message, "this is a fault of ebpf-run: please report it")
        }
        FetchLimit::Slot(index, limit) => {
            let message = format!("it needs more than the {limit} bytes that a value can have");
            KernelError::new(place(index), message, "capture fewer bytes")
        }
    }
}

fn write_param(rodata: &mut [u8], param: &Param, value: &ParamValue) {
    let (size, bytes) = match (param.ty, value) {
        (ParamType::Bool, ParamValue::Bool(value)) => (1, vec![u8::from(*value)]),
        (ParamType::Int { size, .. }, ParamValue::Int(value)) => (size as usize, value.to_le_bytes().to_vec()),
        (ParamType::Text { size }, ParamValue::Text(text)) => {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(size as usize, 0);
            (size as usize, bytes)
        }
        // The configuration was checked against the same declaration.
        (ParamType::Bool | ParamType::Int { .. } | ParamType::Text { .. }, _) => return,
    };
    let start = param.offset as usize;
    if let Some(target) = rodata.get_mut(start..start + size) {
        target.copy_from_slice(&bytes[..size]);
    }
}

/// True where the program needs no more than its light form has: no `where`, no value of several parts.
pub(super) fn is_light(prepared: &Prepared) -> bool {
    let is_several = |copy| matches!(copy, FetchCopy::Sockaddr | FetchCopy::SumOfCpus { .. });
    let is_plain = |fetch: &Fetch| !reads_structs(fetch.copy) && !is_several(fetch.copy);
    prepared.steps.is_empty() && !prepared.context.is_network() && prepared.fetches.iter().all(is_plain)
}
