//! What the gateway does because time has passed, with the clock in the test's hand: nobody here waits in earnest.
//!
//! Sockets are real, and what is written to one can be read at the other end at once; so a clock that jumps to the next
//! deadline whenever there is nothing to do changes no order of events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod gateway;

use std::time::Duration;

use bridge::web::event::WebEvent;
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, advance, pause, resume, timeout};
use tokio_tungstenite::tungstenite::Message;

use gateway::{Daemon, TOKEN, Visitor, World};

/// How long `work` takes by a clock that does not wait.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    pause();
    let from = Instant::now();
    let done = work.await;
    let took = from.elapsed();
    resume();
    (done, took)
}

/// About so many seconds: some time had passed already before the clock was stopped.
#[track_caller]
fn assert_takes(took: Duration, seconds: u64) {
    let expected = Duration::from_secs(seconds);
    assert!(expected / 2 < took && took <= expected + Duration::from_millis(10), "{took:?}, not {seconds} s");
}

async fn later(seconds: u64) {
    pause();
    advance(Duration::from_secs(seconds)).await;
    resume();
}

/// Reads up to the close frame: its code and reason.
async fn closed(visitor: &mut Visitor) -> (u16, String) {
    loop {
        match visitor.0.next().await {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
            Some(Ok(_)) => {}
            other => panic!("{other:?} instead of a close frame"),
        }
    }
}

/// Reads up to the end of the daemon's connection; the last line.
async fn last_line(daemon: &mut Daemon) -> String {
    let (mut line, mut last) = (String::new(), String::new());
    while daemon.0.read_line(&mut line).await.unwrap() > 0 {
        last = std::mem::take(&mut line);
    }
    last.trim_end().to_owned()
}

#[tokio::test]
async fn who_does_not_register_is_ended() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    let mut daemon = world.accept().await;
    let (end, took) = timed(closed(&mut visitor)).await;
    assert_eq!(end, (1008, "not registered in 30 s".to_owned()));
    assert_takes(took, 30);
    drop(visitor);
    assert!(last_line(&mut daemon).await.starts_with("QUIT "));
}

#[tokio::test]
async fn who_is_silent_is_asked_and_then_ended() {
    let mut world = World::start().await;
    let (mut visitor, mut daemon, _) = world.registered(TOKEN, "anna").await;
    // A client answers by itself when it reads on.
    for _ in 0..3 {
        let (message, took) = timed(visitor.0.next()).await;
        assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?}");
        assert_takes(took, 60);
    }
    let (last, took) = timed(last_line(&mut daemon)).await;
    assert!(last.starts_with("QUIT "), "{last}");
    // The last answer is still in the client: 90 s after the question, and 2 s for the last words that nobody reads.
    assert_takes(took, 92);
}

#[tokio::test]
async fn who_takes_nothing_is_given_up() {
    let mut world = World::start().await;
    let (visitor, mut daemon, _) = world.registered(TOKEN, "anna").await;
    let text = format!(":bridgebot!b@h PRIVMSG anna :{}\r\n", "x".repeat(400));
    // Sockets and queues fill, then nothing more is taken.
    while timeout(Duration::from_millis(500), daemon.0.get_mut().write_all(text.as_bytes())).await.is_ok() {}
    let (last, took) = timed(last_line(&mut daemon)).await;
    assert!(last.starts_with("QUIT "), "{last}");
    assert_takes(took, 32);
    drop(visitor);
}

#[tokio::test]
async fn history_that_the_hub_does_not_answer_is_given_up() {
    let mut world = World::start().await;
    let (mut visitor, _daemon, _) = world.registered(TOKEN, "anna").await;
    visitor.says("CHATHISTORY LATEST bridgebot * 10").await;
    let WebEvent::History { reply, .. } = world.event().await else { panic!("no question for history") };
    let (answer, took) = timed(visitor.0.next()).await;
    let Some(Ok(Message::Text(answer))) = answer else { panic!("{answer:?}") };
    assert!(answer.starts_with(":gateway FAIL CHATHISTORY MESSAGE_ERROR "), "{answer}");
    assert_takes(took, 10);
    drop(reply);
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET /irc HTTP/1.1\r\nHost: ").await.unwrap();
    let mut answer = Vec::new();
    let (_, took) = timed(stream.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP/1.1 1"), "{}", String::from_utf8_lossy(&answer));
    assert_takes(took, 10);
}

#[tokio::test]
async fn an_address_may_connect_so_often_a_minute() {
    let world = World::with(|config| config.limits.connects_a_minute = 3).await;
    let too_fast = (1008, "reconnecting too fast, please wait a minute".to_owned());
    for _ in 0..3 {
        drop(world.visitor().await);
        world.accept().await;
    }
    assert_eq!(closed(&mut world.visitor().await).await, too_fast);
    // One comes back in each third of a minute.
    later(20).await;
    drop(world.visitor().await);
    world.accept().await;
    assert_eq!(closed(&mut world.visitor().await).await, too_fast);
}

#[tokio::test]
async fn lines_beyond_the_pace_are_refused_until_it_allows_the_next() {
    let mut world = World::with(|config| {
        config.limits.lines_at_once = 2;
        config.limits.line_every = Duration::from_secs(25);
    })
    .await;
    let (mut visitor, mut daemon, _) = world.registered(TOKEN, "anna").await;
    for text in ["one", "two", "three"] {
        visitor.says(&format!("PRIVMSG bridgebot :{text}")).await;
    }
    daemon.until("PRIVMSG bridgebot :one").await;
    daemon.until("PRIVMSG bridgebot :two").await;
    let refusal = visitor.until("").await;
    assert!(refusal.contains(" NOTICE anna :"), "{refusal}");
    later(25).await;
    visitor.says("PRIVMSG bridgebot :three").await;
    daemon.until("PRIVMSG bridgebot :three").await;
}
