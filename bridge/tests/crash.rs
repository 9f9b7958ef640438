//! The bridge is killed again and again while a visitor writes: every line reaches staff, in order, and what may come
//! twice says so. The IRC daemon and the OSCAR server go on; what was said while no bridge was there is fetched from
//! the daemon's history.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ircd_lite::config::{Account, Password, PermanentChannel};
use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use oscar_mock::Server;
use oscar_mock::config::Rates;
use program::Secret;
use testkit::child::Daemon;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const LINES: usize = 120;
/// The bridge is killed when the daemon has this many lines, and started again some lines later.
const KILLS: [usize; 3] = [25, 60, 95];
const AWAY_FOR: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

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
    let mut bridge = Some(start_bridge(folder.path()));
    let mut visitor = Visitor::connect(irc).await;
    visitor.wait_for_bot().await;
    for number in 0..LINES {
        visitor.say(number).await;
        if KILLS.contains(&number) {
            // Dropping a daemon is SIGKILL.
            bridge = None;
        }
        if KILLS.iter().any(|kill| number == kill + AWAY_FOR) {
            bridge = Some(start_bridge(folder.path()));
        }
    }

    let mut first_seen = Vec::new();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while first_seen.len() < LINES {
        let text = tokio::time::timeout_at(deadline, heard.recv())
            .await
            .unwrap_or_else(|_| panic!("staff had {first_seen:?} after {PATIENCE:?}"))
            .expect("the staff member is signed on");
        let again = text.ends_with(" (again)");
        for number in text.lines().filter_map(number_in) {
            if !first_seen.contains(&number) {
                first_seen.push(number);
            } else if !again {
                panic!("line {number} came twice without a mark: {text:?}");
            }
        }
    }
    assert_eq!(first_seen, (0..LINES).collect::<Vec<_>>());
    drop(bridge);
    stop.cancel();
}

/// `anna: line 7` as 7.
fn number_in(line: &str) -> Option<usize> {
    line.strip_prefix("anna: line ")?.trim_end_matches(" (again)").parse().ok()
}

async fn start_ircd(stop: CancellationToken) -> SocketAddr {
    let mut config = ircd_lite::Config::default();
    config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.limits.exempt = vec!["127.0.0.0/8".parse().unwrap()];
    config.limits.flood_lines = 0;
    config.accounts = vec![Account {
        name: "bridgebot".into(),
        password: Password::Plain(Secret::new("botpw")),
        exempt: true,
    }];
    config.channels = vec![PermanentChannel {
        name: "#support".into(),
        modes: "+ntu".into(),
        topic: None,
        operators: vec!["bridgebot".into()],
    }];
    let bound = ircd_lite::Server::bind(config).await.unwrap();
    let address = *bound.addresses().irc.first().unwrap();
    tokio::spawn(bound.serve(stop));
    address
}

fn configuration(irc: SocketAddr, oscar: SocketAddr) -> String {
    format!(
        r##"
        [irc]
        server = "{irc}"
        channels = ["#support"]
        exempt = true
        sasl_account = "bridgebot"
        sasl_password = "botpw"
        [oscar]
        server = "{oscar}"
        screen_name = "bridgebot"
        password = "secret"
        [staff]
        handles = ["staff1"]
        [limits]
        visitor_lines_at_once = 0
        "##
    )
}

fn start_bridge(folder: &Path) -> Daemon {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
    command.args(["run", "--config"]).arg(folder.join("bridgebot.toml"));
    Daemon::spawn(command)
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
