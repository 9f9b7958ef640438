//! 0D and 0E: making a room, inviting, talking, leaving.

use oscar_im::foodgroup::chat::{
    MessageToClient, MessageToHost, RoomId, UsersJoined, UsersLeft, tlv as chat,
};
use oscar_im::foodgroup::chat_nav::{CreateRoom, EXCHANGE_PRIVATE, NavInfo, Room, tlv as nav};
use oscar_im::foodgroup::oservice::{self, ServiceRequest, ServiceResponse};

use super::*;

/// Asks BOS for a service and connects to it.
fn service(town: &mut Town, bos: ConnectionId, group: FoodGroup, tlvs: Tlvs) -> ConnectionId {
    town.send(bos, &ServiceRequest { group, tlvs });
    let answer: ServiceResponse = town.body(bos);
    let id = town.present(answer.tlvs.get(oservice::tlv::COOKIE).unwrap());
    town.send(id, &ClientOnline::default());
    id
}

#[test]
fn people_meet_talk_and_leave() {
    let mut town = Town::new();
    let (anna, bert) = (town.sign_on("Anna", &[]), town.sign_on("Bert", &[]));
    let nav_connection = service(&mut town, anna, FoodGroup::ChatNav, Tlvs::new());
    town.frames(nav_connection);
    let wanted = Room {
        exchange: EXCHANGE_PRIVATE,
        cookie: b"create".to_vec(),
        instance: 0xffff,
        detail: 1,
        tlvs: Tlvs::new().with(nav::NAME, "lounge"),
    };
    town.send(nav_connection, &CreateRoom { room: wanted });
    let made = town.body::<NavInfo>(nav_connection).room().unwrap().unwrap();
    assert_eq!(made.cookie, b"4-0-lounge");

    let invitation = Tlvs::new().with_wire(oservice::tlv::ROOM, &RoomId::from(&made)).unwrap();
    let annas = service(&mut town, anna, FoodGroup::Chat, invitation.clone());
    assert_eq!(town.body::<UsersJoined>(annas).infos.len(), 1);
    let berts = service(&mut town, bert, FoodGroup::Chat, invitation);
    assert_eq!(town.body::<UsersJoined>(berts).infos.len(), 2);
    assert_eq!(town.body::<UsersJoined>(annas).infos[0].screen_name.as_str(), "Bert");

    for (reflect, heard_by_anna) in [(true, 1), (false, 0)] {
        let mut tlvs = Tlvs::new().with(chat::PUBLIC, []).with(chat::MESSAGE, b"\0\x01\0\x02hi");
        if reflect {
            tlvs.push(chat::REFLECT, []);
        }
        town.send(annas, &MessageToHost { cookie: [1; 8], channel: 3, tlvs });
        let heard: MessageToClient = town.body(berts);
        assert_eq!(heard.sender().unwrap().unwrap().screen_name.as_str(), "Anna");
        assert_eq!(heard.message().unwrap().unwrap().text(1).as_deref(), Some("hi"));
        assert_eq!(town.bodies::<MessageToClient>(annas).len(), heard_by_anna);
    }

    town.sign_off(bert);
    assert_eq!(town.closed[&berts], Ending::SessionOver, "closing BOS closes all");
    assert_eq!(town.body::<UsersLeft>(annas).infos[0].screen_name.as_str(), "Bert");
    town.sign_off(annas);
    assert!(!town.closed.contains_key(&anna));
}

#[test]
fn a_room_that_nobody_made_can_not_be_entered() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    let room = RoomId { exchange: 4, cookie: b"4-0-nowhere".to_vec(), instance: 0 };
    let tlvs = Tlvs::new().with_wire(oservice::tlv::ROOM, &room).unwrap();
    let request = town.send(anna, &ServiceRequest { group: FoodGroup::Chat, tlvs });
    assert_eq!(town.error(anna, request).map(|error| error.code), Some(0x14));
}
