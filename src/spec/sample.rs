// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted in the kernel: `aggregate`, and how the rows of a sample look.

use std::sync::Arc;

use super::expr::Expr;

/// One table of `aggregate`.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Its name, unique within the probe; `None` where the probe has one table, and it has none.
    pub name: Option<String>,
    /// What rows are told apart by, in the order of the file: at most [`Aggregate::MAX_KEYS`]. None: there is one row.
    pub keys: Vec<AggregateKey>,
    /// What is counted in each, in the order of the file: at least one, at most [`Aggregate::MAX_VALUES`].
    pub values: Vec<AggregateValue>,
    /// Only the first rows are reported.
    pub top: Option<Top>,
    /// It never begins again with nothing.
    pub cumulative: bool,
    /// How many rows there is room for.
    pub max_keys: u32,
}

impl Aggregate {
    /// Most keys of a table.
    pub const MAX_KEYS: usize = 8;
    /// Most values of a table.
    pub const MAX_VALUES: usize = 16;
    /// Most tables of a probe.
    pub const MAX_TABLES: usize = 4;
    /// Rows that there is room for when the file does not say.
    pub const DEFAULT_ROWS: u32 = 1024;
    /// Most bytes of the keys of a row.
    pub const MAX_KEY_BYTES: u32 = 512;

    /// All that it reads.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let of_values = self.values.iter().flat_map(|value| value.of.iter().chain(&value.condition));
        self.keys.iter().map(|key| &key.expr).chain(of_values)
    }

    /// The same, to be changed.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let of_values = self.values.iter_mut().flat_map(|value| value.of.iter_mut().chain(&mut value.condition));
        self.keys.iter_mut().map(|key| &mut key.expr).chain(of_values)
    }
}

/// One key: `error: retval as errno`.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateKey {
    /// The name in the output.
    pub name: String,
    /// What is read.
    pub expr: Expr,
}

/// One value: `failed: count() if retval < 0`.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateValue {
    /// The name in the output.
    pub name: String,
    /// What is done with what is read.
    pub statistic: Statistic,
    /// What is read; `None` for a count.
    pub of: Option<Expr>,
    /// Only events for which this holds count.
    pub condition: Option<Expr>,
    /// Whether the edges of a histogram are times; `None` where they are not written, or zero.
    pub of_times: Option<bool>,
}

/// What is done with the values of the events.
#[derive(Debug, Clone, PartialEq)]
pub enum Statistic {
    /// How many events there were.
    Count,
    /// Their sum; 0 where there was none. It wraps as 64 bits do.
    Sum,
    /// The least; null where there was none.
    Min,
    /// The greatest; null where there was none.
    Max,
    /// Their mean, towards zero; null where there was none.
    Average,
    /// How many fell between which edges.
    Histogram(Buckets),
}

/// The edges of a histogram. A bucket has what is not less than its low edge and less than its high one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buckets {
    /// Less than 0, 0, 1, 2 to 3, 4 to 7 … up to 2^63 and more.
    PowersOfTwo,
    /// `[0, 4096, 512]`: less than `low`, then equal ones up to `high`, then what is not less than it.
    Linear {
        /// Where the first of the equal ones begins.
        low: i64,
        /// Where the open one begins: `low` and a multiple of `step`.
        high: i64,
        /// How wide they are; more than 0.
        step: u64,
    },
    /// Less than the first, between two each, not less than the last: at most [`Buckets::MAX_EDGES`], in order.
    Edges(Arc<[i64]>),
}

impl Buckets {
    /// Most edges that a file can give.
    pub const MAX_EDGES: usize = 32;
    /// Most buckets of equal width.
    pub const MAX_LINEAR: u64 = 1024;

    /// How many there are, the open ones among them.
    pub fn count(&self) -> usize {
        match self {
            Self::PowersOfTwo => 66,
            Self::Linear { low, high, step } => (high.abs_diff(*low) / (*step).max(1)) as usize + 2,
            Self::Edges(edges) => edges.len() + 1,
        }
    }

    /// The edges of bucket `index`; `None`: open.
    pub fn edges(&self, index: usize) -> (Option<i128>, Option<i128>) {
        let of = |at: usize| -> Option<i128> {
            match self {
                Self::PowersOfTwo if at == 0 => Some(0),
                Self::PowersOfTwo => (at < 65).then(|| 1 << (at - 1)),
                Self::Linear { low, step, .. } => {
                    (at + 1 < self.count()).then(|| i128::from(*low) + i128::from(*step) * at as i128)
                }
                Self::Edges(edges) => edges.get(at).map(|edge| (*edge).into()),
            }
        };
        (index.checked_sub(1).and_then(of), of(index))
    }

    /// The bucket of a value.
    pub fn of(&self, value: i128) -> usize {
        match self {
            Self::PowersOfTwo if value < 0 => 0,
            Self::PowersOfTwo => (129 - value.leading_zeros() as usize).min(65),
            Self::Linear { low, .. } if value < (*low).into() => 0,
            Self::Linear { low, step, .. } => {
                let bucket = (value - i128::from(*low)) / i128::from((*step).max(1)) + 1;
                usize::try_from(bucket).unwrap_or(usize::MAX).min(self.count() - 1)
            }
            Self::Edges(edges) => edges.partition_point(|edge| i128::from(*edge) <= value),
        }
    }
}

/// `top: 20 by calls`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Top {
    /// How many rows are reported.
    pub rows: u32,
    /// By which of the table's values, from 0.
    pub by: usize,
}

/// How a sample is made of the rows of a layout: its first fields are the keys, the others the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name of the table; `None` where it has none.
    pub table: Option<String>,
    /// How many of the fields are keys.
    pub keys: usize,
    /// What each of the other fields is.
    pub statistics: Vec<Statistic>,
    /// Which rows are reported, if not all.
    pub top: Option<Top>,
    /// The values are those since the beginning, not since the last sample.
    pub cumulative: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds() -> [Buckets; 3] {
        let edges = Buckets::Edges([-5, 0, 10_000, i64::MAX].into());
        [Buckets::PowersOfTwo, Buckets::Linear { low: -100, high: 1000, step: 50 }, edges]
    }

    /// Each value lies between the edges of its bucket, and buckets leave nothing out between them.
    #[test]
    fn values_lie_in_their_buckets() {
        let around = |number: i128| [number - 1, number, number + 1];
        let numbers =
            (0..64).map(|bit| 1i128 << bit).chain([0, -5, -100, -50, 1000, 950, 10_000, i128::from(i64::MIN)]);
        for buckets in kinds() {
            for value in numbers.clone().flat_map(around) {
                let (low, high) = buckets.edges(buckets.of(value));
                assert!(
                    low.is_none_or(|low| low <= value) && high.is_none_or(|high| value < high),
                    "{value} {buckets:?}"
                );
            }
            let all: Vec<_> = (0..buckets.count()).map(|bucket| buckets.edges(bucket)).collect();
            assert!(all.windows(2).all(|pair| pair[0].1 == pair[1].0 && pair[0].1.is_some()));
            assert!(all[0].0.is_none() && all[all.len() - 1].1.is_none());
        }
    }
}
