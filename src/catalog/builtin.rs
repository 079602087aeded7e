// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs inside the binary: one for each file of `bpf/`.

use std::sync::Arc;

use super::describe::describe;
use super::elf::ObjectError;
use super::object::ObjectBytes;
use super::program::{Catalog, Program, SpanObjects};

/// One object file that build.rs compiled.
struct Object {
    name: &'static str,
    bytes: &'static [u8],
}

/// Bytes at an address that is a multiple of 8, as ELF structures want it.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

macro_rules! aligned {
    ($path:literal) => {{
        static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
        &FILE.0
    }};
}

static OBJECTS: &[Object] = include!(concat!(env!("OUT_DIR"), "/objects.rs"));
static INTERNAL: &[Object] = include!(concat!(env!("OUT_DIR"), "/internal.rs"));

/// The descriptions of the programs in the binary. Fails only if one of them does not follow `bpf/include/program.h`;
/// a test holds that it does not.
pub fn builtin() -> Result<Catalog, ObjectError> {
    let programs = OBJECTS
        .iter()
        .map(|object| {
            let light = internal_object(&format!("{}_light", object.name)).map(ObjectBytes::built_in);
            let part = |name: &str| internal_object(&format!("{}_{name}", object.name)).map(ObjectBytes::built_in);
            let span = part("start").zip(part("span")).map(|(start, end)| SpanObjects { start, end, starts_as: None });
            let this = Program { light, span, ..describe(object.name, ObjectBytes::built_in(object.bytes))? };
            let counting = match internal_object(&format!("{}_counting", object.name)) {
                Some(bytes) => {
                    let span = part("start").zip(part("span_counting")).map(|(start, end)| SpanObjects {
                        start,
                        end,
                        starts_as: Some(Arc::new(this.clone())),
                    });
                    Some(Arc::new(Program { span, ..describe(object.name, ObjectBytes::built_in(bytes))? }))
                }
                None => None,
            };
            Ok(Program { counting, ..this })
        })
        .collect::<Result<_, _>>()?;
    Ok(Catalog::new(programs))
}

/// The object file of `bpf/internal/NAME.bpf.c`: no program that a probe can name.
pub fn internal_object(name: &str) -> Option<&'static [u8]> {
    INTERNAL.iter().find(|object| object.name == name).map(|object| object.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::elf::parts;
    use crate::catalog::{Btf, Named, ParamType, Type};
    use crate::spec::{EndpointSlot, FieldType, OpenSpanSlot, PacketSlot, ParamValue, SockSlot};

    /// Every built-in program describes itself: a sentence, hooks, and something that it reports.
    #[test]
    fn every_program_describes_itself() {
        let catalog = builtin().unwrap();
        assert_eq!(catalog.programs().len(), OBJECTS.len());
        for program in catalog.programs() {
            assert!(!program.doc.is_empty(), "{} has no DOC", program.name);
            assert!(!program.hooks.is_empty(), "{} has no hook", program.name);
            assert!(program.event.is_some() || program.counters.is_some(), "{} reports nothing", program.name);
        }
    }

    /// Values of several parts lie in the records of the programs as `spec::slots` says.
    #[test]
    fn slots_are_laid_out_as_declared() {
        let catalog = builtin().unwrap();
        let parts = parts(&catalog.get("trace").unwrap().object).unwrap();
        let btf = Btf::parse(parts.btf.to_vec()).unwrap();
        let members = |name: &str| {
            let id = btf.find(Named::Composite, name).unwrap();
            let Type::Composite { size, members } = btf.get(id) else { panic!("{name} is a struct") };
            (size, members.into_iter().map(|member| (member.name, member.bit_offset / 8)).collect::<Vec<_>>())
        };
        let at = |name: &str, offset| (name.to_owned(), offset);
        let expected = vec![at("family", 0), at("port", 2), at("path_length", 4), at("ip", 8)];
        assert_eq!(members("endpoint"), (EndpointSlot::SHORT.into(), expected));
        let expected = vec![at("end", 0), at("path", EndpointSlot::SHORT.into())];
        assert_eq!(members("long_endpoint"), (EndpointSlot::LONG.into(), expected));
        let (size, ends) = members("sock_ends");
        assert_eq!((size, ends[1].clone()), (SockSlot::SIZE.into(), at("destination", EndpointSlot::LONG.into())));
        assert_eq!(ends[2..4], [at("family", 272), at("protocol", 274)]);
        assert_eq!(members("packet_parts").0, u32::from(PacketSlot::SIZE));
        let (size, kept) = members("open_span");
        let found = |name| OpenSpanSlot::head(name).unwrap();
        let expected = [at("pid_tgid", found("tid")), at("uid", found("uid"))];
        assert_eq!((size, &kept[2..4], kept[5].1), (OpenSpanSlot::SIZE, &expected[..], found("comm")));
        assert_eq!(kept[0], at("time_ns", OpenSpanSlot::TIME));
    }

    /// What is written into a program's constants fits its light form as well.
    #[test]
    fn light_forms_are_laid_out_alike() {
        let catalog = builtin().unwrap();
        let trace = catalog.get("trace").unwrap();
        let light = describe("trace", trace.light.clone().unwrap()).unwrap();
        let like_trace = |other: Program| Program {
            object: trace.object.clone(),
            light: trace.light.clone(),
            span: trace.span.clone(),
            counting: trace.counting.clone(),
            ..other
        };
        assert_eq!(like_trace(light), **trace);
        let SpanObjects { start, end, .. } = trace.span.clone().unwrap();
        for object in [start, end] {
            assert_eq!(like_trace(describe("trace", object).unwrap()), **trace);
        }
    }

    /// The record of `exec` is read from its BTF: order, kinds, units, absent bits.
    #[test]
    fn exec_event_layout() {
        let catalog = builtin().unwrap();
        let exec = catalog.get("exec").unwrap();
        assert!(exec.has_own_hooks());
        let event = exec.event.as_ref().unwrap();
        let names: Vec<&str> = event.process.iter().chain(&event.fields).map(|field| field.name.as_str()).collect();
        let expected = [
            "pid",
            "tid",
            "uid",
            "comm",
            "event",
            "ppid",
            "exe",
            "cgroup",
            "filename",
            "exit_code",
            "signal",
            "errno",
            "filename_truncated",
            "args_truncated",
            "duration_ns",
            "args",
        ];
        assert_eq!(names, expected);
        assert_eq!((event.time, event.absent), (Some(0), Some(8)));
        let FieldType::Enum(values) = &event.fields[0].kind else { panic!("`event` is an enum") };
        assert_eq!(values.to_vec(), [(0, "exec".to_owned()), (1, "exit".to_owned()), (2, "failed".to_owned())]);
        let duration = &event.fields[10];
        assert_eq!(
            (duration.unit.as_str(), duration.absent_bit, &duration.kind),
            ("ns", Some(11), &FieldType::Unsigned)
        );
        assert_eq!((&event.fields[2].kind, event.fields[2].size), (&FieldType::Path, 260));
        assert_eq!(
            exec.params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
            ["execs_only", "failures_only", "failed", "max_args_bytes", "only_uid"]
        );
        let most = i128::from(u32::MAX - 1);
        assert_eq!(exec.params[4].ty, ParamType::Int { size: 8, signed: true, least: -1, most });
    }

    /// The command line of `exec` has as many bytes as a parameter says, and is the last field of its record.
    #[test]
    fn exec_under_parameters() {
        let catalog = builtin().unwrap();
        let exec = catalog.get("exec").unwrap();
        let args = |bytes: Option<i128>| {
            let params: Vec<_> =
                bytes.map(|bytes| ("max_args_bytes".to_owned(), ParamValue::Int(bytes))).into_iter().collect();
            let layout = exec.event_under(&params).unwrap();
            let field = layout.fields.last().unwrap();
            assert_eq!((field.name.as_str(), field.offset + field.size), ("args", layout.size));
            field.size
        };
        assert_eq!((args(None), args(Some(1)), args(Some(4096))), (516, 5, 4100));
        let attached = |failed: bool| exec.hooks_under(&[("failed".to_owned(), ParamValue::Bool(failed))]).count();
        assert_eq!((attached(false), attached(true), exec.hooks_under(&[]).count()), (2, 6, 2));
    }

    /// The counters of `packet_count` come from its map: an enum as key, two counters as value.
    #[test]
    fn packet_count_counters() {
        let catalog = builtin().unwrap();
        let counters = catalog.get("packet_count").unwrap().counters.as_ref().unwrap();
        assert_eq!((counters.key_size, counters.value_size, counters.row.size), (4, 16, 20));
        let FieldType::Enum(values) = &counters.row.fields[0].kind else { panic!("the key is an enum") };
        assert_eq!(values[0], (0, "tcp".to_owned()));
        assert_eq!(counters.row.fields[2].unit, "bytes");
    }
}
