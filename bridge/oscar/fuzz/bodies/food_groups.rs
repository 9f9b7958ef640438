//! The bodies of each food group, and what has a form of its own inside them.

use super::survives;
use oscar_im::foodgroup::icbm::{Fragment, IcqMessage, ImData, Rendezvous, TextFragment};
use oscar_im::foodgroup::icq::{Meta, OfflineMessage};
use oscar_im::foodgroup::{Body, FoodGroup, bart, chat, chat_nav, feedbag};
use oscar_im::text;
use oscar_im::wire::{Snac, SnacFlags, Wire};

macro_rules! groups {
    ($($name:ident $group:ident)*) => {
        $(pub(crate) fn $name(data: &[u8]) {
            any_body_of(FoodGroup::$group, data);
        })*
    };
}

groups! {
    oservice Oservice
    locate Locate
    buddy Buddy
    pd Pd
    stats Stats
    bart Bart
    feedbag Feedbag
    icq Icq
    bucp Bucp
    alert Alert
}

pub(crate) fn icbm(data: &[u8]) {
    match any_body_of(FoodGroup::Icbm, data) {
        Some(Body::ImToClient(im)) => {
            let _ = im.message().map(|data| data.map(|data| text::to_plain(data.texts())));
            let _ = (im.rendezvous(), im.icq());
            let _ = im.from.capabilities();
        }
        Some(Body::ImToHost(im)) => {
            let _ = (im.message(), im.rendezvous());
        }
        _ => {}
    }
}

pub(crate) fn chat_nav(data: &[u8]) {
    if let Some(Body::NavInfo(info)) = any_body_of(FoodGroup::ChatNav, data) {
        let _ = (info.room(), info.max_rooms(), info.exchanges());
    }
}

pub(crate) fn chat(data: &[u8]) {
    if let Some(Body::ChatToClient(said)) = any_body_of(FoodGroup::Chat, data) {
        let _ = (said.sender(), said.message());
    }
}

/// ICBM channel 1.
pub(crate) fn im_data(data: &[u8]) {
    survives::<Fragment>(data);
    survives::<TextFragment>(data);
    if let Some(message) = survives::<ImData>(data) {
        let _ = text::to_plain(message.texts());
    }
}

/// ICBM channel 2.
pub(crate) fn rendezvous(data: &[u8]) {
    if let Some(offer) = survives::<Rendezvous>(data) {
        let _ = offer.offers();
    }
}

/// ICBM channel 4.
pub(crate) fn icq_message(data: &[u8]) {
    survives::<IcqMessage>(data);
}

pub(crate) fn icq_meta(data: &[u8]) {
    survives::<Meta>(data);
    survives::<OfflineMessage>(data);
}

pub(crate) fn room_id(data: &[u8]) {
    survives::<chat::RoomId>(data);
    if let Some(room) = survives::<chat_nav::Room>(data) {
        let _ = (room.name(), room.max_message(), room.max_occupancy());
    }
    survives::<chat_nav::Exchange>(data);
    survives::<bart::BartItem>(data);
}

pub(crate) fn item(data: &[u8]) {
    if let Some(mut item) = survives::<feedbag::Item>(data) {
        let order = item.order();
        let _ = item.alias();
        item.set_order(&order);
        assert_eq!(item.order(), order);
    }
}

/// The first byte says which body of the group, the rest is the body.
fn any_body_of(group: FoodGroup, data: &[u8]) -> Option<Body> {
    let (subgroup, bytes) = data.split_first()?;
    let mut snac = Snac {
        group,
        subgroup: u16::from(*subgroup),
        flags: SnacFlags::default(),
        request_id: 7,
        extension: None,
        body: bytes.to_vec(),
    };
    let body = Body::decode(&snac).ok()?;
    snac.body = body.encode().unwrap();
    assert!(snac.body.len() <= 2 * bytes.len() + 8, "{} bytes from {}", snac.body.len(), bytes.len());
    assert_eq!(Body::decode(&snac).unwrap(), body);
    Some(body)
}
