//! What a test of an AIM client looks like: accounts, something that goes wrong, time that the test moves, and a look at
//! what came over the wire. The client here is `oscar-im`'s; yours connects to `server.address()` the same way.
//!
//! `cargo run -p oscar-mock --example a_client_under_test`

use std::error::Error;
use std::time::Duration;

use oscar_im::foodgroup::oservice::rate_code;
use oscar_im::net::{self, Client};
use oscar_im::session::Event;
use oscar_im::sign_on::{Credentials, RefusalCode, SignOnError};
use oscar_im::{ScreenName, foodgroup::ErrorCode};
use oscar_mock::clock::Clock;
use oscar_mock::faults::{Action, Fault};
use oscar_mock::journal::{Delivery, Pattern};
use oscar_mock::{Running, Server};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(10);

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    // Each on a port of its own, so that tests run side by side. It stops when it is dropped.
    let server = Server::builder()
        .account("staff1", "demo")
        .account_with_buddies("bridgebot", "pass1word", &["staff1"])
        .clock(Clock::manual())
        .start()
        .await?;
    a_suspended_account_is_told_as_such(&server).await?;
    let mut bot = sign_on(&server, "bridgebot", "pass1word").await?;
    let _staff = sign_on(&server, "staff1", "demo").await?;
    a_lost_message_is_noticed(&server, &mut bot).await?;
    a_receiver_who_is_away_is_told(&server, &mut bot).await?;
    a_limit_is_kept_to_and_ends(&server, &mut bot).await
}

async fn a_suspended_account_is_told_as_such(server: &Running) -> Outcome {
    let suspended = Fault::new(Action::RefuseSignOn { code: 0x11 }).of("bridgebot").times(1);
    server.set_fault(suspended).await?;
    match net::connect(&config(server, "bridgebot", "pass1word")).await {
        Err(net::ConnectError::SignOn(SignOnError::Refused(refusal))) => {
            assert_eq!(refusal.code, RefusalCode::Suspended);
        }
        other => return Err(format!("a suspended account: {other:?}").into()),
    }
    Ok(())
}

/// The server says that it has taken a message and loses it; another time it takes one and says nothing.
async fn a_lost_message_is_noticed(server: &Running, bot: &mut Client<TcpStream>) -> Outcome {
    server.set_fault(Fault::new(Action::AcknowledgeAndLose).to("staff1").times(1)).await?;
    server.set_fault(Fault::new(Action::NeverAcknowledge).to("staff1").times(1)).await?;
    bot.send_im(*b"00000001", &"staff1".into(), "lost")?;
    until(bot, |event| matches!(event, Event::ImAcked { .. })).await?;
    bot.send_im(*b"00000002", &"staff1".into(), "unacknowledged")?;
    until(bot, |event| matches!(event, Event::NoAcknowledgement { .. })).await?;

    // The journal has what went over the wire, the messages what became of them.
    let journal = server.journal().await?;
    let (sent, acked) =
        (Pattern::snac(0x04, 0x06).from("bridgebot"), Pattern::snac(0x04, 0x0c).to("bridgebot"));
    journal.assert_seen(2, &sent);
    journal.assert_order(&[sent.clone(), acked.clone(), sent]);
    journal.assert_seen(1, &acked);
    assert_eq!(server.messages().await?.first().map(|message| message.delivery), Some(Delivery::Lost));
    server.clear_faults().await?;
    Ok(())
}

async fn a_receiver_who_is_away_is_told(server: &Running, bot: &mut Client<TcpStream>) -> Outcome {
    server.set_fault(Fault::new(Action::Refuse { code: 0x04 }).to("staff1").times(1)).await?;
    bot.send_im(*b"00000003", &"staff1".into(), "hello?")?;
    until(bot, |event| matches!(event, Event::ImRefused { code: ErrorCode::NotLoggedOn, .. })).await
}

/// The server's arithmetic takes half a minute to forgive; the test doesn't.
async fn a_limit_is_kept_to_and_ends(server: &Running, bot: &mut Client<TcpStream>) -> Outcome {
    server.limit_rate("bridgebot", 3).await?;
    server.advance(Duration::from_secs(2)).await?;
    until(bot, |event| matches!(event, Event::RateChanged { class: 3, code: rate_code::LIMITED })).await?;
    assert!(bot.send_im(*b"00000004", &"staff1".into(), "too soon").is_err(), "it holds back by itself");
    server.advance(Duration::from_secs(60)).await?;
    until(bot, |event| matches!(event, Event::RateChanged { class: 3, code: rate_code::CLEAR })).await?;
    server.expect(Pattern::snac(0x01, 0x0a).to("bridgebot"), SOON).await;
    Ok(())
}

fn config(server: &Running, name: &str, password: &str) -> net::Config {
    let address = server.address();
    let credentials = Credentials { screen_name: ScreenName::from(name), password: password.into() };
    let mut config = net::Config::new(address.ip().to_string(), address.port(), credentials);
    // As this client waits by the machine's clock, its patience is made short.
    config.session.ack_deadline = Duration::from_millis(200);
    config
}

async fn sign_on(server: &Running, name: &str, password: &str) -> Outcome<Client<TcpStream>> {
    let mut client = net::connect(&config(server, name, password)).await?;
    until(&mut client, |event| matches!(event, Event::SignedOn { .. })).await?;
    // It is there for others as soon as the server has read its 01/02, which the client may still have to write.
    tokio::select! {
        _ = server.expect(Pattern::snac(0x01, 0x02).from(name), SOON) => {}
        ended = until(&mut client, |_| false) => ended?,
    }
    Ok(client)
}

async fn until(client: &mut Client<TcpStream>, wanted: impl Fn(&Event) -> bool) -> Outcome {
    let search = async {
        loop {
            match client.event().await {
                event if wanted(&event) => return Ok(()),
                Event::Closed(reason) => return Err(reason.to_string()),
                _ => {}
            }
        }
    };
    Ok(tokio::time::timeout(SOON, search).await??)
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::main().expect("the example holds");
    }
}
