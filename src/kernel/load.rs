// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens a program's object, specialises it for one probe, and has the kernel verify it.

use std::sync::Arc;

use libbpf_rs::{ObjectBuilder, OpenObject};

use super::error::KernelError;
use super::generation::Generation;
use super::hook::of;
use super::host::{Host, descriptors};
use super::loaded::Loaded;
use super::prepared::Prepared;
use super::span::{self, Others};
use super::specialise::{give_sets, give_tables, is_light, specialise};
use super::verify::{VerifierLog, open_failed, refused, select_functions, size_maps, tell_arguments, verify};
use crate::catalog::{FunctionAt, Program};
use crate::spec::ProbeSpec;

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
        let open = |error: &libbpf_rs::Error| open_failed(program, error);
        let mut builder = ObjectBuilder::default();
        let bytes = match (&prepared.span, &program.span) {
            (Some(_), Some(objects)) => &objects.end,
            (Some(_) | None, _) => program.light.as_ref().filter(|_| is_light(prepared)).unwrap_or(&program.object),
        };
        let mut object = builder.open_memory(bytes).map_err(|error| open(&error))?;
        let functions = attached_first(spec, program, prepared);
        let mut log = VerifierLog::new();
        select_functions(&mut object, &functions, &mut log);
        size_maps(&mut object, spec, program).map_err(|error| open(&error))?;
        if let Some(running) = running {
            keep_maps(&mut object, running, spec, program).map_err(|error| open(&error))?;
        }
        if let Some(span) = &prepared.span {
            span::size_map(&mut object, span, 0, running).map_err(|error| open(&error))?;
        }
        give_sets(&mut object, program, prepared).map_err(|error| open(&error))?;
        give_tables(&mut object, prepared).map_err(|error| open(&error))?;
        specialise(&mut object, spec, program, prepared, host)?;
        if let Some(span) = &prepared.span {
            span::specialise_hook(&mut object, program, span, 0)?;
        }
        for FunctionAt { function, hook } in &functions {
            (of(hook.kind).prepare)(&mut object, function, hook, host).map_err(|error| error.of_hook_in(spec))?;
        }
        match verify(object) {
            Ok(object) => {
                tell_arguments(&object, spec, host)?;
                let others = match &prepared.span {
                    Some(span) => span::load_others(&object, spec, program, (span, &prepared.tables), host)?,
                    None => Others::default(),
                };
                let loaded = Self { object, functions, others, span: prepared.span.clone(), open: None };
                let open = loaded.find_open_spans().map(Arc::new);
                Ok(Self { open, ..loaded })
            }
            Err(code) => Err(refused(spec, program, code, &log, host)),
        }
    }
}

/// The functions of the probe's own hook.
fn attached_first(spec: &ProbeSpec, program: &Program, prepared: &Prepared) -> Vec<FunctionAt> {
    match prepared.span.as_ref().and_then(|span| span.parts.first()) {
        Some(end) => program.attached_for(&span::spec_of(spec, &end.hook)),
        None => program.attached_for(spec),
    }
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
