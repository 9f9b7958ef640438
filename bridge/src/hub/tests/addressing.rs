//! Whom a text without a label reaches, and what becomes of one that was asked about.

use super::Bench;
use crate::aim::event::AimEvent;
use crate::conversation::routing::Routing;
use crate::hub::desk::Settings;

fn two_visitors() -> Bench {
    let mut t = Bench::new();
    t.says("anna", "hello from anna").says("bob", "hello from bob").nothing_more();
    t
}

/// Neither visitor hears anything.
fn nobody_hears(t: &mut Bench) -> &mut Bench {
    assert!(t.said_to("anna").is_none() && t.said_to("bob").is_none(), "{:#?}", t.out);
    t
}

#[test]
fn what_another_visitor_wrote_counts_from_when_it_is_read() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().online("staff1").credits(1);
    t.says("anna", "hello").reads("staff1", "anna: hello");
    // Bob's line waits for the AIM server's limits while anna is answered, and is read then.
    t.says("bob", "are you there?").no_ims();
    t.types("staff1", "anna: hi").hears("anna", "hi");
    t.types("staff1", "how are you?").hears("anna", "how are you?");
    t.credits(1).reads("staff1", "bob: are you there?").credits(2);
    t.types("staff1", "yes")
        .reads("staff1", "* is that for anna or bob? Type \"anna:\" and I send it there: \"yes\"");
    nobody_hears(&mut t);
}

#[test]
fn a_line_that_crosses_an_answer_on_its_way_counts_as_read_after_it() {
    let mut t = two_visitors();
    t.says("bob", "and me?");
    let on_its_way = t.ims();
    t.types("staff1", "anna: hi").hears("anna", "hi");
    for (_, _, cookie) in on_its_way {
        t.aim(AimEvent::Acked { cookie });
    }
    t.types("staff1", "yes");
    nobody_hears(&mut t).nothing_more();
    t.types("staff1", "bob:").hears("bob", "yes");
}

#[test]
fn what_is_asked_about_before_the_question_was_read_waits_together() {
    let mut t = two_visitors();
    t.types("staff1", "hello").types("staff1", "how are you?").types("staff1", "what can I do for you?");
    nobody_hears(&mut t).nothing_more();
    t.types("staff1", "who").reads(
        "staff1",
        "* is that for bob or anna? Type \"bob:\" and I send it there: \
         \"hello / how are you? / what can I do for you? / who\"",
    );
    t.types("staff1", "anna:").hears("anna", "hello\nhow are you?\nwhat can I do for you?\nwho");
    t.types("staff1", "anna:").reads("staff1", "* there is no text to send to anna");
    t.says("bob", "hm")
        .types("staff1", "forgotten")
        .after(31)
        .types("staff1", "something else")
        .nothing_more();
    t.types("staff1", "bob:").hears("bob", "something else");
}

#[test]
fn a_waiting_text_outlives_a_mistyped_label_and_a_label_without_colon() {
    let mut t = two_visitors();
    t.types("staff1", "hello").nothing_more();
    t.types("staff1", "ana:")
        .reads("staff1", "* nobody is called ana, did you mean anna? not sent: \"ana:\"");
    t.types("staff1", "Anna")
        .reads("staff1", "* is that for anna? Type \"anna:\" and I send it there: \"hello\"");
    nobody_hears(&mut t);
    t.types("staff1", "anna:").hears("anna", "hello");
}

#[test]
fn a_text_asked_about_later_does_not_carry_the_earlier_one_that_was_typed_again() {
    let mut t = two_visitors();
    t.types("staff1", "hello").types("staff1", "anna: hello").hears("anna", "hello").nothing_more();
    t.says("bob", "x").types("staff1", "one moment").nothing_more();
    t.types("staff1", "bob:").hears("bob", "one moment");
}

#[test]
fn who_closes_a_conversation_is_done_with_it() {
    let mut t = two_visitors();
    t.types("staff1", "anna: bye").hears("anna", "bye").types("staff1", "/close anna").nothing_more();
    t.types("staff1", "how can I help?");
    t.reads("staff1", "* is that for bob or anna? Type \"bob:\" and I send it there: \"how can I help?\"");
    nobody_hears(&mut t);
    t.types("staff1", "bob:").hears("bob", "how can I help?");
    t.types("staff1", "bob, bye").hears("bob", "bob, bye").types("staff1", "/close").nothing_more();
    t.types("staff1", "thanks")
        .reads("staff1", "* is that for bob? Type \"bob:\" and I send it there: \"thanks\"");
    nobody_hears(&mut t);
}

#[test]
fn who_gives_a_conversation_away_is_done_with_it() {
    for command in ["/transfer anna staff2", "/release anna"] {
        let mut t = two_visitors();
        t.types("staff1", "/claim anna").types("staff1", "anna: hi").hears("anna", "hi").nothing_more();
        t.types("staff1", command).nothing_more();
        t.types("staff1", "one moment");
        let kept = command.starts_with("/release");
        assert_eq!(
            t.said_to("anna").is_some(),
            kept,
            "{command}: released lines go on reaching who released them"
        );
        assert!(t.said_to("bob").is_none());
    }
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(100).says("anna", "one").says("bob", "two");
    t.types("staff1", "anna: hi").hears("anna", "hi").types("staff2", "/claim anna").nothing_more();
    t.types("staff1", "so")
        .reads("staff1", "* is that for bob or anna? Type \"bob:\" and I send it there: \"so\"");
}

#[test]
fn a_command_about_another_visitor_makes_it_unclear_who_is_meant() {
    for command in ["/claim anna", "/history anna", "/info anna"] {
        let mut t = two_visitors();
        t.types("staff1", "bob: one moment")
            .hears("bob", "one moment")
            .types("staff1", command)
            .nothing_more();
        t.types("staff1", "how can I help?").nothing_more();
        nobody_hears(&mut t).types("staff1", "anna:").hears("anna", "how can I help?");
        t.types("staff1", command).types("staff1", "still there?").hears("anna", "still there?");
    }
}

#[test]
fn a_visitor_named_in_the_text_is_asked_about() {
    let mut t = two_visitors();
    t.types("staff1", "bob: hi").hears("bob", "hi").nothing_more();
    for typed in [
        "anna, hi",
        "@anna hi",
        "<anna> hi",
        "anna> hi",
        "anna; hi",
        "anna hi",
        "to anna: hi",
        "hi anna: here it is",
        "anna, bob and carl: hi",
    ] {
        t.types("staff1", typed).nothing_more();
        nobody_hears(&mut t);
    }
    t.types("staff1", "/close anna").nothing_more();
    t.types("staff1", "@anna hi").nothing_more();
    nobody_hears(&mut t);
    t.types("staff1", "anna is gone").hears("bob", "anna is gone");
}

#[test]
fn what_colleagues_hold_is_named_where_nothing_else_is_open() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(100).says("anna", "hello");
    t.types("staff2", "/claim anna").nothing_more();
    t.types("staff1", "hello")
        .reads("staff1", "* is that for anna? Type \"anna:\" and I send it there: \"hello\"");
    t.types("staff1", "/block").reads("staff1", "* /block whom: anna?");
    t.types("staff1", "anna:").hears("anna", "hello");
}
