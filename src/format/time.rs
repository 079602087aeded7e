// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wall time as text: `2026-11-21T07:40:00.123456789Z` for machines, `08:40:00.123` for people.

const NS_PER_S: u64 = 1_000_000_000;

/// A UTC time stamp of RFC 3339 with nanoseconds, between what always stands before and after it: the beginning of a line is
/// copied in one piece. Remembers the text of the last second, which most events share.
pub(super) struct Rfc3339 {
    second: u64,
    /// What stands before it, the 30 bytes, what follows it.
    text: Box<[u8]>,
    /// Where the 30 bytes begin.
    at: usize,
}

impl Rfc3339 {
    /// Stands at the epoch.
    pub(super) fn between(before: &[u8], after: &[u8]) -> Self {
        let text = [before, b"1970-01-01T00:00:00.000000000Z", after].concat();
        Self { second: 0, text: text.into(), at: before.len() }
    }

    /// The stamp of `unix_ns` nanoseconds since the epoch, with what stands around it.
    #[inline]
    pub(super) fn format(&mut self, unix_ns: u64) -> &[u8] {
        let second = unix_ns / NS_PER_S;
        if second != self.second {
            self.set_second(second);
        }
        // Three numbers of three digits: the processor works on them at the same time.
        let ns = (unix_ns % NS_PER_S) as u32;
        if let Some(text) = self.text[self.at..].first_chunk_mut() {
            digits3(text, 20, ns / 1_000_000);
            digits3(text, 23, ns / 1000 % 1000);
            digits3(text, 26, ns % 1000);
        }
        &self.text
    }

    #[cold]
    fn set_second(&mut self, second: u64) {
        self.second = second;
        if let Some(text) = self.text[self.at..].first_chunk_mut() {
            write_second(text, second);
        }
    }
}

fn write_second(text: &mut [u8; 30], second: u64) {
    let (year, month, day) = civil_from_days(second / 86_400);
    let of_day = second % 86_400;
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], of_day / 3600);
    digits(&mut text[14..16], of_day / 60 % 60);
    digits(&mut text[17..19], of_day % 60);
}

/// One stamp by itself.
pub(super) fn stamp(unix_ns: u64) -> [u8; 30] {
    let mut text = *b"1970-01-01T00:00:00.000000000Z";
    write_second(&mut text, unix_ns / NS_PER_S);
    digits(&mut text[20..29], unix_ns % NS_PER_S);
    text
}

/// `HH:MM:SS.mmm` at a fixed distance from UTC.
pub(super) fn clock(unix_ns: u64, utc_offset_s: i32) -> [u8; 12] {
    let utc_s = (unix_ns / NS_PER_S % 86_400).cast_signed();
    let of_day = (utc_s + i64::from(utc_offset_s)).rem_euclid(86_400).cast_unsigned();
    let mut text = *b"00:00:00.000";
    digits(&mut text[0..2], of_day / 3600);
    digits(&mut text[3..5], of_day / 60 % 60);
    digits(&mut text[6..8], of_day % 60);
    digits(&mut text[9..12], unix_ns % NS_PER_S / 1_000_000);
    text
}

/// The date of the day that is `days` after 1970-01-01, in the Gregorian calendar: (year, month 1–12, day 1–31).
///
/// Counts in years that begin in March, so that the leap day is a year's last, and in eras of 400 years, which all
/// have 146,097 days.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let since_march_0000 = days + 719_468;
    let era = since_march_0000 / 146_097;
    let day_of_era = since_march_0000 % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// Fills the slot with the low decimal digits of `value`, with leading zeros.
#[inline]
fn digits(slot: &mut [u8], mut value: u64) {
    for digit in slot.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// The same for a value below 1000 at a fixed place.
#[inline]
fn digits3(text: &mut [u8; 30], at: usize, value: u32) {
    text[at] = b'0' + (value / 100) as u8;
    text[at + 1] = b'0' + (value / 10 % 10) as u8;
    text[at + 2] = b'0' + (value % 10) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc3339(unix_ns: u64) -> String {
        String::from_utf8(Rfc3339::between(b"", b"").format(unix_ns).to_vec()).unwrap()
    }

    /// Known dates, leap days and the ends of years and centuries come out as `date -u` prints them.
    #[test]
    fn known_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (68_169_599, "1972-02-28T23:59:59.000000000Z"),
            (68_169_600, "1972-02-29T00:00:00.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000000Z"),
            (1_795_246_800, "2026-11-21T07:40:00.000000000Z"),
            (2_147_483_648, "2038-01-19T03:14:08.000000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(rfc3339(seconds * NS_PER_S), text);
            assert_eq!(stamp(seconds * NS_PER_S), text.as_bytes());
        }
    }

    /// Every day of six centuries follows the one before it by the rules of the calendar.
    #[test]
    fn days_follow_each_other() {
        let mut expected = (1970, 1, 1);
        for day in 0..(584 * 365) {
            assert_eq!(civil_from_days(day), expected);
            let (y, m, d) = expected;
            let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
            let last = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m as usize - 1];
            expected = match (m, d == last) {
                (_, false) => (y, m, d + 1),
                (12, true) => (y + 1, 1, 1),
                (_, true) => (y, m + 1, 1),
            };
        }
    }

    /// The remembered second does not outlive its second, in either direction.
    #[test]
    fn remembers_only_the_same_second() {
        let mut stamp = Rfc3339::between(b"", b"");
        for ns in [1_795_246_799_999_999_999, 1_795_246_800_000_000_001, 1_795_246_799_000_000_000, u64::MAX] {
            assert_eq!(String::from_utf8_lossy(stamp.format(ns)), rfc3339(ns));
        }
        assert_eq!(rfc3339(u64::MAX), "2554-07-21T23:34:33.709551615Z");
    }

    /// Local time wraps around midnight on both sides of Greenwich.
    #[test]
    fn local_clock() {
        let ns = 1_795_246_800_123_999_999;
        assert_eq!(&clock(ns, 0), b"07:40:00.123");
        assert_eq!(&clock(ns, 3600), b"08:40:00.123");
        assert_eq!(&clock(ns, -8 * 3600), b"23:40:00.123");
        assert_eq!(&clock(ns, 5 * 3600 + 1800), b"13:10:00.123");
        assert_eq!(&clock(0, -1), b"23:59:59.000");
    }
}
