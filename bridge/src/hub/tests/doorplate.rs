//! Business hours, and nobody there.

use super::Bench;
use crate::conversation::hours::{Hours, Span};
use crate::conversation::wording::visitor as words;
use crate::hub::desk::{Effect, Settings};
use crate::irc::event::{IrcCommand, IrcEvent};

/// The tests begin on a Sunday at midnight, UTC: Monday to Friday, 9 to 17.
fn with_hours() -> Bench {
    let mut week: [Vec<Span>; 7] = Default::default();
    week[..5].fill(vec![Span { from: 9 * 60, to: 17 * 60 }]);
    let hours = Some(Hours::new(jiff::tz::TimeZone::UTC, week, vec![]));
    let mut t = Bench::quiet(Settings { hours, ..Settings::default() });
    t.both_up().after(10);
    t
}

const MONDAY_AT_NINE: u64 = 33 * 3600;

fn closed_until_monday() -> String {
    words::OUTSIDE_HOURS.replace("{opens}", "tomorrow at 09:00 (UTC)")
}

fn away_of(t: &mut Bench) -> Vec<Option<String>> {
    let mut said = Vec::new();
    t.out.retain(|effect| match effect {
        Effect::Irc(IrcCommand::Away(away)) => {
            said.push(away.clone());
            false
        }
        _ => true,
    });
    said
}

#[test]
fn who_comes_outside_of_hours_hears_so_at_once_and_staff_see_when_it_was() {
    let mut t = with_hours();
    assert_eq!(away_of(&mut t), [Some(words::AWAY_CLOSED.to_owned())]);
    t.says_with_id("anna", "l1", "my order has not come");
    assert_eq!(t.notice_to("anna"), Some(("waiting".into(), closed_until_monday())));
    assert_eq!(t.states(), [("l1".into(), "waiting".into())]);
    t.says("anna", "I am at anna@example.org");
    let noted = ("info".to_owned(), "Thank you, we have noted anna@example.org.".to_owned());
    assert_eq!(t.notice_to("anna"), Some(noted));
    assert_eq!(t.notice_to("anna"), None, "told once");

    t.after(MONDAY_AT_NINE - 60).online("staff2").credits(9);
    t.reads(
        "staff2",
        "anna: my order has not come\nanna: I am at anna@example.org\n\
         * anna wrote while we were closed, 2026-11-22 00:00 UTC\n* anna can be reached at anna@example.org",
    );
    assert_eq!(t.notice_to("anna"), Some(("back".into(), words::BACK.into())));
    t.types("staff2", "/info anna").reads(
        "staff2",
        "* anna is known by the IRC connection, there as anna, can be reached at anna@example.org, \
         since 2026-11-22 00:00 UTC, 2 lines",
    );
    t.after(120);
    assert_eq!(away_of(&mut t), [None], "open, and somebody is there");
    t.says("anna", "hello").reads("staff2", "anna: hello");
    assert_eq!(t.notice_to("anna"), None);
}

#[test]
fn who_is_signed_on_after_hours_gets_the_line_and_the_visitor_knows_that_it_is_closed() {
    let mut t = with_hours();
    t.online("staff1").credits(9).says("anna", "anybody?");
    t.reads("staff1", "anna: anybody?\n* anna wrote while we were closed, 2026-11-22 00:00 UTC");
    assert_eq!(t.notice_to("anna"), Some(("info".into(), closed_until_monday())));
    t.says("anna", "well").reads("staff1", "anna: well");
    assert_eq!(t.notice_to("anna"), None);
    t.after(MONDAY_AT_NINE).after(9 * 3600).says("anna", "it is me again");
    assert_eq!(t.notice_to("anna").unwrap().0, "info", "the next evening");
}

#[test]
fn other_hours_are_in_force_at_once() {
    let mut t = with_hours();
    t.online("staff1").credits(9).says("anna", "hello").nothing_more();
    t.reloads(|settings| settings.hours = None);
    assert_eq!(away_of(&mut t), [None]);
    t.says("bob", "hello").nothing_more();
    let always_closed = Hours::new(jiff::tz::TimeZone::UTC, Default::default(), vec![]);
    t.reloads(|settings| settings.hours = Some(always_closed));
    assert_eq!(away_of(&mut t), [Some(words::AWAY_CLOSED.to_owned())]);
    t.says("bob", "still there?");
    assert_eq!(t.notice_to("bob").unwrap().1, words::OUTSIDE_HOURS.replace("{opens}", "later"));
}

#[test]
fn within_hours_nobody_there_is_nobody_there() {
    let mut t = with_hours();
    t.after(MONDAY_AT_NINE).says("anna", "call 030 901820");
    assert_eq!(t.notice_to("anna").unwrap().0, "info");
    assert_eq!(t.notice_to("anna"), Some(("waiting".into(), words::WAITING.into())));
    t.after(30).online("staff1").credits(9);
    t.reads("staff1", "anna: call 030 901820\n* anna can be reached at 030 901820");
    t.offline("staff1").says("bob", "hi").after(3600).online("staff1");
    t.reads("staff1", "bob: hi\n* bob wrote while nobody was here, 2026-11-23 09:00 UTC");
}

#[test]
fn words_can_be_the_sites_own() {
    let own = words::Words {
        nobody_here: "Niemand da.".into(),
        somebody_here: "Jetzt schon.".into(),
        ..words::Words::default()
    };
    let mut t = Bench::quiet(Settings { words: own, ..Settings::default() });
    t.both_up().after(10).says("anna", "hallo");
    assert_eq!(t.notice_to("anna"), Some(("waiting".into(), "Niemand da.".into())));
    t.online("staff1").credits(9);
    assert_eq!(t.notice_to("anna"), Some(("back".into(), "Jetzt schon.".into())));
}

#[test]
fn a_daemon_that_comes_back_is_told_again_that_it_is_closed() {
    let mut t = with_hours();
    away_of(&mut t);
    t.irc(IrcEvent::Lost { reason: "reset".into() }).irc_up();
    assert_eq!(away_of(&mut t), [Some(words::AWAY_CLOSED.to_owned())]);
}

#[test]
fn who_is_left_alone_with_a_line_that_nobody_had_hears_so_and_a_flapping_connection_says_nothing() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().online("staff1").after(60).says_with_id("anna", "l1", "hello");
    assert_eq!(t.states(), [("l1".into(), "stored".into())]);
    for _ in 0..3 {
        t.offline("staff1").after(5).online("staff1").after(5);
    }
    assert_eq!(t.notice_to("anna"), None);
    t.offline("staff1").after(9);
    assert_eq!(t.notice_to("anna"), None);
    let deadline = t.desk.next_deadline(t.now);
    assert!(deadline.0 <= t.now.0 + 1000, "{deadline:?}");
    t.after(1);
    assert_eq!(t.notice_to("anna"), Some(("waiting".into(), words::WAITING.into())));
    assert_eq!(t.states(), [("l1".into(), "waiting".into())]);
    t.after(300).online("staff1").credits(9);
    t.reads("staff1", "anna: hello\n* anna wrote while nobody was here, 2026-11-22 00:01 UTC");
    assert_eq!(t.notice_to("anna"), Some(("back".into(), words::BACK.into())));
    t.offline("staff1").after(60);
    assert_eq!(t.notice_to("anna"), None, "what somebody had doesn't wait");
}

#[test]
fn a_restart_does_not_forget_who_waits() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().after(10).says("anna", "hello");
    assert_eq!(t.notice_to("anna"), Some(("waiting".into(), words::WAITING.into())));
    t.after(300).crash().both_up().after(5);
    t.says("anna", "anybody?");
    assert_eq!(t.notice_to("anna"), None, "told before");
    t.online("staff1").credits(9);
    t.reads(
        "staff1",
        "anna: hello\nanna: anybody?\n* anna wrote while nobody was here, 2026-11-22 00:00 UTC",
    );
    assert_eq!(t.notice_to("anna"), Some(("back".into(), words::BACK.into())));
}

#[test]
fn nor_does_a_store_that_is_read_again() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().after(10).says("anna", "hello");
    assert_eq!(t.notice_to("anna").unwrap().0, "waiting");
    let snapshot = crate::store::Store::load(&mut t.store).unwrap();
    t.desk.restore(snapshot, t.now);
    t.after(5).online("staff1").credits(9);
    assert_eq!(t.notice_to("anna"), Some(("back".into(), words::BACK.into())));
}
