//! The values of the domain.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oscar_im::ScreenName;

use super::guard::TokenBucket;
use super::untaken::Untaken;

/// A moment in milliseconds since 1970, on a clock that never goes back while the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// The moment of a system time; before 1970 counts as 1970.
    pub fn from_system(at: SystemTime) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The same as a system time.
    pub fn to_system(self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.0)).unwrap_or(UNIX_EPOCH)
    }

    /// `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// `duration` earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero where it is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A conversation's number in the store; outlives nicks and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationId(pub u64);

impl ConversationId {
    /// As visitors see it in `msgid`.
    pub fn public(self) -> String {
        format!("c{}", self.0)
    }
}

/// Who a visitor is, in the order of trust that the contract gives: the gateway's session, the IRC account, the connection
/// (as the daemon names it, else user@host with the sign-on time), and, where the daemon tells none, the nick for as long as it is seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VisitorKey(Arc<str>);

impl VisitorKey {
    /// A session of the gateway (the hash of its token).
    pub fn session(id: &str) -> Self {
        Self(format!("session:{id}").into())
    }

    /// An account that the daemon vouches for.
    pub fn account(name: &str) -> Self {
        Self(format!("account:{}", super::labels::fold(name)).into())
    }

    /// A connection, told by its sign-on time.
    pub fn connection(user: &str, host: &str, signed_on: u64) -> Self {
        Self(format!("connection:{user}@{host} {signed_on}").into())
    }

    /// A connection that the daemon names.
    pub fn named_connection(name: &str) -> Self {
        Self(format!("connection:#{name}").into())
    }

    /// A nick of which nothing else is known.
    pub fn nick(nick: &str, user: &str, host: &str) -> Self {
        Self(format!("nick:{}!{user}@{host}", super::labels::fold(nick)).into())
    }

    /// The daemon's name for the connection, where that is the key.
    pub fn connection_name(&self) -> Option<&str> {
        self.0.strip_prefix("connection:#")
    }

    /// As kept in the store.
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// As kept in the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The session's id, where it is one.
    pub fn session_id(&self) -> Option<&str> {
        self.0.strip_prefix("session:")
    }

    /// Whether the gateway knows this visitor: then it says when the person comes and goes.
    pub fn is_session(&self) -> bool {
        self.0.starts_with("session:")
    }

    /// What tells this visitor from others: `session`, `account`, `connection` or `nick`.
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or("", |(kind, _)| kind)
    }

    /// Whether it is a connection from there.
    pub fn is_connection_of(&self, user: &str, host: &str) -> bool {
        self.0
            .strip_prefix("connection:")
            .and_then(|rest| rest.rsplit_once(' '))
            .is_some_and(|(origin, _)| origin == format!("{user}@{host}"))
    }

    /// Whether it holds only while the nick is seen.
    pub fn is_nick(&self) -> bool {
        self.0.starts_with("nick:")
    }
}

/// Who said an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// The visitor.
    Visitor,
    /// A staff member.
    Staff(ScreenName),
}

/// Where an answer to a visitor can go now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// To this nick: nobody else can have it.
    Here(String),
    /// This nick was the visitor's when we last knew; to be asked before anything is sent there.
    Unverified(String),
    /// Asked at that moment.
    Asked(String, Millis),
    /// Nowhere until the visitor comes back.
    Gone,
}

impl Address {
    /// Where the visitor with this key is after a start, who was last at this nick. The gateway says when its visitors are
    /// there; of others we only know where they were.
    pub fn as_stored(nick: Option<String>, key: Option<&VisitorKey>) -> Self {
        match nick {
            Some(nick) if key.is_some_and(|key| !key.is_session()) => Self::Unverified(nick),
            _ => Self::Gone,
        }
    }

    /// The nick in question.
    pub fn nick(&self) -> Option<&str> {
        match self {
            Self::Here(nick) | Self::Unverified(nick) | Self::Asked(nick, _) => Some(nick),
            Self::Gone => None,
        }
    }
}

/// The least that makes one time earlier than another.
const A_MOMENT: Duration = Duration::from_millis(1);

/// Since when a holder is known to let the visitor wait, after a start: since the first line that nobody has answered.
pub fn held_at(unanswered: Option<Millis>, last_at: Millis) -> Millis {
    unanswered.map_or(last_at, |at| at.min(last_at).before(A_MOMENT))
}

/// One visitor's thread with staff.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Its number.
    pub id: ConversationId,
    /// Whose; none when that visitor can't be told from others any more.
    pub key: Option<VisitorKey>,
    /// What staff call it.
    pub label: String,
    /// The visitor's page, where the gateway knows it.
    pub page: Option<String>,
    /// The language that the visitor's browser asks for.
    pub language: Option<String>,
    /// How the visitor can be reached elsewhere: what they wrote while nobody answered.
    pub contact: Option<String>,
    /// Who answers; everybody where there is none.
    pub department: Option<String>,
    /// When it began.
    pub opened_at: Millis,
    /// When somebody last spoke in it.
    pub last_at: Millis,
    /// When it was closed.
    pub closed_at: Option<Millis>,
    /// Number of its newest entry; 0 before the first.
    pub last_entry: u64,
    /// Who has claimed it.
    pub holder: Option<ScreenName>,
    /// When its holder last did something in it, or, once the visitor has written since, a moment before the first of these
    /// lines.
    pub held_at: Millis,
    /// Whether the visitor's lines are refused.
    pub blocked: bool,
    /// Where answers go.
    pub address: Address,
    /// Since when nothing would tell us that the visitor leaves `address`: it was theirs at that moment.
    pub unseen_since: Option<Millis>,
    /// The daemon's name for the visitor's connection, where it tells one: answers go nowhere else.
    pub connection: Option<String>,
    /// The visitor's lines that no AIM server has acknowledged yet.
    pub untaken: Untaken,
    /// The visitor's entries' client ids, newest last; bounded.
    pub client_ids: std::collections::VecDeque<(String, u64)>,
    /// The order in which visitors spoke, over all conversations.
    pub spoke: u64,
    /// Limits how fast the visitor may write.
    pub bucket: TokenBucket,
    /// What the people in it were told already.
    pub told: Told,
}

/// What people were told, so that they are told once.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The visitor: that nobody is there, since when.
    pub waiting: Option<Millis>,
    /// The visitor: to slow down, when.
    pub slow_down: Option<Millis>,
    /// The visitor: that their lines are refused.
    pub refused: Option<Millis>,
    /// Staff: that the visitor is away from the page.
    pub away: bool,
}

impl Conversation {
    /// The visitor writes.
    pub fn visitor_spoke(&mut self, now: Millis) {
        if !self.visitor_waits() {
            self.held_at = now.before(A_MOMENT);
        }
        self.last_at = now;
    }

    /// Whether the visitor has written since its holder last did something.
    pub fn visitor_waits(&self) -> bool {
        self.last_at > self.held_at
    }

    /// The daemon's name for the connection that an answer is for, where it is known.
    pub fn receiver(&self) -> Option<&str> {
        let by_key = || self.key.as_ref()?.connection_name();
        self.connection.as_deref().or_else(by_key)
    }

    /// Whether it takes part in what is going on.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}
