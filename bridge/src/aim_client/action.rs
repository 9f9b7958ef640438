//! What the client's machine asks of the sockets, and what it has to tell.

use std::time::Duration;

use oscar_im::ScreenName;
use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::icbm::{Cookie, Rendezvous};
use oscar_im::session::{Invitation, Service, Typing};

/// A chat room of ours, by the order of entering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RoomKey(pub(super) u32);

/// What is to be done on the OSCAR side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Set our away message, or come back.
    Away(Option<String>),
    /// Set our profile; empty: none.
    Profile(String),
    /// Tell somebody whether we type.
    Typing(ScreenName, Typing),
    /// Say for how long nobody has been at the keyboard; zero: somebody is.
    Idle(Duration),
    /// Fetch somebody's profile and away message.
    Query(ScreenName),
    /// Answer for us while we are away: not acknowledged.
    AutoReply { cookie: Cookie, to: ScreenName, text: String },
    /// Put somebody on the buddy list.
    AddBuddy { group: String, name: ScreenName },
    /// Take somebody off it.
    RemoveBuddy(ScreenName),
    /// Give a buddy a name of ours; None: take it away.
    Alias { name: ScreenName, alias: Option<String> },
    /// Bring a buddy to another group.
    MoveBuddy { name: ScreenName, group: String },
    /// Let somebody see us and write to us, or do not.
    Block { name: ScreenName, blocked: bool },
    /// Let somebody have us on their list.
    Authorize(ScreenName),
    /// Warn somebody who has written to us.
    Warn { name: ScreenName, anonymously: bool },
    /// Ask the session for the service that finds and makes rooms.
    FindNavigation,
    /// Ask the session for the way into a room.
    FindRoom(RoomId),
    /// Connect there, make or find the room of that name, and leave.
    Navigate { service: Service, name: String },
    /// Connect to a room and stay.
    Enter { room: RoomKey, service: Service },
    /// Say something in a room.
    SayInRoom { room: RoomKey, cookie: Cookie, text: String },
    /// Leave a room.
    LeaveRoom(RoomKey),
    /// Invite somebody into a room.
    Invite { cookie: Cookie, to: ScreenName, room: RoomId, text: String },
    /// Decline an invitation.
    Decline(Invitation),
    /// Decline what is no invitation.
    DeclineOffer { from: ScreenName, offer: Rendezvous },
    /// Sign off and end the program.
    Quit,
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// The client's own words.
    Notice(String),
    /// Something did not work.
    Problem(String),
    /// Somebody said something, in a room if it has a name.
    Said { from: String, room: Option<String>, text: String },
    /// The server has taken a message of ours.
    Taken { to: String, text: String },
}
