// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of a program or library, and where its code is: what a uprobe can be at.
//!
//! Anybody can make such a file, and some are made to take a reader's memory and time. Of a file, only headers and tables are
//! read, piece by piece; what stays in memory is eight bytes for each function. All counts are bounded, and a file beyond
//! them is refused:
//!
//! ```text
//! symbols  8,388,608   of them functions  2,097,152   bytes of their names  256 MiB   of one name  4,095
//! ```

mod bytes;
mod headers;
mod names;
mod note;
mod probes;
mod sources;
mod versions;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use object::elf::{STB_WEAK, STT_FUNC, STT_GNU_IFUNC};

pub use self::bytes::Bytes;
use self::bytes::{broken, number, read};
use self::headers::{Code, Headers, ProbeNotes, Symbols};
use self::names::Names;
use self::versions::Versions;
use super::elf::ObjectError;

pub use self::headers::is_for_this_machine;
pub use probes::UserProbe;

/// A function of a program or library.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BinaryFunction {
    /// Bytes into the file.
    pub offset: u64,
    /// Another function of the same name goes before it.
    pub weak: bool,
    /// Bytes of its code; 0 where the file does not say.
    pub size: u64,
    /// A function that chooses, when the program starts, the one that is called by this name (`STT_GNU_IFUNC`).
    pub chooses: bool,
    /// Its name in the file. Where a library keeps several versions, all but the default one carry it: `f@GLIBC_2.2.5`.
    pub name: String,
}

/// What is known of a program or library: an index of its functions, and the file itself for everything else.
#[derive(Debug)]
pub struct Binary<B> {
    bytes: B,
    code: Vec<Code>,
    entry: Option<u64>,
    is_go: bool,
    is_stripped: bool,
    build_id: Vec<u8>,
    symbols: Vec<Symbols>,
    probes: ProbeNotes,
    versions: Versions,
    hasher: RandomState,
    /// Its functions in the order of the hashes of their names.
    index: Vec<Indexed>,
}

/// A function: what its name hashes to, and which symbol it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Indexed {
    /// While the index is made, where its name is in the table of names.
    name: u32,
    symbol: SymbolId,
}

/// The number of a symbol in its table, and, as the highest bit, whether that is the table of dynamic symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SymbolId(u32);

/// A symbol's entry, and its name.
type InTable = ([u8; SYMBOL], Vec<u8>);

const DYNAMIC: u32 = 1 << 31;
/// Bytes of an entry (`Elf64_Sym`).
const SYMBOL: usize = 24;
const MOST_SYMBOLS: u64 = 8 << 20;
const MOST_FUNCTIONS: usize = 2 << 20;
/// Functions of one name that are looked at.
const MOST_OF_A_NAME: usize = 1024;

/// What a file has under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// One function.
    One(BinaryFunction),
    /// None.
    Missing,
    /// These at different places, in the order of the file; of very many, 1,024, which may be one and the same.
    Several(Vec<BinaryFunction>),
}

impl<B: Bytes> Binary<B> {
    /// Reads the headers, and makes the index of functions. Fails for what is no 64-bit program or library of this
    /// architecture, and for one that has more of something than programs have.
    pub fn parse(bytes: B) -> Result<Self, ObjectError> {
        let headers = Headers::read(&bytes)?;
        let most = headers.symbols.iter().map(|table| table.entries.size / SYMBOL as u64).max().unwrap_or(0);
        if most > MOST_SYMBOLS {
            return Err(broken(&format!("it has {most} symbols, more than any real program")));
        }
        let versions = Versions::read(&bytes, &headers, (most as usize).min(MOST_FUNCTIONS))?;
        let build_id = note::build_id(&bytes, &headers.notes)?;
        let Headers { code, entry, symbols, is_go, probes, .. } = headers;
        let entry = place_in_file(&code, entry);
        let (hasher, index) = (RandomState::new(), Vec::new());
        let is_stripped = true;
        let mut binary =
            Self { bytes, code, entry, is_go, is_stripped, build_id, symbols, probes, versions, hasher, index };
        let mut count = 0;
        binary.each_function(|_, _, _| count += 1)?;
        // Room for all at once: to grow would take half as much again.
        let mut index = Vec::with_capacity(count);
        binary.each_name(|name, symbol| {
            // Half of the hash tells names apart well enough: what is found is compared.
            index.push(Indexed { name: binary.hash(name), symbol });
        })?;
        index.sort_unstable();
        (binary.index, binary.is_stripped) = (index, count == 0);
        Ok(binary)
    }

    /// True where no table of symbols has functions.
    pub fn is_stripped(&self) -> bool {
        self.is_stripped
    }

    /// How many functions its tables of symbols name. One that stands in both counts twice.
    pub fn function_count(&self) -> usize {
        self.index.len()
    }

    /// Bytes of memory that it takes, but for some that each takes.
    pub fn kept_bytes(&self) -> usize {
        self.index.len() * size_of::<Indexed>() + self.versions.kept_bytes()
    }

    /// Shows the name of each function, in no order, and that of one in both tables twice. It takes a while for a large file:
    /// all names are read.
    pub fn names(&self, mut see: impl FnMut(&str)) -> Result<(), ObjectError> {
        self.each_name(|name, _| see(name))
    }

    /// The function of a name: the only one, or the only one that is not weak. A version may follow it: `f@GLIBC_2.2.5`,
    /// or `f@@GLIBC_2.34` of the default one, for which one sign will do.
    pub fn find(&self, name: &str) -> Result<Lookup, ObjectError> {
        let Some((bare, version)) = name.split_once('@') else { return self.find_whole(name) };
        let version = version.strip_prefix('@').unwrap_or(version);
        if let Some(function) = self.default_version(bare, version)? {
            return Ok(Lookup::One(function));
        }
        self.find_whole(&format!("{bare}@{version}"))
    }

    fn find_whole(&self, name: &str) -> Result<Lookup, ObjectError> {
        let hash = self.hash(name);
        let begin = self.index.partition_point(|indexed| indexed.name < hash);
        let mut found = Vec::new();
        for (at, indexed) in self.index[begin..].iter().take_while(|indexed| indexed.name == hash).enumerate() {
            if at >= MOST_OF_A_NAME {
                return Ok(Lookup::Several(found));
            }
            let function = self.function(indexed.symbol)?;
            found.extend(function.filter(|function| function.name == name));
        }
        found.sort_unstable();
        // The same function stands in both tables.
        found.dedup_by_key(|function| function.offset);
        let strong = found.iter().filter(|function| !function.weak).count();
        Ok(match (found.len(), strong) {
            (0, _) => Lookup::Missing,
            (1, _) => Lookup::One(found.remove(0)),
            // Of several weak ones, the loader takes the first; here, there is no first.
            (_, 0) => Lookup::Several(found),
            (_, one) => {
                found.retain(|function| !function.weak);
                if one == 1 { Lookup::One(found.remove(0)) } else { Lookup::Several(found) }
            }
        })
    }

    /// Where a program begins to run, in bytes into the file; `None` for most libraries.
    pub fn entry(&self) -> Option<u64> {
        self.entry
    }

    /// The function that this place in the file belongs to; of several, one that begins there. Looks at all symbols.
    pub fn around(&self, offset: u64) -> Result<Option<BinaryFunction>, ObjectError> {
        let mut nearest: Option<(u64, SymbolId)> = None;
        self.each_function(|symbol, begin, entry| {
            let into = offset.checked_sub(begin);
            let is_around = into.is_some_and(|into| into == 0 || into < number::<8>(entry, 16));
            if is_around && nearest.is_none_or(|(known, _)| known < begin) {
                nearest = Some((begin, symbol));
            }
        })?;
        nearest.map_or(Ok(None), |(_, symbol)| self.function(symbol))
    }

    /// True if the Go toolchain made it.
    pub fn is_go(&self) -> bool {
        self.is_go
    }

    /// What its linker calls this very build (`NT_GNU_BUILD_ID`), in hexadecimal digits; empty where it has none.
    pub fn build_id(&self) -> String {
        self.build_id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Begin and end in the file of what is executable.
    pub fn code(&self) -> impl Iterator<Item = (u64, u64)> {
        self.code.iter().map(|code| (code.begin, code.end))
    }

    /// True for a place in the file that a program executes.
    pub fn is_code(&self, offset: u64) -> bool {
        self.code().any(|(begin, end)| (begin..end).contains(&offset))
    }

    /// The file that all of this is about.
    pub fn bytes(&self) -> &B {
        &self.bytes
    }

    fn hash(&self, name: &str) -> u32 {
        self.hasher.hash_one(name) as u32
    }

    /// Goes through the symbols of functions that are in this file: with the place in it, and the entry of the table.
    fn each_function(&self, mut see: impl FnMut(SymbolId, u64, &[u8; SYMBOL])) -> Result<(), ObjectError> {
        for table in &self.symbols {
            self.functions_of(table, &mut see)?;
        }
        Ok(())
    }

    fn functions_of(
        &self,
        table: &Symbols,
        mut see: impl FnMut(SymbolId, u64, &[u8; SYMBOL]),
    ) -> Result<(), ObjectError> {
        let (mut count, which) = (0, if table.dynamic { DYNAMIC } else { 0 });
        table.entries.entries(&self.bytes, |index, entry: &[u8; SYMBOL]| {
            // A function that is only used here has no address here.
            let place = is_function(entry).then(|| place_in_file(&self.code, number::<8>(entry, 8)));
            if let Some(place) = place.flatten() {
                count += 1;
                see(SymbolId(index | which), place, entry);
            }
            if count > MOST_FUNCTIONS { Err(broken("it has too many functions")) } else { Ok(()) }
        })
    }

    /// Goes through the names of functions, in the order of the tables of names.
    fn each_name(&self, mut see: impl FnMut(&str, SymbolId)) -> Result<(), ObjectError> {
        let mut left = MOST_FUNCTIONS;
        for table in &self.symbols {
            let mut count = 0;
            self.functions_of(table, |_, _, _| count += 1)?;
            left = left.checked_sub(count).ok_or_else(|| broken("it has too many functions"))?;
            let mut functions = Vec::with_capacity(count);
            self.functions_of(table, |symbol, _, entry| {
                functions.push(Indexed { name: number::<4>(entry, 0) as u32, symbol });
            })?;
            functions.sort_unstable();
            let mut names = Names::new(&self.bytes, table.names)?;
            for Indexed { name, symbol } in functions {
                if let Some(name) = names.at(name)? {
                    see(&self.whole_name(name, symbol), symbol);
                }
            }
        }
        Ok(())
    }

    /// The name with its version where that is not the default one. A table for debuggers has both in the name.
    fn whole_name<'n>(&self, name: &'n [u8], symbol: SymbolId) -> std::borrow::Cow<'n, str> {
        // Asked of each of millions of names, of which hardly any has a sign or a byte that is no UTF-8.
        let sign = name.iter().position(|byte| *byte == b'@').unwrap_or(name.len());
        let two = name[sign..].windows(2).position(|signs| signs == b"@@");
        let bare = two.map_or(name, |at| &name[..sign + at]);
        let text = std::str::from_utf8(bare).map_or_else(|_| String::from_utf8_lossy(bare), Into::into);
        let version = if symbol.0 & DYNAMIC != 0 { self.versions.of(symbol.0 & !DYNAMIC) } else { None };
        version.map_or(text.clone(), |version| format!("{text}@{version}").into())
    }

    /// The function of a symbol of which that is known; `None` where it has no name by now: somebody writes to the file.
    fn function(&self, symbol: SymbolId) -> Result<Option<BinaryFunction>, ObjectError> {
        let Some((entry, name)) = self.in_table(symbol)? else { return Ok(None) };
        let offset = place_in_file(&self.code, number::<8>(&entry, 8));
        Ok(offset.map(|offset| BinaryFunction {
            offset,
            weak: entry[4] >> 4 == STB_WEAK.0,
            size: number::<8>(&entry, 16),
            chooses: entry[4] & 0xf == STT_GNU_IFUNC.0,
            name: self.whole_name(&name, symbol).into_owned(),
        }))
    }

    /// A symbol's entry, and its name as it is in the table.
    fn in_table(&self, symbol: SymbolId) -> Result<Option<InTable>, ObjectError> {
        let dynamic = symbol.0 & DYNAMIC != 0;
        let Some(table) = self.symbols.iter().find(|table| table.dynamic == dynamic) else { return Ok(None) };
        let mut entry = [0; SYMBOL];
        let at = u64::from(symbol.0 & !DYNAMIC) * SYMBOL as u64;
        read(&self.bytes, table.entries.offset.saturating_add(at), &mut entry)?;
        let mut names = Names::few(&self.bytes, table.names)?;
        let name = names.at(number::<4>(&entry, 0) as u32)?;
        Ok(name.map(|name| (entry, name.to_vec())))
    }
}

fn is_function(entry: &[u8; SYMBOL]) -> bool {
    let kind = entry[4] & 0xf;
    kind == STT_FUNC.0 || kind == STT_GNU_IFUNC.0
}

/// Bytes into the file of an address in memory, going by segments in the order of memory.
fn place_in_file(code: &[Code], address: u64) -> Option<u64> {
    let behind = code.partition_point(|code| code.memory <= address);
    let code = code.get(behind.checked_sub(1)?)?;
    let into = address - code.memory;
    (into < code.end.saturating_sub(code.begin)).then(|| code.begin + into)
}
