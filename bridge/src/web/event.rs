//! The seam between the visitors' gateway and the hub: who is who, and history. Lines themselves go by IRC.

use std::time::SystemTime;
use tokio::sync::oneshot;

/// A visitor's session: a hash of the token that only the visitor's browser holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub String);

/// What the gateway tells the hub. Channel of 256; full: that visitor's connection waits.
#[derive(Debug)]
pub enum WebEvent {
    /// A connection is about to register with this user name, unguessable and its own: lines from it are this session's.
    Opened {
        /// Whose.
        session: SessionId,
        /// Without `~`, 9 characters.
        user: String,
        /// Origin and path of the page, where known.
        page: Option<String>,
        /// The language that the browser asks for first, where it says so.
        language: Option<String>,
    },
    /// The daemon welcomed it (001) or changed its nick.
    Named {
        /// The user name of the connection.
        user: String,
        /// Its nick now.
        nick: String,
        /// Whether its program sees the numbers of entries, and so shows one that comes twice once.
        numbered: bool,
    },
    /// The connection is gone.
    Closed {
        /// The user name of the connection.
        user: String,
    },
    /// The visitor asks for the conversation so far.
    History {
        /// Whose.
        session: SessionId,
        /// Which part.
        range: HistoryRange,
        /// At most this many entries.
        limit: usize,
        /// Oldest first.
        reply: oneshot::Sender<Vec<HistoryEntry>>,
    },
}

/// Which entries of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryRange {
    /// The newest.
    Latest,
    /// Before an entry's number, the nearest.
    Before(u64),
    /// After an entry's number, the nearest.
    After(u64),
    /// Before a time, the nearest.
    BeforeTime(SystemTime),
    /// After a time, the nearest.
    AfterTime(SystemTime),
}

/// One entry of a conversation as its visitor may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its conversation's public id.
    pub conversation: String,
    /// Its number in the conversation.
    pub entry: u64,
    /// When it was said.
    pub at: SystemTime,
    /// The text.
    pub text: String,
    /// Who said it.
    pub author: Author,
}

/// Who said an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// The visitor.
    Visitor {
        /// The client's id of the line.
        client_id: Option<String>,
        /// `stored`, `waiting`, `taken` or `failed`.
        state: &'static str,
    },
    /// A staff member, by the name that the visitor may see.
    Staff {
        /// The name.
        name: String,
    },
}
