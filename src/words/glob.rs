// SPDX-License-Identifier: MIT OR Apache-2.0
//! Globs: what they stand for, and which one was probably meant.

use std::collections::BTreeMap;

/// Bytes of the longest glob: no name here is as long, and each is tried on tens of thousands of them.
const MAX_GLOB: usize = 4096;

/// Whether a glob stands for a word: `*` for any characters, `?` for one. One of more than 4096 bytes stands for none.
///
/// ```
/// use ebpf_run::words::matches_glob;
/// assert!(matches_glob("eth*", "eth0") && matches_glob("e?h0", "eth0") && matches_glob("*", ""));
/// assert!(!matches_glob("eth?", "eth10") && !matches_glob("eth", "eth0"));
/// ```
pub fn matches_glob(glob: &str, word: &str) -> bool {
    if glob.len() > MAX_GLOB {
        return false;
    }
    let (glob, word): (Vec<char>, Vec<char>) = (glob.chars().collect(), word.chars().collect());
    let (mut at, mut next) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character further.
    let mut star = None;
    while next < word.len() {
        match glob.get(at) {
            Some('*') => {
                star = Some((at + 1, next));
                at += 1;
            }
            Some(c) if *c == '?' || *c == word[next] => (at, next) = (at + 1, next + 1),
            Some(_) | None => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, next) = (after, from + 1);
            }
        }
    }
    glob[at..].iter().all(|c| *c == '*')
}

/// The glob that is most likely meant by one that stands for none of the `known` words: the same with a few characters
/// changed. Of several that are as near, the one that stands for most words; `None` where none is near.
///
/// ```
/// use ebpf_run::words::nearest_glob;
/// let known = ["tcp_connect", "tcp_close", "tpm_read", "vfs_read"];
/// assert_eq!(nearest_glob("tpc_*", known), Some("tcp_*".to_owned()));
/// assert_eq!(nearest_glob("*_raed", known), Some("*_read".to_owned()));
/// assert_eq!(nearest_glob("v?s_raed*", known), Some("v?s_read*".to_owned()));
/// assert_eq!(nearest_glob("banana*", known), None);
/// ```
pub fn nearest_glob<'w>(glob: &str, known: impl IntoIterator<Item = &'w str>) -> Option<String> {
    if glob.len() > super::MAX_WORD {
        return None;
    }
    let literals = glob.bytes().filter(|byte| !b"*?".contains(byte)).count();
    let allowed = (literals / 3).max(1).min(literals.saturating_sub(1));
    // How far each of the near globs is, and how many words it stands for.
    let mut near: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut table = Table { glob: glob.as_bytes(), word: &[], edits: Vec::new() };
    for word in known.into_iter().filter(|word| word.len() <= super::MAX_WORD) {
        table.word = word.as_bytes();
        if let Some(edits) = table.fill(allowed)
            && let Some(better) = table.rewritten()
        {
            near.entry(better).or_insert((edits, 0)).1 += 1;
        }
    }
    let best = near.into_iter().min_by_key(|(_, (edits, words))| (*edits, usize::MAX - words));
    best.map(|(glob, _)| glob)
}

/// The usual table of edit distances (optimal string alignment), where a `*` takes any bytes and a `?` one for nothing.
struct Table<'w> {
    glob: &'w [u8],
    word: &'w [u8],
    /// Of the first bytes of the glob and of the word: row by row, one for each length of the glob.
    edits: Vec<usize>,
}

impl Table<'_> {
    /// The fewest edits that make the glob stand for the word; `None` where they are more than `allowed`.
    fn fill(&mut self, allowed: usize) -> Option<usize> {
        self.edits.clear();
        for at in 0..=self.glob.len() {
            let mut least = usize::MAX;
            for next in 0..=self.word.len() {
                let edits = if at + next == 0 { 0 } else { self.step(at, next).0 };
                self.edits.push(edits);
                least = least.min(edits);
            }
            if least > allowed {
                return None;
            }
        }
        self.edits.last().copied().filter(|edits| *edits <= allowed)
    }

    /// The cheapest way to a place: its edits, and how many bytes of the glob and of the word its last step takes.
    fn step(&self, at: usize, next: usize) -> (usize, usize, usize) {
        let mut best = (usize::MAX, 0, 0);
        let mut offer = |of_glob: usize, of_word: usize, cost: usize| {
            if at >= of_glob && next >= of_word {
                let edits = self.edits[(at - of_glob) * (self.word.len() + 1) + next - of_word] + cost;
                best = best.min((edits, of_glob, of_word));
            }
        };
        let last = at.checked_sub(1).map(|index| self.glob[index]);
        if last == Some(b'*') {
            offer(1, 0, 0);
            offer(0, 1, 0);
            return best;
        }
        let same = |glob: usize, word: usize| self.glob[at - glob].eq_ignore_ascii_case(&self.word[next - word]);
        if at >= 1 && next >= 1 {
            offer(1, 1, usize::from(last != Some(b'?') && !same(1, 1)));
        }
        offer(1, 0, 1);
        offer(0, 1, 1);
        if at >= 2 && next >= 2 && last != Some(b'?') && same(2, 1) && same(1, 2) {
            offer(2, 2, 1);
        }
        best
    }

    /// The glob with its edits made: its wildcards, and between them the bytes of the word.
    fn rewritten(&self) -> Option<String> {
        let (mut at, mut next, mut reversed) = (self.glob.len(), self.word.len(), Vec::new());
        while at + next > 0 {
            let (_, of_glob, of_word) = self.step(at, next);
            match at.checked_sub(1).map(|index| self.glob[index]) {
                Some(b'*') => reversed.extend((of_glob == 1).then_some(b'*')),
                Some(b'?') if (of_glob, of_word) == (1, 1) => reversed.push(b'?'),
                Some(_) | None => reversed.extend(self.word[next - of_word..next].iter().rev()),
            }
            (at, next) = (at - of_glob, next - of_word);
        }
        reversed.reverse();
        String::from_utf8(reversed).ok()
    }
}
