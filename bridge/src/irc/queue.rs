//! What waits to be sent, and when the next line may go.
//!
//! Four lanes, in order: control (registration, PONG, JOIN: at once, though it counts), queries (WHOIS, MONITOR,
//! CHATHISTORY), speech (PRIVMSG, NOTICE, TAGMSG in the order asked), typing (newest per receiver, dropped when
//! there are too many). Each line costs a penalty, so that a daemon with stock flood limits never kills us.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::text::Line;

/// How fast we may talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Lines that may go at once after a pause.
    pub burst: u32,
    /// Then one line in this time; a long line counts up to double.
    pub interval: Duration,
}

impl Default for Pacing {
    /// Five lines, then one a second: below what ratbox and its kin, InspIRCd and UnrealIRCd allow by default.
    fn default() -> Self {
        Self { burst: 5, interval: Duration::from_secs(1) }
    }
}

/// Speech that may wait here; the hub's channel holds the rest back.
const SPEECH_LINES: usize = 64;
const TYPING_LINES: usize = 64;
/// A penalty of interval is spread over this many bytes in addition to the one per line.
const BYTES_PER_PENALTY: u32 = 512;

/// The number of a message to the daemon, for matching answers: they come in the order of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ticket(pub(super) u64);

#[derive(Debug)]
struct Entry {
    ticket: Option<Ticket>,
    line: Line,
}

/// Lines waiting to be sent.
#[derive(Debug)]
pub(super) struct Queue {
    pacing: Option<Pacing>,
    /// When everything sent so far would have been sent at one line an interval.
    paid_until: Option<Instant>,
    control: VecDeque<Entry>,
    queries: VecDeque<Entry>,
    speech: VecDeque<Entry>,
    typing: VecDeque<(String, Line)>,
    tickets: u64,
}

impl Queue {
    pub(super) fn new(pacing: Option<Pacing>) -> Self {
        Self {
            pacing,
            paid_until: None,
            control: VecDeque::new(),
            queries: VecDeque::new(),
            speech: VecDeque::new(),
            typing: VecDeque::new(),
            tickets: 0,
        }
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(super) fn control(&mut self, line: Line) {
        self.control.push_back(Entry { ticket: None, line });
    }

    pub(super) fn query(&mut self, line: Line) {
        self.queries.push_back(Entry { ticket: None, line });
    }

    pub(super) fn speak(&mut self, ticket: Ticket, line: Line) {
        self.speech.push_back(Entry { ticket: Some(ticket), line });
    }

    /// As speech, in its turn, though nothing is owed for it.
    pub(super) fn aside(&mut self, line: Line) {
        self.speech.push_back(Entry { ticket: None, line });
    }

    /// The newest word on how we type to `to` (folded) replaces the one that still waits.
    pub(super) fn typing(&mut self, to: String, line: Line) {
        self.typing.retain(|(other, _)| *other != to);
        if self.typing.len() < TYPING_LINES {
            self.typing.push_back((to, line));
        }
    }

    /// Whether more speech may be handed in.
    pub(super) fn has_room(&self) -> bool {
        self.speech.len() < SPEECH_LINES
    }

    /// Forgets lines that are no longer wanted.
    pub(super) fn withdraw(&mut self, unwanted: impl Fn(Ticket) -> bool) {
        self.speech.retain(|entry| !entry.ticket.is_some_and(&unwanted));
    }

    /// Whether nothing but typing waits.
    pub(super) fn speech_is_out(&self) -> bool {
        self.speech.is_empty()
    }

    /// The next line that may go now, and its ticket.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Option<Ticket>, Line)> {
        if let Some(entry) = self.control.pop_front() {
            return Some(self.charge(entry, now));
        }
        if self.ready_at().is_some_and(|at| at > now) {
            return None;
        }
        if let Some(entry) = self.queries.pop_front().or_else(|| self.speech.pop_front()) {
            return Some(self.charge(entry, now));
        }
        let (_, line) = self.typing.pop_front()?;
        Some(self.charge(Entry { ticket: None, line }, now))
    }

    /// When to ask [`Queue::pop`] again; `None` when nothing waits.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        if !self.control.is_empty() {
            return Some(now);
        }
        let waits = !self.queries.is_empty() || !self.speech.is_empty() || !self.typing.is_empty();
        waits.then(|| self.ready_at().unwrap_or(now).max(now))
    }

    fn ready_at(&self) -> Option<Instant> {
        let pacing = self.pacing?;
        // Half an interval less than a burst costs, so that the bytes of short lines don't shorten it by one.
        let ahead = pacing.interval * pacing.burst.saturating_sub(1) + pacing.interval / 2;
        // Where subtraction is not possible the clock is younger than the burst: go.
        self.paid_until?.checked_sub(ahead)
    }

    fn charge(&mut self, entry: Entry, now: Instant) -> (Option<Ticket>, Line) {
        if let Some(pacing) = self.pacing {
            let bytes = u32::try_from(entry.line.as_str().len()).unwrap_or(BYTES_PER_PENALTY);
            let cost = pacing.interval + pacing.interval * bytes.min(BYTES_PER_PENALTY) / BYTES_PER_PENALTY;
            // Control lines don't wait, so debt could grow while the daemon asks much: it is bounded here.
            let most = now + pacing.interval * (pacing.burst * 2 + 2);
            let from = self.paid_until.map_or(now, |paid| paid.max(now));
            self.paid_until = Some((from + cost).min(most));
        }
        (entry.ticket, entry.line)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn line(text: &'static str) -> Line {
        Line::new(text)
    }

    #[test]
    fn a_burst_then_one_an_interval_and_control_at_once() {
        let mut queue = Queue::new(Some(Pacing { burst: 3, interval: Duration::from_secs(1) }));
        let start = Instant::now();
        for _ in 0..8 {
            let ticket = queue.ticket();
            queue.speak(ticket, line("PRIVMSG"));
        }
        let mut sent = 0;
        while queue.pop(start).is_some() {
            sent += 1;
        }
        assert_eq!(sent, 3);
        queue.control(line("PONG"));
        assert_eq!(queue.pop(start).unwrap().1.as_str(), "PONG");
        assert!(queue.pop(start + Duration::from_millis(900)).is_none());
        let mut at = start;
        for _ in 0..5 {
            at = queue.next_at(at).unwrap();
            assert!(queue.pop(at).is_some());
        }
        assert!(at - start >= Duration::from_secs(5));
    }

    #[test]
    fn typing_is_the_newest_and_last() {
        let mut queue = Queue::new(None);
        let now = Instant::now();
        queue.typing("anna".into(), line("OLD"));
        queue.typing("anna".into(), line("NEW"));
        let ticket = queue.ticket();
        queue.speak(ticket, line("PRIVMSG"));
        queue.query(line("WHOIS"));
        let order: Vec<_> =
            std::iter::from_fn(|| queue.pop(now)).map(|(_, line)| String::from(line)).collect();
        assert_eq!(order, ["WHOIS", "PRIVMSG", "NEW"]);
    }
}
