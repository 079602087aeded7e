// SPDX-License-Identifier: MIT OR Apache-2.0
//! From folded stacks to a picture.

use std::io;

use inferno::flamegraph::{Options, from_reader};

/// What is written on the picture.
pub(super) struct Picture<'a> {
    pub(super) title: &'a str,
    pub(super) subtitle: &'a str,
    /// What is counted: `events`.
    pub(super) unit: &'a str,
}

/// The SVG of lines `comm;main;work 7`, in any order. The same lines make the same picture.
pub(super) fn draw(folded: &[u8], picture: &Picture<'_>) -> io::Result<Vec<u8>> {
    let mut options = Options::default();
    options.title = picture.title.to_owned();
    options.subtitle = Some(picture.subtitle.to_owned());
    options.count_name = picture.unit.to_owned();
    options.deterministic = true;
    let mut svg = Vec::new();
    from_reader(&mut options, folded, &mut svg)?;
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each function is in the picture with what it counts, names of strangers are escaped, and title and sum are told.
    #[test]
    fn a_picture() {
        let picture = Picture { title: "reads of <app>", subtitle: "10 events", unit: "events" };
        let folded = b"app;main;read 3\napp;main;a<b>::c(int) 5\napp;main;read 1\n[lost];ring full 1\n";
        let svg = String::from_utf8(draw(folded, &picture).unwrap()).unwrap();
        for expected in [
            "reads of &lt;app&gt;",
            "10 events",
            "read (4 events, 40.00%)",
            "a&lt;b&gt;::c(int) (5 events, 50.00%)",
            "[lost] (1 events, 10.00%)",
        ] {
            assert!(svg.contains(expected), "{expected}\n{svg}");
        }
        assert_eq!(svg, String::from_utf8(draw(folded, &picture).unwrap()).unwrap());
    }
}
