//! Every frame that was seen between real programs is read into its typed body and written back to the same bytes.
//! The captures are the authority on the codec: our own round trips prove nothing about the wire.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail by them")]

mod common;

use common::frame_of;
use oscar_im::foodgroup::{Body, icbm};
use oscar_im::wire::{FlapChannel, SignOnFrame, Snac, Tlvs, Wire};
use std::collections::BTreeSet;
use testkit::capture::{load, names};

/// SNACs that have no type here, each with its reason.
const RAW: &[&str] = &[
    // Sent by a probe to see how a server refuses what does not exist.
    "01/7777", "99/02",
];

#[test]
fn every_captured_frame_comes_out_with_the_same_bytes() {
    let mut raw = BTreeSet::new();
    let mut frames = 0;
    for capture in names() {
        for captured in load(&capture) {
            let label = format!("{capture}: {}", captured.name);
            let mut frame = frame_of(&captured.bytes);
            frame.payload = match frame.channel {
                FlapChannel::SignOn => SignOnFrame::from_bytes(&frame.payload).unwrap().to_bytes().unwrap(),
                FlapChannel::SignOff => Tlvs::from_bytes(&frame.payload).unwrap().to_bytes().unwrap(),
                FlapChannel::KeepAlive => Vec::new(),
                FlapChannel::Data => {
                    let mut snac = Snac::decode(&frame.payload).unwrap_or_else(|e| panic!("{label}: {e}"));
                    let body = Body::decode(&snac).unwrap_or_else(|e| panic!("{label}: {e}"));
                    if let Body::Raw(_) = body {
                        raw.insert(format!("{}/{:02x}", snac.group, snac.subgroup));
                    }
                    snac.body = body.encode().unwrap();
                    snac.encode().unwrap()
                }
                other => panic!("{label}: {other:?}"),
            };
            assert_eq!(frame.encode().unwrap(), captured.bytes, "{label}");
            frames += 1;
        }
    }
    assert!(frames > 1000, "{frames}");
    assert_eq!(raw, RAW.iter().map(|name| (*name).to_owned()).collect(), "bodies without a type");
}

#[test]
fn what_stands_inside_messages_comes_out_with_the_same_bytes() {
    let (mut texts, mut offers) = (0, 0);
    for capture in names() {
        for captured in load(&capture) {
            let frame = frame_of(&captured.bytes);
            if frame.channel != FlapChannel::Data {
                continue;
            }
            let (channel, tlvs) = match Body::decode(&Snac::decode(&frame.payload).unwrap()).unwrap() {
                Body::ImToHost(im) => (im.channel, im.tlvs),
                Body::ImToClient(im) => (im.channel, im.tlvs),
                _ => continue,
            };
            if channel == icbm::channel::IM {
                let bytes = tlvs.get(icbm::tlv::MESSAGE).unwrap();
                let data = icbm::ImData::from_bytes(bytes).unwrap();
                assert_eq!(data.to_bytes().unwrap(), bytes, "{capture}: {}", captured.name);
                let text = data.texts().next().unwrap();
                assert!(data.fragments.iter().any(|f| f.data == text.to_bytes().unwrap()));
                texts += 1;
            } else {
                let bytes = tlvs.get(icbm::tlv::DATA).unwrap();
                let offer = icbm::Rendezvous::from_bytes(bytes).unwrap();
                assert_eq!(offer.to_bytes().unwrap(), bytes, "{capture}: {}", captured.name);
                offers += 1;
            }
        }
    }
    assert!(texts > 100 && offers > 2, "{texts} {offers}");
}
