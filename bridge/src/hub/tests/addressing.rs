//! Whom a text without a label reaches, and what becomes of one that was asked about.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Bench;
use crate::aim::event::{AimEvent, ImCookie};
use crate::conversation::guard::Pace;
use crate::conversation::routing::Routing;
use crate::hub::desk::Settings;
use crate::irc::event::IrcEvent;

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
fn who_loses_a_race_for_a_visitor_does_not_answer_another() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up()
        .online("staff1")
        .online("staff2")
        .credits(100)
        .says("anna", "one")
        .says("bob", "two")
        .nothing_more();
    t.types("staff2", "anna: hi").hears("anna", "hi").types("staff1", "hello anna here I am").nothing_more();
    t.types("staff2", "/close anna").nothing_more();
    t.types("staff1", "hello").nothing_more();
    nobody_hears(&mut t);
    t.types("staff1", "bob:").hears("bob", "hello anna here I am\nhello");
}

#[test]
fn what_the_server_kept_from_before_a_restart_is_not_taken_for_an_answer_to_who_is_there_now() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.crash().both_up().credits(9).nothing_more();
    let kept = |text: &str, cookie| AimEvent::Im {
        from: "staff1".into(),
        text: text.into(),
        auto: false,
        offline: true,
        cookie: ImCookie([cookie; 8]),
        at: std::time::UNIX_EPOCH,
    };
    t.aim(kept("/close", 4)).aim(kept("yes, do that", 1)).aim(kept("anna: hi", 2));
    t.irc(IrcEvent::Identified { source: super::source("anna", 1) }).hears("anna", "hi");
    t.online("staff1").reads(
        "staff1",
        "* /close whom: anna?\n* is that for anna? Type \"anna:\" and I send it there: \"yes, do that\"",
    );
    t.aim(kept("and more", 3)).hears("anna", "and more");
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

/// What can happen between two visitors, two of staff, and an AIM server that takes its time.
#[derive(Debug, Clone)]
enum Step {
    Writes(usize),
    /// The AIM server takes what is on its way, and has room for so many more.
    Reads(u32),
    Labels(usize, Vec<usize>),
    Plain(usize),
    /// A label alone, after a question.
    LabelAlone(usize, usize),
    Command(usize, &'static str, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let commands = proptest::sample::select(vec![
        "/claim", "/release", "/close", "/history", "/info", "/block", "/unblock",
    ]);
    prop_oneof![
        3 => (0..3_usize).prop_map(Step::Writes),
        3 => (0..4_u32).prop_map(Step::Reads),
        2 => (0..2_usize, prop::collection::vec(0..3_usize, 1..3)).prop_map(|(who, to)| Step::Labels(who, to)),
        4 => (0..2_usize).prop_map(Step::Plain),
        1 => (0..2_usize, 0..3_usize).prop_map(|(who, to)| Step::LabelAlone(who, to)),
        1 => (0..2_usize, commands, 0..3_usize).prop_map(|(who, what, to)| Step::Command(who, what, to)),
    ]
}

/// What a person knows who looks over a colleague's shoulder.
#[derive(Debug, Default, Clone)]
struct Onlooker {
    /// Whom the last text went to.
    last: Option<usize>,
    /// Who else has been read of since.
    read_since: BTreeSet<usize>,
    read_ever: BTreeSet<usize>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A text without a label reaches nobody but the one addressed last, and only while nobody else was read of since;
    /// before anybody was addressed, only a visitor who is the only one. A text with labels reaches those and no others.
    #[test]
    fn no_text_reaches_the_wrong_person(steps in prop::collection::vec(step(), 1..60)) {
        const VISITORS: [&str; 3] = ["anna", "bob", "carl"];
        const STAFF: [&str; 2] = ["staff1", "staff2"];
        let mut t = Bench::quiet(Settings { pace: Pace { burst: 0, per_second: 0 }, ..Settings::default() });
        t.both_up().online("staff1").online("staff2").credits(2);
        let mut seen = [Onlooker::default(), Onlooker::default()];
        let mut written = BTreeSet::new();
        for (count, step) in steps.into_iter().enumerate() {
            let word = format!("w{count}");
            // Who may get this text.
            let (from, mut may): (Option<usize>, Vec<usize>) = match &step {
                Step::Writes(visitor) => {
                    t.says(VISITORS[*visitor], "hello");
                    written.insert(*visitor);
                    (None, vec![])
                }
                Step::Reads(credits) => {
                    for (to, text, cookie) in t.ims() {
                        let who = usize::from(to == STAFF[1]);
                        for (index, name) in VISITORS.iter().enumerate() {
                            if text.lines().any(|line| line.starts_with(&format!("{name}: "))) {
                                seen[who].read_since.insert(index);
                                seen[who].read_ever.insert(index);
                            }
                        }
                        t.aim(AimEvent::Acked { cookie });
                    }
                    t.credits(*credits);
                    (None, vec![])
                }
                Step::Labels(who, to) => {
                    let labels: Vec<&str> = to.iter().map(|index| VISITORS[*index]).collect();
                    t.types(STAFF[*who], &format!("{}: {word}", labels.join(",")));
                    let known = to.iter().all(|index| written.contains(index));
                    (Some(*who), if known { to.clone() } else { vec![] })
                }
                Step::Plain(who) => {
                    t.types(STAFF[*who], &word);
                    let onlooker = &seen[*who];
                    let may = match onlooker.last {
                        Some(last) if onlooker.read_since.iter().all(|one| *one == last) => vec![last],
                        None if onlooker.read_ever.len() <= 1 => written.iter().copied().collect(),
                        _ => vec![],
                    };
                    (Some(*who), may)
                }
                Step::LabelAlone(who, to) => {
                    t.types(STAFF[*who], &format!("{}:", VISITORS[*to]));
                    (Some(*who), vec![*to])
                }
                Step::Command(who, what, to) => {
                    t.types(STAFF[*who], &format!("{what} {}", VISITORS[*to]));
                    (None, vec![])
                }
            };
            may.dedup();
            let mut got = BTreeSet::new();
            for (index, name) in VISITORS.iter().enumerate() {
                while let Some((text, id)) = t.said_to(name) {
                    prop_assert!(may.contains(&index), "{name} got {text:?} of {step:?}, {seen:?}");
                    got.insert(index);
                    t.irc(IrcEvent::Accepted { id });
                }
            }
            if let Some(from) = from.filter(|_| !got.is_empty()) {
                let only = got.iter().copied().next().filter(|_| got.len() == 1);
                seen[from] = Onlooker { last: only, read_since: BTreeSet::new(), ..seen[from].clone() };
                // Of several nobody in particular is meant next.
                if only.is_none() {
                    seen[from].read_since = got;
                    seen[from].last = seen[from].read_since.iter().copied().next();
                }
            }
        }
    }
}
