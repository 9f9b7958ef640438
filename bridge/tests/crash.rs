//! The bridge is killed again and again while a visitor writes: every line reaches staff, in order, and what may come
//! twice says so. The IRC daemon and the OSCAR server go on; what was said while no bridge was there is fetched from
//! the daemon's history.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod bridgebot;
mod interrupted;
mod servers;

use std::net::SocketAddr;

use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use oscar_mock::Server;
use oscar_mock::config::Rates;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use interrupted::{PATIENCE, every_line_arrives};
use servers::{configuration, start_ircd};

const LINES: usize = 120;
/// The bridge is killed when the daemon has this many lines, and started again some lines later.
const KILLS: [usize; 3] = [25, 60, 95];
const AWAY_FOR: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_lost_reordered_or_doubled_unmarked() {
    let stop = CancellationToken::new();
    let irc = start_ircd(stop.clone()).await;
    let oscar = Server::builder()
        .account("bridgebot", "secret")
        .account("staff1", "demo")
        .rates(Rates::None)
        .start()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bridgebot.toml"), configuration(irc, oscar.address())).unwrap();

    let mut heard = staff(oscar.address()).await;
    let mut bridge = Some(bridgebot::start(folder.path()));
    let mut visitor = Visitor::connect(irc).await;
    visitor.wait_for_bot().await;
    for number in 0..LINES {
        visitor.say(number).await;
        if KILLS.contains(&number) {
            // Dropping a daemon is SIGKILL.
            bridge = None;
        }
        if KILLS.iter().any(|kill| number == kill + AWAY_FOR) {
            bridge = Some(bridgebot::start(folder.path()));
        }
    }

    every_line_arrives(&mut heard, LINES).await;
    drop(bridge);
    stop.cancel();
}

/// A staff member who listens; what is read comes out of the channel.
async fn staff(server: SocketAddr) -> mpsc::Receiver<String> {
    let credentials = Credentials { screen_name: "staff1".into(), password: "demo".into() };
    let config = net::Config::new(server.ip().to_string(), server.port(), credentials);
    let mut client = net::connect(&config).await.unwrap();
    let (said, heard) = mpsc::channel(1024);
    tokio::spawn(async move {
        loop {
            match client.event().await {
                Event::ImReceived(im) => said.send(im.text).await.unwrap(),
                Event::Closed(_) => return,
                _ => {}
            }
        }
    });
    heard
}

/// A plain IRC client in the channel.
struct Visitor {
    stream: BufReader<TcpStream>,
}

impl Visitor {
    async fn connect(irc: SocketAddr) -> Self {
        let mut visitor = Self { stream: BufReader::new(TcpStream::connect(irc).await.unwrap()) };
        visitor.send("NICK anna\r\nUSER anna 0 * :Anna\r\nJOIN #support").await;
        visitor.until(" 366 ").await;
        visitor
    }

    async fn send(&mut self, lines: &str) {
        self.stream.get_mut().write_all(format!("{lines}\r\n").as_bytes()).await.unwrap();
    }

    /// Until the daemon has said a line with `wanted` in it; its PINGs are answered.
    async fn until(&mut self, wanted: &str) -> String {
        let reading = async {
            loop {
                let mut line = String::new();
                assert!(
                    self.stream.read_line(&mut line).await.unwrap() > 0,
                    "the daemon closed the connection"
                );
                if line.starts_with("PING") {
                    self.send(&line.trim_end().replacen("PING", "PONG", 1)).await;
                }
                if line.contains(wanted) {
                    return line;
                }
            }
        };
        timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("no {wanted:?} from the daemon"))
    }

    /// Until the bridge is in the channel: history begins with its first stored line.
    async fn wait_for_bot(&mut self) {
        loop {
            self.send("NAMES #support").await;
            if self.until("#support").await.contains("@bridgebot") {
                return;
            }
            self.until(" 366 ").await;
        }
    }

    /// Says a line and waits until the daemon has it.
    async fn say(&mut self, number: usize) {
        self.send(&format!("PRIVMSG #support :line {number}\r\nPING :said{number}")).await;
        self.until(&format!(":said{number}")).await;
    }
}
