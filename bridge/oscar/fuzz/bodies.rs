//! What must hold for any bytes: the bodies of the fuzz targets, which the stable tests run too (`tests/any_bytes.rs`).
#![allow(dead_code, reason = "each target runs one of them")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken promise is to be loud"
)]
#![allow(clippy::disallowed_methods, reason = "an instant to count from")]

use oscar_im::ScreenName;
use oscar_im::foodgroup::icbm::TextFragment;
use oscar_im::foodgroup::oservice::{RateClass, RateParams};
use oscar_im::foodgroup::{Body, icbm};
use oscar_im::rate::Level;
use oscar_im::session::{Config, Event, Session};
use oscar_im::sign_on::{Credentials, Identity, Method, SignOn};
use oscar_im::text::{self, charset, html, split};
use oscar_im::wire::flap::FlapProgress;
use oscar_im::wire::{FlapDecoder, Frame, Snac, Wire};
use std::time::{Duration, Instant};

/// Frames come out with the bytes that they were read from, whatever the pieces in which those arrive, and never with
/// more than is allowed.
pub(crate) fn frames(data: &[u8]) {
    let limit = usize::from(data.first().copied().unwrap_or_default()) * 8;
    let decoder = FlapDecoder::new(limit);
    let mut buffer = Vec::new();
    let mut seen = 0;
    'pieces: for piece in data.chunks(7) {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&buffer) {
                Ok(FlapProgress::Frame { frame, consumed }) => {
                    assert!(frame.payload.len() <= limit);
                    assert_eq!(frame.encode().unwrap(), data[seen..seen + consumed]);
                    buffer.drain(..consumed);
                    seen += consumed;
                }
                Ok(FlapProgress::NeedMore { at_least }) => {
                    assert!(at_least > 0);
                    break;
                }
                Err(_) => break 'pieces,
            }
        }
    }
    let _ = decoder.finish(&buffer);
}

/// A body that can be read can be written, and reads the same again.
pub(crate) fn snac(data: &[u8]) {
    let Ok(mut snac) = Snac::decode(data) else { return };
    let Ok(body) = Body::decode(&snac) else { return };
    snac.body = body.encode().unwrap();
    let again = Snac::decode(&snac.encode().unwrap()).unwrap();
    assert_eq!(Body::decode(&again).unwrap(), body);
    if let Body::ImToClient(im) = body {
        if let Some(Ok(data)) = im.message() {
            let _ = text::to_plain(data.texts());
            assert_eq!(icbm::ImData::from_bytes(&data.to_bytes().unwrap()).unwrap(), data);
        }
        let _ = im.rendezvous();
        let _ = im.from.capabilities();
    }
}

/// Machines live through any frames, and hold no more than so much.
pub(crate) fn session(data: &[u8]) {
    let frames = whole_frames(data);
    let credentials = Credentials { screen_name: ScreenName::from("bridgebot"), password: "secret".into() };
    let mut sign_on = SignOn::new(credentials, Identity::default(), Method::NewerMd5);
    for frame in &frames {
        sign_on.receive(frame);
        while sign_on.poll_transmit().is_some() {}
    }

    let mut now = Instant::now();
    let mut session = Session::new(Config::default(), ScreenName::from("bridgebot"), b"cookie", now);
    session.watch(&[ScreenName::from("Staff One"), ScreenName::from("staff2")], now);
    let mut over = false;
    for (at, frame) in frames.iter().enumerate() {
        session.receive(frame, now);
        let _ = session.send_im([7; 8], &ScreenName::from("Staff One"), "hello", now);
        if at % 3 == 0 {
            now = session.poll_timeout(now).unwrap_or(now).max(now);
            session.handle_timeout(now);
        }
        while let Some(frame) = session.poll_transmit() {
            frame.encode().unwrap();
        }
        while let Some(event) = session.poll_event() {
            assert!(!over, "an event after the last one: {event:?}");
            over = matches!(event, Event::Closed(_));
        }
    }
}

/// Any text becomes plain text without control characters, plain text comes back as it was, and its parts joined are
/// the text.
pub(crate) fn text(data: &[u8]) {
    let (charset, bytes) = data.split_first().map_or((0, data), |(first, rest)| (u16::from(first % 5), rest));
    let decoded = charset::decode(&TextFragment { charset, language: 0, bytes: bytes.to_vec() });
    let plain = html::to_plain(&decoded.text);
    assert!(!plain.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    let back = text::to_plain([text::encode(&plain)]);
    assert_eq!(back.text, plain);
    let limits = split::Limits { characters: 1 + bytes.len() % 50, bytes: 30 + bytes.len() % 300 };
    assert_eq!(split::split(&decoded.text, limits).concat(), decoded.text);
}

/// Whatever numbers a server states, the arithmetic holds, and waiting for a credit gives one.
pub(crate) fn rate(data: &[u8]) {
    let _ = RateParams::from_bytes(data);
    let Ok(class) = RateClass::from_bytes(data) else { return };
    let mut level = Level::new(class, Duration::ZERO);
    let mut now = Duration::ZERO;
    for byte in data.iter().take(64) {
        now += Duration::from_millis(u64::from(*byte) * 50);
        level.evaluate(now);
        assert!(level.level() <= class.max.max(class.current));
        if let Some(at) = level.earliest(now) {
            assert!(at >= now);
            assert!(level.credits(at, 1) == 1);
        }
    }
}

/// The frames that the bytes hold, at most 64.
fn whole_frames(data: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut rest = data;
    while let Ok(FlapProgress::Frame { frame, consumed }) = FlapDecoder::default().decode(rest)
        && frames.len() < 64
    {
        frames.push(frame);
        rest = &rest[consumed..];
    }
    frames
}
