//! How long conversations stay: closed, let go of, deleted.

use std::time::Duration;

use super::Bench;
use crate::conversation::Millis;
use crate::conversation::routing::Routing;
use crate::hub::desk::Settings;
use crate::store::Store as _;

const DAY: u64 = 86_400;

#[test]
fn an_answer_that_nobody_comes_for_does_not_keep_a_conversation_for_ever() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.irc(crate::irc::event::IrcEvent::Gone { nick: "anna".into() });
    t.types("staff1", "anna: are you still there?").nothing_more();
    t.after(DAY + 20);
    assert_eq!(t.desk.status().open_conversations, 0, "closed after a day");
    assert_eq!(t.desk.status().owed_to_visitors, 1, "and the answer waits on");
    t.after(7 * DAY + 20);
    assert_eq!(t.desk.status().owed_to_visitors, 0);
    assert!(t.store.load().unwrap().conversations.is_empty());
    assert_eq!(t.store.conversations(9).unwrap().len(), 1, "the transcript stays");
}

#[test]
fn what_staff_have_not_had_keeps_a_conversation_open() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().says("anna", "hello").after(30 * DAY);
    assert_eq!(t.desk.status().open_conversations, 1);
    t.online("staff1").credits(9).reads("staff1", "anna: hello");
}

#[test]
fn after_the_retention_nothing_is_kept_whatever_was_owed() {
    let retention = Some(Duration::from_secs(30 * DAY));
    let mut t = Bench::quiet(Settings { retention, ..Settings::default() });
    t.both_up().online("staff2").credits(9).says("anna", "hello").nothing_more();
    t.types("staff2", "/block anna").nothing_more();
    t.says("bob", "hi").nothing_more();
    t.after(30 * DAY - 60).says("bob", "hi again").nothing_more();
    t.after(120);
    let kept: Vec<String> = t.store.load().unwrap().conversations.into_iter().map(|one| one.label).collect();
    assert_eq!(kept, ["bob"]);
    let before = t.desk.keep_since(t.now).unwrap();
    assert!(before > Millis(0));
    assert_eq!(t.store.delete_older(before, 9).unwrap(), 1);
    assert_eq!(t.store.conversations(9).unwrap().len(), 1);
    t.online("staff1").credits(9);
    let texts = t.ack_all();
    assert!(!texts.iter().any(|(_, text)| text.contains("anna: hello")), "{texts:?}");
    assert!(texts.iter().any(|(_, text)| text.contains("bob: hi again")), "{texts:?}");
}

#[test]
fn a_name_that_never_signs_on_is_not_owed_news_for_ever() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().online("staff2").credits(99).after(10).says("anna", "hello").nothing_more();
    assert_eq!(t.desk.status().owed_to_staff, 2, "the line, and that she is new, wait for staff1");
    t.types("staff2", "anna: hello").nothing_more();
    assert_eq!(t.desk.status().owed_to_staff, 0, "what staff2 has is no news for who comes later");
    t.says("bob", "hi").nothing_more();
    t.after(DAY + 20).after(7 * DAY + 20);
    assert_eq!(t.desk.status().owed_to_staff, 0, "nor what was over long ago");
}
