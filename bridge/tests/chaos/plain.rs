//! A visitor with a plain IRC client, in the channel or in private. Each of its lives is a person of its own.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bridge::conversation::wording;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::ledger::{Fate, Ledger};
use super::text;

/// For so long nothing more is said of lines that the store does not take.
const TOLD_AGAIN: Duration = Duration::from_secs(12);
const SAY_EVERY: Duration = Duration::from_millis(60);

/// What the test has a visitor do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Do {
    /// Take another nick.
    Rename,
    /// Leave; somebody else comes under the nick that is free now.
    Replace,
    /// Lose the connection.
    Drop,
}

pub(crate) struct Plain {
    pub(crate) name: &'static str,
    pub(crate) in_channel: bool,
    pub(crate) daemon: watch::Receiver<SocketAddr>,
    pub(crate) ledger: Ledger,
    pub(crate) quiet: CancellationToken,
}

/// Why a life ended.
enum End {
    Daemon,
    Left,
}

impl Plain {
    pub(crate) async fn live(self, mut orders: mpsc::Receiver<Do>) {
        for life in 0.. {
            let person = format!("{}.{life}", self.name);
            match self.one_life(&person, &mut orders).await {
                Ok(End::Daemon) | Err(_) => self.ledger.daemon_ended(&person),
                Ok(End::Left) => {}
            }
            self.ledger.left(&person);
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn one_life(&self, person: &str, orders: &mut mpsc::Receiver<Do>) -> std::io::Result<End> {
        let daemon = *self.daemon.borrow();
        let (reader, mut writer) = TcpStream::connect(daemon).await?.into_split();
        let mut lines = BufReader::new(reader).lines();
        write(&mut writer, &format!("NICK {}\r\nUSER {} 0 * :A visitor", self.name, self.name)).await?;
        if self.in_channel {
            write(&mut writer, "JOIN #support").await?;
        }
        let (mut number, mut renames) = (None, 0);
        let mut waiting: VecDeque<usize> = VecDeque::new();
        let (mut refused, mut refused_until) = (false, None);
        let mut say = interval(SAY_EVERY);
        say.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut registered = false;
        loop {
            tokio::select! {
                line = lines.next_line() => {
                    let Some(line) = line? else { return Ok(End::Daemon) };
                    let words: Vec<&str> = line.split(' ').collect();
                    match words.as_slice() {
                        ["PING", ..] => write(&mut writer, &line.replacen("PING", "PONG", 1)).await?,
                        [_, "001", ..] => registered = true,
                        // The one before is still there for a moment.
                        [_, "433", ..] if !registered => return Ok(End::Left),
                        [_, "401" | "404", ..] => refused = true,
                        [_, "PONG", ..] => {
                            // The daemon has it, or has refused it: then it is said once more.
                            if let Some(last) = number.take().filter(|_| refused) {
                                waiting.push_front(last);
                            }
                            refused = false;
                        }
                        [source, "NOTICE", ..]
                            if source.starts_with(":bridgebot!") && line.contains(wording::visitor::NOT_STORED) =>
                        {
                            // Which lines it is about it doesn't say, and it is said once in ten seconds.
                            self.ledger.daemon_ended(person);
                            refused_until = Some(Instant::now() + TOLD_AGAIN);
                        }
                        [source, "PRIVMSG", to, ..] if source.starts_with(":bridgebot!") && !to.starts_with('#') => {
                            let said = line.split_once(" :").map_or("", |(_, said)| said);
                            self.heard(person, said);
                        }
                        _ => {}
                    }
                }
                _ = say.tick(), if registered && number.is_none() => {
                    if waiting.is_empty() && self.quiet.is_cancelled() {
                        continue;
                    }
                    let next = waiting.pop_front().unwrap_or_else(|| self.ledger.say(person));
                    number = Some(next);
                    if refused_until.is_some_and(|until| Instant::now() < until) {
                        self.ledger.line_is(person, next, Fate::Doubtful);
                    }
                    let target = if self.in_channel { "#support" } else { "bridgebot" };
                    write(&mut writer, &format!("PRIVMSG {target} :{}\r\nPING :{next}", text::line_of(person, next))).await?;
                }
                Some(order) = orders.recv(), if registered => match order {
                    Do::Rename => {
                        renames += 1;
                        write(&mut writer, &format!("NICK {}-{renames}", self.name)).await?;
                    }
                    Do::Replace | Do::Drop => {
                        if let Some(last) = number {
                            self.ledger.line_is(person, last, Fate::Doubtful);
                        }
                        for waiting in waiting {
                            self.ledger.line_is(person, waiting, Fate::Refused);
                        }
                        write(&mut writer, "QUIT").await?;
                        while lines.next_line().await.is_ok_and(|line| line.is_some()) {}
                        return Ok(End::Left);
                    }
                },
            }
        }
    }

    /// A long answer comes in pieces, of which the first says which it is.
    fn heard(&self, person: &str, said: &str) {
        let again = said.ends_with(" (again)");
        let said = said.trim_end_matches(" (again)");
        if said.starts_with('<') {
            // The mark stands behind the last piece.
            let long = text::answer(said).is_some_and(|(_, _, number)| text::is_long(number));
            self.ledger.read(person, said, again || long);
        }
    }
}

async fn write(writer: &mut OwnedWriteHalf, lines: &str) -> std::io::Result<()> {
    writer.write_all(format!("{lines}\r\n").as_bytes()).await
}
