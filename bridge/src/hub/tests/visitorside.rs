//! What visitors meet.

use super::{Bench, source};
use crate::conversation::guard::Pace;
use crate::conversation::wording::{self, visitor as words};
use crate::hub::desk::{Effect, Input, Settings};
use crate::irc::event::{IrcCommand, IrcEvent, IrcLine, IrcRefusal, Place, Source, Speech};
use crate::web::event::{SessionId, WebEvent};

#[test]
fn a_line_reaches_all_staff_and_its_state_is_told() {
    let mut t = Bench::new();
    t.says_with_id("anna", "l1", "hello");
    assert_eq!(t.states(), [("l1".into(), "stored".into())]);
    t.reads("staff1", "anna: hello");
    assert_eq!(t.states(), [("l1".into(), "taken".into())]);
    t.reads("staff2", "anna: hello");
    assert!(t.states().is_empty(), "once is enough");
    assert!(t.notice_to("anna").is_none());
}

#[test]
fn the_same_line_again_is_stored_once() {
    let mut t = Bench::new();
    t.says_with_id("anna", "l1", "hello").nothing_more();
    t.says_with_id("anna", "l1", "hello").no_ims();
    assert_eq!(t.states(), [("l1".into(), "taken".into())]);
    t.crash().both_up();
    t.says_with_id("anna", "l1", "hello").no_ims();
    assert_eq!(t.states(), [("l1".into(), "taken".into())], "known over a restart too");
    let line = IrcLine { msgid: Some("m9".into()), ..t.line("anna", "two") };
    t.irc(IrcEvent::Line(line.clone())).irc(IrcEvent::Line(IrcLine { replayed: true, ..line }));
    t.online("staff1").online("staff2").credits(9);
    assert_eq!(
        t.ack_all().iter().filter(|(to, _)| to == "staff1").count(),
        1,
        "known by the daemon's id too"
    );
}

#[test]
fn a_line_through_a_gateway_that_is_gone_comes_from_its_program_not_from_the_history() {
    let mut t = Bench::new();
    let line = IrcLine { client_id: Some("l1".into()), replayed: true, ..t.line("anna", "hello") };
    t.irc(IrcEvent::Line(line.clone())).no_ims();
    t.irc(IrcEvent::Line(IrcLine { client_id: None, ..line })).reads("staff1", "anna: hello");
}

#[test]
fn a_line_out_of_the_history_does_not_give_its_nick_to_who_said_it() {
    let mut t = Bench::new();
    let connected = |t: &Bench, text: &str, connection: &str, replayed: bool| {
        let mut line = IrcLine { replayed, msgid: Some(text.into()), ..t.line("anna", text) };
        line.from = Source { connection: Some(connection.into()), signed_on: None, ..line.from };
        IrcEvent::Line(line)
    };
    let line = connected(&t, "one", "x-1", false);
    t.irc(line).reads("staff1", "anna: one").reads("staff2", "anna: one");
    t.irc(IrcEvent::Lost { reason: "reset".into() }).types("staff1", "anna: for her alone");
    t.irc_up();
    // She left meanwhile, and somebody has her nick.
    let line = connected(&t, "two", "x-1", true);
    t.irc(line);
    assert!(t.said_to("anna").is_none(), "first it is asked who has the nick");
    let stranger = Source { connection: Some("x-2".into()), ..source("anna", 9) };
    t.irc(IrcEvent::Identified { source: stranger });
    assert!(t.said_to("anna").is_none());
    let line = connected(&t, "three", "x-2", false);
    t.irc(line).reads("staff1", "anna: two");
    let rest = t.ack_all();
    assert!(rest.iter().any(|(_, text)| text.contains("anna-2: three")), "{rest:?}");
    assert!(t.said_to("anna").is_none());
}

#[test]
fn with_nobody_there_the_visitor_is_told_once_and_the_line_waits() {
    let mut t = Bench::new();
    t.after(5).offline("staff1").offline("staff2");
    assert!(t.out.iter().any(|effect| matches!(effect, Effect::Irc(IrcCommand::Away(Some(_))))));
    t.says_with_id("anna", "l1", "hello").no_ims();
    assert_eq!(t.states(), [("l1".into(), "waiting".into())]);
    assert_eq!(t.notice_to("anna"), Some(("waiting".into(), words::WAITING.into())));
    t.says_with_id("anna", "l2", "anybody?");
    assert_eq!(t.states(), [("l2".into(), "waiting".into())]);
    assert!(t.notice_to("anna").is_none());
    t.after(2).online("staff2").reads("staff2", "anna: hello\nanna: anybody?");
    assert_eq!(t.notice_to("anna"), Some(("back".into(), words::BACK.into())));
    assert_eq!(t.states(), [("l1".into(), "taken".into()), ("l2".into(), "taken".into())]);
    assert!(t.out.iter().any(|effect| matches!(effect, Effect::Irc(IrcCommand::Away(None)))));
    t.online("staff1").reads("staff1", "anna: hello\nanna: anybody?");
}

#[test]
fn just_after_sign_on_nobody_is_told_that_nobody_is_there() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().says_with_id("anna", "l1", "hello");
    assert_eq!(t.states(), [("l1".into(), "stored".into())]);
    assert!(t.notice_to("anna").is_none());
    t.after(2);
    assert_eq!(t.states(), [("l1".into(), "waiting".into())]);
    assert_eq!(t.notice_to("anna").unwrap().0, "waiting");
}

#[test]
fn what_came_while_the_bridge_was_held_up_was_not_written_too_fast() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    let begun = t.now;
    t.after(20);
    for second in 1..=20 {
        let said = begun.after(std::time::Duration::from_secs(second)).to_system();
        t.irc(IrcEvent::Line(IrcLine { at: said, ..t.line("anna", &second.to_string()) }));
    }
    assert!(t.notice_to("anna").is_none());
    t.credits(9);
    assert_eq!(t.ack_all().iter().filter(|(to, _)| to == "staff1").count(), 20);
}

#[test]
fn who_is_out_of_sight_is_asked_about_before_anything_is_sent_there() {
    let mut t = Bench::new();
    let asked = |t: &mut Bench| {
        let asked = t.out.iter().any(|effect| matches!(effect, Effect::Irc(IrcCommand::Identify { .. })));
        t.out.retain(|effect| !matches!(effect, Effect::Irc(IrcCommand::Identify { .. })));
        asked
    };
    let unseen = || IrcEvent::Unseen { nick: "anna".into() };
    t.says("anna", "hello").nothing_more().irc(unseen());
    t.types("staff1", "anna: at once").hears("anna", "at once");
    assert!(!asked(&mut t), "she has just spoken");
    t.after(3).types("staff1", "anna: later");
    assert!(t.said_to("anna").is_none() && asked(&mut t));
    t.irc(IrcEvent::Identified { source: source("anna", 1) }).irc(unseen()).hears("anna", "later");
    t.after(3).types("staff1", "anna: secret");
    assert!(asked(&mut t));
    t.irc(IrcEvent::Identified { source: source("anna", 2) }).irc(unseen());
    assert!(t.said_to("anna").is_none(), "somebody else has the nick now");
    t.reads("staff1", "* anna is away from the page; your line waits");
}

#[test]
fn who_writes_too_fast_is_asked_to_slow_down() {
    let mut t = Bench::new();
    for number in 1..=7 {
        t.says_with_id("anna", &format!("l{number}"), "x");
    }
    let states = t.states();
    assert_eq!(states.iter().filter(|(_, state)| state == "stored").count(), 5);
    assert_eq!(states.iter().filter(|(_, state)| state == "failed").count(), 2);
    assert_eq!(t.notice_to("anna"), Some(("slow-down".into(), words::SLOW_DOWN.into())));
    assert!(t.notice_to("anna").is_none(), "once");
    t.after(1).says_with_id("anna", "l7", "x");
    assert!(t.states().iter().any(|(id, state)| id == "l7" && state == "stored"), "sent again it is taken");
}

#[test]
fn too_much_is_refused_in_words() {
    let mut t = Bench::quiet(Settings {
        pace: Pace { burst: 0, per_second: 0 },
        most_waiting: 3,
        most_open: 1,
        ..Settings::default()
    });
    t.both_up();
    for number in 0..4 {
        t.says("anna", &number.to_string());
    }
    assert_eq!(t.notice_to("anna"), Some(("refused".into(), words::TOO_MANY_WAIT.into())));
    t.says("bob", "me too");
    assert_eq!(t.notice_to("bob"), Some(("refused".into(), words::TOO_MANY_VISITORS.into())));
    t.online("staff1").credits(1).reads("staff1", "anna: 0\nanna: 1\nanna: 2");
}

#[test]
fn an_answer_waits_for_a_visitor_who_is_away() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.irc(IrcEvent::Gone { nick: "anna".into() });
    t.types("staff1", "anna: hi").reads("staff1", "* anna is away from the page; your line waits");
    t.types("staff1", "anna: still there?");
    assert!(t.said_to("anna").is_none());
    t.says("anna", "back again").hears("anna", "hi").hears("anna", "still there?");
    assert_eq!(t.ack_all().iter().filter(|(_, text)| text.contains("away")).count(), 0, "told once");
}

#[test]
fn a_freed_nick_is_a_stranger() {
    let mut t = Bench::new();
    t.says("anna", "my card is 1234").nothing_more();
    t.irc(IrcEvent::Gone { nick: "anna".into() });
    t.types("staff1", "anna: thank you").nothing_more();
    let thief = IrcLine { from: source("anna", 2), ..t.line("anna", "hello?") };
    t.irc(IrcEvent::Line(thief)).reads("staff1", "anna-2: hello?");
    assert!(t.said_to("anna").is_none(), "the stranger gets none of anna's answers");
    t.types("staff1", "anna-2: hi").hears("anna", "hi");
    let anna = IrcLine { from: source("anna_", 1), ..t.line("anna_", "me again") };
    t.irc(IrcEvent::Line(IrcLine { from: Source { user: "~anna".into(), ..anna.from }, ..anna }));
    t.hears("anna_", "thank you");
}

#[test]
fn a_nick_change_keeps_conversation_and_label() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.irc(IrcEvent::Renamed { from: source("anna", 1), to: "ann".into() });
    t.types("staff1", "anna: hi").hears("ann", "hi");
    let line = t.line("ann", "thanks");
    let from = Source { user: "~anna".into(), ..line.from.clone() };
    t.irc(IrcEvent::Line(IrcLine { from, ..line })).nothing_more();
}

#[test]
fn two_from_one_address_in_one_second_are_two() {
    let mut t = Bench::new();
    t.says("anna", "hello").reads("staff1", "anna: hello");
    // The same user name, host and second: a daemon of the ratbox family tells nothing finer.
    let line = t.line("ben", "hello too");
    let from = Source { user: "~anna".into(), ..line.from.clone() };
    t.irc(IrcEvent::Line(IrcLine { from: from.clone(), ..line })).reads("staff1", "ben: hello too");
    t.types("staff1", "anna: hi").hears("anna", "hi");
    t.types("staff1", "ben: hi you").hears("ben", "hi you");
    let line = t.line("ben", "thanks");
    t.irc(IrcEvent::Line(IrcLine { from, ..line })).reads("staff1", "ben: thanks");
    t.says("anna", "thank you").reads("staff1", "anna: thank you");
}

#[test]
fn after_a_reconnect_a_nick_is_asked_about_before_it_is_trusted() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.irc(IrcEvent::Lost { reason: "reset".into() }).types("staff1", "anna: hi");
    assert!(t.said_to("anna").is_none());
    t.irc_up();
    assert!(t.said_to("anna").is_none());
    assert!(
        t.out
            .iter()
            .any(|effect| matches!(effect, Effect::Irc(IrcCommand::Identify { nick }) if nick == "anna"))
    );
    t.irc(IrcEvent::Identified { source: source("anna", 1) }).hears("anna", "hi");

    t.irc(IrcEvent::Lost { reason: "reset".into() }).irc_up().types("staff1", "anna: secret").nothing_more();
    t.irc(IrcEvent::Identified { source: source("anna", 2) });
    assert!(t.said_to("anna").is_none(), "somebody else has the nick now");
    t.reads("staff1", "* anna is away from the page; your line waits");
}

#[test]
fn what_the_daemon_may_not_have_had_goes_again() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.types("staff1", "anna: one");
    assert_eq!(t.said_to("anna").unwrap().0, "one");
    t.irc(IrcEvent::Lost { reason: "reset".into() }).irc_up();
    t.irc(IrcEvent::Identified { source: source("anna", 1) }).hears("anna", "one (again)");
}

#[test]
fn an_answer_that_the_daemon_refuses_waits() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.types("staff1", "anna: hi");
    let (_, id) = t.said_to("anna").unwrap();
    t.irc(IrcEvent::Refused { id, refusal: IrcRefusal::NoSuchNick });
    t.reads("staff1", "* anna is away from the page; your line waits");
    t.says("anna", "back").hears("anna", "hi");
}

#[test]
fn a_refusal_for_a_nick_that_the_visitor_has_left_does_not_make_the_visitor_gone() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.types("staff1", "anna: hi");
    let (_, id) = t.said_to("anna").unwrap();
    // The daemon tells that the nick is free, then the same person writes under another; then comes the answer to ours.
    t.irc(IrcEvent::Gone { nick: "anna".into() });
    t.reads("staff1", "* anna is away from the page; your line waits");
    t.says("anna_", "I am here").nothing_more();
    t.irc(IrcEvent::Refused { id, refusal: IrcRefusal::NoSuchNick });
    t.hears("anna_", "hi").no_ims();
    t.types("staff1", "anna: one");
    let (_, id) = t.said_to("anna_").unwrap();
    t.irc(IrcEvent::Refused { id, refusal: IrcRefusal::NoSuchNick });
    t.reads("staff1", "* anna is away from the page; your line waits");
    assert!(t.said_to("anna_").is_none());
}

#[test]
fn a_session_keeps_its_conversation_over_connections_nicks_and_restarts() {
    let mut t = Bench::new();
    let session = SessionId("hash".into());
    let connect = |t: &mut Bench, user: &str, nick: &str| {
        let page = Some("https://shop.example/prices?token=secret#top".into());
        t.input(Input::Web(WebEvent::Opened {
            session: session.clone(),
            user: user.into(),
            page,
            language: Some("de".into()),
        }));
        t.input(Input::Web(WebEvent::Named { user: user.into(), nick: nick.into(), numbered: true }));
    };
    let say = |t: &mut Bench, user: &str, nick: &str, text: &str| {
        let line = t.line(nick, text);
        let from = Source { user: format!("~{user}"), ..source(nick, 77) };
        t.irc(IrcEvent::Line(IrcLine { from, ..line }));
    };
    connect(&mut t, "u1", "anna");
    say(&mut t, "u1", "anna", "hello");
    t.reads("staff1", "anna: hello\n* anna writes from https://shop.example/prices, language de")
        .nothing_more();
    t.input(Input::Web(WebEvent::Closed { user: "u1".into() })).types("staff1", "anna: hi").nothing_more();
    connect(&mut t, "u2", "anna_");
    t.hears("anna_", "hi");
    say(&mut t, "u2", "anna_", "again");
    t.reads("staff1", "anna: again").nothing_more();
    t.types("staff1", "anna: before the crash");
    assert!(t.said_to("anna_").is_some());
    t.crash().both_up();
    connect(&mut t, "u3", "guest");
    t.hears("guest", "before the crash");

    say(&mut t, "u3", "mallory", "I have seen your user name");
    t.online("staff1").credits(9);
    let texts = t.ack_all();
    assert!(texts.iter().any(|(_, text)| text.contains("mallory: I have seen")), "{texts:?}");
}

#[test]
fn the_last_of_an_older_connection_does_not_make_a_session_gone() {
    let mut t = Bench::new();
    let opened = |user: &str| WebEvent::Opened {
        session: SessionId("hash".into()),
        user: user.into(),
        page: None,
        language: None,
    };
    let named = |user: &str| WebEvent::Named { user: user.into(), nick: "anna".into(), numbered: true };
    t.input(Input::Web(opened("u1"))).input(Input::Web(named("u1")));
    let line = t.line("anna", "hello");
    let from = Source { user: "u1".into(), ..line.from.clone() };
    t.irc(IrcEvent::Line(IrcLine { from, ..line })).nothing_more();
    t.input(Input::Web(WebEvent::Closed { user: "u1".into() }));
    t.input(Input::Web(opened("u2"))).input(Input::Web(named("u2")));
    t.irc(IrcEvent::Gone { nick: "anna".into() }).types("staff1", "anna: hi");
    let (_, id) = t.said_to("anna").unwrap();
    t.irc(IrcEvent::Refused { id, refusal: IrcRefusal::NoSuchNick });
    assert!(!t.ack_all().iter().any(|(_, text)| text.contains("away from the page")));
    t.after(31);
    assert!(t.out.iter().any(|effect| matches!(effect, Effect::Irc(IrcCommand::Identify { .. }))));
    let source = Source { user: "u2".into(), ..source("anna", 5) };
    t.irc(IrcEvent::Identified { source }).hears("anna", "hi");
}

#[test]
fn what_a_visitor_writes_can_be_no_command_of_any_side() {
    let mut t = Bench::new();
    t.says("anna", "a\r\n* staff1 to anna: x\u{3}4red\u{202e}")
        .reads("staff1", "anna: a * staff1 to anna: xred");
    t.says("anna", "\u{2}\u{f}");
    assert_eq!(t.notice_to("anna").unwrap().1, words::EMPTY);
    t.says("bob", "bob\nanna: give me the money").reads("staff1", "bob: bob anna: give me the money");
    let line = IrcLine { action: true, place: Place::Channel("#support".into()), ..t.line("anna", "waves") };
    t.irc(IrcEvent::Line(line)).reads("staff1", "anna: /me waves");
}

#[test]
fn notices_of_services_begin_nothing_and_our_own_echo_is_nobody() {
    let mut t = Bench::new();
    let notice = IrcLine { speech: Speech::Notice, ..t.line("NickServ", "This nick is registered") };
    t.irc(IrcEvent::Line(notice)).no_ims();
    t.says("bridgebot", "echo").no_ims();
    assert_eq!(t.desk.status().open_conversations, 0);
}

#[test]
fn a_long_line_comes_in_pieces_each_with_its_label() {
    let mut t = Bench::new();
    let text = "word ".repeat(500);
    t.says("anna", &text);
    let texts: Vec<String> =
        t.ack_all().into_iter().filter(|(to, _)| to == "staff1").map(|(_, text)| text).collect();
    assert!(texts.len() > 1);
    let pieces: Vec<&str> =
        texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("anna: ")).collect();
    assert_eq!(pieces.join(" "), text.trim());
}

#[test]
fn answers_name_the_connection_that_they_are_for() {
    let mut t = Bench::new();
    let from =
        |nick: &str, connection: &str| Source { connection: Some(connection.into()), ..source(nick, 1) };
    let line = IrcLine { from: from("anna", "5d2c-1f"), ..t.line("anna", "hello") };
    t.irc(IrcEvent::Line(line)).reads("staff1", "anna: hello").reads("staff2", "anna: hello");
    t.types("staff1", "hi");
    let say = |t: &mut Bench| {
        let at = t.out.iter().position(|effect| {
            matches!(effect, Effect::Irc(IrcCommand::Say { speech: Speech::Privmsg, .. }))
        });
        match at.map(|at| t.out.remove(at)) {
            Some(Effect::Irc(IrcCommand::Say { id, to, receiver, .. })) => (id, to, receiver),
            other => panic!("{other:?}"),
        }
    };
    let (id, to, receiver) = say(&mut t);
    assert_eq!((to.as_str(), receiver.as_deref()), ("anna", Some("5d2c-1f")));
    // The nick is a stranger's by now: the answer waits, and staff are told once.
    t.ack_all();
    t.irc(IrcEvent::Refused { id, refusal: IrcRefusal::NoSuchNick });
    t.reads("staff1", &wording::visitor_away("anna"));
    t.after(60);
    assert!(!t.out.iter().any(|effect| matches!(effect, Effect::Irc(IrcCommand::Say { .. }))));
    // The same person under another nick, of whom the daemon says that it is the same connection.
    let back = IrcLine { from: from("anna_", "5d2c-1f"), ..t.line("anna_", "sorry, here I am") };
    t.irc(IrcEvent::Line(back));
    let (_, to, receiver) = say(&mut t);
    assert_eq!((to.as_str(), receiver.as_deref()), ("anna_", Some("5d2c-1f")));
}

#[test]
fn to_a_program_that_sees_no_numbers_an_answer_is_said_or_shown_and_a_repeat_is_marked() {
    let mut t = Bench::new();
    let session = SessionId("hash".into());
    let connect = |t: &mut Bench, user: &str| {
        t.input(Input::Web(WebEvent::Opened {
            session: session.clone(),
            user: user.into(),
            page: None,
            language: None,
        }));
        let named = WebEvent::Named { user: user.into(), nick: "anna".into(), numbered: false };
        t.input(Input::Web(named));
    };
    let said_from = |t: &mut Bench| {
        let (reply, _) = tokio::sync::oneshot::channel();
        let (session, range) = (session.clone(), crate::web::event::HistoryRange::Latest);
        t.input(Input::Web(WebEvent::History { session, range, limit: 50, reply }));
        t.out.iter().find_map(|effect| match effect {
            Effect::ReadForVisitor { said_from, .. } => Some(*said_from),
            _ => None,
        })
    };
    connect(&mut t, "u1");
    let from = Source { user: "~u1".into(), ..source("anna", 77) };
    t.irc(IrcEvent::Line(IrcLine { from, ..t.line("anna", "hello") })).nothing_more();
    t.types("staff1", "anna: one").hears("anna", "one");
    assert_eq!(said_from(&mut t), Some(Some(1)), "all was said on this connection");
    t.out.clear();
    t.input(Input::Web(WebEvent::Closed { user: "u1".into() })).types("staff1", "anna: two\nanna: three");
    t.out.clear();
    connect(&mut t, "u2");
    assert_eq!(said_from(&mut t), Some(Some(3)), "the second entry is shown, the third and fourth are said");
    assert_eq!(t.said_to("anna").unwrap().0, "two");
    t.irc(IrcEvent::Lost { reason: "reset".into() }).irc_up().hears("anna", "two (again)");
}

#[test]
fn the_irc_side_is_told_whom_the_gateway_knows() {
    let mut t = Bench::new();
    let opened = WebEvent::Opened {
        session: SessionId("hash".into()),
        user: "x1y2".into(),
        page: None,
        language: None,
    };
    t.input(Input::Web(opened));
    t.input(Input::Web(WebEvent::Named { user: "x1y2".into(), nick: "anna".into(), numbered: true }));
    let vouched = |t: &mut Bench| {
        let out = std::mem::take(&mut t.out);
        out.into_iter().any(|effect| {
            matches!(effect, Effect::Irc(IrcCommand::Vouch { user, nick }) if user == "x1y2" && nick == "anna")
        })
    };
    assert!(vouched(&mut t));
    t.irc(IrcEvent::Lost { reason: "test".into() }).irc_up();
    assert!(vouched(&mut t), "a new connection to the daemon knows nothing");
    t.input(Input::Web(WebEvent::Closed { user: "x1y2".into() }));
    assert!(matches!(&t.out[..], [Effect::Irc(IrcCommand::Unvouch { user })] if user == "x1y2"));
}
