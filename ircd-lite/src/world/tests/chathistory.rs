//! CHATHISTORY in an ordinary channel, and between accounts.

use super::{Gone, Stage};

fn stage() -> Stage {
    let mut stage = Stage::new("");
    stage.register_with("a", "batch draft/chathistory message-tags server-time").register("b");
    stage.send("a", "JOIN #c").send("b", "JOIN #c");
    for text in ["one", "two", "three", "four"] {
        stage.send("b", &format!("PRIVMSG #c :{text}")).after(1);
    }
    stage
}

/// The texts between the batch's start and end, which are checked.
#[track_caller]
fn batch(stage: &mut Stage, command: &str) -> Vec<String> {
    stage.forget().send("a", command);
    let lines = stage.lines("a");
    assert!(lines[0].contains(" BATCH +") && lines[0].ends_with(" chathistory #c"), "{lines:#?}");
    assert!(lines.last().unwrap().contains(" BATCH -"), "{lines:#?}");
    let inner = &lines[1..lines.len() - 1];
    inner
        .iter()
        .map(|line| {
            assert!(
                line.starts_with("@batch=") && line.contains(";time=2023-") && line.contains(";msgid="),
                "{line}"
            );
            line.rsplit(':').next().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn by_end_and_by_time() {
    let mut stage = stage();
    let at = |second: u32| format!("timestamp=2023-11-14T22:13:{second}.000Z");
    assert_eq!(batch(&mut stage, "CHATHISTORY LATEST #c * 2"), ["three", "four"]);
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY LATEST #c {} 9", at(21))), ["three", "four"]);
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY BEFORE #c {} 1", at(22))), ["two"]);
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY AFTER #c {} 1", at(20))), ["two"]);
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY AROUND #c {} 3", at(22))), ["two", "three", "four"]);
    assert_eq!(
        batch(&mut stage, &format!("CHATHISTORY BETWEEN #c {} {} 9", at(20), at(23))),
        ["two", "three"]
    );
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY BETWEEN #c {} {} 1", at(23), at(20))), ["three"]);
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY AFTER #c {} 5", at(59))), [""; 0]);
}

#[test]
fn by_message_id() {
    let mut stage = stage();
    stage.forget().send("a", "CHATHISTORY LATEST #c * 9");
    let lines = stage.lines("a");
    let id = lines[2].split("msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap().to_owned();
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY AFTER #c msgid={id} 9")), ["three", "four"]);
    assert_eq!(batch(&mut stage, &format!("CHATHISTORY BEFORE #c msgid={id} 9")), ["one"]);
    assert_eq!(batch(&mut stage, "CHATHISTORY AFTER #c msgid=unknown 9"), [""; 0]);
}

#[test]
fn targets() {
    let mut stage = stage();
    let command = "CHATHISTORY TARGETS timestamp=2023-01-01T00:00:00Z timestamp=2024-01-01T00:00:00Z 5";
    stage.forget().send("a", command).hears("a", "CHATHISTORY TARGETS #c 2023-11-14T22:13:23.000Z");
}

#[test]
fn refusals() {
    let mut stage = stage();
    stage.register("outsider").forget();
    for (command, expected) in [
        ("CHATHISTORY LATEST #c * 5", "FAIL CHATHISTORY INVALID_TARGET LATEST #c :"),
        ("CHATHISTORY LATEST #none * 5", "FAIL CHATHISTORY INVALID_TARGET LATEST #none :"),
        ("CHATHISTORY LATEST #c", "FAIL CHATHISTORY INVALID_PARAMS LATEST :"),
        ("CHATHISTORY FROB #c * 5", "FAIL CHATHISTORY INVALID_PARAMS FROB :"),
        ("CHATHISTORY LATEST #c * x", "FAIL CHATHISTORY INVALID_PARAMS LATEST :"),
    ] {
        stage.send("outsider", command).hears("outsider", expected);
    }
    stage.send("a", "CHATHISTORY BEFORE #c 17 5").hears("a", "INVALID_MSGREFTYPE BEFORE 17");
}

#[test]
fn a_labelled_history_is_one_batch() {
    let mut stage = Stage::new("");
    stage.register_with("a", "batch draft/chathistory labeled-response").send("a", "JOIN #c").forget();
    stage.send("a", "@label=9 CHATHISTORY LATEST #c * 5");
    stage.gets("a", &["@label=9 :irc.example.net BATCH +b1 chathistory #c", ":irc.example.net BATCH -b1"]);
}

const ACCOUNTS: &str = "
[[account]]
name = \"ann\"
password = \"pw\"

[[account]]
name = \"bob\"
password = \"pw\"

[[channel]]
name = \"#aud\"
modes = \"+ntu\"
";

/// Ann and Bob, both logged in, who wrote to each other; and Eve, who is nobody.
fn correspondents() -> Stage {
    let mut stage = Stage::new(ACCOUNTS);
    stage.register_as("ann", "ann").register_as("robert", "bob").register_with("eve", "batch");
    stage.send("ann", "CAP REQ :batch draft/chathistory");
    stage.send("ann", "PRIVMSG robert :one").after(1).send("robert", "PRIVMSG ann :two").after(1);
    stage.send("eve", "PRIVMSG ann :not kept").send("ann", "PRIVMSG eve :nor this").forget();
    stage
}

#[track_caller]
fn private(stage: &mut Stage, who: &str, target: &str) -> Vec<String> {
    let lines = stage.forget().send(who, &format!("CHATHISTORY LATEST {target} * 9")).lines(who);
    let text = |line: &String| line.rsplit(':').next().unwrap().to_owned();
    lines.iter().filter(|line| line.contains(" PRIVMSG ") || line.contains("FAIL")).map(text).collect()
}

const GONE: &str = "Messages could not be retrieved";

#[test]
fn of_a_nick_by_its_account() {
    let mut stage = correspondents();
    assert_eq!(private(&mut stage, "ann", "robert"), ["one", "two"]);
    assert_eq!(private(&mut stage, "robert", "ANN"), ["one", "two"]);
    assert_eq!(private(&mut stage, "ann", "eve"), [""; 0]);
    assert_eq!(private(&mut stage, "eve", "ann"), [""; 0]);
    // The name goes on to somebody else: the conversation doesn't.
    stage.send("robert", "NICK bobby").send("eve", "NICK robert");
    assert_eq!(private(&mut stage, "ann", "robert"), [""; 0]);
    assert_eq!(private(&mut stage, "ann", "bobby"), ["one", "two"]);
    assert_eq!(private(&mut stage, "eve", "ann"), [""; 0]);
}

#[test]
fn of_an_account_whose_user_is_gone() {
    let mut stage = correspondents();
    stage.send("robert", "QUIT");
    assert_eq!(private(&mut stage, "ann", "robert"), [GONE]);
    assert_eq!(private(&mut stage, "ann", "bob"), ["one", "two"]);
    assert_eq!(private(&mut stage, "eve", "bob"), [GONE]);
    stage.forget().send("ann", "QUIT").register_as("again", "ann");
    assert_eq!(private(&mut stage, "again", "bob"), ["one", "two"]);
}

#[test]
fn whoever_is_hidden_is_as_gone() {
    let mut stage = correspondents();
    stage.send("robert", "JOIN #aud");
    assert_eq!(private(&mut stage, "ann", "robert"), [GONE]);
    assert_eq!(private(&mut stage, "ann", "bob"), ["one", "two"]);
    let command = "CHATHISTORY TARGETS timestamp=2023-01-01T00:00:00Z timestamp=2024-01-01T00:00:00Z 5";
    stage.forget().send("ann", command).hears("ann", "CHATHISTORY TARGETS bob 2023-");
    stage.send("robert", "PART #aud").forget();
    stage.send("ann", command).hears("ann", "CHATHISTORY TARGETS robert 2023-");
}

const BOT: &str = "[[account]]\nname = \"bot\"\npassword = \"pw\"\nexempt = true\n\
                   [[account]]\nname = \"anna\"\npassword = \"pw\"\n";
const CAPS: &str = "batch draft/chathistory message-tags server-time sasl";

#[test]
fn a_bot_finds_what_was_said_to_it_by_sender() {
    let mut stage = Stage::new(BOT);
    stage.register_as("bot", "bot").register("a").register("b");
    stage.send("a", "PRIVMSG bot :one").after(1);
    stage.send("b", "NOTICE bot :two").send("a", "NICK c").send("a", "PRIVMSG bot :three");
    stage.gone("bot", Gone::Eof).after(1);
    stage.send("a", "PRIVMSG bot :nobody is there");
    stage.register_as("again", "bot").send("again", &format!("CAP REQ :{CAPS}")).forget();
    let span = "timestamp=2023-11-14T22:13:00.000Z timestamp=2023-11-14T22:15:00.000Z 9";
    stage.send("again", &format!("CHATHISTORY TARGETS {span}"));
    let lines = stage.lines("again");
    assert!(lines[0].contains(" draft/chathistory-targets") && lines.len() == 5, "{lines:#?}");
    for (line, sender) in lines[1..4].iter().zip(["a", "b", "c"]) {
        assert!(line.contains(&format!(" CHATHISTORY TARGETS {sender} 2023-")), "{line}");
    }
    let from_a = stage.forget().send("again", "CHATHISTORY AFTER A timestamp=2023-11-14T22:13:00.000Z 9");
    let lines = from_a.lines("again");
    assert!(lines[0].contains(" chathistory A") && lines.len() == 3, "{lines:#?}");
    assert!(lines[1].contains(":a!") && lines[1].ends_with(" PRIVMSG bot :one"), "{lines:#?}");
}

#[test]
fn nobody_else_finds_what_was_said_to_a_bot() {
    let mut stage = Stage::new(BOT);
    stage.register_as("bot", "bot").register_as("anna", "anna").register("b");
    for who in ["anna", "b"] {
        stage.send(who, &format!("CAP REQ :{CAPS}"));
    }
    stage.send("b", "PRIVMSG bot :to the bot").send("b", "PRIVMSG anna :to anna");
    for who in ["anna", "b"] {
        for other in ["b", "bot", "anna"] {
            assert_eq!(private(&mut stage, who, other), [""; 0]);
        }
    }
}
