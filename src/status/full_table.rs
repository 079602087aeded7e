// SPDX-License-Identifier: MIT OR Apache-2.0
//! A table of `aggregate` without room, and what fills it.

use serde::{Deserialize, Serialize};

/// A table that had no room for another row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullTable {
    /// Its name, where the probe has several.
    pub table: Option<String>,
    /// How many rows there is room for.
    pub max_keys: u32,
    /// The key with the most values in these rows.
    pub key: String,
    /// How many that has.
    pub values: u64,
}

impl FullTable {
    /// The largest `max_keys` of the language.
    pub const MOST_KEYS: u32 = 1 << 20;

    /// In words, with what to do about it.
    pub fn words(&self) -> String {
        let Self { table, max_keys, key, values } = self;
        let table = table.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let more = max_keys.saturating_mul(4).min(Self::MOST_KEYS);
        let help = match more > *max_keys {
            true => format!("set `max_keys: {more}`, or leave `{key}` out of `by`"),
            false => format!("leave `{key}` out of `by`, or count fewer events: `where`"),
        };
        let keys = if *max_keys == 1 { "key" } else { "keys" };
        let word = if *values == 1 { "value" } else { "values" };
        format!(
            "the table{table} has room for {max_keys} {keys}, and the key that grew most is `{key}` with {values} {word}; {help}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More room is proposed as long as there may be more.
    #[test]
    fn in_words() {
        let mut full = FullTable { table: None, max_keys: 1000, key: "file".to_owned(), values: 990 };
        let start = "the table has room for 1000 keys, and the key that grew most is `file` with 990 values; ";
        assert_eq!(full.words(), format!("{start}set `max_keys: 4000`, or leave `file` out of `by`"));
        (full.max_keys, full.table) = (FullTable::MOST_KEYS, Some("x".to_owned()));
        assert!(full.words().starts_with("the table `x` has room for 1048576 keys"));
        assert!(full.words().ends_with("leave `file` out of `by`, or count fewer events: `where`"));
        let full = FullTable { table: None, max_keys: 1, key: "file".to_owned(), values: 1 };
        assert!(
            full.words()
                .starts_with("the table has room for 1 key, and the key that grew most is `file` with 1 value; ")
        );
    }
}
