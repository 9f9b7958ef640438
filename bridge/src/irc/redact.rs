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
    pub(super) fn ask(&mut self, lines: &[(String, String)], queue: &mut Queue) {
        *self = Self { is_asked: true, refused: None };
        for (channel, msgid) in lines {
            if let (Some(channel), Some(msgid)) = (Word::new(channel), Word::new(msgid)) {
                queue.aside(Line::new("REDACT").word(&channel).word(&msgid));
            }
        }
        queue.aside(Line::new("PING").trailing(&LineText::flat(FENCE)));
    }

    /// `FAIL REDACT`. That a line is not there is as good as success.
    pub(super) fn failed(&mut self, code: &str, words: &str) {
        if self.is_asked && code != "UNKNOWN_MSGID" {
            self.refused.get_or_insert_with(|| words.to_owned());
        }
    }

    /// A PONG came with this token; what to tell, where it ends the batch.
    pub(super) fn passed(&mut self, token: &str) -> Option<IrcEvent> {
        let is_ours = token == FENCE && std::mem::take(&mut self.is_asked);
        is_ours.then(|| IrcEvent::Redacted { refused: self.refused.take() })
    }
}
