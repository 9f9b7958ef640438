//! The lists that the server keeps: edited in transactions, taken back where it refuses, privacy among them.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail by them")]

mod common;

use common::transcript::{Transcript, kinds};
use oscar_im::ScreenName;
use oscar_im::foodgroup::feedbag::{self, Item, class, status, tlv};
use oscar_im::foodgroup::{Body, FoodGroup};
use oscar_im::session::{Edits, Event, Presence, Privacy, SendError};
use oscar_im::wire::{FlapChannel, Frame, Tlvs};
use std::time::Duration;

fn name(text: &str) -> ScreenName {
    ScreenName::from(text)
}

/// Signed on, with these on the list.
fn with_buddies(buddies: &[(&str, &str)]) -> Transcript {
    let mut t = Transcript::online();
    for (group, who) in buddies {
        t.session.add_buddy(group, &name(who), t.now).unwrap();
    }
    t.drain();
    t.sent.clear();
    t.events.clear();
    t
}

/// Signed on, with a list that says nothing of privacy.
fn without_privacy() -> Transcript {
    let mut t = with_buddies(&[]);
    assert_eq!(t.session.buddy_list().privacy(), Some(Privacy::All), "the capture's");
    let items = t.session.buddy_list().items().iter().filter(|item| item.class == class::PRIVACY);
    let items = items.cloned().collect();
    t.gets(0, &feedbag::DeleteItems { items });
    assert_eq!(t.session.buddy_list().privacy(), None);
    t.events.clear();
    t
}

/// Where everybody is: `group: who (alias)`.
fn list(t: &Transcript) -> Vec<String> {
    let buddies = t.session.buddy_list().buddies();
    buddies
        .map(|buddy| {
            let alias = buddy.alias.map(|alias| format!(" ({alias})")).unwrap_or_default();
            format!("{}: {}{alias}", buddy.group, buddy.screen_name)
        })
        .collect()
}

/// The server answers the last edit of a kind with these codes.
fn answer(t: &mut Transcript, subgroup: u16, codes: &[u16]) {
    let id = t.request_id(FoodGroup::Feedbag, subgroup);
    t.gets(id, &feedbag::Status { codes: codes.to_vec() });
}

const INSERT: u16 = 0x08;
const UPDATE: u16 = 0x09;
const DELETE: u16 = 0x0a;

#[test]
fn a_buddy_gets_an_alias_and_loses_it() {
    let mut t = with_buddies(&[("Friends", "Ann")]);
    t.session.set_alias(&name("ann"), Some("Annie \u{e9}"), t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent), ["13/11", "13/09", "13/12"]);
    assert_eq!(list(&t), ["Friends: Ann (Annie \u{e9})"]);
    t.session.set_alias(&name("ann"), None, t.now).unwrap();
    assert_eq!(list(&t), ["Friends: Ann"]);
    assert_eq!(t.session.set_alias(&name("bob"), Some("x"), t.now), Err(SendError::NotListed));
    assert_eq!(t.session.set_alias(&name("ann"), Some(&"x".repeat(256)), t.now), Err(SendError::TooLong));
}

#[test]
fn a_buddy_moves_with_what_is_said_of_them() {
    let mut t = with_buddies(&[("Friends", "Ann"), ("Friends", "Bob")]);
    t.session.set_alias(&name("ann"), Some("Annie"), t.now).unwrap();
    t.session.move_buddy(&name("ann"), "Work", t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent[3..]), ["13/11", "13/08", "13/09", "13/0a", "13/12"]);
    assert_eq!(list(&t), ["Friends: Bob", "Work: Ann (Annie)"]);
    let items = t.session.buddy_list().items();
    for group in items.iter().filter(|item| item.class == class::GROUP && item.group != 0) {
        let members: Vec<u16> = items
            .iter()
            .filter(|item| item.class == class::BUDDY && item.group == group.group)
            .map(|item| item.item)
            .collect();
        assert_eq!(group.order(), members, "{}", group.name);
    }
    t.sent.clear();
    t.session.move_buddy(&name("ann"), "work", t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent), [] as [&str; 0], "there already");
    assert_eq!(t.session.move_buddy(&name("cy"), "Work", t.now), Err(SendError::NotListed));
}

#[test]
fn groups_are_renamed_and_removed() {
    let mut t = with_buddies(&[("Friends", "Ann"), ("Work", "Bob"), ("Work", "Cy")]);
    assert_eq!(t.session.rename_group("Friends", "Work", t.now), Err(SendError::NotListed));
    t.session.rename_group("friends", "Family", t.now).unwrap();
    assert_eq!(list(&t), ["Family: Ann", "Work: Bob", "Work: Cy"]);
    t.session.remove_group("Work", t.now).unwrap();
    assert_eq!(list(&t), ["Family: Ann"]);
    assert_eq!(t.session.buddy_list().groups().collect::<Vec<_>>(), ["Family"]);
    t.drain();
    let deleted: Vec<String> = t
        .sent
        .iter()
        .filter_map(|(_, body)| if let Body::FeedbagDelete(items) = body { Some(items) } else { None })
        .flat_map(|items| items.items.iter().map(|item| item.name.clone()))
        .collect();
    assert_eq!(deleted, ["Bob", "Cy", "Work"], "those in it before itself");
    assert_eq!(t.session.remove_group("Work", t.now), Err(SendError::NotListed));
}

#[test]
fn what_the_server_refuses_is_taken_back() {
    let mut t = with_buddies(&[("Friends", "Ann")]);
    t.session.set_alias(&name("ann"), Some("Annie"), t.now).unwrap();
    t.drain();
    answer(&mut t, UPDATE, &[status::INVALID]);
    assert_eq!(list(&t), ["Friends: Ann"]);

    t.session.remove_buddy(&name("ann"), t.now).unwrap();
    t.drain();
    answer(&mut t, UPDATE, &[status::OK]);
    answer(&mut t, DELETE, &[status::INVALID]);
    assert_eq!(list(&t), ["Friends: Ann"]);

    t.session.deny(&name("pest"), t.now).unwrap();
    t.drain();
    answer(&mut t, INSERT, &[status::OVER_LIMIT]);
    assert_eq!(t.session.buddy_list().denied().count(), 0);
    let refused: Vec<Event> =
        t.events().into_iter().filter(|event| *event != Event::BuddyListChanged).collect();
    let refused_as = |name: &str, code| Event::BuddyListRefused { name: name.into(), code };
    assert_eq!(
        refused,
        [
            refused_as("Ann", status::INVALID),
            refused_as("Ann", status::INVALID),
            refused_as("pest", status::OVER_LIMIT)
        ]
    );
}

#[test]
fn what_is_as_wanted_already_is_no_refusal() {
    let mut t = with_buddies(&[("Friends", "Ann")]);
    t.session.deny(&name("pest"), t.now).unwrap();
    t.drain();
    answer(&mut t, INSERT, &[status::EXISTS]);
    t.session.remove_buddy(&name("ann"), t.now).unwrap();
    t.drain();
    answer(&mut t, DELETE, &[status::NOT_FOUND]);
    assert_eq!(t.events(), vec![Event::BuddyListChanged; 2]);
    assert_eq!(t.session.buddy_list().denied().collect::<Vec<_>>(), [name("pest")]);
}

#[test]
fn privacy_is_a_mode_and_two_lists() {
    let mut t = without_privacy();
    t.session.set_privacy(Privacy::NotDenied, t.now).unwrap();
    t.session.deny(&name("Pest"), t.now).unwrap();
    t.session.permit(&name("friend"), t.now).unwrap();
    t.drain();
    let items: Vec<(u16, String, Option<u32>)> = t
        .sent
        .iter()
        .filter_map(|(_, body)| if let Body::FeedbagInsert(items) = body { Some(items) } else { None })
        .flat_map(|items| &items.items)
        .map(|item| (item.class, item.name.clone(), item.tlvs.number(tlv::PRIVACY_MODE)))
        .collect();
    assert_eq!(
        items,
        [
            (class::PRIVACY, String::new(), Some(4)),
            (class::DENY, "Pest".to_owned(), None),
            (class::PERMIT, "friend".to_owned(), None)
        ]
    );
    assert_eq!(t.session.buddy_list().privacy(), Some(Privacy::NotDenied));
    assert_eq!(t.session.buddy_list().denied().collect::<Vec<_>>(), [name("pest")]);
    assert_eq!(t.session.buddy_list().permitted().collect::<Vec<_>>(), [name("friend")]);

    t.sent.clear();
    t.session.deny(&name("pest"), t.now).unwrap();
    t.session.set_privacy(Privacy::NotDenied, t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent), [] as [&str; 0], "as it is already");
    t.session.set_privacy(Privacy::Buddies, t.now).unwrap();
    t.session.undeny(&name("PEST"), t.now).unwrap();
    t.session.unpermit(&name("friend"), t.now).unwrap();
    t.drain();
    let edits = ["13/11", "13/09", "13/12", "13/11", "13/0a", "13/12", "13/11", "13/0a", "13/12"];
    assert_eq!(kinds(&t.sent), edits);
    assert_eq!(t.session.buddy_list().privacy(), Some(Privacy::Buddies));
    assert_eq!(t.session.buddy_list().denied().count() + t.session.buddy_list().permitted().count(), 0);
}

#[test]
fn a_mode_that_nobody_has_heard_of_is_none() {
    let mut t = without_privacy();
    let mut item = Item { item: 9, class: class::PRIVACY, ..Item::default() };
    item.tlvs.set(tlv::PRIVACY_MODE, [77]);
    t.gets(0, &feedbag::InsertItems { items: vec![item] });
    assert_eq!(t.session.buddy_list().privacy(), None);
    t.session.set_privacy(Privacy::All, t.now).unwrap();
    assert_eq!(t.session.buddy_list().privacy(), Some(Privacy::All));
}

#[test]
fn a_transaction_goes_as_a_whole_or_not_at_all() {
    let mut t = with_buddies(&[]);
    let mut taken = 0;
    // The server's limits hold the requests back, and nobody waits for them.
    while t.session.deny(&name(&format!("pest{taken}")), t.now).is_ok() {
        taken += 1;
        assert!(taken < 10_000, "somewhere is an end");
    }
    assert_eq!(t.session.deny(&name("one more"), t.now), Err(SendError::Busy));
    assert_eq!(t.session.buddy_list().denied().count(), taken);
    t.drain();
    while kinds(&t.sent).len() < 3 * taken {
        t.frame(&Frame::new(FlapChannel::KeepAlive, Vec::new()));
        t.after(Duration::from_secs(20));
    }
    let sent = kinds(&t.sent);
    let count = |kind: &str| sent.iter().filter(|sent| *sent == kind).count();
    assert_eq!([count("13/11"), count("13/08"), count("13/12")], [taken; 3]);
}

#[test]
fn others_edits_are_told_and_taken_over() {
    let mut t = with_buddies(&[("Friends", "Ann")]);
    let group = t.session.buddy_list().items().iter().find(|item| item.name == "Ann").unwrap().group;
    let item = Item { name: "Bob".into(), group, item: 99, class: class::BUDDY, ..Item::default() };
    t.gets(0, &feedbag::InsertItems { items: vec![item.clone()] });
    assert_eq!(list(&t), ["Friends: Ann", "Friends: Bob"]);
    t.gets(0, &feedbag::DeleteItems { items: vec![item] });
    assert_eq!(list(&t), ["Friends: Ann"]);
    assert_eq!(t.events(), vec![Event::BuddyListChanged; 2]);
    assert_eq!(t.session.presence(&name("bob")), Presence::Offline);
}

#[test]
fn a_group_is_made_empty_and_a_buddy_gets_a_comment() {
    let mut t = with_buddies(&[("Friends", "Ann")]);
    t.session.add_group("Work", t.now).unwrap();
    t.session.add_group("work", t.now).unwrap();
    t.session.add_group("", t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent), ["13/11", "13/08", "13/09", "13/12"]);
    assert_eq!(t.session.buddy_list().groups().collect::<Vec<_>>(), ["Friends", "Work"]);
    t.session.set_comment(&name("ann"), Some("met at the fair"), t.now).unwrap();
    t.session.set_alias(&name("ann"), Some("Annie"), t.now).unwrap();
    let comment = |t: &Transcript| t.session.buddy_list().buddies().next().unwrap().comment;
    assert_eq!(comment(&t).as_deref(), Some("met at the fair"));
    t.session.set_comment(&name("ann"), None, t.now).unwrap();
    assert_eq!((comment(&t), list(&t)), (None, vec!["Friends: Ann (Annie)".to_owned()]));
    assert_eq!(t.session.set_comment(&name("bob"), None, t.now), Err(SendError::NotListed));
}

#[test]
fn preferences_are_kept_on_the_list() {
    let mut t = with_buddies(&[]);
    assert_eq!(t.session.buddy_list().preferences(), None);
    for bits in [0x0040_0000, 0x0040_0000, 1] {
        t.session.set_preferences(bits, t.now).unwrap();
        assert_eq!(t.session.buddy_list().preferences(), Some(bits));
    }
    t.drain();
    assert_eq!(kinds(&t.sent), ["13/11", "13/08", "13/12", "13/11", "13/09", "13/12"]);
}

#[test]
fn any_edit_can_be_made_and_what_is_refused_of_it_is_taken_back() {
    let mut t = with_buddies(&[("Friends", "Ann")]);
    let icon = Item {
        name: "1".into(),
        item: t.session.buddy_list().free_id().unwrap(),
        class: class::ICON,
        tlvs: Tlvs::new().with(tlv::ICON, [1, 0]),
        ..Item::default()
    };
    let edits = Edits { insert: vec![icon.clone()], ..Edits::default() };
    t.session.edit_list(edits, t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent), ["13/11", "13/08", "13/12"]);
    assert!(t.session.buddy_list().items().contains(&icon));
    t.events.clear();
    answer(&mut t, INSERT, &[status::OVER_LIMIT]);
    assert!(!t.session.buddy_list().items().contains(&icon));
    assert_eq!(t.events(), [Event::BuddyListRefused { name: "1".into(), code: status::OVER_LIMIT }]);
}

#[test]
fn items_go_in_frames_of_a_length_that_servers_take() {
    let mut t = with_buddies(&[]);
    let before = t.session.buddy_list().clone();
    let item = |id: u16, bytes: usize| Item {
        name: format!("b{id}"),
        group: 1,
        item: id,
        tlvs: Tlvs::new().with(tlv::COMMENT, "x".repeat(bytes)),
        ..Item::default()
    };
    let insert = (1000..1030).map(|id| item(id, 1_000)).collect();
    t.session.edit_list(Edits { insert, ..Edits::default() }, t.now).unwrap();
    for _ in 0..10 {
        t.after(Duration::from_secs(10));
    }
    assert_eq!(kinds(&t.sent).iter().filter(|kind| *kind == "13/08").count(), 4);
    assert!(t.frames.iter().all(|frame| frame.payload.len() <= 8_192));

    let after = t.session.buddy_list().clone();
    assert_ne!(before, after);
    t.sent.clear();
    let insert = vec![item(2000, 10), item(2001, 8_200)];
    let edits = Edits { insert, ..Edits::default() };
    assert_eq!(t.session.edit_list(edits, t.now), Err(SendError::TooLong));
    assert_eq!(*t.session.buddy_list(), after, "nothing is sent or changed");
    t.drain();
    assert!(t.sent.is_empty());
}

#[test]
fn one_knows_when_the_server_has_it_all() {
    let mut t = with_buddies(&[]);
    assert_eq!((t.session.open_edits(), t.session.queued()), (0, 0));
    t.session.deny(&name("ann"), t.now).unwrap();
    t.session.deny(&name("bob"), t.now).unwrap();
    t.drain();
    t.events.clear();
    assert_eq!((t.session.open_edits(), t.session.queued()), (2, 0));
    let ids: Vec<u32> =
        t.sent.iter().filter(|(snac, _)| snac.subgroup == INSERT).map(|(s, _)| s.request_id).collect();
    t.gets(ids[0], &feedbag::Status { codes: vec![status::OK] });
    assert_eq!((t.session.open_edits(), t.events()), (1, vec![]));
    t.gets(ids[1], &feedbag::Status { codes: vec![status::OVER_LIMIT] });
    let refused = Event::BuddyListRefused { name: "bob".into(), code: status::OVER_LIMIT };
    assert_eq!((t.session.open_edits(), t.events()), (0, vec![refused, Event::BuddyListSaved]));

    // More than goes at once.
    while t.session.queued() == 0 {
        t.session.set_idle(Duration::ZERO, t.now).unwrap();
        t.drain();
    }
    let (queued, sent) = (t.session.queued(), t.sent.len());
    t.after(Duration::from_secs(60));
    assert_eq!((queued, t.session.queued(), t.sent.len()), (1, 0, sent + 1));
}
