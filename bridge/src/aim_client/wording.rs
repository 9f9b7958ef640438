//! Every sentence that the client says, in one place. None of them ends a line.

use std::time::Duration;

use oscar_im::foodgroup::feedbag::status;
use oscar_im::session::{Presence, Typing};

use super::command::COMMANDS;
use crate::conversation::Millis;
use crate::conversation::wording::Stamp;

pub(super) const CLIENT: &str = "aim";
pub(super) const CONNECTING: &str = "signing on …";
pub(super) const NOT_A_BUDDY: &str = "not on your buddy list";
pub(super) const NOT_SIGNED_ON: &str = "you are not signed on";
pub(super) const LOST: &str = "the connection was lost";
pub(super) const LOST_UNKNOWN: &str = "the connection was lost; it may or may not have arrived";
pub(super) const LOST_UNSENT: &str = "the connection was lost before it was sent";
pub(super) const NO_ACKNOWLEDGEMENT: &str = "the server did not acknowledge it";
pub(super) const STATUS_TOO_LONG: &str = "too much text; servers take about 4,000 bytes";
pub(super) const TOO_MUCH_WAITS: &str = "too much is waiting for the server; try again in a moment";
pub(super) const NOTHING_TO_SEND: &str = "there is nothing to send";
pub(super) const NO_CONVERSATION: &str =
    "nobody would read that here; write /open NAME first, or /msg NAME TEXT";
pub(super) const NO_ROOM: &str = "the current conversation is no chat room";
pub(super) const NOT_IN_ROOM: &str = "you are not in that room now";
pub(super) const NO_INVITATION: &str = "nobody has invited you";
pub(super) const BACK: &str = "you are back";
pub(super) const AUTO: &str = "(automatic) ";
pub(super) const INVITATION_TEXT: &str = "join me in this chat";
pub(super) const PAUSED: &str = "the server asks for silence; messages wait";
pub(super) const RESUMED: &str = "the server takes messages again";
pub(super) const TOO_MANY_ROOMS: &str = "you are in as many rooms as this client can show";
pub(super) const NO_BUDDIES: &str = "your buddy list is empty; /add NAME puts somebody on it";
pub(super) const LINE_TOO_LONG: &str = "a line was too long and was left out";

pub(super) const PROGRAM: &str = "bridgebot aim";
pub(super) const ONLINE: &str = "online";
pub(super) const NEW: &str = "new";
pub(super) const CONVERSATIONS: &str = "Conversations";
pub(super) const TOO_SMALL: &str = "the window is too small";
pub(super) const TEXT_TOO_LONG: &str = "that would be too much text for one message; it was not taken";
pub(super) const HOW_TO_END: &str = "Ctrl-D or /quit signs off and ends";
pub(super) const KEYS: &str =
    "F1 help  Ctrl-N/P conversation  Tab next unread  F2 list  PgUp back  Ctrl-D end";
pub(super) const KEYS_IN_LIST: &str = "Up/Down choose  Enter open  Esc back";

pub(super) fn away_short(message: &str) -> String {
    format!("away: {message}")
}

pub(super) fn unread_in_all(count: usize) -> String {
    format!("{count} unread")
}

pub(super) fn below(messages: usize) -> String {
    if messages == 1 { "1 message below (Esc)".into() } else { format!("{messages} messages below (Esc)") }
}

pub(super) fn failed(reason: &str) -> String {
    format!("not delivered: {reason}")
}

pub(super) fn signed_on(name: &str) -> String {
    format!("signed on as {name}")
}

pub(super) fn offline(reason: &str, retry: Duration) -> String {
    format!("{reason}; trying again in {} s", retry.as_secs_f64().ceil())
}

pub(super) fn presence(name: &str, presence: Presence) -> String {
    match presence {
        Presence::Offline => format!("{name} has signed off"),
        Presence::Online { away: true, .. } => format!("{name} is away"),
        Presence::Online { idle_minutes: 0, .. } => format!("{name} is online"),
        Presence::Online { idle_minutes, .. } => {
            format!("{name} has been idle for {}", minutes(idle_minutes))
        }
    }
}

/// A word for it, for lists.
pub(super) fn presence_word(presence: Presence) -> String {
    match presence {
        Presence::Offline => "offline".into(),
        Presence::Online { away: true, .. } => "away".into(),
        Presence::Online { idle_minutes: 0, .. } => "online".into(),
        Presence::Online { idle_minutes, .. } => format!("idle {}", minutes(idle_minutes)),
    }
}

fn minutes(minutes: u16) -> String {
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {} min", minutes / 60, minutes % 60) }
}

pub(super) fn typing(name: &str, typing: Typing) -> String {
    match typing {
        Typing::Typing => format!("{name} is typing"),
        Typing::Paused => format!("{name} has stopped typing, with text left"),
        Typing::None => format!("{name} is not typing"),
    }
}

pub(super) fn stored(at: Millis) -> String {
    format!("(sent {} UTC) ", Stamp(at))
}

pub(super) fn not_delivered(to: &str, reason: &str) -> String {
    format!("not delivered to {to}: {reason}")
}

pub(super) fn away(message: &str) -> String {
    format!("you are away: {message}")
}

pub(super) fn invited(from: &str, room: &str, text: &str) -> String {
    let words = if text.is_empty() { String::new() } else { format!(": {text}") };
    format!("{from} invites you into the room {room}{words} (/accept or /decline)")
}

pub(super) fn entered(room: &str) -> String {
    format!("you are in the room {room}")
}

pub(super) fn left(room: &str, reason: &str) -> String {
    format!("you are not in the room {room} any more: {reason}")
}

pub(super) fn members(room: &str, names: &[String], what: &str) -> String {
    format!("{room}: {what}: {}", names.join(", "))
}

pub(super) fn answered(to: &str, text: &str) -> String {
    format!("{to} was answered automatically: {text}")
}

pub(super) fn missed(count: u16, from: &str, reason: u16) -> String {
    let why = match reason {
        0 => "not valid",
        1 => "too large",
        2 => "too fast",
        3 => "the sender was warned too often",
        4 => "you were warned too often",
        _ => "no reason known",
    };
    format!("{count} message(s) of {from} did not get through: {why}")
}

pub(super) fn warned(level: u16, by: Option<&str>) -> String {
    let by = by.unwrap_or("somebody, anonymously");
    format!("warned by {by}; your warning level is {}.{} %", level / 10, level % 10)
}

pub(super) fn profile_of(name: &str, profile: Option<&str>) -> String {
    match profile {
        Some(profile) => format!("profile of {name}: {profile}"),
        None => format!("{name} has no profile"),
    }
}

pub(super) fn away_of(name: &str, away: &str) -> String {
    format!("{name} is away: {away}")
}

pub(super) fn blocked(name: &str, blocked: bool) -> String {
    if blocked { format!("{name} is blocked") } else { format!("{name} is not blocked any more") }
}

pub(super) fn warning_given(level: u16) -> String {
    format!("warned; their warning level is {}.{} % now", level / 10, level % 10)
}

pub(super) fn offer_declined(from: &str) -> String {
    format!("{from} offers a file or something else that this client can't take; it was declined")
}

pub(super) fn authorization_asked(by: &str, text: &str) -> String {
    let words = if text.is_empty() { String::new() } else { format!(": {text}") };
    format!("{by} asks to have you on their list{words} (/authorize {by})")
}

pub(super) fn authorization_answered(by: &str, granted: bool, text: &str) -> String {
    let words = if text.is_empty() { String::new() } else { format!(": {text}") };
    if granted {
        format!("{by} lets you have them on your list{words}")
    } else {
        format!("{by} does not want to be on your list{words}")
    }
}

pub(super) fn added_by(who: &str) -> String {
    format!("{who} has put you on their list")
}

pub(super) fn not_shown(by: &str) -> String {
    format!("the client of {by} could not take your message, though the server had")
}

pub(super) fn no_info(name: &str) -> String {
    format!("the server tells nothing about {name}; most likely they are not signed on")
}

pub(super) fn buddy_refused(name: &str, code: u16) -> String {
    let why = match code {
        status::OVER_LIMIT => "the list is full".to_owned(),
        status::NEEDS_AUTHORIZATION => "they have to agree first".to_owned(),
        status::INVALID => "it takes no such entry".to_owned(),
        code => format!("code {code}"),
    };
    format!("the server does not keep {name} on your buddy list: {why}")
}

pub(super) fn service_refused(room: Option<&str>, reason: &str) -> String {
    room.map_or_else(|| format!("no chat room: {reason}"), |room| format!("no chat room {room}: {reason}"))
}

pub(super) fn set_profile(text: Option<&str>) -> String {
    text.map_or_else(|| "you have no profile now".into(), |text| format!("your profile: {text}"))
}

pub(super) fn unread(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" ({count} unread)") }
}

pub(super) fn help() -> impl Iterator<Item = String> {
    COMMANDS.iter().map(|(name, arguments, what)| {
        let call = format!("/{name} {arguments}");
        format!("{call:<20} {what}")
    })
}
