//! The HTTP request that opens a WebSocket: `Origin`, sub-protocol, answer. Facts: RFC 6455, IRCv3 `websocket`.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::Request;

use super::connection::Framing;
use crate::wire::websocket::Payload;

/// The longest request.
const HEAD: usize = 8192;

/// Reads the request and answers it. Gives the framing, and what came after the request.
pub(super) async fn accept(stream: &mut TcpStream, origins: &[String]) -> io::Result<(Framing, Vec<u8>)> {
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
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(piece.get(..count).unwrap_or_default());
    };
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let has_token = |name: &str, token: &str| {
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
    if let Some(origin) = header("origin").filter(|origin| !origin_allowed(origin, origins)) {
        tracing::info!(origin, "a page from elsewhere was refused");
        return refuse(stream, "403 Forbidden", "this Origin is not allowed here").await;
    }
    let protocols: Vec<&str> = request
        .headers()
        .get_all("sec-websocket-protocol")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let chosen = choose(&protocols);
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        derive_accept_key(key.as_bytes())
    );
    if let Some((name, _)) = chosen {
        answer.push_str("Sec-WebSocket-Protocol: ");
        answer.push_str(name);
        answer.push_str("\r\n");
    }
    answer.push_str("\r\n");
    stream.write_all(answer.as_bytes()).await?;
    let payload = chosen.map_or(Payload::Text, |(_, payload)| payload);
    Ok((Framing::WebSocket(Box::default(), payload), head))
}

/// The world has no room for this address.
pub(super) async fn too_many(stream: &mut TcpStream, refusal: &[u8]) -> io::Result<()> {
    let text = String::from_utf8_lossy(refusal.strip_suffix(b"\r\n").unwrap_or(refusal)).into_owned();
    respond(stream, "429 Too Many Requests", &text).await
}

/// The client's first preference of those there are.
fn choose(offers: &[&str]) -> Option<(&'static str, Payload)> {
    let known = |word: &str| match word.trim() {
        "text.ircv3.net" => Some(("text.ircv3.net", Payload::Text)),
        "binary.ircv3.net" => Some(("binary.ircv3.net", Payload::Binary)),
        _ => None,
    };
    offers.iter().flat_map(|offer| offer.split(',')).find_map(known)
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
        let name = |offers: &[&str]| choose(offers).map(|(name, _)| name);
        assert_eq!(name(&["binary.ircv3.net, text.ircv3.net"]), Some("binary.ircv3.net"));
        assert_eq!(name(&["chat", "text.ircv3.net"]), Some("text.ircv3.net"));
        assert_eq!((name(&["chat"]), name(&[])), (None, None));
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
