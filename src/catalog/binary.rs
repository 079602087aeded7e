// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of a program or library, and where its code is: what a uprobe can be at.

use object::elf::{
    ET_DYN, ET_EXEC, FileHeader64, PF_X, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB, STB_WEAK, STT_FUNC, STT_GNU_IFUNC,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionTable, Sym, VersionTable};
use object::{Endianness, ReadRef};

use super::elf::ObjectError;

/// A function of a program or library.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BinaryFunction {
    /// Its name in the file. Where a library keeps several versions, all but the default one carry it: `f@GLIBC_2.2.5`.
    pub name: String,
    /// Bytes into the file.
    pub offset: u64,
    /// Bytes of its code; 0 where the file does not say.
    pub size: u64,
    /// Another function of the same name goes before it.
    pub weak: bool,
    /// A function that chooses, when the program starts, the one that is called by this name (`STT_GNU_IFUNC`).
    pub chooses: bool,
}

/// What is known of a program or library.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binary {
    functions: Vec<BinaryFunction>,
    /// Begin and end in the file of what is executable.
    code: Vec<(u64, u64)>,
    entry: Option<u64>,
    is_go: bool,
}

/// What a file has under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// One function.
    One(&'a BinaryFunction),
    /// None.
    Missing,
    /// So many at different places.
    Several(usize),
}

impl Binary {
    /// Reads the tables of symbols and the segments. Fails for what is no 64-bit program or library of this architecture.
    pub fn parse<'data, R: ReadRef<'data>>(data: R) -> Result<Self, ObjectError> {
        let broken = |error: object::read::Error| ObjectError(format!("not a 64-bit ELF file: {error}"));
        let header = FileHeader64::<Endianness>::parse(data).map_err(broken)?;
        let endian = header.endian().map_err(broken)?;
        if ![ET_EXEC, ET_DYN].contains(&header.e_type(endian)) {
            return Err(ObjectError("neither a program nor a library, but another kind of ELF file".to_owned()));
        }
        if header.e_machine(endian) != MACHINE {
            return Err(ObjectError("it was compiled for another machine".to_owned()));
        }
        let segments = header.program_headers(endian, data).map_err(broken)?;
        let loaded = segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
        let executable = loaded.filter(|segment| segment.p_flags(endian).contains(PF_X));
        // Begin in memory, begin and end in the file.
        let code: Vec<(u64, u64, u64)> = executable
            .map(|segment| {
                let (begin, size) = segment.file_range(endian);
                (segment.p_vaddr(endian), begin, begin.saturating_add(size))
            })
            .collect();
        let sections = header.sections(endian, data).map_err(broken)?;
        let mut functions = read_functions(endian, data, &sections, &code).map_err(broken)?;
        functions.sort();
        // The same function stands in both tables.
        functions.dedup_by(|a, b| (&a.name, a.offset) == (&b.name, b.offset));
        let entry = place_in_file(&code, header.e_entry(endian));
        let is_go = GO_SECTIONS.iter().any(|name| sections.section_by_name(endian, name).is_some());
        let code = code.into_iter().map(|(_, begin, end)| (begin, end)).collect();
        Ok(Self { functions, code, entry, is_go })
    }

    /// Its functions by name; none where it is stripped of both its tables of symbols.
    pub fn functions(&self) -> &[BinaryFunction] {
        &self.functions
    }

    /// Their names, each once, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let first = |at: &usize| *at == 0 || self.functions[*at - 1].name != self.functions[*at].name;
        (0..self.functions.len()).filter(first).map(|at| self.functions[at].name.as_str())
    }

    /// The function of a name: the only one, or the only one that is not weak.
    pub fn find(&self, name: &str) -> Lookup<'_> {
        // The default version may be written with its sign: `f@@GLIBC_2.34`.
        let name = name.split_once("@@").map_or(name, |(bare, _)| bare);
        let begin = self.functions.partition_point(|function| function.name.as_str() < name);
        let found = &self.functions[begin..];
        let found = &found[..found.partition_point(|function| function.name == name)];
        let mut strong = found.iter().filter(|function| !function.weak);
        match (found, strong.next(), strong.count()) {
            ([], _, _) => Lookup::Missing,
            ([only], _, _) | (_, Some(only), 0) => Lookup::One(only),
            // Of several weak ones, the loader takes the first; here, there is no first.
            (all, None, _) => Lookup::Several(all.len()),
            (_, Some(_), more) => Lookup::Several(more + 1),
        }
    }

    /// Where a program begins to run, in bytes into the file; `None` for most libraries.
    pub fn entry(&self) -> Option<u64> {
        self.entry
    }

    /// The function that this place in the file belongs to; of several, one that begins there.
    pub fn around(&self, offset: u64) -> Option<&BinaryFunction> {
        let is_around = |function: &&BinaryFunction| {
            offset.checked_sub(function.offset).is_some_and(|into| into == 0 || into < function.size)
        };
        self.functions.iter().filter(is_around).max_by_key(|function| function.offset)
    }

    /// True if the Go toolchain made it.
    pub fn is_go(&self) -> bool {
        self.is_go
    }

    /// Begin and end in the file of what is executable.
    pub fn code(&self) -> impl Iterator<Item = (u64, u64)> {
        self.code.iter().copied()
    }

    /// True for a place in the file that a program executes.
    pub fn is_code(&self, offset: u64) -> bool {
        self.code.iter().any(|(begin, end)| (*begin..*end).contains(&offset))
    }
}

#[cfg(target_arch = "x86_64")]
const MACHINE: object::elf::Machine = object::elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: object::elf::Machine = object::elf::EM_AARCH64;

/// What only Go binaries have, stripped ones as well (`cmd/link/internal/ld/data.go`).
const GO_SECTIONS: [&[u8]; 2] = [b".go.buildinfo", b".note.go.buildid"];

/// Bytes into the file of an address in memory. `code` has begin in memory, begin and end in the file.
fn place_in_file(code: &[(u64, u64, u64)], address: u64) -> Option<u64> {
    code.iter().find_map(|(memory, begin, end)| {
        let into = address.checked_sub(*memory).filter(|into| *into < end.saturating_sub(*begin))?;
        Some(begin + into)
    })
}

type Header = FileHeader64<Endianness>;

fn read_functions<'data, R: ReadRef<'data>>(
    endian: Endianness,
    data: R,
    sections: &SectionTable<'data, Header, R>,
    code: &[(u64, u64, u64)],
) -> object::read::Result<Vec<BinaryFunction>> {
    let mut functions = Vec::new();
    for table in [SHT_SYMTAB, SHT_DYNSYM] {
        let symbols = sections.symbols(endian, data, table)?;
        let versions = if table == SHT_DYNSYM { sections.versions(endian, data)? } else { None };
        for (index, symbol) in symbols.enumerate() {
            let kind = symbol.st_type();
            let address = symbol.st_value(endian);
            // A function that is only used here has no address here.
            let offset = place_in_file(code, address).filter(|_| kind == STT_FUNC || kind == STT_GNU_IFUNC);
            let Some(offset) = offset else { continue };
            let name = String::from_utf8_lossy(symbols.symbol_name(endian, symbol)?).into_owned();
            functions.push(BinaryFunction {
                name: versioned(name, endian, versions.as_ref(), index)?,
                offset,
                size: symbol.st_size(endian),
                weak: symbol.st_bind() == STB_WEAK,
                chooses: kind == STT_GNU_IFUNC,
            });
        }
    }
    Ok(functions)
}

/// The name with its version where that is not the default one. A table for debuggers has both in the name.
fn versioned(
    name: String,
    endian: Endianness,
    versions: Option<&VersionTable<'_, Header>>,
    index: object::SymbolIndex,
) -> object::read::Result<String> {
    if let Some((bare, _)) = name.split_once("@@") {
        return Ok(bare.to_owned());
    }
    let Some(versions) = versions else { return Ok(name) };
    let number = versions.version_index(endian, index);
    match versions.version(number.index())? {
        Some(version) if number.is_hidden() => Ok(format!("{name}@{}", String::from_utf8_lossy(version.name()))),
        Some(_) | None => Ok(name),
    }
}
