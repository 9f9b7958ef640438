//! REDACT: what it takes out of a channel's history, who may, and who is told.

use super::Stage;

const SUPPORT: &str = "
[[account]]
name = \"bot\"
password = \"pw\"
[[channel]]
name = \"#support\"
modes = \"+ntu\"
operators = [\"bot\"]
";
const CAP: &str = "CAP REQ :batch draft/chathistory draft/message-redaction message-tags";

/// An auditorium with a bot, and two visitors who have each said something.
fn stage() -> Stage {
    let mut stage = Stage::new(SUPPORT);
    stage.register_as("bot", "bot").register("anna").register("bert");
    for who in ["bot", "anna", "bert"] {
        stage.send(who, CAP).send(who, "JOIN #support");
    }
    stage.send("anna", "PRIVMSG #support :of anna").send("bert", "PRIVMSG #support :of bert");
    stage
}

fn history(stage: &mut Stage, who: &str, channel: &str) -> Vec<String> {
    stage.forget().send(who, &format!("CHATHISTORY LATEST {channel} * 9"));
    stage.lines(who).into_iter().filter(|line| line.contains("PRIVMSG")).collect()
}

fn id_of(stage: &mut Stage, text: &str, channel: &str) -> String {
    let lines = history(stage, "bot", channel);
    let line = lines.iter().find(|line| line.ends_with(text)).unwrap();
    let id = line.split("msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap().to_owned();
    stage.forget();
    id
}

#[test]
fn a_line_is_gone_for_everybody_and_its_author_is_told() {
    let mut stage = stage();
    let id = id_of(&mut stage, "of anna", "#support");
    stage.send("bot", &format!("REDACT #support {id} :asked for"));
    stage.hears("anna", &format!("REDACT #support {id} :asked for")).silent("bert").silent("bot");
    assert!(history(&mut stage, "anna", "#support").is_empty());
    let left = history(&mut stage, "bot", "#support");
    assert!(left.len() == 1 && left[0].ends_with("of bert"), "{left:?}");
    stage.forget().send("bot", &format!("REDACT #support {id}"));
    stage.hears("bot", &format!("FAIL REDACT UNKNOWN_MSGID #support {id} :"));
}

#[test]
fn only_operators_may_and_others_learn_nothing() {
    let mut stage = stage();
    let id = id_of(&mut stage, "of bert", "#support");
    for id in [id.as_str(), "none"] {
        stage.forget().send("bert", &format!("REDACT #support {id}"));
        stage.hears("bert", &format!("FAIL REDACT REDACT_FORBIDDEN #support {id} :")).silent("bot");
    }
    stage.register("outsider").forget().send("outsider", &format!("REDACT #support {id}"));
    stage.hears("outsider", "FAIL REDACT INVALID_TARGET #support :");
    stage
        .forget()
        .send("bot", &format!("REDACT anna {id}"))
        .hears("bot", "FAIL REDACT INVALID_TARGET anna :");
    stage.forget().send("bot", "REDACT #support").hears("bot", " 461 bot REDACT ");
    assert_eq!(history(&mut stage, "bot", "#support").len(), 2);
}

#[test]
fn a_bot_takes_out_what_was_said_to_it_in_private() {
    let mut stage = Stage::new(&SUPPORT.replace("password = \"pw\"", "password = \"pw\"\nexempt = true"));
    stage.register_as("bot", "bot").register("anna").send("bot", CAP).send("anna", CAP);
    stage.send("anna", "PRIVMSG bot :of anna").send("anna", "PRIVMSG bot :and more");
    let id = id_of(&mut stage, "of anna", "anna");
    stage.send("anna", &format!("REDACT bot {id}")).hears("anna", "FAIL REDACT INVALID_TARGET bot :");
    stage.forget().send("bot", &format!("REDACT BOT {id}")).silent("bot").silent("anna");
    assert_eq!(history(&mut stage, "bot", "anna").len(), 1);
    stage.forget().send("bot", &format!("REDACT bot {id}"));
    stage.hears("bot", &format!("FAIL REDACT UNKNOWN_MSGID bot {id} :"));
}

#[test]
fn in_an_ordinary_channel_all_members_with_the_capability_are_told() {
    let mut stage = stage();
    stage.register("carl").send("anna", "JOIN #c").send("bert", "JOIN #c").send("carl", "JOIN #c");
    stage.send("bot", "JOIN #c").send("bert", "PRIVMSG #c :hello");
    let id = id_of(&mut stage, "hello", "#c");
    stage.send("anna", "CAP REQ echo-message").forget().send("anna", &format!("REDACT #c {id}"));
    for who in ["anna", "bert", "bot"] {
        stage.hears(who, &format!(" REDACT #c {id}"));
    }
    stage.silent("carl");
    assert!(history(&mut stage, "bot", "#c").is_empty());
}
