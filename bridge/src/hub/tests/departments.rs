//! Departments: who is told of whose visitors.

use super::{Bench, source};
use crate::conversation::department::{Department, Departments};
use crate::conversation::routing::Routing;
use crate::conversation::wording::visitor as words;
use crate::hub::desk::{Input, Settings};
use crate::irc::event::{IrcEvent, IrcLine, Place, Source};
use crate::web::event::{SessionId, WebEvent};

fn with(routing: Routing) -> Bench {
    let departments = Departments::new(vec![Department {
        name: "sales".into(),
        handles: vec!["staff2".into()],
        channels: vec!["#sales".into()],
        sites: vec!["https://shop.example".into()],
    }]);
    let mut t = Bench::quiet(Settings { routing, departments, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(100).nothing_more();
    t
}

fn says_in(t: &mut Bench, channel: &str, nick: &str, text: &str) {
    let line = IrcLine { place: Place::Channel(channel.into()), ..t.line(nick, text) };
    t.irc(IrcEvent::Line(line));
}

#[test]
fn a_channel_and_a_site_have_their_people_and_the_rest_goes_to_all() {
    let mut t = with(Routing::Broadcast);
    says_in(&mut t, "#Sales", "anna", "how much?");
    t.reads("staff2", "anna: how much?").no_ims();
    says_in(&mut t, "#support", "bob", "it is broken");
    t.reads("staff1", "bob: it is broken").reads("staff2", "bob: it is broken");

    let page = Some("https://shop.example/cart".into());
    let session = SessionId("hash".into());
    t.input(Input::Web(WebEvent::Opened { session, user: "u1".into(), page, language: None }));
    t.input(Input::Web(WebEvent::Named { user: "u1".into(), nick: "carl".into(), numbered: true }));
    let line = IrcLine { from: Source { user: "~u1".into(), ..source("carl", 5) }, ..t.line("carl", "hi") };
    t.irc(IrcEvent::Line(line));
    t.reads("staff2", "carl: hi\n* carl writes from https://shop.example/cart").no_ims();
    t.types("staff1", "/list");
    let list = t.ack_all();
    assert!(list[0].1.contains("* anna - 0 s ago, for sales"), "{list:?}");
    t.crash().both_up().online("staff1").online("staff2").credits(9);
    says_in(&mut t, "#sales", "anna", "still there?");
    t.reads("staff2", "anna: still there?").no_ims();
}

#[test]
fn what_others_answer_for_does_not_confuse() {
    let mut t = with(Routing::Broadcast);
    says_in(&mut t, "#support", "bob", "it is broken");
    says_in(&mut t, "#sales", "anna", "how much?");
    t.nothing_more().types("staff1", "one moment").hears("bob", "one moment");
    t.reads("staff2", "* staff1 to bob: one moment");
    t.types("staff2", "anna: 5").hears("anna", "5").no_ims();
}

#[test]
fn a_conversation_can_be_given_to_a_department_and_to_all() {
    let mut t = with(Routing::Claim);
    says_in(&mut t, "#support", "bob", "how much?");
    t.nothing_more().types("staff1", "bob: I give you to sales").nothing_more();
    t.types("staff1", "/transfer bob sale");
    t.reads("staff1", "* sale is neither on the staff list nor a department; did you mean sales?");
    t.types("staff1", "/transfer bob Sales").reads("staff1", "* bob is for sales now");
    t.reads("staff2", "* staff1 has given bob to sales");
    t.says("bob", "hello?").reads("staff2", "bob: hello?").no_ims();
    t.types("staff2", "/info bob").reads(
        "staff2",
        "* bob is known by the IRC connection, there as bob, for sales, since 2026-11-22 00:00 UTC, 3 lines",
    );
    t.types("staff2", "/transfer bob all").reads("staff2", "* bob is for all now");
    t.reads("staff1", "* staff2 has given bob to all");
    t.says("bob", "me again").reads("staff1", "bob: me again").reads("staff2", "bob: me again");
}

#[test]
fn nobody_there_is_nobody_of_the_department() {
    let mut t = with(Routing::Broadcast);
    t.offline("staff2").after(10);
    says_in(&mut t, "#sales", "anna", "how much?");
    assert_eq!(t.notice_to("anna"), Some(("waiting".into(), words::WAITING.into())));
    t.no_ims().online("staff2").reads("staff2", "anna: how much?");
    assert_eq!(t.notice_to("anna").unwrap().0, "back");
}

#[test]
fn departments_hours_and_wording_change_while_it_runs() {
    let mut t = with(Routing::Broadcast);
    t.offline("staff1").offline("staff2");
    says_in(&mut t, "#sales", "anna", "how much?");
    t.reloads(|settings| {
        settings.departments = Departments::new(vec![Department {
            name: "sales".into(),
            handles: vec!["staff1".into()],
            channels: vec!["#sales".into()],
            sites: Vec::new(),
        }]);
        settings.words.nobody_here = "Later.".into();
    });
    t.online("staff2").no_ims();
    t.online("staff1").reads("staff1", "anna: how much?");
    t.offline("staff1").offline("staff2").after(120).out.clear();
    t.says("bob", "hello");
    assert_eq!(t.notice_to("bob").unwrap().1, "Later.");
}
