//! The seam between the IRC link and the hub: what the daemon told us, and what we want of it.
//!
//! Nothing here knows visitors, staff or OSCAR. The link owns its socket and session; it sends [`IrcEvent`]s over a
//! channel of 256 (full: the link stops reading, TCP pushes back) and takes [`IrcCommand`]s from one of 256 (full: the
//! hub keeps the row pending; the outbox is the queue).

use std::time::SystemTime;

/// The hub's number for something it asked to be sent; comes back in the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SendId(pub u64);

/// Who a line is from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// As the daemon spells it.
    pub nick: String,
    /// With the `~` where the daemon put one.
    pub user: String,
    /// Name, address or cloak.
    pub host: String,
    /// The account the daemon vouches for (account-tag, WHOIS 330).
    pub account: Option<String>,
    /// Sign-on time in Unix seconds (WHOIS 317): with user@host it tells a person from the next holder of the nick.
    pub signed_on: Option<u64>,
    /// The daemon's own name for the connection, where it tells one (docs/protocol/delivery-check.md): never given again.
    pub connection: Option<String>,
}

/// PRIVMSG or NOTICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// PRIVMSG: a person speaks.
    Privmsg,
    /// NOTICE: never answered automatically.
    Notice,
}

/// Where a line was said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// To our nick.
    Private,
    /// In this channel, spelled as the daemon does.
    Channel(String),
}

/// A line that somebody said to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IrcLine {
    /// Who.
    pub from: Source,
    /// Where.
    pub place: Place,
    /// How.
    pub speech: Speech,
    /// UTF-8 (else CP1252) decoded; an ACTION (`/me`) without its CTCP frame, see `action`. No CR, LF, NUL.
    pub text: String,
    /// Whether it was a CTCP ACTION.
    pub action: bool,
    /// The daemon's `msgid`.
    pub msgid: Option<String>,
    /// The client's `+bridgebot/id`.
    pub client_id: Option<String>,
    /// `server-time`, else when it arrived.
    pub at: SystemTime,
    /// Whether it was replayed from the daemon's history after a reconnect.
    pub replayed: bool,
}

/// How somebody types (IRCv3 `+typing`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// Is typing now.
    Active,
    /// Stopped, with text left.
    Paused,
    /// Sent or cleared it.
    Done,
}

/// Why the daemon would not deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IrcRefusal {
    /// 401: nobody has the nick now; the row waits until the visitor is back.
    NoSuchNick,
    /// 404, 716 and kin, with the daemon's words.
    Cannot(String),
}

/// What the IRC side tells the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IrcEvent {
    /// Registered; `nick` is the one we really have.
    SignedOn {
        /// Ours.
        nick: String,
    },
    /// Our nick is another from now on: the wanted one is free again, or somebody in power changed it.
    OwnNick {
        /// Ours.
        nick: String,
    },
    /// We are in this channel.
    Joined {
        /// As the daemon spells it.
        channel: String,
    },
    /// Somebody spoke.
    Line(IrcLine),
    /// Somebody types to us.
    Typing {
        /// Who.
        from: Source,
        /// How.
        typing: Typing,
    },
    /// Somebody whom we may owe lines changed the nick (seen in a common channel).
    Renamed {
        /// Before.
        from: Source,
        /// After.
        to: String,
    },
    /// Who has the nick now, as asked by [`IrcCommand::Identify`]. (Nobody: [`IrcEvent::Gone`].)
    Identified {
        /// With account and sign-on time where the daemon tells them.
        source: Source,
    },
    /// Somebody of whom we just heard, or whom we just lost from sight: from now on nothing would tell us that the nick
    /// changes hands. To be asked about before anything is sent there later.
    Unseen {
        /// Who.
        nick: String,
    },
    /// Somebody left the network (QUIT in a common channel, MONITOR 731).
    Gone {
        /// Who.
        nick: String,
    },
    /// The daemon has the message: echo, or the PONG that follows it.
    Accepted {
        /// Which.
        id: SendId,
    },
    /// The daemon refused the message.
    Refused {
        /// Which.
        id: SendId,
        /// Why.
        refusal: IrcRefusal,
    },
    /// What was said since then is being fetched from the daemon's history. Until [`IrcEvent::Fetched`], the next start has to
    /// begin there again, whatever came since.
    Fetching {
        /// From when on.
        since: SystemTime,
    },
    /// All that the daemon had has gone on.
    Fetched,
    /// The daemon has worked through [`IrcCommand::Redact`].
    Redacted {
        /// Why it did not do all of it, in its words or ours.
        refused: Option<String>,
    },
    /// The connection is gone; what was sent and neither accepted nor refused is unknown. The link reconnects by itself.
    Lost {
        /// In words, for the log.
        reason: String,
    },
}

/// What the hub asks of the IRC side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IrcCommand {
    /// Send text; the session splits it to the line budget (never losing any of it) and strips CR, LF, NUL.
    /// One receipt, for the last part.
    Say {
        /// For the receipt.
        id: SendId,
        /// A nick.
        to: String,
        /// PRIVMSG for a person's words, NOTICE for the bridge's own.
        speech: Speech,
        /// May hold line breaks: each becomes a line.
        text: String,
        /// Client tags with their `+`, unescaped, on each line of it; left out where the daemon does not relay tags.
        tags: Vec<(String, String)>,
        /// Deliver only to this connection, where the daemon can tell ([`Source::connection`]); else it refuses.
        receiver: Option<String>,
    },
    /// TAGMSG; nothing where the daemon does not relay tags. No receipt.
    Tag {
        /// A nick.
        to: String,
        /// Client tags with their `+`, unescaped.
        tags: Vec<(String, String)>,
        /// As in [`IrcCommand::Say`].
        receiver: Option<String>,
    },
    /// Lines of this user name under this nick need no question to the daemon: the hub knows who it is.
    Vouch {
        /// Without `~`.
        user: String,
        /// The nick.
        nick: String,
    },
    /// Not any more.
    Unvouch {
        /// Without `~`.
        user: String,
    },
    /// Ask who has this nick (WHOIS); answered by [`IrcEvent::Identified`] or [`IrcEvent::Gone`]. The hub asks before
    /// it pays an old debt to a visitor whom it has not heard since our sign-on: the nick may have changed hands.
    Identify {
        /// The nick.
        nick: String,
    },
    /// Have the daemon forget these lines, by channel and `msgid`; answered by [`IrcEvent::Redacted`]. One batch at a time.
    Redact {
        /// Which.
        lines: Vec<(String, String)>,
    },
    /// Mark us away (nobody of staff is here), or back.
    Away(Option<String>),
    /// Sign off with these words and end the link.
    Quit(String),
}

impl IrcCommand {
    /// Whether it was decided for the session that is, and must not reach the next.
    pub fn is_for_one_session(&self) -> bool {
        matches!(self, Self::Say { .. } | Self::Tag { .. } | Self::Identify { .. } | Self::Redact { .. })
    }
}
