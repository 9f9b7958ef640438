//! The gateway over real sockets: a WebSocket client on one side, an IRC daemon that the test plays on the other, and a hub
//! that writes down what it is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]
#![allow(dead_code, reason = "each test uses some of it")]

use std::net::SocketAddr;
use std::time::Duration;

use bridge::connect::Endpoint;
use bridge::irc::text::Word;
use bridge::web::event::WebEvent;
use bridge::web::health::Status;
use bridge::web::server::{self, Limits, SitePolicy, WebConfig, WebLinks};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const TOKEN: &str = "abcdefghijklmnopqrstuv-_0123";

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) daemon: TcpListener,
    pub(crate) events: mpsc::Receiver<WebEvent>,
    pub(crate) bot: watch::Sender<Option<String>>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut WebConfig)) -> Self {
        let daemon = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = daemon.local_addr().unwrap().port();
        let mut config = WebConfig {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            metrics: Some("127.0.0.1:0".parse().unwrap()),
            site: SitePolicy { hosts: Vec::new(), allowed_origins: vec!["https://www.example.com".into()] },
            limits: Limits { per_address: 0, connects_a_minute: 0, ..Limits::default() },
            trusted_proxies: Vec::new(),
            daemon: Endpoint { host: "127.0.0.1".into(), port, tls: None },
            webirc_password: None,
            bot: Word::new("bridgebot").unwrap(),
        };
        change(&mut config);
        let (events_in, events) = mpsc::channel(256);
        let (bot, bot_out) = watch::channel(Some("bridgebot".to_owned()));
        let (status, status_out) = watch::channel(Status::default());
        let stop = CancellationToken::new();
        let bound = server::bind(config).await.unwrap();
        let (address, metrics) =
            (bound.address().unwrap().unwrap(), bound.metrics_address().unwrap().unwrap());
        let links = WebLinks { events: events_in, bot: bot_out, status: status_out };
        let task = tokio::spawn(bound.serve(axum::Router::new(), links, None, stop.clone()));
        Self { address, metrics, daemon, events, bot, status, stop, task }
    }

    pub(crate) async fn event(&mut self) -> WebEvent {
        timeout(SOON, self.events.recv()).await.expect("an event in time").expect("a server")
    }

    pub(crate) async fn accept(&self) -> Daemon {
        let (stream, _) = timeout(SOON, self.daemon.accept()).await.expect("a connection in time").unwrap();
        Daemon(BufReader::new(stream))
    }

    pub(crate) async fn visitor(&self) -> Visitor {
        self.visitor_with(&[]).await.unwrap()
    }

    pub(crate) async fn visitor_with(
        &self,
        headers: &[(&'static str, &str)],
    ) -> Result<Visitor, tungstenite::Error> {
        let mut request = format!("ws://{}/irc", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "text.ircv3.net".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (socket, _) = timeout(SOON, client_async(request, stream)).await.expect("an answer in time")?;
        Ok(Visitor(socket))
    }

    /// A visitor who is signed on as `nick`, the daemon's side of it, and the user name that the daemon saw.
    pub(crate) async fn registered(&mut self, token: &str, nick: &str) -> (Visitor, Daemon, String) {
        let mut visitor = self.visitor().await;
        let mut daemon = self.accept().await;
        visitor.says(&format!("SESSION {token}")).await;
        visitor.until(":gateway NOTE SESSION READY bridgebot ").await;
        visitor.says("CAP LS 302").await;
        daemon.until("CAP LS 302").await;
        daemon.says(":irc.test CAP * LS :message-tags server-time batch labeled-response").await;
        visitor
            .until(":irc.test CAP * LS :message-tags server-time batch labeled-response draft/chathistory")
            .await;
        visitor.says("CAP REQ :message-tags server-time batch draft/chathistory").await;
        daemon.until("CAP REQ :message-tags server-time batch").await;
        daemon.says(":irc.test CAP * ACK :message-tags server-time batch").await;
        visitor.until(":irc.test CAP * ACK :message-tags server-time batch draft/chathistory").await;
        visitor.says("CAP END").await;
        visitor.says(&format!("NICK {nick}")).await;
        visitor.says("USER me 0 * :A visitor").await;
        daemon.until("CAP END").await;
        daemon.until(&format!("NICK {nick}")).await;
        let line = daemon.until("USER ").await;
        let user = line.split(' ').nth(1).unwrap().to_owned();
        assert_eq!(line, format!("USER {user} 0 * :A visitor"));
        assert_eq!(user.len(), 9);
        match self.event().await {
            WebEvent::Opened { user: named, .. } => assert_eq!(named, user),
            other => panic!("{other:?}"),
        }
        daemon.says(&format!(":irc.test 001 {nick} :Welcome")).await;
        daemon.says(&format!(":irc.test 422 {nick} :MOTD File is missing")).await;
        visitor.until(&format!(":irc.test 001 {nick}")).await;
        visitor.until(&format!(":gateway 005 {nick} CHATHISTORY=200")).await;
        visitor.until(&format!(":irc.test 422 {nick}")).await;
        assert!(matches!(self.event().await, WebEvent::Named { nick: named, .. } if named == nick));
        (visitor, daemon, user)
    }

    pub(crate) async fn http(&self, address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(SOON, stream.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
        answer
    }

    pub(crate) async fn get(&self, address: SocketAddr, path: &str, host: &str) -> String {
        self.http(address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
    }
}

pub(crate) struct Daemon(pub(crate) BufReader<TcpStream>);

impl Daemon {
    pub(crate) async fn says(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(SOON, self.0.read_line(&mut line)).await.expect("a line in time").unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next line, which begins so.
    pub(crate) async fn until(&mut self, start: &str) -> String {
        let line = self.line().await.expect("a line");
        assert!(line.starts_with(start), "{line:?} instead of {start:?}");
        line
    }
}

pub(crate) struct Visitor(pub(crate) WebSocketStream<TcpStream>);

impl Visitor {
    pub(crate) async fn says(&mut self, line: &str) {
        self.0.send(Message::text(line)).await.unwrap();
    }

    pub(crate) async fn message(&mut self) -> Message {
        timeout(SOON, self.0.next()).await.expect("a message in time").expect("a message").unwrap()
    }

    /// The next line, which begins so.
    pub(crate) async fn until(&mut self, start: &str) -> String {
        match self.message().await {
            Message::Text(line) if line.starts_with(start) => line.as_str().to_owned(),
            other => panic!("{other:?} instead of {start:?}"),
        }
    }

    /// Reads up to the close frame: its code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.message().await {
                let frame = frame.expect("a close frame with a code");
                return (frame.code.into(), frame.reason.as_str().to_owned());
            }
        }
    }
}
