//! The tags of `ircd-lite/receiver`: who is told of connections, and what a message that names one reaches.

use super::{Gone, Stage};

const BOT: &str = "
[[account]]
name = \"bot\"
password = \"pw\"
exempt = true
[[account]]
name = \"guest\"
password = \"pw\"
[[oper]]
name = \"root\"
password = \"pw\"
hosts = [\"*@*\"]
";
const CAP: &str = "CAP REQ :ircd-lite/receiver message-tags";

/// The bot, which may know connections, and a visitor.
fn stage() -> Stage {
    let mut stage = Stage::new(BOT);
    stage.register_as("bot", "bot").send("bot", CAP).register("anna").forget();
    stage
}

/// The value of a tag in the only line that `who` got.
fn tag(stage: &mut Stage, who: &str, key: &str) -> Option<String> {
    let lines = stage.lines(who);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let tags = lines[0].strip_prefix('@')?.split(' ').next()?.to_owned();
    tags.split(';').find_map(|tag| tag.strip_prefix(&format!("{key}=")).map(str::to_owned))
}

fn name_of(stage: &mut Stage, who: &str) -> String {
    stage.forget().send(who, "PRIVMSG bot :hello");
    tag(stage, "bot", "ircd-lite/from").unwrap()
}

#[test]
fn every_line_of_a_user_names_its_connection_to_the_bot() {
    let mut stage = stage();
    let anna = name_of(&mut stage, "anna");
    stage.send("anna", "NOTICE bot :hello");
    assert_eq!(tag(&mut stage, "bot", "ircd-lite/from").as_ref(), Some(&anna));
    stage.send("bot", "JOIN #c").forget().send("anna", "JOIN #c");
    assert_eq!(tag(&mut stage, "bot", "ircd-lite/from").as_ref(), Some(&anna));
    stage.send("anna", "NICK anne");
    assert_eq!(tag(&mut stage, "bot", "ircd-lite/from").as_ref(), Some(&anna), "it outlives a nick");
    stage.send("bot", "WHOIS anne").hears("bot", &format!("320 bot anne {anna} :is its connection"));
    stage.gone("anna", Gone::Eof);
    assert_eq!(tag(&mut stage, "bot", "ircd-lite/from").as_ref(), Some(&anna));
    stage.register("anna");
    assert_ne!(name_of(&mut stage, "anna"), anna, "and is never given again");
}

#[test]
fn an_answer_reaches_the_connection_that_it_names_and_no_other() {
    let mut stage = stage();
    let anna = name_of(&mut stage, "anna");
    let answer = format!("@ircd-lite/to={anna} PRIVMSG anna :for you alone");
    stage.send("bot", &answer).silent("bot").hears("anna", "PRIVMSG anna :for you alone");
    // The nick changes hands.
    stage.send("anna", "NICK anne").register("anna2").send("anna2", "NICK anna").forget();
    let refused = ":irc.example.net 401 bot anna :No such nick/channel";
    for line in [
        answer.clone(),
        answer.replace("PRIVMSG", "NOTICE"),
        format!("@ircd-lite/to={anna};+typing=active TAGMSG anna"),
    ] {
        stage.send("bot", &line).gets("bot", &[refused]).silent("anna2").silent("anna");
    }
    stage.send("bot", &answer.replace(" anna ", " anne ")).silent("bot").hears("anna", "for you alone");
    stage.gone("anna2", Gone::Eof).forget();
    for line in [answer.clone(), answer.replace("PRIVMSG", "NOTICE")] {
        stage.send("bot", &line).gets("bot", &[refused]);
    }
}

#[test]
fn a_named_connection_is_one_user() {
    let mut stage = stage();
    let anna = name_of(&mut stage, "anna");
    stage.register("bert").send("bot", "JOIN #c").send("anna", "JOIN #c").forget();
    stage.send("bot", &format!("@ircd-lite/to={anna} PRIVMSG #c,@#c,bert,anna :hi"));
    let refused = |target: &str| format!(":irc.example.net 401 bot {target} :No such nick/channel");
    stage.gets("bot", &[&refused("#c"), &refused("@#c"), &refused("bert")]).silent("bert");
    stage.gets("anna", &[":bot!~bot@10.0.0.1 PRIVMSG anna :hi"]);
    for empty in ["@ircd-lite/to", "@ircd-lite/to=", "@ircd-lite/to=0-0"] {
        stage
            .send("bot", &format!("{empty} PRIVMSG anna :hi"))
            .gets("bot", &[&refused("anna")])
            .silent("anna");
    }
}

#[test]
fn nobody_else_learns_of_connections() {
    let mut stage = stage();
    let anna = name_of(&mut stage, "anna");
    stage.register_as("guest", "guest").register("bert");
    for who in ["guest", "bert"] {
        stage.send(who, CAP).hears(who, "ACK");
        stage.send("anna", &format!("PRIVMSG {who} :hi"));
        assert_eq!(tag(&mut stage, who, "ircd-lite/from"), None);
        stage.send(who, "WHOIS anna");
        assert!(!stage.lines(who).iter().any(|line| line.contains(" 320 ")));
        // Right or wrong, a guess is refused.
        for guess in [anna.as_str(), "0-0"] {
            stage.send(who, &format!("@ircd-lite/to={guess} PRIVMSG anna :hi"));
            stage.hears(who, &format!(" 401 {who} anna ")).silent("anna");
        }
    }
    // The receiver is not told either, and without the capability the tag means nothing.
    stage.register_with("carl", "message-tags").register("dora").forget();
    stage.send("carl", "@ircd-lite/to=0-0 PRIVMSG dora :hi").hears("dora", "hi");
    stage.send("bot", "PRIVMSG carl :hi");
    assert_eq!(tag(&mut stage, "carl", "ircd-lite/from"), None);
}

#[test]
fn an_operator_may_know_as_long_as_it_is_one() {
    let mut stage = stage();
    stage.register("root").send("root", CAP).forget();
    let told = |stage: &mut Stage| {
        stage.forget().send("anna", "NOTICE root :hi");
        tag(stage, "root", "ircd-lite/from").is_some()
    };
    assert!(!told(&mut stage));
    stage.send("root", "OPER root pw");
    assert!(told(&mut stage));
    stage.send("root", "MODE root -o");
    assert!(!told(&mut stage));
}

#[test]
fn the_capability_is_offered_where_somebody_could_use_it() {
    let mut stage = Stage::new("");
    stage.connect("x").send("x", "CAP LS 302");
    assert!(!stage.lines("x").iter().any(|line| line.contains("ircd-lite/receiver")));
    stage.send("x", "CAP REQ :ircd-lite/receiver").hears("x", "NAK");
    let config = super::Config::parse(BOT, std::path::Path::new("test.toml")).unwrap();
    stage.world.reload(config, stage.now);
    stage.collect();
    stage.gets("x", &[":irc.example.net CAP * NEW :sasl=PLAIN ircd-lite/receiver"]);
    stage.send("x", "CAP REQ :ircd-lite/receiver").hears("x", "ACK");
    let config = super::Config::parse("", std::path::Path::new("test.toml")).unwrap();
    stage.world.reload(config, stage.now);
    stage.collect();
    stage.gets("x", &[":irc.example.net CAP * DEL :sasl ircd-lite/receiver"]);
    stage.send("x", "CAP LIST").gets("x", &[":irc.example.net CAP * LIST :cap-notify"]);
}
