//! The driver: sign-on and session over streams, against a server that answers from captures.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by them"
)]

mod common;

use common::{REPLIES, place, servers_frames};
use oscar_im::ScreenName;
use oscar_im::foodgroup::{Body, bucp, icbm::HostAck};
use oscar_im::net::{self, Client, ConnectError, Stage};
use oscar_im::session::{CloseReason, Config, Event};
use oscar_im::sign_on::{Credentials, Refusal, RefusalCode, SignOnError};
use oscar_im::wire::flap::{FlapProgress, sign_on};
use oscar_im::wire::{FlapChannel, FlapDecoder, FlapError, Frame, Snac, Tlvs};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;

const CAPTURE: &str = "libpurple-bos-messages";
const PASSWORD: &[u8] = b"pass1word";

/// What the server does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quirk {
    None,
    /// Says nothing to a client that signs on.
    Mute,
    /// Writes one byte at a time.
    Dribble,
    /// Names its BOS server without a port.
    NoPort,
    /// Ends the session after an instant message, with the sign-off frame of 4 bytes.
    ShortSignOff,
    /// Answers an instant message with what is no FLAP.
    Garbage,
}

struct Server<S> {
    stream: S,
    buffer: Vec<u8>,
    address: String,
    quirk: Quirk,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Server<S> {
    /// Serves one connection; gives the last frame that came.
    async fn serve(mut self) -> io::Result<Option<Frame>> {
        let mut last = None;
        if self.quirk == Quirk::Mute {
            self.stream.read_buf(&mut self.buffer).await?;
            std::future::pending::<()>().await;
        }
        while let Some(frame) = self.next().await? {
            match frame.channel {
                FlapChannel::SignOn => {
                    self.send(&servers_frames(CAPTURE)[0]).await?;
                    if sign_on(&frame).unwrap().tlvs.has(bucp::tlv::COOKIE) {
                        self.send(servers_frames(CAPTURE).iter().find(|f| place(f) == Some((1, 3))).unwrap())
                            .await?;
                    }
                }
                FlapChannel::Data => {
                    let snac = Snac::decode(&frame.payload).unwrap();
                    if !self.answer(&snac).await? {
                        return Ok(Some(frame));
                    }
                }
                _ => {}
            }
            last = Some(frame);
        }
        Ok(last)
    }

    /// False ends the connection.
    async fn answer(&mut self, snac: &Snac) -> io::Result<bool> {
        match Body::decode(snac).unwrap() {
            Body::ChallengeRequest(_) => {
                let challenge = bucp::Challenge { key: b"key".to_vec() };
                self.send(&Frame::body(snac.request_id, &challenge).unwrap()).await?;
            }
            Body::LoginRequest(request) => {
                let right = request.tlvs.get(bucp::tlv::PASSWORD_HASH)
                    == Some(&bucp::newer_hash(b"key", PASSWORD)[..]);
                let tlvs = if right {
                    Tlvs::new().with(bucp::tlv::BOS_ADDRESS, &self.address).with(bucp::tlv::COOKIE, "cookie")
                } else {
                    Tlvs::new().with_u16(bucp::tlv::ERROR, 5)
                };
                let response = bucp::LoginResponse { tlvs };
                self.send(&Frame::body(snac.request_id, &response).unwrap()).await?;
                return Ok(false);
            }
            Body::ImToHost(im) => match self.quirk {
                Quirk::ShortSignOff => {
                    self.stream.write_all(&[0x2a, 4, 0, 1]).await?;
                    return Ok(false);
                }
                Quirk::Garbage => self.stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?,
                _ => {
                    let ack = HostAck { cookie: im.cookie, channel: im.channel, screen_name: im.to };
                    self.send(&Frame::body(snac.request_id, &ack).unwrap()).await?;
                }
            },
            _ => {
                let query = (u16::from(snac.group), snac.subgroup);
                if let Some((_, reply)) = REPLIES.iter().find(|(from, _)| *from == query)
                    && let Some(frame) = servers_frames(CAPTURE).iter().find(|f| place(f) == Some(*reply))
                {
                    let mut answer = Snac::decode(&frame.payload).unwrap();
                    answer.request_id = snac.request_id;
                    self.send(&Frame::snac(&answer).unwrap()).await?;
                }
            }
        }
        Ok(true)
    }

    async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let FlapProgress::Frame { frame, consumed } =
                FlapDecoder::default().decode(&self.buffer).unwrap()
            {
                self.buffer.drain(..consumed);
                return Ok(Some(frame));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn send(&mut self, frame: &Frame) -> io::Result<()> {
        let bytes = frame.encode().unwrap();
        if self.quirk == Quirk::Dribble {
            for byte in bytes {
                self.stream.write_all(&[byte]).await?;
                tokio::task::yield_now().await;
            }
            return Ok(());
        }
        self.stream.write_all(&bytes).await
    }
}

fn config(port: u16, password: &str) -> net::Config {
    let credentials = Credentials { screen_name: ScreenName::from("Staff One"), password: password.into() };
    net::Config::new("127.0.0.1", port, credentials)
}

/// Signs on over streams in memory.
async fn connect(quirk: Quirk, password: &str) -> Result<Client<DuplexStream>, ConnectError> {
    net::connect_with(&config(5190, password), |host, port| async move {
        assert_eq!((host.as_str(), port), ("127.0.0.1", 5190));
        let (ours, servers) = duplex(4096);
        let address = if quirk == Quirk::NoPort { "127.0.0.1" } else { "127.0.0.1:5190" }.to_owned();
        tokio::spawn(Server { stream: servers, buffer: Vec::new(), address, quirk }.serve());
        Ok(ours)
    })
    .await
}

async fn expect<S: AsyncRead + AsyncWrite>(client: &mut Client<S>, wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        match client.event().await {
            event if wanted(&event) => return event,
            Event::Closed(reason) => panic!("closed: {reason}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_session_over_tcp_from_sign_on_to_sign_off() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut last = None;
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            let server =
                Server { stream, buffer: Vec::new(), address: address.to_string(), quirk: Quirk::None };
            last = server.serve().await.unwrap();
        }
        last
    });
    // Spawned, as a link would: the future can be sent to another thread.
    let client = tokio::spawn(async move { net::connect(&config(address.port(), "pass1word")).await });
    let mut client = client.await.unwrap().unwrap();
    expect(&mut client, |event| matches!(event, Event::SignedOn { .. })).await;
    client.send_im(*b"12345678", &ScreenName::from("bob"), "hello").unwrap();
    expect(&mut client, |event| *event == Event::ImAcked { cookie: *b"12345678" }).await;
    assert_eq!(client.im_credits(), 6);
    client.sign_off();
    for _ in 0..2 {
        assert_eq!(client.event().await, Event::Closed(CloseReason::SignedOff), "and so for ever");
    }
    assert_eq!(server.await.unwrap().unwrap().channel, FlapChannel::SignOff);
    // Who asks a closed client in a loop lets others run.
    tokio::select! {
        biased;
        _ = client.event() => panic!("it did not yield"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_for_good() {
    let error = connect(Quirk::None, "wrong").await.unwrap_err();
    assert!(error.is_permanent());
    let ConnectError::SignOn(SignOnError::Refused(Refusal { code, .. })) = error else { panic!("{error}") };
    assert_eq!(code, RefusalCode::WrongPassword);
}

#[tokio::test]
async fn an_address_without_a_port_means_the_same_port() {
    let mut client = connect(Quirk::NoPort, "pass1word").await.unwrap();
    expect(&mut client, |event| matches!(event, Event::SignedOn { .. })).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let error = connect(Quirk::Mute, "pass1word").await.unwrap_err();
    assert!(matches!(error, ConnectError::Deadline { stage: Stage::SignOn, .. }), "{error}");
    assert!(!error.is_permanent());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_start_is_given_up() {
    let (ours, _servers) = duplex(4096);
    let mut client = Client::new(ours, Config::default(), ScreenName::from("x"), b"cookie");
    let Event::Closed(reason) = client.event().await else { panic!() };
    assert!(matches!(reason, CloseReason::StartUpTimeout(_)), "{reason}");
}

#[tokio::test]
async fn nothing_is_lost_when_waiting_is_given_up_again_and_again() {
    let mut client = connect(Quirk::Dribble, "pass1word").await.unwrap();
    let mut given_up = 0;
    loop {
        tokio::select! {
            biased;
            event = client.event() => match event {
                Event::SignedOn { .. } => break,
                Event::Closed(reason) => panic!("{reason}"),
                _ => {}
            },
            () = tokio::task::yield_now() => given_up += 1,
        }
    }
    assert!(given_up > 100, "{given_up}");
}

#[tokio::test]
async fn the_short_sign_off_is_one() {
    let mut client = connect(Quirk::ShortSignOff, "pass1word").await.unwrap();
    expect(&mut client, |event| matches!(event, Event::SignedOn { .. })).await;
    client.send_im([1; 8], &ScreenName::from("bob"), "hello").unwrap();
    let closed = Event::Closed(CloseReason::SignedOffByServer { code: None });
    expect(&mut client, |event| *event == closed).await;
}

#[tokio::test]
async fn garbage_ends_the_session_with_a_reason() {
    let mut client = connect(Quirk::Garbage, "pass1word").await.unwrap();
    expect(&mut client, |event| matches!(event, Event::SignedOn { .. })).await;
    client.send_im([1; 8], &ScreenName::from("bob"), "hello").unwrap();
    let event = expect(&mut client, |event| matches!(event, Event::Closed(_))).await;
    assert_eq!(event, Event::Closed(CloseReason::Protocol(FlapError::BadMarker { found: 0x48 }.into())));
}

#[tokio::test]
async fn a_server_that_can_not_be_reached_is_named() {
    let config = config(5190, "pass1word");
    let refuse = |_, _| async { Err::<DuplexStream, _>(io::ErrorKind::ConnectionRefused.into()) };
    let error = net::connect_with(&config, refuse).await.unwrap_err();
    assert_eq!(error.to_string(), "connecting to the sign-on server at 127.0.0.1:5190: connection refused");
}

#[tokio::test(start_paused = true)]
async fn credits_come_back_with_time() {
    let mut client = connect(Quirk::None, "pass1word").await.unwrap();
    expect(&mut client, |event| matches!(event, Event::SignedOn { .. })).await;
    while client.im_credits() > 0 {
        client.send_im([1; 8], &ScreenName::from("bob"), "hello").unwrap();
    }
    let wait = client.next_im_credit_in().unwrap();
    assert!(wait > Duration::ZERO && wait < Duration::from_secs(5));
    tokio::time::sleep(wait).await;
    assert_eq!(client.im_credits(), 1);
}

/// Servers behind TLS, with a certificate of our own making.
#[cfg(feature = "tls")]
mod over_tls {
    use super::*;
    use oscar_im::net::{TlsStream, rustls};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::sync::Arc;
    use tokio_rustls::TlsAcceptor;

    /// A server that waits for the two connections of a client, and the certificate that proves it to be `name`.
    async fn server(name: &str) -> (u16, CertificateDer<'static>) {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = format!("localhost:{port}");
        tokio::spawn(async move {
            for _ in 0..2 {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that refuses the certificate is what two tests are about.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let server =
                    Server { stream, buffer: Vec::new(), address: address.clone(), quirk: Quirk::None };
                server.serve().await.unwrap();
            }
        });
        (port, cert.der().clone())
    }

    fn provider() -> Arc<rustls::crypto::CryptoProvider> {
        Arc::new(rustls::crypto::ring::default_provider())
    }

    async fn connect(
        port: u16,
        trusted: Option<CertificateDer<'static>>,
    ) -> Result<Client<TlsStream>, ConnectError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(trusted);
        let trust = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut config = config(port, "pass1word");
        config.host = "localhost".into();
        net::connect_with(&config, net::tls(Arc::new(trust))).await
    }

    /// Why TLS refused, if it was TLS.
    fn refusal(error: &ConnectError) -> Option<&rustls::CertificateError> {
        let ConnectError::Io { stage: Stage::Connect, source, .. } = error else { return None };
        match source.get_ref()?.downcast_ref()? {
            rustls::Error::InvalidCertificate(reason) => Some(reason),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_session_over_tls_from_sign_on_to_sign_off() {
        let (port, certificate) = server("localhost").await;
        let mut client = connect(port, Some(certificate)).await.unwrap();
        expect(&mut client, |event| matches!(event, Event::SignedOn { .. })).await;
        client.send_im(*b"12345678", &ScreenName::from("bob"), "hello").unwrap();
        expect(&mut client, |event| *event == Event::ImAcked { cookie: *b"12345678" }).await;
        client.sign_off();
        assert_eq!(client.event().await, Event::Closed(CloseReason::SignedOff));
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_trusts_is_refused() {
        let (port, _) = server("localhost").await;
        let error = connect(port, None).await.unwrap_err();
        assert_eq!(refusal(&error), Some(&rustls::CertificateError::UnknownIssuer), "{error}");
        assert!(!error.is_permanent());
    }

    #[tokio::test]
    async fn a_certificate_for_another_name_is_refused() {
        let (port, certificate) = server("elsewhere.example").await;
        let error = connect(port, Some(certificate)).await.unwrap_err();
        assert!(
            matches!(refusal(&error), Some(rustls::CertificateError::NotValidForNameContext { .. })),
            "{error}"
        );
    }
}
