// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every page is made of: its first line, sections, running text, lines as they are.

use roff::{Inline, Roff, bold, roman};

/// The line that begins a page. By hand: the crate `roff` drops the empty date, and what follows moves up.
pub(super) fn title(name: &str, number: u8) -> String {
    let version = env!("CARGO_PKG_VERSION");
    // Neither justified nor hyphenated: half of the words are code.
    format!(".TH \"{name}\" \"{number}\" \"\" \"ebpf-run {version}\" \"ebpf-run manual\"\n.ad l\n.nh\n")
}

pub(super) fn section(page: &mut Roff, heading: &str) {
    page.control("SH", [heading]);
}

/// Lines as they are.
pub(super) fn verbatim(page: &mut Roff, text: &str) {
    page.control("PP", []);
    page.control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

pub(super) fn see_also(page: &mut Roff, pages: &[String]) {
    section(page, "SEE ALSO");
    let mut inlines = Vec::new();
    for (index, name) in pages.iter().enumerate() {
        let (name, number) = name.split_once('(').unwrap_or((name, ""));
        inlines.push(bold(name));
        inlines.push(roman(format!("({number}{}", if index + 1 < pages.len() { ", " } else { "" })));
    }
    page.text(inlines);
}

/// Running text; what stands in backquotes is bold.
pub(super) fn words(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(index, part)| if index % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

/// Paragraphs, between empty lines.
pub(super) fn paragraph(page: &mut Roff, text: &str) {
    for part in text.split("\n\n") {
        page.control("PP", []);
        page.text(words(part));
    }
}

/// A term and what it means.
pub(super) fn term(page: &mut Roff, term: Vec<Inline>, text: &str) {
    page.control("TP", []);
    page.text(term);
    let mut parts = text.split("\n\n");
    page.text(words(parts.next().unwrap_or_default()));
    for part in parts {
        page.control("IP", []);
        page.text(words(part));
    }
}
