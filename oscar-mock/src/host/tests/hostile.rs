//! Whatever a client sends ends at worst its own connection, with a reason, and costs no memory.
//!
//! The frames of all captures, mutated by a generator with a fixed seed, go to connections in every state. Beside
//! them one well-behaved pair goes on talking.

use testkit::capture::{self, Direction};
use testkit::numbers::Numbers;

use oscar_im::foodgroup::icbm::ImToClient;

use super::*;

/// Frames sent in the test; `OSCAR_MOCK_HOSTILE_FRAMES` asks for another number.
const FRAMES: usize = 10_000;

#[test]
fn mutated_frames_end_at_worst_their_own_connection() {
    let corpus: Vec<Frame> = capture::names()
        .iter()
        .flat_map(|name| capture::load(name))
        .filter(|frame| frame.direction == Direction::ClientToServer)
        .map(|frame| match FlapDecoder::default().decode(&frame.bytes).unwrap() {
            FlapProgress::Frame { frame, .. } => frame,
            FlapProgress::NeedMore { .. } => panic!("captures hold whole frames"),
        })
        .collect();
    let payloads: Vec<Vec<u8>> = corpus.iter().map(|frame| frame.payload.clone()).collect();
    let count = std::env::var("OSCAR_MOCK_HOSTILE_FRAMES").ok().and_then(|count| count.parse().ok());
    let mut numbers = Numbers::new(0x05ca_2026_1122_0001);
    let mut town = Town::with(|config| config.rates = crate::config::Rates::None);
    let (anna, bert) = (town.sign_on("Anna", &[]), town.sign_on("Bert", &[]));
    let mut hostile = town.connect();
    for round in 0..count.unwrap_or(FRAMES) {
        if town.closed.contains_key(&hostile) || round % 500 == 0 {
            town.closed.clear();
            town.host.disconnect(hostile, Ending::ClosedByClient, town.clock.now());
            hostile = match round % 3 {
                0 => town.connect(),
                1 => town.arrive("Carl", &USUAL),
                _ => town.sign_on("Carl", &["Anna", "Bert"]),
            };
        }
        let frame = &corpus[numbers.below(corpus.len())];
        let mut payload = frame.payload.clone();
        numbers.mutate(&mut payload, &payloads);
        let channel = if numbers.below(20) == 0 {
            FlapChannel::from(u8::try_from(numbers.below(8)).unwrap())
        } else {
            frame.channel
        };
        town.frame(hostile, channel, payload);
        if round % 100 == 0 {
            town.heard.clear();
            town.send(anna, &im("Bert", &[]));
            town.body::<ImToClient>(bert);
            town.pass(1);
        }
    }
    assert!(!town.closed.contains_key(&anna) && !town.closed.contains_key(&bert));
    assert!(town.host.connections.len() <= 10, "{}", town.host.connections.len());
    assert!(town.host.realm.sessions().count() <= 3);
    let held =
        town.host.realm.accounts().map(|(_, account)| account.feedbag.items().len() + account.stored());
    assert!(held.sum::<usize>() <= 3 * 2000);
}
