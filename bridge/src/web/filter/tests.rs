//! The filter as transcripts: what each side says and what the other gets.
#![allow(clippy::disallowed_methods)]

use std::time::UNIX_EPOCH;

use super::*;
use crate::clock::Moment;

struct Transcript {
    filter: Filter,
    now: Moment,
}

impl Transcript {
    fn start() -> Self {
        let now = Moment { instant: Instant::now(), wall: UNIX_EPOCH };
        let bot = Word::new("bridgebot").unwrap();
        Self { filter: Filter::new("vabcdefgh".into(), bot, Some("bridgebot"), Limits::default()), now }
    }

    /// Registered as anna, with these capabilities of the daemon's.
    fn registered(caps: &str) -> Self {
        let mut t = Self::start();
        if !caps.is_empty() {
            t.visitor("CAP LS 302").daemon(&format!(":d CAP * LS :{caps}"));
            t.visitor(&format!("CAP REQ :{caps} draft/chathistory")).daemon(&format!(":d CAP * ACK :{caps}"));
        }
        t.visitor("NICK anna").visitor("USER a b c :d");
        t.filter.opened();
        t.daemon(":d 001 anna :Welcome").all();
        t
    }

    fn visitor(&mut self, line: &str) -> &mut Self {
        self.filter.visitor_says(line, self.now.instant);
        self
    }

    fn daemon(&mut self, line: &str) -> &mut Self {
        self.filter.daemon_says(line, &self.now);
        self
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_secs(seconds));
        self
    }

    fn all(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.filter.poll()).collect()
    }

    #[track_caller]
    fn daemon_gets(&mut self, line: &str) -> &mut Self {
        assert_eq!(self.filter.poll(), Some(Output::Daemon(line.into())));
        self
    }

    #[track_caller]
    fn visitor_gets(&mut self, line: &str) -> &mut Self {
        assert_eq!(self.filter.poll(), Some(Output::Visitor(line.into())));
        self
    }

    #[track_caller]
    fn silent(&mut self) -> &mut Self {
        assert_eq!(self.filter.poll(), None);
        self
    }
}

#[test]
fn nothing_reaches_the_daemon_as_user_before_the_hub_knows() {
    let mut t = Transcript::start();
    t.visitor("SESSION abcdefghijklmnopqrstuv")
        .visitor_gets(":gateway NOTE SESSION READY bridgebot 384 :speak to bridgebot");
    t.visitor("NICK anna").daemon_gets("NICK anna");
    t.visitor("USER me x y :Real  Name\u{0}").silent_but_fail();
    t.visitor("USER me x y :Real  Name");
    let Some(Output::Open(session)) = t.filter.poll() else { panic!("not opened") };
    assert_eq!(session.0.len(), 43, "a SHA-256 in base64");
    t.silent();
    assert_eq!(t.filter.session(), None);
    t.filter.opened();
    t.daemon_gets("USER vabcdefgh 0 * :Real  Name").silent();
    assert_eq!(t.filter.session(), Some(&session));
    t.visitor("PRIVMSG bridgebot :early").visitor_gets(":gateway 451 * :You have not registered");
    t.visitor("CHATHISTORY LATEST bridgebot * 5").visitor_gets(":gateway 451 * :You have not registered");
}

#[test]
fn the_same_token_is_the_same_session_and_no_other_is() {
    let session = |token: &str| {
        let mut t = Transcript::start();
        t.visitor(&format!("SESSION {token}")).visitor("USER a b c :d");
        t.all().into_iter().find_map(|output| match output {
            Output::Open(session) => Some(session),
            _ => None,
        })
    };
    let (one, other) = ("abcdefghijklmnopqrstuv", "abcdefghijklmnopqrstuw");
    assert_eq!(session(one), session(one));
    assert_ne!(session(one), session(other));
    for bad in ["", "short", "abcdefghijklmnopqrstu!", &"x".repeat(65)] {
        let mut t = Transcript::start();
        t.visitor(&format!("SESSION {bad}"));
        t.visitor_gets(":gateway FAIL SESSION INVALID_TOKEN :a token is 22 to 64 letters, digits, - and _")
            .silent();
    }
}

#[test]
fn tags_that_speak_for_the_bridge_do_not_pass() {
    let mut t = Transcript::registered("message-tags labeled-response batch");
    t.visitor("@label=a;time=x;account=staff;msgid=m;+bridgebot/from=Eva;+bridgebot/state=taken;+bridgebot/id=i PRIVMSG bridgebot :x")
        .daemon_gets("@label=a;+bridgebot/id=i PRIVMSG bridgebot :x");
    t.visitor("@+bridgebot/id=no\\sgood;+typing=active PRIVMSG bridgebot :x")
        .daemon_gets("PRIVMSG bridgebot :x");
    t.visitor("@+bridgebot/id=i;+bridgebot/state=taken TAGMSG bridgebot").silent();
    t.visitor("@+typing=loud TAGMSG bridgebot").silent();
    t.visitor("@label=z;+typing=done TAGMSG bridgebot").daemon_gets("@label=z;+typing=done TAGMSG bridgebot");
}

#[test]
fn a_daemon_without_tags_gets_none() {
    let mut t = Transcript::registered("");
    t.visitor("@+bridgebot/id=i;label=x PRIVMSG bridgebot :x").daemon_gets("PRIVMSG bridgebot :x");
    t.visitor("@+typing=active TAGMSG bridgebot").silent();
    t.visitor("JOIN #x").visitor_gets(":gateway 421 anna JOIN :Unknown command");
}

#[test]
fn typing_may_not_flood() {
    let mut t = Transcript::registered("message-tags");
    for _ in 0..50 {
        t.visitor("@+typing=active TAGMSG bridgebot");
    }
    assert_eq!(t.all().len(), 5);
}

#[test]
fn one_reminder_for_many_lines_too_fast() {
    let mut t = Transcript::registered("");
    for _ in 0..9 {
        t.visitor("PRIVMSG bridgebot :x");
    }
    let outputs = t.all();
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Daemon(_))).count(), 5);
    let words = ":gateway NOTICE anna :Please write a little more slowly; this line was not taken.";
    assert_eq!(outputs[5..], [Output::Visitor(words.into())]);
    t.after(6);
    for _ in 0..6 {
        t.visitor("PRIVMSG bridgebot :x");
    }
    assert_eq!(t.all().len(), 6);
}

#[test]
fn a_line_that_is_on_its_way_is_not_refused_when_it_is_said_again_too_fast() {
    let mut t = Transcript::registered("message-tags");
    let say = |t: &mut Transcript, id: &str| {
        t.visitor(&format!("@+bridgebot/id={id} PRIVMSG bridgebot :x"));
    };
    for id in ["a", "b", "c", "d", "e"] {
        say(&mut t, id);
    }
    t.daemon("@+bridgebot/id=a;+bridgebot/state=stored :bridgebot!b@h TAGMSG anna").all();
    say(&mut t, "a");
    say(&mut t, "e");
    t.silent();
    say(&mut t, "f");
    let refused = |output: &Output| matches!(output, Output::Visitor(line) if line.contains("state=failed"));
    assert_eq!(t.all().iter().filter(|output| refused(output)).count(), 1);
}

#[test]
fn only_the_bot_the_daemon_and_the_own_echo_have_a_voice() {
    let mut t = Transcript::registered("");
    for line in [
        ":bridgebot!b@h PRIVMSG anna :x",
        ":BridgeBot!b@h NOTICE anna :x",
        ":d NOTICE anna :*** maintenance",
        ":anna!v@h PRIVMSG bridgebot :echo",
        ":d 433 anna x :Nickname is already in use",
    ] {
        t.daemon(line).visitor_gets(line);
    }
    for line in [
        ":stranger!x@y PRIVMSG anna :x",
        ":stranger!x@y NOTICE anna :x",
        ":stranger!x@y TAGMSG anna",
        ":stranger!x@y INVITE anna #x",
        ":anna!v@h JOIN #x",
        ":stranger!x@y NICK bridgebot",
        ":d PRIVMSG anna :a server does not speak so",
    ] {
        t.daemon(line).silent();
    }
}

#[test]
fn time_is_added_where_the_daemon_has_none() {
    let mut t = Transcript::start();
    t.visitor("CAP LS").daemon(":d CAP * LS :multi-prefix");
    t.daemon_gets("CAP LS").visitor_gets(":d CAP * LS :multi-prefix batch draft/chathistory server-time");
    t.visitor("CAP REQ :server-time").visitor_gets(":gateway CAP * ACK :server-time");
    t.visitor("CAP END").daemon_gets("CAP END");
    t.daemon(":d NOTICE * :hello").visitor_gets("@time=1970-01-01T00:00:00.000Z :d NOTICE * :hello");
}

#[test]
fn a_daemon_without_cap_leaves_it_to_us() {
    let mut t = Transcript::start();
    t.visitor("CAP LS 302").daemon_gets("CAP LS 302");
    t.daemon(":d 421 * CAP :Unknown command")
        .visitor_gets(":gateway CAP * LS :batch draft/chathistory server-time");
    t.visitor("CAP END").silent();
}

#[test]
fn what_is_too_long_ends_the_connection_and_tags_have_their_own_limit() {
    let tagged = |bytes: usize| format!("@+x={} PING :a", "y".repeat(bytes - 5));
    let mut t = Transcript::start();
    t.visitor(&tagged(4096)).daemon_gets("PING :a");
    t.visitor(&format!("PING :{}", "y".repeat(504)));
    assert!(matches!(t.filter.poll(), Some(Output::Daemon(_))));
    t.visitor(&tagged(4097)).visitor_gets("ERROR :Closing Link: * (a message too long)");
    assert_eq!(t.filter.poll(), Some(Output::Close(Close::TOO_LONG)));
    let mut t = Transcript::start();
    t.visitor(&format!("PING :{}", "y".repeat(505)));
    assert_eq!(t.all().pop(), Some(Output::Close(Close::TOO_LONG)));
}

#[test]
fn monitor_is_answered_here() {
    let mut t = Transcript::registered("");
    t.visitor("MONITOR L").visitor_gets(":gateway 733 anna :End of MONITOR list");
    t.visitor("MONITOR + staff,BRIDGEBOT");
    t.visitor_gets(":gateway 401 anna staff :No such nick/channel")
        .visitor_gets(":gateway 730 anna :bridgebot");
    t.visitor("MONITOR L")
        .visitor_gets(":gateway 732 anna :bridgebot")
        .visitor_gets(":gateway 733 anna :End of MONITOR list");
    t.filter.bot_changed(None);
    t.visitor_gets(":gateway 731 anna :bridgebot");
    t.visitor("MONITOR - bridgebot");
    t.filter.bot_changed(Some("bridgebot"));
    t.silent();
}

impl Transcript {
    /// A NUL is refused with words.
    #[track_caller]
    fn silent_but_fail(&mut self) {
        self.visitor_gets(":gateway FAIL * INVALID_LINE :one line a message").silent();
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn odd_line() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "@",
            "@a=b",
            "@+bridgebot/id=x;label=y",
            "@+typing=active",
            ":",
            ":x!y@z",
            "PRIVMSG",
            "NOTICE",
            "TAGMSG",
            "CAP",
            "LS",
            "REQ",
            "ACK",
            "NAK",
            "LIST",
            "END",
            "302",
            "*",
            "NICK",
            "USER",
            "SESSION",
            "abcdefghijklmnopqrstuvwx",
            "PING",
            "PONG",
            "QUIT",
            "AWAY",
            "MONITOR",
            "+",
            "-",
            "CHATHISTORY",
            "LATEST",
            "AFTER",
            "msgid=c-1",
            "timestamp=1970-01-01T00:00:00Z",
            "5",
            "bridgebot",
            "anna",
            "#c",
            "a,b",
            "JOIN",
            "OPER",
            "KILL",
            "WEBIRC",
            "AUTHENTICATE",
            "001",
            "421",
            "422",
            ":x y",
            ":\u{1}DCC",
            ":draft/chathistory batch server-time",
            "ERROR",
            "",
            " ",
            "\r\nQUIT",
            "\n",
        ]);
        prop_oneof![
            4 => prop::collection::vec(word, 0..7).prop_map(|words| words.join(" ")),
            1 => "\\PC{0,80}",
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_said_only_allowed_lines_reach_the_daemon(
            lines in prop::collection::vec((any::<bool>(), odd_line()), 0..60)
        ) {
            let mut t = Transcript::start();
            for (is_visitor, line) in lines {
                if is_visitor {
                    t.visitor(&line);
                } else {
                    // The framing never hands on a line end.
                    t.daemon(&line.replace(['\r', '\n'], ""));
                }
                for output in t.all() {
                    match output {
                        Output::Open(_) => t.filter.opened(),
                        Output::History(_) => t.filter.history(Some(&[])),
                        Output::Daemon(line) => {
                            prop_assert!(!line.contains(['\r', '\n', '\0']));
                            let view = LineView::parse(&line).unwrap();
                            prop_assert_eq!(view.source, "");
                            let allowed = ["CAP", "NICK", "USER", "PING", "PONG", "AUTHENTICATE", "PRIVMSG", "NOTICE", "TAGMSG", "AWAY", "QUIT"];
                            prop_assert!(allowed.contains(&view.command), "{}", line);
                            if matches!(view.command, "PRIVMSG" | "NOTICE" | "TAGMSG") {
                                prop_assert_eq!(view.parameters()[0], "bridgebot");
                            }
                            prop_assert!(view.tag("+bridgebot/state").is_none());
                        }
                        Output::Visitor(line) => prop_assert!(!line.contains(['\r', '\n', '\0'])),
                        Output::Named(_) | Output::Close(_) => {}
                    }
                }
            }
        }
    }
}

#[test]
fn a_line_refused_while_the_bot_is_away_is_not_overtaken() {
    let mut t = Transcript::registered("message-tags");
    t.visitor("MONITOR + bridgebot").visitor_gets(":gateway 730 anna :bridgebot");
    t.filter.bot_changed(None);
    t.visitor_gets(":gateway 731 anna :bridgebot");
    t.visitor("@+bridgebot/id=a PRIVMSG bridgebot :one")
        .visitor_gets(":gateway 401 anna bridgebot :No such nick/channel");
    t.filter.bot_changed(Some("bridgebot"));
    t.daemon_gets("@+bridgebot/id=a PRIVMSG bridgebot :one").visitor_gets(":gateway 730 anna :bridgebot");
    t.visitor("@+bridgebot/id=b PRIVMSG bridgebot :two")
        .daemon_gets("@+bridgebot/id=b PRIVMSG bridgebot :two");
    // The visitor's program heard 401 and 730, and says what it has no word about once more.
    t.visitor("@+bridgebot/id=a PRIVMSG bridgebot :one")
        .daemon_gets("@+bridgebot/id=a PRIVMSG bridgebot :one");
}

#[test]
fn a_line_lost_with_the_bots_connection_is_not_overtaken() {
    let mut t = Transcript::registered("message-tags");
    for (id, text) in [("a", "one"), ("b", "two")] {
        let line = format!("@+bridgebot/id={id} PRIVMSG bridgebot :{text}");
        t.visitor(&line).daemon_gets(&line);
    }
    t.daemon("@+bridgebot/id=a;+bridgebot/state=stored :bridgebot!b@h TAGMSG anna").all();
    // So short an absence that only its end is seen.
    t.filter.bot_changed(Some("bridgebot"));
    t.daemon_gets("@+bridgebot/id=b PRIVMSG bridgebot :two").silent();
    t.daemon("@+bridgebot/id=b;+bridgebot/state=failed :bridgebot!b@h TAGMSG anna").all();
    t.filter.bot_changed(None);
    t.filter.bot_changed(Some("bridgebot"));
    t.silent();
}
