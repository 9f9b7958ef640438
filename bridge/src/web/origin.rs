//! Which names we answer to (`Host`) and whose pages may open sockets (`Origin`).
//!
//! A page of any site can make a browser connect here, with a name that its owner points at us (DNS rebinding) or
//! by a plain WebSocket. Addresses and `localhost` can't be pointed anywhere, so they always count as ours. A
//! program that is no browser sends no `Origin`, and nothing here rests on cookies, so its absence is fine.

use std::net::IpAddr;

/// The names and origins that are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SitePolicy {
    /// Names by which this server is reached, lower case, without port.
    pub hosts: Vec<String>,
    /// `https://www.example.com`: pages that may open `/irc` beside our own. Lower case, no path.
    pub allowed_origins: Vec<String>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stranger {
    #[error("this server does not answer to that host name")]
    Host,
    #[error("pages of that origin may not connect here")]
    Origin,
}

impl SitePolicy {
    pub(super) fn check_host(&self, host: &str) -> Result<(), Stranger> {
        let (name, _) = split_port(host).ok_or(Stranger::Host)?;
        let name = name.to_ascii_lowercase();
        let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let is_ours = is_address
            || name == "localhost"
            || self.hosts.contains(&name)
            || self.allowed_origins.iter().any(|origin| host_of(origin).is_some_and(|known| known == name));
        if is_ours { Ok(()) } else { Err(Stranger::Host) }
    }

    /// For `/irc`: our own pages and those that are listed.
    pub(super) fn check_visitor_origin(&self, origin: Option<&str>, host: &str) -> Result<(), Stranger> {
        match origin {
            Some(origin) if self.allowed_origins.iter().any(|known| known.eq_ignore_ascii_case(origin)) => {
                Ok(())
            }
            _ => check_same_origin(origin, host),
        }
    }
}

/// For everything else: our own pages only.
pub(super) fn check_same_origin(origin: Option<&str>, host: &str) -> Result<(), Stranger> {
    let Some(origin) = origin else { return Ok(()) };
    let (scheme, authority) = origin.split_once("://").ok_or(Stranger::Origin)?;
    let default_port = match scheme {
        "http" => "80",
        "https" => "443",
        _ => return Err(Stranger::Origin),
    };
    let (name, port) = split_port(authority).ok_or(Stranger::Origin)?;
    let (our_name, our_port) = split_port(host).ok_or(Stranger::Origin)?;
    // A proxy may leave the default port of its own scheme out of Host.
    let same_port = port.unwrap_or(default_port) == our_port.unwrap_or(default_port);
    if name.eq_ignore_ascii_case(our_name) && same_port { Ok(()) } else { Err(Stranger::Origin) }
}

fn host_of(origin: &str) -> Option<&str> {
    split_port(origin.split_once("://")?.1).map(|(name, _)| name)
}

/// `name:port`, `[v6]:port`, or either without a port. `None` for what is no authority.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let name_end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (name, rest) = authority.split_at_checked(name_end)?;
    let fits = !name.is_empty() && !name.contains(['/', '@', '?', '#', ' ', ',']);
    match rest.strip_prefix(':') {
        Some(port) => {
            let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            (fits && is_port).then_some((name, Some(port)))
        }
        None => (fits && rest.is_empty()).then_some((name, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> SitePolicy {
        SitePolicy {
            hosts: vec!["chat.example".into()],
            allowed_origins: vec!["https://www.example.com".into()],
        }
    }

    #[test]
    fn names_that_could_be_pointed_at_us_are_refused() {
        let ours = [
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost",
            "LOCALHOST:1",
            "chat.example",
            "www.example.com:443",
            "10.1.2.3",
        ];
        for host in ours {
            assert_eq!(policy().check_host(host), Ok(()), "{host}");
        }
        let others = [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a@localhost",
            "localhost:x",
            "[::1",
            "localhost/",
        ];
        for host in others {
            assert_eq!(policy().check_host(host), Err(Stranger::Host), "{host}");
        }
    }

    #[test]
    fn pages_of_others_are_refused_and_programs_are_not() {
        let policy = policy();
        let check = |origin: &str| policy.check_visitor_origin(Some(origin), "chat.example:8080");
        for origin in ["http://chat.example:8080", "https://www.example.com", "HTTPS://WWW.example.com"] {
            assert_eq!(check(origin), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://chat.example",
            "https://chat.example:8081",
            "https://evil.example",
            "http://www.example.com",
            "https://www.example.com.evil.example",
            "file://",
            "https://www.example.com/",
            "https://evil@chat.example:8080",
        ] {
            assert_eq!(check(origin), Err(Stranger::Origin), "{origin}");
        }
        assert_eq!(policy.check_visitor_origin(None, "chat.example"), Ok(()));
        assert_eq!(check_same_origin(Some("https://chat.example"), "chat.example"), Ok(()));
        assert_eq!(check_same_origin(Some("https://www.example.com"), "chat.example"), Err(Stranger::Origin));
    }
}
