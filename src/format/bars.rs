// SPDX-License-Identifier: MIT OR Apache-2.0
//! A histogram as bars:
//!
//! ```text
//! [4.1us, 8.19us)       77 |@@@                 |
//! [8.19us, 16.4us)   1,234 |@@@@@@@@@@@@@@@@@@@@|
//! …
//! >= 1.07s               1 |@                   |
//! ```

use unicode_width::UnicodeWidthStr as _;

use super::edge::ranges;
use super::grid::{CellKind, cut};
use super::human::{HumanUnit, thousands};
use crate::record::Histogram;

/// The longest bar.
const LONGEST: usize = 40;
/// Shorter ones say nothing.
const SHORTEST: usize = 6;
/// As many empty buckets in a row are still shown.
const FEW: usize = 3;
/// What stands for more.
const MORE: &str = "…";

/// A line for each bucket from the first to the last one that has something, without ends of lines; a gap is `…`. None where all are
/// empty. `room`: the columns of the window, if they are known.
pub(super) fn bars(histogram: &Histogram, unit: HumanUnit, room: Option<usize>) -> Vec<String> {
    let buckets = shown(&histogram.counts);
    let edges: Vec<_> = buckets.iter().flatten().map(|(bucket, _)| histogram.buckets.edges(*bucket)).collect();
    let labels = ranges(&edges, unit);
    let counts: Vec<String> = buckets.iter().flatten().map(|(_, count)| thousands(*count)).collect();
    let (label_width, count_width) = (widest(&labels), widest(&counts));
    // ` |` and `|`
    let rest = room.map_or(LONGEST, |room| room.saturating_sub(label_width + 2 + count_width + 3));
    let longest = rest.min(LONGEST);
    let most = histogram.counts.iter().copied().max().unwrap_or(0);
    let mut texts = labels.iter().zip(&counts);
    let line = |bucket: Option<(usize, u64)>| {
        let Some((_, count)) = bucket else { return MORE.to_owned() };
        let Some((label, text)) = texts.next() else { return MORE.to_owned() };
        let space = " ".repeat((label_width - label.width()) + 2 + (count_width - text.width()));
        let bar = if longest < SHORTEST { String::new() } else { bar(count, most, longest) };
        let line = format!("{label}{space}{text}{bar}");
        room.map_or(line.clone(), |room| cut(&line, room, CellKind::Text))
    };
    buckets.into_iter().map(line).collect()
}

/// Number and count of the buckets that are shown; `None` stands for a gap.
fn shown(counts: &[u64]) -> Vec<Option<(usize, u64)>> {
    let is_filled = |(_, count): &(usize, &u64)| **count > 0;
    let filled: Vec<usize> = counts.iter().enumerate().filter(is_filled).map(|(bucket, _)| bucket).collect();
    let mut shown = Vec::new();
    for (at, bucket) in filled.iter().copied().enumerate() {
        let after = at.checked_sub(1).and_then(|before| filled.get(before)).map_or(bucket, |before| before + 1);
        match bucket - after {
            0..=FEW => shown.extend((after..bucket).map(|empty| Some((empty, 0)))),
            _ => shown.push(None),
        }
        shown.push(Some((bucket, counts[bucket])));
    }
    shown
}

/// ` |@@@     |`; of what is there, one `@` at least.
fn bar(count: u64, most: u64, longest: usize) -> String {
    let length = (u128::from(count) * longest as u128).div_ceil(u128::from(most.max(1)));
    let length = usize::try_from(length).unwrap_or(longest).min(longest);
    format!(" |{}{}|", "@".repeat(length), " ".repeat(longest - length))
}

fn widest(texts: &[String]) -> usize {
    texts.iter().map(|text| text.width()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::spec::Buckets;

    fn histogram(buckets: Buckets, values: &[(i64, u64)]) -> Histogram {
        let mut counts = vec![0; buckets.count()];
        values.iter().for_each(|(value, count)| counts[buckets.of((*value).into())] += count);
        Histogram { buckets: Arc::new(buckets), counts, of_durations: false }
    }

    /// True edges, aligned counts, bars of the window's width, gaps in short.
    #[test]
    fn powers_of_two() {
        let values = [(5000, 77), (9000, 1234), (40_000, 1), (2_000_000_000, 3)];
        let histogram = histogram(Buckets::PowersOfTwo, &values);
        let expected = [
            "[4.1us, 8.19us)      77 |@@@                                     |",
            "[8.19us, 16.4us)  1,234 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
            "[16.4us, 32.8us)      0 |                                        |",
            "[32.8us, 65.5us)      1 |@                                       |",
            "…",
            "[1.07s, 2.15s)        3 |@                                       |",
        ];
        assert_eq!(bars(&histogram, HumanUnit::Ns, None), expected);
        assert_eq!(bars(&histogram, HumanUnit::Ns, Some(36))[1], "[8.19us, 16.4us)  1,234 |@@@@@@@@@@|");
        assert_eq!(bars(&histogram, HumanUnit::Ns, Some(28))[1], "[8.19us, 16.4us)  1,234");
        for room in 1..90 {
            assert!(bars(&histogram, HumanUnit::Ns, Some(room)).iter().all(|line| line.width() <= room));
        }
    }

    /// Open buckets at both ends; nothing of nothing; counts as large as they get.
    #[test]
    fn ends() {
        let linear = Buckets::Linear { low: 0, high: 100, step: 50 };
        let found = bars(&histogram(linear.clone(), &[(-1, 1), (100, 2)]), HumanUnit::None, Some(24));
        let expected = [
            "< 0        1 |@@@@@    |",
            "[0, 50)    0 |         |",
            "[50, 100)  0 |         |",
            ">= 100     2 |@@@@@@@@@|",
        ];
        assert_eq!(found, expected);
        assert!(bars(&histogram(linear.clone(), &[]), HumanUnit::None, None).is_empty());
        let large = bars(&histogram(linear, &[(1, u64::MAX), (60, 1)]), HumanUnit::None, None);
        assert!(large[0].ends_with(&format!("18,446,744,073,709,551,615 |{}|", "@".repeat(LONGEST))));
        assert!(large[1].ends_with(&format!(" 1 |@{}|", " ".repeat(LONGEST - 1))));
    }
}
