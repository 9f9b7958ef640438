//! The HTTP request that opens a WebSocket: `Origin`, sub-protocol, `X-Forwarded-For`, answer. Facts: RFC 6455, IRCv3
//! `websocket`.

use std::io;
use std::net::IpAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::Request;

use super::connection::Framing;
use super::listener::Doors;
use crate::network::Network;
use crate::wire::websocket::Payload;

/// The longest request.
const HEAD: usize = 8192;

/// How lines travel over a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubProtocol {
    /// `text.ircv3.net`: text frames; what is not UTF-8 becomes U+FFFD.
    Text,
    /// `binary.ircv3.net`: binary frames, bytes as they are.
    Binary,
}

impl SubProtocol {
    /// What `Sec-WebSocket-Protocol` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text.ircv3.net",
            Self::Binary => "binary.ircv3.net",
        }
    }

    /// The client's first preference of those there are, from its `Sec-WebSocket-Protocol` headers. Where it names
    /// none, answer without the header and go on with [`SubProtocol::Text`].
    pub fn choose<'a>(offers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let known = |word: &str| [Self::Text, Self::Binary].into_iter().find(|one| one.name() == word.trim());
        offers.into_iter().flat_map(|offer| offer.split(',')).find_map(known)
    }

    pub(super) fn payload(self) -> Payload {
        match self {
            Self::Text => Payload::Text,
            Self::Binary => Payload::Binary,
        }
    }
}

/// A request that may become a WebSocket.
pub(super) struct Offer {
    accept: String,
    protocol: Option<SubProtocol>,
    /// The address that a proxy names.
    pub(super) forwarded: Option<IpAddr>,
    /// What came after the request.
    pub(super) rest: Vec<u8>,
}

/// Reads the request; refuses what is none.
pub(super) async fn read(stream: &mut TcpStream, doors: &Doors) -> io::Result<Offer> {
    let mut head = Vec::new();
    let request = loop {
        match Request::try_parse(&head) {
            Ok(Some((size, request))) => {
                head.drain(..size);
                break request;
            }
            Ok(None) if head.len() < HEAD => {}
            Ok(None) => {
                return refuse(stream, "431 Request Header Fields Too Large", "the request is too long")
                    .await;
            }
            Err(_) => {
                return refuse(stream, "400 Bad Request", "this port speaks WebSocket (IRC inside)").await;
            }
        }
        stream.readable().await?;
        let mut piece = [0; 1024];
        match stream.try_read(&mut piece) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => head.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    };
    let all = |name: &'static str| {
        request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<&str>>()
    };
    let header = |name: &'static str| all(name).first().copied();
    let has_token = |name: &'static str, token: &str| {
        header(name).is_some_and(|list| list.split(',').any(|word| word.trim().eq_ignore_ascii_case(token)))
    };
    let upgrade = has_token("upgrade", "websocket") && has_token("connection", "upgrade");
    if !upgrade || header("sec-websocket-version") != Some("13") {
        let text = "this port speaks WebSocket (IRC inside), version 13";
        return refuse(
            stream,
            "426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
            text,
        )
        .await;
    }
    let Some(key) = header("sec-websocket-key").filter(|key| key.len() == 24) else {
        return refuse(stream, "400 Bad Request", "Sec-WebSocket-Key is missing").await;
    };
    if let Some(origin) = header("origin").filter(|origin| !origin_allowed(origin, &doors.origins)) {
        tracing::info!(origin, "a page from elsewhere was refused");
        return refuse(stream, "403 Forbidden", "this Origin is not allowed here").await;
    }
    Ok(Offer {
        accept: derive_accept_key(key.as_bytes()),
        protocol: SubProtocol::choose(all("sec-websocket-protocol")),
        forwarded: visitor(&all("x-forwarded-for"), &doors.proxies),
        rest: head,
    })
}

/// Answers the request. Gives the framing.
pub(super) async fn agree(stream: &mut TcpStream, offer: &Offer) -> io::Result<Framing> {
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        offer.accept
    );
    if let Some(protocol) = offer.protocol {
        answer.push_str("Sec-WebSocket-Protocol: ");
        answer.push_str(protocol.name());
        answer.push_str("\r\n");
    }
    answer.push_str("\r\n");
    stream.write_all(answer.as_bytes()).await?;
    let payload = offer.protocol.unwrap_or(SubProtocol::Text).payload();
    Ok(Framing::WebSocket(Box::default(), payload))
}

/// The visitor behind proxies: each has added the address that it saw at the end of the list, and what stands before
/// the first that is no proxy of ours anybody may have written.
fn visitor(lists: &[&str], proxies: &[Network]) -> Option<IpAddr> {
    let words: Vec<&str> = lists.iter().flat_map(|list| list.split(',')).map(str::trim).collect();
    let mut known = None;
    for word in words.iter().rev() {
        let Ok(address) = word.parse::<IpAddr>() else { break };
        known = Some(address);
        if !proxies.iter().any(|proxy| proxy.contains(address)) {
            break;
        }
    }
    known
}

/// The world has no room for this address.
pub(super) async fn too_many(stream: &mut TcpStream, refusal: &[u8]) -> io::Result<()> {
    let text = String::from_utf8_lossy(refusal.strip_suffix(b"\r\n").unwrap_or(refusal)).into_owned();
    respond(stream, "429 Too Many Requests", &text).await
}

/// Whether pages of this origin may connect. An empty list admits all.
fn origin_allowed(origin: &str, origins: &[String]) -> bool {
    origins.is_empty()
        || origins.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

async fn refuse<T>(stream: &mut TcpStream, status: &str, text: &str) -> io::Result<T> {
    respond(stream, status, text).await?;
    Err(io::ErrorKind::InvalidData.into())
}

async fn respond(stream: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}\n",
        text.len() + 1
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_preference_decides() {
        let choose = |offers: &[&'static str]| SubProtocol::choose(offers.iter().copied());
        assert_eq!(choose(&["binary.ircv3.net, text.ircv3.net"]), Some(SubProtocol::Binary));
        assert_eq!(choose(&["chat", "text.ircv3.net"]), Some(SubProtocol::Text));
        assert_eq!((choose(&["chat"]), choose(&[])), (None, None));
    }

    #[test]
    fn a_visitor_can_write_what_it_likes_before_the_proxies() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let visitor = |lists: &[&str]| visitor(lists, &proxies).map(|address| address.to_string());
        assert_eq!(visitor(&["192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(visitor(&["192.0.2.1, 192.0.2.7, 10.0.0.2"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(visitor(&["192.0.2.1", "2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(
            visitor(&["10.0.0.9, 10.0.0.2"]).as_deref(),
            Some("10.0.0.9"),
            "from the proxies' own net"
        );
        assert_eq!(visitor(&["192.0.2.1, unknown"]), None);
        assert_eq!((visitor(&[""]), visitor(&[])), (None, None));
    }

    #[test]
    fn origins() {
        let allowed = vec!["https://www.example.com/".to_owned()];
        assert!(origin_allowed("https://www.EXAMPLE.com", &allowed) && origin_allowed("http://a", &[]));
        assert!(
            !origin_allowed("https://www.example.com.evil.example", &allowed)
                && !origin_allowed("null", &allowed)
        );
    }
}
