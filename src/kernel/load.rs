// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens a program's object, specialises it for one probe, and has the kernel verify it.

use std::ffi::{CStr, c_char};
use std::os::fd::{AsFd as _, AsRawFd as _};

use libbpf_rs::{AsRawLibbpf, MapCore as _, Object, ObjectBuilder, OpenObject};

use super::error::{KernelError, describe, privilege_help};
use super::generation::Generation;
use super::hook::of;
use super::host::{Capabilities, Host, descriptors, own_process, process_of};
use super::loaded::Loaded;
use super::prepare::Prepared;
use super::site::interface::LinkLayer;
use super::usdt;
use crate::catalog::{FetchLimit, FetchTable, FunctionAt, Param, ParamType, Program, SetPlace};
use crate::hook::leaves_itself_out;
use crate::spec::{FetchCopy, FetchSource, Hook, HookKind, Limits, ParamValue, Place, ProbeSpec, Site};

/// Bytes of the verifier's log that are kept: the last lines tell why.
const LOG_BYTES: usize = 64 << 10;
const NO_LIMITS: Limits = Limits { sample: None, rate: None };
/// The array of `trace` that nothing jumps into.
const NOWHERE: &str = "nowhere";
/// Lines of it that a message shows.
const LOG_LINES: usize = 12;

impl Loaded {
    /// Loads `program` for one probe.
    pub fn load(spec: &ProbeSpec, program: &Program, prepared: &Prepared, host: &Host) -> Result<Self, KernelError> {
        Self::load_after(None, spec, program, prepared, host)
    }

    /// The same for a program that is to take the place of `running`: it goes on counting where that one stops, if the
    /// change does not touch what is counted.
    pub fn load_after(
        running: Option<&Generation>,
        spec: &ProbeSpec,
        program: &Program,
        prepared: &Prepared,
        host: &Host,
    ) -> Result<Self, KernelError> {
        descriptors::enough()?;
        let open = |error: &libbpf_rs::Error| {
            KernelError::at(Place::Program, format!("failed to open program `{}`: {error:#}", program.name))
        };
        let mut builder = ObjectBuilder::default();
        let mut object = builder.open_memory(&program.object).map_err(|error| open(&error))?;
        let functions = program.attached_for(spec);
        let mut log = VerifierLog::new();
        select_functions(&mut object, &functions, &mut log);
        size_maps(&mut object, spec, program).map_err(|error| open(&error))?;
        if let Some(running) = running {
            keep_maps(&mut object, running, spec, program).map_err(|error| open(&error))?;
        }
        give_sets(&mut object, program, prepared).map_err(|error| open(&error))?;
        specialise(&mut object, spec, program, prepared, host)?;
        for FunctionAt { function, hook } in &functions {
            (of(hook.kind).prepare)(&mut object, function, hook, host).map_err(|error| error.of_hook_in(spec))?;
        }
        match verify(object) {
            Ok(object) => {
                tell_arguments(&object, spec, host)?;
                Ok(Self { object, functions })
            }
            Err(code) => Err(refused(spec, program, code, &log, host)),
        }
    }
}

/// Where the arguments of a USDT probe are.
fn tell_arguments(object: &Object, spec: &ProbeSpec, host: &Host) -> Result<(), KernelError> {
    let map = object.maps().find(|map| map.name() == usdt::MAP && map.as_fd().as_raw_fd() >= 0);
    match (map, &spec.hook) {
        (Some(map), Some(hook)) => usdt::fill(&map, hook, host),
        (Some(_) | None, _) => Ok(()),
    }
}

/// Has the kernel create the maps and verify the programs. `OpenObject::load` does the same and hides the errno.
fn verify(object: OpenObject) -> Result<Object, i32> {
    // SAFETY: an open object that was not loaded before.
    let code = unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) };
    if code < 0 {
        return Err(-code);
    }
    // SAFETY: the object is loaded, and `take_ptr` gives up its ownership.
    Ok(unsafe { Object::from_ptr(object.take_ptr()) })
}

fn select_functions(object: &mut OpenObject, functions: &[FunctionAt], log: &mut VerifierLog) {
    for mut program in object.progs_mut() {
        let wanted = functions.iter().any(|function| program.name() == function.function.as_str());
        program.set_autoload(wanted);
        if wanted {
            log.give_to(program.as_libbpf_object().as_ptr());
        }
    }
}

/// Sizes the ring; leaves out the maps that only carry types or that this program does not use.
pub(super) fn size_maps(object: &mut OpenObject, spec: &ProbeSpec, program: &Program) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if name == "events" {
            match program.event {
                Some(_) => map.set_max_entries(spec.ring_bytes())?,
                None => map.set_autocreate(false)?,
            }
        } else if name == usdt::MAP {
            map.set_autocreate(spec.hook.as_ref().is_some_and(|hook| hook.kind == HookKind::Usdt))?;
        } else if name.ends_with(".rodata.meta") || name == NOWHERE || SetPlace::of_map(&name).is_some() {
            map.set_autocreate(false)?;
        }
    }
    Ok(())
}

/// Takes over what the running program counts, and its state.
fn keep_maps(
    object: &mut OpenObject,
    running: &Generation,
    spec: &ProbeSpec,
    program: &Program,
) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if let Some(kept) = running.kept_map(&name, spec, program.counters.as_ref()) {
            map.reuse_fd(kept)?;
        }
    }
    Ok(())
}

/// Writes parameters, limits and work list into `.rodata`, which is frozen when the object is loaded.
fn specialise(
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
        table.write(rodata, if in_user_space { &NO_LIMITS } else { &spec.limits });
    }
    if let (Some(table), Some(Site::Syscall(site))) = (&program.syscall_table, spec.hook.as_ref().map(|hook| &hook.site)) {
        table.write(rodata, site);
    }
    if let (Some(at), LinkLayer::Ip) = (program.no_link_header, prepared.link_layer)
        && let Some(flag) = rodata.get_mut(at as usize)
    {
        *flag = 1;
    }
    if let (Some(table), Some(layout)) = (&program.fetch_table, &prepared.layout) {
        specialise_trace(rodata, table, prepared, layout.size, host).map_err(|limit| too_much(prepared, &limit))?;
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
fn specialise_trace(
    rodata: &mut [u8],
    table: &FetchTable,
    prepared: &Prepared,
    record_bytes: u32,
    host: &Host,
) -> Result<(), FetchLimit> {
    let Prepared { fetches, steps, set_places, context, .. } = prepared;
    table.write(rodata, fetches, record_bytes, *context)?;
    table.write_steps(rodata, steps, set_places, *context)?;
    let mut all = fetches.iter().chain(steps.iter().map(|step| &step.fetch));
    // What is at hand is no struct of the kernel.
    if all.any(|fetch| fetch.source != FetchSource::Packet && reads_structs(fetch.copy))
        && let Some(btf) = host.btf()
    {
        table.offsets.write(rodata, btf);
    }
    Ok(())
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
        | FetchCopy::Sockaddr => false,
    }
}

/// Gives the program the maps of the sets that its tests are about; the others are not made (`size_maps`).
fn give_sets(object: &mut OpenObject, program: &Program, prepared: &Prepared) -> libbpf_rs::Result<()> {
    if program.fetch_table.is_none() {
        return Ok(());
    }
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        let Some(place) = SetPlace::of_map(&name) else { continue };
        if let Some((_, set)) = prepared.sets.iter().find(|(known, _)| *known == place) {
            map.set_autocreate(true)?;
            map.reuse_fd(set.as_fd())?;
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

fn refused(spec: &ProbeSpec, program: &Program, code: i32, log: &VerifierLog, host: &Host) -> KernelError {
    let name = &program.name;
    let by_kind = |one: FunctionAt| (of(one.hook.kind).refused)(&one.hook, code, host);
    if let Some(error) = program.attached_for(spec).into_iter().find_map(by_kind) {
        return error.of_hook_in(spec);
    }
    // Without CAP_PERFMON the verifier forbids what all others may do, and says nothing of the capability.
    let forbidden = || log.is_empty() || !Capabilities::effective().has("CAP_PERFMON");
    if matches!(code, libc::EPERM | libc::EACCES) && forbidden() {
        let message = format!("no permission to load program `{name}` ({})", describe(code));
        return KernelError::new(
            Place::Program,
            message,
            privilege_help("CAP_BPF and CAP_PERFMON (and CAP_NET_ADMIN for xdp)"),
        );
    }
    if host.btf().is_none() && !program.captures() && log.is_empty() {
        let message = format!("program `{name}` needs the kernel's BTF, and this kernel has none");
        let help = "use a kernel with CONFIG_DEBUG_INFO_BTF, which provides /sys/kernel/btf/vmlinux";
        return KernelError::new(Place::Program, message, help);
    }
    if code == libc::ENOMEM || code == libc::E2BIG && log.is_empty() {
        let message = format!("the kernel has no memory for program `{name}` and its ring buffer ({})", describe(code));
        return KernelError::new(Place::Program, message, "set a smaller `buffer` for this probe");
    }
    let message = format!("the kernel refused program `{name}` ({})", describe(code));
    let refusal = KernelError::at(Place::Program, message);
    match log.tail() {
        Some(tail) => refusal.note(format!("the end of the verifier's log:\n{tail}")),
        None => refusal,
    }
}

/// Where the verifier writes; it lives until the object is loaded.
struct VerifierLog {
    buffer: Vec<c_char>,
}

impl VerifierLog {
    fn new() -> Self {
        Self { buffer: Vec::new() }
    }

    /// Programs are loaded one after the other and the first refusal ends it: one buffer serves all of them.
    fn give_to(&mut self, program: *mut libbpf_sys::bpf_program) {
        if self.buffer.is_empty() {
            self.buffer = vec![0; LOG_BYTES];
        }
        // SAFETY: `program` belongs to an open object; the buffer is neither moved nor freed before the load, which
        // borrows `self` for its error message afterwards. libbpf fills it only when the load fails.
        let code = unsafe { libbpf_sys::bpf_program__set_log_buf(program, self.buffer.as_mut_ptr(), LOG_BYTES as u64) };
        debug_assert_eq!(code, 0, "the object is not loaded yet");
    }

    fn text(&self) -> String {
        if self.buffer.is_empty() {
            return String::new();
        }
        // SAFETY: the buffer was zeroed, and the kernel terminates what it writes into it.
        let text = unsafe { CStr::from_ptr(self.buffer.as_ptr()) };
        text.to_string_lossy().into_owned()
    }

    fn is_empty(&self) -> bool {
        self.text().trim().is_empty()
    }

    /// The last lines, without the statistics that follow the reason.
    fn tail(&self) -> Option<String> {
        let text = self.text();
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.starts_with("processed ") && !line.trim().is_empty()).collect();
        let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
        (!tail.is_empty()).then(|| tail.join("\n"))
    }
}
