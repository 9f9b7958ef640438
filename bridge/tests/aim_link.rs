//! The OSCAR link against the server double: credits, messages both ways, presence, coming back, giving way.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::net::SocketAddr;
use std::time::Duration;

use bridge::aim::event::{AccountId, AimCommand, AimEvent, ImCookie, ImRefusal, Presence};
use bridge::aim::link::{self, LinkChannels, LinkConfig};
use bridge::backoff::Backoff;
use bridge::connect::Endpoint;
use oscar_im::ScreenName;
use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use oscar_mock::Server;
use oscar_mock::config::Rates;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const ACCOUNT: AccountId = AccountId(0);

struct Bridge {
    events: mpsc::Receiver<(AccountId, AimEvent)>,
    commands: mpsc::Sender<AimCommand>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Bridge {
    fn start(server: &oscar_mock::Running) -> Self {
        Self::start_at(server.address(), |_| {})
    }

    fn start_at(address: SocketAddr, change: impl FnOnce(&mut LinkConfig)) -> Self {
        let endpoint = Endpoint { host: address.ip().to_string(), port: address.port(), tls: None };
        let quick = Backoff {
            first: Duration::from_millis(20),
            longest: Duration::from_millis(20),
            settled: Duration::from_secs(60),
        };
        let mut config =
            LinkConfig::new(ACCOUNT, endpoint, "bridgebot".into(), program::Secret::new("pass1word"));
        config.backoff = quick;
        config.patience = quick;
        change(&mut config);
        let (to_hub, events) = mpsc::channel(256);
        let (commands, from_hub) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let channels = LinkChannels { events: to_hub, commands: from_hub };
        let task = tokio::spawn(link::run(config, channels, stop.clone()));
        Self { events, commands, stop, task }
    }

    /// The next event that `wanted` takes; others are left out.
    async fn until<T>(&mut self, wanted: impl Fn(&AimEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                let (account, event) = self.events.recv().await.expect("the link lives");
                assert_eq!(account, ACCOUNT);
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        timeout(Duration::from_secs(10), search).await.expect("in time")
    }

    async fn send(&self, number: u8, to: &str, text: &str) {
        let cookie = ImCookie([number; 8]);
        self.commands.send(AimCommand::Send { cookie, to: to.into(), text: text.into() }).await.unwrap();
    }
}

async fn server(rates: Rates) -> oscar_mock::Running {
    Server::builder()
        .account("bridgebot", "pass1word")
        .account("staff1", "demo")
        .rates(rates)
        .start()
        .await
        .unwrap()
}

/// A staff member's client, kept going by a task of its own.
struct Staff {
    heard: mpsc::Receiver<String>,
    say: mpsc::Sender<&'static str>,
}

async fn staff(server: &oscar_mock::Running, name: &str, password: &str) -> Staff {
    let credentials = Credentials { screen_name: ScreenName::from(name), password: password.into() };
    let address = server.address();
    let config = net::Config::new(address.ip().to_string(), address.port(), credentials);
    let mut client = net::connect(&config).await.unwrap();
    while !matches!(client.event().await, Event::SignedOn { .. }) {}
    let (to_test, heard) = mpsc::channel(16);
    let (say, mut to_say) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                event = client.event() => match event {
                    Event::ImReceived(im) => to_test.send(im.text).await.unwrap(),
                    Event::Closed(_) => return,
                    _ => {}
                },
                text = to_say.recv() => match text {
                    Some(text) => client.send_im([9; 8], &"bridgebot".into(), text).unwrap(),
                    None => return,
                },
            }
        }
    });
    Staff { heard, say }
}

fn signed_on(event: &AimEvent) -> Option<()> {
    matches!(event, AimEvent::SignedOn { .. }).then_some(())
}

#[tokio::test]
async fn messages_go_both_ways_with_credits_and_acknowledgements() {
    let server = server(Rates::None).await;
    let mut bridge = Bridge::start(&server);
    bridge.commands.send(AimCommand::Watch(vec!["staff1".into()])).await.unwrap();
    bridge.until(signed_on).await;
    let credits =
        bridge.until(|event| if let AimEvent::Credits(count) = event { Some(*count) } else { None }).await;
    assert!(credits >= 16, "no limits, no shortage: {credits}");

    bridge.send(1, "staff1", "nobody here yet").await;
    let refused = bridge
        .until(|event| {
            if let AimEvent::Refused { cookie, refusal } = event {
                Some((*cookie, refusal.clone()))
            } else {
                None
            }
        })
        .await;
    assert_eq!(refused, (ImCookie([1; 8]), ImRefusal::NotSignedOn));

    let mut staff = staff(&server, "Staff 1", "demo").await;
    let who = bridge
        .until(|event| match event {
            AimEvent::Presence { who, presence: Presence::Online } => Some(who.clone()),
            _ => None,
        })
        .await;
    assert_eq!(who, "staff1".into());
    bridge.send(2, "staff1", "anna: <b>1 < 2</b>\nanna: bye").await;
    assert_eq!(
        timeout(Duration::from_secs(10), staff.heard.recv()).await.unwrap().unwrap(),
        "anna: <b>1 < 2</b>\nanna: bye"
    );
    bridge.until(|event| (*event == AimEvent::Acked { cookie: ImCookie([2; 8]) }).then_some(())).await;

    staff.say.send("anna: hello é 😀").await.unwrap();
    let heard = bridge
        .until(|event| match event {
            AimEvent::Im { from, text, auto, offline, .. } => {
                Some((from.clone(), text.clone(), *auto, *offline))
            }
            _ => None,
        })
        .await;
    assert_eq!(heard, ("staff1".into(), "anna: hello é 😀".to_owned(), false, false));
    bridge.stop.cancel();
    timeout(Duration::from_secs(5), bridge.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn stock_limits_give_seven_credits_and_no_more_at_once() {
    let server = server(Rates::Stock).await;
    let mut bridge = Bridge::start(&server);
    bridge.until(signed_on).await;
    let credits =
        bridge.until(|event| if let AimEvent::Credits(count) = event { Some(*count) } else { None }).await;
    assert_eq!(credits, 7);
}

#[tokio::test]
async fn a_lost_session_is_told_and_comes_back() {
    let server = server(Rates::None).await;
    let mut bridge = Bridge::start(&server);
    bridge.until(signed_on).await;
    server.disconnect("bridgebot").await.unwrap();
    bridge.until(|event| matches!(event, AimEvent::Lost { .. }).then_some(())).await;
    bridge.until(signed_on).await;
}

#[tokio::test]
async fn a_server_that_hangs_up_without_an_answer_has_refused_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let never = Duration::from_secs(3600);
    let _bridge = Bridge::start_at(listener.local_addr().unwrap(), |config| {
        config.patience = Backoff { first: never, longest: never, settled: never };
    });
    for _ in 0..4 {
        drop(timeout(Duration::from_secs(10), listener.accept()).await.expect("another try").unwrap());
    }
}

#[tokio::test]
async fn a_session_that_the_server_moves_is_followed_and_nothing_said_meanwhile_is_lost() {
    let server = server(Rates::None).await;
    let mut bridge = Bridge::start(&server);
    bridge.until(signed_on).await;
    let staff = staff(&server, "Staff 1", "demo").await;
    assert!(server.migrate("bridgebot").await.unwrap());
    staff.say.send("anna: hello").await.unwrap();
    bridge.until(|event| matches!(event, AimEvent::Lost { .. }).then_some(())).await;
    bridge.until(signed_on).await;
    let heard = bridge
        .until(|event| match event {
            AimEvent::Im { text, offline, .. } => Some((text.clone(), *offline)),
            _ => None,
        })
        .await;
    assert_eq!(heard, ("anna: hello".to_owned(), false));
}
