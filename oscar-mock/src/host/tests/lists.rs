//! 13: the server-stored list, over sessions.

use oscar_im::foodgroup::buddy::{Arrived, Departed};
use oscar_im::foodgroup::feedbag::{
    DeleteItems, EndCluster, InsertItems, Item, NotModified, Query, QueryIfModified, Reply, StartCluster,
    Status, UpdateItems, Use, class, status, tlv as feedbag,
};

use super::*;

fn item(class: u16, group: u16, item: u16, name: &str) -> Item {
    Item { name: name.to_owned(), group, item, class, tlvs: Tlvs::new() }
}

fn use_list(town: &mut Town, name: &str) -> ConnectionId {
    let id = town.arrive(name, &USUAL);
    town.send(id, &Query {});
    town.send(id, &Use {});
    town.send(id, &ClientOnline::default());
    id
}

#[test]
fn a_list_outlives_its_session_and_is_sent_again_only_if_it_changed() {
    let mut town = Town::new();
    let anna = use_list(&mut town, "Anna");
    let reply: Reply = town.body(anna);
    assert!(reply.items.is_empty());
    let items = vec![item(class::GROUP, 1, 0, "Friends"), item(class::BUDDY, 1, 1, "Bert")];
    town.send(anna, &InsertItems { items });
    assert_eq!(town.body::<Status>(anna).codes, [status::OK, status::OK]);
    town.sign_off(anna);

    let anna = town.arrive("Anna", &USUAL);
    town.send(anna, &Query {});
    let reply: Reply = town.body(anna);
    assert_eq!(reply.items.len(), 2);
    let Reply { last_change, .. } = reply;
    town.send(anna, &QueryIfModified { last_change, count: 2 });
    assert_eq!(town.body::<NotModified>(anna), NotModified { last_change, count: 2 });
    town.send(anna, &QueryIfModified { last_change, count: 1 });
    town.body::<Reply>(anna);
}

#[test]
fn a_buddy_who_is_there_is_shown_when_added_and_leaves_unsaid_when_moved() {
    let mut town = Town::new();
    town.sign_on("Bert", &[]);
    let anna = use_list(&mut town, "Anna");
    town.frames(anna);
    town.send(anna, &InsertItems { items: vec![item(class::BUDDY, 1, 1, "Bert")] });
    assert_eq!(town.body::<Arrived>(anna).infos[0].screen_name.as_str(), "Bert");

    town.send(anna, &StartCluster::default());
    town.send(anna, &DeleteItems { items: vec![item(class::BUDDY, 1, 1, "Bert")] });
    town.send(anna, &InsertItems { items: vec![item(class::BUDDY, 2, 5, "bert")] });
    town.send(anna, &EndCluster {});
    let snacs = town.snacs(anna);
    assert!(!snacs.iter().any(|snac| snac.body_as::<Departed>().is_some()));

    town.send(anna, &DeleteItems { items: vec![item(class::BUDDY, 2, 5, "bert")] });
    town.body::<Departed>(anna);
}

#[test]
fn codes_tell_what_could_not_be_stored() {
    let mut town = Town::new();
    let anna = use_list(&mut town, "Anna");
    town.frames(anna);
    let items: Vec<Item> = (0..62).map(|id| item(class::BUDDY, 1, id, &format!("buddy{id}"))).collect();
    town.send(anna, &InsertItems { items });
    let codes = town.body::<Status>(anna).codes;
    assert_eq!((codes[60], codes[61]), (status::OK, status::OVER_LIMIT));
    let long = "x".repeat(98);
    town.send(anna, &UpdateItems { items: vec![item(class::GROUP, 1, 0, &long)] });
    assert_eq!(town.body::<Status>(anna).codes, [status::INVALID]);
}

#[test]
fn a_long_list_comes_in_parts() {
    let mut town = Town::new();
    let anna = use_list(&mut town, "Anna");
    let items: Vec<Item> = (0..60).map(|id| item(class::BUDDY, 1, id, &format!("buddy{id}"))).collect();
    town.send(anna, &InsertItems { items });
    town.frames(anna);
    town.send(anna, &Query {});
    let parts = town.snacs(anna);
    assert_eq!(parts.iter().map(|part| part.flags.more_follows()).collect::<Vec<_>>(), [true, true, false]);
    let counts = parts.iter().map(|part| part.body_as::<Reply>().unwrap().unwrap().items.len());
    assert_eq!(counts.sum::<usize>(), 60);
}

#[test]
fn a_denial_on_the_list_hides_at_once() {
    let mut town = Town::new();
    let bert = town.sign_on("Bert", &["Anna"]);
    let anna = use_list(&mut town, "Anna");
    town.frames(bert);
    let mode = Item { tlvs: Tlvs::new().with(feedbag::PRIVACY_MODE, [4]), ..item(class::PRIVACY, 0, 1, "") };
    town.send(anna, &InsertItems { items: vec![mode, item(class::DENY, 0, 2, "bert")] });
    town.body::<Departed>(bert);
    let request = town.send(bert, &im("Anna", &[ACK]));
    assert_eq!(town.error(bert, request).map(|error| error.code), Some(0x04));
}

#[test]
fn the_other_sessions_of_the_account_are_told_of_edits() {
    let mut town = Town::new();
    let shared = SignOn { multi: Some(1), ..USUAL };
    let (first, second) = (town.arrive("Anna", &shared), town.arrive("Anna", &shared));
    let items = vec![item(class::GROUP, 1, 0, "Friends")];
    town.send(first, &InsertItems { items: items.clone() });
    assert_eq!(town.body::<InsertItems>(second).items, items);
    assert!(town.bodies::<InsertItems>(first).is_empty());
}
