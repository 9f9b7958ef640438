//! Business hours: when the site's people are there as a rule, in their own time zone.
//!
//! Times of day are local ones, so a day with a clock change is as long as it is. What the time zone's rules are comes
//! with the zone; nothing here reads a clock or a file.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::model::Millis;

/// Minutes.
pub const DAY: u16 = 1440;
/// Days that are looked through for the next opening.
const LOOK_AHEAD: usize = 400;

/// Part of a day, in minutes since its midnight. One that goes on after the next midnight belongs to the day on which it
/// begins: a day on which nobody comes has neither beginning nor rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first minute, less than 1440.
    pub from: u16,
    /// The minute after the last, less than two days from the midnight.
    pub to: u16,
}

/// A day on which nobody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedDay {
    /// Once.
    On(Date),
    /// Each year.
    Yearly {
        /// 1 to 12.
        month: i8,
        /// 1 to 31.
        day: i8,
    },
}

/// When people are there.
#[derive(Debug, Clone)]
pub struct Hours {
    zone: TimeZone,
    /// By weekday, Monday first; in order.
    week: [Vec<Span>; 7],
    closed: Vec<ClosedDay>,
}

/// When people are there next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Days from today: 0 is today.
    pub days: usize,
    /// The day of the week.
    pub weekday: &'static str,
    /// `2026-11-23`.
    pub date: String,
    /// `09:00`.
    pub time: String,
    /// The time zone's name.
    pub zone: String,
}

impl Hours {
    /// The spans of a day may come in any order.
    pub fn new(zone: TimeZone, mut week: [Vec<Span>; 7], closed: Vec<ClosedDay>) -> Self {
        for day in &mut week {
            day.sort_unstable();
        }
        Self { zone, week, closed }
    }

    /// Whether people are there, and until when that answer holds at least.
    pub fn at(&self, now: Millis) -> (bool, Millis) {
        let Some(today) = self.date(now) else { return (true, Millis(u64::MAX)) };
        let mut open = false;
        let mut until = today.checked_add(1.day()).ok().and_then(|next| self.moment(next, 0));
        let yesterday = today.yesterday().ok();
        let spans = yesterday
            .into_iter()
            .chain([today])
            .flat_map(|date| self.spans(date).iter().map(move |span| (date, span)));
        for (date, span) in spans {
            let (Some(from), Some(to)) = (self.moment(date, span.from), self.moment(date, span.to)) else {
                continue;
            };
            open |= from <= now && now < to;
            for edge in [from, to] {
                if edge > now {
                    until = Some(until.map_or(edge, |until| until.min(edge)));
                }
            }
        }
        (open, until.unwrap_or(Millis(u64::MAX)))
    }

    /// When people come next; none within a year and a bit.
    pub fn next_opening(&self, now: Millis) -> Option<Opening> {
        let today = self.date(now)?;
        today.series(1.day()).take(LOOK_AHEAD).enumerate().find_map(|(days, date)| {
            let opens = self.spans(date).iter().find_map(|span| {
                self.moment(date, span.from).filter(|from| *from > now).map(|_| span.from)
            })?;
            Some(Opening {
                days,
                weekday: weekday(date.weekday()),
                date: date.to_string(),
                time: format!("{:02}:{:02}", opens / 60, opens % 60),
                zone: self.zone.iana_name().unwrap_or("UTC").to_owned(),
            })
        })
    }

    fn spans(&self, date: Date) -> &[Span] {
        let closed = self.closed.iter().any(|day| match day {
            ClosedDay::On(closed) => *closed == date,
            ClosedDay::Yearly { month, day } => (date.month(), date.day()) == (*month, *day),
        });
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        if closed { &[] } else { self.week.get(day).map(Vec::as_slice).unwrap_or_default() }
    }

    fn date(&self, at: Millis) -> Option<Date> {
        let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// A time of day that the clocks leave out counts as the moment when they do.
    fn moment(&self, date: Date, minute: u16) -> Option<Millis> {
        let (days, minute) = (minute / DAY, minute % DAY);
        let date = date.checked_add(i64::from(days).days()).ok()?;
        let time = Time::new(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
        let at = self.zone.to_timestamp(date.to_datetime(time)).ok()?.as_millisecond();
        u64::try_from(at).ok().map(Millis)
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(closed: Vec<ClosedDay>) -> Hours {
        let day = vec![Span { from: 13 * 60, to: 17 * 60 }, Span { from: 9 * 60, to: 12 * 60 }];
        let mut week: [Vec<Span>; 7] = Default::default();
        week[..5].fill(day);
        Hours::new(TimeZone::get("Europe/Berlin").unwrap(), week, closed)
    }

    fn at(text: &str) -> Millis {
        let at: jiff::Zoned = text.parse().unwrap();
        Millis(u64::try_from(at.timestamp().as_millisecond()).unwrap())
    }

    fn berlin(text: &str) -> Millis {
        at(&format!("{text}[Europe/Berlin]"))
    }

    #[test]
    fn the_week_has_its_hours() {
        let hours = hours(vec![]);
        for (when, open, until) in [
            ("2026-11-23T08:59", false, "2026-11-23T09:00"),
            ("2026-11-23T09:00", true, "2026-11-23T12:00"),
            ("2026-11-23T12:00", false, "2026-11-23T13:00"),
            ("2026-11-23T16:59", true, "2026-11-23T17:00"),
            ("2026-11-23T17:00", false, "2026-11-24T00:00"),
            ("2026-11-22T12:00", false, "2026-11-23T00:00"),
        ] {
            assert_eq!(hours.at(berlin(when)), (open, berlin(until)), "{when}");
        }
    }

    #[test]
    fn the_next_opening_is_told() {
        let closed =
            vec![ClosedDay::On("2026-11-23".parse().unwrap()), ClosedDay::Yearly { month: 12, day: 25 }];
        let hours = hours(closed);
        let next = |when: &str| {
            let opening = hours.next_opening(berlin(when)).unwrap();
            (opening.days, opening.weekday, opening.date, opening.time)
        };
        assert_eq!(next("2026-11-21T10:00"), (3, "Tuesday", "2026-11-24".into(), "09:00".into()));
        assert_eq!(next("2026-11-24T12:30"), (0, "Tuesday", "2026-11-24".into(), "13:00".into()));
        assert_eq!(next("2026-12-24T18:00"), (4, "Monday", "2026-12-28".into(), "09:00".into()));
        let never = Hours::new(TimeZone::UTC, Default::default(), vec![]);
        assert_eq!(never.next_opening(Millis(0)), None);
    }

    #[test]
    fn clock_changes_move_the_hours_with_the_clock() {
        let hours = hours(vec![]);
        assert!(hours.at(at("2026-10-23T07:30Z[UTC]")).0, "summer time: 09:30");
        assert!(!hours.at(at("2026-10-26T07:30Z[UTC]")).0, "winter time: 08:30");
        let night = Span { from: 2 * 60, to: 3 * 60 };
        let mut week: [Vec<Span>; 7] = Default::default();
        week[6] = vec![night];
        let hours = Hours::new(TimeZone::get("Europe/Berlin").unwrap(), week, vec![]);
        assert!(!hours.at(berlin("2027-03-28T03:00")).0, "this hour there is not");
        assert!(hours.at(at("2026-10-25T00:30Z[UTC]")).0, "and this one twice");
        assert!(hours.at(at("2026-10-25T01:30Z[UTC]")).0);
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let mut week: [Vec<Span>; 7] = Default::default();
        week.fill(vec![Span { from: 22 * 60, to: 26 * 60 }]);
        let closed = vec![ClosedDay::On("2026-11-25".parse().unwrap())];
        let hours = Hours::new(TimeZone::get("Europe/Berlin").unwrap(), week, closed);
        for (when, open, until) in [
            ("2026-11-23T21:59", false, "2026-11-23T22:00"),
            ("2026-11-23T23:59", true, "2026-11-24T00:00"),
            ("2026-11-24T00:00", true, "2026-11-24T02:00"),
            ("2026-11-24T02:00", false, "2026-11-24T22:00"),
            ("2026-11-25T01:00", true, "2026-11-25T02:00"),
            ("2026-11-25T23:00", false, "2026-11-26T00:00"),
            ("2026-11-26T01:00", false, "2026-11-26T22:00"),
        ] {
            assert_eq!(hours.at(berlin(when)), (open, berlin(until)), "{when}");
        }
        let next = hours.next_opening(berlin("2026-11-25T10:00")).unwrap();
        assert_eq!((next.days, next.time.as_str()), (1, "22:00"));
    }

    #[test]
    fn a_night_in_which_the_clocks_change_is_as_long_as_it_is() {
        let mut week: [Vec<Span>; 7] = Default::default();
        week[5] = vec![Span { from: 22 * 60, to: 28 * 60 }];
        let hours = Hours::new(TimeZone::get("Europe/Berlin").unwrap(), week, vec![]);
        for (date, closes) in [("2027-03-27", "2027-03-28T02:00Z"), ("2026-10-24", "2026-10-25T03:00Z")] {
            let last = at(&format!("{closes}[UTC]"));
            assert_eq!(hours.at(Millis(last.0 - 1)), (true, last), "{date}: until 04:00 by the new time");
            assert!(!hours.at(last).0, "{date}");
        }
    }

    #[test]
    fn whole_days_and_no_days() {
        let mut week: [Vec<Span>; 7] = Default::default();
        week.fill(vec![Span { from: 0, to: 1440 }]);
        let always = Hours::new(TimeZone::UTC, week, vec![]);
        assert_eq!(always.at(Millis(5)), (true, Millis(86_400_000)));
    }
}
