// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where in a program or library a uprobe may be. The kernel writes a breakpoint over whatever is there, so what is no
//! instruction must be refused here.

use std::path::Path;

use super::binaries::{Binaries, Opened, unusable};
use super::file::BinaryFile;
use super::names::Near;
use super::probes::{is_nop, sites};
use crate::catalog::{
    Binary, BinaryFunction, Bytes as _, Lookup, ObjectError, UserProbe, Written, demangle, instruction_at, is_cold,
};
use crate::kernel::error::KernelError;
use crate::spec::{Place, UserPlace, UserPoint};
use crate::words::{list, suggest};

/// Bytes of a function that are read at most to see where its instructions begin.
const MOST_CODE: u64 = 1 << 20;
/// Bytes of the longest instruction.
const LONGEST: u64 = 16;
/// Versions of a function that a message names.
const MOST_VERSIONS: usize = 8;

/// A place in a file that can be executed, and the file itself, open.
pub(in crate::kernel) struct Located {
    pub(in crate::kernel) file: Opened,
    /// Bytes into it.
    pub(in crate::kernel) offset: u64,
    /// An instruction begins there for certain: that of a function, or of a probe.
    begins: bool,
    /// Each place of a probe that the source names; empty for everything else.
    pub(in crate::kernel) sites: Vec<UserProbe>,
}

/// The bytes at a place, as many as an instruction may have; fewer at the end of the file are zero.
pub(in crate::kernel) type Instruction = [u8; LONGEST as usize];

impl Located {
    /// What is there.
    pub(in crate::kernel) fn instruction(&self) -> Instruction {
        let (bytes, mut code) = (self.file.binary.bytes(), [0; LONGEST as usize]);
        let length = bytes.size().saturating_sub(self.offset).min(LONGEST) as usize;
        // What cannot be read is for the kernel to refuse.
        let _ = bytes.read_at(self.offset, &mut code[..length]);
        code
    }
}

impl Located {
    /// What can happen at the return of a function of C++ or Rust, in one sentence; `None` where its file has nothing to do with either.
    ///
    /// The kernel puts an address of its own in the place of the one to return to. Anyone who unwinds the stack meets it there, knows
    /// no function of it, and calls `std::terminate()`: tried on Linux 6.18.
    pub(in crate::kernel) fn danger(&self, point: &UserPoint) -> Option<String> {
        let unwinds = self.file.binary.unwinds().unwrap_or(false);
        unwinds.then(|| {
            let (file, place) = (self.file.path.display(), &point.place);
            format!(
                "an exception or panic that leaves `{place}` would end the program: `{file}` can throw, and \
                     unwinding stops at a uretprobe"
            )
        })
    }
}

impl Binaries {
    /// The file and the place in it that a point stands for.
    pub(in crate::kernel) fn locate(&self, point: &UserPoint) -> Result<Located, KernelError> {
        let located = self.located(point)?;
        if !located.begins {
            check_instruction(point, &located)?;
        }
        Ok(located)
    }

    /// The same for a probe at the return of a function: to know of that, the kernel writes its own address over the one that
    /// lies on the stack when the function begins. Anywhere else it would write over something else.
    pub(in crate::kernel) fn locate_return(&self, point: &UserPoint) -> Result<Located, KernelError> {
        let located = self.located(point)?;
        let Located { file: Opened { path, binary, .. }, offset, begins, .. } = &located;
        let file = path.display();
        if binary.entry() == Some(*offset) {
            let message = format!("`{file}` starts to run here: nothing calls this code, so it does not return");
            let help = "a uretprobe would overwrite the program's arguments";
            return Err(KernelError::new(Place::Target, message, help));
        }
        if binary.is_go() {
            // https://github.com/golang/go/issues/22008
            let message = format!("`{file}` is a Go program: it moves its stacks, and a uretprobe would crash it");
            let help = "a `uprobe` of its functions is safe";
            return Err(KernelError::new(Place::Binary, message, help));
        }
        if let UserPlace::Symbol { name, .. } = &point.place
            && is_cold(name.strip_suffix(']').unwrap_or(name))
        {
            let message = format!("`{name}` is a part that its function jumps to: it does not return");
            let help = "a uretprobe would overwrite the function's own data; probe the function itself";
            return Err(KernelError::new(Place::Target, message, help));
        }
        if *begins {
            return Ok(located);
        }
        match binary.around(*offset).map_err(|error| unusable(path, &error))? {
            Some(function) if function.offset != *offset => {
                let message = format!("{offset:#x} bytes into `{file}` is the middle of `{}`", function.name);
                let help = format!("a uretprobe must be at the start of a function: {:#x}", function.offset);
                Err(KernelError::new(Place::Target, message, help))
            }
            Some(_) | None => Ok(located),
        }
    }

    fn located(&self, point: &UserPoint) -> Result<Located, KernelError> {
        let file = self.of(point)?;
        let Opened { path, binary, .. } = &file;
        let (offset, begins) = match &point.place {
            UserPlace::Symbol { name, offset, .. } => {
                let function = function(binary, name, path)?;
                if function.size != 0 && *offset >= function.size {
                    // The caret shows the number as it is written, which may be decimal.
                    let message = format!("`{name}` ends after {} bytes: this offset is past its end", function.size);
                    return Err(KernelError::at(Place::Entry(point.place.to_string()), message));
                }
                (function.offset.saturating_add(*offset), *offset == 0)
            }
            UserPlace::Offset(offset) if binary.is_code(*offset) => (*offset, false),
            UserPlace::Offset(offset) => {
                let ranges = binary.code().take(4).map(|(begin, end)| format!("{begin:#x} to {end:#x}"));
                let help = format!("its code lies at {}", ranges.collect::<Vec<_>>().join(" and "));
                let message = format!("there is no code {offset:#x} bytes into `{}`", path.display());
                return Err(KernelError::new(Place::Target, message, help));
            }
            UserPlace::Probe { provider, name } => return at_probe(file, provider, name),
        };
        Ok(Located { file, offset, begins, sites: Vec::new() })
    }
}

/// Notes can be wrong, and a breakpoint in the middle of an instruction breaks the program: only what does nothing there is taken.
fn at_probe(file: Opened, provider: &str, name: &str) -> Result<Located, KernelError> {
    let sites = sites(&file, provider, name)?;
    for site in &sites {
        let mut code = [0; 5];
        let bytes = file.binary.bytes();
        let length = bytes.size().saturating_sub(site.offset).min(5) as usize;
        let is_read = bytes.read_at(site.offset, &mut code[..length]).is_ok();
        if !is_read || !is_nop(&code) {
            let message = format!(
                "the notes of `{}` are wrong: `{provider}:{name}` is not at {:#x}",
                file.path.display(),
                site.offset
            );
            return Err(KernelError::new(Place::Target, message, "something has changed the file after it was linked"));
        }
    }
    let offset = sites.first().map_or(0, |site| site.offset);
    Ok(Located { file, offset, begins: true, sites })
}

/// An instruction begins there, as far as can be known: where a file does not say which function the place is in, anyone who wrote
/// it has to know.
fn check_instruction(point: &UserPoint, located: &Located) -> Result<(), KernelError> {
    let Located { file: Opened { path, binary, .. }, offset, .. } = located;
    let around = binary.around(*offset).map_err(|error| unusable(path, &error))?;
    let Some(function) = around.filter(|function| offset - function.offset <= MOST_CODE) else { return Ok(()) };
    let into = offset - function.offset;
    let mut code = vec![0; (into + LONGEST).min(function.size) as usize];
    // What cannot be read now is for the kernel to refuse.
    let Ok(()) = binary.bytes().read_at(function.offset, &mut code) else { return Ok(()) };
    let Err((before, behind)) = instruction_at(&code, into as usize) else { return Ok(()) };
    let (place, base) = match &point.place {
        UserPlace::Symbol { .. } => (Place::Entry(point.place.to_string()), 0),
        UserPlace::Offset(_) | UserPlace::Probe { .. } => (Place::Target, function.offset),
    };
    let [before, behind] = [before, behind].map(|at| base + at as u64);
    let message = format!("the middle of an instruction of `{}`: a uprobe would break the program", function.name);
    let help = format!("instructions begin at {before:#x} and {behind:#x} (`objdump -d` shows them)");
    Err(KernelError::new(place, message, help))
}

/// The function of a name that can be probed.
fn function(binary: &Binary<BinaryFile>, name: &str, path: &Path) -> Result<BinaryFunction, KernelError> {
    let failed = |error: ObjectError| unusable(path, &error);
    let file = path.display();
    let (message, help) = match binary.find(name).map_err(failed)? {
        Lookup::One(function) if !function.chooses => return Ok(function),
        Lookup::One(_) => (
            format!("`{name}` of `{file}` only selects, once in a process, the function that this name calls"),
            "probe a function that calls it".to_owned(),
        ),
        Lookup::Missing if binary.is_stripped() => (
            format!("`{file}` has no function symbols: it is stripped"),
            "set `offset` to the position of the function in the file".to_owned(),
        ),
        Lookup::Missing => match meant(binary, name).map_err(failed)?.as_mut_slice() {
            [] => match binary.untyped(name).map_err(failed)? {
                Some(place) => (
                    format!("`{name}` of `{file}` is not marked as a function: the symbol has no type"),
                    format!("if one begins there, name its place in the file: `offset: {place:#x}`"),
                ),
                None => {
                    let error = KernelError::at(Place::Target, format!("`{file}` has no function `{name}`"));
                    return Err(error.maybe_help(instead(binary, name, path).map_err(failed)?));
                }
            },
            [one] => return Ok(std::mem::take(one)),
            several => (format!("`{file}` has {} functions named `{name}`", several.len()), one_of(several)),
        },
        Lookup::Several(functions) => {
            let places: Vec<String> = functions.iter().map(|function| format!("{:#x}", function.offset)).collect();
            let places = list(places.iter().map(String::as_str), 8);
            (
                format!("`{file}` has {} functions named `{name}`", functions.len()),
                format!("choose one by its position in the file: `offset` {places}"),
            )
        }
    };
    Err(KernelError::new(Place::Target, message, help))
}

/// The functions that C++ and Rust know by this name.
pub(in crate::kernel) fn meant(binary: &Binary<BinaryFile>, name: &str) -> Result<Vec<BinaryFunction>, ObjectError> {
    if name.contains('@') { Ok(Vec::new()) } else { binary.in_source(&Written::new(name)) }
}

/// How to name one of several functions of C++ or Rust that have one name.
fn one_of(several: &[BinaryFunction]) -> String {
    let names: Vec<String> = several.iter().filter_map(|function| demangle(&function.name)).collect();
    let distinct = names.iter().collect::<std::collections::BTreeSet<_>>().len() == several.len();
    // The language of files takes empty brackets for a slip where there is nothing else of C++.
    let can_be_written = |name: &String| !name.ends_with("()") || name.contains("::");
    if distinct && names.iter().all(can_be_written) {
        return format!("choose one of {}", list(names.iter().map(String::as_str), 8));
    }
    let places = several.iter().map(|function| match demangle(&function.name) {
        Some(name) => format!("{:#x} ({name})", function.offset),
        None => format!("{:#x}", function.offset),
    });
    let places: Vec<String> = places.collect();
    format!("choose one by its position in the file: `offset` {}", list(places.iter().map(String::as_str), 8))
}

/// What a binary has for somebody who wanted this function.
pub(in crate::kernel) fn instead(
    binary: &Binary<BinaryFile>,
    name: &str,
    path: &Path,
) -> Result<Option<String>, ObjectError> {
    let bare = name.split_once('@').map_or(name, |(bare, _)| bare);
    let (mut versions, mut is_there) = (std::collections::BTreeSet::new(), false);
    let mut near = Near::new(name);
    binary.names(|known| {
        near.see(known);
        is_there |= known == bare;
        let is_version = known.strip_prefix(bare).is_some_and(|rest| rest.starts_with('@'));
        if is_version && versions.len() < MOST_VERSIONS {
            versions.insert(known.to_owned());
        }
    })?;
    let versions = || list(versions.iter().map(String::as_str), MOST_VERSIONS);
    match (bare != name, is_there) {
        (true, true) => {
            let older = Some(versions()).filter(|found| !found.is_empty());
            let older = older.map_or_else(String::new, |found| format!("; older ones are {found}"));
            return Ok(Some(format!("it has `{bare}`, which programs link to{older}")));
        }
        (_, false) if !versions().is_empty() => {
            return Ok(Some(format!("it only has {}, for programs linked long ago", versions())));
        }
        (true, false) | (false, _) => {}
    }
    if let Some(last) = last_of_path(name) {
        return Ok(Some(format!("`ebpf-run hooks '*{last}*' --binary {}` shows what it has", path.display())));
    }
    Ok(suggest(name, near.names().iter().map(String::as_str), ""))
}

/// `push_back` of `std::vector<int>::push_back(int)`; `None` for a name without a path.
fn last_of_path(name: &str) -> Option<&str> {
    let (mut depth, mut begin, mut end) = (0_u32, None, name.len());
    for (at, c) in name.char_indices() {
        match c {
            ':' if depth == 0 && name[at..].starts_with("::") => (begin, end) = (Some(at + 2), name.len()),
            '<' | '(' => {
                if depth == 0 && end == name.len() && begin != Some(at) {
                    end = at;
                }
                depth += 1;
            }
            '>' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    begin.and_then(|begin| name.get(begin..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last name of a path is found after templates and before parameters, which have paths of their own.
    #[test]
    fn last_names() {
        for (name, last) in [
            ("ns::f", Some("f")),
            ("ns::f(std::vector<std::string>)", Some("f")),
            ("std::vector<int>::push_back", Some("push_back")),
            ("int ns::sum<int>(int)", Some("sum")),
            ("<a::Foo<i32> as a::Tr>::run", Some("run")),
            ("(anonymous namespace)::hidden", Some("hidden")),
            ("ns::", Some("")),
            ("f(a::B)", None),
            ("main", None),
        ] {
            assert_eq!(last_of_path(name), last, "{name}");
        }
    }
}
