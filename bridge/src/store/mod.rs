//! What survives: conversations, their transcripts, and what is owed. One trait and two engines: [`sqlite`], and [`memory`] for
//! trials and measurements. `contract` holds the tests that each engine has to pass, `differential` compares them.
//!
//! Everything the bridge changes is a [`Write`]; a slice of them is one transaction. There is no other way to write,
//! so that several engines, and a check of who may write at all, have one place.

pub mod export;
pub mod late;
pub mod memory;
pub mod sqlite;
pub mod thread;

#[cfg(test)]
pub(crate) mod contract;
#[cfg(test)]
mod differential;

use std::path::PathBuf;
use std::sync::Arc;

use oscar_im::ScreenName;

use crate::aim::event::{AccountId, ImCookie};
use crate::conversation::{Author, Conversation, ConversationId, Millis, VisitorKey};
use crate::outbox::staff::{DeliveryId, Im, Row};
use crate::outbox::visitor::{Answer, AnswerId};
use crate::web::event::HistoryRange;

pub use late::Late;
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
pub use thread::StoreHandle;

/// Refused lines of which an engine keeps the ids: more than a daemon keeps of what one visitor said.
pub const MOST_REFUSED: usize = 4096;
/// Client ids and message ids that a start needs; see [`crate::conversation::book`].
const IDS: u16 = 4096;
/// Lines that the daemon may be told to forget, in all: more than a daemon's memory holds of a channel.
const MOST_REDACTIONS: u16 = 10_000;
/// Chores read at once.
const CHORES_AT_ONCE: u16 = 1000;

/// An engine that keeps what the bridge must not forget.
pub trait Store: Send + 'static {
    /// Everything the hub needs to go on where it stopped.
    ///
    /// # Errors
    /// When the engine can't read.
    fn load(&mut self) -> Result<Snapshot, StoreError>;

    /// Makes all changes, or none; durable when it returns, if any of them has to last ([`Write::must_last`]) and the engine
    /// keeps anything; else it may be made durable with the next that has. A change of what is not there changes nothing; a
    /// number that is taken, a visitor who has a conversation already, and a text or answer of something that is not
    /// there are [`StoreError::Contradiction`]. [`Write::Settle`] and [`Write::Taken`] may be carried out after the others.
    ///
    /// # Errors
    /// When nothing was changed.
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError>;

    /// Entries of one conversation, oldest first.
    ///
    /// # Errors
    /// When the engine can't read.
    fn entries(
        &mut self,
        conversation: ConversationId,
        range: &HistoryRange,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// All conversations, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the engine can't read.
    fn conversations(&mut self, limit: usize) -> Result<Vec<Summary>, StoreError>;

    /// Deletes a conversation with everything said in it; nothing of it stays in the engine's files but the IRC daemon's ids
    /// of lines that the daemon has to forget too. False where there is none.
    ///
    /// # Errors
    /// When nothing was deleted.
    fn delete(&mut self, conversation: ConversationId) -> Result<bool, StoreError>;

    /// Deletes retired conversations in which nobody has spoken since `before`, at most `limit`; as with `delete`
    /// nothing of them stays. How many.
    ///
    /// # Errors
    /// When nothing was deleted.
    fn delete_older(&mut self, before: Millis, limit: usize) -> Result<usize, StoreError>;

    /// What is left to do about deleting: some of it, where there is very much.
    ///
    /// # Errors
    /// When the engine can't read.
    fn chores(&mut self) -> Result<Chores, StoreError>;

    /// Time for what the engine itself has to do about what was deleted; called each second or so.
    ///
    /// # Errors
    /// When it can't be done now.
    fn tidy(&mut self, now: Millis) -> Result<(), StoreError>;
}

impl Write {
    /// Whether somebody relies on it as soon as it is committed. The others say what has become of something: were
    /// they lost in a power cut, a message would go again, marked as a repeat.
    pub fn must_last(&self) -> bool {
        !matches!(
            self,
            Self::Settle(_)
                | Self::Taken(..)
                | Self::Paid(_)
                | Self::Nick(..)
                | Self::ForgetHeard(_)
                | Self::AimUp(_)
                | Self::FetchingFrom(_)
                | Self::Redacted(_)
                | Self::Refused(_)
        )
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// A conversation begins.
    Open {
        /// Its number.
        id: ConversationId,
        /// Whose.
        key: VisitorKey,
        /// Its label.
        label: String,
        /// When.
        at: Millis,
    },
    /// The visitor is told from others by this from now on, or not at all.
    Key(ConversationId, Option<VisitorKey>),
    /// The visitor is, or was last, at this nick.
    Nick(ConversationId, String),
    /// The visitor writes from this page.
    Page(ConversationId, String),
    /// The visitor's browser asks for this language.
    Language(ConversationId, String),
    /// The visitor can be reached there.
    Contact(ConversationId, String),
    /// This department answers, or everybody.
    Department(ConversationId, Option<String>),
    /// Closed, or open again.
    Closed(ConversationId, Option<Millis>),
    /// Label and visitor are free; only the transcript stays. Answers that the visitor never came for are not owed.
    Retire(ConversationId),
    /// Claimed by somebody, or by nobody.
    Holder(ConversationId, Option<ScreenName>),
    /// The visitor's lines are refused, or taken.
    Blocked(ConversationId, bool),
    /// Somebody said something.
    Entry {
        /// Where.
        conversation: ConversationId,
        /// Its number.
        number: u64,
        /// When.
        at: Millis,
        /// Who.
        author: Author,
        /// What.
        text: String,
        /// The client's id of it.
        client_id: Option<String>,
        /// The daemon's id of it.
        msgid: Option<String>,
        /// The channel in which it was said, where it was.
        channel: Option<String>,
    },
    /// The AIM server has acknowledged a visitor's line.
    Taken(ConversationId, u64),
    /// A text is owed to a staff member.
    Owe {
        /// To whom.
        to: ScreenName,
        /// What.
        row: Row,
    },
    /// It isn't any more.
    Drop(DeliveryId),
    /// It is owed to somebody else.
    Reassign(DeliveryId, ScreenName),
    /// An instant message was formed of owed texts.
    Form {
        /// To whom.
        to: ScreenName,
        /// What.
        im: Arc<Im>,
    },
    /// The server took an instant message, or never will: what stood in it is not owed any more.
    Settle(DeliveryId),
    /// The server did not take it: what stood in it is owed as before.
    Return(DeliveryId),
    /// An answer is owed to a visitor.
    Answer {
        /// Its number.
        id: AnswerId,
        /// In which conversation.
        conversation: ConversationId,
        /// Which entry.
        entry: u64,
    },
    /// The daemon has it.
    Paid(AnswerId),
    /// A staff member's message came in.
    Heard {
        /// From whom.
        sender: ScreenName,
        /// Its id.
        cookie: ImCookie,
        /// When.
        at: Millis,
    },
    /// Messages that came before this moment don't come again.
    ForgetHeard(Millis),
    /// A prepared answer is kept.
    Canned(String, String),
    /// A prepared answer is forgotten.
    ForgetCanned(String),
    /// The AIM side was up at that moment.
    AimUp(Millis),
    /// What was said since that moment is being fetched from the IRC daemon; none when it is over.
    FetchingFrom(Option<Millis>),
    /// The IRC daemon has forgotten these lines, or never will ([`Redaction::id`]).
    Redacted(Vec<u64>),
    /// Visitors' lines were refused in words: the daemon's ids. The newest [`MOST_REFUSED`] are kept.
    Refused(Vec<String>),
}

/// What is left to do about deleting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chores {
    /// The operator has asked for these to be deleted.
    pub deletions: Vec<ConversationId>,
    /// The IRC daemon may still keep these lines of deleted conversations; oldest first.
    pub redactions: Vec<Redaction>,
}

/// A line that the IRC daemon has to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Ours of it.
    pub id: u64,
    /// In the history of this channel; empty: of what was said to us in private.
    pub channel: String,
    /// The daemon's id of it.
    pub msgid: String,
}

/// What the hub starts from.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Those not retired, oldest first.
    pub conversations: Vec<Conversation>,
    /// The highest number a conversation ever had.
    pub last_conversation: u64,
    /// What is owed to staff and in no instant message, by number; to nobody where nobody was listed.
    pub owed: Vec<(ScreenName, Row)>,
    /// Instant messages whose fate is unknown, oldest first.
    pub ims: Vec<(ScreenName, Im)>,
    /// What is owed to visitors, by number.
    pub answers: Vec<(ConversationId, Answer)>,
    /// The daemon's ids of the newest entries, oldest first.
    pub msgids: Vec<(String, ConversationId, u64)>,
    /// Staff messages heard lately.
    pub heard: Vec<(ScreenName, ImCookie, Millis)>,
    /// The daemon's ids of lines that were refused in words, oldest first.
    pub refused: Vec<String>,
    /// Prepared answers.
    pub canned: Vec<(String, String)>,
    /// When the AIM side was last known to be up.
    pub aim_up: Option<Millis>,
    /// When the newest line of a visitor was written.
    pub last_line_at: Option<Millis>,
    /// From when on history was being fetched from the IRC daemon, where that was not over.
    pub fetching_from: Option<Millis>,
}

/// An entry of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Millis,
    /// Who.
    pub author: Author,
    /// What.
    pub text: String,
    /// The client's id of it.
    pub client_id: Option<String>,
    /// Whether the AIM server has acknowledged it.
    pub taken: bool,
}

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its number.
    pub id: ConversationId,
    /// Its label.
    pub label: String,
    /// When it began.
    pub opened_at: Millis,
    /// When somebody last spoke.
    pub last_at: Millis,
    /// Whether it goes on.
    pub open: bool,
    /// How many entries it has.
    pub entries: u64,
    /// The page that the visitor wrote from.
    pub page: Option<String>,
    /// What the visitor's browser asked for.
    pub language: Option<String>,
    /// How the visitor can be reached.
    pub contact: Option<String>,
}

/// Why the store can't.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another bridge has it.
    #[error("{}: another bridge is using this database; stop it, or give this one another file", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// Another program has it locked.
    #[error("{}: another program holds a lock on this database; end it (a database shell, a backup)", path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// It is not what we wrote.
    #[error("{}: the database is damaged ({what}); put it aside and restore a backup", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What the engine says.
        what: String,
    },
    /// It is something else.
    #[error("{}: this is no bridgebot database; give another file", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// It was written by a later version.
    #[error(
        "{}: this database has version {found}, this program knows up to {known}; use a newer bridgebot",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// No room.
    #[error("{}: the disk is full", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// What its path names is another file than the one that is open, or none.
    #[error(
        "{}: the database was moved, deleted or replaced while in use; put it back, or restart bridgebot to use what is there now",
        path.display()
    )]
    Replaced {
        /// Which file.
        path: PathBuf,
    },
    /// A write does not go with what is there. An error of the bridge's own.
    #[error("the store was given what contradicts it: {what}")]
    Contradiction {
        /// How.
        what: String,
    },
    /// Anything else.
    #[error("{}: {what}", path.display())]
    Failed {
        /// Which file.
        path: PathBuf,
        /// What the engine says.
        what: String,
    },
    /// The store's thread has ended.
    #[error("the store has stopped")]
    Stopped,
}

impl StoreError {
    /// Whether it is over as soon as another program has finished or somebody has made room, with nothing else to do.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Full { .. })
    }
}

/// Whether an entry is in the range, as every engine has to see it.
fn is_in(range: &HistoryRange, number: u64, at: Millis) -> bool {
    match range {
        HistoryRange::Latest => true,
        HistoryRange::Before(entry) => number < *entry,
        HistoryRange::After(entry) => number > *entry,
        HistoryRange::BeforeTime(time) => at < Millis::from_system(*time),
        HistoryRange::AfterTime(time) => at > Millis::from_system(*time),
    }
}

/// Whether the first entries of the range are wanted where there are too many, not the last.
fn wants_oldest(range: &HistoryRange) -> bool {
    matches!(range, HistoryRange::After(_) | HistoryRange::AfterTime(_))
}

/// As the store keeps accounts.
pub(crate) fn account_number(account: AccountId) -> i64 {
    i64::try_from(account.0).unwrap_or(i64::MAX)
}
