// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a key says of itself is what people find: in the schema, the man page, a starter file, and in messages.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use crate::catalog::{Catalog, Program, builtin};
use crate::config::{Environment, SourceFile, check, described, flow, starter};

use super::KEYS;

const MAN_PAGE: &str = include_str!("../../man/ebpf-run.yaml.5");

/// What a probe is told that has a key of no use for its program.
const NEEDLESS: [(&str, &str); 8] = [
    ("params", "`PROGRAM` has no parameter `port`"),
    ("capture", "`PROGRAM` does not use `capture`"),
    ("where", "`PROGRAM` does not use `where`: it has no events to choose from"),
    ("aggregate", "`PROGRAM` does not use `aggregate`: it reports what it counts itself"),
    ("interval", "`PROGRAM` does not use `interval`: it has no counters to report"),
    ("buffer", "`PROGRAM` does not use `buffer`: it has no events to buffer"),
    ("include_self", "`PROGRAM` does not use `include_self`: it has no events of ebpf-run itself"),
    ("limits", "`PROGRAM` has no events to limit"),
];

fn example(catalog: &Catalog, key: &str) -> String {
    if key == "params" {
        return "{ port: 443 }".to_owned();
    }
    let schema = described(catalog);
    let of_key = &schema["properties"]["probes"]["items"]["properties"][key];
    flow(&of_key["examples"][0])
}

/// The messages about a file with one probe that runs a program where it can.
fn said(catalog: &Catalog, program: &Program, in_defaults: &str, in_probe: &str) -> Vec<String> {
    let hook = if program.has_own_hooks() { "" } else { "    hook: { xdp: { interface: eth0 } }\n" };
    let text =
        format!("version: 1\n{in_defaults}probes:\n  - name: a\n    program: {}\n{hook}{in_probe}", program.name);
    let checked = check(&[SourceFile::new("a.yaml", text)], catalog, &Environment::default());
    checked.problems.into_iter().map(|problem| problem.message).collect()
}

/// Every key is described in the schema and the man page, and stands in a file that `new` writes.
#[test]
fn every_key_is_described() {
    let catalog = &builtin().unwrap();
    let schema = described(catalog);
    let words = ["trace", "packet_count", "exec"];
    let files: String = words.iter().map(|word| starter(word, catalog).unwrap()).collect();
    for key in KEYS {
        let word = key.word;
        let of_key = &schema["properties"]["probes"]["items"]["properties"][word];
        assert!(of_key["description"].as_str().is_some_and(|text| text.ends_with('.')), "{word}: {of_key}");
        assert!(MAN_PAGE.contains(&format!(".TP\n\\fB{word}\\fR")), "{word}");
        let in_file =
            files.lines().any(|line| line.trim_start_matches([' ', '#', '-']).starts_with(&format!("{word}:")));
        let for_people = word == "description";
        assert!(in_file || for_people, "{word}");
        let in_defaults = schema["properties"]["defaults"]["properties"].get(word).is_some();
        assert_eq!(in_defaults, key.in_defaults.is_some(), "{word}");
    }
}

/// A key that means nothing for the program of a probe is refused there; under `defaults` it is for the other probes.
#[test]
fn needless_keys() {
    let catalog = &builtin().unwrap();
    for key in KEYS {
        let Some(need) = &key.needs else { continue };
        let word = key.word;
        let message = NEEDLESS.iter().find(|(known, _)| *known == word).map(|(_, message)| *message);
        let message = message.unwrap_or_else(|| panic!("what is said of a needless `{word}`?"));
        let runs_alone = |program: &&Arc<Program>| program.has_own_hooks() || program.name == "packet_count";
        let program = catalog.programs().iter().filter(runs_alone).find(|program| !(need.met)(program));
        let program = program.unwrap_or_else(|| panic!("every program has a use for `{word}`"));
        let example = example(catalog, word);
        let expected = message.replace("PROGRAM", &program.name);
        assert_eq!(said(catalog, program, "", &format!("    {word}: {example}\n")), [expected], "{word}");
        if key.in_defaults.is_some() {
            let defaults = format!("defaults: {{ {word}: {example} }}\n");
            assert_eq!(said(catalog, program, &defaults, ""), Vec::<String>::new(), "{word}");
        }
    }
}
