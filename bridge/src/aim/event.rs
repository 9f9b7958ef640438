//! The seam between an OSCAR account's link and the hub.
//!
//! Nothing here knows visitors or IRC. The link paces by the server's rate classes and hands out credits: the hub may
//! send as many messages as it holds credits, so that the choice of what goes next, and the joining of lines that
//! wait for the same recipient, happens at the last moment. Channels as in `irc::event`: 256 events, 256 commands.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use oscar_im::ScreenName;

/// Which of our OSCAR accounts; index into the configuration's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub usize);

/// The 8-byte id of an instant message; stored before its first byte leaves, so that a resend is recognisable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImCookie(pub [u8; 8]);

/// A staff member's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Not signed on (or no such name: the server does not tell).
    Offline,
    /// Signed on and there.
    Online,
    /// Signed on and away.
    Away,
}

/// Why an instant message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImRefusal {
    /// 04/01 code 4: offline, mistyped, or they block us.
    NotSignedOn,
    /// Another 04/01 code, in words.
    Refused {
        /// The code.
        code: u16,
        /// In words.
        words: String,
        /// Whether the same message may succeed later.
        permanent: bool,
    },
    /// No acknowledgement within the deadline: probably dropped by a rate limit.
    NoAcknowledgement,
}

/// Typing notice (04/14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImTyping {
    /// Typing now.
    Typing,
    /// Stopped with text left.
    Paused,
    /// None left.
    None,
}

/// What an OSCAR link tells the hub; each comes with the [`AccountId`] of its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AimEvent {
    /// The session is up: presence follows.
    SignedOn {
        /// As the server displays it.
        screen_name: ScreenName,
    },
    /// The hub may send this many messages more.
    Credits(u32),
    /// A message came.
    Im {
        /// From whom.
        from: ScreenName,
        /// Plain text, links kept, `\n` for line breaks.
        text: String,
        /// Flagged as an automatic reply: never answered.
        auto: bool,
        /// Stored by the server while we were away.
        offline: bool,
        /// The sender's id of it (with sender and channel it tells a repeat).
        cookie: ImCookie,
        /// When: the sender's time for stored ones, else arrival.
        at: SystemTime,
    },
    /// The server took the message.
    Acked {
        /// Which.
        cookie: ImCookie,
    },
    /// The server did not.
    Refused {
        /// Which.
        cookie: ImCookie,
        /// Why.
        refusal: ImRefusal,
    },
    /// A buddy changed.
    Presence {
        /// Who.
        who: ScreenName,
        /// How.
        presence: Presence,
    },
    /// A buddy types to us.
    Typing {
        /// Who.
        from: ScreenName,
        /// How.
        typing: ImTyping,
    },
    /// Something in the staff room, of the account that keeps one.
    Room(RoomEvent),
    /// The session is gone, and the room with it; messages sent and neither acked nor refused are unknown. All credits are void, all
    /// presence is unknown. The link signs on again by itself.
    Lost {
        /// In words, for the log and for staff.
        reason: String,
        /// When the server was last heard: what was said to us since is lost.
        heard_at: SystemTime,
        /// When it tries again.
        retry_in: Duration,
    },
}

/// What happens in the staff room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomEvent {
    /// We are in, with these others.
    Entered(Vec<ScreenName>),
    /// These have come.
    Joined(Vec<ScreenName>),
    /// These have gone.
    Left(Vec<ScreenName>),
    /// Somebody else said something.
    Said {
        /// Who.
        from: ScreenName,
        /// The sender's id of it.
        cookie: ImCookie,
        /// Plain text.
        text: String,
    },
    /// The server has sent us back what we said: everybody in the room was sent it.
    Reflected {
        /// Which.
        cookie: ImCookie,
    },
    /// We are out; what was said and not reflected is unknown. The link goes in again by itself.
    Lost,
}

/// What the hub asks of an OSCAR link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AimCommand {
    /// Send one instant message; costs a credit. `text` is plain and fits one message.
    Send {
        /// Its id.
        cookie: ImCookie,
        /// To whom.
        to: ScreenName,
        /// Plain text, `\n` for line breaks.
        text: Arc<str>,
    },
    /// Say one message in the staff room; costs no credit. Answered by [`RoomEvent::Reflected`] or [`RoomEvent::Lost`].
    Say {
        /// Its id.
        cookie: ImCookie,
        /// Plain text, `\n` for line breaks.
        text: String,
    },
    /// Invite a staff member into the staff room; costs a credit.
    Invite {
        /// Its id.
        cookie: ImCookie,
        /// Whom.
        to: ScreenName,
        /// In words.
        text: String,
    },
    /// Tell a staff member that a visitor types.
    Typing {
        /// To whom.
        to: ScreenName,
        /// How.
        typing: ImTyping,
    },
    /// The staff whose presence is wanted: kept on the server's buddy list.
    Watch(Vec<ScreenName>),
    /// Our own away message, or back.
    Away(Option<String>),
    /// Sign off and end the link.
    SignOff,
}

impl AimCommand {
    /// Whether it was decided for the session that is, and must not reach the next.
    pub fn is_for_one_session(&self) -> bool {
        self.is_for_the_room() || matches!(self, Self::Send { .. } | Self::Typing { .. })
    }

    /// Whether only a room that we are in can take it.
    pub fn is_for_the_room(&self) -> bool {
        matches!(self, Self::Say { .. } | Self::Invite { .. })
    }
}
