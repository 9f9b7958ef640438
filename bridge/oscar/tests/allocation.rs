//! No decoder allocates in proportion to what a peer merely claims: every two bytes of what was captured are made a length
//! or count of 65,535 in turn, and what is then allocated is counted. One test alone in this program, for it counts what
//! the whole program allocates.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers fail by them")]

use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::chat_nav::Room;
use oscar_im::foodgroup::icbm::{ImData, Rendezvous, TextFragment};
use oscar_im::foodgroup::icq::Meta;
use oscar_im::foodgroup::{Body, FoodGroup, UserInfo};
use oscar_im::text::{charset, html};
use oscar_im::wire::{FlapDecoder, SignOnFrame, Snac, SnacFlags, Tlvs, Wire};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use testkit::capture::{load, names};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The largest input here; what it may claim is a hundred times as much.
const LONGEST: usize = 300;
/// A byte that arrived may become this many: the smallest items of lists are values of 32 to 64 bytes, in vectors that
/// grow by doubling, and a body is copied before it is read.
const PER_BYTE: usize = 60;
const FIXED: usize = 2_048;

fn decoders(bytes: &[u8]) {
    let _ = FlapDecoder::default().decode(bytes);
    let _ = Tlvs::from_bytes(bytes);
    let _ = SignOnFrame::from_bytes(bytes);
    let _ = UserInfo::from_bytes(bytes);
    let _ = ImData::from_bytes(bytes);
    let _ = Rendezvous::from_bytes(bytes);
    let _ = RoomId::from_bytes(bytes);
    let _ = Room::from_bytes(bytes);
    let _ = Meta::from_bytes(bytes);
    let decoded = charset::decode(&TextFragment { charset: 2, language: 0, bytes: bytes.to_vec() });
    let _ = html::to_plain(&decoded.text);
}

fn held_to_what_arrived(what: &str, bytes: &[u8], read: impl FnOnce()) {
    let region = Region::new(ALLOCATOR);
    read();
    let allocated = region.change().bytes_allocated;
    let most = FIXED + PER_BYTE * bytes.len();
    assert!(allocated <= most, "{what}: {allocated} bytes for {bytes:02x?}");
}

#[test]
fn nothing_is_allocated_for_what_is_only_claimed() {
    let mut tried = 0;
    for capture in names() {
        for captured in load(&capture) {
            let bytes = &captured.bytes;
            if bytes.len() > LONGEST || bytes.len() < 16 || bytes[1] != 2 {
                continue;
            }
            let mut payload = bytes[6..].to_vec();
            for at in 0..payload.len() - 1 {
                let kept = [payload[at], payload[at + 1]];
                payload[at] = 0xff;
                payload[at + 1] = 0xff;
                held_to_what_arrived(&captured.name, &payload, || {
                    let _ = Snac::decode(&payload).map(|snac| Body::decode(&snac));
                });
                payload[at] = kept[0];
                payload[at + 1] = kept[1];
            }
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");

    // Every body there is, and every part of one, from nothing but claims.
    for claim in [[0xff, 0xff], [0x7f, 0xff], [0, 0xff], [0xff, 0]] {
        let bytes: Vec<u8> = claim.into_iter().cycle().take(120).collect();
        held_to_what_arrived("parts", &bytes, || decoders(&bytes));
        for group in 0..=0x20 {
            for subgroup in 0..=0x30 {
                let body = bytes.clone();
                let (group, flags) = (FoodGroup::from(group), SnacFlags::default());
                let snac = Snac { group, subgroup, flags, request_id: 0, extension: None, body };
                held_to_what_arrived("body", &bytes, || drop(Body::decode(&snac)));
            }
        }
    }
}
