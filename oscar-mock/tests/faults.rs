//! Each fault over a socket, and each set in three ways: from code, in TOML and by HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{Client, im, snac};
use oscar_im::foodgroup::SnacError;
use oscar_im::foodgroup::bucp::{ChallengeRequest, LoginRequest, LoginResponse, tlv};
use oscar_im::foodgroup::icbm::{HostAck, ImToClient};
use oscar_im::foodgroup::oservice::{
    Migrate, OwnUserInfo, RateParamChange, ServiceRequest, UserInfoQuery, rate_code,
};
use oscar_im::wire::{FlapChannel, Frame, Tlvs, Wire};
use oscar_mock::clock::Clock;
use oscar_mock::faults::{Action, Fault};
use oscar_mock::journal::{Direction, Pattern};
use oscar_mock::{Running, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Plays a scene on three servers, each with the fault set in another way. `written` is the same in JSON.
async fn in_each_way(fault: Fault, written: Value, scene: impl AsyncFn(&Running)) {
    let by_code = Server::builder()
        .account("Anna", "pass1word")
        .account("Bert", "pass1word")
        .clock(Clock::manual())
        .fault(fault)
        .start()
        .await
        .unwrap();
    scene(&by_code).await;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mock.toml");
    std::fs::write(&path, toml(&written)).unwrap();
    scene(&Server::builder_from(&path).unwrap().start().await.unwrap()).await;

    let by_http = Server::builder()
        .account("Anna", "pass1word")
        .account("Bert", "pass1word")
        .clock(Clock::manual())
        .configure(|config| config.control = Some(SocketAddr::from(([127, 0, 0, 1], 0))))
        .start()
        .await
        .unwrap();
    post(by_http.control_address().unwrap(), "/faults", &written).await;
    scene(&by_http).await;
}

/// A configuration with a fault in it. Its values are written in TOML as in JSON.
fn toml(fault: &Value) -> String {
    let mut text = "clock = 'manual'\n".to_owned();
    for name in ["Anna", "Bert"] {
        text.extend(["[[account]]\nname = '", name, "'\npassword = 'pass1word'\n"]);
    }
    text.push_str("[[fault]]\n");
    for (key, value) in fault.as_object().unwrap() {
        text.extend([key, " = ", &value.to_string(), "\n"]);
    }
    text
}

async fn post(control: SocketAddr, path: &str, body: &Value) {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {control}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(control).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

/// Anna and Bert, signed on.
async fn two(server: &Running) -> (Client, Client) {
    let both = (Client::sign_on(server, "Anna").await, Client::sign_on(server, "Bert").await);
    for name in ["Anna", "Bert"] {
        server.wait_for(Pattern::snac(0x01, 0x02).from(name)).await.unwrap();
    }
    both
}

/// Whether a message to Bert is acknowledged, and whether it reaches him; each asks the server something after it.
async fn says(anna: &mut Client, bert: &mut Client) -> (bool, bool) {
    anna.send(&im("Bert")).await;
    let acknowledged = comes_before_an_answer::<HostAck>(anna).await;
    (acknowledged, comes_before_an_answer::<ImToClient>(bert).await)
}

async fn comes_before_an_answer<B: oscar_im::foodgroup::SnacBody>(client: &mut Client) -> bool {
    client.send(&UserInfoQuery {}).await;
    let mut came = false;
    loop {
        let Some(snac) = snac(&client.next().await.unwrap()) else { continue };
        came |= snac.body_as::<B>().is_some();
        if snac.body_as::<OwnUserInfo>().is_some() {
            return came;
        }
    }
}

#[tokio::test]
async fn refuse_sign_on() {
    let fault = Fault::new(Action::RefuseSignOn { code: 0x11 }).of("Anna").times(1);
    let written = json!({ "action": "refuse_sign_on", "code": 0x11, "screen_name": "Anna", "times": 1 });
    in_each_way(fault, written, async |server| {
        let mut authorizer = Client::connect(server.address(), Tlvs::new()).await;
        let tlvs = Tlvs::new().with(tlv::SCREEN_NAME, "Anna");
        authorizer.send(&ChallengeRequest { tlvs: tlvs.clone() }).await;
        authorizer.send(&LoginRequest { tlvs: tlvs.with(tlv::PASSWORD_HASH, [0; 16]) }).await;
        let answer: LoginResponse = authorizer.until().await.unwrap();
        assert_eq!(answer.tlvs.u16(tlv::ERROR), Some(0x11));
        two(server).await;
    })
    .await;
}

#[tokio::test]
async fn refuse_messages_to_one_receiver_with_a_code() {
    let fault = Fault::new(Action::Refuse { code: 0x12 }).to("Bert");
    in_each_way(fault, json!({ "action": "refuse", "code": 0x12, "to": "Bert" }), async |server| {
        let (mut anna, mut bert) = two(server).await;
        anna.send(&im("Bert")).await;
        let error = loop {
            let Some(snac) = snac(&anna.next().await.unwrap()) else { continue };
            if (u16::from(snac.group), snac.subgroup) == (0x04, 0x01) {
                break SnacError::from_bytes(&snac.body).unwrap();
            }
        };
        assert_eq!(error.code, 0x12);
        assert!(!comes_before_an_answer::<ImToClient>(&mut bert).await);
        anna.send(&im("Anna")).await;
        anna.until::<HostAck>().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn refuse_a_service() {
    let fault = Fault::new(Action::Refuse { code: 5 }).snac(0x01, 0x04);
    let written = json!({ "action": "refuse", "code": 5, "group": 1, "subgroup": 4 });
    in_each_way(fault, written, async |server| {
        let (mut anna, _bert) = two(server).await;
        anna.send(&ServiceRequest { group: 0x0d.into(), tlvs: Tlvs::new() }).await;
        server.wait_for(Pattern::snac(0x01, 0x01).to("Anna")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn never_acknowledge() {
    let fault = Fault::new(Action::NeverAcknowledge).of("Anna").after(1).times(1);
    let written = json!({ "action": "never_acknowledge", "screen_name": "Anna", "after": 1, "times": 1 });
    in_each_way(fault, written, async |server| {
        let (mut anna, mut bert) = two(server).await;
        for acknowledged in [true, false, true] {
            assert_eq!(says(&mut anna, &mut bert).await, (acknowledged, true));
        }
    })
    .await;
}

#[tokio::test]
async fn acknowledge_and_lose() {
    let fault = Fault::new(Action::AcknowledgeAndLose).times(1);
    in_each_way(fault, json!({ "action": "acknowledge_and_lose", "times": 1 }), async |server| {
        let (mut anna, mut bert) = two(server).await;
        assert_eq!(says(&mut anna, &mut bert).await, (true, false));
        assert_eq!(says(&mut anna, &mut bert).await, (true, true));
    })
    .await;
}

#[tokio::test]
async fn disconnect_at_the_third_message() {
    let fault = Fault::new(Action::Disconnect).of("Anna").after(2);
    let written = json!({ "action": "disconnect", "screen_name": "Anna", "after": 2 });
    in_each_way(fault, written, async |server| {
        let (mut anna, mut bert) = two(server).await;
        for _ in 0..2 {
            assert_eq!(says(&mut anna, &mut bert).await, (true, true));
        }
        anna.send(&im("Bert")).await;
        assert!(anna.until::<HostAck>().await.is_none());
        assert!(!comes_before_an_answer::<ImToClient>(&mut bert).await);
    })
    .await;
}

#[tokio::test]
async fn refuse_connections() {
    let fault = Fault::new(Action::Disconnect).going(Direction::Out);
    let fault = Fault { channel: Some(1), ..fault };
    let written = json!({ "action": "disconnect", "direction": "out", "channel": 1 });
    in_each_way(fault, written, async |server| {
        let mut client =
            Client { stream: TcpStream::connect(server.address()).await.unwrap(), buffer: vec![] };
        assert!(client.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn sign_on_elsewhere() {
    let fault = Fault::new(Action::SignOnElsewhere).of("Anna");
    in_each_way(fault, json!({ "action": "sign_on_elsewhere", "screen_name": "Anna" }), async |server| {
        let (mut anna, _bert) = two(server).await;
        anna.send(&im("Bert")).await;
        let goodbye = loop {
            let frame = anna.next().await.unwrap();
            if frame.channel == FlapChannel::SignOff {
                break Tlvs::from_bytes(&frame.payload).unwrap();
            }
        };
        assert_eq!(goodbye.u16(tlv::DISCONNECT_REASON), Some(1));
        assert!(anna.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn migrate() {
    let fault = Fault::new(Action::Migrate).times(1);
    in_each_way(fault, json!({ "action": "migrate", "times": 1 }), async |server| {
        let (mut anna, _bert) = two(server).await;
        anna.send(&im("Bert")).await;
        anna.until::<HostAck>().await.unwrap();
        let order: Migrate = anna.until().await.unwrap();
        let cookie = Tlvs::new().with(tlv::COOKIE, order.tlvs.get(tlv::COOKIE).unwrap());
        let mut moved = Client::connect(server.address(), cookie).await;
        moved.send(&oscar_im::foodgroup::oservice::ClientOnline::default()).await;
        moved.send(&im("Bert")).await;
        moved.until::<HostAck>().await.unwrap();
        assert!(anna.until::<HostAck>().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn rate_limit_by_the_true_arithmetic() {
    let fault = Fault::new(Action::RateLimit).of("Anna").times(1);
    let written = json!({ "action": "rate_limit", "screen_name": "Anna", "times": 1 });
    in_each_way(fault, written, async |server| {
        let (mut anna, mut bert) = two(server).await;
        assert_eq!(says(&mut anna, &mut bert).await, (false, false));
        server.advance(Duration::from_secs(1)).await.unwrap();
        assert_eq!(anna.until::<RateParamChange>().await.unwrap().code, rate_code::LIMITED);
        // From 3,999 it takes 26 s to 5,100: (3999 × 19 + Δ) ÷ 20.
        server.advance(Duration::from_secs(25)).await.unwrap();
        assert!(!comes_before_an_answer::<RateParamChange>(&mut anna).await);
        server.advance(Duration::from_secs(2)).await.unwrap();
        assert_eq!(anna.until::<RateParamChange>().await.unwrap().code, rate_code::CLEAR);
        assert_eq!(says(&mut anna, &mut bert).await, (true, true));
    })
    .await;
}

#[tokio::test]
async fn stop_reading_for_a_while() {
    let fault = Fault::new(Action::StopReading { milliseconds: Some(2500) }).of("Anna").times(1);
    let written =
        json!({ "action": "stop_reading", "milliseconds": 2500, "screen_name": "Anna", "times": 1 });
    in_each_way(fault, written, async |server| {
        let (mut anna, mut bert) = two(server).await;
        anna.send(&im("Bert")).await;
        server.wait_for(Pattern::snac(0x04, 0x06).from("Anna")).await.unwrap();
        server.advance(Duration::from_secs(2)).await.unwrap();
        assert!(!comes_before_an_answer::<ImToClient>(&mut bert).await);
        server.advance(Duration::from_secs(1)).await.unwrap();
        assert!(comes_before_an_answer::<ImToClient>(&mut bert).await);
        anna.until::<HostAck>().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn hold_until_the_faults_are_cleared() {
    let fault = Fault::new(Action::Hold).of("Bert").snac(0x04, 0x07);
    let written = json!({ "action": "hold", "screen_name": "Bert", "group": 4, "subgroup": 7 });
    in_each_way(fault, written, async |server| {
        let (mut anna, mut bert) = two(server).await;
        anna.send(&im("Bert")).await;
        anna.until::<HostAck>().await.unwrap();
        server.advance(Duration::from_secs(3600)).await.unwrap();
        server.journal().await.unwrap().assert_seen(0, &Pattern::snac(0x04, 0x07));
        server.clear_faults().await.unwrap();
        bert.until::<ImToClient>().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn drop_on_the_way_to_one_receiver() {
    let fault = Fault::new(Action::Drop).to("Bert").times(1);
    in_each_way(fault, json!({ "action": "drop", "to": "Bert", "times": 1 }), async |server| {
        let (mut anna, mut bert) = two(server).await;
        assert_eq!(says(&mut anna, &mut bert).await, (true, false));
        assert_eq!(says(&mut anna, &mut bert).await, (true, true));
    })
    .await;
}

#[tokio::test]
async fn drop_on_the_way_in() {
    let fault = Fault::new(Action::Drop).going(Direction::In).to("Bert").times(1);
    let written = json!({ "action": "drop", "direction": "in", "to": "Bert", "times": 1 });
    in_each_way(fault, written, async |server| {
        let (mut anna, mut bert) = two(server).await;
        assert_eq!(says(&mut anna, &mut bert).await, (false, false));
        assert_eq!(says(&mut anna, &mut bert).await, (true, true));
    })
    .await;
}

#[tokio::test]
async fn delay() {
    let fault = Fault::new(Action::Delay { milliseconds: 1500 }).of("Anna").snac(0x04, 0x0c).times(1);
    let written = json!({
        "action": "delay", "milliseconds": 1500, "screen_name": "Anna", "group": 4, "subgroup": 0x0c, "times": 1
    });
    in_each_way(fault, written, async |server| {
        let (mut anna, mut bert) = two(server).await;
        anna.send(&im("Bert")).await;
        bert.until::<ImToClient>().await.unwrap();
        server.advance(Duration::from_millis(1400)).await.unwrap();
        server.journal().await.unwrap().assert_seen(0, &Pattern::snac(0x04, 0x0c));
        server.advance(Duration::from_millis(100)).await.unwrap();
        anna.until::<HostAck>().await.unwrap();
    })
    .await;
}

/// The bytes of the first answer to 01/0E that came to Anna, and whether the connection ended in the midst of them.
async fn answer_in_bytes(server: &Running) -> (Vec<u8>, bool) {
    let (mut anna, _bert) = two(server).await;
    // Whatever comes unasked after the sign-on has come before this is answered.
    anna.send(&ServiceRequest { group: 0x0d.into(), tlvs: Tlvs::new() }).await;
    while snac(&anna.next().await.unwrap()).is_none_or(|snac| snac.subgroup != 0x05) {}
    anna.send(&UserInfoQuery {}).await;
    while anna.buffer.len() < 6
        || anna.buffer.len() < 6 + usize::from(u16::from_be_bytes([anna.buffer[4], anna.buffer[5]]))
    {
        if anna.more().await == 0 {
            return (anna.buffer, true);
        }
    }
    (anna.buffer, false)
}

#[tokio::test]
async fn truncate() {
    let fault = Fault::new(Action::Truncate { bytes: 9 }).snac(0x01, 0x0f);
    let written = json!({ "action": "truncate", "bytes": 9, "group": 1, "subgroup": 15 });
    in_each_way(fault, written, async |server| {
        let (bytes, ended) = answer_in_bytes(server).await;
        assert!(ended && bytes.len() == 9 && bytes.starts_with(&[0x2a, 2]), "{bytes:x?}");
    })
    .await;
}

#[tokio::test]
async fn corrupt() {
    let fault = Fault::new(Action::Corrupt { at: 0, bits: 1 }).snac(0x01, 0x0f);
    let written = json!({ "action": "corrupt", "at": 0, "bits": 1, "group": 1, "subgroup": 15 });
    in_each_way(fault, written, async |server| {
        let (bytes, ended) = answer_in_bytes(server).await;
        assert!(!ended && bytes.starts_with(&[0x2b, 2]), "{bytes:x?}");
    })
    .await;
}

#[tokio::test]
async fn wrong_sequence() {
    let fault = Fault::new(Action::WrongSequence { by: 3 }).snac(0x01, 0x0f).times(1);
    let written = json!({ "action": "wrong_sequence", "by": 3, "group": 1, "subgroup": 15, "times": 1 });
    in_each_way(fault, written, async |server| {
        let (mut anna, _bert) = two(server).await;
        for _ in 0..2 {
            anna.send(&UserInfoQuery {}).await;
        }
        let mut numbers = Vec::new();
        while numbers.len() < 2 {
            let frame: Frame = anna.next().await.unwrap();
            if snac(&frame).is_some_and(|snac| snac.body_as::<OwnUserInfo>().is_some()) {
                numbers.push(frame.sequence);
            }
        }
        assert_eq!(numbers[0].wrapping_sub(3).wrapping_add(1), numbers[1]);
    })
    .await;
}
