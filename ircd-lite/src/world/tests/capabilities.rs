//! IRCv3: negotiation, tags, echo, labels, and the notify capabilities.

use super::Stage;

const TIME: &str = "@time=2023-11-14T22:13:20.000Z";

#[test]
fn ls_302_has_values_and_holds_registration() {
    let mut stage = Stage::new("[[account]]\nname = \"a\"\npassword = \"pw\"\n");
    stage.connect("a").send("a", "CAP LS 302").send("a", "NICK a").send("a", "USER a 0 * :A");
    let lines = stage.lines("a");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(":irc.example.net CAP * LS :multi-prefix message-tags"));
    assert!(lines[0].contains(" sasl=PLAIN"));
    stage
        .send("a", "CAP REQ :server-time nonsense")
        .gets("a", &[":irc.example.net CAP a NAK :server-time nonsense"]);
    stage.send("a", "CAP REQ :-multi-prefix server-time");
    stage.gets("a", &[":irc.example.net CAP a ACK :-multi-prefix server-time"]);
    stage.send("a", "CAP END").hears("a", " 001 a ");
}

#[test]
fn sasl_is_not_offered_without_accounts() {
    let mut stage = Stage::new("");
    stage.connect("a").send("a", "CAP LS");
    assert!(!stage.lines("a")[0].contains("sasl"));
    stage.send("a", "CAP REQ :sasl").hears("a", "NAK");
}

#[test]
fn client_tags_travel_to_those_who_asked() {
    let mut stage = Stage::new("");
    stage
        .register_with("a", "message-tags server-time echo-message")
        .register_with("b", "message-tags")
        .register("c");
    for who in ["a", "b", "c"] {
        stage.send(who, "JOIN #c");
    }
    stage.forget().send("a", "@+bridgebot/id=1;dropped=x;time=never PRIVMSG #c :hi");
    let line = &stage.lines("b")[0];
    assert!(
        line.starts_with("@msgid=") && line.ends_with(";+bridgebot/id=1 :a!~a@10.0.0.1 PRIVMSG #c :hi"),
        "{line}"
    );
    stage.gets("c", &[":a!~a@10.0.0.1 PRIVMSG #c :hi"]);
    let echo = &stage.lines("a")[0];
    assert!(echo.starts_with(&format!("{TIME};msgid=")) && echo.contains("+bridgebot/id=1"), "{echo}");
    stage
        .send("a", "@+typing=active TAGMSG #c")
        .hears("b", "+typing=active :a!~a@10.0.0.1 TAGMSG #c")
        .silent("c");
    stage.send("c", "@+typing=active TAGMSG #c").forget().send("c", "@+x=1 PRIVMSG b :plain client");
    assert!(!stage.lines("b")[0].contains("+x=1"), "tags of a client that did not ask for them");
}

#[test]
fn message_ids_differ() {
    let mut stage = Stage::new("");
    stage.register_with("a", "message-tags").register("b");
    stage.send("b", "PRIVMSG a :1").send("b", "PRIVMSG a :2");
    let ids: Vec<String> =
        stage.lines("a").iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert!(ids[0].starts_with("@msgid=") && ids[0] != ids[1]);
}

#[test]
fn labels_on_one_line_on_several_and_on_none() {
    let mut stage = Stage::new("");
    stage.register_with("a", "labeled-response batch").register("b");
    stage.send("a", "@label=x1 PING t").gets("a", &["@label=x1 :irc.example.net PONG irc.example.net :t"]);
    stage.send("a", "@label=x2 PRIVMSG b :hi").gets("a", &["@label=x2 :irc.example.net ACK"]);
    stage.send("a", "@label=x3 WHOIS nobody").gets(
        "a",
        &[
            "@label=x3 :irc.example.net BATCH +b1 labeled-response",
            "@batch=b1 :irc.example.net 401 a nobody :No such nick/channel",
            "@batch=b1 :irc.example.net 318 a nobody :End of /WHOIS list.",
            ":irc.example.net BATCH -b1",
        ],
    );
    stage
        .send("a", "@label=a\\sb\\: PING t")
        .gets("a", &["@label=a\\sb\\: :irc.example.net PONG irc.example.net :t"]);
    let long = "l".repeat(65);
    stage
        .send("a", &format!("@label={long} PING t"))
        .gets("a", &[":irc.example.net PONG irc.example.net :t"]);
}

#[test]
fn a_label_to_oneself_stands_on_the_echo_only() {
    let mut stage = Stage::new("");
    stage.register_with("a", "labeled-response batch echo-message").send("a", "@label=1 PRIVMSG a :me");
    stage.gets("a", &[":a!~a@10.0.0.1 PRIVMSG a :me", "@label=1 :a!~a@10.0.0.1 PRIVMSG a :me"]);
}

#[test]
fn a_labelled_quit_still_says_goodbye() {
    let mut stage = Stage::new("");
    stage
        .register_with("a", "labeled-response batch")
        .send("a", "@label=1 QUIT :x")
        .hears("a", "ERROR :Closing Link");
    assert!(stage.is_closed("a"));
}

#[test]
fn too_many_tags_are_417() {
    let mut stage = Stage::new("");
    stage.register_with("a", "message-tags");
    stage.send("a", &format!("@+x={} PRIVMSG a :x", "y".repeat(4100)));
    stage.gets("a", &[":irc.example.net 417 a :Input line was too long"]);
}

#[test]
fn notify_capabilities() {
    let mut stage = Stage::new("[[account]]\nname = \"acc\"\npassword = \"pw\"\n");
    stage.register_with("a", "away-notify account-notify extended-join setname account-tag invite-notify");
    stage.register("b").send("a", "JOIN #c").send("b", "JOIN #c");
    stage.hears("a", ":b!~b@10.0.0.1 JOIN #c * :b Test");
    stage.send("b", "AWAY :out").send("b", "AWAY").send("b", "SETNAME :New Name");
    stage.gets("a", &[":b!~b@10.0.0.1 AWAY :out", ":b!~b@10.0.0.1 AWAY", ":b!~b@10.0.0.1 SETNAME :New Name"]);
    stage.register_as("d", "acc").send("d", "AWAY :busy").send("d", "JOIN #c");
    stage.gets(
        "a",
        &["@account=acc :d!~d@10.0.0.1 JOIN #c acc :d Test", "@account=acc :d!~d@10.0.0.1 AWAY :busy"],
    );
    stage.forget().register("e").send("a", "INVITE e #c").hears("e", "INVITE e :#c").silent("b");
}

#[test]
fn account_notify_after_registration() {
    let mut stage = Stage::new("[[account]]\nname = \"acc\"\npassword = \"pw\"\n");
    stage
        .register_with("a", "account-notify")
        .register_with("b", "sasl")
        .send("a", "JOIN #c")
        .send("b", "JOIN #c");
    stage.forget().send("b", "AUTHENTICATE PLAIN").send("b", "AUTHENTICATE AGFjYwBwdw==");
    stage.gets("a", &[":b!~b@10.0.0.1 ACCOUNT acc"]).hears("b", " 903 ");
    stage.send("b", "AUTHENTICATE PLAIN").hears("b", " 907 ");
}

#[test]
fn names_with_hosts_and_all_prefixes() {
    let mut stage = Stage::new("");
    stage
        .register_with("a", "userhost-in-names multi-prefix")
        .send("a", "JOIN #c")
        .send("a", "MODE #c +v a")
        .forget();
    stage.send("a", "NAMES #c").hears("a", ":@+a!~a@10.0.0.1");
}

#[test]
fn whox_gives_the_fields_in_order() {
    let mut stage = Stage::new("");
    stage.register("a").register("b").send("b", "AWAY :x");
    stage.send("a", "WHO b %nuhsfart,7");
    stage.gets(
        "a",
        &[
            ":irc.example.net 354 a 7 ~b 10.0.0.1 irc.example.net b G 0 :b Test",
            ":irc.example.net 315 a b :End of /WHO list.",
        ],
    );
}

#[test]
fn utf8_only_refuses_other_bytes() {
    let mut stage = Stage::with_limits("[server]\nutf8_only = true\n[limits]\nflood_lines = 0\n");
    stage.register("a").send_bytes("a", b"PRIVMSG a :\xff\xfe").hears("a", "FAIL PRIVMSG INVALID_UTF8");
    stage.send("a", "VERSION").hears("a", "UTF8ONLY");
}
