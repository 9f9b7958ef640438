//! Unix time as text, in UTC, without a clock. The civil calendar by Howard Hinnant's public algorithm.

/// Year, month, day for a number of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// `YYYY-MM-DDThh:mm:ss.sssZ`, the form of the tag `time`.
pub(crate) fn iso(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", unix_ms % 1000)
}

/// The parts of a time for people: names of day and month, day of the month, year, `hh:mm:ss`.
fn parts(unix_ms: u64) -> (&'static str, &'static str, u64, u64, String) {
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let seconds = unix_ms / 1000;
    let days = seconds / 86_400;
    let (year, month, day) = civil(days);
    let named = |names: &[&'static str], index: u64| {
        usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or("?")
    };
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let (weekday, month) = (named(&DAYS, days % 7), named(&MONTHS, month.saturating_sub(1)));
    (weekday, month, day, year, format!("{hour:02}:{minute:02}:{second:02}"))
}

/// `Sun Nov 22 2026 at 20:53:23 UTC`, the form of most answers.
pub(crate) fn human(unix_ms: u64) -> String {
    let (weekday, month, day, year, time) = parts(unix_ms);
    format!("{weekday:.3} {month:.3} {day} {year} at {time} UTC")
}

/// `Sunday November 22 2026 -- 20:53:23 +00:00`, the form of TIME.
pub(crate) fn long(unix_ms: u64) -> String {
    let (weekday, month, day, year, time) = parts(unix_ms);
    format!("{weekday} {month} {day} {year} -- {time} +00:00")
}

/// Reads `YYYY-MM-DDThh:mm:ss[.sss]Z` as Unix milliseconds.
pub(crate) fn parse_iso(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let valid = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !valid
        || hour > 23
        || minute > 59
        || second > 60
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let year_of_era = year % 400;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (year / 400 * 146_097 + day_of_era).checked_sub(719_468)?;
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_dates() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1_709_210_096_789), "2024-02-29T12:34:56.789Z");
        assert_eq!(human(1_795_380_803_000), "Sun Nov 22 2026 at 20:53:23 UTC");
        assert_eq!(long(1_795_380_803_000), "Sunday November 22 2026 -- 20:53:23 +00:00");
        assert_eq!(parse_iso(b"2024-02-29T12:34:56.789Z"), Some(1_709_210_096_789));
        assert_eq!(parse_iso(b"2024-02-29T12:34:56Z"), Some(1_709_210_096_000));
        for bad in ["", "Z", "2024-13-01T00:00:00Z", "2024-01-01", "x-1-1T0:0:0Z", "2024-01-01T00:00:00.xZ"] {
            assert_eq!(parse_iso(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(ms in 0u64..4_102_444_800_000) {
            prop_assert_eq!(parse_iso(iso(ms).as_bytes()), Some(ms));
        }
    }
}
