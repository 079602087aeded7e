// SPDX-License-Identifier: MIT OR Apache-2.0
//! Committed files that the program writes itself are what it writes, and so are the tables of the README.
//! `UPDATE=1 cargo test --test generated` rewrites them.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ebpf_run::catalog::{Program, builtin};
use ebpf_run::config::{Environment, SourceFile, check, hook_forms, render, starter};
use ebpf_run::status::ProbeState;

fn root(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Compares a text with a committed file, or rewrites the file.
fn golden(file: &str, made: &str) {
    let path = root(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        made == committed,
        "{file} is not what the program writes; UPDATE=1 cargo test --test generated rewrites it"
    );
}

fn ebpf_run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebpf-run")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = ebpf_run(arguments);
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The schema that editors load.
#[test]
fn schema() {
    golden("schema/ebpf-run.schema.json", &printed(&["schema"]));
}

/// The man pages that packages install: no more, no fewer, and each one formats without a warning where `man` is there.
#[test]
fn man_pages() {
    let folder = tempfile::tempdir().unwrap();
    printed(&["man", folder.path().to_str().unwrap()]);
    let pages = names(folder.path());
    assert!(pages.contains("ebpf-run.1") && pages.contains("ebpf-run.yaml.5"), "{pages:?}");
    for page in &pages {
        golden(&format!("man/{page}"), &fs::read_to_string(folder.path().join(page)).unwrap());
    }
    assert_eq!(names(&root("man")), pages);
    for page in &pages {
        let path = folder.path().join(page);
        let output = match Command::new("man").args(["--warnings", "-l"]).arg(&path).env("LC_ALL", "C.UTF-8").output() {
            Ok(output) => output,
            Err(_) => {
                drop(writeln!(io::stderr(), "skipped: man_pages: there is no `man` to format them with"));
                return;
            }
        };
        assert!(output.status.success(), "{page}: {output:?}");
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert_eq!(warnings, "", "{page}");
        assert!(output.stdout.len() > 500, "{page} is empty");
    }
}

/// Every command that is not hidden has its page, every page says how it is used.
#[test]
fn every_command_has_a_page() {
    let help = printed(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // A line that goes on with a description begins further to the right.
    let named = list.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names: Vec<&str> = named.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"schema"), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let page = fs::read_to_string(root(&format!("man/ebpf-run-{name}.1"))).unwrap();
        assert!(page.contains(".SH EXAMPLE"), "{name} has no example");
    }
}

/// What every shell completes has the commands and their descriptions.
#[test]
fn completions() {
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef ebpf-run"), ("fish", "complete -c ebpf-run")] {
        let script = printed(&["completions", shell]);
        for word in [sign, "programs", "schema", "completions", "--duration"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(script.contains(word), "{shell}: {word}");
        }
        assert!(shell == "bash" || script.contains("Print the JSON schema"), "{shell}");
        // Where the shell is there, it reads the script.
        let mut child =
            match Command::new(shell).arg("-n").arg("/dev/stdin").stdin(std::process::Stdio::piped()).spawn() {
                Ok(child) => child,
                Err(_) => continue,
            };
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{shell} does not read it");
    }
}

/// In bash, what stands behind a command is completed: its options, the words of an option, the words that it takes.
#[test]
fn bash_completes() {
    let asked = [
        ("check --", "--kernel"),
        ("check --format s", "sarif"),
        ("hooks x --kind k", "kretprobe"),
        ("completions ", "fish"),
        ("explain E01", "E0112"),
        ("new raw", "raw_tracepoint"),
        ("new ex", "exec"),
        ("programs p", "packet_count"),
        ("daemon --", "--config-dir"),
    ];
    let script = printed(&["completions", "bash"]);
    assert!(!script.contains("Write the man pages") && !script.contains(",man)"), "a hidden command is completed");
    for (line, word) in asked {
        let (before, current) = line.rsplit_once(' ').unwrap();
        let previous = before.rsplit(' ').next().unwrap();
        let ask = format!(
            "{script}\nCOMP_WORDS=(ebpf-run {before} '{current}')\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _ebpf__run ebpf-run '{current}' '{previous}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let output = Command::new("bash").arg("-c").arg(ask).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        assert!(words.lines().any(|found| found == word), "`{line}` is completed with {words}");
    }
}

fn row(program: &Program, kinds: &[&str]) -> String {
    let runs_at = |kind: &&&str| program.hooks.iter().any(|hook| hook.kind.word() == **kind);
    let (at, not): (Vec<&str>, Vec<&str>) = kinds.iter().partition(|kind| runs_at(kind));
    let hooks = match (program.has_own_hooks(), not.len() < at.len()) {
        (true, _) => "its own".to_owned(),
        (false, true) => format!("all but {}", not.join(", ")),
        (false, false) => at.join(", "),
    };
    format!("| `{}` | {hooks} | {} |\n", program.name, first_clause(&program.doc))
}

/// What a table has room for: the man page has the rest.
fn first_clause(doc: &str) -> String {
    let end = [": ", "; ", ". "].iter().filter_map(|sign| doc.find(sign)).min().unwrap_or(doc.len());
    format!("{}.", doc[..end].trim_end_matches('.'))
}

/// The text with what stands between `<!-- NAME -->` and `<!-- end -->` replaced.
fn between(text: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let start = text.find(&begin).unwrap() + begin.len();
    let end = start + text[start..].find("<!-- end -->").unwrap();
    format!("{}{table}{}", &text[..start], &text[end..])
}

/// The tables of the README are what the schema and the catalogue say.
#[test]
fn tables_of_the_readme() {
    let catalog = builtin().unwrap();
    let forms = hook_forms(&catalog);
    let hooks: String =
        forms.iter().map(|form| format!("| `{}` | {} |\n", form.example, first_clause(&form.doc))).collect();
    let kinds: Vec<&str> = forms.iter().map(|form| form.kind.as_str()).collect();
    let programs: String = catalog.programs().iter().map(|program| row(program, &kinds)).collect();
    let text = fs::read_to_string(root("README.md")).unwrap();
    let text = between(&text, "hooks", &format!("| `hook:` | where |\n|---|---|\n{hooks}"));
    let table = format!("| `program:` | hooks | what it reports |\n|---|---|---|\n{programs}");
    golden("README.md", &between(&text, "programs", &table));
}

/// The states of a probe, in the guide as in the man pages.
#[test]
fn states_in_the_guide() {
    let row = |state: ProbeState| format!("| `{}` | {} | {} |\n", state.name(), state.meaning(), state.next());
    let rows: String = ProbeState::ALL.into_iter().map(row).collect();
    let text = fs::read_to_string(root("docs/daemon.md")).unwrap();
    let table = format!("| state | the probe is | the daemon |\n|---|---|---|\n{rows}");
    golden("docs/daemon.md", &between(&text, "states", &table));
}

fn assert_clean(name: &str, text: &str) {
    let file = SourceFile::new(format!("{name}.yaml"), text);
    let checked = check(&[file], &builtin().unwrap(), &Environment::default());
    let problems: Vec<String> = checked.problems.iter().map(|problem| render(problem, false)).collect();
    assert!(problems.is_empty(), "{name}:\n{text}\n{}", problems.join("\n"));
}

/// The file to begin with is valid for every program and every hook, as it is and with every key in use.
#[test]
fn starters() {
    let catalog = builtin().unwrap();
    let kinds = hook_forms(&catalog).into_iter().map(|form| form.kind);
    let programs = catalog.programs().iter().map(|program| program.name.clone());
    for word in kinds.chain(programs) {
        let text = starter(&word, &catalog).unwrap();
        assert_clean(&word, &text);
        let uncommented = text.lines().map(|line| match line.trim_start().strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => line.replacen('#', "", 1),
            _comment => line.to_owned(),
        });
        let uncommented: Vec<String> = uncommented.collect();
        assert!(uncommented.join("\n").contains("\n    labels: "), "{word}");
        // What is counted has no limits.
        for left_out in ["    aggregate: ", "    limits: "] {
            let rest = uncommented.iter().filter(|line| !line.starts_with(left_out));
            assert_clean(&word, &rest.cloned().collect::<Vec<_>>().join("\n"));
        }
        for param in catalog.get(&word).map(|program| program.params.as_slice()).unwrap_or_default() {
            assert!(
                text.contains(&format!("\n      #{}: ", param.name))
                    && text.contains(param.doc.split(' ').next().unwrap())
            );
        }
    }
}

/// `new` never overwrites a file, and knows what was probably meant.
#[test]
fn new_is_careful() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    let path = path.to_str().unwrap();
    assert!(ebpf_run(&["new", "exec", "--output", path]).status.success());
    assert_eq!(fs::read_to_string(path).unwrap(), printed(&["new", "exec"]));
    fs::write(path, "mine").unwrap();
    let output = ebpf_run(&["new", "exec", "--output", path]);
    assert_eq!((output.status.code(), fs::read_to_string(path).unwrap().as_str()), (Some(2), "mine"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("already exists"));
    let output = ebpf_run(&["new", "kprob"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("did you mean `kprobe`?"));
}
