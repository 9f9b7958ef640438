//! Reading what the `irc` crate parsed: tags, sources and numerics.

use irc::proto::{Command, Message, Prefix};

/// A tag's value; the last of several wins, an empty one counts as missing.
pub(super) fn tag<'a>(message: &'a Message, key: &str) -> Option<&'a str> {
    let tags = message.tags.as_deref()?;
    let found = tags.iter().rev().find(|tag| tag.0 == key)?;
    found.1.as_deref().filter(|value| !value.is_empty())
}

/// `nick`, `user`, `host` of a person; user and host may be empty.
pub(super) fn person(message: &Message) -> Option<(&str, &str, &str)> {
    match message.prefix.as_ref()? {
        Prefix::Nickname(nick, user, host) if !nick.is_empty() => Some((nick, user, host)),
        _ => None,
    }
}

/// A three-digit reply with its parameters, whether the crate has a name for it or not.
pub(super) fn numeric(command: &Command) -> Option<(u16, &[String])> {
    match command {
        Command::Response(response, parameters) => Some((*response as u16, parameters)),
        Command::Raw(word, parameters)
            if word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Some((word.parse().ok()?, parameters))
        }
        _ => None,
    }
}

/// The nth parameter, or nothing.
pub(super) fn parameter(parameters: &[String], at: usize) -> &str {
    parameters.get(at).map_or("", String::as_str)
}
