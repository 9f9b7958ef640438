//! Real clients' frames, played to the host, and its answers held against those of the real server.
//!
//! The client's side of a capture goes in as it was sent, at the time it was sent; only what a client takes from its
//! server is carried over (cookies, hashes over the server's key). What comes out must be what open-oscar-server
//! sent: the same answers to each request id, with the same flags and the same content, and the same start-up in the
//! same order. Left out is what another person of the scene caused (presence, messages, typing), and what can't be
//! equal is made so ([`essence`]): times, cookies, addresses, keys, levels.
//!
//! What differs all the same stands in [`DIFFERENCES`], each with its reason. A difference that is not listed fails the
//! test, and so does a listed one that no longer occurs.

mod differences;
mod essence;
mod stage;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use oscar_im::ScreenName;
use oscar_im::foodgroup::chat::UsersJoined;
use oscar_im::foodgroup::oservice::HostOnline;
use oscar_im::wire::Wire;
use testkit::capture;

use self::differences::DIFFERENCES;
use self::essence::essence;
use self::stage::Stage;
use super::*;

/// A capture, whose connection it is, and who was signed on beside them though the capture doesn't show it.
struct Scene {
    capture: &'static str,
    account: &'static str,
    present: &'static [&'static str],
}

const fn scene(capture: &'static str, account: &'static str, present: &'static [&'static str]) -> Scene {
    Scene { capture, account, present }
}

const SCENES: &[Scene] = &[
    scene("bitlbee-auth-bucp", "bridgebot", &[]),
    scene("bitlbee-auth-wrong-password", "bridgebot", &[]),
    scene("bitlbee-bos-chat-accept", "bridgebot", &[]),
    scene("bitlbee-bos-messages-rate-kick", "bridgebot", &["Staff One"]),
    scene("bitlbee-bos-offline-typing-invite", "bridgebot", &[]),
    scene("bitlbee-chat-room", "bridgebot", &[]),
    scene("bitlbee-chatnav", "bridgebot", &[]),
    scene("libpurple-alerts", "Staff One", &[]),
    scene("libpurple-auth-bucp", "Staff One", &[]),
    scene("libpurple-auth-unknown-name", "nosuchuser", &[]),
    scene("libpurple-auth-wrong-password", "Staff One", &[]),
    scene("libpurple-bos-chat", "Staff One", &["bridgebot"]),
    scene("libpurple-bos-messages", "Staff One", &[]),
    scene("libpurple-bos-replaced", "Staff One", &[]),
    scene("libpurple-bos-replacing", "Staff One", &[]),
    scene("libpurple-bos-stored-messages", "visitor3", &[]),
    scene("libpurple-bos-typing-error-invite-block", "Staff One", &["bridgebot"]),
    scene("libpurple-bos-typing-sent", "bridgebot", &["visitor3"]),
    scene("libpurple-bos-warned", "visitor3", &["Staff One"]),
    scene("libpurple-chat-room", "Staff One", &[]),
    scene("libpurple-chat-room-two", "Staff One", &[]),
    scene("libpurple-chatnav", "Staff One", &[]),
    scene("libpurple-chatnav-create", "Staff One", &[]),
    scene("libpurple-icons", "visitor3", &[]),
    scene("raw-auth-address-limited", "visitor3", &[]),
    scene("raw-auth-older-md5", "visitor3", &[]),
    scene("raw-auth-roasted", "visitor3", &[]),
    scene("raw-bos-keepalive", "visitor3", &[]),
    scene("raw-bos-minimal", "visitor3", &[]),
    scene("raw-bos-rate-burst", "visitor3", &["bridgebot"]),
    scene("raw-bos-rate-half-second", "visitor3", &["bridgebot"]),
    scene("raw-bos-sequence-wrap", "visitor3", &[]),
    scene("raw-bos-sizes", "bridgebot", &["visitor3"]),
    scene("raw-bos-stored-and-refused", "visitor3", &[]),
    scene("raw-bos-typing", "visitor3", &["Staff One"]),
    scene("raw-bos-typing-wanted", "visitor3", &["bridgebot"]),
    scene("raw-bos-unknown-snac", "visitor3", &[]),
    scene("raw-bos-warn", "Staff One", &["visitor3"]),
];

#[test]
fn every_capture_is_played() {
    let played: Vec<&str> = SCENES.iter().map(|scene| scene.capture).collect();
    assert_eq!(played, capture::names());
}

#[test]
fn every_scene_is_answered_as_by_the_real_server() {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut details = String::new();
    for scene in SCENES {
        for (what, detail) in compare(scene) {
            let _ = writeln!(details, "{}: {what}\n{detail}", scene.capture);
            found.push((scene.capture.to_owned(), what));
        }
    }
    let listed = |capture: &str, what: &str| {
        DIFFERENCES.iter().any(|difference| difference.capture == capture && difference.what == what)
    };
    let unlisted: Vec<_> = found.iter().filter(|(capture, what)| !listed(capture, what)).collect();
    assert!(unlisted.is_empty(), "not listed: {unlisted:#?}\n{details}");
    for difference in DIFFERENCES {
        let occurs =
            found.iter().any(|(capture, what)| capture == difference.capture && what == difference.what);
        assert!(occurs, "listed, but does not occur: {}: {}", difference.capture, difference.what);
    }
}

/// Which answers differ, each with what was expected and what came.
fn compare(scene: &Scene) -> Vec<(String, String)> {
    let frames = capture::load(scene.capture);
    let theirs: Vec<Frame> = frames
        .iter()
        .filter(|frame| frame.direction == capture::Direction::ServerToClient)
        .map(|captured| decode(&captured.bytes))
        .collect();
    let service = service(&theirs);
    let own = |frame: &Frame| is_own(frame, scene, &service);
    let ours = Stage::new(scene, service.clone(), &theirs).play(&frames);
    let ours: Vec<Frame> = ours.into_iter().filter(own).collect();
    let theirs: Vec<Frame> = theirs.into_iter().filter(own).collect();

    let mut differences = Vec::new();
    let start =
        |frames: &[Frame]| start_up(frames).into_iter().map(|frame| label(&frame)).collect::<Vec<_>>();
    if start(&theirs) != start(&ours) {
        differences.push(("start-up".to_owned(), format!("{:?}\n{:?}", start(&theirs), start(&ours))));
    }
    let (theirs, ours) = (by_request(theirs), by_request(ours));
    for (key, their) in &theirs {
        match ours.get(key) {
            None => differences.push((format!("{key} missing"), their.clone())),
            Some(our) if our != their => {
                differences.push((format!("{key} differs"), format!("  theirs {their}\n  ours   {our}")));
            }
            Some(_) => {}
        }
    }
    for (key, our) in ours.iter().filter(|(key, _)| !theirs.contains_key(*key)) {
        differences.push((format!("{key} is more"), our.clone()));
    }
    differences
}

/// The frames up to and including 01/07, whose order all clients rely on; all of them, on other connections.
fn start_up(frames: &[Frame]) -> Vec<Frame> {
    let end = frames.iter().position(|frame| label(frame).starts_with("01/07"));
    frames.iter().take(end.map_or(frames.len(), |end| end + 1)).cloned().collect()
}

/// Frames by what they answer, repeats numbered; each as its essence.
fn by_request(frames: Vec<Frame>) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut keyed = BTreeMap::new();
    for frame in frames {
        let label = label(&frame);
        let count = counts.entry(label.clone()).or_default();
        *count += 1;
        keyed.insert(format!("{label} #{count}"), essence(&frame));
    }
    keyed
}

fn label(frame: &Frame) -> String {
    match snac(frame) {
        Some(snac) => format!("{}/{:02x} id {:08x}", snac.group, snac.subgroup, snac.request_id),
        None => format!("channel {}", u8::from(frame.channel)),
    }
}

fn snac(frame: &Frame) -> Option<Snac> {
    (frame.channel == FlapChannel::Data).then(|| Snac::decode(&frame.payload).unwrap())
}

/// What the connection serves, by the groups that the server named first; BOS also where it named none.
fn service(theirs: &[Frame]) -> Service {
    let named = theirs.iter().filter_map(snac).find_map(|snac| snac.body_as::<HostOnline>());
    match named.map(|named| named.unwrap().groups) {
        Some(groups) if groups.len() == 2 && groups.contains(&FoodGroup::Chat) => {
            Service::Room(ROOM.to_owned())
        }
        Some(groups) if groups.len() == 2 => Service::Other(groups[0]),
        _ => Service::Bos,
    }
}

/// The room of the captures: made before, as rooms last.
const ROOM: &str = "4-0-stafflounge";

/// Whether the connection itself caused this. Presence, messages, typing and warnings come from others, and what is
/// said and who comes and goes in a room; the rate notices of a service connection, from what BOS sent.
fn is_own(frame: &Frame, scene: &Scene, service: &Service) -> bool {
    let Some(snac) = snac(frame) else { return true };
    match (u16::from(snac.group), snac.subgroup) {
        (0x03, 0x0b | 0x0c) | (0x04, 0x07 | 0x14) | (0x01, 0x10) | (0x0e, 0x04) => false,
        (0x01, 0x0a) => *service == Service::Bos,
        (0x0e, 0x06) => snac.request_id != 0,
        (0x0e, 0x03) => {
            let joined: UsersJoined = Wire::from_bytes(&snac.body).unwrap();
            joined.infos.iter().any(|info| info.screen_name == ScreenName::from(scene.account))
        }
        _ => true,
    }
}

fn decode(bytes: &[u8]) -> Frame {
    match flap::FlapDecoder::default().decode(bytes).unwrap() {
        flap::FlapProgress::Frame { frame, .. } => frame,
        flap::FlapProgress::NeedMore { .. } => panic!("captures hold whole frames"),
    }
}
