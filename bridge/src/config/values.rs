//! Values that are checked while they are read, so that an error knows its line and column.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use oscar_im::ScreenName;
use serde::{Deserialize, Deserializer, de::Error};

use crate::conversation::department::EVERYBODY;

/// `host:port` of a server that we connect to; the name is looked up at each try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// Not 0.
    pub port: u16,
}

impl HostPort {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let good = match bracketed {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(plain),
        };
        good.then(|| Self { host: bracketed.unwrap_or(host).to_owned(), port })
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Deserialises a type from a string by a function that gives the value or one sentence.
macro_rules! from_text {
    ($type:ty, $parse:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                let parse: fn(&str) -> Result<Self, String> = $parse;
                parse(&text).map_err(D::Error::custom)
            }
        }
    };
}

pub(super) use from_text;

from_text!(HostPort, |text| Self::parse(text)
    .ok_or_else(|| format!("`{text}` is no address; write host:port, such as 127.0.0.1:6667")));

/// A host's name in lower case, without port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(pub String);

from_text!(HostName, |text| {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) {
        return Ok(Self(text.to_ascii_lowercase()));
    }
    Err(format!("`{text}` is no host name; write it without scheme and port, such as chat.example.com"))
});

/// An address that we listen on; port 0 picks a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl Listen {
    /// `IP:PORT`, or `localhost:PORT` for 127.0.0.1.
    ///
    /// # Errors
    /// One sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        numeric.as_deref().unwrap_or(text).parse().map(Self).map_err(|_| {
            format!("`{text}` is no address to listen on; write IP:PORT, such as 127.0.0.1:8080")
        })
    }
}

from_text!(Listen, Self::parse);

/// `sqlite:FILE` or `memory:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// In this file.
    Sqlite(PathBuf),
    /// Nowhere beyond the process.
    Memory,
}

from_text!(StoreUrl, |text| match text.split_once(':') {
    Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(file.into())),
    Some(("memory", "")) => Ok(Self::Memory),
    _ => Err(format!(
        "`{text}` is no store; write sqlite:FILE, such as sqlite:bridgebot.db, or for a trial memory:"
    )),
});

/// An IRC nick: at most 30 of RFC 1459's characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nick(pub String);

from_text!(Nick, |text| {
    let special = |c: char| r"[]\`_^{|}".contains(c);
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || special(c));
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || special(c) || c == '-');
    if first && rest && text.len() <= 30 {
        return Ok(Self(text.to_owned()));
    }
    Err(format!(
        "`{text}` is no IRC nick; use letters, digits and []\\`_^{{|}}-, 30 at most, no digit or - first"
    ))
});

/// An IRC channel's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel(pub String);

from_text!(Channel, |text| {
    let plain = !text.contains([' ', ',', ':']) && !text.chars().any(char::is_control);
    if text.starts_with(['#', '&']) && (2..=50).contains(&text.len()) && plain {
        return Ok(Self(text.to_owned()));
    }
    Err(format!("`{text}` is no channel; it begins with # and has no space, comma or colon"))
});

/// A screen name as somebody wrote it in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub ScreenName);

from_text!(Name, |text| {
    let name = ScreenName::new(text.trim());
    if name.is_valid() { Ok(Self(name)) } else { Err(format!("`{text}` is no screen name")) }
});

/// A sentence that visitors read: one line, not too long for one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence(pub String);

from_text!(Sentence, |text| {
    const LONGEST: usize = 350;
    let text = text.trim();
    if !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control) {
        return Ok(Self(text.to_owned()));
    }
    Err(format!("this must be one line of at most {LONGEST} bytes"))
});

/// What staff type for a department: no space, comma or colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartmentName(pub String);

from_text!(DepartmentName, |text| {
    let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if plain && (1..=30).contains(&text.chars().count()) && !text.eq_ignore_ascii_case(EVERYBODY) {
        return Ok(Self(text.to_owned()));
    }
    Err(format!("`{text}` is no department's name; use letters, digits, - _ . (not the word all)"))
});

/// A chat room's name, as OSCAR servers take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomName(pub String);

from_text!(RoomName, |text| {
    let text = text.trim();
    if (1..=50).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(Self(text.to_owned()));
    }
    Err(format!("`{text}` is no chat room's name; it has 1 to 50 bytes"))
});

/// The origin of a web page in lower case: scheme, host, and port where it isn't the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub String);

from_text!(Origin, |text| {
    let split = |scheme, port| text.strip_prefix(scheme).map(|host: &str| (host, port));
    match split("https://", ":443").or_else(|| split("http://", ":80")) {
        Some((host, _)) if !host.is_ascii() => Err(format!(
            "browsers write `{text}` with its host in ASCII letters, such as https://xn--bcher-kva.example"
        )),
        Some((host, port)) if host.ends_with(port) => {
            Err(format!("browsers leave `{port}` out of `{text}`; do so here"))
        }
        Some((host, _)) if !host.is_empty() && !host.contains(['/', '?', '#', ' ', '@', '*']) => {
            Ok(Self(text.to_ascii_lowercase()))
        }
        _ => Err(format!("`{text}` is no origin; write it as browsers do, such as https://www.example.com")),
    }
});
