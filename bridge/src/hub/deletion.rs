//! The desk and deleted conversations: memory lets go of them, and the IRC daemon is told which of their lines to forget.
//!
//! What is to be forgotten stands in the store until the daemon has done it, through reconnects and restarts. Until then its
//! ids are known as old, so that the daemon's history never brings back what was deleted.

use std::collections::HashSet;

use super::desk::{Desk, Effect};
use crate::conversation::ConversationId;
use crate::conversation::labels::fold;
use crate::irc::event::IrcCommand;
use crate::store::{Redaction, Write};

/// Lines in one batch: visitors' answers wait behind it where the daemon limits us.
const BATCH: usize = 8;

/// What the daemon has to forget.
#[derive(Debug, Default)]
pub(super) struct Redactions {
    waiting: Vec<Redaction>,
    asked: Vec<u64>,
    /// Channels that we are in since the sign-on.
    channels: HashSet<String>,
    /// The daemon does not do it, at least until the next sign-on.
    refused: bool,
}

impl Redactions {
    pub(super) fn joined(&mut self, channel: &str) {
        self.channels.insert(fold(channel));
    }

    /// The connection is gone, and with it the answer to what was asked.
    pub(super) fn lost(&mut self) {
        *self = Self { waiting: std::mem::take(&mut self.waiting), ..Self::default() };
    }

    /// How many lines the daemon may still keep.
    pub(super) fn left(&self) -> usize {
        self.waiting.len() + self.asked.len()
    }

    /// What was asked never left.
    pub(super) fn not_asked(&mut self) {
        self.asked.clear();
    }
}

impl Desk {
    /// The operator wants it gone: nothing of it is owed any more, and the visitor's next line begins another one.
    pub(crate) fn delete(&mut self, id: ConversationId) {
        if self.book.get(id).is_some() {
            self.retire(id);
        }
    }

    /// What the store says that the daemon has to forget.
    pub(crate) fn note_redactions(&mut self, redactions: Vec<Redaction>) {
        let Redactions { waiting, asked, .. } = &mut self.redactions;
        *waiting = redactions;
        waiting.retain(|line| !asked.contains(&line.id));
    }

    /// Asks for the next batch.
    pub(super) fn redact(&mut self) {
        let Redactions { waiting, asked, channels, refused } = &mut self.redactions;
        if self.irc.nick.is_none() || *refused || !asked.is_empty() {
            return;
        }
        let batch = waiting
            .extract_if(.., |line| line.channel.is_empty() || channels.contains(&fold(&line.channel)))
            .take(BATCH);
        let batch: Vec<Redaction> = batch.collect();
        if batch.is_empty() {
            return;
        }
        asked.extend(batch.iter().map(|line| line.id));
        let lines = batch.into_iter().map(|line| (line.channel, line.msgid)).collect();
        self.effect(Effect::Irc(IrcCommand::Redact { lines }));
    }

    /// The daemon has worked through a batch.
    pub(super) fn redacted(&mut self, refused: Option<String>) {
        let asked = std::mem::take(&mut self.redactions.asked);
        match refused {
            None => self.write(Write::Redacted(asked)),
            Some(reason) => {
                self.redactions.refused = true;
                tracing::warn!(
                    %reason,
                    "the IRC daemon keeps lines of deleted conversations until newer ones push them out"
                );
            }
        }
    }
}
