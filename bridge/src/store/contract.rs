//! What every engine has to do. `tests!(|| engine)` in an engine's test module runs them all.

use super::{Chores, Store, StoreError, Write};
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

/// Something said in any conversation.
pub(crate) fn line(conversation: ConversationId, number: u64, author: Author) -> Write {
    Write::Entry {
        conversation,
        number,
        at: Millis(number * 10),
        client_id: (author == Author::Visitor).then(|| format!("id{number}")),
        msgid: Some(format!("m{}-{number}", conversation.0)),
        channel: None,
        author,
        text: format!("line {number}"),
    }
}

/// One conversation: two lines, one on its way and one waiting; one answer owed.
pub(crate) fn fill(store: &mut impl Store) {
    let one = row(1, Some(1), "anna: a very private line");
    let im =
        Im { cookie: COOKIE, account: AccountId(1), text: one.text.clone(), rows: vec![one.clone()] }.into();
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
    let text = "anna: private\nben: hi".into();
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

const BEN: ConversationId = ConversationId(2);

fn open(id: ConversationId, key: &str) -> Write {
    Write::Open { id, key: VisitorKey::session(key), label: key.into(), at: Millis(60) }
}

fn said_at(conversation: ConversationId, number: u64, at: u64, author: Author) -> Write {
    match line(conversation, number, author) {
        Write::Entry { conversation, number, author, text, client_id, msgid, channel, .. } => {
            let at = Millis(at);
            Write::Entry { conversation, number, at, author, text, client_id, msgid, channel }
        }
        other => other,
    }
}

/// A message to `Staff One` of these texts.
fn form(rows: &[Row]) -> Write {
    let texts: Vec<&str> = rows.iter().map(|row| &*row.text).collect();
    let (cookie, account) = (ImCookie(rows[0].id.0.to_be_bytes()), AccountId(0));
    let im = Im { cookie, account, text: texts.join("\n").into(), rows: rows.to_vec() };
    Write::Form { to: "Staff One".into(), im: im.into() }
}

pub(crate) fn what_is_known_of_a_visitor_changes(mut store: impl Store) {
    fill(&mut store);
    let key = VisitorKey::account("Anna");
    let writes = [
        Write::Key(ANNA, Some(key.clone())),
        Write::Nick(ANNA, "anna2".into()),
        Write::Page(ANNA, "shop.example/pay".into()),
        Write::Language(ANNA, "en".into()),
        Write::Contact(ANNA, "+43 1".into()),
        Write::Department(ANNA, None),
        Write::Closed(ANNA, Some(Millis(40))),
        Write::Holder(ANNA, Some("Staff One".into())),
        Write::Blocked(ANNA, true),
    ];
    store.commit(&writes).unwrap();
    let anna = store.load().unwrap().conversations.remove(0);
    assert_eq!((anna.key, anna.address.nick()), (Some(key), Some("anna2")));
    assert_eq!((anna.page.as_deref(), anna.language.as_deref()), (Some("shop.example/pay"), Some("en")));
    assert_eq!((anna.contact.as_deref(), anna.department), (Some("+43 1"), None));
    assert_eq!(
        (anna.closed_at, anna.holder, anna.blocked),
        (Some(Millis(40)), Some("staffone".into()), true)
    );
    assert_eq!((anna.opened_at, anna.last_at, anna.held_at), (Millis(1), Millis(30), Millis(30)));
    assert!(!store.conversations(9).unwrap()[0].open);
    let writes = [Write::Closed(ANNA, None), Write::Holder(ANNA, None), Write::Blocked(ANNA, false)];
    store.commit(&writes).unwrap();
    store.commit(&[Write::Key(ANNA, Some(VisitorKey::session("s")))]).unwrap();
    let anna = store.load().unwrap().conversations.remove(0);
    assert_eq!((anna.closed_at, anna.holder, anna.blocked), (None, None, false));
    assert_eq!(anna.address.nick(), None, "the gateway says where its visitors are");
    store.commit(&[Write::Key(ANNA, None)]).unwrap();
    let anna = store.load().unwrap().conversations.remove(0);
    assert_eq!((anna.key, anna.address.nick()), (None, None), "nobody can come back to it");
}

pub(crate) fn a_visitor_has_one_conversation(mut store: impl Store) {
    fill(&mut store);
    store.commit(&[open(BEN, "ben")]).unwrap();
    let third = ConversationId(3);
    let ben = || VisitorKey::session("ben");
    assert!(matches!(store.commit(&[open(third, "ben")]), Err(StoreError::Contradiction { .. })));
    assert!(store.commit(&[Write::Key(ANNA, Some(ben()))]).is_err());
    assert_eq!(store.load().unwrap().last_conversation, 2, "nothing of it happened");
    store.commit(&[Write::Key(BEN, Some(ben()))]).unwrap();
    // Taken from one and given to the other, at once.
    store.commit(&[Write::Key(BEN, None), Write::Key(ANNA, Some(ben()))]).unwrap();
    store.commit(&[Write::Retire(ANNA), open(third, "ben")]).unwrap();
    assert_eq!(store.load().unwrap().conversations.len(), 2);
}

pub(crate) fn what_contradicts_is_refused_and_nothing_of_it_stays(mut store: impl Store) {
    fill(&mut store);
    let before = format!("{:?}", store.load().unwrap());
    let harmless = || {
        vec![
            open(BEN, "ben"),
            line(BEN, 1, Author::Visitor),
            line(ANNA, 4, Author::Staff("staff2".into())),
            Write::Owe { to: "staff2".into(), row: row(9, None, "more") },
            Write::Form {
                to: "staff2".into(),
                im: Im {
                    rows: vec![row(2, None, "a")],
                    text: "a".into(),
                    cookie: COOKIE,
                    account: AccountId(0),
                }
                .into(),
            },
            Write::Return(DeliveryId(1)),
            Write::Reassign(DeliveryId(1), "staff2".into()),
            Write::Paid(AnswerId(1)),
            Write::Retire(ANNA),
            Write::Answer { id: AnswerId(2), conversation: ANNA, entry: 4 },
            Write::Heard { sender: "staff2".into(), cookie: COOKIE, at: Millis(99) },
            Write::ForgetHeard(Millis(31)),
            Write::Canned("hours".into(), "never".into()),
            Write::ForgetCanned("hours".into()),
            Write::AimUp(Millis(99)),
            Write::FetchingFrom(None),
            Write::Nick(ANNA, "other".into()),
        ]
    };
    let nobody = ConversationId(77);
    let contradictions = [
        open(ANNA, "somebody"),
        line(nobody, 1, Author::Visitor),
        line(ANNA, 4, Author::Visitor),
        line(ANNA, 6, Author::Visitor),
        Write::Owe { to: "staff2".into(), row: row(9, None, "the number is taken") },
        Write::Owe {
            to: "staff2".into(),
            row: Row { conversation: Some(nobody), ..row(10, None, "of nothing") },
        },
        form(&[row(2, None, "the number is taken")]),
        Write::Answer { id: AnswerId(3), conversation: ANNA, entry: 99 },
        Write::Answer { id: AnswerId(2), conversation: ANNA, entry: 3 },
    ];
    for contradiction in contradictions {
        let mut writes = harmless();
        writes.push(contradiction.clone());
        let refused = store.commit(&writes);
        assert!(matches!(refused, Err(StoreError::Contradiction { .. })), "{contradiction:?}: {refused:?}");
        assert_eq!(format!("{:?}", store.load().unwrap()), before, "{contradiction:?}");
    }
    store.commit(&harmless()).unwrap();
}

pub(crate) fn what_is_not_there_changes_nothing(mut store: impl Store) {
    fill(&mut store);
    let before = format!("{:?}", store.load().unwrap());
    let nobody = ConversationId(77);
    let writes = [
        Write::Key(nobody, Some(VisitorKey::session("s"))),
        Write::Nick(nobody, "n".into()),
        Write::Page(nobody, "p".into()),
        Write::Language(nobody, "l".into()),
        Write::Contact(nobody, "c".into()),
        Write::Department(nobody, Some("d".into())),
        Write::Closed(nobody, Some(Millis(1))),
        Write::Retire(nobody),
        Write::Holder(nobody, Some("staff2".into())),
        Write::Blocked(nobody, true),
        Write::Taken(nobody, 1),
        Write::Taken(ANNA, 3),
        Write::Drop(DeliveryId(77)),
        Write::Reassign(DeliveryId(77), "staff2".into()),
        Write::Return(DeliveryId(77)),
        Write::Settle(DeliveryId(2)),
        Write::Paid(AnswerId(77)),
        Write::ForgetHeard(Millis(30)),
        Write::ForgetCanned("nothing".into()),
        Write::Redacted(vec![77]),
    ];
    store.commit(&writes).unwrap();
    store.commit(&[]).unwrap();
    assert_eq!(format!("{:?}", store.load().unwrap()), before);
    assert!(!store.delete(nobody).unwrap());
    assert!(store.entries(nobody, &HistoryRange::Latest, 9).unwrap().is_empty());
    // The key that nobody got is free.
    store.commit(&[open(BEN, "s")]).unwrap();
}

pub(crate) fn all_comes_back_in_its_order(mut store: impl Store) {
    let said = |id, number, at| said_at(id, number, at, Author::Visitor);
    let third = ConversationId(3);
    let general = |id: u64, text: &str| Row { conversation: None, ..row(id, None, text) };
    let writes = [
        open(third, "three"),
        open(ANNA, "one"),
        open(BEN, "two"),
        said(third, 1, 500),
        said(ANNA, 1, 300),
        // The daemon's history brings what was said before.
        said(ANNA, 2, 200),
        said(BEN, 1, 400),
        Write::Owe { to: "b".into(), row: general(8, "later") },
        Write::Owe { to: "a".into(), row: general(4, "sooner") },
        form(&[general(9, "b")]),
        form(&[general(5, "a"), general(11, "c")]),
        said_at(BEN, 2, 600, Author::Staff("staff1".into())),
        Write::Answer { id: AnswerId(6), conversation: BEN, entry: 2 },
        Write::Answer { id: AnswerId(3), conversation: BEN, entry: 2 },
        Write::Heard { sender: "b".into(), cookie: COOKIE, at: Millis(9) },
        Write::Heard { sender: "a".into(), cookie: COOKIE, at: Millis(7) },
        Write::Canned("z".into(), "1".into()),
        Write::Canned("b".into(), "2".into()),
    ];
    store.commit(&writes).unwrap();
    let snapshot = store.load().unwrap();
    let conversations = snapshot.conversations.iter();
    let order: Vec<_> =
        conversations.map(|one| (one.id.0, one.last_at.0, one.spoke, one.last_entry)).collect();
    assert_eq!(order, [(1, 200, 1, 2), (3, 500, 2, 1), (2, 600, 3, 2)], "who spoke last is last");
    assert_eq!(snapshot.conversations[0].client_ids, [("id1".to_owned(), 1), ("id2".to_owned(), 2)]);
    let msgids: Vec<&str> = snapshot.msgids.iter().map(|(msgid, ..)| msgid.as_str()).collect();
    assert_eq!(msgids, ["m3-1", "m1-1", "m1-2", "m2-1", "m2-2"], "as they came");
    assert_eq!(snapshot.owed.iter().map(|(_, row)| row.id.0).collect::<Vec<_>>(), [4, 8]);
    assert_eq!(snapshot.ims.iter().map(|(_, im)| im.number().0).collect::<Vec<_>>(), [5, 9]);
    assert_eq!(snapshot.answers.iter().map(|(_, answer)| answer.id.0).collect::<Vec<_>>(), [3, 6]);
    assert_eq!(snapshot.heard.iter().map(|(_, _, at)| at.0).collect::<Vec<_>>(), [9, 7], "as they came");
    assert_eq!(snapshot.canned.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["b", "z"]);
    assert_eq!(snapshot.last_line_at, Some(Millis(500)), "the newest, not the last stored");
    let listed = store.conversations(2).unwrap();
    assert_eq!(listed.iter().map(|one| (one.id.0, one.entries)).collect::<Vec<_>>(), [(2, 2), (3, 1)]);
}

pub(crate) fn a_line_waits_until_it_is_taken(mut store: impl Store) {
    store.commit(&[open(BEN, "ben")]).unwrap();
    let lines: Vec<Write> = (1..=6).map(|number| line(BEN, number, Author::Visitor)).collect();
    store.commit(&lines).unwrap();
    store.commit(&[line(BEN, 7, Author::Staff("staff1".into()))]).unwrap();
    store.commit(&[Write::Taken(BEN, 5), Write::Taken(BEN, 1), Write::Taken(BEN, 2)]).unwrap();
    store.commit(&[Write::Taken(BEN, 2)]).unwrap();
    let waiting = &store.load().unwrap().conversations[0].untaken;
    assert_eq!(waiting.numbers().collect::<Vec<_>>(), [3, 4, 6]);
    assert_eq!(waiting.client_ids().collect::<Vec<_>>(), ["id3", "id4", "id6"]);
    let entries = store.entries(BEN, &HistoryRange::Latest, 9).unwrap();
    let taken: Vec<u64> = entries.iter().filter(|entry| entry.taken).map(|entry| entry.number).collect();
    assert_eq!(taken, [1, 2, 5, 7], "what staff said waits for no AIM server");
}

pub(crate) fn single_values_are_the_last_ones(mut store: impl Store) {
    fill(&mut store);
    let writes = [
        Write::AimUp(Millis(99)),
        Write::AimUp(Millis(50)),
        Write::FetchingFrom(Some(Millis(5))),
        Write::Canned("hours".into(), "never".into()),
        Write::Canned("bye".into(), "bye".into()),
        Write::Heard { sender: "Staff One".into(), cookie: ImCookie(*b"cookie02"), at: Millis(31) },
        Write::ForgetHeard(Millis(31)),
    ];
    store.commit(&writes).unwrap();
    let snapshot = store.load().unwrap();
    assert_eq!((snapshot.aim_up, snapshot.fetching_from), (Some(Millis(50)), Some(Millis(5))));
    let heard = ("staffone".into(), ImCookie(*b"cookie02"), Millis(31));
    assert_eq!(snapshot.heard, [heard], "what came before that moment is forgotten");
    assert_eq!(snapshot.canned[1], ("hours".to_owned(), "never".to_owned()));
    store.commit(&[Write::ForgetCanned("hours".into())]).unwrap();
    assert_eq!(store.load().unwrap().canned.len(), 1);
}

pub(crate) fn old_ones_are_deleted_oldest_first_and_only_retired_ones(mut store: impl Store) {
    for id in 1..=5 {
        let (id, key) = (ConversationId(id), id.to_string());
        store.commit(&[open(id, &key), said_at(id, 1, 100 - 10 * id.0, Author::Visitor)]).unwrap();
        if id.0 != 5 {
            store.commit(&[Write::Retire(id)]).unwrap();
        }
    }
    // Last spoken in at 90, 80, 70, 60 and, not retired, 50.
    assert_eq!(store.delete_older(Millis(60), 9).unwrap(), 0);
    assert_eq!(store.delete_older(Millis(90), 2).unwrap(), 2);
    let mut left = || -> Vec<u64> { store.conversations(9).unwrap().iter().map(|one| one.id.0).collect() };
    assert_eq!(left(), [1, 2, 5]);
    assert_eq!(store.delete_older(Millis(1000), 9).unwrap(), 2);
    let lines: Vec<String> = store.chores().unwrap().redactions.into_iter().map(|line| line.msgid).collect();
    assert_eq!(lines, ["m4-1", "m3-1", "m2-1", "m1-1"]);
}

pub(crate) fn many_lines_to_forget_come_in_parts(mut store: impl Store) {
    const LINES: u64 = 1500;
    store.commit(&[open(BEN, "ben")]).unwrap();
    let lines: Vec<Write> = (1..=LINES).map(|number| line(BEN, number, Author::Visitor)).collect();
    store.commit(&lines).unwrap();
    store.delete(BEN).unwrap();
    let mut numbers = Vec::new();
    loop {
        let part = store.chores().unwrap().redactions;
        if part.is_empty() {
            break;
        }
        assert!(part.len() < 1500);
        numbers.extend(part.iter().map(|line| line.msgid.clone()));
        store.commit(&[Write::Redacted(part.iter().map(|line| line.id).collect())]).unwrap();
    }
    assert_eq!(numbers, (1..=LINES).map(|number| format!("m2-{number}")).collect::<Vec<_>>());
}

pub(crate) fn a_deletion_leaves_others_alone(mut store: impl Store) {
    fill(&mut store);
    let of_ben = |id, text: &str| Row { conversation: Some(BEN), ..row(id, Some(1), text) };
    let of_none = Row { conversation: None, ..row(13, None, "news") };
    let writes = [
        open(BEN, "ben"),
        line(BEN, 1, Author::Visitor),
        line(BEN, 2, Author::Staff("staff1".into())),
        Write::Answer { id: AnswerId(2), conversation: BEN, entry: 2 },
        Write::Owe { to: "staff1".into(), row: of_ben(11, "ben: one") },
        form(&[of_ben(12, "ben: two"), of_none]),
    ];
    store.commit(&writes).unwrap();
    let before = store.load().unwrap();
    store.delete(ANNA).unwrap();
    let after = store.load().unwrap();
    assert_eq!((&after.owed[..], &after.ims[..]), (&before.owed[1..], &before.ims[1..]));
    assert_eq!(after.answers, before.answers[1..]);
    assert_eq!((after.conversations.len(), after.heard, after.canned), (1, before.heard, before.canned));
    assert_eq!(after.last_line_at, before.last_line_at);
    assert_eq!(store.entries(BEN, &HistoryRange::Latest, 9).unwrap().len(), 2);
    // Its visitor may come again, as somebody new.
    let key = VisitorKey::connection("u", "h", 7);
    let again = Write::Open { id: ConversationId(3), key, label: "anna".into(), at: Millis(90) };
    store.commit(&[again]).unwrap();
}

pub(crate) fn texts_leave_and_come_back_within_one_transaction(mut store: impl Store) {
    fill(&mut store);
    let (three, four) = (row(3, None, "three"), row(4, None, "four"));
    // One is owed since before, one is new, one is gone before it left.
    let writes = [
        Write::Owe { to: "Staff One".into(), row: three.clone() },
        Write::Owe { to: "Staff One".into(), row: four },
        form(&[row(2, Some(2), "anna: second"), three]),
        Write::Drop(DeliveryId(4)),
    ];
    store.commit(&writes).unwrap();
    let snapshot = store.load().unwrap();
    assert!(snapshot.owed.is_empty());
    assert_eq!(snapshot.ims.iter().map(|(_, im)| im.rows.len()).collect::<Vec<_>>(), [1, 2]);
    // The message could not leave: its texts go in others, to somebody else.
    let writes = [
        Write::Return(DeliveryId(2)),
        Write::Reassign(DeliveryId(3), "staff2".into()),
        form(&[row(2, Some(2), "anna: second")]),
        Write::Settle(DeliveryId(1)),
    ];
    store.commit(&writes).unwrap();
    let snapshot = store.load().unwrap();
    assert_eq!(snapshot.ims.iter().map(|(_, im)| im.number().0).collect::<Vec<_>>(), [2]);
    assert_eq!(snapshot.owed, [("staff2".into(), row(3, None, "three"))]);
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
            what_is_known_of_a_visitor_changes,
            a_visitor_has_one_conversation,
            what_contradicts_is_refused_and_nothing_of_it_stays,
            what_is_not_there_changes_nothing,
            all_comes_back_in_its_order,
            a_line_waits_until_it_is_taken,
            single_values_are_the_last_ones,
            old_ones_are_deleted_oldest_first_and_only_retired_ones,
            many_lines_to_forget_come_in_parts,
            a_deletion_leaves_others_alone,
            texts_leave_and_come_back_within_one_transaction,
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
