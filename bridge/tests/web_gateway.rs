//! The visitors' gateway over real sockets: a WebSocket client on one side, an IRC daemon that the test plays on the
//! other, and a hub that writes down what it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod gateway;

use std::time::{Duration, UNIX_EPOCH};

use bridge::web::event::{Author, HistoryEntry, HistoryRange, WebEvent};
use bridge::web::health::{SideStatus, Status};
use bridge::web::server::Limits;
use futures_util::SinkExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

use gateway::{SOON, TOKEN, Visitor, World};

#[tokio::test]
async fn a_visitor_speaks_with_the_bot_and_nobody_else() {
    let mut world = World::start().await;
    let (mut visitor, mut daemon, user) = world.registered(TOKEN, "anna").await;
    visitor.says("@+bridgebot/id=x1;+bridgebot/state=taken;+evil=1 PRIVMSG BridgeBot :hello  there").await;
    daemon.until("@+bridgebot/id=x1 PRIVMSG bridgebot :hello  there").await;
    visitor.says("@+typing=active TAGMSG bridgebot").await;
    daemon.until("@+typing=active TAGMSG bridgebot").await;
    for (line, answer) in [
        ("JOIN #support", ":gateway 421 anna JOIN :Unknown command"),
        ("PRIVMSG staff :x", ":gateway 401 anna staff :"),
        ("NOTICE #support :x", ":gateway 401 anna #support :"),
        ("PRIVMSG bridgebot,staff :x", ":gateway 401 anna bridgebot,staff :"),
        ("TAGMSG staff", ":gateway 401 anna staff :"),
        ("WHOIS staff", ":gateway 421 anna WHOIS :"),
        ("OPER a b", ":gateway 421 anna OPER :"),
        ("WEBIRC a b c d", ":gateway 421 anna WEBIRC :"),
        ("USER a b c d", ":gateway 462 anna :"),
        ("MONITOR + staff", ":gateway 401 anna staff :"),
        ("MONITOR + bridgebot", ":gateway 730 anna :bridgebot"),
        ("SESSION abcdefghijklmnopqrstuvwxyz", ":gateway FAIL SESSION ALREADY_REGISTERED :"),
        ("PRIVMSG bridgebot :a\nQUIT", ":gateway FAIL * INVALID_LINE :"),
    ] {
        visitor.says(line).await;
        visitor.until(answer).await;
    }
    for (line, sent) in [
        ("ping :a b", "PING :a b"),
        ("PONG x", "PONG :x"),
        ("NICK anja", "NICK anja"),
        ("AWAY :lunch", "AWAY :lunch"),
        ("AWAY", "AWAY"),
        ("NOTICE bridgebot :note", "NOTICE bridgebot :note"),
        (":fake!u@h PRIVMSG bridgebot :as me", "PRIVMSG bridgebot :as me"),
    ] {
        visitor.says(line).await;
        assert_eq!(daemon.line().await.as_deref(), Some(sent));
    }
    daemon.says(":stranger!x@y PRIVMSG anna :buy this").await;
    daemon.says(":bridgebot!b@h PRIVMSG anna :an answer").await;
    visitor.until(":bridgebot!b@h PRIVMSG anna :an answer").await;
    daemon.says(&format!(":anna!~{user}@h NICK :anja")).await;
    visitor.until(":anna!~").await;
    assert!(matches!(world.event().await, WebEvent::Named { nick, .. } if nick == "anja"));
    visitor.says("QUIT :bye").await;
    daemon.until("QUIT :bye").await;
    daemon.says("ERROR :Closing Link: anja (Quit: bye)").await;
    drop(daemon);
    assert_eq!(visitor.closed().await.0, 1000);
    assert!(matches!(world.event().await, WebEvent::Closed { user: gone } if gone == user));
}

#[tokio::test]
async fn history_comes_from_the_hub_for_this_session_only() {
    let mut world = World::start().await;
    let (mut visitor, _daemon, _) = world.registered(TOKEN, "anna").await;
    visitor.says("@label=L CHATHISTORY LATEST bridgebot * 50").await;
    let WebEvent::History { session, range, limit, reply } = world.event().await else {
        panic!("no question")
    };
    assert_eq!((range, limit), (HistoryRange::Latest, 50));
    assert!(!session.0.contains(TOKEN));
    let author = Author::Visitor { client_id: Some("x1".into()), state: "taken" };
    let entry =
        HistoryEntry { conversation: "c".into(), entry: 7, at: UNIX_EPOCH, text: "hi".into(), author };
    reply.send(vec![entry]).unwrap();
    visitor.until(":gateway BATCH +history1 chathistory bridgebot").await;
    visitor
        .until("@batch=history1;time=1970-01-01T00:00:00.000Z;msgid=c-7;+bridgebot/entry=7;+bridgebot/id=x1;+bridgebot/state=taken :anna PRIVMSG bridgebot :hi")
        .await;
    visitor.until(":gateway BATCH -history1").await;
    visitor.says("CHATHISTORY LATEST #support * 50").await;
    visitor.until(":gateway FAIL CHATHISTORY INVALID_TARGET LATEST :").await;
    visitor.says("CHATHISTORY LATEST bridgebot * 5").await;
    // A hub that drops the question.
    drop(world.event().await);
    visitor.until(":gateway FAIL CHATHISTORY MESSAGE_ERROR :").await;
}

#[tokio::test]
async fn the_newest_connection_of_a_session_wins() {
    let mut world = World::start().await;
    let (mut first, mut first_daemon, user) = world.registered(TOKEN, "anna").await;
    let (mut second, mut daemon, _) = world.registered(TOKEN, "anna2").await;
    first.until("ERROR :Closing Link: anna (continued elsewhere)").await;
    assert_eq!(first.closed().await, (4001, "continued elsewhere".into()));
    first_daemon.until("QUIT").await;
    assert!(matches!(world.event().await, WebEvent::Closed { user: gone } if gone == user));
    second.says("PRIVMSG bridgebot :still here").await;
    daemon.until("PRIVMSG bridgebot :still here").await;
    // Without a token nobody is anybody's successor.
    let (mut third, _third_daemon, _) = world.registered("0123456789012345678901", "carl").await;
    third.says("PING x").await;
    second.says("PING x").await;
    daemon.until("PING :x").await;
}

#[tokio::test]
async fn the_browser_tells_page_and_language() {
    let mut world = World::start().await;
    let origin = ("origin", "https://www.example.com");
    for (languages, expected) in [
        ("de-AT,de;q=0.9,en;q=0.8", Some("de-AT")),
        ("en;q=0.5, fr;q=0.7", Some("fr")),
        ("*", None),
        ("\"><script>;q=1, e", None),
        ("en;q=0", None),
        (&"en-".repeat(40), None),
    ] {
        let headers = [origin, ("accept-language", languages)];
        let mut visitor = world.visitor_with(&headers).await.unwrap();
        let _daemon = world.accept().await;
        visitor.says("NICK anna").await;
        visitor.says("USER a 0 * :a").await;
        let WebEvent::Opened { page, language, .. } = world.event().await else { panic!("not opened") };
        assert_eq!(page.as_deref(), Some("https://www.example.com"));
        assert_eq!(language.as_deref(), expected, "{languages}");
        drop(visitor);
        assert!(matches!(world.event().await, WebEvent::Closed { .. }));
    }
}

#[tokio::test]
async fn only_our_names_and_pages_get_in() {
    let world = World::start().await;
    let status = |result: Result<Visitor, tungstenite::Error>| match result {
        Ok(_) => 101,
        Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
        Err(other) => panic!("{other}"),
    };
    let own = format!("http://{}", world.address);
    for (headers, code) in [
        (vec![], 101),
        (vec![("origin", own.as_str())], 101),
        (vec![("origin", "https://www.example.com")], 101),
        (vec![("origin", "https://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("host", "evil.example")], 421),
        (vec![("host", "evil.example"), ("origin", "http://evil.example")], 421),
    ] {
        assert_eq!(status(world.visitor_with(&headers).await), code, "{headers:?}");
    }
    let answer = world.get(world.address, "/healthz", "evil.example").await;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    let answer = world.http(world.address, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 400 ") || answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn health_is_for_everybody_and_reasons_are_not() {
    let world = World::start().await;
    let answer = world.get(world.address, "/healthz", "localhost").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("x-content-type-options: nosniff"),
        "{answer}"
    );
    let down = SideStatus::Down("wrong password".into());
    world.status.send_replace(Status { irc: SideStatus::Up, oscar: down });
    let answer = world.get(world.address, "/readyz", "localhost").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && !answer.contains("password"), "{answer}");
    let answer = world.get(world.metrics, "/readyz", "localhost").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("oscar: wrong password"), "{answer}");
    world.status.send_replace(Status { irc: SideStatus::Up, oscar: SideStatus::Up });
    assert!(world.get(world.address, "/readyz", "localhost").await.starts_with("HTTP/1.1 200 "));
    let answer = world.get(world.metrics, "/metrics", "localhost").await;
    assert!(
        answer.contains("\nbridgebot_ready 1\n") && answer.contains("# TYPE bridgebot_web_connections gauge")
    );
    assert!(world.get(world.address, "/metrics", "localhost").await.starts_with("HTTP/1.1 404 "));
    let post = "POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(world.http(world.address, post).await.starts_with("HTTP/1.1 405 "));
}

#[tokio::test]
async fn what_is_too_long_or_too_fast_is_refused_with_words() {
    let mut world = World::start().await;
    let (mut visitor, mut daemon, _) = world.registered(TOKEN, "anna").await;
    for number in 0..6 {
        visitor.says(&format!("@+bridgebot/id=n{number} PRIVMSG bridgebot :{number}")).await;
    }
    for number in 0..5 {
        daemon.until(&format!("@+bridgebot/id=n{number} PRIVMSG bridgebot :{number}")).await;
    }
    visitor.until("@+bridgebot/kind=slow-down :gateway NOTICE anna :Please").await;
    visitor
        .until("@+bridgebot/id=n5;+bridgebot/state=failed;+bridgebot/reason=too\\sfast :gateway TAGMSG anna")
        .await;
    visitor.says(&format!("@+bridgebot/id=l PRIVMSG bridgebot :{}", "x".repeat(400))).await;
    visitor.until(":gateway 417 anna :Input line was too long").await;
    visitor.until("@+bridgebot/id=l;+bridgebot/state=failed;").await;
    visitor.says(&format!("PRIVMSG bridgebot :{}", "x".repeat(500))).await;
    visitor.until("ERROR :Closing Link: anna (a message too long)").await;
    assert_eq!(visitor.closed().await.0, 1009);
    // And what the WebSocket itself does not take.
    let (mut visitor, _daemon, _) = world.registered("0123456789012345678901", "bob").await;
    visitor.says(&"x".repeat(100_000)).await;
    assert_eq!(visitor.closed().await.0, 1009);
    // Bytes that are no text, in a frame that says it is; and a frame that is none.
    for (frame, code) in
        [([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe], 1007), ([0xff, 0x82, 0, 0, 0, 0, 1, 1], 1002)]
    {
        let mut visitor = world.visitor().await;
        let _daemon = world.accept().await;
        visitor.0.get_mut().write_all(&frame).await.unwrap();
        assert_eq!(visitor.closed().await.0, code);
    }
}

#[tokio::test]
async fn an_address_has_its_share() {
    let world = World::with(|config| {
        config.limits = Limits { per_address: 2, connects_a_minute: 3, ..Limits::default() };
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let from = async |address: &str| world.visitor_with(&[("x-forwarded-for", address)]).await.unwrap();
    let (mut first, _second) = (from("2001:db8::1").await, from("9.9.9.9, 2001:db8::2").await);
    first.says("SESSION short").await;
    first.until(":gateway FAIL SESSION INVALID_TOKEN :").await;
    let mut third = from("2001:db8::3").await;
    third.until("ERROR :Closing Link: (too many connections from your address)").await;
    assert_eq!(third.closed().await, (1008, "too many connections from your address".into()));
    let mut other = from("2001:db8:0:1::1").await;
    other.says("JOIN #x").await;
    other.until(":gateway 421 * JOIN :").await;
}

#[tokio::test]
async fn a_daemon_that_is_away_or_goes_away_is_said_so() {
    let mut world = World::with(|config| config.daemon.port = 1).await;
    let mut visitor = world.visitor().await;
    visitor.until("ERROR :Closing Link: * (the IRC daemon is away, come back later)").await;
    assert_eq!(visitor.closed().await.0, 1013);
    world.stop.cancel();
    timeout(SOON, world.task).await.expect("stops in time").unwrap();
    world = World::start().await;
    let (mut visitor, daemon, _) = world.registered(TOKEN, "anna").await;
    drop(daemon);
    visitor.until("ERROR :Closing Link: anna (the IRC daemon is away").await;
    assert_eq!(visitor.closed().await.0, 1013);
}

#[tokio::test]
async fn a_stop_tells_visitors_and_ends_in_time() {
    let mut world = World::start().await;
    let (mut visitor, mut daemon, _) = world.registered(TOKEN, "anna").await;
    world.stop.cancel();
    visitor.until("ERROR :Closing Link: anna (the server stops)").await;
    assert_eq!(visitor.closed().await.0, 1001);
    daemon.until("QUIT").await;
    drop(visitor);
    assert!(matches!(world.event().await, WebEvent::Closed { .. }));
    timeout(SOON, world.task).await.expect("stops in time").unwrap();
}

#[tokio::test]
async fn the_bot_may_go_and_come_back_under_another_nick() {
    let mut world = World::start().await;
    let (mut visitor, mut daemon, _) = world.registered(TOKEN, "anna").await;
    visitor.says("MONITOR + bridgebot").await;
    visitor.until(":gateway 730 anna :bridgebot").await;
    world.bot.send_replace(None);
    visitor.until(":gateway 731 anna :bridgebot").await;
    visitor.says("PRIVMSG bridgebot :anybody?").await;
    visitor.until(":gateway 401 anna bridgebot :No such nick/channel").await;
    // Whoever has the nick meanwhile is not the bot.
    daemon.says(":bridgebot!evil@h PRIVMSG anna :give me your password").await;
    world.bot.send_replace(Some("bridgebot_".into()));
    visitor.until(":gateway NOTE SESSION READY bridgebot_ ").await;
    visitor.until(":gateway 730 anna :bridgebot_").await;
    visitor.says("PRIVMSG bridgebot :there you are").await;
    daemon.until("PRIVMSG bridgebot_ :there you are").await;
}

#[tokio::test]
async fn webirc_comes_first_and_bytes_that_are_no_text_are_mended() {
    let mut world = World::with(|config| config.webirc_password = Some(program::Secret::new("pw"))).await;
    let mut visitor = world
        .visitor_with(&[("sec-websocket-protocol", "x, binary.ircv3.net, text.ircv3.net")])
        .await
        .unwrap();
    let mut daemon = world.accept().await;
    let introduced = daemon.until("WEBIRC pw ").await;
    visitor.0.send(Message::binary(b"NICK anna".as_slice())).await.unwrap();
    daemon.until("NICK anna").await;
    daemon.0.get_mut().write_all(b":irc.test NOTICE * :caf\xe9\r\n").await.unwrap();
    assert_eq!(visitor.message().await, Message::binary(":irc.test NOTICE * :café".as_bytes()));
    visitor.says("USER a b c :d").await;
    assert!(
        matches!(world.event().await, WebEvent::Opened { session, .. } if session.0.starts_with("anonymous-"))
    );
    let line = daemon.until("USER v").await;
    let user = line.split(' ').nth(1).unwrap();
    assert_eq!(introduced, format!("WEBIRC pw {user} 127.0.0.1 127.0.0.1"));
}

#[tokio::test]
async fn a_visitor_who_does_not_read_holds_up_only_the_own_line() {
    let mut world = World::start().await;
    let (slow, mut daemon, _) = world.registered(TOKEN, "anna").await;
    let (mut other, mut other_daemon, _) = world.registered("0123456789012345678901", "bob").await;
    let text = format!(":bridgebot!b@h PRIVMSG anna :{}\r\n", "x".repeat(400));
    // The daemon can't get rid of unbounded amounts: sockets and queues fill, then nothing more is taken.
    let full = async {
        loop {
            if timeout(Duration::from_millis(500), daemon.0.get_mut().write_all(text.as_bytes()))
                .await
                .is_err()
            {
                break;
            }
        }
    };
    timeout(SOON, full).await.expect("a bound");
    other.says("PRIVMSG bridgebot :unharmed").await;
    other_daemon.until("PRIVMSG bridgebot :unharmed").await;
    drop(slow);
}
