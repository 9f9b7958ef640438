//! `[hours]`: what the file says about when people are there, and the words for it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de::Error};

use super::values::from_text;
use crate::conversation::hours::{ClosedDay, DAY, Hours, Span};

/// `[hours]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Whose times these are.
    pub time_zone: Zone,
    /// `"Mon-Fri 09:00-17:00"`.
    pub open: Vec<OpenOn>,
    /// Days on which nobody comes all the same: `"2026-12-24"`, or `"12-25"` for each year.
    #[serde(default)]
    pub closed: Vec<ClosedOn>,
}

impl Table {
    /// The same by weekday.
    pub fn hours(self) -> Hours {
        let mut week: [Vec<Span>; 7] = Default::default();
        for (day, span) in self.open.into_iter().flat_map(|open| open.0) {
            if let Some(spans) = week.get_mut(day) {
                spans.push(span);
            }
        }
        Hours::new(self.time_zone.0, week, self.closed.into_iter().map(|day| day.0).collect())
    }
}

/// A time zone of the tz database.
#[derive(Debug, Clone)]
pub struct Zone(pub TimeZone);

from_text!(Zone, |text| {
    let found = TimeZone::get(text).ok().filter(|zone| zone.iana_name().is_some());
    found
        .map(Self)
        .ok_or_else(|| format!("`{text}` is no time zone; write its tz database name, such as Europe/Berlin"))
});

/// Hours on some days of the week: day (0 is Monday) and part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOn(pub Vec<(usize, Span)>);

from_text!(OpenOn, |text| open_on(text).map(Self).ok_or_else(|| {
    format!("`{text}` is no opening; write days and times, such as Mon-Fri 09:00-12:00, 13:00-17:00")
}));

fn open_on(text: &str) -> Option<Vec<(usize, Span)>> {
    let (days, times) = text.split_at_checked(text.find(|c: char| c.is_ascii_digit())?)?;
    let mut all = Vec::new();
    for day in days.split(',').map(days_of).collect::<Option<Vec<_>>>()?.concat() {
        for part in times.split(',') {
            let (from, to) = part.split_once(['-', '–'])?;
            let (from, to) = (time_of(from)?, time_of(to)?);
            if from == DAY || from == to {
                return None;
            }
            if from < to {
                all.push((day, Span { from, to }));
            } else {
                // Over midnight.
                all.push((day, Span { from, to: DAY + to }));
            }
        }
    }
    Some(all)
}

/// `Mon`, `Monday`, `Mon-Fri`, `daily`.
fn days_of(text: &str) -> Option<Vec<usize>> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("daily") {
        return Some((0..7).collect());
    }
    let (first, last) = text.split_once(['-', '–']).unwrap_or((text, text));
    let (first, last) = (day_of(first)?, day_of(last)?);
    let days = (last + 7 - first) % 7;
    Some((first..=first + days).map(|day| day % 7).collect())
}

fn day_of(name: &str) -> Option<usize> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let name = name.trim().to_ascii_lowercase();
    (name.len() >= 2).then(|| DAYS.iter().position(|day| day.starts_with(&name)))?
}

fn time_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let plain = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(hour) || minute.len() != 2 || !plain(minute) {
        return None;
    }
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    (hour < 24 && minute < 60 || hour == 24 && minute == 0).then_some(hour * 60 + minute)
}

/// A day on which nobody comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedOn(pub ClosedDay);

from_text!(ClosedOn, |text| {
    let yearly = || {
        // 2024 has a 29 February.
        let date: Date = format!("2024-{text}").parse().ok()?;
        (text.len() == 5).then_some(ClosedDay::Yearly { month: date.month(), day: date.day() })
    };
    let once = || text.parse().ok().filter(|_| text.len() == 10).map(ClosedDay::On);
    once()
        .or_else(yearly)
        .map(Self)
        .ok_or_else(|| format!("`{text}` is no date; write 2026-12-24, or 12-25 for each year"))
});

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: u16, to: u16) -> Span {
        Span { from: from * 60, to: to * 60 }
    }

    #[test]
    fn days_and_times_as_people_write_them() {
        assert_eq!(open_on("Sat 10:00-14:00"), Some(vec![(5, span(10, 14))]));
        assert_eq!(open_on("mon, Wednesday 9:00-17:00"), Some(vec![(0, span(9, 17)), (2, span(9, 17))]));
        assert_eq!(open_on("Mon-Fri 09:00-12:00, 13:00-17:00").unwrap().len(), 10);
        assert_eq!(open_on("Sat-Mon 08:00-09:00").unwrap().len(), 3);
        assert_eq!(open_on("daily 00:00-24:00").unwrap().len(), 7);
        assert_eq!(open_on("Sun 22:00-02:00"), Some(vec![(6, span(22, 26))]));
        for wrong in [
            "",
            "Mon",
            "09:00-17:00",
            "Mon 9-17",
            "Mon 09:00",
            "Mon 25:00-26:00",
            "Xyz 09:00-10:00",
            "Mon 09:60-10:00",
            "Mon 09:00-09:00",
            "Mon 24:00-02:00",
            "T 09:00-10:00",
        ] {
            assert_eq!(open_on(wrong), None, "{wrong}");
        }
    }
}
