//! The session as transcripts: both sides and the clock in view.
#![allow(clippy::disallowed_methods)]

use std::time::UNIX_EPOCH;

use super::*;

fn config() -> SessionConfig {
    let word = |text: &str| Word::new(text).unwrap();
    SessionConfig {
        nick: word("bridgebot"),
        user: word("bridgebot"),
        real_name: LineText::flat("bridge"),
        channels: vec![Channel { name: word("#blah"), key: None }],
        password: None,
        sasl: None,
        pacing: None,
    }
}

struct Transcript {
    session: Session,
    now: Moment,
}

/// 2025-01-01T00:00:00Z.
const WALL: u64 = 1_735_689_600;

impl Transcript {
    fn start(config: SessionConfig) -> Self {
        Self::resume(config, Memory::default())
    }

    fn resume(config: SessionConfig, memory: Memory) -> Self {
        let now = Moment { instant: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(WALL) };
        Self { session: Session::new(config, memory, now), now }
    }

    /// Signed on to a daemon that offers `caps` and says `support` of itself, in #blah.
    fn online(caps: &str, support: &str) -> Self {
        Self::back_online(caps, support, Memory::default())
    }

    fn back_online(caps: &str, support: &str, memory: Memory) -> Self {
        let mut t = Self::resume(config(), memory);
        t.greeted();
        t.gets(&format!(":irc.test CAP * LS :{caps}"));
        let wanted: Vec<String> = t.everything();
        if let Some(request) = wanted.first().and_then(|line| line.strip_prefix("CAP REQ :")) {
            t.gets(&format!(":irc.test CAP * ACK :{request}")).sends("CAP END");
        }
        t.gets(":irc.test 001 bridgebot :Welcome")
            .gets(&format!(":irc.test 005 bridgebot CHANTYPES=# NICKLEN=30 {support} :are supported"))
            .gets(":irc.test 422 bridgebot :MOTD File is missing")
            .event(&IrcEvent::SignedOn { nick: "bridgebot".into() });
        if caps.contains("chathistory") {
            assert!(matches!(t.session.poll_event(), Some(IrcEvent::Fetching { .. })));
        }
        let sent = t.everything();
        assert!(sent.contains(&"JOIN #blah".to_owned()), "{sent:?}");
        t.gets(":bridgebot!~bridgebot@127.0.0.1 JOIN #blah")
            .event(&IrcEvent::Joined { channel: "#blah".into() });
        t
    }

    fn greeted(&mut self) -> &mut Self {
        self.sends("CAP LS 302").sends("NICK bridgebot").sends("USER bridgebot 0 * :bridge")
    }

    #[track_caller]
    fn sends(&mut self, line: &str) -> &mut Self {
        let sent = self.session.poll_transmit(self.now).map(String::from);
        assert_eq!(sent.as_deref(), Some(line));
        self
    }

    fn everything(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_transmit(self.now)).map(String::from).collect()
    }

    fn gets(&mut self, line: &str) -> &mut Self {
        self.session.receive(line, self.now);
        self
    }

    /// The next event; that somebody is out of sight is what few tests are about.
    fn next(&mut self) -> Option<IrcEvent> {
        std::iter::from_fn(|| self.session.poll_event())
            .find(|event| !matches!(event, IrcEvent::Unseen { .. }))
    }

    #[track_caller]
    fn event(&mut self, event: &IrcEvent) -> &mut Self {
        assert_eq!(self.next().as_ref(), Some(event));
        self
    }

    #[track_caller]
    fn line(&mut self) -> IrcLine {
        match self.next() {
            Some(IrcEvent::Line(line)) => line,
            other => panic!("no line but {other:?}"),
        }
    }

    #[track_caller]
    fn silent(&mut self) -> &mut Self {
        assert_eq!(self.session.poll_transmit(self.now), None);
        assert_eq!(self.next(), None);
        self
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.session.handle_timeout(self.now);
        self
    }

    fn say(&mut self, id: u64, to: &str, text: &str) -> &mut Self {
        self.session.say(SendId(id), to, Speech::Privmsg, text, &[], None);
        self
    }
}

const ALL_CAPS: &str = "message-tags server-time account-tag echo-message batch labeled-response sasl=PLAIN draft/chathistory multi-prefix";

mod signing_on {
    use super::*;

    #[test]
    fn asks_for_what_is_offered_and_wanted() {
        let mut t = Transcript::start(config());
        t.greeted();
        t.gets(":irc.test CAP * LS * :message-tags batch multi-prefix").silent();
        t.gets(":irc.test CAP * LS :server-time sasl=PLAIN").sends("CAP REQ :batch message-tags server-time");
        t.gets(":irc.test CAP * ACK :batch message-tags server-time").sends("CAP END").silent();
    }

    #[test]
    fn a_daemon_that_knows_one_name_a_request_is_asked_one_by_one() {
        let mut t = Transcript::start(config());
        t.greeted();
        t.gets(":irc.test CAP * LS :batch server-time").sends("CAP REQ :batch server-time");
        t.gets(":irc.test CAP * NAK :as requested");
        t.sends("CAP REQ :batch").sends("CAP REQ :server-time");
        t.gets(":irc.test CAP * NAK :as requested").silent();
        t.gets(":irc.test CAP * ACK :server-time ").sends("CAP END").silent();
    }

    #[test]
    fn a_daemon_without_capabilities_signs_us_on_all_the_same() {
        let mut t = Transcript::start(config());
        t.greeted();
        t.gets(":irc.test 421 * CAP :Unknown command").gets(":irc.test 001 bridgebot :Welcome");
        t.silent().after(6).event(&IrcEvent::SignedOn { nick: "bridgebot".into() }).sends("JOIN #blah");
    }

    #[test]
    fn password_and_account() {
        let account = SaslAccount { account: "jilles".into(), password: Secret::new("sesame") };
        let mut t = Transcript::start(SessionConfig {
            password: Some(Secret::new("pw")),
            sasl: Some(account),
            ..config()
        });
        t.sends("CAP LS 302").sends("PASS :pw").sends("NICK bridgebot").sends("USER bridgebot 0 * :bridge");
        t.gets(":irc.test CAP * LS :sasl=PLAIN").sends("CAP REQ :sasl");
        t.gets(":irc.test CAP * ACK :sasl").sends("AUTHENTICATE PLAIN");
        t.gets("AUTHENTICATE +").sends("AUTHENTICATE AGppbGxlcwBzZXNhbWU=");
        t.gets(":irc.test 900 * *!*@* jilles :You are now logged in as jilles").silent();
        t.gets(":irc.test 903 * :SASL authentication successful").sends("CAP END").silent();
    }

    #[test]
    fn a_refused_account_ends_the_attempt() {
        for (line, reason) in [
            (":irc.test 904 * :SASL authentication failed", "SASL was refused: SASL authentication failed"),
            (
                ":irc.test 001 bridgebot :Welcome",
                "the daemon signed us on without the account that is configured",
            ),
        ] {
            let account = SaslAccount { account: "a".into(), password: Secret::new("b") };
            let mut t = Transcript::start(SessionConfig { sasl: Some(account), ..config() });
            t.everything();
            t.gets(":irc.test CAP * LS :sasl").gets(":irc.test CAP * ACK :sasl");
            t.gets(line);
            assert_eq!(t.session.end(), Some(reason));
        }
    }

    #[test]
    fn a_taken_nick_is_replaced_and_taken_back_when_free() {
        let mut t = Transcript::start(config());
        t.greeted();
        t.gets(":irc.test 433 * bridgebot :Nickname is already in use").sends("NICK bridgebot_");
        t.gets(":irc.test 433 * bridgebot_ :Nickname is already in use").sends("NICK bridgebot__");
        t.gets(":irc.test 001 bridgebot__ :Welcome").gets(":irc.test 376 bridgebot__ :End of /MOTD command.");
        t.event(&IrcEvent::SignedOn { nick: "bridgebot__".into() }).sends("JOIN #blah");
        t.after(30).silent();
        t.gets(":irc.test PING x").sends("PONG :x");
        t.after(31).sends("NICK bridgebot").silent();
        t.gets(":irc.test 433 bridgebot__ bridgebot :Nickname is already in use").silent();
        t.gets(":bridgebot!~b@host QUIT :bye").event(&IrcEvent::Gone { nick: "bridgebot".into() });
        t.sends("NICK bridgebot");
        t.gets(":bridgebot__!~b@host NICK bridgebot").event(&IrcEvent::OwnNick { nick: "bridgebot".into() });
        assert_eq!(t.session.nick(), "bridgebot");
    }

    #[test]
    fn lines_to_forget_are_told_and_answered_by_the_pong_behind_them() {
        let mut t = Transcript::online("draft/message-redaction message-tags", "");
        let lines = ["m1", "m2"].map(|id| ("#blah".to_owned(), id.to_owned()));
        t.session.redact(&lines);
        t.sends("REDACT #blah m1").sends("REDACT #blah m2").sends("PING :redacted");
        t.gets(":irc.test FAIL REDACT UNKNOWN_MSGID #blah m1 :This message does not exist");
        t.gets(":irc.test PONG irc.test :redacted").event(&IrcEvent::Redacted { refused: None });
        t.gets(":irc.test PONG irc.test :redacted").silent();
        t.session.redact(&lines);
        t.sends("REDACT #blah m1").sends("REDACT #blah m2").sends("PING :redacted");
        t.gets(":irc.test FAIL REDACT REDACT_FORBIDDEN #blah m1 :no").silent();
        t.gets(":irc.test PONG irc.test :redacted").event(&IrcEvent::Redacted { refused: Some("no".into()) });
    }

    #[test]
    fn what_was_said_to_us_in_private_stands_under_our_nick() {
        let mut t = Transcript::online("draft/message-redaction message-tags", "");
        t.session.redact(&[(String::new(), "m1".to_owned()), ("#blah".to_owned(), "m2".to_owned())]);
        t.sends("REDACT bridgebot m1").sends("REDACT #blah m2").sends("PING :redacted");
        t.gets(":irc.test FAIL REDACT INVALID_TARGET bridgebot :You cannot delete messages there");
        t.gets(":irc.test PONG irc.test :redacted").event(&IrcEvent::Redacted { refused: None });
    }

    #[test]
    fn a_daemon_without_redaction_is_not_asked() {
        let mut t = Transcript::online("message-tags", "");
        t.session.redact(&[("#blah".to_owned(), "m1".to_owned())]);
        assert!(matches!(t.session.poll_event(), Some(IrcEvent::Redacted { refused: Some(_) })));
        t.silent();
    }

    #[test]
    fn a_reserved_nick_is_asked_for_again_once_signed_on() {
        let mut t = Transcript::start(config());
        t.greeted();
        t.gets(":irc.test 432 * bridgebot :the service").sends("NICK bridgebot_");
        t.gets(":irc.test 001 bridgebot_ :Welcome").after(1).silent();
        t.gets(":irc.test 376 bridgebot_ :End of /MOTD command.");
        t.event(&IrcEvent::SignedOn { nick: "bridgebot_".into() }).sends("JOIN #blah");
        t.after(0).sends("NICK bridgebot").silent();
        t.gets(":irc.test 432 bridgebot_ bridgebot :the service").after(40).silent();
    }

    #[test]
    fn a_silent_daemon_and_a_refusing_one_end_the_attempt() {
        let mut t = Transcript::start(config());
        t.after(29);
        assert_eq!(t.session.end(), None);
        t.after(2);
        assert_eq!(t.session.end(), Some("the daemon did not sign us on in 30 s"));
        let mut t = Transcript::start(config());
        t.gets("ERROR :Closing Link: 127.0.0.1 (Bad Password)");
        assert_eq!(t.session.end(), Some("Closing Link: 127.0.0.1 (Bad Password)"));
    }
}

mod staying {
    use super::*;

    #[test]
    fn pings_are_answered_and_asked() {
        let mut t = Transcript::online("", "");
        t.gets("PING :irc.test").sends("PONG :irc.test");
        t.after(44).silent();
        t.after(2).sends("PING :fence-1").silent();
        t.gets(":irc.test PONG irc.test :fence-1").after(44).silent();
        t.after(2).sends("PING :fence-2").after(31);
        assert_eq!(t.session.end(), Some("no answer to PING in 30 s"));
    }

    #[test]
    fn comes_back_after_a_kick_each_time_later() {
        let mut t = Transcript::online("", "");
        t.gets(":op!o@h KICK #blah bridgebot :out").after(4).silent();
        t.after(1).sends("JOIN #blah").gets(":bridgebot!~b@h JOIN #blah");
        t.event(&IrcEvent::Joined { channel: "#blah".into() });
        t.gets(":op!o@h KICK #BLAH BridgeBot :out").after(9).silent();
        t.after(1).sends("JOIN #blah");
        t.gets(":irc.test 474 bridgebot #blah :Cannot join channel (+b)");
        t.after(40).gets("PING 1").sends("PONG :1").after(40).gets("PING 2").sends("PONG :2");
        t.after(40).sends("JOIN #blah");
    }

    #[test]
    fn odd_lines_change_nothing() {
        let mut t = Transcript::online("", "");
        for line in [
            "",
            ":",
            "@",
            ":x",
            "@a",
            "MODE",
            "MODE #c",
            ":s 005",
            "001",
            "CAP",
            "BATCH",
            ":!@ PRIVMSG a :b",
            "BATCH + x",
            "999",
        ] {
            t.gets(line);
        }
        t.silent();
        assert_eq!(t.session.end(), None);
    }
}

mod listening {
    use super::*;

    #[test]
    fn a_line_waits_until_its_source_is_known() {
        let mut t = Transcript::online("", "");
        t.gets(":anna!~anna@host PRIVMSG #blah :hello").gets(":anna!~anna@host PRIVMSG bridgebot :psst");
        t.sends("WHOIS anna").silent();
        t.gets(":irc.test 311 bridgebot anna ~anna host * :Anna")
            .gets(":irc.test 330 bridgebot anna annas :is logged in as")
            .gets(":irc.test 317 bridgebot anna 3 1735680000 :seconds idle, signon time")
            .silent();
        t.gets(":irc.test 318 bridgebot anna :End of /WHOIS list.");
        let (first, second) = (t.line(), t.line());
        assert_eq!((first.text.as_str(), &first.place), ("hello", &Place::Channel("#blah".into())));
        assert_eq!((second.text.as_str(), &second.place), ("psst", &Place::Private));
        assert_eq!(first.from.signed_on, Some(1_735_680_000));
        assert_eq!(first.from.account.as_deref(), Some("annas"));
        t.gets(":anna!~anna@host PRIVMSG #blah :again");
        assert_eq!(t.line().from.signed_on, Some(1_735_680_000));
        t.silent();
    }

    #[test]
    fn a_line_that_waits_when_the_connection_breaks_goes_on() {
        let mut t = Transcript::online("", "");
        t.gets(":anna!~anna@host PRIVMSG #blah :hello").sends("WHOIS anna").silent();
        t.session.connection_lost("reset");
        let line = t.line();
        assert_eq!((line.text.as_str(), line.from.signed_on), ("hello", None));
    }

    #[test]
    fn whom_the_hub_knows_the_daemon_is_not_asked_about() {
        let mut t = Transcript::online("", "");
        t.everything();
        t.session.vouch("x1y2".into(), "Anna");
        t.gets(":anna!~x1y2@host PRIVMSG bridgebot :hello");
        assert_eq!(t.line().text, "hello");
        t.silent();
        t.gets(":mallory!~x1y2@host PRIVMSG bridgebot :hello").sends("WHOIS mallory").silent();
        t.session.unvouch("x1y2");
        t.gets(":anna!~x1y2@host PRIVMSG bridgebot :hello").sends("WHOIS anna").silent();
    }

    #[test]
    fn an_answer_may_be_for_one_connection_only() {
        let mut t = Transcript::online("ircd-lite/receiver message-tags", "");
        t.everything();
        t.gets("@ircd-lite/from=5d2c-1f :anna!~anna@host PRIVMSG bridgebot :hello");
        assert_eq!(t.line().from.connection.as_deref(), Some("5d2c-1f"), "nothing else need be known");
        assert!(t.everything().is_empty(), "and nothing is asked");
        t.session.say(SendId(1), "anna", Speech::Privmsg, "hi", &[], Some("5d2c-1f"));
        t.sends("@ircd-lite/to=5d2c-1f PRIVMSG anna :hi");
        t.everything();
        // The same user and host behind the nick, and yet another person.
        t.gets("@ircd-lite/from=77aa-20 :anna!~anna@host PRIVMSG bridgebot :hello");
        assert_eq!(t.line().from.connection.as_deref(), Some("77aa-20"));
    }

    #[test]
    fn a_daemon_that_compares_nothing_is_told_nothing_of_connections() {
        let mut t = Transcript::online("message-tags", "");
        t.everything();
        t.session.say(SendId(1), "anna", Speech::Privmsg, "hi", &[], Some("5d2c-1f"));
        t.sends("PRIVMSG anna :hi");
    }

    #[test]
    fn what_was_learnt_ends_with_the_person() {
        let mut t = Transcript::online("", "");
        t.gets(":anna!~a@host PRIVMSG #blah :1").sends("WHOIS anna");
        t.gets(":irc.test 311 bridgebot anna ~a host * :A").gets(":irc.test 317 bridgebot anna 3 5 :x");
        t.gets(":irc.test 318 bridgebot anna :End");
        assert_eq!(t.line().from.signed_on, Some(5));
        t.gets(":anna!~a@host NICK anja");
        assert!(matches!(
            t.next(),
            Some(IrcEvent::Renamed { from: Source { signed_on: Some(5), .. }, to }) if to == "anja"
        ));
        t.gets(":anja!~a@host PRIVMSG bridgebot :2");
        assert_eq!(t.line().from.signed_on, Some(5));
        t.gets(":anja!~a@host QUIT :bye").event(&IrcEvent::Gone { nick: "anja".into() });
        t.gets(":anja!~a@host PRIVMSG bridgebot :3").sends("WHOIS anja").silent();
        // The WHOIS is about somebody else by now.
        t.gets(":irc.test 311 bridgebot anja ~other host * :O").gets(":irc.test 317 bridgebot anja 3 9 :x");
        t.gets(":irc.test 318 bridgebot anja :End");
        assert_eq!(t.line().from.signed_on, None);
    }

    #[test]
    fn a_whois_that_is_not_answered_holds_nobody_for_long() {
        let mut t = Transcript::online("", "");
        t.gets(":anna!~a@h PRIVMSG bridgebot :1").sends("WHOIS anna").after(9).silent();
        t.after(2);
        assert_eq!(t.line().text, "1");
        t.gets(":bob!~b@h PRIVMSG bridgebot :2").sends("WHOIS bob");
        t.gets(":irc.test 402 bridgebot bob :No such server");
        assert_eq!(t.line().text, "2");
    }

    #[test]
    fn the_hub_may_ask_who_has_a_nick() {
        let mut t = Transcript::online("", "");
        t.session.identify("anna", t.now);
        t.sends("WHOIS anna").gets(":anna!~a@h PRIVMSG bridgebot :hi").silent();
        t.gets(":irc.test 311 bridgebot anna ~a h * :A").gets(":irc.test 317 bridgebot anna 0 5 :x");
        t.gets(":irc.test 318 bridgebot anna :End");
        let line = t.line();
        assert_eq!(line.from.signed_on, Some(5));
        t.event(&IrcEvent::Identified { source: line.from.clone() });
        // Nothing would tell that somebody else has the nick by now.
        t.session.identify("anna", t.now);
        t.sends("WHOIS anna").gets(":irc.test 401 bridgebot anna :No such nick/channel");
        t.event(&IrcEvent::Gone { nick: "anna".into() }).silent();
        t.session.identify("bob", t.now);
        t.sends("WHOIS bob").gets(":irc.test 401 bridgebot bob :No such nick/channel");
        t.event(&IrcEvent::Gone { nick: "bob".into() }).silent();
        t.session.identify("carl", t.now);
        t.sends("WHOIS carl").after(11).event(&IrcEvent::Gone { nick: "carl".into() }).silent();
    }

    #[test]
    fn who_is_on_another_server_is_asked_about_there() {
        let mut t = Transcript::online("", "");
        t.gets(":anna!~a@h PRIVMSG bridgebot :1").sends("WHOIS anna");
        t.gets(":irc.test 311 bridgebot anna ~a h * :A").gets(":irc.test 318 bridgebot anna :End");
        t.sends("WHOIS anna anna").silent();
        t.gets(":two.test 311 bridgebot anna ~a h * :A").gets(":two.test 317 bridgebot anna 0 5 :x");
        t.gets(":two.test 318 bridgebot anna :End");
        assert_eq!(t.line().from.signed_on, Some(5));
        t.silent();
        // She leaves between the two questions.
        t.session.identify("bob", t.now);
        t.sends("WHOIS bob").gets(":irc.test 311 bridgebot bob ~b h * :B");
        t.gets(":irc.test 318 bridgebot bob :End").sends("WHOIS bob bob");
        t.gets(":irc.test 401 bridgebot bob :No such nick/channel")
            .event(&IrcEvent::Gone { nick: "bob".into() });
    }

    #[test]
    fn a_daemon_that_is_asked_too_much_is_asked_again() {
        let mut t = Transcript::online("", "");
        for nick in ["anna", "bob"] {
            t.gets(&format!(":{nick}!~u@h PRIVMSG bridgebot :hi")).sends(&format!("WHOIS {nick}"));
        }
        // Of two questions it answers the second.
        t.gets(":irc.test 263 bridgebot WHOIS :Server load is temporarily too heavy.").silent();
        t.gets(":irc.test 311 bridgebot bob ~u h * :U").gets(":irc.test 317 bridgebot bob 0 6 :x");
        t.gets(":irc.test 318 bridgebot bob :End");
        assert_eq!(t.line().from.signed_on, Some(6));
        t.silent().after(3).sends("WHOIS anna");
        t.gets(":irc.test 311 bridgebot anna ~u h * :U").gets(":irc.test 317 bridgebot anna 0 5 :x");
        t.gets(":irc.test 318 bridgebot anna :End");
        assert_eq!(t.line().from.signed_on, Some(5));
    }

    #[test]
    fn nobody_is_taken_for_seen_whom_nothing_would_tell_of() {
        let mut t = Transcript::online("", "");
        let unseen = |t: &mut Transcript| matches!(t.session.poll_event(), Some(IrcEvent::Unseen { .. }));
        let known = |t: &mut Transcript, nick: &str| {
            t.gets(&format!(":irc.test 311 bridgebot {nick} ~u h * :U"));
            t.gets(&format!(":irc.test 317 bridgebot {nick} 0 {} :x", nick.len()));
            t.gets(&format!(":irc.test 318 bridgebot {nick} :End"));
        };
        t.gets(":anna!~u@h PRIVMSG bridgebot :hi").sends("WHOIS anna");
        known(&mut t, "anna");
        assert!(t.session.poll_event().is_some() && unseen(&mut t), "in private");
        t.gets(":anna!~u@h PRIVMSG bridgebot :more");
        assert!(t.session.poll_event().is_some() && unseen(&mut t), "as at each line");
        t.gets(":bob!~u@h PRIVMSG #blah :hi").sends("WHOIS bob");
        known(&mut t, "bob");
        assert!(t.session.poll_event().is_some() && !unseen(&mut t), "in the channel");
        t.gets(":bob!~u@h PART #blah");
        assert!(unseen(&mut t), "not any more");
    }

    #[test]
    fn a_change_of_nick_that_nobody_told_of_is_found_out() {
        let mut t = Transcript::online("", "");
        let about = |t: &mut Transcript, nick: &str, user: &str| {
            t.gets(&format!(":irc.test 311 bridgebot {nick} {user} h * :U"));
            t.gets(&format!(":irc.test 317 bridgebot {nick} 0 5 :x"));
            t.gets(&format!(":irc.test 318 bridgebot {nick} :End"));
        };
        t.gets(":anna!~a@h PRIVMSG bridgebot :1").sends("WHOIS anna");
        about(&mut t, "anna", "~a");
        t.line();
        t.gets(":anne!~a@h PRIVMSG bridgebot :2").sends("WHOIS anne");
        about(&mut t, "anne", "~a");
        t.sends("WHOIS anna").silent().gets(":irc.test 401 bridgebot anna :No such nick/channel");
        assert!(
            matches!(t.next(), Some(IrcEvent::Renamed { from, to }) if from.nick == "anna" && to == "anne")
        );
        assert_eq!(t.line().text, "2");
        // Somebody else has it by now.
        t.gets(":anja!~a@h PRIVMSG bridgebot :3").sends("WHOIS anja");
        about(&mut t, "anja", "~a");
        t.sends("WHOIS anne").gets(":anne!~b@h PRIVMSG bridgebot :hi");
        about(&mut t, "anne", "~b");
        assert!(
            matches!(t.next(), Some(IrcEvent::Renamed { from, to }) if from.nick == "anne" && to == "anja")
        );
        assert_eq!((t.line().text, t.line().text), ("hi".into(), "3".into()));
        // Two people who came in the same second from one place.
        t.gets(":anka!~a@h PRIVMSG bridgebot :4").sends("WHOIS anka");
        about(&mut t, "anka", "~a");
        t.sends("WHOIS anja");
        about(&mut t, "anja", "~a");
        assert_eq!(t.line().text, "4");
        t.silent();
    }

    #[test]
    fn private_speakers_are_watched_where_the_daemon_can() {
        let mut t = Transcript::online("", "MONITOR=3");
        let mut sent = Vec::new();
        for (nick, signed_on) in [("a", 5), ("b", 6), ("c", 7)] {
            t.gets(&format!(":{nick}!~u@h PRIVMSG bridgebot :hi"));
            t.gets(&format!(":irc.test 311 bridgebot {nick} ~u h * :U"));
            t.gets(&format!(":irc.test 317 bridgebot {nick} 0 {signed_on} :x"));
            t.gets(&format!(":irc.test 318 bridgebot {nick} :End"));
            t.line();
            sent.extend(t.everything().into_iter().filter(|line| line.starts_with("MONITOR")));
        }
        assert_eq!(sent, ["MONITOR + :a", "MONITOR + :b", "MONITOR - :a", "MONITOR + :c"]);
        t.gets(":irc.test 730 bridgebot :b!~u@h").gets(":irc.test 730 bridgebot :c!~u@h");
        t.after(40).gets(":b!~u@h PRIVMSG bridgebot :known").gets(":a!~u@h PRIVMSG bridgebot :asked");
        assert_eq!(t.line().text, "known");
        t.sends("WHOIS a");
        t.gets(":irc.test 731 bridgebot :b").event(&IrcEvent::Gone { nick: "b".into() });
    }

    #[test]
    fn tags_say_who_when_and_which() {
        let mut t = Transcript::online(ALL_CAPS, "");
        t.everything();
        t.gets(":irc.test BATCH +t draft/chathistory-targets").gets(":irc.test BATCH -t");
        t.gets("@time=2025-01-01T00:00:07.000Z;msgid=m1;account=annas;+bridgebot/id=x-1 :anna!~a@h PRIVMSG bridgebot :hi");
        let line = t.line();
        assert_eq!(line.from.account.as_deref(), Some("annas"));
        assert_eq!(line.at, UNIX_EPOCH + Duration::from_secs(WALL + 7));
        assert_eq!((line.msgid.as_deref(), line.client_id.as_deref()), (Some("m1"), Some("x-1")));
        t.gets("@account=annas;+bridgebot/id=no\\sspaces :anna!~a@h PRIVMSG bridgebot :hi");
        assert_eq!(t.line().client_id, None);
        t.gets("@account=annas;+typing=active :anna!~a@h TAGMSG bridgebot");
        assert!(matches!(t.next(), Some(IrcEvent::Typing { typing: Typing::Active, .. })));
        t.gets("@+typing=odd :anna!~a@h TAGMSG bridgebot").silent();
    }

    #[test]
    fn an_account_tag_counts_only_where_the_daemon_vouches_for_it() {
        let mut t = Transcript::online("message-tags", "");
        t.gets("@account=staff :anna!~a@h NOTICE bridgebot :hi");
        assert_eq!(t.line().from.account, None);
    }

    #[test]
    fn actions_are_lines_and_other_ctcp_is_not() {
        let mut t = Transcript::online("", "");
        t.gets(":a!~a@h NOTICE bridgebot :\u{1}ACTION waves\u{1}");
        let line = t.line();
        assert_eq!((line.text.as_str(), line.action, line.speech), ("waves", true, Speech::Notice));
        t.gets(":a!~a@h PRIVMSG bridgebot :\u{1}VERSION\u{1}")
            .gets(":irc.test NOTICE * :*** Looking up")
            .silent();
        t.gets(":a!~a@h PRIVMSG $$* :to all")
            .gets(":bridgebot!~bridgebot@127.0.0.1 PRIVMSG #blah :me")
            .silent();
    }
}

mod speaking {
    use super::*;

    #[test]
    fn a_label_proves_that_it_arrived() {
        let mut t = Transcript::online(ALL_CAPS, "");
        t.everything();
        t.session.say(
            SendId(7),
            "anna",
            Speech::Privmsg,
            "hello",
            &[("+bridgebot/from".into(), "Eva S".into())],
            None,
        );
        t.sends("@label=b1;+bridgebot/from=Eva\\sS PRIVMSG anna :hello").silent();
        t.gets("@label=b1 :bridgebot!~bridgebot@127.0.0.1 PRIVMSG anna :hello");
        t.event(&IrcEvent::Accepted { id: SendId(7) }).silent();
        t.say(8, "bob", "hello").sends("@label=b2 PRIVMSG bob :hello");
        t.gets("@label=b2 :irc.test 401 bridgebot bob :No such nick/channel");
        t.event(&IrcEvent::Refused { id: SendId(8), refusal: IrcRefusal::NoSuchNick });
        t.session.say(SendId(9), "bob", Speech::Notice, "sorry", &[], None);
        t.sends("@label=b3 NOTICE bob :sorry").gets("@label=b3 :irc.test ACK");
        t.event(&IrcEvent::Refused { id: SendId(9), refusal: IrcRefusal::NoSuchNick }).silent();
        t.say(10, "carl", "hello").sends("@label=b4 PRIVMSG carl :hello");
        t.gets("@label=b4 :irc.test BATCH +z labeled-response")
            .gets("@batch=z :irc.test 301 bridgebot carl :away")
            .gets("@batch=z :bridgebot!~bridgebot@127.0.0.1 PRIVMSG carl :hello")
            .gets(":irc.test BATCH -z");
        t.event(&IrcEvent::Accepted { id: SendId(10) }).silent();
    }

    #[test]
    fn without_labels_the_pong_proves_it() {
        let mut t = Transcript::online("", "");
        t.say(1, "anna", "hello").say(2, "bob", "hello").say(3, "carl", "hello");
        t.sends("PRIVMSG anna :hello").sends("PRIVMSG bob :hello").sends("PRIVMSG carl :hello");
        t.sends("PING :fence-4").silent();
        t.gets(":irc.test 401 bridgebot Bob :No such nick/channel");
        t.gets(":irc.test 716 bridgebot carl :is in +g mode").silent();
        t.gets(":irc.test PONG irc.test :fence-4");
        t.event(&IrcEvent::Accepted { id: SendId(1) });
        t.event(&IrcEvent::Refused { id: SendId(2), refusal: IrcRefusal::NoSuchNick });
        let refusal = IrcRefusal::Cannot("is in +g mode".into());
        t.event(&IrcEvent::Refused { id: SendId(3), refusal }).silent();
    }

    #[test]
    fn long_text_is_split_to_what_receivers_can_see_and_nothing_is_lost() {
        let mut t = Transcript::online("", "");
        let text = "wörd ".repeat(300);
        t.say(1, "anna", &format!("{text}\nlast\r\n"));
        let mut sent = t.everything();
        assert_eq!(sent.pop().as_deref(), Some("PING :fence-6"));
        let seen = |line: &String| format!(":bridgebot!~bridgebot@127.0.0.1 {line}\r\n").len();
        assert!(sent.iter().all(|line| seen(line) <= 512));
        assert!(seen(&sent[0]) > 500);
        let texts: Vec<&str> = sent.iter().map(|line| line.strip_prefix("PRIVMSG anna :").unwrap()).collect();
        assert_eq!(texts.join(" ").split_whitespace().count(), 301);
        t.gets(":irc.test PONG irc.test :fence-6").event(&IrcEvent::Accepted { id: SendId(1) }).silent();
    }

    #[test]
    fn nothing_said_becomes_a_command() {
        let mut t = Transcript::online(ALL_CAPS, "");
        t.everything();
        t.session.say(SendId(1), "anna\r\nQUIT", Speech::Privmsg, "x", &[], None);
        t.event(&IrcEvent::Refused { id: SendId(1), refusal: IrcRefusal::NoSuchNick });
        let tags = [("+a\r\nQUIT".to_owned(), "x".to_owned()), ("+b".to_owned(), "\r\nQUIT :".to_owned())];
        t.session.say(SendId(2), "anna", Speech::Privmsg, "a\rQUIT\0\nQUIT", &tags, None);
        t.session.away(Some("gone\r\nQUIT"));
        assert_eq!(
            t.everything(),
            [
                "AWAY :gone QUIT",
                "@label=b1;+b=\\r\\nQUIT\\s: PRIVMSG anna :a",
                "@label=b2;+b=\\r\\nQUIT\\s: PRIVMSG anna :QUIT",
                "@label=b3;+b=\\r\\nQUIT\\s: PRIVMSG anna :QUIT"
            ]
        );
    }

    #[test]
    fn tags_alone_go_only_where_they_are_relayed() {
        let tags = [("+typing".to_owned(), "active".to_owned())];
        let mut t = Transcript::online("", "");
        t.session.tag("anna", &tags, None);
        t.silent();
        let mut t = Transcript::online("message-tags", "");
        t.session.tag("anna", &tags, None);
        t.sends("@+typing=active TAGMSG anna").silent();
    }

    #[test]
    fn says_goodbye_and_waits_for_the_answer() {
        let mut t = Transcript::online("", "");
        t.session.quit("bye", t.now);
        t.sends("QUIT :bye").gets("ERROR :Closing Link");
        assert_eq!(t.session.end(), Some("Closing Link"));
        let mut t = Transcript::online("", "");
        t.session.quit("bye", t.now);
        t.sends("QUIT :bye").after(3);
        assert_eq!(t.session.end(), Some("signed off"));
    }
}

mod history {
    use super::*;

    fn since(seconds: u64) -> Memory {
        Memory::new(Some(UNIX_EPOCH + Duration::from_secs(WALL + seconds)))
    }

    #[test]
    fn what_was_missed_comes_first_once_and_marked() {
        let mut t = Transcript::back_online(ALL_CAPS, "CHATHISTORY=2", since(10));
        t.sends("CHATHISTORY AFTER #blah timestamp=2024-12-31T23:59:58.000Z 2");
        t.gets("@time=2025-01-01T00:00:14.000Z;msgid=d;account=a :a!~a@h PRIVMSG #blah :live").silent();
        let missed = |t: &mut Transcript, batch: &str, at: u64, id: &str| {
            t.gets(&format!(
                "@batch={batch};time=2025-01-01T00:00:{at}.000Z;msgid={id};account=a :a!~a@h PRIVMSG #blah :{id}"
            ));
        };
        t.gets(":irc.test BATCH +1 chathistory #blah");
        missed(&mut t, "1", 11, "a");
        missed(&mut t, "1", 12, "b");
        t.gets(":irc.test BATCH -1");
        t.sends("CHATHISTORY AFTER #blah timestamp=2025-01-01T00:00:12.000Z 2");
        t.gets(":irc.test BATCH +2 chathistory #blah");
        missed(&mut t, "2", 14, "d");
        t.gets(":irc.test BATCH -2");
        let lines: Vec<_> = (0..3).map(|_| t.line()).map(|line| (line.text, line.replayed)).collect();
        assert_eq!(lines, [("a".into(), true), ("b".into(), true), ("d".into(), true)]);
        t.silent();
    }

    #[test]
    fn a_page_that_ends_in_the_middle_of_a_moment_is_gone_on_from_its_last_line() {
        let mut t = Transcript::back_online(ALL_CAPS, "CHATHISTORY=2 MSGREFTYPES=timestamp,msgid", since(10));
        t.sends("CHATHISTORY AFTER #blah timestamp=2024-12-31T23:59:58.000Z 2");
        for (batch, ids) in [("1", ["a", "b"]), ("2", ["c", "d"])] {
            t.gets(&format!(":irc.test BATCH +{batch} chathistory #blah"));
            for id in ids {
                t.gets(&format!(
                    "@batch={batch};time=2025-01-01T00:00:11.000Z;msgid={id};account=a :a!~a@h PRIVMSG #blah :{id}"
                ));
            }
            t.gets(&format!(":irc.test BATCH -{batch}"));
            t.sends(&format!("CHATHISTORY AFTER #blah msgid={} 2", ids[1]));
        }
        let lines: Vec<_> = (0..4).map(|_| t.line().text).collect();
        assert_eq!(lines, ["a", "b", "c", "d"]);
    }

    #[test]
    fn private_lines_are_found_by_their_senders() {
        let mut t = Transcript::resume(config(), since(10));
        t.everything();
        t.gets(&format!(":irc.test CAP * LS :{ALL_CAPS}")).everything();
        t.gets(":irc.test CAP * ACK :batch message-tags server-time draft/chathistory account-tag")
            .everything();
        t.gets(":irc.test 001 bridgebot :Hi").gets(":irc.test 422 bridgebot :none");
        t.sends("JOIN #blah");
        t.sends(
            "CHATHISTORY TARGETS timestamp=2024-12-31T23:59:58.000Z timestamp=2025-01-02T00:00:00.000Z 64",
        );
        t.gets(":irc.test BATCH +t draft/chathistory-targets")
            .gets("@batch=t :irc.test CHATHISTORY TARGETS anna 2025-01-01T00:00:11.000Z")
            .gets("@batch=t :irc.test CHATHISTORY TARGETS #other 2025-01-01T00:00:11.000Z")
            .gets(":irc.test BATCH -t");
        t.sends("CHATHISTORY AFTER anna timestamp=2024-12-31T23:59:58.000Z 100").silent_lines();
    }

    #[test]
    fn what_is_said_in_private_waits_for_what_was_said_before() {
        let mut t = Transcript::back_online(ALL_CAPS, "", since(10));
        t.everything();
        t.gets(":irc.test BATCH +1 chathistory #blah").gets(":irc.test BATCH -1");
        // The sender has another nick by now.
        t.gets("@time=2025-01-01T00:00:14.000Z;msgid=c;account=a :anna2!~a@h PRIVMSG bridgebot :live")
            .silent();
        t.gets(":irc.test BATCH +t draft/chathistory-targets")
            .gets("@batch=t :irc.test CHATHISTORY TARGETS anna 2025-01-01T00:00:13.000Z")
            .gets(":irc.test BATCH -t");
        t.sends("CHATHISTORY AFTER anna timestamp=2024-12-31T23:59:58.000Z 100").silent_lines();
        t.gets(":irc.test BATCH +2 chathistory anna").gets(
            "@batch=2;time=2025-01-01T00:00:13.000Z;msgid=b;account=a :anna!~a@h PRIVMSG bridgebot :missed",
        );
        t.silent().gets(":irc.test BATCH -2");
        let lines: Vec<_> = (0..2).map(|_| t.line()).map(|line| (line.text, line.replayed)).collect();
        assert_eq!(lines, [("missed".into(), true), ("live".into(), false)]);
        t.event(&IrcEvent::Fetched);
        t.gets("@time=2025-01-01T00:00:15.000Z;msgid=d;account=a :anna2!~a@h PRIVMSG bridgebot :next");
        assert_eq!(t.line().text, "next");
    }

    #[test]
    fn what_one_person_said_under_several_nicks_goes_on_in_order() {
        let mut t = Transcript::back_online(ALL_CAPS, "", since(10));
        t.everything();
        t.gets(":irc.test BATCH +1 chathistory #blah").gets(":irc.test BATCH -1");
        t.gets(":irc.test BATCH +t draft/chathistory-targets")
            .gets("@batch=t :irc.test CHATHISTORY TARGETS anna2 2025-01-01T00:00:13.000Z")
            .gets("@batch=t :irc.test CHATHISTORY TARGETS anna 2025-01-01T00:00:15.000Z")
            .gets(":irc.test BATCH -t")
            .everything();
        let missed = |t: &mut Transcript, nick: &str, seconds: &[u64]| {
            t.gets(&format!(":irc.test BATCH +h chathistory {nick}"));
            for at in seconds {
                t.gets(&format!(
                    "@batch=h;time=2025-01-01T00:00:{at}.000Z;msgid=m{at};account=a :{nick}!~a@h PRIVMSG bridgebot :{at}"
                ));
            }
            t.gets(":irc.test BATCH -h");
        };
        missed(&mut t, "anna2", &[12, 13]);
        t.silent();
        missed(&mut t, "anna", &[11, 14, 15]);
        let lines: Vec<_> = (0..5).map(|_| t.line().text).collect();
        assert_eq!(lines, ["11", "12", "13", "14", "15"]);
        t.event(&IrcEvent::Fetched);
    }

    /// Answers of the daemon to the questions for senders, with one of them each millisecond.
    fn lists(t: &mut Transcript, senders: std::ops::Range<u64>) {
        t.gets(":irc.test BATCH +t draft/chathistory-targets");
        for at in senders {
            t.gets(&format!("@batch=t :irc.test CHATHISTORY TARGETS v{at} 2024-12-31T23:59:11.{at:03}Z"));
        }
        t.gets(":irc.test BATCH -t");
    }

    #[test]
    fn many_senders_are_asked_for_page_by_page() {
        let mut t = Transcript::back_online(
            ALL_CAPS,
            "",
            Memory::new(Some(UNIX_EPOCH + Duration::from_secs(WALL - 60))),
        );
        t.everything();
        t.gets(":irc.test BATCH +1 chathistory #blah").gets(":irc.test BATCH -1");
        lists(&mut t, 0..64);
        let sent = t.everything();
        assert!(sent[64].starts_with("CHATHISTORY TARGETS timestamp=2024-12-31T23:59:11.062Z"), "{sent:?}");
        assert_eq!(sent.iter().filter(|line| line.starts_with("CHATHISTORY AFTER v")).count(), 64);
        lists(&mut t, 63..66);
        assert!(t.everything().is_empty(), "64 are awaited at once");
        for at in 0..66 {
            t.gets(&format!(":irc.test BATCH +h chathistory v{at}"));
            t.gets(":irc.test BATCH -h");
        }
        let sent = t.everything();
        assert_eq!(
            sent.iter().filter(|line| line.starts_with("CHATHISTORY AFTER v6")).count(),
            2,
            "{sent:?}"
        );
        for at in 64..66 {
            t.gets(&format!(":irc.test BATCH +h chathistory v{at}"));
            t.gets(":irc.test BATCH -h");
        }
        t.event(&IrcEvent::Fetched);
    }

    #[test]
    fn a_fetch_that_broke_off_begins_again_where_it_began() {
        let mut wide = config();
        wide.channels.push(Channel { name: Word::new("#late").unwrap(), key: None });
        let begin = |memory| {
            let mut t = Transcript::resume(wide.clone(), memory);
            t.everything();
            t.gets(&format!(":irc.test CAP * LS :{ALL_CAPS}")).everything();
            t.gets(":irc.test CAP * ACK :batch message-tags server-time draft/chathistory account-tag");
            t.gets(":irc.test 001 bridgebot :Hi").gets(":irc.test 422 bridgebot :none").everything();
            t.event(&IrcEvent::SignedOn { nick: "bridgebot".into() });
            let since = UNIX_EPOCH + Duration::from_secs(WALL + 20);
            t.event(&IrcEvent::Fetching { since });
            t.gets(":irc.test BATCH +t draft/chathistory-targets").gets(":irc.test BATCH -t");
            t
        };
        let joins = |t: &mut Transcript, channel: &str| {
            t.gets(&format!(":bridgebot!~bridgebot@127.0.0.1 JOIN {channel}"));
            t.event(&IrcEvent::Joined { channel: channel.into() });
            t.sends(&format!("CHATHISTORY AFTER {channel} timestamp=2025-01-01T00:00:08.000Z 100"));
        };
        let mut t = begin(since(20));
        joins(&mut t, "#blah");
        t.gets(":irc.test BATCH +1 chathistory #blah");
        t.gets("@batch=1;time=2025-01-01T00:00:50.000Z;msgid=a;account=a :a!~a@h PRIVMSG #blah :new");
        t.gets(":irc.test BATCH -1");
        assert_eq!(t.line().text, "new");
        t.silent();
        t.session.connection_lost("reset");
        let mut t = begin(t.session.into_memory());
        joins(&mut t, "#late");
        t.gets(":irc.test BATCH +1 chathistory #late");
        t.gets("@batch=1;time=2025-01-01T00:00:30.000Z;msgid=b;account=a :a!~a@h PRIVMSG #late :older");
        t.gets(":irc.test BATCH -1");
        assert_eq!(t.line().text, "older");
        t.silent();
        t.gets(":irc.test 474 bridgebot #blah :Cannot join channel (+b)").event(&IrcEvent::Fetched);
        t.session.connection_lost("reset");
        let memory = t.session.into_memory();
        let mut t = Transcript::back_online(ALL_CAPS, "", memory);
        t.sends("CHATHISTORY AFTER #blah timestamp=2025-01-01T00:00:38.000Z 100");
    }

    #[test]
    fn a_daemon_that_refuses_or_is_silent_holds_nothing_back() {
        for refusal in [Some(":irc.test FAIL CHATHISTORY INVALID_TARGET AFTER #blah :no"), None] {
            let mut t = Transcript::back_online(ALL_CAPS, "", since(10));
            t.everything();
            t.gets("@account=a :a!~a@h PRIVMSG #blah :live").silent();
            match refusal {
                Some(line) => t.gets(line),
                None => t.after(11),
            };
            assert_eq!(t.line().text, "live");
        }
    }

    #[test]
    fn the_next_connection_asks_from_the_last_line_on_and_knows_it_again() {
        let mut t = Transcript::online(ALL_CAPS, "");
        t.everything();
        t.gets(":irc.test BATCH +0 chathistory #blah").gets(":irc.test BATCH -0");
        t.gets(":irc.test BATCH +t draft/chathistory-targets").gets(":irc.test BATCH -t");
        t.event(&IrcEvent::Fetched);
        t.gets("@time=2025-01-01T00:00:20.500Z;msgid=a;account=a :a!~a@h PRIVMSG #blah :a");
        assert_eq!(t.line().text, "a");
        let mut t = Transcript::back_online(ALL_CAPS, "", t.session.into_memory());
        t.sends("CHATHISTORY AFTER #blah timestamp=2025-01-01T00:00:08.500Z 100");
        t.gets(":irc.test BATCH +1 chathistory #blah");
        t.gets("@batch=1;time=2025-01-01T00:00:20.500Z;msgid=a;account=a :a!~a@h PRIVMSG #blah :a");
        t.gets("@batch=1;time=2025-01-01T00:00:20.500Z;msgid=b;account=a :a!~a@h PRIVMSG #blah :b");
        t.gets(":irc.test BATCH -1");
        assert_eq!(t.line().text, "b");
        t.silent();
    }

    #[test]
    fn a_replayed_line_is_not_given_to_who_has_the_nick_now() {
        let mut t = Transcript::back_online(ALL_CAPS, "", since(10));
        t.everything();
        t.gets(":irc.test BATCH +1 chathistory #blah");
        t.gets("@batch=1;time=2025-01-01T00:00:20.000Z;msgid=a :a!~a@h PRIVMSG #blah :old");
        t.gets(":irc.test BATCH -1").sends("WHOIS a");
        t.gets(":irc.test 311 bridgebot a ~a h * :A");
        t.gets(&format!(":irc.test 317 bridgebot a 0 {} :x", WALL + 30))
            .gets(":irc.test 318 bridgebot a :End");
        assert_eq!(t.line().from.signed_on, None);
    }

    impl Transcript {
        #[track_caller]
        fn silent_lines(&mut self) {
            assert_eq!(self.session.poll_transmit(self.now), None);
        }
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn odd_line() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "@",
            "@a=b;c",
            "@batch=1",
            "@label=b1",
            ":",
            ":a",
            ":a!b@c",
            ":bridgebot!x@y",
            "PRIVMSG",
            "NOTICE",
            "TAGMSG",
            "BATCH",
            "+1",
            "-1",
            "chathistory",
            "CAP",
            "ACK",
            "NAK",
            "NEW",
            "DEL",
            "LS",
            "*",
            "JOIN",
            "KICK",
            "NICK",
            "QUIT",
            "MODE",
            "+o-x",
            "001",
            "005",
            "311",
            "317",
            "318",
            "330",
            "401",
            "433",
            "730",
            "731",
            "734",
            "903",
            "FAIL",
            "CHATHISTORY",
            "TARGETS",
            "#blah",
            "bridgebot",
            "anna",
            "CASEMAPPING=ascii",
            "NICKLEN=0",
            ":\u{1}ACTION",
            "PONG",
            ":fence-1",
            "",
            " ",
            ":x y",
            "AUTHENTICATE",
            "+",
        ]);
        prop_oneof![
            3 => prop::collection::vec(word, 0..8).prop_map(|words| words.join(" ")),
            1 => "\\PC{0,60}",
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_daemon_says_only_our_commands_leave_in_lines_that_fit(
            lines in prop::collection::vec(odd_line(), 0..60)
        ) {
            let mut t = Transcript::online(ALL_CAPS, "MONITOR=9");
            t.say(1, "anna", "text");
            for (at, line) in lines.iter().enumerate() {
                t.gets(line);
                if at % 7 == 0 {
                    t.after(11);
                }
                for sent in t.everything() {
                    prop_assert!(!sent.contains(['\r', '\n', '\0']));
                    let bare = sent.strip_prefix('@').map_or(sent.as_str(), |rest| rest.split_once(' ').unwrap().1);
                    let word = bare.split(' ').next().unwrap();
                    let ours = ["PRIVMSG", "PING", "PONG", "WHOIS", "NICK", "JOIN", "PART", "MONITOR", "CHATHISTORY", "CAP"];
                    prop_assert!(ours.contains(&word), "{}", sent);
                }
                while t.session.poll_event().is_some() {}
            }
        }
    }
}
