// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is needed of an object file: its BTF, its functions by section, the initial bytes of `.rodata`.

use std::collections::HashMap;

use object::Endianness;
use object::elf::{FileHeader64, SHF_EXECINSTR, STT_FUNC, STT_OBJECT};
use object::read::elf::{FileHeader, SectionHeader, Sym};

/// Why an object file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectError(pub(in crate::catalog) String);

impl std::fmt::Display for ObjectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ObjectError {}

/// The parts of an object file.
pub(super) struct Parts<'data> {
    pub(super) btf: &'data [u8],
    pub(super) rodata: &'data [u8],
    /// Section name and function name, in the order of the file.
    pub(super) functions: Vec<(String, String)>,
    /// Where the variables of `.rodata` are in it. In BTF, clang leaves these offsets 0; only a linker fills them in.
    pub(super) constants: HashMap<String, u32>,
}

/// Takes an object file apart. `data` must be aligned to 8 bytes.
pub(super) fn parts(data: &[u8]) -> Result<Parts<'_>, ObjectError> {
    let broken = |error: object::read::Error| ObjectError(format!("not a BPF object file: {error}"));
    let header = FileHeader64::<Endianness>::parse(data).map_err(broken)?;
    let endian = header.endian().map_err(broken)?;
    if header.e_machine(endian) != object::elf::EM_BPF {
        return Err(ObjectError("not a BPF object file: it is for another architecture".to_owned()));
    }
    let sections = header.sections(endian, data).map_err(broken)?;
    let content = |name: &[u8]| match sections.section_by_name(endian, name) {
        Some((_, section)) => section.data(endian, data).map_err(broken),
        None => Ok(&[][..]),
    };
    let btf = content(b".BTF")?;
    if btf.is_empty() {
        return Err(ObjectError("the object file has no BTF: compile it with `clang -g`".to_owned()));
    }
    let symbols = sections.symbols(endian, data, object::elf::SHT_SYMTAB).map_err(broken)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut functions: Vec<(usize, u64, String, String)> = Vec::new();
    let mut constants = HashMap::new();
    for (index, symbol) in symbols.enumerate() {
        let Ok(Some(section_index)) = symbols.symbol_section(endian, symbol, index) else { continue };
        let section = sections.section(section_index).map_err(broken)?;
        let executable = section.sh_flags(endian).contains(SHF_EXECINSTR);
        let (kind, value) = (symbol.st_type(), symbol.st_value(endian));
        if kind != STT_OBJECT && (kind != STT_FUNC || !executable) {
            continue;
        }
        let section_name = text(sections.section_name(endian, section).map_err(broken)?);
        let name = text(symbols.symbol_name(endian, symbol).map_err(broken)?);
        if kind == STT_FUNC {
            functions.push((section_index.0, value, section_name, name));
        } else if section_name == ".rodata" {
            constants.insert(name, u32::try_from(value).unwrap_or(u32::MAX));
        }
    }
    functions.sort();
    let functions = functions.into_iter().map(|(_, _, section, name)| (section, name)).collect();
    Ok(Parts { btf, rodata: content(b".rodata")?, functions, constants })
}
