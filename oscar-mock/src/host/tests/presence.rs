//! Who sees whom: 03, 09, 02, and what 01 changes in it.

use oscar_im::foodgroup::buddy::{Arrived, Departed};
use oscar_im::foodgroup::locate::{
    SetInfo, UserInfoQuery, UserInfoQuery2, UserInfoReply, query, tlv as locate,
};
use oscar_im::foodgroup::oservice::{self, IdleNotification, SetUserInfoFields};
use oscar_im::foodgroup::pd::{AddDeny, RemoveDeny};

use super::*;

/// Who came and went, as `+name` and `-name`.
fn changes(town: &mut Town, id: ConnectionId) -> Vec<String> {
    let name = |sign, infos: Vec<oscar_im::foodgroup::UserInfo>| format!("{sign}{}", infos[0].screen_name);
    town.snacs(id)
        .iter()
        .filter_map(|snac| {
            let arrived = snac.body_as::<Arrived>().map(|body| name('+', body.unwrap().infos));
            arrived.or_else(|| snac.body_as::<Departed>().map(|body| name('-', body.unwrap().infos)))
        })
        .collect()
}

#[test]
fn buddies_come_when_they_are_ready_and_go_with_their_connection() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &["bert", "nobody"]);
    let bert = town.arrive("Bert", &USUAL);
    assert!(changes(&mut town, anna).is_empty(), "not before 01/02");
    town.send(bert, &ClientOnline::default());
    assert_eq!(changes(&mut town, anna), ["+Bert"]);
    town.host.disconnect(bert, Ending::ClosedByClient, town.clock.now());
    town.listen();
    assert_eq!(changes(&mut town, anna), ["-Bert"]);
}

#[test]
fn whoever_is_there_already_is_shown_at_sign_on() {
    let mut town = Town::new();
    town.sign_on("Bert", &[]);
    let anna = town.arrive("Anna", &USUAL);
    town.send(anna, &AddBuddies { names: vec!["Bert".into(), "Carl".into()] });
    assert!(changes(&mut town, anna).is_empty());
    town.send(anna, &ClientOnline::default());
    assert_eq!(changes(&mut town, anna), ["+Bert"]);
}

#[test]
fn whoever_is_denied_sees_nobody() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &["Bert"]);
    let bert = town.sign_on("Bert", &["Anna"]);
    town.frames(anna);
    town.send(bert, &AddDeny { names: vec!["anna".into()] });
    assert_eq!(changes(&mut town, anna), ["-Bert"]);
    assert_eq!(changes(&mut town, bert), ["-Anna"]);
    let to_bert = town.send(anna, &im("Bert", &[ACK]));
    assert_eq!(town.error(anna, to_bert).map(|error| error.code), Some(0x04), "looks signed off");
    let to_anna = town.send(bert, &im("Anna", &[ACK]));
    assert_eq!(town.error(bert, to_anna).map(|error| error.code), Some(0x10), "on the own list");
    town.send(bert, &RemoveDeny { names: vec!["Anna".into()] });
    assert_eq!(changes(&mut town, anna), ["+Bert"]);
}

#[test]
fn away_idle_and_invisible_are_told() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &["Bert"]);
    let bert = town.sign_on("Bert", &[]);
    town.frames(anna);
    let tlvs = Tlvs::new().with(locate::AWAY_TYPE, "text/plain").with(locate::AWAY, "at lunch");
    town.send(bert, &SetInfo { tlvs });
    assert!(town.body::<Arrived>(anna).infos[0].is_away());
    town.send(bert, &IdleNotification { seconds: 600 });
    assert_eq!(town.body::<Arrived>(anna).infos[0].idle_minutes(), Some(10));

    town.send(anna, &UserInfoQuery { kind: query::AWAY, screen_name: "bert".into() });
    assert_eq!(town.body::<UserInfoReply>(anna).tlvs.text(locate::AWAY).as_deref(), Some("at lunch"));

    town.send(bert, &SetInfo { tlvs: Tlvs::new().with(locate::AWAY, []) });
    assert!(!town.body::<Arrived>(anna).infos[0].is_away());

    let invisible = SetUserInfoFields { tlvs: Tlvs::new().with_u32(oservice::tlv::STATUS, 0x100) };
    town.send(bert, &invisible);
    assert_eq!(changes(&mut town, anna), ["-Bert"]);
    let asked = town.send(anna, &UserInfoQuery2 { mask: 3, screen_name: "bert".into() });
    assert_eq!(town.error(anna, asked).map(|error| error.code), Some(0x04));
}
