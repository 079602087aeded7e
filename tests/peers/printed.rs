// SPDX-License-Identifier: MIT OR Apache-2.0
//! What other tools print of what they counted: histograms of libbpf-tools, maps of bpftrace.

use std::collections::BTreeMap;

/// Lower edges, and how many.
pub(crate) type Histogram = BTreeMap<u64, u64>;

/// The histograms of libbpf-tools, by what stands above each (`disk = loop0`: `loop0`); `` where there is one only. Slots without a value
/// are left out.
pub(crate) fn slots(text: &str) -> BTreeMap<String, Histogram> {
    let mut all: BTreeMap<String, Histogram> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some((_, name)) = line.split_once(" = ") {
            name.trim().clone_into(&mut section);
        }
        let Some((edges, rest)) = line.split_once(" : ") else { continue };
        let Some((low, _)) = edges.split_once("->") else { continue };
        let count = rest.split_whitespace().next().and_then(|count| count.parse().ok());
        if let (Ok(low), Some(count @ 1..)) = (low.trim().parse(), count) {
            *all.entry(section.clone()).or_default().entry(low).or_default() += count;
        }
    }
    all
}

/// Columns of a table: the first word of each line, and the number in this column.
pub(crate) fn column(text: &str, number: usize) -> BTreeMap<String, u64> {
    let cell = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some((words.first()?.to_string(), words.get(number)?.parse().ok()?))
    };
    text.lines().filter_map(cell).collect()
}

/// The maps of bpftrace with counts and sums: `@calls[peer-dd, 3]: 17` is `calls peer-dd, 3`.
pub(crate) fn counts(text: &str) -> BTreeMap<String, u64> {
    let entry = |line: &str| {
        let (name, count) = line.strip_prefix('@')?.rsplit_once(": ")?;
        Some((key(name), count.trim().parse().ok()?))
    };
    text.lines().filter_map(entry).collect()
}

/// Its maps with histograms.
pub(crate) fn histograms(text: &str) -> BTreeMap<String, Histogram> {
    let mut all: BTreeMap<String, Histogram> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(map) = line.strip_prefix('@').and_then(|line| line.trim_end().strip_suffix(':')) {
            name = key(map);
            continue;
        }
        let Some((edges, rest)) = line.strip_prefix('[').and_then(|line| line.split_once([')', ']'])) else { continue };
        let low = edges.split(',').next().and_then(|low| human(low.trim()));
        let count = rest.split_whitespace().next().and_then(|count| count.parse().ok());
        if let (Some(low), Some(count @ 1..)) = (low, count) {
            *all.entry(name.clone()).or_default().entry(low).or_default() += count;
        }
    }
    all
}

/// `calls[peer-dd, 3]` as `calls peer-dd, 3`.
fn key(map: &str) -> String {
    match map.split_once('[') {
        Some((name, key)) => format!("{name} {}", key.strip_suffix(']').unwrap_or(key)),
        None => map.to_owned(),
    }
}

/// `64K`
fn human(number: &str) -> Option<u64> {
    let (digits, shift) = match number.chars().last()? {
        'K' => (&number[..number.len() - 1], 10),
        'M' => (&number[..number.len() - 1], 20),
        'G' => (&number[..number.len() - 1], 30),
        'T' => (&number[..number.len() - 1], 40),
        _digit => (number, 0),
    };
    Some(digits.parse::<u64>().ok()? << shift)
}

/// What is parsed is what is printed.
#[test]
fn what_others_print() {
    let tool = "Tracing…\n\ndisk = loop0\t\n     usecs               : count    distribution\n         0 -> 1          : 0        |  |\n         \
                32 -> 63         : 12       |**|\n\ndisk = vda\n        64 -> 127        : 3        |*|\n";
    let expected = [("loop0", (32, 12)), ("vda", (64, 3))];
    let expected = expected.map(|(name, slot)| (name.to_owned(), Histogram::from([slot])));
    assert_eq!(slots(tool), BTreeMap::from(expected));
    let map = "Attaching 1 probe...\n\n@bytes[peer-dd]: \n[0]                    1 |  |\n[4K, 8K)             123 |@@|\n[1M, 2M)  2 |@|\n\n@calls[peer-dd, 3]: 17\n@all: 4\n";
    let bytes = Histogram::from([(0, 1), (4096, 123), (1 << 20, 2)]);
    assert_eq!(histograms(map), BTreeMap::from([("bytes peer-dd".to_owned(), bytes)]));
    assert_eq!(counts(map), BTreeMap::from([("calls peer-dd, 3".to_owned(), 17), ("all".to_owned(), 4)]));
}
