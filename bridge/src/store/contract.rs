//! What every engine has to do. `tests!(|| engine)` in an engine's test module runs them all.

use super::{Chores, Store, Write};
use crate::aim::event::{AccountId, ImCookie};
use crate::conversation::{Author, ConversationId, Millis, VisitorKey};
use crate::outbox::staff::{DeliveryId, Im, Rank, Row};
use crate::outbox::visitor::AnswerId;
use crate::web::event::HistoryRange;

pub(crate) const ANNA: ConversationId = ConversationId(1);
pub(crate) const COOKIE: ImCookie = ImCookie(*b"cookie01");

pub(crate) fn row(id: u64, entry: Option<u64>, text: &str) -> Row {
    Row {
        id: DeliveryId(id),
        rank: Rank::Line,
        conversation: Some(ANNA),
        entry,
        last: true,
        text: text.into(),
        at: Millis(5),
    }
}

fn entry(number: u64, author: Author, text: &str) -> Write {
    Write::Entry {
        conversation: ANNA,
        number,
        at: Millis(number * 10),
        client_id: (author == Author::Visitor).then(|| format!("id{number}")),
        msgid: Some(format!("m{number}")),
        // The second line was said in private.
        channel: (number == 1).then(|| "#support".into()),
        author,
        text: text.into(),
    }
}

/// One conversation: two lines, one on its way and one waiting; one answer owed.
pub(crate) fn fill(store: &mut impl Store) {
    let one = row(1, Some(1), "anna: a very private line");
    let im =
        Im { cookie: COOKIE, account: AccountId(1), text: one.text.to_string(), rows: vec![one.clone()] }
            .into();
    let writes = [
        Write::Open {
            id: ANNA,
            key: VisitorKey::connection("u", "h", 7),
            label: "anna".into(),
            at: Millis(1),
        },
        Write::Nick(ANNA, "anna".into()),
        Write::Page(ANNA, "shop.example/".into()),
        Write::Language(ANNA, "de-AT".into()),
        Write::Contact(ANNA, "anna@example.org".into()),
        Write::Department(ANNA, Some("sales".into())),
        entry(1, Author::Visitor, "a very private line"),
        Write::Owe { to: "Staff One".into(), row: one },
        entry(2, Author::Visitor, "second"),
        Write::Owe { to: "Staff One".into(), row: row(2, Some(2), "anna: second") },
        Write::Form { to: "Staff One".into(), im },
        entry(3, Author::Staff("Staff One".into()), "hello"),
        Write::Answer { id: AnswerId(1), conversation: ANNA, entry: 3 },
        Write::Heard { sender: "Staff One".into(), cookie: COOKIE, at: Millis(30) },
        Write::Canned("hours".into(), "9 to 5".into()),
        Write::AimUp(Millis(77)),
        Write::FetchingFrom(Some(Millis(15))),
        Write::Refused(vec!["m8".into(), "m9".into()]),
        Write::Refused(vec!["m8".into()]),
    ];
    store.commit(&writes).unwrap();
}

pub(crate) fn comes_back_as_it_was(mut store: impl Store) {
    fill(&mut store);
    let snapshot = store.load().unwrap();
    assert_eq!(snapshot.conversations.len(), 1);
    let anna = &snapshot.conversations[0];
    assert_eq!((anna.label.as_str(), anna.last_entry, anna.last_at), ("anna", 3, Millis(30)));
    assert_eq!(anna.address.nick(), Some("anna"));
    assert_eq!(anna.page.as_deref(), Some("shop.example/"));
    assert_eq!(anna.language.as_deref(), Some("de-AT"));
    assert_eq!(anna.contact.as_deref(), Some("anna@example.org"));
    assert_eq!(anna.department.as_deref(), Some("sales"));
    assert_eq!(anna.untaken.numbers().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(anna.client_ids, [("id1".to_owned(), 1), ("id2".to_owned(), 2)]);
    assert_eq!(snapshot.last_conversation, 1);
    assert_eq!(snapshot.owed, [("staffone".into(), row(2, Some(2), "anna: second"))]);
    let (to, im) = &snapshot.ims[0];
    assert_eq!((to.as_str(), im.cookie, im.account), ("Staff One", COOKIE, AccountId(1)));
    assert_eq!(im.rows, [row(1, Some(1), "anna: a very private line")]);
    let (_, answer) = &snapshot.answers[0];
    assert_eq!((answer.entry, answer.text.as_str(), answer.again), (3, "hello", true));
    assert_eq!(snapshot.msgids.last(), Some(&("m3".to_owned(), ANNA, 3)));
    assert_eq!(snapshot.heard.len(), 1);
    assert_eq!(snapshot.refused, ["m8", "m9"]);
    assert_eq!(snapshot.canned, [("hours".to_owned(), "9 to 5".to_owned())]);
    assert_eq!(snapshot.aim_up, Some(Millis(77)));
    assert_eq!(snapshot.last_line_at, Some(Millis(20)), "what staff said afterwards does not count");
    assert_eq!(snapshot.fetching_from, Some(Millis(15)));
    store.commit(&[Write::FetchingFrom(None)]).unwrap();
    assert_eq!(store.load().unwrap().fetching_from, None);
}

pub(crate) fn what_is_settled_is_not_owed(mut store: impl Store) {
    fill(&mut store);
    let writes = [Write::Settle(DeliveryId(1)), Write::Taken(ANNA, 1), Write::Paid(AnswerId(1))];
    store.commit(&writes).unwrap();
    let snapshot = store.load().unwrap();
    assert!(snapshot.ims.is_empty() && snapshot.answers.is_empty());
    assert_eq!(snapshot.owed.len(), 1);
    assert_eq!(snapshot.conversations[0].untaken.numbers().collect::<Vec<_>>(), [2]);
}

pub(crate) fn what_is_returned_is_owed_as_before(mut store: impl Store) {
    fill(&mut store);
    store.commit(&[Write::Return(DeliveryId(1))]).unwrap();
    let snapshot = store.load().unwrap();
    assert!(snapshot.ims.is_empty());
    assert_eq!(snapshot.owed.iter().map(|(_, row)| row.id.0).collect::<Vec<_>>(), [1, 2]);
    store.commit(&[Write::Drop(DeliveryId(1)), Write::Reassign(DeliveryId(2), "staff2".into())]).unwrap();
    assert_eq!(store.load().unwrap().owed, [("staff2".into(), row(2, Some(2), "anna: second"))]);
}

pub(crate) fn a_transaction_is_all_or_nothing(mut store: impl Store) {
    fill(&mut store);
    let twice = entry(3, Author::Visitor, "the number is taken");
    assert!(store.commit(&[entry(4, Author::Visitor, "four"), twice]).is_err());
    assert_eq!(store.load().unwrap().conversations[0].last_entry, 3);
    store.commit(&[entry(4, Author::Visitor, "four")]).unwrap();
}

pub(crate) fn history_has_its_ranges(mut store: impl Store) {
    fill(&mut store);
    let mut numbers = |range: HistoryRange, limit: usize| -> Vec<u64> {
        store.entries(ANNA, &range, limit).unwrap().into_iter().map(|entry| entry.number).collect()
    };
    assert_eq!(numbers(HistoryRange::Latest, 2), [2, 3]);
    assert_eq!(numbers(HistoryRange::Before(3), 1), [2]);
    assert_eq!(numbers(HistoryRange::After(1), 1), [2]);
    assert_eq!(numbers(HistoryRange::BeforeTime(Millis(20).to_system()), 9), [1]);
    assert_eq!(numbers(HistoryRange::AfterTime(Millis(20).to_system()), 9), [3]);
    let entries = store.entries(ANNA, &HistoryRange::Latest, 9).unwrap();
    assert_eq!(entries[2].author, Author::Staff("staffone".into()));
    assert_eq!(entries[0].client_id.as_deref(), Some("id1"));
}

pub(crate) fn what_is_retired_frees_its_visitor(mut store: impl Store) {
    fill(&mut store);
    let key = VisitorKey::connection("u", "h", 7);
    store.commit(&[Write::Closed(ANNA, Some(Millis(40))), Write::Retire(ANNA)]).unwrap();
    assert!(store.load().unwrap().answers.is_empty(), "the visitor can't come for it");
    let again = Write::Open { id: ConversationId(2), key, label: "anna".into(), at: Millis(50) };
    store.commit(&[again]).unwrap();
    let snapshot = store.load().unwrap();
    assert_eq!(snapshot.conversations.iter().map(|one| one.id.0).collect::<Vec<_>>(), [2]);
    assert_eq!(store.conversations(9).unwrap().len(), 2, "the transcript is still there");
    assert_eq!(store.delete_older(Millis(31), 9).unwrap(), 1);
    assert_eq!(store.conversations(9).unwrap().len(), 1);
    assert_eq!(store.load().unwrap().last_conversation, 2, "numbers are never used again");
}

pub(crate) fn a_deleted_conversation_leaves_nothing(mut store: impl Store) {
    fill(&mut store);
    assert!(store.delete(ANNA).unwrap());
    let snapshot = store.load().unwrap();
    assert!(snapshot.conversations.is_empty() && snapshot.owed.is_empty());
    assert!(snapshot.ims.is_empty() && snapshot.answers.is_empty());
    assert!(snapshot.msgids.iter().all(|(_, conversation, _)| *conversation != ANNA));
    assert_eq!(snapshot.last_conversation, 1);
}

pub(crate) fn what_the_daemon_may_still_keep_is_known_until_it_has_forgotten_it(mut store: impl Store) {
    fill(&mut store);
    assert_eq!(store.chores().unwrap(), Chores::default());
    store.delete(ANNA).unwrap();
    let chores = store.chores().unwrap();
    let lines: Vec<_> = chores.redactions.iter().map(|line| (&*line.channel, &*line.msgid)).collect();
    assert_eq!(lines, [("#support", "m1"), ("", "m2")], "not what staff said");
    let known = store.load().unwrap().msgids.into_iter().map(|(msgid, ..)| msgid);
    assert_eq!(known.collect::<Vec<_>>(), ["m1", "m2"], "or the daemon's history would bring it back");
    store.commit(&[Write::Redacted(chores.redactions.iter().map(|line| line.id).collect())]).unwrap();
    assert_eq!(store.chores().unwrap(), Chores::default());
    assert!(store.load().unwrap().msgids.is_empty());
}

pub(crate) fn other_texts_of_a_message_with_a_deleted_one_are_owed_and_say_so(mut store: impl Store) {
    fill(&mut store);
    let of_ben = Row { conversation: Some(ConversationId(2)), entry: None, ..row(4, None, "ben: hi") };
    let of_anna = row(3, None, "anna: private");
    let key = VisitorKey::connection("b", "h", 8);
    let text = "anna: private\nben: hi".to_owned();
    let rows = vec![of_anna.clone(), of_ben.clone()];
    let im = Im { cookie: ImCookie(*b"cookie02"), account: AccountId(0), text, rows }.into();
    let writes = [
        Write::Open { id: ConversationId(2), key, label: "ben".into(), at: Millis(60) },
        Write::Owe { to: "Staff One".into(), row: of_anna },
        Write::Owe { to: "Staff One".into(), row: of_ben },
        Write::Form { to: "Staff One".into(), im },
    ];
    store.commit(&writes).unwrap();
    store.delete(ANNA).unwrap();
    let snapshot = store.load().unwrap();
    let owed: Vec<&str> = snapshot.owed.iter().map(|(_, row)| &*row.text).collect();
    assert_eq!(owed, ["ben: hi (again)"], "it may have arrived");
    assert!(snapshot.ims.is_empty());
}

macro_rules! tests {
    ($engine:expr) => {
        $crate::store::contract::tests!(@ $engine,
            comes_back_as_it_was,
            what_is_settled_is_not_owed,
            what_is_returned_is_owed_as_before,
            a_transaction_is_all_or_nothing,
            history_has_its_ranges,
            what_is_retired_frees_its_visitor,
            a_deleted_conversation_leaves_nothing,
            what_the_daemon_may_still_keep_is_known_until_it_has_forgotten_it,
            other_texts_of_a_message_with_a_deleted_one_are_owed_and_say_so,
        );
    };
    (@ $engine:expr, $($name:ident,)*) => {
        mod contract {
            use super::*;
            $(#[test]
            fn $name() {
                $crate::store::contract::$name(($engine)());
            })*
        }
    };
}
pub(crate) use tests;
