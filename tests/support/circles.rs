// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds source files that need each other. What two files need of each other belongs in a third one below both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Where something may be seen (`pub(in crate::a)`) is no import.
static SEEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bpub\([^)]*\)").unwrap());
static USE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^\s*(pub\s+)?use\s+([^;]+);").unwrap());
static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").unwrap());

/// The names of a module from the root of the crate, `[]` for the root itself.
type Module = Vec<String>;

/// One `use`, or a path in the code.
struct Import {
    path: Vec<String>,
    /// What it is called here.
    name: Option<String>,
    is_public: bool,
}

/// The files of a crate, and what each imports.
pub(crate) struct Crate {
    files: BTreeMap<Module, String>,
    imports: BTreeMap<Module, Vec<Import>>,
    /// What a name that is imported stands for.
    names: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

impl Crate {
    /// From paths below `src/` and texts.
    pub(crate) fn new<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let sources: Vec<_> =
            sources.into_iter().map(|(path, text)| (path.to_owned(), module(path), code(text))).collect();
        let files = sources.iter().map(|(path, module, _)| (module.clone(), path.clone())).collect();
        let imports = sources.into_iter().map(|(_, module, text)| (module, imports(&text))).collect();
        let mut found = Self { files, imports, names: BTreeMap::new() };
        for (module, imports) in &found.imports {
            let mut names = BTreeMap::new();
            for import in imports {
                let Some(mut path) = found.absolute(module, &import.path) else { continue };
                let mut name = import.name.clone().or(path.last().cloned());
                if name.as_deref() == Some("self") {
                    path.pop();
                    name = path.last().cloned();
                }
                names.entry(name.unwrap_or_default()).or_insert(path);
            }
            found.names.insert(module.clone(), names);
        }
        found
    }

    /// Files that need each other, over however many others: each group by path.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let needs: BTreeMap<&Module, BTreeSet<Module>> =
            self.files.keys().map(|module| (module, self.needs(module))).collect();
        let reaches: BTreeMap<&Module, BTreeSet<&Module>> =
            needs.keys().map(|module| (*module, reached(module, &needs))).collect();
        let mut circles = BTreeSet::new();
        for (module, all) in &reaches {
            let group: Vec<&str> = all
                .iter()
                .filter(|other| reaches[**other].contains(module))
                .map(|other| self.files[*other].as_str())
                .collect();
            if group.len() > 1 {
                circles.insert(group);
            }
        }
        circles.into_iter().collect()
    }

    /// The files that one needs. A `mod.rs` that gives on what its modules have needs nothing of it.
    fn needs(&self, module: &Module) -> BTreeSet<Module> {
        let gives_on = self.files[module].ends_with("mod.rs");
        let imports = self.imports[module].iter().filter(|import| !(import.is_public && gives_on));
        let paths = imports.filter_map(|import| self.absolute(module, &import.path));
        paths.filter_map(|path| self.resolve(&path, 8)).filter(|other| other != module).collect()
    }

    /// A path from the root of the crate; `None` where it leads out of it.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut base = module.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|word| word == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let child = [module.as_slice(), &[first.to_owned()]].concat();
                self.files.contains_key(&child).then_some(())?;
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The file that has what a path names, through what modules on the way import and give on.
    fn resolve(&self, path: &[String], patience: usize) -> Option<Module> {
        let path: Vec<String> = path.iter().filter(|word| *word != "self").cloned().collect();
        let depth = (1..=path.len()).rev().find(|depth| self.files.contains_key(&path[..*depth]))?;
        let (module, rest) = path.split_at(depth);
        let meant = rest.first().and_then(|name| self.names[module].get(name)).filter(|_| patience > 0);
        let through = meant.and_then(|meant| self.resolve(&[meant, &rest[1..]].concat(), patience - 1));
        Some(through.unwrap_or_else(|| module.to_vec()))
    }
}

/// All that is reached from a file, by whatever way.
fn reached<'a>(start: &'a Module, needs: &'a BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<&'a Module> {
    let (mut found, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(module) = open.pop() {
        open.extend(needs[module].iter().filter(|other| found.insert(*other)));
    }
    found
}

/// `kernel/attach/mod.rs` is `kernel::attach`.
fn module(path: &str) -> Module {
    let path = Path::new(path).with_extension("");
    let mut names: Module = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    names.pop_if(|name| name == "mod");
    names
}

/// Without comments and unit tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// All `use`, and paths in the code that begin with `crate`, `super` or `self`.
fn imports(text: &str) -> Vec<Import> {
    let text = SEEN.replace_all(text, "pub");
    let mut found = Vec::new();
    for import in USE.captures_iter(&text) {
        let is_public = import.get(1).is_some();
        found.extend(tree(&import[2]).into_iter().map(|(path, name)| Import { path, name, is_public }));
    }
    for path in PATH.find_iter(&text) {
        let path = path.as_str().split("::").map(str::to_owned).collect();
        found.push(Import { path, name: None, is_public: false });
    }
    found
}

/// `a::{b, c::{self, d as e}}` is `a::b`, `a::c::self` and `a::c::d`, which is called `e`.
fn tree(text: &str) -> Vec<(Vec<String>, Option<String>)> {
    let words = |text: &str| -> Vec<String> {
        text.split("::").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let Some((begin, rest)) = text.split_once('{') else {
        let (path, name) =
            text.split_once(" as ").map_or((text, None), |(path, name)| (path, Some(name.trim().to_owned())));
        return vec![(words(path), name)];
    };
    let begin = words(begin);
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let mut depth = 0;
    let items = inner.split(|letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    let items = items.filter(|item| !item.trim().is_empty()).flat_map(tree);
    items.map(|(path, name)| ([begin.clone(), path].concat(), name)).collect()
}
