//! What a session needs to know beforehand.

use crate::foodgroup::Capability;
use std::time::Duration;

/// A session's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Shown to whoever asks, plain text; empty: none. What is beyond 4,096 bytes of it is not sent: servers take less.
    pub profile: String,
    /// What we can do. Chat invitations come only to those who have [`Capability::CHAT`].
    pub capabilities: Vec<Capability>,
    /// The buddy list group that [`super::Session::watch`] keeps. Everything outside it stays as it is.
    pub group: String,
    /// Ask for messages that were stored while we were away.
    pub fetch_stored: bool,
    /// From the first frame to [`super::Event::SignedOn`].
    pub start_up_deadline: Duration,
    /// From a message to its acknowledgement.
    pub ack_deadline: Duration,
    /// Silence after which a keep-alive frame is sent. Nobody answers it, but middle boxes see it.
    pub keep_alive: Duration,
    /// Silence after which something is asked that every server answers.
    pub probe_after: Duration,
    /// Silence after that, until the connection counts as dead.
    pub probe_deadline: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profile: String::new(),
            capabilities: vec![Capability::CHAT, Capability::INTEROPERATE, Capability::SHORT_FORM],
            group: "Staff".into(),
            fetch_stored: true,
            start_up_deadline: Duration::from_secs(30),
            ack_deadline: Duration::from_secs(20),
            keep_alive: Duration::from_secs(30),
            probe_after: Duration::from_secs(75),
            probe_deadline: Duration::from_secs(30),
        }
    }
}
