//! Lines that the daemon is to forget (IRCv3 `draft/message-redaction`): one batch at a time, and a PING behind it. By the
//! PONG the daemon has worked through the batch, and what it has not refused by then is gone.

use super::event::IrcEvent;
use super::queue::Queue;
use super::text::{Line, LineText, Word};

/// The capability.
pub(super) const CAPABILITY: &str = "draft/message-redaction";
/// The PING behind a batch.
const FENCE: &str = "redacted";

/// The batch under way.
#[derive(Debug, Default)]
pub(super) struct Redactions {
    is_asked: bool,
    refused: Option<String>,
}

impl Redactions {
    /// Asks; the answer is [`IrcEvent::Redacted`].
    ///
    /// Lines without a channel were said to us in private: the daemon has them under our nick.
    pub(super) fn ask(&mut self, lines: &[(String, String)], own_nick: &str, queue: &mut Queue) {
        *self = Self { is_asked: true, refused: None };
        for (channel, msgid) in lines {
            let channel = if channel.is_empty() { own_nick } else { channel };
            if let (Some(channel), Some(msgid)) = (Word::new(channel), Word::new(msgid)) {
                queue.aside(Line::new("REDACT").word(&channel).word(&msgid));
            }
        }
        queue.aside(Line::new("PING").trailing(&LineText::flat(FENCE)));
    }

    /// `FAIL REDACT`. That a line is not there is as good as success, and so is that private lines are not kept at all.
    pub(super) fn failed(&mut self, code: &str, is_of_channel: bool, words: &str) {
        let is_there = code != "UNKNOWN_MSGID" && (is_of_channel || code != "INVALID_TARGET");
        if self.is_asked && is_there {
            self.refused.get_or_insert_with(|| words.to_owned());
        }
    }

    /// A PONG came with this token; what to tell, where it ends the batch.
    pub(super) fn passed(&mut self, token: &str) -> Option<IrcEvent> {
        let is_ours = token == FENCE && std::mem::take(&mut self.is_asked);
        is_ours.then(|| IrcEvent::Redacted { refused: self.refused.take() })
    }
}
