//! What was said in one conversation, in rows, and how far back one looks.
//!
//! Only the rows that are seen are made, from the last one upwards, so that a conversation costs what it shows and not
//! what it holds. A place in it is an entry and a row of that entry: it stays where it is while others write.

use std::time::SystemTime;

use jiff::Zoned;
use jiff::tz::TimeZone;

use super::screen::{Look, Row, columns};
use super::wrap;
use crate::aim_client::conversation::{Conversation, Delivery, Entry, Voice};
use crate::aim_client::outbox::EntryId;
use crate::aim_client::{printable, wording};

/// Columns for `12:34 `.
const TIME: u16 = 6;
/// In a narrower window there is no room for times.
const LEAST_WITH_TIME: u16 = 28;
/// Of a name that stands before a message; longer ones are cut.
const MOST_NAME: u16 = 20;

/// How far back one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Position {
    /// At the latest, also when there is a later one.
    #[default]
    End,
    /// The last row that is seen.
    At(EntryId, usize),
}

/// A conversation as it is to be seen.
#[derive(Debug)]
pub(super) struct Pane<'a> {
    pub(super) conversation: &'a Conversation,
    /// What our own messages are said by.
    pub(super) me: &'a str,
    pub(super) zone: &'a TimeZone,
    pub(super) width: u16,
    pub(super) height: usize,
}

/// A row, and where it is.
type Placed = (EntryId, usize, Row);

impl Pane<'_> {
    /// The rows to be seen, from the top; fewer than there is room for only where there are no more.
    pub(super) fn rows(&self, position: Position) -> Vec<Row> {
        let mut rows = self.upwards(position, self.height);
        rows.reverse();
        rows.into_iter().map(|(.., row)| row).collect()
    }

    /// Where one looks after going up so many rows.
    pub(super) fn up(&self, position: Position, by: usize) -> Position {
        let rows = self.upwards(position, self.height + by);
        let last = rows.len().saturating_sub(self.height);
        match rows.get(last.min(by)) {
            Some((entry, row, _)) if last > 0 => Position::At(*entry, *row),
            _ => position,
        }
    }

    /// Where one looks after going down so many rows.
    pub(super) fn down(&self, position: Position, by: usize) -> Position {
        let Position::At(from, row) = position else { return Position::End };
        let (mut before, mut at, mut left) = (None, position, by);
        for entry in self.conversation.entries() {
            if entry.id >= from {
                let seen = if entry.id == from { row + 1 } else { 0 };
                let below = self.entry(entry, before).len().saturating_sub(seen);
                if left < below {
                    return if left == 0 { at } else { Position::At(entry.id, seen + left - 1) };
                }
                left -= below;
                at = Position::At(entry.id, (seen + below).saturating_sub(1));
            }
            before = Some(entry);
        }
        Position::End
    }

    /// The same place, as far as it is still there and nothing is left blank that need not be.
    pub(super) fn settled(&self, position: Position) -> Position {
        match self.upwards(position, self.height).len() {
            0 => Position::End,
            rows => self.down_if(position, self.height - rows),
        }
    }

    fn down_if(&self, position: Position, by: usize) -> Position {
        if by == 0 { position } else { self.down(position, by) }
    }

    /// How many messages stand below what is seen.
    pub(super) fn below(&self, position: Position) -> usize {
        let Position::At(last, _) = position else { return 0 };
        let said = |entry: &&Entry| matches!(entry.voice, Voice::Theirs(_) | Voice::Mine(_));
        self.conversation.entries().filter(|entry| entry.id > last).filter(said).count()
    }

    /// Rows from the position upwards.
    fn upwards(&self, position: Position, most: usize) -> Vec<Placed> {
        let mut rows = Vec::new();
        let mut entries = self.conversation.entries().rev().peekable();
        while let Some(entry) = entries.next() {
            if rows.len() >= most {
                break;
            }
            let last = match position {
                Position::At(at, _) if entry.id > at => continue,
                Position::At(at, row) if entry.id == at => row,
                _ => usize::MAX,
            };
            let these = self.entry(entry, entries.peek().copied());
            let placed = these.into_iter().enumerate().map(|(at, row)| (entry.id, at, row));
            let mut placed: Vec<Placed> = placed.take(last.saturating_add(1)).collect();
            placed.reverse();
            rows.extend(placed);
        }
        rows.truncate(most);
        rows
    }

    /// One entry in rows, with what parts it from the one before.
    fn entry(&self, entry: &Entry, before: Option<&Entry>) -> Vec<Row> {
        let mut rows = Vec::new();
        let at = self.local(entry.at);
        if before.is_none_or(|before| self.local(before.at).date() != at.date()) {
            rows.push(self.rule(&at.strftime("%A, %-d %B %Y").to_string(), Look::Faint));
        }
        if self.conversation.first_new == Some(entry.id) {
            rows.push(self.rule(wording::NEW, Look::Unread));
        }
        let (look, name, text_look) = match &entry.voice {
            Voice::Mine(Delivery::Failed(_)) => (Look::Mine, self.me, Look::Problem),
            Voice::Mine(Delivery::Sending) => (Look::Mine, self.me, Look::Faint),
            Voice::Mine(Delivery::Taken) => (Look::Mine, self.me, Look::Plain),
            Voice::Theirs(from) => (Look::Theirs, from.as_str(), Look::Plain),
            Voice::Notice => (Look::Notice, "", Look::Notice),
            Voice::Problem => (Look::Problem, "", Look::Problem),
        };
        let name = match &entry.voice {
            Voice::Notice => "*".to_owned(),
            Voice::Problem => "!".to_owned(),
            _ => format!("{}:", short(name, MOST_NAME.min(self.width / 4))),
        };
        let time = if self.width < LEAST_WITH_TIME { 0 } else { TIME };
        let indent = (time + columns(&name) + 1).min(self.width / 2);
        for (number, line) in wrap::message(&entry.text, self.width - indent).iter().enumerate() {
            let mut row = Row::default();
            if number == 0 {
                row.push(Look::Faint, &at.strftime("%H:%M ").to_string(), time);
                row.push(look, &name, indent.saturating_sub(1));
            }
            row.push_at(indent, text_look, line, self.width);
            rows.push(row);
        }
        if let Voice::Mine(Delivery::Failed(reason)) = &entry.voice {
            for line in wrap::message(&wording::failed(reason), self.width - indent) {
                let mut row = Row::default();
                row.push_at(indent, Look::Problem, &line, self.width);
                rows.push(row);
            }
        }
        rows
    }

    fn rule(&self, text: &str, look: Look) -> Row {
        let mut row = Row::default();
        row.push(look, &format!("── {text} "), self.width);
        let rest = usize::from(self.width.saturating_sub(columns(text) + 4));
        row.push(look, &"─".repeat(rest), self.width);
        row
    }

    fn local(&self, at: SystemTime) -> Zoned {
        jiff::Timestamp::try_from(at).unwrap_or_default().to_zoned(self.zone.clone())
    }
}

/// A name that takes at most so many columns.
fn short(name: &str, width: u16) -> String {
    let mut row = Row::default();
    row.push(Look::Plain, &printable::line(name), width.max(2));
    row.0.first().map(|piece| piece.text().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aim_client::conversation::{Conversations, With};
    use oscar_im::ScreenName;
    use std::time::Duration;

    static ZONE: &TimeZone = &TimeZone::UTC;

    fn ann() -> With {
        With::Person(ScreenName::from("ann"))
    }

    fn said(lines: &[&str]) -> Conversations {
        let mut all = Conversations::new("aim");
        all.open(&ann(), "ann");
        for (minute, line) in (0..).zip(lines) {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(minute * 60);
            all.add(&ann(), "ann", Voice::Theirs("ann".into()), line, at);
        }
        all
    }

    fn pane(all: &Conversations, height: usize) -> Pane<'_> {
        Pane { conversation: all.current(), me: "me", zone: ZONE, width: 30, height }
    }

    fn seen(rows: Vec<Row>) -> String {
        super::super::screen::Screen { rows, cursor: None }.to_string()
    }

    #[test]
    fn the_latest_is_at_the_bottom_and_a_day_has_its_name() {
        let all = said(&["hello", "this is a line that is too long for one row"]);
        let text = seen(pane(&all, 10).rows(Position::End));
        assert_eq!(
            text,
            "── Thursday, 1 January 1970 ──\n\
             00:00 ann: hello\n\
             00:01 ann: this is a line that\n           is too long for one\n           row\n"
        );
    }

    #[test]
    fn one_looks_back_and_comes_again_to_the_end() {
        let lines: Vec<String> = (0..50).map(|number| format!("line {number}")).collect();
        let all = said(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let pane = pane(&all, 10);
        let back = pane.up(Position::End, 9);
        let rows = seen(pane.rows(back));
        assert!(
            rows.contains("line 31\n") && rows.contains("line 40\n") && !rows.contains("line 41\n"),
            "{rows}"
        );
        assert_eq!(pane.below(back), 9);
        assert_eq!(pane.down(back, 9), Position::End);
        assert_eq!(pane.down(pane.up(back, 9), 9), back);
        let mut top = Position::End;
        for _ in 0..20 {
            top = pane.up(top, 9);
        }
        let rows = seen(pane.rows(top));
        assert_eq!(rows.lines().count(), 10);
        assert!(rows.starts_with("── Thursday"), "{rows}");
        for _ in 0..20 {
            top = pane.down(top, 9);
        }
        assert_eq!(top, Position::End);
    }

    #[test]
    fn what_one_looks_at_stays_while_others_write() {
        let lines: Vec<String> = (0..30).map(|number| format!("line {number}")).collect();
        let mut all = said(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let back = pane(&all, 10).up(Position::End, 5);
        let before = seen(pane(&all, 10).rows(back));
        all.add(&ann(), "ann", Voice::Theirs("ann".into()), "late", SystemTime::UNIX_EPOCH);
        assert_eq!(seen(pane(&all, 10).rows(back)), before);
    }

    #[test]
    fn little_needs_no_looking_back() {
        let all = said(&["one", "two"]);
        assert_eq!(pane(&all, 10).up(Position::End, 5), Position::End);
    }

    #[test]
    fn ours_say_what_became_of_them() {
        let mut all = Conversations::new("aim");
        let zero = SystemTime::UNIX_EPOCH;
        let id = all.add(&ann(), "ann", Voice::Mine(Delivery::Sending), "hi", zero);
        all.open(&ann(), "ann");
        all.settle(id, Delivery::Failed("the recipient is not signed on".into()));
        let text = seen(pane(&all, 10).rows(Position::End));
        assert!(text.contains("00:00 me: hi\n          not delivered: the"), "{text}");
    }
}
