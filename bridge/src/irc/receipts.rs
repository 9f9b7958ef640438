//! What became of each message that we sent.
//!
//! Evidence, best first: the labelled answer (labeled-response with echo-message), the echo, and else the PONG to
//! a PING sent after it (a fence): the daemon works through a connection in order, so a message that it has
//! not refused by then it has taken. A refusal without a label says only to whom; within one fence the last ones
//! sent there are the refused ones, since who is gone stays gone.

use std::collections::VecDeque;

use super::event::{IrcRefusal, SendId, Speech};
use super::queue::Ticket;

/// Unlabelled lines before a fence is due although more are waiting.
const LINES_PER_FENCE: usize = 8;

/// One line on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) ticket: Ticket,
    /// Folded.
    pub(super) to: String,
    /// The message that it is a part of; `None` for TAGMSG.
    pub(super) id: Option<SendId>,
    /// Whether it is the message's last part.
    pub(super) last: bool,
    /// `None` for TAGMSG.
    pub(super) speech: Option<Speech>,
    /// Whether it carries a label.
    pub(super) labelled: bool,
}

/// The fate of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Receipt {
    Accepted(SendId),
    Refused(SendId, IrcRefusal),
}

#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// In the order of sending; lines still queued are at the end.
    pending: VecDeque<Pending>,
    /// Up to here lines have left.
    sent: Option<Ticket>,
    /// Each PING under way, and the last line before it.
    fences: VecDeque<(Ticket, Option<Ticket>)>,
    /// Unlabelled lines since the last PING, and whether a receipt hangs on one of them.
    unfenced: usize,
    receipt_due: bool,
    /// Unlabelled refusals since the last fence that came back.
    refusals: Vec<(String, IrcRefusal)>,
    told: VecDeque<Receipt>,
}

impl Receipts {
    pub(super) fn expect(&mut self, line: Pending) {
        self.pending.push_back(line);
    }

    pub(super) fn sent(&mut self, ticket: Ticket) {
        self.sent = Some(ticket);
        if let Some(line) = self.position(ticket).and_then(|at| self.pending.get(at))
            && !line.labelled
        {
            self.unfenced += 1;
            self.receipt_due |= line.id.is_some();
        }
    }

    /// Whether a PING should follow now.
    pub(super) fn wants_fence(&self, speech_is_out: bool) -> bool {
        (self.receipt_due && speech_is_out) || self.unfenced >= LINES_PER_FENCE
    }

    /// A PING with this number is about to be sent.
    pub(super) fn fence(&mut self, ticket: Ticket) {
        self.unfenced = 0;
        self.receipt_due = false;
        self.fences.push_back((ticket, self.sent));
    }

    /// An echo of ours, or an answer with the label of one.
    pub(super) fn echoed(&mut self, label: Option<Ticket>, to: &str, speech: Option<Speech>) {
        let found = match label {
            Some(ticket) => self.position(ticket),
            None => self.pending.iter().position(|line| {
                Some(line.ticket) <= self.sent && line.to == to && line.speech == speech && !line.labelled
            }),
        };
        if let Some(line) = found.and_then(|at| self.pending.remove(at)) {
            self.accept(&line);
        }
    }

    /// A labelled ACK: neither delivered nor refused in words.
    pub(super) fn unanswered(&mut self, label: Ticket) -> Option<SendId> {
        let line = self.position(label).and_then(|at| self.pending.remove(at))?;
        let refusal = undelivered(&line);
        self.refuse(line.id?, refusal)
    }

    /// A refusal. The id whose other parts need not be sent any more.
    pub(super) fn refused(&mut self, label: Option<Ticket>, to: &str, refusal: IrcRefusal) -> Option<SendId> {
        let Some(ticket) = label else {
            if self.pending.iter().any(|line| line.to == to) && self.refusals.len() < 1024 {
                self.refusals.push((to.to_owned(), refusal));
            }
            return None;
        };
        let line = self.position(ticket).and_then(|at| self.pending.remove(at))?;
        self.refuse(line.id?, refusal)
    }

    /// The PONG for a fence. `echoes`: whether a delivered line would have been echoed. Gives the refused messages,
    /// whose other parts need not be sent any more.
    pub(super) fn fence_passed(&mut self, ticket: Ticket, echoes: bool) -> Vec<SendId> {
        let Some(&(_, upto)) = self.fences.iter().find(|fence| fence.0 == ticket) else { return Vec::new() };
        self.fences.retain(|fence| fence.0 > ticket);
        let passed = self.pending.iter().take_while(|line| Some(line.ticket) <= upto).count();
        let passed: Vec<Pending> = self.pending.drain(..passed).collect();
        let mut refusals = std::mem::take(&mut self.refusals);
        let mut refused = Vec::new();
        // From the newest on, so that each refusal meets the last line to its receiver.
        let mut fates = Vec::new();
        for line in passed.into_iter().rev() {
            let at = refusals.iter().rposition(|(to, _)| *to == line.to);
            let refusal = match at {
                Some(at) => Some(refusals.remove(at).1),
                None if echoes && !line.labelled => Some(undelivered(&line)),
                None => None,
            };
            fates.push((line, refusal));
        }
        for (line, refusal) in fates.into_iter().rev() {
            match (line.id, refusal) {
                (Some(id), Some(refusal)) => refused.extend(self.refuse(id, refusal)),
                _ => self.accept(&line),
            }
        }
        refused
    }

    pub(super) fn poll_receipt(&mut self) -> Option<Receipt> {
        self.told.pop_front()
    }

    /// Whether a line with this ticket is still wanted.
    pub(super) fn awaits(&self, ticket: Ticket) -> bool {
        self.position(ticket).is_some()
    }

    fn position(&self, ticket: Ticket) -> Option<usize> {
        self.pending.binary_search_by_key(&ticket, |line| line.ticket).ok()
    }

    fn accept(&mut self, line: &Pending) {
        if let (Some(id), true) = (line.id, line.last) {
            self.told.push_back(Receipt::Accepted(id));
        }
    }

    /// One refused part refuses the message; its other parts are forgotten.
    fn refuse(&mut self, id: SendId, refusal: IrcRefusal) -> Option<SendId> {
        self.pending.retain(|line| line.id != Some(id));
        let told =
            self.told.iter().any(|receipt| matches!(receipt, Receipt::Refused(other, _) if *other == id));
        if told {
            return None;
        }
        self.told.push_back(Receipt::Refused(id, refusal));
        Some(id)
    }
}

/// Neither echoed nor refused. A NOTICE to nobody is dropped without a word (RFC 1459, 4.4.2).
fn undelivered(line: &Pending) -> IrcRefusal {
    match line.speech {
        Some(Speech::Privmsg) => IrcRefusal::Cannot("the daemon neither delivered nor refused it".to_owned()),
        _ => IrcRefusal::NoSuchNick,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ticket: u64, to: &str, id: u64) -> Pending {
        Pending {
            ticket: Ticket(ticket),
            to: to.to_owned(),
            id: Some(SendId(id)),
            last: true,
            speech: Some(Speech::Privmsg),
            labelled: false,
        }
    }

    fn drain(receipts: &mut Receipts) -> Vec<Receipt> {
        std::iter::from_fn(|| receipts.poll_receipt()).collect()
    }

    #[test]
    fn without_labels_the_last_ones_to_a_receiver_are_the_refused_ones() {
        let mut receipts = Receipts::default();
        for (ticket, to) in [(1, "anna"), (2, "bob"), (3, "anna")] {
            receipts.expect(line(ticket, to, ticket));
            receipts.sent(Ticket(ticket));
        }
        assert!(receipts.wants_fence(true) && !receipts.wants_fence(false));
        receipts.fence(Ticket(4));
        assert!(!receipts.wants_fence(true));
        receipts.refused(None, "anna", IrcRefusal::NoSuchNick);
        receipts.fence_passed(Ticket(4), false);
        assert_eq!(
            drain(&mut receipts),
            [
                Receipt::Accepted(SendId(1)),
                Receipt::Accepted(SendId(2)),
                Receipt::Refused(SendId(3), IrcRefusal::NoSuchNick),
            ]
        );
    }

    #[test]
    fn what_would_be_echoed_and_is_not_was_not_delivered() {
        let mut receipts = Receipts::default();
        for ticket in [1, 2] {
            receipts.expect(line(ticket, "anna", ticket));
            receipts.sent(Ticket(ticket));
        }
        receipts.fence(Ticket(9));
        receipts.echoed(None, "anna", Some(Speech::Privmsg));
        receipts.fence_passed(Ticket(9), true);
        let fates = drain(&mut receipts);
        assert_eq!(fates[0], Receipt::Accepted(SendId(1)));
        assert!(matches!(&fates[1], Receipt::Refused(SendId(2), IrcRefusal::Cannot(_))));
    }

    #[test]
    fn a_refused_part_refuses_the_message_once() {
        let mut receipts = Receipts::default();
        for ticket in [1, 2, 3] {
            receipts.expect(Pending { labelled: true, last: ticket == 3, ..line(ticket, "anna", 7) });
            receipts.sent(Ticket(ticket));
        }
        receipts.echoed(Some(Ticket(1)), "anna", None);
        let again = receipts.refused(Some(Ticket(2)), "anna", IrcRefusal::NoSuchNick);
        assert_eq!(again, Some(SendId(7)));
        assert!(!receipts.awaits(Ticket(3)));
        assert_eq!(receipts.refused(Some(Ticket(3)), "anna", IrcRefusal::NoSuchNick), None);
        assert_eq!(drain(&mut receipts), [Receipt::Refused(SendId(7), IrcRefusal::NoSuchNick)]);
    }
}
