// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text cut to the size of a window.

/// As much of a text as a window shows, with a line that says how much more there is. The last row stays free, for the
/// cursor. Colours (`ESC [ … m`) take no room, and end with the line.
pub(super) fn fitted(text: &str, rows: usize, columns: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let room = rows.saturating_sub(1);
    let shown = if lines.len() > room { room.saturating_sub(1) } else { lines.len() };
    let mut fitted: String = lines.iter().take(shown).map(|line| cut(line, columns) + "\n").collect();
    if shown < lines.len() {
        fitted += &cut(&format!("… {} more lines; `ebpf-run status` prints all of them", lines.len() - shown), columns);
        fitted.push('\n');
    }
    fitted
}

/// `a long li…`
fn cut(line: &str, columns: usize) -> String {
    let (mut text, mut width, mut is_escape, mut is_colored) = (String::new(), 0, false, false);
    // Where the last column begins: there stands `…` if the line is longer.
    let mut last = 0;
    for letter in line.chars() {
        if letter == '\x1b' {
            (is_escape, is_colored) = (true, true);
        }
        if !is_escape {
            if width == columns {
                text.truncate(last);
                return text + "…" + if is_colored { "\x1b[0m" } else { "" };
            }
            width += 1;
            if width == columns {
                last = text.len();
            }
        }
        text.push(letter);
        is_escape = is_escape && letter != 'm';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines are cut at the last column, rows before the last one; what fits stays as it is.
    #[test]
    fn it_fits() {
        assert_eq!(fitted("abc\nab\n", 3, 3), "abc\nab\n");
        assert_eq!(fitted("abcd\nab\n", 3, 3), "ab…\nab\n");
        assert_eq!(fitted("a\nb\nc\nd\n", 4, 11), "a\nb\n… 2 more l…\n");
        assert_eq!(fitted("a\nb\n", 1, 80), "… 2 more lines; `ebpf-run status` prints all of them\n");
    }

    /// Colours are no columns, and one that is cut off does not go on.
    #[test]
    fn colours_take_no_room() {
        assert_eq!(cut("\x1b[32mabc\x1b[0m", 3), "\x1b[32mabc\x1b[0m");
        assert_eq!(cut("\x1b[32mabcd\x1b[0m", 3), "\x1b[32mab…\x1b[0m");
    }
}
