//! The IRC link over real sockets, with a daemon that the test plays line by line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use bridge::backoff::Backoff;
use bridge::connect::Endpoint;
use bridge::irc::Pacing;
use bridge::irc::event::{IrcCommand, IrcEvent, SendId, Speech};
use bridge::irc::link::{self, LinkChannels, LinkConfig};
use bridge::irc::session::{Channel, Memory, SessionConfig};
use bridge::irc::text::{LineText, Word};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(20);

struct Hub {
    events: mpsc::Receiver<IrcEvent>,
    commands: mpsc::Sender<IrcCommand>,
    nick: watch::Receiver<Option<String>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn start(port: u16, events: usize) -> Hub {
    let word = |text: &str| Word::new(text).unwrap();
    let config = LinkConfig {
        endpoint: Endpoint { host: "127.0.0.1".into(), port, tls: None },
        session: SessionConfig {
            nick: word("bot"),
            user: word("bot"),
            real_name: LineText::flat("bot"),
            channels: vec![Channel { name: word("#c"), key: None }],
            password: None,
            sasl: None,
            pacing: Some(Pacing::default()),
        },
        backoff: Backoff {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            settled: Duration::from_secs(60),
        },
    };
    let (events_in, events) = mpsc::channel(events);
    let (commands, commands_out) = mpsc::channel(64);
    let (nick_in, nick) = watch::channel(None);
    let stop = CancellationToken::new();
    let channels = LinkChannels { events: events_in, commands: commands_out, nick: nick_in };
    let task = tokio::spawn(link::run(config, Memory::default(), channels, stop.clone()));
    Hub { events, commands, nick, stop, task }
}

impl Hub {
    async fn event(&mut self) -> IrcEvent {
        timeout(SOON, self.events.recv()).await.expect("an event in time").expect("a link")
    }
}

struct Daemon(BufReader<TcpStream>);

impl Daemon {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(SOON, listener.accept()).await.expect("a connection in time").unwrap();
        Self(BufReader::new(stream))
    }

    async fn welcome(listener: &TcpListener) -> Self {
        let mut daemon = Self::accept(listener).await;
        daemon.until("USER").await;
        daemon.say(":d 001 bot :Hi\r\n:d 422 bot :none\r\n").await;
        daemon.until("JOIN #c").await;
        daemon.say(":bot!~bot@127.0.0.1 JOIN #c\r\n").await;
        daemon
    }

    async fn say(&mut self, lines: &str) {
        self.0.get_mut().write_all(lines.as_bytes()).await.unwrap();
    }

    /// Reads lines up to one that begins so, and gives it.
    async fn until(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            let read = timeout(SOON, self.0.read_line(&mut line)).await.expect("a line in time").unwrap();
            assert!(read > 0, "the link closed before {start}");
            if line.starts_with(start) {
                return line.trim_end().to_owned();
            }
        }
    }
}

fn say(id: u64, text: &str) -> IrcCommand {
    let (to, text) = ("anna".to_owned(), text.to_owned());
    IrcCommand::Say { id: SendId(id), to, speech: Speech::Privmsg, text, tags: Vec::new(), receiver: None }
}

#[tokio::test]
async fn reconnects_after_each_loss_and_joins_once_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hub = start(listener.local_addr().unwrap().port(), 256);
    for _ in 0..20 {
        let daemon = Daemon::welcome(&listener).await;
        assert_eq!(hub.event().await, IrcEvent::SignedOn { nick: "bot".into() });
        assert_eq!(hub.event().await, IrcEvent::Joined { channel: "#c".into() });
        assert_eq!(hub.nick.borrow().as_deref(), Some("bot"));
        drop(daemon);
        assert!(matches!(hub.event().await, IrcEvent::Lost { .. }));
        assert_eq!(hub.nick.borrow().as_deref(), None);
    }
    hub.stop.cancel();
    timeout(SOON, hub.task).await.expect("stops in time").unwrap();
}

#[tokio::test]
async fn what_is_said_arrives_and_is_receipted_and_stop_says_goodbye() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hub = start(listener.local_addr().unwrap().port(), 256);
    let mut daemon = Daemon::welcome(&listener).await;
    hub.event().await;
    hub.event().await;
    hub.commands.send(say(5, "hello")).await.unwrap();
    daemon.until("PRIVMSG anna :hello").await;
    let ping = daemon.until("PING").await;
    daemon.say(&format!(":d PONG d {}\r\n", ping.strip_prefix("PING ").unwrap())).await;
    assert_eq!(hub.event().await, IrcEvent::Accepted { id: SendId(5) });
    // Away lasts over a reconnect.
    hub.commands.send(IrcCommand::Away(Some("lunch".into()))).await.unwrap();
    daemon.until("AWAY :lunch").await;
    drop(daemon);
    let mut daemon = Daemon::welcome(&listener).await;
    daemon.until("AWAY :lunch").await;
    hub.stop.cancel();
    daemon.until("QUIT").await;
    daemon.say("ERROR :Closing Link\r\n").await;
    timeout(SOON, hub.task).await.expect("stops in time").unwrap();
}

#[tokio::test]
async fn a_hub_that_takes_nothing_stops_the_reading_and_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hub = start(listener.local_addr().unwrap().port(), 2);
    let mut daemon = Daemon::welcome(&listener).await;
    let writer = tokio::spawn(async move {
        for number in 0..2000 {
            daemon.say(&format!(":n!u@h NOTICE #c :{number}\r\n")).await;
        }
        daemon
    });
    hub.event().await;
    hub.event().await;
    for number in 0..2000 {
        match hub.event().await {
            IrcEvent::Line(line) => assert_eq!(line.text, number.to_string()),
            other => panic!("{other:?}"),
        }
    }
    drop(writer.await.unwrap());
    drop(hub.events);
    hub.stop.cancel();
    timeout(SOON, hub.task).await.expect("stops in time").unwrap();
}

#[tokio::test]
async fn commands_while_offline_are_dropped_and_a_dead_daemon_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hub = start(listener.local_addr().unwrap().port(), 256);
    // Closed before the sign-on: no event, another attempt.
    drop(Daemon::accept(&listener).await);
    let mut daemon = Daemon::accept(&listener).await;
    hub.commands.send(say(1, "too early")).await.unwrap();
    daemon.until("USER").await;
    daemon.say(":d PING :x\r\n").await;
    daemon.until("PONG :x").await;
    daemon.say(":d 001 bot :Hi\r\n:d 422 bot :none\r\n").await;
    assert_eq!(hub.event().await, IrcEvent::SignedOn { nick: "bot".into() });
    hub.commands.send(say(2, "now")).await.unwrap();
    let line = daemon.until("PRIVMSG").await;
    assert_eq!(line, "PRIVMSG anna :now");
    drop(hub.commands);
    daemon.until("QUIT").await;
    drop(daemon);
    timeout(SOON, hub.task).await.expect("stops in time").unwrap();
}

#[tokio::test]
async fn a_stop_leaves_no_gap_in_what_a_slow_hub_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hub = start(listener.local_addr().unwrap().port(), 1);
    let mut daemon = Daemon::welcome(&listener).await;
    while !matches!(hub.event().await, IrcEvent::Joined { .. }) {}
    let lines: Vec<String> = (0..20).map(|number| format!(":a!~a@h NOTICE bot :{number}\r\n")).collect();
    daemon.say(&lines.concat()).await;
    let mut heard = Vec::new();
    let mut keep = |event: IrcEvent| {
        if let IrcEvent::Line(line) = event {
            heard.push(line.text);
        }
    };
    keep(hub.event().await);
    hub.stop.cancel();
    daemon.until("QUIT").await;
    daemon.say("ERROR :Closing Link: bot (Quit)\r\n").await;
    while let Some(event) = timeout(SOON, hub.events.recv()).await.expect("an end in time") {
        keep(event);
    }
    assert_eq!(heard, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    hub.task.await.unwrap();
}
