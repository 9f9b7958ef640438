//! What staff mistype, and programs that answer for them.

use super::Bench;
use crate::aim::event::ImCookie;
use crate::conversation::routing::Routing;
use crate::hub::desk::Settings;

fn two_visitors() -> Bench {
    let mut t = Bench::new();
    t.says("anna", "hello from anna").says("bob", "hello from bob").nothing_more();
    t
}

/// A program that answers whatever it reads as `reply` says, unmarked; how often it does.
fn answers_for_ever(t: &mut Bench, who: &str, reply: impl Fn(u32) -> String) -> u32 {
    for times in 0..1000 {
        let reads = t.ack_all().into_iter().any(|(to, _)| to == who);
        if !reads {
            return times;
        }
        t.types(who, &reply(times));
    }
    panic!("it goes on for ever");
}

#[test]
fn a_program_that_answers_every_question_is_not_asked_for_ever() {
    let mut t = two_visitors();
    t.says("anna", "still there?");
    assert!(answers_for_ever(&mut t, "staff2", |n| format!("I am out, back in {n} minutes")) <= 12);
    t.says("bob", "and me?");
    assert_eq!(answers_for_ever(&mut t, "staff2", |_| "I am out, back in 9 minutes".into()), 1);
    t.types("staff2", "/whoami").reads("staff2", "* you are staff2, staff, here").after(31);
    t.types("staff2", "I am out")
        .reads("staff2", "* is that for bob or anna? Type \"bob:\" and I send it there: \"I am out\"");
    assert!(t.said_to("anna").is_none() && t.said_to("bob").is_none());

    let mut t = two_visitors();
    t.says("anna", "still there?");
    let varied = |n: u32| format!("{} I see", "so ".repeat(n as usize));
    assert!(answers_for_ever(&mut t, "staff2", varied) <= 120);
    t.after(600).says("bob", "hm").nothing_more();
    t.types("staff2", "so")
        .reads("staff2", "* is that for bob or anna? Type \"bob:\" and I send it there: \"so\"");
}

#[test]
fn who_is_not_understood_again_and_again_is_told_that_no_more_is_answered() {
    let mut t = two_visitors();
    for _ in 0..10 {
        t.types("staff1", "note: call me")
            .reads("staff1", "* nobody is called note; not sent: \"note: call me\"");
    }
    t.types("staff1", "note: call me").reads(
        "staff1",
        "* I take this for an automatic reply and answer no more like it; /help lists what I understand",
    );
    t.types("staff1", "note: call me").no_ims();
    t.types("staff1", "nota: call").reads("staff1", "* nobody is called nota; not sent: \"nota: call\"");
    t.types("staff1", "anna: hi").hears("anna", "hi");
    t.types("staff1", "note: call me")
        .reads("staff1", "* nobody is called note; not sent: \"note: call me\"");
}

#[test]
fn two_bridges_that_list_each_other_come_to_rest() {
    let bridge = |other: &str| {
        let mut t = Bench::new();
        t.reloads(|settings| settings.staff = vec![other.into(), "staff1".into()]);
        t.online(other).credits(100).nothing_more();
        t
    };
    let (mut a, mut b) = (bridge("bridge b"), bridge("bridge a"));
    a.says("anna", "hello").says("carl", "hello");
    b.says("anna", "hello").says("dora", "hello");
    let mut exchanged = 0;
    loop {
        let from_a: Vec<String> =
            a.ack_all().into_iter().filter(|(to, _)| to == "bridge b").map(|(_, text)| text).collect();
        let from_b: Vec<String> =
            b.ack_all().into_iter().filter(|(to, _)| to == "bridge a").map(|(_, text)| text).collect();
        if from_a.is_empty() && from_b.is_empty() {
            break;
        }
        exchanged += from_a.len() + from_b.len();
        assert!(exchanged < 40, "{from_a:?} {from_b:?}");
        for text in from_a {
            b.types("bridge a", &text);
        }
        for text in from_b {
            a.types("bridge b", &text);
        }
    }
}

#[test]
fn a_line_that_begins_like_a_program_s_is_never_dropped_without_a_word() {
    let mut t = two_visitors();
    for _ in 0..3 {
        t.types("staff1", "* one\n* two");
        t.reads("staff1", "* lines that begin with \"* \" are taken for a program's and not sent");
    }
    // That sentence itself is another bridge's.
    t.types("staff1", "* lines that begin with \"* \" are taken for a program's and not sent").no_ims();
    t.im("staff1", "anna: at lunch", ImCookie([9; 8]), true).no_ims();
    assert!(t.said_to("anna").is_none());
}

#[test]
fn mistakes_with_labels_say_what_was_not_done() {
    let mut t = two_visitors();
    for (typed, answer) in [
        ("/close carl", "* nobody is called carl; not done: \"/close carl\""),
        ("/info ann", "* nobody is called ann, did you mean anna? not done: \"/info ann\""),
        ("/info \u{430}nna", "* \u{430}nna only looks like anna; not done: \"/info \u{430}nna\""),
        ("\u{430}nna: hi", "* \u{430}nna only looks like anna; not sent: \"\u{430}nna: hi\""),
        ("anna, carl: hi", "* nobody is called carl; not sent: \"anna, carl: hi\""),
        ("/close anna bob", "* that is typed /close [label]"),
        ("//etc/hosts", "* there is no //etc/hosts; /help lists the commands"),
        ("/CLOZE anna", "* there is no /cloze; did you mean /close?"),
        ("/", "* there is no /; /help lists the commands"),
        ("/ whoami", "* you are staff1, staff, here"),
        ("/invite nobody", "* nobody is not on the staff list"),
    ] {
        t.types("staff1", typed).reads("staff1", answer).no_ims();
        assert!(t.said_to("anna").is_none() && t.said_to("bob").is_none(), "{typed}");
    }
}

#[test]
fn a_transfer_says_what_is_missing() {
    let mut t = two_visitors();
    t.reloads(|settings| settings.staff.push("Staff Three".into()));
    t.online("staff three").nothing_more();
    for (typed, answer) in [
        ("/transfer", "* that is typed /transfer [label] name"),
        ("/transfer anna", "* to whom shall anna go? That is typed /transfer anna name"),
        ("/transfer anna:", "* to whom shall anna go? That is typed /transfer anna name"),
        ("/transfer staff2", "* /transfer whom: bob or anna?"),
        ("/transfer stuff2", "* stuff2 is neither on the staff list nor a department; did you mean staff2?"),
        ("/transfer staff2 anna", "* staff2 is a colleague; did you mean /transfer anna staff2?"),
        ("/transfer carl staff2", "* nobody is called carl; not done: \"/transfer carl staff2\""),
        ("/transfer anna carl", "* carl is neither on the staff list nor a department"),
        ("/transfer staff three", "* /transfer whom: bob or anna?"),
        ("/transfer bob staff three", "* Staff Three has bob now"),
    ] {
        t.types("staff1", typed).reads("staff1", answer);
    }
    t.reads("Staff Three", "* staff1 has given bob to you").reads("staff2", "* Staff Three has bob now");
    t.types("staff1", "/transfer anna: STAFFTHREE").reads("staff1", "* Staff Three has anna now");
    t.types("staff1", "/transfer anna staff1")
        .reads("staff1", "* anna is yours now; /release anna gives it back");
}

#[test]
fn prepared_answers_may_have_several_lines_and_no_name_that_is_a_command() {
    let mut t = two_visitors();
    t.types("staff1", "/canned SET Hours We are open\nfrom 9 to 5\n\nevery day\nanna: look");
    t.hears("anna", "look").reads("staff1", "* kept; /canned hours says it");
    t.types("staff1", "/canned hours bob").hears("bob", "We are open\nfrom 9 to 5\n\nevery day");
    let usage = "* that is typed /canned [name [label] | set name text | remove name]";
    for typed in
        ["/canned set", "/canned set hours", "/canned set set x", "/canned set Remove x", "/canned remove"]
    {
        t.types("staff1", typed).reads("staff1", usage);
    }
    t.types("staff1", "/canned Remove HOURS").reads("staff1", "* hours is forgotten");
}

#[test]
fn what_release_means_follows_the_routing() {
    for (routing, words) in [
        (Routing::Broadcast, "* anna is free again: everybody gets the lines"),
        (Routing::Claim, "* anna is free again: whoever answers has the conversation"),
    ] {
        let mut t = Bench::quiet(Settings { routing, ..Settings::default() });
        t.both_up().online("staff1").online("staff2").credits(100).says("anna", "hello").nothing_more();
        t.types("staff1", "/claim")
            .nothing_more()
            .types("staff1", "/release")
            .reads("staff1", words)
            .reads("staff2", words);
    }
}
