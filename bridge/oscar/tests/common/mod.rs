//! Captured frames as values, for tests that play a server.
#![allow(dead_code, unreachable_pub, reason = "each test uses some of it")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail by them")]

pub mod transcript;

use oscar_im::wire::flap::FlapProgress;
use oscar_im::wire::{FlapChannel, FlapDecoder, Frame, Snac};
use testkit::capture::{Direction, load};

/// Group and subgroup.
pub type Place = (u16, u16);

/// Which body answers which. By kind and not by id, for BitlBee's queries all have id 0.
pub const REPLIES: &[(Place, Place)] = &[
    ((0x01, 0x17), (0x01, 0x18)),
    ((0x01, 0x06), (0x01, 0x07)),
    ((0x01, 0x0e), (0x01, 0x0f)),
    ((0x02, 0x02), (0x02, 0x03)),
    ((0x03, 0x02), (0x03, 0x03)),
    ((0x04, 0x04), (0x04, 0x05)),
    ((0x09, 0x02), (0x09, 0x03)),
    ((0x13, 0x02), (0x13, 0x03)),
    ((0x13, 0x04), (0x13, 0x06)),
];

pub fn frame_of(bytes: &[u8]) -> Frame {
    match FlapDecoder::default().decode(bytes) {
        Ok(FlapProgress::Frame { frame, .. }) => frame,
        other => panic!("{other:?}"),
    }
}

pub fn servers_frames(capture: &str) -> Vec<Frame> {
    load(capture)
        .iter()
        .filter(|captured| captured.direction == Direction::ServerToClient)
        .map(|captured| frame_of(&captured.bytes))
        .collect()
}

pub fn place(frame: &Frame) -> Option<Place> {
    let snac = (frame.channel == FlapChannel::Data).then(|| Snac::decode(&frame.payload).unwrap())?;
    Some((snac.group.into(), snac.subgroup))
}
