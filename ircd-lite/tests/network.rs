//! Real sockets: framing abuse, WebSocket and TLS with independent peers, slow readers, stop, several servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed set-up is a failed test"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ircd_lite::{Addresses, Config, Reloader, Server, SubProtocol};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    addresses: Addresses,
    reloader: Reloader,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Running {
    async fn start(toml: &str) -> Self {
        let config = Config::parse(toml, Path::new("test.toml")).unwrap();
        let bound = Server::bind(config).await.unwrap();
        let (addresses, reloader) = (bound.addresses().clone(), bound.reloader());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(bound.serve(stop.clone()));
        Self { addresses, reloader, stop, serving }
    }

    async fn plain() -> Self {
        Self::start(&format!("[server]\nlisten = [\"127.0.0.1:0\"]\nws = [\"127.0.0.1:0\"]\n{LIMITS}")).await
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.serving).await.expect("the server stops").unwrap();
    }
}

const LIMITS: &str = "[limits]\nexempt = [\"127.0.0.1\"]\nflood_lines = 0\n";

/// A line client over any stream.
struct Client<S>(BufReader<S>);

impl Client<TcpStream> {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        // What is sent leaves at once, so that the order of sending is the order of arriving.
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
        self.0.get_mut().flush().await.unwrap();
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let count = timeout(PATIENCE, self.0.read_until(b'\n', &mut line))
            .await
            .expect("a line in time")
            .unwrap_or(0);
        (count > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Reads on to a line that holds `part`.
    async fn until(&mut self, part: &str) -> String {
        loop {
            let line = self.line().await.unwrap_or_else(|| panic!("closed before {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    async fn register(&mut self, nick: &str) {
        self.send(format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n").as_bytes()).await;
        self.until(" 422 ").await;
    }
}

#[tokio::test]
async fn two_servers_in_one_process_know_nothing_of_each_other() {
    let (one, two) = (Running::plain().await, Running::plain().await);
    for server in [&one, &two] {
        Client::connect(server.addresses.irc[0]).await.register("same").await;
    }
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn a_crowd_that_comes_at_once_waits_in_the_systems_queue() {
    let config = Config::parse("[server]\nlisten = [\"127.0.0.1:0\"]\n", Path::new("test.toml")).unwrap();
    let bound = Server::bind(config).await.unwrap();
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    // Nobody accepts them; one too many would wait for a second before it tried again.
    let connect = |_| {
        let waiting =
            std::net::TcpStream::connect_timeout(&bound.addresses().irc[0], Duration::from_millis(900));
        waiting.expect("there is a place")
    };
    let crowd: Vec<_> = (0..most.unwrap_or(0).min(400)).map(connect).collect();
    assert!(most.is_none() || !crowd.is_empty());
}

/// On a runtime of several threads each of two lines could be read by another one, and then most pairs come the wrong way
/// round. One or two may all the same: while the server still writes to one of the clients, what that one sends is read with
/// it, and a busy system delivers late now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_speaks_first_is_heard_first() {
    const ROUNDS: usize = 300;
    let server = Running::plain().await;
    let address = server.addresses.irc[0];
    let mut listener = Client::connect(address).await;
    listener.register("listener").await;
    let (mut one, mut two) = (Client::connect(address).await, Client::connect(address).await);
    one.register("one").await;
    two.register("two").await;
    let mut turned = 0;
    for _ in 0..ROUNDS {
        one.send(b"PRIVMSG listener :first\r\n").await;
        two.send(b"PRIVMSG listener :second\r\n").await;
        turned += usize::from(listener.line().await.unwrap().ends_with(":second"));
        listener.line().await.unwrap();
    }
    assert!(turned <= ROUNDS / 20, "{turned} of {ROUNDS} the wrong way round");
    server.end().await;
}

async fn is_gone_when_dropped() {
    let server = Running::plain().await;
    let mut client = Client::connect(server.addresses.irc[0]).await;
    client.register("a").await;
    server.serving.abort();
    assert!(client.line().await.is_none_or(|line| line.starts_with("ERROR")), "the connection ends");
    while TcpStream::connect(server.addresses.irc[0]).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    timeout(PATIENCE, is_gone_when_dropped()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_server_with_a_thread_of_its_own_is_gone() {
    timeout(PATIENCE, is_gone_when_dropped()).await.unwrap();
}

#[tokio::test]
async fn odd_bytes_are_cut_and_never_relayed() {
    let server = Running::plain().await;
    let (mut a, mut b) =
        (Client::connect(server.addresses.irc[0]).await, Client::connect(server.addresses.irc[0]).await);
    a.register("a").await;
    b.register("b").await;
    a.send(b"PRIVMSG b :null\0 and more\rPRIVMSG b :bare CR\nPRIVMSG b :bare LF\r\n\r\n\n").await;
    for expected in ["null", "bare CR", "bare LF"] {
        assert_eq!(b.line().await.unwrap(), format!(":a!~a@127.0.0.1 PRIVMSG b :{expected}"));
    }
    a.send(b"PRIV").await;
    a.send(b"MSG b :in ").await;
    a.send(b"pieces \xff\xfe\r").await;
    assert!(b.line().await.unwrap().contains("in pieces"));
    let mut long = b"PRIVMSG b :".to_vec();
    long.extend(std::iter::repeat_n(b'x', 1_000_000));
    long.extend_from_slice(b"\r\nPRIVMSG b :after\r\n");
    a.send(&long).await;
    assert_eq!(b.line().await.unwrap().len(), 510);
    assert!(b.line().await.unwrap().ends_with("after"));
    let mut tags = b"@".to_vec();
    tags.extend(std::iter::repeat_n(b't', 100_000));
    tags.extend_from_slice(b" PING x\r\n");
    a.send(&tags).await;
    a.until(" 417 a ").await;
    server.end().await;
}

#[tokio::test]
async fn who_closes_its_half_still_gets_the_answers() {
    let server = Running::plain().await;
    let mut client = Client::connect(server.addresses.irc[0]).await;
    client.send(b"NICK half\r\nUSER h 0 * :h\r\n").await;
    client.0.get_mut().shutdown().await.unwrap();
    client.until(" 001 half ").await;
    client.until("ERROR :Closing Link: 127.0.0.1 (Remote host closed the connection)").await;
    assert_eq!(client.line().await, None);
    server.end().await;
}

#[tokio::test]
async fn a_reader_that_never_reads_is_ended_and_others_feel_nothing() {
    let toml = format!("[server]\nlisten = [\"127.0.0.1:0\"]\n{LIMITS}sendq = \"10KiB\"\n");
    let server = Running::start(&toml).await;
    let (mut a, mut b) =
        (Client::connect(server.addresses.irc[0]).await, Client::connect(server.addresses.irc[0]).await);
    a.register("a").await;
    b.register("b").await;
    a.send(b"JOIN #c\r\n").await;
    a.until(" 366 ").await;
    b.send(b"JOIN #c\r\n").await;
    b.until(" 366 ").await;
    a.until("JOIN").await;
    // From here on b reads nothing. The sockets' own buffers fill first, whatever their size.
    let line = format!("PRIVMSG #c :{}\r\n", "x".repeat(400)).repeat(100);
    let quit = loop {
        a.send(line.as_bytes()).await;
        a.send(b"PING :more\r\n").await;
        let line = a.line().await.unwrap();
        if line.contains("QUIT") {
            break line;
        }
    };
    assert_eq!(quit, ":b!~b@127.0.0.1 QUIT :Max SendQ exceeded");
    server.end().await;
}

#[tokio::test]
async fn a_stop_says_goodbye() {
    let server = Running::plain().await;
    let mut client = Client::connect(server.addresses.irc[0]).await;
    client.register("a").await;
    let (mut socket, _) = tokio_tungstenite::client_async(
        format!("ws://{}/", server.addresses.ws[0]),
        TcpStream::connect(server.addresses.ws[0]).await.unwrap(),
    )
    .await
    .unwrap();
    server.stop.cancel();
    client.until("ERROR :Closing Link: 127.0.0.1 (Server closing)").await;
    assert_eq!(client.line().await, None);
    assert!(matches!(next(&mut socket).await, Some(Message::Text(text)) if text.starts_with("ERROR")));
    assert!(
        matches!(next(&mut socket).await, Some(Message::Close(Some(frame))) if u16::from(frame.code) == 1001)
    );
    drop(socket);
    server.end().await;
}

type Socket = WebSocketStream<TcpStream>;

async fn next(socket: &mut Socket) -> Option<Message> {
    timeout(PATIENCE, socket.next()).await.expect("a message in time").map(Result::unwrap)
}

async fn web_socket(address: SocketAddr, protocol: &str, origin: Option<&str>) -> Result<Socket, String> {
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    if !protocol.is_empty() {
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
    }
    if let Some(origin) = origin {
        request.headers_mut().insert("Origin", origin.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let (socket, response) =
        tokio_tungstenite::client_async(request, stream).await.map_err(|error| error.to_string())?;
    let chosen = response.headers().get("Sec-WebSocket-Protocol").map_or("", |value| value.to_str().unwrap());
    assert_eq!(chosen, protocol.split(',').next().unwrap());
    Ok(socket)
}

#[tokio::test]
async fn both_sub_protocols_carry_one_line_a_message() {
    let server = Running::plain().await;
    let address = server.addresses.ws[0];
    let mut text = web_socket(address, "text.ircv3.net,binary.ircv3.net", None).await.unwrap();
    let mut binary = web_socket(address, "binary.ircv3.net", Some("http://anywhere.example")).await.unwrap();
    for (socket, nick) in [(&mut text, "t"), (&mut binary, "b")] {
        for line in [format!("NICK {nick}"), format!("USER {nick} 0 * :x\r\n")] {
            socket.send(Message::text(line)).await.unwrap();
        }
    }
    text.send(Message::Ping("are you there".into())).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        match next(&mut text).await.unwrap() {
            Message::Pong(bytes) => seen.push(bytes.to_vec()),
            Message::Text(line) if line.contains(" 422 ") => seen.push(b"registered".to_vec()),
            Message::Text(line) => assert!(!line.contains('\n')),
            other => panic!("{other:?}"),
        }
    }
    text.send(Message::text("PRIVMSG b :häy")).await.unwrap();
    loop {
        let Some(Message::Binary(bytes)) = next(&mut binary).await else { panic!("binary frames") };
        if bytes.ends_with("PRIVMSG b :häy".as_bytes()) {
            assert!(bytes.starts_with(b":t!~t@web-"), "a web client's host is cloaked");
            break;
        }
    }
    binary.send(Message::binary(&b"PRIVMSG t :\xff"[..])).await.unwrap();
    loop {
        let Some(Message::Text(line)) = next(&mut text).await else { panic!("text frames") };
        if line.ends_with("PRIVMSG t :\u{fffd}") {
            break;
        }
    }
    text.close(None).await.unwrap();
    while let Some(message) = next(&mut text).await {
        assert!(matches!(message, Message::Text(_) | Message::Close(_)));
    }
    server.end().await;
}

#[tokio::test]
async fn origins_are_checked_where_a_list_is_given() {
    let toml =
        format!("[server]\nws = [\"127.0.0.1:0\"]\nws_origins = [\"https://www.example.com\"]\n{LIMITS}");
    let server = Running::start(&toml).await;
    let address = server.addresses.ws[0];
    assert!(server.addresses.irc.is_empty());
    let refused = web_socket(address, "", Some("https://evil.example")).await.unwrap_err();
    assert!(refused.contains("403"), "{refused}");
    web_socket(address, "", Some("https://www.example.com")).await.unwrap();
    web_socket(address, "", None).await.unwrap();
    let config =
        Config::parse("[server]\nws_origins = [\"https://evil.example\"]\n", Path::new("x.toml")).unwrap();
    server.reloader.reload(config).await.unwrap();
    web_socket(address, "", Some("https://evil.example")).await.unwrap();
    server.end().await;
}

/// Sends raw frames after a handshake and gives the close code that comes back.
async fn close_code(address: SocketAddr, frames: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // The frames ride along with the request: nothing between may be lost.
    stream.write_all(&[request.as_bytes(), frames].concat()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("closed in time").unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
    let [.., 0x88, 2, high, low] = bytes.as_slice() else { panic!("no close frame at the end of {bytes:?}") };
    u16::from_be_bytes([*high, *low])
}

#[tokio::test]
async fn broken_frames_have_their_close_codes() {
    let server = Running::plain().await;
    let address = server.addresses.ws[0];
    assert_eq!(close_code(address, b"\x81\x02hi").await, 1002, "unmasked");
    let mut long = vec![0x81, 0xfe, 0x30, 0x00, 0, 0, 0, 0];
    long.resize(8 + 0x3000, b'x');
    assert_eq!(close_code(address, &long).await, 1009, "too long");
    assert_eq!(close_code(address, b"\x81\x81\0\0\0\0\xff").await, 1007, "text that is no text");
    assert_eq!(close_code(address, b"\x88\x80\0\0\0\0").await, 1000, "a goodbye");
    server.end().await;
}

#[tokio::test]
async fn plain_http_is_told_what_this_is() {
    let server = Running::plain().await;
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "426"),
        ("NICK a\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nX: {}\r\n", "y".repeat(10_000)), "431"),
    ] {
        let mut stream = TcpStream::connect(server.addresses.ws[0]).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("in time").unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"));
    }
    server.end().await;
}

/// A WebSocket on which IRC lines are read and written.
struct Lines<S>(WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    async fn send(&mut self, line: &str) {
        self.0.send(Message::text(line)).await.unwrap();
    }

    async fn until(&mut self, part: &str) -> String {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a message in time").unwrap().unwrap() {
                Message::Text(line) if line.contains(part) => return line.to_string(),
                Message::Close(frame) => panic!("closed before {part:?}: {frame:?}"),
                _ => {}
            }
        }
    }

    async fn closed(&mut self) -> Option<u16> {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message in time");
            if let Message::Close(frame) = message.unwrap().unwrap() {
                return frame.map(|frame| frame.code.into());
            }
        }
    }
}

#[tokio::test]
async fn connections_that_another_server_has_accepted() {
    let toml = "[server]\nlisten = []\n[limits]\nconnections_per_address = 1\nflood_lines = 0\n";
    let bound = Server::bind(Config::parse(toml, Path::new("test.toml")).unwrap()).await.unwrap();
    let (acceptor, stop) = (bound.acceptor(), CancellationToken::new());
    let serving = tokio::spawn(bound.serve(stop.clone()));
    let visit = async |address: &str| {
        let (ours, theirs) = tokio::io::duplex(1024);
        let (acceptor, address) = (acceptor.clone(), address.parse().unwrap());
        let local = "192.0.2.1:443".parse().unwrap();
        let served = async move { acceptor.web_socket(theirs, SubProtocol::Text, address, local).await };
        (Lines(WebSocketStream::from_raw_socket(ours, Role::Client, None).await), tokio::spawn(served))
    };
    let (mut anna, served) = visit("192.0.2.7").await;
    anna.send("NICK anna").await;
    anna.send("USER anna 0 * :Anna").await;
    anna.until(":Your host is irc.example.net[192.0.2.1/443]").await;
    anna.send("WHOIS anna").await;
    anna.until("338 anna anna 192.0.2.7").await;
    let (mut second, refused) = visit("192.0.2.7").await;
    second.until("Too many host connections").await;
    assert_eq!(second.closed().await, Some(1008));
    refused.await.unwrap();
    anna.0.close(None).await.unwrap();
    served.await.unwrap();
    let (mut last, served) = visit("192.0.2.7").await;
    last.send("NICK last").await;
    stop.cancel();
    assert_eq!(last.closed().await, Some(1001));
    drop(last);
    served.await.unwrap();
    serving.await.unwrap();
    visit("192.0.2.8").await.1.await.unwrap();
}

#[tokio::test]
async fn a_proxy_names_the_visitor_and_nobody_else_does() {
    let start = async |proxies: &str| {
        let limits = "[limits]\nconnections_per_address = 1\nflood_lines = 0\n";
        Running::start(&format!("[server]\nws = [\"127.0.0.1:0\"]\nws_proxies = [{proxies}]\n{limits}")).await
    };
    let visit = async |server: &Running, forwarded: &str| {
        let mut request = format!("ws://{}/", server.addresses.ws[0]).into_client_request().unwrap();
        request.headers_mut().insert("X-Forwarded-For", forwarded.parse().unwrap());
        let stream = TcpStream::connect(server.addresses.ws[0]).await.unwrap();
        let (socket, _) =
            tokio_tungstenite::client_async(request, stream).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(Lines(socket))
    };
    let ask = async |client: &mut Lines<TcpStream>| {
        for line in ["NICK a", "USER a 0 * :a", "WHOIS a"] {
            client.send(line).await;
        }
        client.until(" 338 ").await
    };
    let server = start("\"127.0.0.1\"").await;
    let mut first = visit(&server, "198.51.100.1, 192.0.2.7").await.unwrap();
    assert!(ask(&mut first).await.contains(" 192.0.2.7 "));
    let refused = visit(&server, "192.0.2.7").await.err().unwrap();
    assert!(refused.contains("429"), "{refused}");
    visit(&server, "192.0.2.8").await.unwrap();
    server.end().await;
    let server = start("\"192.0.2.99\"").await;
    assert!(ask(&mut visit(&server, "192.0.2.7").await.unwrap()).await.contains(" 127.0.0.1 "));
    server.end().await;
}

#[tokio::test]
async fn too_many_connections_are_told_before_the_handshake() {
    let toml = "[server]\nws = [\"127.0.0.1:0\"]\n[limits]\nconnections_per_address = 1\n";
    let server = Running::start(toml).await;
    let address = server.addresses.ws[0];
    let first = web_socket(address, "", None).await.unwrap();
    let refused = web_socket(address, "", None).await.unwrap_err();
    assert!(refused.contains("429"), "{refused}");
    drop(first);
    server.end().await;
}

struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let pair = Self { folder: tempfile::tempdir().unwrap() };
        pair.renew();
        pair
    }

    /// Writes a fresh certificate and key; gives the certificate.
    fn renew(&self) -> Vec<u8> {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.folder.path().join("cert.pem"), cert.pem()).unwrap();
        std::fs::write(self.folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        cert.der().to_vec()
    }

    fn config(&self) -> Config {
        let text = format!(
            "[server]\ntls = [{{ address = \"127.0.0.1:0\", cert = \"cert.pem\", key = \"key.pem\" }}]\n{LIMITS}"
        );
        Config::parse(&text, &self.folder.path().join("ircd-lite.toml")).unwrap()
    }
}

async fn tls_connect(
    address: SocketAddr,
    certificate: &[u8],
) -> Client<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    Client(BufReader::new(connector.connect("localhost".try_into().unwrap(), stream).await.unwrap()))
}

#[tokio::test]
async fn tls_works_shows_in_whois_and_takes_a_new_certificate() {
    let pair = Pair::new();
    let first = pair.renew();
    let bound = Server::bind(pair.config()).await.unwrap();
    let (address, reloader) = (bound.addresses().tls[0], bound.reloader());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(bound.serve(stop.clone()));
    let mut client = tls_connect(address, &first).await;
    client.register("s").await;
    client.send(b"WHOIS s\r\n").await;
    client.until(" 671 s s :is using a secure connection").await;
    let second = pair.renew();
    reloader.reload(pair.config()).await.unwrap();
    tls_connect(address, &second).await.register("t").await;
    client.send(b"PING :still here\r\n").await;
    client.until("still here").await;
    std::fs::write(pair.folder.path().join("key.pem"), "no key").unwrap();
    let error = reloader.reload(pair.config()).await.unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
    tls_connect(address, &second).await.register("u").await;
    stop.cancel();
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn reloads_reach_a_running_server_and_fail_after_it() {
    let server = Running::plain().await;
    let mut client = Client::connect(server.addresses.irc[0]).await;
    client.register("a").await;
    let config = Config::parse("[server]\nnetwork = \"Other\"\n", Path::new("x.toml")).unwrap();
    server.reloader.reload(config.clone()).await.unwrap();
    client.send(b"VERSION\r\n").await;
    client.until("NETWORK=Other").await;
    let reloader = server.reloader.clone();
    server.end().await;
    assert!(reloader.reload(config).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let server = Running::plain().await;
    let mut config = Config::default();
    config.server.listen = vec![server.addresses.irc[0]];
    let error = Server::bind(config).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}: ", server.addresses.irc[0])), "{error}");
    server.end().await;
}
