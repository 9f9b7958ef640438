//! What a session tells, and why it refuses to do something.

use crate::ScreenName;
use crate::foodgroup::chat::RoomId;
use crate::foodgroup::icbm::{Cookie, IcqMessage, Rendezvous};
use crate::foodgroup::{ErrorCode, FoodGroup, UserInfo};
use crate::sign_on::Address;
use crate::wire::{DecodeError, FlapError, Snac};
use std::time::Duration;

/// What happened. [`Event::Closed`] is the last one of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The start-up is complete: messages may be sent; presence and stored messages follow. The frame that makes us
    /// visible to others (01/02) is queued; nothing answers it.
    SignedOn {
        /// Our name as the server displays it.
        screen_name: ScreenName,
    },
    /// How the server describes us (01/0F): before [`Event::SignedOn`], when we changed it, and now and then.
    OwnInfo(UserInfo),
    /// A message came (04/07 on channel 1, or plain text on channel 4).
    ImReceived(ImReceived),
    /// The server has taken a message (04/0C). May still come after [`Event::NoAcknowledgement`].
    ImAcked {
        /// Which.
        cookie: Cookie,
    },
    /// The server has not taken a message (04/01).
    ImRefused {
        /// Which.
        cookie: Cookie,
        /// To whom it should have gone.
        to: ScreenName,
        /// Why. Code 4, [`ErrorCode::NotLoggedOn`], also means that they block us, or that there is no such name.
        code: ErrorCode,
        /// More precisely.
        sub_code: Option<u16>,
    },
    /// Neither came within [`super::Config::ack_deadline`]: servers drop what exceeds a rate limit without a word.
    NoAcknowledgement {
        /// Which.
        cookie: Cookie,
        /// To whom it should have gone.
        to: ScreenName,
    },
    /// Messages to us were not passed on (04/0A).
    ImsMissed {
        /// From whom.
        from: ScreenName,
        /// How many.
        count: u16,
        /// 0 invalid, 1 too large, 2 too fast, 3 sender warned too often, 4 we are.
        reason: u16,
    },
    /// What the server says of a buddy, each time that it does (03/0B): several times for one sign-on, and when something
    /// changes that is no matter of [`Event::Presence`], such as capabilities or the icon. Before that event.
    BuddySeen(UserInfo),
    /// A buddy is not as they were when last told (03/0B, 03/0C).
    Presence {
        /// Who, as the server displays them.
        who: ScreenName,
        /// How they are now.
        presence: Presence,
    },
    /// Somebody types to us, or does no longer (04/14).
    Typing {
        /// Who.
        from: ScreenName,
        /// How.
        typing: Typing,
    },
    /// Answer to [`super::Session::query_user`] (02/06).
    UserInfo {
        /// Who.
        info: UserInfo,
        /// Their away message, plain.
        away: Option<String>,
        /// Their profile, plain.
        profile: Option<String>,
    },
    /// Somebody asks us into a chat room (04/07 on channel 2). [`super::Session::request_room`] accepts, [`super::Session::decline`] does
    /// not; either may come at any time.
    ChatInvited(Invitation),
    /// Another word on channel 2: an offer of something that is no chat room, such as a file, or what became of an
    /// offer of ours. [`super::Session::decline_offer`] says no to it.
    Rendezvous {
        /// From whom.
        from: ScreenName,
        /// As it came; what is offered may be unknown.
        rendezvous: Rendezvous,
    },
    /// A message of ICQ's that is no plain text (channel 4), such as a request to be on somebody's list.
    Icq {
        /// From whom.
        from: ScreenName,
        /// As it came.
        message: IcqMessage,
    },
    /// All messages that the server had kept for us have come (04/17).
    StoredImsDone,
    /// Somebody's client could not take a message (04/0B), though the server had.
    ImNotTaken {
        /// Which.
        cookie: Cookie,
        /// Whose client.
        by: ScreenName,
        /// 3: an ICQ client's automatic reply follows in it.
        reason: u16,
    },
    /// Where to connect for a service that was asked for (01/05).
    ServiceReady(Service),
    /// The server does not give it (01/01).
    ServiceRefused {
        /// Which service.
        group: FoodGroup,
        /// Why.
        code: ErrorCode,
    },
    /// A request that has no answer of its own kind was refused (xx/01), such as [`super::Session::query_user`] about somebody
    /// who is not signed on.
    Refused {
        /// The food group of the request.
        group: FoodGroup,
        /// Its id, as [`super::Session::request`] gave it; servers that have none to repeat send 0.
        request_id: u32,
        /// Why.
        code: ErrorCode,
    },
    /// Answer to [`super::Session::warn`] (04/09).
    WarningGiven {
        /// Their level now, tenths of a percent.
        level: u16,
        /// How much of it is ours.
        increase: u16,
    },
    /// We were warned (01/10).
    Warned {
        /// Our level now, tenths of a percent.
        level: u16,
        /// By whom, unless anonymously.
        by: Option<ScreenName>,
    },
    /// A rate class stands differently (01/0A); the number of credits may have changed. open-oscar-server says *limited*
    /// already of a class that one more SNAC would bring below its limit; nothing is dropped then, and we hold that one
    /// back anyway.
    RateChanged {
        /// The class.
        class: u16,
        /// See [`crate::foodgroup::oservice::rate_code`].
        code: u16,
    },
    /// The buddy list was changed, by us or from another place (13/08 to 13/0A).
    BuddyListChanged,
    /// The server has answered all edits of the buddy list: it has what it has not refused ([`Event::BuddyListRefused`]).
    BuddyListSaved,
    /// The server does not keep an item of the buddy list (13/0E). A buddy is watched for this session all the same.
    BuddyListRefused {
        /// The item's name.
        name: String,
        /// See [`crate::foodgroup::feedbag::status`].
        code: u16,
    },
    /// Somebody asks whether they may have us on their list (13/19). [`super::Session::answer_authorization`].
    AuthorizationAsked {
        /// Who.
        by: ScreenName,
        /// In words.
        text: String,
    },
    /// Answer to [`super::Session::ask_authorization`] (13/1B).
    AuthorizationAnswered {
        /// Whose.
        by: ScreenName,
        /// Whether it is a yes.
        granted: bool,
        /// In words.
        text: String,
    },
    /// Somebody has put us on their list (13/1C).
    AddedBy(ScreenName),
    /// The server asks for silence (01/0B): no credits until [`Event::Resumed`].
    Paused,
    /// And for silence no more (01/0D).
    Resumed,
    /// What the session has no event for, as it came: limits (02/03, 03/03, 04/05, 13/03), the message of the day (01/13),
    /// answers to [`super::Session::request`], and SNACs that nobody has heard of. [`crate::foodgroup::Body::decode`] gives
    /// it a type.
    Other(Snac),
    /// A body that could not be read was left out. Not fatal.
    Unreadable {
        /// Its food group.
        group: FoodGroup,
        /// Its subgroup.
        subgroup: u16,
        /// Why.
        error: DecodeError,
    },
    /// The session is over. What was sent and neither acknowledged nor refused is unknown.
    Closed(CloseReason),
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImReceived {
    /// From whom, as the server displays them.
    pub from: ScreenName,
    /// What else the server says of them; stored messages come without.
    pub info: UserInfo,
    /// The sender's id of it. Not unique in itself: ICQ clients and server notices send zeros.
    pub cookie: Cookie,
    /// Plain, line breaks as `\n`; see [`crate::text::to_plain`].
    pub text: String,
    /// Whether some of it could not be read.
    pub lossy: bool,
    /// An automatic reply: never to be answered by a program.
    pub auto: bool,
    /// Seconds since 1970 when it was sent, if the server kept it while we were away.
    pub stored_at: Option<u32>,
    /// The sender wants to know when we type.
    pub wants_typing: bool,
}

impl ImReceived {
    /// An ordinary message, as a test or a double of a session needs it; its cookie is zero.
    pub fn new(from: ScreenName, text: impl Into<String>) -> Self {
        Self {
            info: UserInfo::new(from.clone()),
            from,
            cookie: Cookie::default(),
            text: text.into(),
            lossy: false,
            auto: false,
            stored_at: None,
            wants_typing: false,
        }
    }
}

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Not signed on, or there is no such name: the server does not tell.
    Offline,
    /// Signed on.
    Online {
        /// They have an away message.
        away: bool,
        /// Minutes without input, 0 if they are active.
        idle_minutes: u16,
    },
}

/// How somebody types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Typing {
    /// Now.
    Typing,
    /// Stopped, with text left.
    Paused,
    /// No text, or the window is closed.
    None,
}

/// An invitation to a chat room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// From whom.
    pub from: ScreenName,
    /// Its id; needed to decline.
    pub cookie: Cookie,
    /// The room.
    pub room: RoomId,
    /// In words, plain.
    pub text: String,
}

/// Where a service is to be had: connect there, and give the cookie to the session that is made for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Service {
    /// Which.
    pub group: FoodGroup,
    /// Where.
    pub address: Address,
    /// A secret while it is valid.
    pub cookie: Vec<u8>,
    /// The room, for a chat room.
    pub room: Option<RoomId>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("group", &self.group)
            .field("address", &self.address)
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

/// Why a session is over, in words for a log. What the server says of it stands in its sign-off frame (TLV 9).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// We signed off.
    #[error("signed off")]
    SignedOff,
    /// The same name was signed on from another place (TLV 9 = 1).
    #[error("the same screen name has signed on from another place")]
    SignedOnElsewhere,
    /// We sent faster than a rate class allows. Servers say it with the frame of [`CloseReason::SignedOnElsewhere`];
    /// it is this if one of our classes was limited.
    #[error("the server ended the session because too much was sent too fast")]
    RateExceeded,
    /// The account was deleted (TLV 9 = 2).
    #[error("the account has been deleted")]
    AccountDeleted,
    /// The server signed us off for another reason, or for none.
    #[error("the server ended the session{}", code.map(|code| format!(" with reason {code}")).unwrap_or_default())]
    SignedOffByServer {
        /// TLV 9.
        code: Option<u16>,
    },
    /// The connection ended, and nothing was said.
    #[error("the connection was lost: {0}")]
    ConnectionLost(String),
    /// Nothing comes any more, not even an answer.
    #[error("the server has not been heard of for {} s", .0.as_secs())]
    Silent(Duration),
    /// The start-up took too long.
    #[error("the server did not complete the sign-on: it stopped before {0}")]
    StartUpTimeout(&'static str),
    /// The server wants us at another address (01/12); the cookie is for that.
    #[error("the server moves the session to {}", .0.address)]
    Migrated(Service),
    /// What came is no OSCAR.
    #[error("the server broke the protocol: {0}")]
    Protocol(ProtocolError),
}

/// How a server broke OSCAR, so that there is no going on. A body alone that can't be read is [`Event::Unreadable`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// What came is no FLAP frame.
    #[error(transparent)]
    Flap(#[from] FlapError),
    /// A data frame holds no SNAC.
    #[error("a frame that holds no SNAC: {0}")]
    Snac(#[from] DecodeError),
    /// It sent a frame on channel 3, and closes.
    #[error("it sent an error frame")]
    ErrorFrame,
}

impl CloseReason {
    /// Where the session goes on (01/12), if the server has moved it: for `net::follow_with`.
    pub const fn moved(&self) -> Option<&Service> {
        if let Self::Migrated(service) = self { Some(service) } else { None }
    }
}

/// Why a request was not taken. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session is not signed on, or over.
    #[error("not signed on")]
    NotOnline,
    /// It would exceed the rate limit; see [`super::Session::next_im_credit_at`].
    #[error("too fast for the server's rate limit")]
    NoCredit,
    /// Too much is queued or waits for an acknowledgement.
    #[error("too much waits for the server")]
    Busy,
    /// It does not fit one frame; see [`crate::text::split`].
    #[error("too long for one message")]
    TooLong,
    /// Nobody and no group of that name is on the buddy list, or the new name is taken.
    #[error("not on the buddy list, or the name is taken")]
    NotListed,
    /// The server has no such service.
    #[error("the server does not offer that")]
    NotOffered,
    /// Not a name: see [`ScreenName::is_valid`]; of a chat room, none or more than 50 bytes.
    #[error("not a name that can be used")]
    InvalidName,
}
