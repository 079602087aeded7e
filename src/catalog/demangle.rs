// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names as they stand in the source of C++ and Rust, and how they stand in a file: `ns::answer(int)` is `_ZN2ns6answerEi`.
//!
//! Anybody can make a name that says little and stands for much: what is written out is bounded, and so is how deep it goes.

use std::cell::Cell;
use std::fmt;

use cpp_demangle::{BorrowedSymbol, DemangleOptions, ParseOptions};

use super::elf::ObjectError;

/// Bytes of a name in a file that is taken apart, and of what is written out.
const MOST: usize = 4096;
/// Bytes of names, as they are in a file and as they are written out, that are taken apart to find one; and to find many.
const MOST_WORK: usize = 32 << 20;
const MOST_WORK_OF_MANY: usize = 256 << 20;
/// How deep the parts of a name are in each other.
const DEPTH: u32 = 96;

/// The name in the source, with the types of its parameters where the file's has them: `ns::answer(int)`, `core::fmt::write`.
/// `None` for a name that is not mangled, or not well.
pub fn demangle(name: &str) -> Option<String> {
    if name.len() > MOST { None } else { rust(name).or_else(|| cpp(name, DemangleOptions::new().no_return_type())) }
}

/// True for the part of a function that compilers put aside because it hardly ever runs: `f.cold`, `f.cold.12`. The function jumps
/// there, nobody calls it.
pub fn is_cold(name: &str) -> bool {
    let name = name.split_once('@').map_or(name, |(bare, _)| bare);
    name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('.').ends_with(".cold")
}

fn rust(name: &str) -> Option<String> {
    let symbol = rustc_demangle::try_demangle(name).ok()?;
    let mut text = Bounded::default();
    // Without the hash that tells builds apart.
    fmt::write(&mut text, format_args!("{symbol:#}")).ok()?;
    Some(text.0).filter(|text| !text.is_empty())
}

fn cpp(name: &str, options: DemangleOptions) -> Option<String> {
    if !name.starts_with("_Z") {
        return None;
    }
    let parse = ParseOptions::default().recursion_limit(DEPTH);
    let (symbol, rest) = BorrowedSymbol::with_tail_and_options(name.as_bytes(), &parse).ok()?;
    let mut text = Bounded::default();
    symbol.structured_demangle(&mut text, &options.recursion_limit(DEPTH)).ok()?;
    rest.is_empty().then_some(text.0)
}

/// A text that takes no more than [`MOST`] bytes.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > MOST {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

/// A name that a person wrote for a function, to be compared with those of a file.
pub struct Written<'a> {
    text: &'a str,
    /// Without spaces that mean nothing.
    plain: String,
    /// What a mangled name must have inside, so that few need to be taken apart.
    words: Vec<&'a str>,
    /// Bytes that may still be taken apart: some files have names that were made to take long.
    left: Cell<usize>,
}

/// Words of names of sources that mangled ones abbreviate, or write otherwise: `std::ostream` is `So`, `bool` is `b`, a lambda `Ul`.
const NOT_SPELLED: &str = "std allocator basic_string string istream ostream iostream lambda unnamed type anonymous namespace \
                           non virtual thunk to as impl closure shim dyn mut const bool char str u8 u16 u32 u64 u128 usize i8 i16 \
                           i32 i64 i128 isize f32 f64";

impl<'a> Written<'a> {
    /// `ns::answer`, `ns::answer(int)`, `answer`; with `*` and `?` as in a glob.
    pub fn new(text: &'a str) -> Self {
        // Neither parameters nor what a template is of: the file may have them shortened.
        let before = text.split(['(', '<']).find(|part| !part.is_empty()).unwrap_or_default();
        let words = before.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        // An operator has letters of its own, and so have the types that one converts to.
        let words = words.take_while(|word| *word != "operator");
        // A glob may have a piece of one that is not spelled.
        let is_glob = text.contains(['*', '?']);
        let other = |word: &str| NOT_SPELLED.split(' ').any(|known| known == word || (is_glob && known.contains(word)));
        let spelled = |word: &&str| word.starts_with(|c: char| !c.is_ascii_digit()) && !other(word);
        let words: Vec<&str> = words.filter(spelled).collect();
        let left = if words.is_empty() { MOST_WORK_OF_MANY } else { MOST_WORK };
        Self { text, plain: plain(text), words, left: Cell::new(left) }
    }

    /// The same, where all names of a large program may have to be taken apart.
    pub fn of_many(self) -> Self {
        Self { left: Cell::new(MOST_WORK_OF_MANY), ..self }
    }

    /// True where it is the name in the source of this one, with or without parameters and what its template is of. What a compiler
    /// has put aside of a function is not what the function is called by.
    pub fn is_name_of(&self, mangled: &str) -> bool {
        let is_asked_for = !is_cold(mangled) || self.text.contains("[clone");
        is_asked_for && self.begins_like(mangled) && self.compare(mangled, |name| name == self.plain)
    }

    /// False where the name in the source begins otherwise, as the first letters tell; for names without a word to look for.
    fn begins_like(&self, mangled: &str) -> bool {
        let Some(name) = mangled.strip_prefix("_Z") else { return true };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if self.text.strip_prefix("operator").is_some_and(|rest| !rest.starts_with(is_word)) {
            // In no namespace and of no class: `_Znwm`.
            return name.starts_with(|c: char| c.is_ascii_lowercase());
        }
        if !self.text.contains("::") {
            // In no namespace and of no class: `_Z6answeri`, `_ZL6answeri` where no other file sees it.
            return name.trim_start_matches('L').starts_with(|c: char| c.is_ascii_digit());
        }
        // `_ZNSt`, `_ZNKSs`, and the crate of Rust.
        let of_std =
            || name.trim_start_matches(['N', 'r', 'V', 'K', 'R', 'O']).starts_with('S') || name.contains("3std");
        !self.text.starts_with("std::") || of_std()
    }

    /// The same for a glob.
    pub fn matches(&self, mangled: &str) -> bool {
        self.compare(mangled, |name| crate::words::matches_glob(&self.plain, name))
    }

    /// The same for a part of the name.
    pub fn is_part_of(&self, mangled: &str) -> bool {
        self.compare(mangled, |name| name.contains(&self.plain))
    }

    fn compare(&self, mangled: &str, is_it: impl Fn(&str) -> bool) -> bool {
        let may_be = (mangled.starts_with("_Z") || mangled.starts_with("_R"))
            && self.words.iter().all(|word| mangled.contains(word));
        if !may_be || self.gave_up() {
            return false;
        }
        let full = demangle(mangled).map(|name| plain(&name));
        // One that cannot be written out may have taken as long as the longest that can.
        let work = mangled.len() + full.as_ref().map_or(MOST, |name| 2 * name.len());
        self.left.set(self.left.get().saturating_sub(work));
        let Some(full) = full else { return false };
        let bare = cpp(mangled, DemangleOptions::new().no_params().no_return_type()).map(|name| plain(&name));
        let bare = bare.as_deref().unwrap_or(&full);
        is_it(&full) || is_it(bare) || without_template(bare).is_some_and(&is_it)
    }

    fn gave_up(&self) -> bool {
        self.left.get() == 0
    }

    /// Fails where there was too much to take apart: not all names were compared.
    pub fn compared_all(&self) -> Result<(), ObjectError> {
        let why = "too many C++ or Rust names match: write more of the name, or the symbol as it is in the file";
        if self.gave_up() { Err(ObjectError(why.to_owned())) } else { Ok(()) }
    }

    /// The text as it was written.
    pub fn text(&self) -> &'a str {
        self.text
    }
}

/// Without spaces, but between words: `char const*, int` is `char const*,int`.
fn plain(name: &str) -> String {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut text = String::with_capacity(name.len());
    let mut rest = name.trim().chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_whitespace() {
            while rest.peek().is_some_and(|c| c.is_whitespace()) {
                rest.next();
            }
            if is_word(text.chars().last()) && is_word(rest.peek().copied()) {
                text.push(' ');
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// `ns::sum` of `ns::sum<int>`; `None` where nothing of a template is at the end.
fn without_template(name: &str) -> Option<&str> {
    let mut depth = 0_u32;
    if !name.ends_with('>') || has_operator(name) {
        return None;
    }
    for (at, c) in name.char_indices().rev() {
        match c {
            '>' => depth += 1,
            '<' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(&name[..at]).filter(|name| !name.is_empty());
        }
    }
    None
}

/// True where `operator` is one of its words, whose `<` and `>` are no brackets.
fn has_operator(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "operator")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of C++ and of both manners of Rust are found by what their sources call them, in any spacing.
    #[test]
    fn names() {
        for (mangled, written, other) in [
            ("_ZN2ns6answerEi", &["ns::answer", "ns::answer(int)", "ns::answer( int )"][..], "answer"),
            ("_Z6answerPKcj", &["answer", "answer(char const*, unsigned int)"], "answer(char const*)"),
            ("_ZN2ns3sumIiEET_S1_", &["ns::sum", "ns::sum<int>"], "ns::sum<long>"),
            ("_ZN3FooC1Ei", &["Foo::Foo", "Foo::Foo(int)"], "Foo::Foo()"),
            ("_ZN3FooD2Ev", &["Foo::~Foo", "Foo::~Foo()"], "Foo::Foo"),
            ("_ZN3FooclEi", &["Foo::operator()", "Foo::operator()(int)"], "Foo::operator"),
            ("_ZNK2ns1ScvbEv", &["ns::S::operator bool", "ns::S::operator bool() const"], "ns::S::operator int"),
            ("_ZNK2ns1ScvSsEv", &["ns::S::operator std::string"], "ns::S::operator bool"),
            ("_Znwm", &["operator new", "operator new(unsigned long)"], "operator delete"),
            ("_ZNSolsEi", &["std::ostream::operator<<", "std::ostream::operator<<(int)"], "std::ostream::operator>>"),
            ("_ZNKSs4sizeEv", &["std::string::size", "std::string::size() const"], "std::string::length"),
            ("_ZSt9terminatev", &["std::terminate", "std::terminate()"], "terminate"),
            ("_ZN3std2rt4init17h0123456789abcdefE", &["std::rt::init"], "rt::init"),
            ("_ZlsRSoRK3Foo", &["operator<<", "operator<<(std::ostream&, Foo const&)"], "Foo::operator<<"),
            ("_ZNSaIcEC1Ev", &["std::allocator<char>::allocator"], "std::allocator<int>::allocator"),
            (
                "_ZZ4mainENKUliE_clEi",
                &["main::{lambda(int)#1}::operator()(int) const"],
                "main::{lambda(int)#2}::operator()(int) const",
            ),
            ("_ZN9operators3sumIiEET_S1_", &["operators::sum", "operators::sum<int>"], "operators::sum<long>"),
            ("_ZNK3Foo3getEv", &["Foo::get", "Foo::get() const"], "Foo"),
            ("_ZN12_GLOBAL__N_16hiddenEv", &["(anonymous namespace)::hidden"], "hidden"),
            ("_ZN4core3fmt5write17h0123456789abcdefE", &["core::fmt::write"], "fmt::write"),
            ("_RNvCs1234_3abc3foo", &["abc::foo"], "foo"),
            ("_RNvXCs1234_3abclNtB2_2Tr3run", &["<i32 as abc::Tr>::run"], "<i64 as abc::Tr>::run"),
        ] {
            for written in written {
                assert!(Written::new(written).is_name_of(mangled), "{written} {mangled} {:?}", demangle(mangled));
            }
            assert!(!Written::new(other).is_name_of(mangled), "{other} {mangled}");
        }
        assert!(Written::new("ns::*").matches("_ZN2ns6answerEi") && !Written::new("n::*").matches("_ZN2ns6answerEi"));
        assert!(!Written::new("ns::answer").is_name_of("_ZN2ns6answerEi.cold"));
        assert!(Written::new("ns::answer(int) [clone .cold]").is_name_of("_ZN2ns6answerEi.cold"));
        assert_eq!(
            ["f.cold", "f.cold.12", "f.colder", "cold", "f.part.0"].map(is_cold),
            [true, true, false, false, false]
        );
        assert!(Written::new("s::ans").is_part_of("_ZN2ns6answerEi"));
        assert_eq!((demangle("answer"), demangle("_Zx"), demangle("_R")), (None, None, None));
    }

    /// Names that were made to stand for very much, or to go very deep, stand for nothing, soon.
    #[test]
    fn hostile_names() {
        let start = std::time::Instant::now();
        let twice = (0..40).map(|at| format!("S{}_", char::from(b'0' + at % 10))).collect::<String>();
        for name in [
            format!("_Z1f{}", "P".repeat(4000)),
            format!("_Z1f{}i{}", "I1aI".repeat(500), "E".repeat(1000)),
            format!("_ZN{}E", "1a".repeat(2000)),
            format!("_Z1fPFPFPF{twice}{twice}E"),
            format!("_RNv{}", "M".repeat(4000)),
            "x".repeat(1 << 20),
        ] {
            assert!(demangle(&name).is_none_or(|text| text.len() <= MOST));
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(1), "{:?}", start.elapsed());
    }
}
