//! The way to the IRC daemon, the way to the OSCAR server and the bridge itself vanish and come back in random order while
//! numbered lines flow both ways: every number arrives, in order, at the right person, and what may come twice says so.
//!
//! `BRIDGEBOT_OUTAGES` says how many moments of change there are (30 take about half a minute), `BRIDGEBOT_OUTAGE_SEED` which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod bridgebot;
mod interrupted;
mod servers;
mod way;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use oscar_mock::Server;
use oscar_mock::config::Rates;
use testkit::numbers::Numbers;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use interrupted::{PATIENCE, every_line_arrives};
use servers::{configuration, start_ircd};
use way::{State, Way};

const OUTAGES: u64 = 30;
const LINE_EVERY: Duration = Duration::from_millis(60);
/// A staff member who sees no answer of theirs arrive says it again after this, as they are told to.
const SAY_AGAIN: Duration = Duration::from_secs(1);

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_vanishes_every_line_arrives_in_order() {
    let (changes, seed) =
        (setting("BRIDGEBOT_OUTAGES", OUTAGES), setting("BRIDGEBOT_OUTAGE_SEED", 20_261_122));
    let stop = CancellationToken::new();
    let ircd = start_ircd(stop.clone()).await;
    let (irc, oscar_way) = (Way::new().await, Way::new().await);
    let way = oscar_way.address();
    let oscar = Server::builder()
        .account("bridgebot", "secret")
        .account("staff1", "demo")
        .rates(Rates::None)
        .configure(|config| config.advertise = Some(way.to_string()))
        .start()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bridgebot.toml"), configuration(irc.address(), way)).unwrap();
    irc.lead_to(ircd);
    oscar_way.lead_to(oscar.address());

    let mut bridge = Some(bridgebot::start(folder.path()));
    let (visitor, answers) = Visitor::connect(ircd).await;
    let (read, mut heard) = mpsc::channel(4096);
    let done = CancellationToken::new();
    let staff = tokio::spawn(staff(oscar.address(), read, answers, done.clone()));
    let writing = CancellationToken::new();
    let lines = tokio::spawn(visitor.write(writing.clone()));

    let mut dice = Numbers::new(seed);
    for _ in 0..changes {
        sleep(Duration::from_millis(200 + dice.below(1000) as u64)).await;
        // What is down comes back as often as not; then something else may go.
        for way in [&irc, &oscar_way] {
            if dice.below(2) == 0 {
                way.set(State::Open);
            }
        }
        if bridge.is_none() && dice.below(2) == 0 {
            bridge = Some(bridgebot::start(folder.path()));
        }
        match dice.below(6) {
            0 => irc.set(State::Cut),
            1 => oscar_way.set(State::Cut),
            // Dropping a daemon is SIGKILL.
            2 => bridge = None,
            _ => {}
        }
    }
    irc.set(State::Open);
    oscar_way.set(State::Open);
    let bridge = bridge.unwrap_or_else(|| bridgebot::start(folder.path()));
    writing.cancel();
    let written = lines.await.unwrap();

    println!("seed {seed}");
    every_line_arrives(&mut heard, written).await;
    done.cancel();
    let answered =
        timeout_at(Instant::now() + PATIENCE, staff).await.expect("the last answer arrives").unwrap();
    println!("{changes} changes, {written} lines, {answered} answers");
    drop(bridge);
    stop.cancel();
}

/// A staff member: tells what is read, and answers with numbers, the next when the one before has reached the visitor.
/// Gives how many have.
async fn staff(
    server: SocketAddr,
    said: mpsc::Sender<String>,
    mut answers: mpsc::Receiver<Arrived>,
    done: CancellationToken,
) -> usize {
    let credentials = Credentials { screen_name: "staff1".into(), password: "demo".into() };
    let config = net::Config::new(server.ip().to_string(), server.port(), credentials);
    // The address that the server names is the bridge's way; a staff member has another.
    let connect = |_, _| net::tcp(server.ip().to_string(), server.port());
    let mut client = net::connect_with(&config, connect).await.unwrap();
    let (mut number, mut cookie) = (0_usize, 0_u64);
    // How often each was said, and how often it has arrived.
    let mut times: HashMap<usize, (usize, usize)> = HashMap::new();
    let mut say = interval(SAY_AGAIN);
    loop {
        tokio::select! {
            event = client.event() => match event {
                Event::ImReceived(im) => said.send(im.text).await.unwrap(),
                Event::Closed(reason) => panic!("{reason}"),
                _ => {}
            },
            arrived = answers.recv() => {
                let Arrived { answer, again } = arrived.expect("the visitor is there");
                assert!(answer <= number, "{answer} was never said");
                let times = times.entry(answer).or_default();
                times.1 += usize::from(!again);
                assert!(times.1 <= times.0, "answer {answer} was said {} times and came {}", times.0, times.1);
                if answer == number {
                    if done.is_cancelled() {
                        return number + 1;
                    }
                    number += 1;
                    say.reset_immediately();
                }
            }
            _ = say.tick() => {
                cookie += 1;
                times.entry(number).or_default().0 += 1;
                // Refused while the bridge is not signed on: said again then.
                let _ = client.send_im(cookie.to_be_bytes(), &"bridgebot".into(), &format!("anna: answer {number}"));
            }
        }
    }
}

/// An answer that the visitor got.
struct Arrived {
    answer: usize,
    /// It says itself that it may be a repeat.
    again: bool,
}

/// A plain IRC client in the channel.
struct Visitor {
    writer: OwnedWriteHalf,
}

impl Visitor {
    /// Answers come out of the channel.
    async fn connect(irc: SocketAddr) -> (Self, mpsc::Receiver<Arrived>) {
        let (reader, mut writer) = TcpStream::connect(irc).await.unwrap().into_split();
        let mut reader = BufReader::new(reader);
        writer.write_all(b"NICK anna\r\nUSER anna 0 * :Anna\r\nJOIN #support\r\n").await.unwrap();
        until(&mut reader, " 366 ").await;
        // History begins for the bridge with its first stored line, so it has to be there before that.
        while !{
            writer.write_all(b"NAMES #support\r\n").await.unwrap();
            until(&mut reader, " 353 ").await.contains("@bridgebot")
        } {}
        let (told, answers) = mpsc::channel(4096);
        tokio::spawn(async move {
            loop {
                let line = until(&mut reader, " PRIVMSG anna :answer ").await;
                let text =
                    line.rsplit_once(":answer ").map(|(_, number)| number.trim_end()).unwrap_or_default();
                let number = text.trim_end_matches(" (again)");
                let arrived = Arrived { answer: number.parse().unwrap(), again: number != text };
                if told.send(arrived).await.is_err() {
                    return;
                }
            }
        });
        (Self { writer }, answers)
    }

    /// Writes numbered lines until told to end; gives how many.
    async fn write(mut self, end: CancellationToken) -> usize {
        let mut pace = interval(LINE_EVERY);
        let mut number = 0;
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                _ = pace.tick() => {}
            }
            self.writer.write_all(format!("PRIVMSG #support :line {number}\r\n").as_bytes()).await.unwrap();
            number += 1;
        }
        // The connection has to stay: the same person gets the answers.
        tokio::spawn(async move {
            let _writer = self.writer;
            std::future::pending::<()>().await;
        });
        number
    }
}

/// Reads until the daemon has said a line with `wanted` in it.
async fn until(reader: &mut BufReader<OwnedReadHalf>, wanted: &str) -> String {
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).await.unwrap_or_default();
        if read == 0 {
            return std::future::pending().await;
        }
        if line.contains(wanted) {
            return line;
        }
    }
}
