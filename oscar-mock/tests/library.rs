//! The double as tests use it: started at once, asked what it saw, told what to break, stopped by dropping it.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::time::Duration;

use common::{Client, im, snac};
use oscar_im::foodgroup::bucp::{LoginResponse, tlv};
use oscar_im::foodgroup::icbm;
use oscar_im::foodgroup::oservice::{ClientOnline, RateParamChange, rate_code};
use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use oscar_im::wire::Tlvs;
use oscar_mock::clock::Clock;
use oscar_mock::config::AccountConfig;
use oscar_mock::faults::{Action, Fault};
use oscar_mock::journal::{Delivery, Pattern};
use oscar_mock::{Running, Server};
use tokio::net::TcpStream;

async fn town() -> Running {
    Server::builder().account("Anna", "pass1word").account("Bert", "pass1word").start().await.unwrap()
}

#[tokio::test]
async fn what_was_said_can_be_asked() {
    let server = town().await;
    let (mut anna, mut bert) =
        (Client::sign_on(&server, "Anna").await, Client::sign_on(&server, "Bert").await);
    server.wait_for(Pattern::snac(0x01, 0x02).from("bert")).await.unwrap();
    anna.send(&im("Bert")).await;
    assert_eq!(bert.until::<icbm::ImToClient>().await.unwrap().cookie, [7; 8]);
    anna.until::<icbm::HostAck>().await.unwrap();

    let messages = server.messages().await.unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!((messages[0].text.as_str(), messages[0].delivery), ("hello", Delivery::Delivered));
    let journal = server.journal().await.unwrap();
    journal.assert_seen(1, &Pattern::snac(0x04, 0x06).from("Anna"));
    journal.assert_seen(1, &Pattern::snac(0x04, 0x0c).to("Anna"));
    journal.assert_seen(0, &Pattern::snac(0x04, 0x0c).to("Bert"));
    journal.assert_order(&[
        Pattern::snac(0x01, 0x02).from("Bert"),
        Pattern::snac(0x04, 0x06).from("Anna"),
        Pattern::snac(0x04, 0x07).to("Bert"),
        Pattern::snac(0x04, 0x0c).to("Anna"),
    ]);
    assert_eq!(server.sessions().await.unwrap().len(), 2);
}

#[tokio::test]
#[should_panic(expected = "#1 ? → channel")]
async fn a_failed_assertion_shows_what_came_instead() {
    let server = town().await;
    let _anna = Client::sign_on(&server, "Anna").await;
    server.wait_for(Pattern::snac(0x01, 0x02).from("Anna")).await.unwrap();
    let mut journal = server.journal().await.unwrap();
    journal.0.retain(|entry| entry.direction == oscar_mock::journal::Direction::In);
    journal.0[0].number = 1;
    journal.assert_seen(1, &Pattern::snac(0x04, 0x06));
}

#[tokio::test]
#[should_panic(expected = "no 04/06 from Anna, not within 50ms; there were:\n  #1 ? ← channel 1")]
async fn what_does_not_come_in_time_fails_and_shows_what_came_instead() {
    let server = town().await;
    let _anna = Client::sign_on(&server, "Anna").await;
    server.expect(Pattern::snac(0x01, 0x02).from("Anna"), Duration::from_secs(30)).await;
    server.expect(Pattern::snac(0x04, 0x06).from("Anna"), Duration::from_millis(50)).await;
}

#[tokio::test]
#[should_panic(expected = "after the 1 before it; there were:\n  #1 ? ← channel 1")]
async fn frames_in_another_order_are_shown() {
    let server = town().await;
    let _anna = Client::sign_on(&server, "Anna").await;
    server.wait_for(Pattern::snac(0x01, 0x02).from("Anna")).await.unwrap();
    let patterns = [Pattern::snac(0x01, 0x02).from("Anna"), Pattern::snac(0x01, 0x03).to("Anna")];
    server.journal().await.unwrap().assert_order(&patterns);
}

#[tokio::test]
async fn a_connection_breaks_where_a_fault_says() {
    let server = town().await;
    server.set_fault(Fault::new(Action::Disconnect).of("Anna").after(1)).await.unwrap().unwrap();
    let mut anna = Client::sign_on(&server, "Anna").await;
    for answered in [true, false] {
        anna.send(&im("Anna")).await;
        assert_eq!(anna.until::<icbm::HostAck>().await.is_some(), answered);
    }
    assert_eq!(server.faults().await.unwrap()[0].met, 2);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how long a client's write waits is real time")]
async fn a_client_s_writes_wait_while_the_server_does_not_read() {
    let builder = Server::builder().account("Anna", "pass1word").rates(oscar_mock::config::Rates::None);
    let server = builder.start().await.unwrap();
    let pause = Duration::from_millis(300);
    server.set_fault(Fault::new(Action::StopReading { milliseconds: Some(300) }).times(1)).await.unwrap();
    let mut anna = Client::sign_on(&server, "Anna").await;
    let mut long = im("nobody");
    long.tlvs.push(0x7777, vec![b'x'; 60_000]);
    let began = std::time::Instant::now();
    // More than the network's buffers hold: the last is written only when the server reads again.
    for _ in 0..500 {
        anna.send(&long).await;
    }
    assert!(began.elapsed() >= pause);
    server.wait_for(Pattern::snac(0x04, 0x01).to("Anna")).await.unwrap();
}

#[tokio::test]
async fn a_session_moves_to_another_connection() {
    let server = town().await;
    let mut anna = Client::sign_on(&server, "Anna").await;
    server.wait_for(Pattern::snac(0x01, 0x02).from("Anna")).await.unwrap();
    assert!(server.migrate("Anna").await.unwrap());
    let migrate = anna.until::<oscar_im::foodgroup::oservice::Migrate>().await.unwrap();
    assert_eq!(migrate.tlvs.get(tlv::BOS_ADDRESS).unwrap(), server.address().to_string().as_bytes());
    let cookie = Tlvs::new().with(tlv::COOKIE, migrate.tlvs.get(tlv::COOKIE).unwrap());
    let mut moved = Client::connect(server.address(), cookie).await;
    assert!(anna.until::<icbm::HostAck>().await.is_none(), "the old connection is over");
    moved.send(&ClientOnline::default()).await;
    moved.send(&im("Anna")).await;
    moved.until::<icbm::HostAck>().await.unwrap();
    assert_eq!(server.sessions().await.unwrap()[0].connections, [3]);
}

#[tokio::test]
async fn time_passes_when_the_test_says_so() {
    let server = Server::builder().account("Anna", "pass1word").clock(Clock::manual()).start().await.unwrap();
    let mut waiting = Client::connect(server.address(), Tlvs::new()).await;
    server.wait_for(Pattern { channel: Some(1), ..Pattern::default() }).await.unwrap();
    server.advance(Duration::from_secs(31)).await.unwrap();
    assert!(waiting.until::<LoginResponse>().await.is_none(), "30 s are over");
}

#[tokio::test]
async fn what_falls_due_while_time_is_moved_happens_at_its_time() {
    for clock in [Clock::manual(), Clock::system()] {
        let server = Server::builder().account("Anna", "pass1word").clock(clock).start().await.unwrap();
        let mut anna = Client::sign_on(&server, "Anna").await;
        for _ in 0..8 {
            anna.send(&im("Anna")).await;
        }
        let (before, sent) = (server.clock().now().unix, Pattern::snac(0x04, 0x06).from("Anna"));
        while server.journal().await.unwrap().matching(&sent).count() < 8 {
            server.sessions().await.unwrap();
        }
        // The eighth is limited: it is told after a second, and that it is clear after a rest of 26.4.
        server.advance(Duration::from_secs(60)).await.unwrap();
        for code in [rate_code::LIMITED, rate_code::CLEAR] {
            assert_eq!(anna.until::<RateParamChange>().await.unwrap().code, code);
        }
        assert!(server.clock().now().unix - before >= 60);
        let journal = server.journal().await.unwrap();
        let notices = Pattern::snac(0x01, 0x0a).to("Anna");
        let times: Vec<u32> = journal.matching(&notices).map(|entry| entry.unix).collect();
        assert!((25..=27).contains(&(times[1] - times[0])), "{times:?}");
    }
}

/// The classes that 01/07 announces to a bot are those of everybody; what tells the client is its own user info.
#[tokio::test]
async fn a_bot_is_not_slowed_by_limits_that_are_not_for_it() {
    let bot = AccountConfig { bot: true, ..AccountConfig::new("Anna", "pass1word") };
    let server = Server::builder().configure(|config| config.accounts.push(bot)).start().await.unwrap();
    let address = server.address();
    let credentials = Credentials { screen_name: "Anna".into(), password: "pass1word".into() };
    let config = net::Config::new(address.ip().to_string(), address.port(), credentials);
    let mut client = net::connect(&config).await.unwrap();
    let (mut sent, mut acknowledged) = (0u64, 0);
    let all = async {
        while acknowledged < 100 {
            match client.event().await {
                Event::SignedOn { .. } => {
                    while sent < 100 {
                        sent += 1;
                        client.send_im(sent.to_be_bytes(), &"Anna".into(), "hello").unwrap();
                    }
                }
                Event::ImAcked { .. } => acknowledged += 1,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
}

#[tokio::test]
async fn dropping_it_ends_all_connections_and_frees_the_port() {
    let server = town().await;
    let address = server.address();
    let mut anna = Client::sign_on(&server, "Anna").await;
    server.wait_for(Pattern::snac(0x01, 0x02).from("Anna")).await.unwrap();
    drop(server);
    assert!(anna.until::<icbm::HostAck>().await.is_none());
    // Nobody listens there any more; the port itself may linger in the kernel.
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_the_others_go_on() {
    let server = Server::builder()
        .account("Anna", "pass1word")
        .account("Bert", "pass1word")
        .rates(oscar_mock::config::Rates::None)
        .start()
        .await
        .unwrap();
    let mut anna = Client::sign_on(&server, "Anna").await;
    // Bert signs on and reads nothing from then on.
    let _bert = Client::sign_on(&server, "Bert").await;
    server.wait_for(Pattern::snac(0x01, 0x02).from("Bert")).await.unwrap();
    let mut long = im("Bert");
    long.tlvs.push(0x7777, vec![b'x'; 60_000]);
    // The kernel buffers some megabytes, the server one more; then Bert is gone, and Anna is told so.
    for sent in 1.. {
        anna.send(&long).await;
        let error = loop {
            match snac(&anna.next().await.unwrap()) {
                Some(snac) if u16::from(snac.group) == 0x04 => break snac.subgroup == 0x01,
                _ => {}
            }
        };
        if error {
            break;
        }
        assert!(sent < 1000, "60 MB went somewhere");
    }
    assert_eq!(server.sessions().await.unwrap().len(), 1);
}
