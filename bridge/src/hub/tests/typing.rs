//! Typing, both ways: shown where it is of use, and never for longer than it is so.

use super::{ACCOUNT, Bench, source};
use crate::aim::event::{AimCommand, AimEvent, ImTyping};
use crate::hub::desk::Effect;
use crate::irc::event::{IrcCommand, IrcEvent, Typing};

impl Bench {
    fn visitor_types(&mut self, nick: &str, typing: Typing) -> &mut Self {
        self.irc(IrcEvent::Typing { from: source(nick, 1), typing })
    }

    fn staff_types(&mut self, who: &str, typing: ImTyping) -> &mut Self {
        self.aim(AimEvent::Typing { from: who.into(), typing })
    }

    /// What staff were shown.
    fn staff_see(&mut self) -> Vec<(String, ImTyping)> {
        let mut shown = Vec::new();
        self.out.retain(|effect| match effect {
            Effect::Aim(ACCOUNT, AimCommand::Typing { to, typing }) => {
                shown.push((to.to_string(), *typing));
                false
            }
            _ => true,
        });
        shown
    }

    /// What visitors were shown.
    fn visitors_see(&mut self) -> Vec<(String, String)> {
        let mut shown = Vec::new();
        self.out.retain(|effect| match effect {
            Effect::Irc(IrcCommand::Tag { to, tags, .. }) if tags[0].0 == "+typing" => {
                shown.push((to.clone(), tags[0].1.clone()));
                false
            }
            _ => true,
        });
        shown
    }
}

fn one(who: &str, typing: ImTyping) -> Vec<(String, ImTyping)> {
    vec![(who.into(), typing)]
}

fn to(nick: &str, value: &str) -> Vec<(String, String)> {
    vec![(nick.into(), value.into())]
}

/// staff1 is in talks with anna.
fn in_talks() -> Bench {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.types("staff1", "anna: hi").hears("anna", "hi").nothing_more();
    t
}

#[test]
fn a_visitors_typing_is_shown_to_who_talks_with_them_where_it_costs_nothing() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.visitor_types("anna", Typing::Active);
    assert_eq!(t.staff_see(), [], "nobody is in talks with anna yet");
    t.types("staff1", "anna: hi").nothing_more();
    t.visitor_types("anna", Typing::Active).visitor_types("anna", Typing::Active);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::Typing), "once in five seconds");
    t.visitor_types("anna", Typing::Done);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::None));
    t.desk.accounts[ACCOUNT.0].credits = 3;
    t.visitor_types("anna", Typing::Active).visitor_types("anna", Typing::Done);
    assert_eq!(t.staff_see(), []);
}

#[test]
fn what_waits_for_an_absent_colleague_hides_no_typing() {
    let mut t = in_talks();
    t.offline("staff2").says("anna", "and another thing").nothing_more();
    t.visitor_types("anna", Typing::Active);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::Typing));
}

#[test]
fn a_visitor_who_pauses_goes_on_or_gives_up() {
    let mut t = in_talks();
    t.visitor_types("anna", Typing::Active).visitor_types("anna", Typing::Paused);
    t.visitor_types("anna", Typing::Active).visitor_types("anna", Typing::Paused);
    let staff1 = |typing| ("staff1".to_owned(), typing);
    let [typing, paused, none] = [ImTyping::Typing, ImTyping::Paused, ImTyping::None].map(staff1);
    assert_eq!(t.staff_see(), [typing.clone(), paused.clone(), typing, paused]);
    t.visitor_types("anna", Typing::Done);
    assert_eq!(t.staff_see(), [none]);
}

#[test]
fn a_visitor_who_says_no_more_of_it_has_stopped() {
    let mut t = in_talks();
    t.visitor_types("anna", Typing::Active);
    t.after(3).visitor_types("anna", Typing::Active).after(7);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::Typing));
    assert!(t.desk.next_deadline(t.now) <= crate::conversation::Millis(t.now.0 + 1000));
    t.after(1);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::None), "the page was closed, say");
    t.visitor_types("anna", Typing::Active).visitor_types("anna", Typing::Paused).after(29);
    assert_eq!(t.staff_see().len(), 2);
    t.after(1);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::None));
}

#[test]
fn a_line_ends_its_typing() {
    let mut t = in_talks();
    t.visitor_types("anna", Typing::Active).says("anna", "well");
    assert_eq!(t.staff_see().last(), one("staff1", ImTyping::None).last());
}

#[test]
fn who_turns_to_another_visitor_no_longer_sees_the_first_type() {
    let mut t = in_talks();
    t.says("bob", "hi").nothing_more();
    t.visitor_types("anna", Typing::Active);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::Typing));
    t.types("staff1", "bob: hello").nothing_more();
    t.after(6).visitor_types("anna", Typing::Active);
    assert_eq!(t.staff_see(), one("staff1", ImTyping::None));
}

#[test]
fn a_visitor_sees_staff_type_for_as_long_as_they_do() {
    let mut t = in_talks();
    t.staff_types("staff1", ImTyping::Typing);
    assert_eq!(t.visitors_see(), to("anna", "active"));
    t.after(5).after(5);
    assert_eq!(t.visitors_see().len(), 2, "IRC clients want to hear it again");
    t.staff_types("staff1", ImTyping::Paused);
    assert_eq!(t.visitors_see(), to("anna", "paused"));
    t.after(20);
    assert_eq!(t.visitors_see(), []);
    t.staff_types("staff1", ImTyping::None);
    assert_eq!(t.visitors_see(), to("anna", "done"));
    t.staff_types("staff1", ImTyping::Typing).types("staff1", "there it is");
    assert_eq!(t.visitors_see(), to("anna", "active"), "the answer itself ends it");
    t.hears("anna", "there it is").after(30);
    assert_eq!(t.visitors_see(), []);
}

#[test]
fn no_visitor_sees_typing_that_was_not_for_them_or_is_over() {
    let mut t = in_talks();
    t.staff_types("staff1", ImTyping::Typing).types("staff1", "/list");
    assert_eq!(t.visitors_see(), [to("anna", "active"), to("anna", "done")].concat());
    t.says("bob", "hi").nothing_more();
    t.types("staff1", "anna: wait").nothing_more();
    t.staff_types("staff1", ImTyping::Typing).types("staff1", "bob: hello");
    assert_eq!(t.visitors_see(), [to("anna", "active"), to("anna", "done")].concat());
    t.staff_types("staff1", ImTyping::Typing).says("anna", "?").staff_types("staff1", ImTyping::None);
    assert_eq!(
        t.visitors_see(),
        [to("bob", "active"), to("bob", "done")].concat(),
        "unclear by now, but it was shown"
    );
    t.nothing_more().types("staff1", "bob: so").nothing_more();
    t.staff_types("staff1", ImTyping::Typing).offline("staff1");
    assert_eq!(t.visitors_see(), [to("bob", "active"), to("bob", "done")].concat());
    t.staff_types("staff2", ImTyping::None);
    assert_eq!(t.visitors_see(), []);
    t.online("staff1").staff_types("staff1", ImTyping::Typing).after(119).after(1);
    assert_eq!(t.visitors_see().last(), to("bob", "done").last(), "their client has forgotten to say so");
}
