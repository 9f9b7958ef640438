//! Our nick: the one we want, others while it is taken, and the way back.

use std::time::{Duration, Instant};

use super::isupport::ISupport;
use super::queue::Queue;
use super::text::{Line, Word};

/// How often the wanted nick is asked for while somebody else has it.
const RETRY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Nick {
    wanted: Word,
    /// What the daemon calls us; before 001, what we last asked for.
    current: Word,
    attempts: u32,
    /// It was kept from us while we were nobody yet.
    reserved: bool,
    retry_at: Option<Instant>,
}

impl Nick {
    pub(super) fn new(wanted: Word) -> Self {
        Self { current: wanted.clone(), wanted, attempts: 0, reserved: false, retry_at: None }
    }

    pub(super) fn current(&self) -> &str {
        self.current.as_str()
    }

    pub(super) fn ask(nick: &Word, queue: &mut Queue) {
        queue.control(Line::new("NICK").word(nick));
    }

    pub(super) fn wanted(&self) -> &Word {
        &self.wanted
    }

    /// 432, 433, 437 before we are registered: the next candidate.
    pub(super) fn taken(&mut self, queue: &mut Queue) {
        self.attempts += 1;
        if let Some(next) = Word::new(&candidate(self.wanted.as_str(), self.attempts)) {
            Self::ask(&next, queue);
            self.current = next;
        }
    }

    /// 432: the wanted nick is reserved. Who may use it, ircd-hybrid knows only of those who are signed on, so it is asked
    /// for once more then.
    pub(super) fn reserved(&mut self, refused: &str) {
        self.reserved |= refused == self.wanted.as_str();
    }

    /// The daemon says what our nick is.
    pub(super) fn became(&mut self, nick: &str, support: &ISupport, now: Instant) {
        if let Some(nick) = Word::new(nick) {
            self.current = nick;
        }
        let wait = if std::mem::take(&mut self.reserved) { Duration::ZERO } else { RETRY };
        self.retry_at = (!self.is_wanted(support)).then(|| now + wait);
    }

    pub(super) fn is_wanted(&self, support: &ISupport) -> bool {
        support.case_mapping.same(self.current.as_str(), self.wanted.as_str())
    }

    /// Somebody gave up a nick: if it is ours, take it.
    pub(super) fn freed(&mut self, nick: &str, support: &ISupport, queue: &mut Queue) {
        if self.retry_at.is_some() && support.case_mapping.same(nick, self.wanted.as_str()) {
            Self::ask(&self.wanted, queue);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, queue: &mut Queue) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = Some(now + RETRY);
            Self::ask(&self.wanted, queue);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.retry_at
    }
}

/// `nick_`, `nick__`, then numbers, which replace the end so that a daemon that cuts nicks at nine keeps them.
fn candidate(wanted: &str, attempt: u32) -> String {
    if attempt <= 2 {
        return format!("{wanted}{}", "_".repeat(attempt as usize));
    }
    let number = attempt.to_string();
    let stem: String = wanted.chars().take(8_usize.saturating_sub(number.len())).collect();
    format!("{stem}_{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_candidates_differ_within_nine_characters() {
        assert_eq!(candidate("bridgebot", 1), "bridgebot_");
        assert_eq!(candidate("bridgebot", 2), "bridgebot__");
        assert_eq!(candidate("bridgebot", 3), "bridgeb_3");
        assert_eq!(candidate("bridgebot", 12), "bridge_12");
        assert_eq!(candidate("bot", 3), "bot_3");
    }
}
