//! What staff meet.

use std::time::Duration;

use super::{Bench, MIDNIGHT};
use crate::aim::event::{AimEvent, ImCookie, ImRefusal};
use crate::conversation::routing::Routing;
use crate::conversation::{Millis, wording};
use crate::hub::desk::{Effect, Input, Settings};

fn two_visitors() -> Bench {
    let mut t = Bench::new();
    t.says("anna", "hello from anna").says("bob", "hello from bob").nothing_more();
    t
}

#[test]
fn a_label_says_who_is_meant() {
    let mut t = two_visitors();
    t.types("staff1", "ANNA: hi").hears("anna", "hi");
    t.types("Staff 1", "bob: one\ntwo\nanna: three").hears("bob", "one\ntwo").hears("anna", "three");
    t.types("staff2", "anna,bob: both").hears("anna", "both").hears("bob", "both");
}

#[test]
fn who_speaks_is_there_whatever_presence_says() {
    let mut t = Bench::new();
    t.offline("staff1").offline("staff2").says("anna", "hello");
    assert!(t.ims().is_empty(), "nobody is there");
    t.types("staff1", "anna: hi").hears("anna", "hi").reads("staff1", "anna: hello");
    // Stored by the server before its sender left: no sign of anybody.
    t.offline("staff1").says("anna", "still there?");
    let stored = AimEvent::Im {
        from: "staff1".into(),
        text: "anna: bye".into(),
        auto: false,
        offline: true,
        cookie: ImCookie([9; 8]),
        at: std::time::UNIX_EPOCH,
    };
    t.aim(stored).hears("anna", "bye");
    assert!(t.ims().is_empty());
}

#[test]
fn nothing_goes_to_the_wrong_person() {
    let mut t = two_visitors();
    for (typed, asked) in [
        ("note: call me", "* nobody is called note; not sent: \"note: call me\""),
        ("bob2: secret", "* nobody is called bob2, did you mean bob? not sent: \"bob2: secret\""),
        ("hello", "* is that for bob or anna? Type \"bob:\" and I send it there: \"hello\""),
    ] {
        t.types("staff1", typed).reads("staff1", asked);
        assert!(t.said_to("anna").is_none() && t.said_to("bob").is_none(), "{typed}");
    }
    t.types("staff1", "anna:").hears("anna", "hello");
    t.types("staff1", "anna:").reads("staff1", "* there is no text to send to anna");
}

#[test]
fn without_a_label_the_last_one_addressed_is_meant_unless_another_wrote() {
    let mut t = two_visitors();
    t.types("staff1", "anna: hi").hears("anna", "hi");
    t.types("staff1", "how are you?").hears("anna", "how are you?");
    t.says("anna", "fine").types("staff1", "good").hears("anna", "good");
    t.says("bob", "and me?").nothing_more();
    t.types("staff1", "one moment");
    t.reads("staff1", "* is that for anna or bob? Type \"anna:\" and I send it there: \"one moment\"");
    assert!(t.said_to("anna").is_none() && t.said_to("bob").is_none());
    t.types("staff1", "bob:").hears("bob", "one moment");
    t.types("staff1", "anna, are you there?");
    t.reads(
        "staff1",
        "* is that for anna or bob? Type \"anna:\" and I send it there: \"anna, are you there?\"",
    );
    t.reads("staff2", "* staff1 to bob: one moment");
}

#[test]
fn only_listed_names_speak_and_strangers_get_one_polite_line_an_hour() {
    let mut t = two_visitors();
    t.types("eve", "anna: I am staff")
        .reads("eve", "* This is a customer service account; it can't talk with you.");
    t.types("eve", "anna: really").after(3599).types("eve", "?").no_ims();
    t.after(2).types("eve", "anna: hm");
    assert_eq!(t.ims().len(), 1);
    assert!(t.said_to("anna").is_none());
    t.im("mallory", "I am away", ImCookie([9; 8]), true).no_ims();
}

#[test]
fn what_waits_for_somebody_absent_keeps_credits_from_nobody() {
    use crate::aim::event::{AimCommand, RoomEvent};
    use crate::irc::event::{IrcEvent, Typing};
    let mut t = two_visitors();
    t.offline("staff2")
        .types("staff1", "anna: hi")
        .hears("anna", "hi")
        .says("anna", "it waits for staff2")
        .nothing_more();
    t.types("eve", "hello").reads("eve", "* This is a customer service account; it can't talk with you.");
    let from = super::source("anna", 1);
    t.irc(IrcEvent::Typing { from, typing: Typing::Active });
    let typing = |effect: &Effect| matches!(effect, Effect::Aim(_, AimCommand::Typing { .. }));
    assert!(t.out.iter().any(typing));
    t.aim(AimEvent::Room(RoomEvent::Entered(vec!["bridgebot".into()])));
    let invitation = |effect: &Effect| matches!(effect, Effect::Aim(_, AimCommand::Invite { .. }));
    assert!(t.out.iter().any(invitation));
}

#[test]
fn nothing_automatic_is_answered_or_passed_on() {
    let mut t = two_visitors();
    t.im("staff1", "anna: I am out to lunch", ImCookie([9; 8]), true).no_ims();
    t.im("BridgeBot", "anna: echo", ImCookie([8; 8]), false).no_ims();
    t.types("staff1", "* is that for anna or bob?");
    t.reads("staff1", "* lines that begin with \"* \" are taken for a program's and not sent");
    assert!(t.said_to("anna").is_none());
}

#[test]
fn another_text_under_an_id_that_was_used_is_another_message() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    let cookie = ImCookie(*b"1234567\0");
    t.im("staff1", "anna: one", cookie, false).hears("anna", "one");
    // The same client, started anew.
    t.im("staff1", "anna: two", cookie, false).hears("anna", "two");
    t.im("staff1", "anna: one", cookie, false).im("staff1", "anna: two", cookie, false);
    assert!(t.said_to("anna").is_none(), "each once");
}

#[test]
fn a_message_that_comes_twice_is_heard_once() {
    let mut t = two_visitors();
    let cookie = ImCookie([7; 8]);
    t.im("staff1", "anna: hi", cookie, false).hears("anna", "hi");
    t.im("staff1", "anna: hi", cookie, false);
    assert!(t.said_to("anna").is_none());
    t.crash().both_up().im("Staff 1", "anna: hi", cookie, false).says("anna", "x");
    assert!(t.said_to("anna").is_none(), "over a restart too");
}

#[test]
fn a_client_that_counts_its_ids_from_the_start_again_is_heard() {
    let mut t = two_visitors();
    // The first id of each libpurple.
    let first = ImCookie(*b"3855154\0");
    t.im("staff1", "anna: hi", first, false).hears("anna", "hi");
    t.im("staff1", "anna: I am back", first, false).hears("anna", "I am back");
    t.after(180).im("staff1", "anna: hi", first, false).hears("anna", "hi");
    t.crash().both_up().after(180).says("anna", "x").im("staff1", "anna: hi", first, false);
    assert_eq!(t.said_to("anna").unwrap().0, "hi");
}

#[test]
fn what_was_not_acknowledged_before_a_crash_is_sent_again_with_the_same_id() {
    let mut t = Bench::new();
    t.says("anna", "one");
    let before = t.ims();
    t.crash().after(3).both_up().online("staff1").online("staff2").credits(9);
    let again = t.ims();
    assert_eq!(before.len(), 2);
    for ((to, text, cookie), (to_again, text_again, cookie_again)) in before.iter().zip(&again) {
        assert_eq!((to, cookie), (to_again, cookie_again));
        assert_eq!(format!("{text} (again)"), *text_again);
    }
    t.says("anna", "two").no_ims();
    for (_, _, cookie) in again {
        t.aim(AimEvent::Acked { cookie });
    }
    t.reads("staff1", &format!("{}\nanna: two", wording::was_away(Millis(MIDNIGHT), t.now)));
}

#[test]
fn after_a_lost_session_the_same_happens_and_staff_are_told_from_when_to_when() {
    let mut t = Bench::new();
    t.says("anna", "one");
    let (_, text, cookie) = t.ims().remove(0);
    t.after(70);
    let heard_at = t.now.to_system();
    t.aim(AimEvent::Lost { reason: "reset".into(), heard_at, retry_in: Duration::from_secs(1) });
    t.credits(0).after(9).aim_up().online("staff1").credits(9);
    let ims = t.ims();
    assert!(ims.contains(&("staff1".into(), format!("{text} (again)"), cookie)), "{ims:?}");
    t.aim(AimEvent::Acked { cookie });
    t.reads(
        "staff1",
        "* I was away from 00:01:10 to 00:01:19 UTC; lines you sent me in that time may not have arrived",
    );
}

#[test]
fn staff_are_told_of_a_short_absence_too_from_when_the_server_was_last_heard() {
    let mut t = Bench::new();
    let reason = "reset".to_owned();
    t.after(70);
    // What the link noted; the hub hears of it later.
    let heard_at = t.now.before(Duration::from_secs(4)).to_system();
    t.aim(AimEvent::Lost { reason, heard_at, retry_in: Duration::from_millis(100) });
    t.now = t.now.after(Duration::from_millis(300));
    t.aim_up().online("staff1").credits(9).reads(
        "staff1",
        "* I was away from 00:01:06 to 00:01:11 UTC; lines you sent me in that time may not have arrived",
    );
}

#[test]
fn an_absence_that_staff_were_not_told_of_before_a_crash_they_are_told_of_after_it() {
    let mut t = Bench::new();
    t.after(70).crash();
    t.after(5).aim_up();
    // The server has not said yet who is there.
    t.crash().after(5).aim_up().online("staff1").credits(9).reads(
        "staff1",
        "* I was away from 00:01:10 to 00:01:20 UTC; lines you sent me in that time may not have arrived",
    );
    t.after(70).crash();
    t.after(5).aim_up().online("staff1").credits(9).reads(
        "staff1",
        "* I was away from 00:02:30 to 00:02:35 UTC; lines you sent me in that time may not have arrived",
    );
}

#[test]
fn credits_pace_and_lines_join() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().online("staff1").online("staff2").credits(1);
    t.says("anna", "one").reads("staff1", "anna: one").no_ims();
    t.says("anna", "two").says("bob", "hi").no_ims();
    t.credits(1).reads("staff2", "anna: one\nanna: two\nbob: hi").no_ims();
    t.credits(1).reads("staff1", "anna: two\nbob: hi");
}

#[test]
fn who_is_away_by_the_client_comes_after_the_others() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().presence("staff1", crate::aim::event::Presence::Away).online("staff2").credits(1);
    t.says("anna", "one").reads("staff2", "anna: one").no_ims();
    t.credits(1).reads("staff1", "anna: one");
    t.presence("staff1", crate::aim::event::Presence::Online).credits(1);
    t.says("anna", "two").reads("staff2", "anna: two").no_ims();
}

#[test]
fn what_staff_say_costs_no_credits() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().online("staff1").offline("staff2").credits(2);
    t.says("anna", "one").reads("staff1", "anna: one");
    for _ in 0..10 {
        t.types("staff1", "anna: yes");
    }
    t.says("anna", "two").reads("staff1", "anna: two");
}

#[test]
fn who_is_not_there_holds_up_nobody() {
    let mut t = Bench::new();
    t.after(60).says("anna", "one");
    let ims = t.ims();
    let cookie = |who: &str| ims.iter().find(|(to, ..)| to == who).map(|(_, _, cookie)| *cookie).unwrap();
    t.refused(cookie("staff2"), ImRefusal::NotSignedOn);
    t.aim(AimEvent::Acked { cookie: cookie("staff1") });
    t.says("anna", "two").reads("staff1", "anna: two").no_ims();
    t.after(2).online("staff2").reads("staff2", "anna: one\nanna: two");
}

#[test]
fn who_is_announced_before_the_server_takes_messages_for_them_is_there_all_the_same() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().credits(9).after(10).says("anna", "hello");
    assert_eq!(t.notice_to("anna").unwrap().0, "waiting");
    t.online("staff1");
    let (_, _, cookie) = t.ims().remove(0);
    t.refused(cookie, ImRefusal::NotSignedOn).no_ims();
    t.after(1).reads("staff1", "anna: hello");
    assert_eq!(t.notice_to("anna").unwrap().0, "back");
    // Gone without a word, as the server says again and again.
    t.says("anna", "more");
    for pause in [1, 2, 4, 8, 16] {
        let (_, _, cookie) = t.ims().remove(0);
        t.refused(cookie, ImRefusal::NotSignedOn).no_ims().after(pause);
    }
    let (_, _, cookie) = t.ims().remove(0);
    t.refused(cookie, ImRefusal::NotSignedOn).after(600).no_ims();
    assert_eq!(t.notice_to("anna").unwrap().0, "waiting");
}

#[test]
fn what_the_server_dropped_is_repeated_marked_and_what_it_refused_comes_back() {
    let mut t = Bench::new();
    t.offline("staff2").says("anna", "one");
    let (_, text, cookie) = t.ims().remove(0);
    t.refused(cookie, ImRefusal::NoAcknowledgement).no_ims();
    t.after(1);
    assert_eq!(t.ims(), [("staff1".into(), format!("{text} (again)"), cookie)]);
    t.refused(cookie, ImRefusal::Refused { code: 5, words: "busy".into(), permanent: false }).after(2);
    assert_eq!(t.ims(), [("staff1".into(), format!("{text} (again)"), cookie)], "the first may have arrived");
    t.refused(cookie, ImRefusal::Refused { code: 6, words: "never".into(), permanent: true }).no_ims();
    t.online("staff2").reads("staff2", "anna: one");
}

#[test]
fn away_by_command_holds_lines_back() {
    let mut t = Bench::new();
    t.types("staff2", "/away").reads("staff2", "* what comes for you waits until /back");
    t.says("anna", "one").reads("staff1", "anna: one").no_ims();
    t.types("staff2", "/back").reads("staff2", "* welcome back; 1 line waits for you\nanna: one");
}

#[test]
fn commands_answer_and_mistakes_are_explained() {
    let mut t = two_visitors();
    t.types("staff1", "/hlep").reads("staff1", "* there is no /hlep; did you mean /help?");
    t.types("staff1", "/close carl");
    t.reads("staff1", "* nobody is called carl; not done: \"/close carl\"");
    t.types("staff1", "/close").reads("staff1", "* /close whom: bob or anna?");
    t.types("staff1", "/whoami").reads("staff1", "* you are staff1, staff, here");
    t.types("staff1", "/list");
    t.reads("staff1", "* 2 open conversations, 0 lines wait for you\n* bob - 0 s ago\n* anna - 0 s ago");
    t.types("staff1", "/close anna").reads("staff1", "* anna is closed; a new line of theirs opens it again");
    assert_eq!(t.notice_to("anna").unwrap().0, "closed");
    t.types("staff1", "/list")
        .reads("staff1", "* 1 open conversation, 0 lines wait for you\n* bob - 0 s ago");
    t.says("anna", "one more").nothing_more();
    t.types("staff1", "/info anna").reads(
        "staff1",
        "* anna is known by the IRC connection, there as anna, since 2026-11-22 00:00 UTC, 2 lines",
    );
    t.types("staff1", "/help").nothing_more();
    t.types("staff1", "/history anna");
    assert!(t.out.iter().any(|effect| matches!(effect, Effect::ReadForStaff { entries: 10, .. })));
}

#[test]
fn the_list_tells_for_whom_lines_wait_who_is_not_there() {
    let mut t = two_visitors();
    t.types("staff1", "/list");
    t.reads("staff1", "* 2 open conversations, 0 lines wait for you\n* bob - 0 s ago\n* anna - 0 s ago");
    t.offline("staff2").says("anna", "one").says("anna", "two").nothing_more();
    t.types("staff1", "/list").reads(
        "staff1",
        "* 2 open conversations, 0 lines wait for you\n* bob - 0 s ago\n* anna - 0 s ago\n\
         * not here: staff2 (2 lines wait)",
    );
}

#[test]
fn blocked_visitors_are_told_and_not_heard() {
    let mut t = two_visitors();
    t.types("staff1", "/block bob")
        .reads("staff1", "* lines of bob are refused from now on; /unblock bob takes them again");
    t.says("bob", "hey").no_ims();
    assert_eq!(t.notice_to("bob").unwrap().0, "refused");
    t.crash().both_up().online("staff1").says("bob", "hey").no_ims();
    t.credits(9).nothing_more();
    t.types("staff1", "/unblock bob").nothing_more();
    t.says("bob", "thanks").reads("staff1", "bob: thanks");
}

#[test]
fn prepared_answers_are_kept() {
    let mut t = two_visitors();
    t.types("staff1", "/canned set hours We are open from 9 to 5.")
        .reads("staff1", "* kept; /canned hours says it");
    t.crash().both_up().online("staff2").credits(9).nothing_more();
    t.says("anna", "when?").nothing_more();
    t.types("staff2", "/canned hours anna").hears("anna", "We are open from 9 to 5.");
    t.types("staff2", "/canned huors")
        .reads("staff2", "* there is no prepared answer huors; did you mean hours?");
    t.types("staff2", "/canned remove hours").reads("staff2", "* hours is forgotten");
}

#[test]
fn in_claim_routing_who_answers_first_has_the_conversation() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(100).nothing_more();
    t.says("anna", "hello");
    let new = "anna: hello\n* anna is new: whoever answers first has the conversation";
    t.reads("staff1", new).reads("staff2", new);
    t.types("staff2", "hi anna").hears("anna", "hi anna");
    t.reads("staff1", "* staff2 has anna now\n* staff2 to anna: hi anna");
    t.says("anna", "it is broken").reads("staff2", "anna: it is broken").no_ims();

    t.types("staff1", "/release anna").reads("staff1", "* staff2 has anna; /claim anna takes it over");
    t.types("staff2", "/transfer anna staff1").reads("staff2", "* staff1 has anna now");
    t.reads("staff1", "* staff2 has given anna to you");
    t.offline("staff1").after(30).says("anna", "still broken").no_ims();
    t.after(40).reads("staff2", "anna: still broken\n* anna is free again, staff1 has signed off");
}

#[test]
fn a_claim_takes_the_waiting_lines_along() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().says("anna", "one").says("anna", "two").online("staff1").credits(9);
    t.reads("staff1", "anna: one\nanna: two\n* anna is new: whoever answers first has the conversation");
    t.types("staff1", "/claim anna").nothing_more();
    t.online("staff2");
    let texts = t.ack_all();
    assert!(!texts.iter().any(|(_, text)| text.contains("anna: one")), "staff1 has them: {texts:?}");
}

#[test]
fn lines_of_people_who_left_the_list_go_to_those_who_are_on_it() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().says("anna", &"a long line ".repeat(120)).says("anna", "two");
    t.reloads(|settings| settings.staff = vec!["staff3".into()]);
    t.online("staff3").credits(9);
    let texts: Vec<String> = t.ack_all().into_iter().map(|(_, text)| text).collect();
    let all = texts.join("\n");
    let pieces: Vec<&str> = all.lines().filter_map(|line| line.strip_prefix("anna: ")).collect();
    assert_eq!(pieces.join(" "), format!("{} two", "a long line ".repeat(120).trim()));
    t.types("staff1", "anna: I am not staff any more").nothing_more();
    assert!(t.said_to("anna").is_none());
}

#[test]
fn who_is_new_on_the_list_gets_what_nobody_has_taken_yet() {
    let mut t = Bench::new();
    t.says("anna", "taken").nothing_more();
    t.offline("staff1").offline("staff2").says("anna", "one");
    t.reloads(|settings| settings.staff.push("staff3".into()));
    t.online("staff3").reads("staff3", "anna: one");
}

#[test]
fn with_several_accounts_each_person_has_one_and_another_steps_in() {
    use crate::aim::event::{AccountId, Presence};
    let mut t = Bench::quiet(Settings { accounts: 2, ..Settings::default() });
    t.irc_up();
    let aim = |t: &mut Bench, account: usize, event: AimEvent| {
        t.input(Input::Aim(AccountId(account), event));
    };
    for account in 0..2 {
        aim(&mut t, account, AimEvent::SignedOn { screen_name: format!("bot{account}").as_str().into() });
        for who in ["staff1", "staff2"] {
            aim(&mut t, account, AimEvent::Presence { who: who.into(), presence: Presence::Online });
        }
        aim(&mut t, account, AimEvent::Credits(3));
    }
    t.out.clear();
    t.says("anna", "hello");
    let by: Vec<usize> = t
        .out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Aim(account, crate::aim::event::AimCommand::Send { .. }) => Some(account.0),
            _ => None,
        })
        .collect();
    assert_eq!(by, [0, 1]);
    t.ack_all();
    aim(
        &mut t,
        1,
        AimEvent::Lost {
            reason: "gone".into(),
            heard_at: std::time::UNIX_EPOCH,
            retry_in: Duration::from_secs(1),
        },
    );
    t.says("anna", "two").reads("staff1", "anna: two").reads("staff2", "anna: two");
}

#[test]
fn a_restart_does_not_forget_whose_holder_is_gone_or_lets_the_visitor_wait() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up()
        .online("staff1")
        .online("staff2")
        .credits(99)
        .says("anna", "hello")
        .says("bob", "hi")
        .nothing_more();
    t.types("staff1", "anna: hi").types("staff2", "bob: hi").nothing_more();
    t.says("bob", "are you there?").nothing_more();
    t.after(1000).crash().after(120).both_up().online("staff2").credits(99).nothing_more();
    t.after(20).reads("staff2", "* anna is free again, staff1 has signed off").no_ims();
    t.after(700).reads("staff2", "* bob is free again, staff2 has not answered for a while");
    t.says("anna", "hello?").reads("staff2", "anna: hello?");
}

#[test]
fn while_the_aim_side_is_gone_nobody_loses_a_conversation() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(99).says("anna", "hello").nothing_more();
    t.types("staff1", "anna: hi").nothing_more();
    let heard_at = t.now.to_system();
    t.aim(AimEvent::Lost { reason: "reset".into(), heard_at, retry_in: Duration::ZERO });
    t.after(300).aim_up().after(5).online("staff1").online("staff2").credits(99).nothing_more();
    t.after(30).says("anna", "well").reads("staff1", "anna: well").no_ims();
}

#[test]
fn who_holds_a_conversation_and_goes_away_keeps_no_visitor_waiting() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, claim_idle: None, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(99).says("anna", "hello").nothing_more();
    t.types("staff1", "anna: hi").nothing_more();
    t.types("staff1", "/away").nothing_more();
    t.after(70).no_ims();
    t.types("staff1", "/back").nothing_more();
    t.says("anna", "thanks").reads("staff1", "anna: thanks");
    t.types("staff1", "/away").nothing_more();
    t.says("anna", "one more thing").after(50).no_ims();
    t.after(20);
    let texts = t.ack_all();
    assert_eq!(
        texts,
        [("staff2".to_owned(), "anna: one more thing\n* anna is free again, staff1 is away".to_owned())]
    );
    t.types("staff2", "anna: yes?").nothing_more();
    t.types("staff1", "/back").reads("staff1", "* welcome back; nothing waits for you");
}

#[test]
fn of_two_who_answer_at_once_the_first_has_the_conversation_and_both_hear_of_it() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(99).says("anna", "hello").nothing_more();
    t.types("staff2", "anna: hi from two").types("staff1", "anna: hi from one");
    t.reads("staff1", "* staff2 has anna now\n* staff2 to anna: hi from two");
    t.reads("staff2", "* staff1 to anna: hi from one");
    t.hears("anna", "hi from two").hears("anna", "hi from one");
    t.says("anna", "thanks, both").reads("staff2", "anna: thanks, both").no_ims();
}

#[test]
fn who_holds_a_conversation_and_lets_the_visitor_wait_gives_it_back() {
    let mut t = Bench::quiet(Settings { routing: Routing::Claim, ..Settings::default() });
    t.both_up().online("staff1").online("staff2").credits(99).says("anna", "hello").nothing_more();
    t.types("staff1", "anna: hi").nothing_more();
    t.after(7200).no_ims();
    t.says("anna", "are you still there?").nothing_more();
    t.after(20);
    assert!(t.ack_all().is_empty(), "it is the visitor's waiting that counts");
    t.after(1790);
    let free = "* anna is free again, staff1 has not answered for a while";
    let mut told = t.ack_all();
    told.sort();
    assert_eq!(told, [("staff1".to_owned(), free.to_owned()), ("staff2".to_owned(), free.to_owned())]);
    t.says("anna", "hello?").reads("staff1", "anna: hello?").reads("staff2", "anna: hello?");
}
