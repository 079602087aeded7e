// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets of numbers as few intervals: what a comparison accepts.

use crate::spec::Comparison;

/// Numbers, as intervals with both ends, sorted, apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Intervals(pub(super) Vec<(i128, i128)>);

impl Intervals {
    pub(super) fn one(low: i128, high: i128) -> Self {
        Self(if low <= high { vec![(low, high)] } else { Vec::new() })
    }

    /// Those that compare so with a number.
    pub(super) fn of(op: Comparison, number: i128, (low, high): (i128, i128)) -> Self {
        match op {
            Comparison::Equal => Self::one(number, number),
            Comparison::NotEqual => Self::one(number, number).without((low, high)),
            Comparison::Less => Self::one(low, number - 1),
            Comparison::LessOrEqual => Self::one(low, number),
            Comparison::Greater => Self::one(number + 1, high),
            Comparison::GreaterOrEqual => Self::one(number, high),
        }
    }

    /// Those of both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|a| other.0.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
        Self(pairs.filter(|(low, high)| low <= high).collect()).tidy()
    }

    /// Those of either.
    pub(super) fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).copied().collect()).tidy()
    }

    /// The others from `low` to `high`.
    pub(super) fn without(&self, (low, high): (i128, i128)) -> Self {
        let mut rest = Vec::new();
        let mut from = low;
        for (start, end) in &self.0 {
            if from < *start {
                rest.push((from, (start - 1).min(high)));
            }
            from = from.max(end + 1);
        }
        if from <= high {
            rest.push((from, high));
        }
        Self(rest).tidy()
    }

    fn tidy(mut self) -> Self {
        self.0.retain(|(low, high)| low <= high);
        self.0.sort_unstable();
        let mut tidy: Vec<(i128, i128)> = Vec::with_capacity(self.0.len());
        for (low, high) in self.0 {
            match tidy.last_mut() {
                Some((_, end)) if low <= *end + 1 => *end = (*end).max(high),
                Some(_) | None => tidy.push((low, high)),
            }
        }
        Self(tidy)
    }
}

#[cfg(test)]
mod tests {
    use super::Intervals;
    use crate::spec::Comparison;

    /// Intervals that touch are one, and what is left out leaves two.
    #[test]
    fn sets_of_numbers() {
        let all = (0, 255);
        assert_eq!(Intervals::of(Comparison::NotEqual, 5, all).0, [(0, 4), (6, 255)]);
        assert_eq!(Intervals::of(Comparison::NotEqual, 0, all).0, [(1, 255)]);
        assert_eq!(Intervals::of(Comparison::Less, 0, all).0, []);
        assert_eq!(Intervals::one(1, 2).or(&Intervals::one(3, 4)).0, [(1, 4)]);
        assert_eq!(Intervals::one(1, 2).or(&Intervals::one(5, 6)).without(all).0, [(0, 0), (3, 4), (7, 255)]);
        assert_eq!(Intervals::one(1, 9).and(&Intervals::of(Comparison::NotEqual, 5, all)).0, [(1, 4), (6, 9)]);
    }
}
