//! A staff member, a person with an IRC client, a visitor of the website.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Far longer than anything here takes on an idle machine; answers that wait for a pace included.
pub(crate) const SOON: Duration = Duration::from_secs(45);
/// More than anybody says or reads here.
const LINES: usize = 4096;

/// A staff member at an AIM client.
pub(crate) struct Staff {
    says: mpsc::Sender<String>,
    reads: mpsc::Receiver<String>,
}

impl Staff {
    pub(crate) async fn sign_on(server: SocketAddr) -> Self {
        let credentials = Credentials { screen_name: "staff2".into(), password: "demo".into() };
        let config = net::Config::new(server.ip().to_string(), server.port(), credentials);
        let mut client = timeout(SOON, net::connect(&config)).await.expect("in time").expect("a sign-on");
        while !matches!(timeout(SOON, client.event()).await.expect("in time"), Event::SignedOn { .. }) {}
        let (says, mut said) = mpsc::channel::<String>(LINES);
        let (read, reads) = mpsc::channel(LINES);
        tokio::spawn(async move {
            let mut cookie: u64 = 0;
            loop {
                tokio::select! {
                    event = client.event() => match event {
                        Event::ImReceived(im) => im.text.lines().for_each(|line| drop(read.try_send(line.to_owned()))),
                        Event::Closed(_) => return,
                        _ => {}
                    },
                    Some(text) = said.recv() => {
                        cookie += 1;
                        client.send_im(cookie.to_be_bytes(), &"bridgebot".into(), &text).expect("signed on");
                    }
                    else => return,
                }
            }
        });
        Self { says, reads }
    }

    pub(crate) fn says(&self, text: &str) {
        self.says.try_send(text.to_owned()).expect("signed on");
    }

    /// Reads up to this line.
    pub(crate) async fn hears(&mut self, wanted: &str) {
        let mut seen = Vec::new();
        let search = async {
            loop {
                match self.reads.recv().await.expect("signed on") {
                    line if line == wanted => return,
                    line => seen.push(line),
                }
            }
        };
        let found = timeout(SOON, search).await;
        assert!(found.is_ok(), "staff did not get {wanted:?}; what came: {seen:?}");
    }
}

impl Staff {
    /// The next line that is not the bridge's own.
    pub(crate) async fn next(&mut self) -> String {
        let next = async {
            loop {
                let line = self.reads.recv().await.expect("signed on");
                if !line.starts_with("* ") {
                    return line;
                }
            }
        };
        timeout(SOON, next).await.expect("a line in time")
    }

    /// What the bridge answers to a command, whose answer begins so.
    pub(crate) async fn asks(&mut self, command: &str, beginning: &str) -> String {
        self.says(command);
        let answer = async {
            loop {
                let line = self.reads.recv().await.expect("signed on");
                if line.starts_with(beginning) {
                    return line;
                }
            }
        };
        timeout(SOON, answer).await.expect("an answer in time")
    }

    /// This is the next line that is not the bridge's own.
    pub(crate) async fn hears_next(&mut self, wanted: &str) {
        assert_eq!(self.next().await, wanted);
    }
}

/// A person with an IRC client, in the channel.
pub(crate) struct Person {
    stream: BufReader<TcpStream>,
}

impl Person {
    /// Signs on as `nick`, by another user name than anybody else, joins, and waits for the bridge to be there: what is said before, it can't hear.
    pub(crate) async fn meet(irc: SocketAddr, nick: &str) -> Self {
        let mut person = Self { stream: BufReader::new(TcpStream::connect(irc).await.expect("the daemon")) };
        // Sign-on times are whole seconds: people of one user@host who came in the same one can't be told apart.
        let user = format!("u{}", person.stream.get_ref().local_addr().expect("an address").port());
        person.says(&format!("NICK {nick}\r\nUSER {user} 0 * :Somebody")).await;
        person.until(" 001 ").await;
        person.says("JOIN #support").await;
        if !person.until(" 353 ").await.contains("bridgebot") {
            person.until(":bridgebot").await;
        }
        person
    }

    pub(crate) async fn says(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.expect("the daemon");
    }

    /// Writes as fast as it can; a daemon may have hung up before all of it is out.
    pub(crate) async fn floods(&mut self, line: &str, times: usize) {
        let _ = self.stream.write_all(format!("{line}\r\n").repeat(times).as_bytes()).await;
    }

    /// The next line; none when the daemon has hung up.
    async fn line(&mut self) -> Option<String> {
        loop {
            let mut line = Vec::new();
            let read = timeout(SOON, self.stream.read_until(b'\n', &mut line)).await.expect("a line in time");
            assert!(line.len() <= 512, "{} bytes in a line", line.len());
            let line = String::from_utf8(line).expect("UTF-8, cut nowhere in the middle of a character");
            if read.unwrap_or_default() == 0 {
                return None;
            }
            match line.strip_prefix("PING ") {
                Some(token) => self.says(&format!("PONG {}", token.trim_end())).await,
                None => return Some(line.trim_end().to_owned()),
            }
        }
    }

    /// Reads up to a line with `part` in it, and gives it.
    pub(crate) async fn until(&mut self, part: &str) -> String {
        loop {
            let line = self.line().await.expect("the daemon stays");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All lines up to one with `part` in it.
    pub(crate) async fn lines_until(&mut self, part: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await.expect("the daemon stays");
            if line.contains(part) {
                return lines;
            }
            lines.push(line);
        }
    }

    /// The next thing that is said to this person alone: to which nick, and what.
    pub(crate) async fn answer(&mut self) -> (String, String) {
        loop {
            let line = self.until(" PRIVMSG ").await;
            let (head, text) = line.split_once(" :").expect("a text");
            let to = head.rsplit(' ').next().unwrap_or_default();
            if to != "#support" {
                return (to.to_owned(), text.to_owned());
            }
        }
    }

    /// Waits until the daemon hangs up.
    pub(crate) async fn until_thrown_out(mut self) {
        while self.line().await.is_some() {}
    }
}

/// A visitor of the website.
pub(crate) struct Visitor(WebSocketStream<TcpStream>);

impl Visitor {
    /// None while the IRC daemon is away.
    pub(crate) async fn try_connect(http: SocketAddr, nick: &str, token: &str) -> Option<Self> {
        let stream = TcpStream::connect(http).await.expect("the gateway");
        let (socket, _) = client_async(format!("ws://{http}/irc"), stream).await.ok()?;
        let mut visitor = Self(socket);
        let lines = [&format!("SESSION {token}"), &format!("NICK {nick}"), "USER x 0 * :x"];
        for line in lines {
            visitor.0.send(Message::text(line)).await.ok()?;
        }
        visitor.line_with(" 001 ").await.map(|_| visitor)
    }

    /// Asks whether the bot is there, which the gateway answers from what the bridge knows.
    pub(crate) async fn finds_the_bot(&mut self) -> bool {
        let asked = self.0.send(Message::text("MONITOR + bridgebot")).await;
        asked.is_ok() && self.line_with(" 73").await.is_some_and(|line| line.contains(" 730 "))
    }

    pub(crate) async fn asks_for_history(&mut self) {
        self.0.send(Message::text("CHATHISTORY LATEST bridgebot * 200")).await.expect("connected");
    }

    pub(crate) async fn says(&mut self, text: &str) {
        self.0.send(Message::text(format!("PRIVMSG bridgebot :{text}"))).await.expect("connected");
    }

    /// Reads up to a line with `part` in it; none when the connection ends before.
    pub(crate) async fn line_with(&mut self, part: &str) -> Option<String> {
        loop {
            match timeout(SOON, self.0.next()).await.unwrap_or_else(|_| panic!("no {part} in time")) {
                Some(Ok(Message::Text(line))) if line.contains(part) => {
                    return Some(line.as_str().to_owned());
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}
