//! The desk and receipts that the store could not take: what the links told of messages on their way is remembered until it
//! is stored, so that a disk that was full costs nobody a repeat.

use super::desk::{Desk, Effect};
use crate::aim::event::{AccountId, AimCommand, ImCookie, ImRefusal};
use crate::conversation::Millis;
use crate::irc::event::IrcCommand;
use crate::outbox::staff::StaffOutbox;
use crate::outbox::visitor::{AnswerId, VisitorOutbox};
use crate::store::Write;

/// What a link told of one message. As many are kept as messages were on their way.
#[derive(Debug)]
pub(super) enum Receipt {
    /// The AIM server took it.
    Acked(ImCookie),
    /// The AIM server refused it.
    Refused(AccountId, ImCookie, ImRefusal),
    /// The IRC daemon has it.
    Accepted(AnswerId),
}

/// What was on its way when memory was built anew.
#[derive(Debug)]
pub(super) struct OnTheWay {
    pub(super) outbox: StaffOutbox,
    pub(super) answers: VisitorOutbox,
}

impl Desk {
    /// Something decided was not done: no link has it.
    pub(crate) fn not_done(&mut self, effect: &Effect) {
        match effect {
            Effect::Irc(command) => self.not_said(command),
            Effect::Aim(_, command) => self.not_sent(command),
            Effect::ReadForVisitor { .. } | Effect::ReadForStaff { .. } => {}
        }
    }

    /// The IRC link never had this.
    pub(crate) fn not_said(&mut self, command: &IrcCommand) {
        match command {
            IrcCommand::Say { id, .. } => self.answers.not_sent(AnswerId(id.0)),
            IrcCommand::Redact { .. } => self.redactions.not_asked(),
            _ => {}
        }
    }

    /// No OSCAR link ever had this.
    pub(crate) fn not_sent(&mut self, command: &AimCommand) {
        if let AimCommand::Send { cookie, .. } | AimCommand::Say { cookie, .. } = command {
            self.outbox.not_sent(*cookie);
            self.unsaid.not_taken(*cookie);
        }
    }

    /// Memory was built anew from the store; what it knew better is put in, and receipts that were not stored are
    /// heard again.
    pub(super) fn catch_up_with(&mut self, before: &OnTheWay, now: Millis) {
        self.outbox.go_on_from(&before.outbox);
        self.answers.go_on_from(&before.answers);
        for receipt in std::mem::take(&mut self.receipts) {
            match receipt {
                Receipt::Acked(cookie) => {
                    if let Some((_, im)) = self.outbox.acked(cookie) {
                        self.settle(&im);
                    }
                    self.receipts.push(receipt);
                }
                Receipt::Refused(account, cookie, refusal) => {
                    if !before.outbox.has(cookie) {
                        self.outbox.is_certain(cookie);
                        self.im_refused(account, cookie, refusal, now);
                    }
                }
                Receipt::Accepted(id) => {
                    self.answers.settle(id);
                    self.write(Write::Paid(id));
                    self.receipts.push(receipt);
                }
            }
        }
    }
}
