//! IRCv3 `server-time` stamps: `YYYY-MM-DDThh:mm:ss.sssZ`, always UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes a stamp with milliseconds. Moments before 1970 are written as 1970.
pub fn format(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let rest = seconds % 86_400;
    let (hour, minute, second) = (rest / 3600, rest % 3600 / 60, rest % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Reads a stamp from 1970 on; the fraction is optional and may have any number of digits.
pub fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (year, month_and_day) = date.split_once('-')?;
    let (month, day) = month_and_day.split_once('-')?;
    let (hour, minutes) = time.split_once(':')?;
    let (minute, seconds) = minutes.split_once(':')?;
    let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let days =
        days_from_civil(number(year, 4, 1970, 9999)?, number(month, 2, 1, 12)?, number(day, 2, 1, 31)?)?;
    // 60 is a leap second; it counts as the first of the next minute.
    let of_day = number(hour, 2, 0, 23)? * 3600 + number(minute, 2, 0, 59)? * 60 + number(second, 2, 0, 60)?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(days * 86_400 + of_day) + Duration::from_millis(millis))
}

fn number(text: &str, digits: usize, least: u64, most: u64) -> Option<u64> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|value| (least..=most).contains(value))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar before 1 January of `year`, counted from year 1.
fn days_before_year(year: u64) -> u64 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    let in_months: u64 = (1..month).map(|month| days_in_month(year, month)).sum();
    (day <= days_in_month(year, month))
        .then(|| days_before_year(year) - days_before_year(1970) + in_months + day - 1)
}

fn civil_from_days(days: u64) -> (u64, u64, u64) {
    // A first guess that is never too late, then at most a step or two.
    let mut year = 1970 + days / 366;
    let mut rest = days + days_before_year(1970) - days_before_year(year);
    while rest >= days_in_year(year) {
        rest -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn known_moments_both_ways() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_318_984_793_123, "2011-10-19T00:39:53.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] {
            assert_eq!(format(at(millis)), text);
            assert_eq!(parse(text), Some(at(millis)), "{text}");
        }
        assert_eq!(parse("2011-10-19T00:39:53Z"), Some(at(1_318_984_793_000)));
        assert_eq!(parse("2011-10-19T00:39:53.1234567Z"), Some(at(1_318_984_793_123)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "Z", "2011-10-19", "2011-02-29T00:00:00Z", "1969-12-31T23:59:59Z", "2011-10-19T00:39:53.é0Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_moment_survives(millis in 0u64..250_000_000_000_000) {
            proptest::prop_assert_eq!(parse(&format(at(millis))), Some(at(millis)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
