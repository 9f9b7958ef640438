//! A visitor who is there is like one who isn't: whatever one asks, and whatever the other does, the answers are the same.

use super::Stage;

const CONFIG: &str = "
[[account]]
name = \"bot\"
password = \"pw\"
[[account]]
name = \"berta\"
password = \"pw\"
[[channel]]
name = \"#support\"
modes = \"+ntu\"
topic = \"How can we help?\"
operators = [\"bot\"]
";
const CAPS: &str = "account-notify account-tag away-notify batch draft/chathistory echo-message extended-join invite-notify \
    labeled-response message-tags multi-prefix sasl server-time setname userhost-in-names";

/// What the one asks each time; `$` stands for the other's nick.
const QUESTIONS: &[&str] = &[
    "NAMES",
    "NAMES #support",
    "WHO #support",
    "WHO *",
    "WHO 0",
    "WHO $",
    "WHO $*",
    "WHO 10.0.*",
    "WHO *Test*",
    "WHO #support %tcuihsnfdlaor,7",
    "WHO $ %na",
    "WHOIS $",
    "WHOIS $ $",
    "WHOIS $*",
    "WHOIS bot",
    "WHOWAS $",
    "ISON $ bot anna",
    "USERHOST $ bot anna",
    "MONITOR + $",
    "MONITOR S",
    "MONITOR L",
    "MONITOR - $",
    "LIST",
    "LIST #support",
    "LIST >1",
    "LIST >2",
    "LIST <3",
    "TOPIC #support",
    "TOPIC #support :mine",
    "MODE #support",
    "MODE #support b",
    "MODE #support e",
    "MODE #support I",
    "MODE #support +v $",
    "MODE $",
    "MODE $ +i",
    "KICK #support $",
    "INVITE $ #support",
    "INVITE $ #tea",
    "MODE #tea +o $",
    "MODE #tea -v $",
    "KICK #tea $",
    "KNOCK #support",
    "PRIVMSG $ :psst",
    "NOTICE $ :psst",
    "@+typing=active TAGMSG $",
    "PRIVMSG $!~$@10.0.0.1 :psst",
    "PRIVMSG $,bot :psst",
    "PRIVMSG #support :help",
    "PRIVMSG @#support :help",
    "PRIVMSG +#support :help",
    "@+typing=active TAGMSG #support",
    "@label=1 PRIVMSG $ :psst",
    "@label=2 NOTICE $ :psst",
    "@label=3 WHOIS $",
    "@label=4 PRIVMSG #support :help",
    "@label=5 CHATHISTORY LATEST #support * 20",
    "ACCEPT $",
    "ACCEPT -$",
    "ACCEPT *",
    "LUSERS",
    "LUSERS * $",
    "USERS",
    "USERS $",
    "STATS u",
    "STATS p",
    "STATS l $",
    "VERSION $",
    "TIME $",
    "ADMIN $",
    "MOTD $",
    "INFO $",
    "LINKS $",
    "CHATHISTORY LATEST #support * 3",
    "CHATHISTORY BEFORE #support timestamp=2024-01-01T00:00:00.000Z 4",
    "CHATHISTORY AFTER #support timestamp=2023-01-01T00:00:00.000Z 4",
    "CHATHISTORY AROUND #support timestamp=2023-11-14T22:13:30.000Z 6",
    "CHATHISTORY BETWEEN #support timestamp=2023-01-01T00:00:00.000Z timestamp=2024-01-01T00:00:00.000Z 5",
    "CHATHISTORY TARGETS timestamp=2023-01-01T00:00:00.000Z timestamp=2024-01-01T00:00:00.000Z 5",
    "CHATHISTORY LATEST $ * 5",
];

/// What the other does, or is done to it, between two rounds of questions: by whom, and the line.
const DOINGS: &[(&str, &str)] = &[
    ("bert", "PRIVMSG #support :hello"),
    ("bert", "NOTICE #support :hello"),
    ("bert", "@+typing=active TAGMSG #support"),
    ("bert", "PRIVMSG bot :hello"),
    ("bert", "PRIVMSG anna :hello"),
    ("bert", "NOTICE anna :hello"),
    ("bert", "@+typing=active TAGMSG anna"),
    ("bert", "INVITE anna #support"),
    ("bert", "AWAY :lunch"),
    ("bert", "AWAY"),
    ("bert", "SETNAME :Bert B."),
    ("bert", "MODE bert +i"),
    ("bert", "MODE bert -i"),
    ("bert", "MODE bert +g"),
    ("bert", "MONITOR + anna,bot"),
    ("bert", "ACCEPT bot"),
    ("bert", "CHATHISTORY LATEST #support * 9"),
    ("bert", "@label=x WHOIS bot"),
    ("bert", "WHO #support"),
    ("bert", "TOPIC #support :mine"),
    ("bert", "KICK #support anna"),
    ("bert", "NICK bertold"),
    ("bert", "NICK bert"),
    ("bert", "AUTHENTICATE PLAIN"),
    ("bert", "AUTHENTICATE AGJlcnRhAHB3"),
    ("bot", "MODE #support +v bert"),
    ("bert", "PRIVMSG @#support :hello"),
    ("bert", "PRIVMSG +#support :hello"),
    ("bot", "MODE #support -v bert"),
    ("bot", "MODE #support +b bert!*@*"),
    ("bert", "PRIVMSG #support :banned"),
    ("bot", "MODE #support -b bert!*@*"),
    ("bot", "MODE #support +e bert!*@*"),
    ("bot", "MODE #support -e bert!*@*"),
    ("bot", "PRIVMSG bert :yes?"),
    ("bot", "PRIVMSG +#support :to those with a voice"),
    ("bot", "INVITE bert #support"),
    ("bert", "QUIT :bye"),
];

/// What anna gets while somebody else is in the channel, whose nick she asks for or doesn't.
fn heard_by_anna(other_is_there: bool) -> Vec<(String, Vec<String>)> {
    let mut stage = Stage::new(CONFIG);
    stage.register_as("bot", "bot").send("bot", "JOIN #support");
    // Counts of the most users at once remember that somebody came.
    let other = if other_is_there { "bert" } else { "carl" };
    stage.register_with("anna", CAPS).register_with(other, CAPS);
    stage.send("anna", "JOIN #support").send("anna", "JOIN #tea").send(other, "JOIN #support");
    if !other_is_there {
        stage.send(other, "QUIT");
    }
    stage.forget();
    let mut heard = Vec::new();
    let ask = |stage: &mut Stage, heard: &mut Vec<(String, Vec<String>)>, after: &str| {
        for question in QUESTIONS {
            let question = question.replace('$', "bert");
            stage.send("anna", &question);
            let lines = stage.lines("anna").iter().map(|line| without_id(line)).collect();
            heard.push((format!("{question}, after {after}"), lines));
        }
    };
    ask(&mut stage, &mut heard, "coming");
    for (who, line) in DOINGS {
        stage.after(1);
        if other_is_there {
            stage.send(who, line);
        }
        heard.push(((*line).to_owned(), stage.lines("anna")));
        ask(&mut stage, &mut heard, line);
    }
    heard
}

/// Ids differ from message to message anyway; that they tell nothing is tested by itself.
fn without_id(line: &str) -> String {
    let Some((before, rest)) = line.split_once("msgid=") else { return line.to_owned() };
    let end = rest.find([';', ' ']).unwrap_or(rest.len());
    format!("{before}msgid={}", &rest[end..])
}

#[test]
fn whatever_one_asks_and_the_other_does() {
    let (alone, together) = (heard_by_anna(false), heard_by_anna(true));
    assert_eq!(alone.len(), together.len());
    let different: Vec<_> =
        alone.iter().zip(&together).filter(|(alone, together)| alone != together).collect();
    assert!(different.is_empty(), "{} differ: {different:#?}", different.len());
}

#[test]
fn ids_do_not_count_what_others_say() {
    let mut stage = Stage::new(CONFIG);
    stage.register_with("anna", CAPS).register_with("bert", CAPS);
    stage.send("anna", "JOIN #support").send("bert", "JOIN #support").forget();
    let mut ids = Vec::new();
    for _ in 0..20 {
        stage.send("anna", "PRIVMSG #support :help");
        let line = stage.lines("anna").pop().unwrap();
        let id = line.split("msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap();
        ids.push(u64::from_str_radix(id.rsplit('-').next().unwrap(), 16).unwrap());
    }
    let steps = |pair: &[u64]| pair[1].wrapping_sub(pair[0]);
    assert!(ids.windows(2).all(|pair| steps(pair) > 1000), "{ids:x?}");
    assert!(ids.windows(3).all(|three| steps(&three[..2]) != steps(&three[1..])), "{ids:x?}");
}

#[test]
fn the_id_of_anothers_line_is_no_reference() {
    let mut stage = Stage::new(CONFIG);
    stage.register_as("bot", "bot").send("bot", "JOIN #support");
    stage.register_with("anna", CAPS).register_with("bert", CAPS);
    stage.send("anna", "JOIN #support").send("bert", "JOIN #support").forget();
    stage.send("bert", "PRIVMSG #support :secret");
    let line = stage.lines("bert").pop().unwrap();
    let id = line.split("msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap().to_owned();
    stage.send("anna", "PRIVMSG #support :mine").forget();
    for (command, lines) in [("AFTER", 3), ("AROUND", 3)] {
        stage.send("bert", &format!("CHATHISTORY {command} #support msgid={id} 5"));
        assert!(stage.lines("bert").len() < lines + 1);
        stage.send("anna", &format!("CHATHISTORY {command} #support msgid={id} 5"));
        assert_eq!(stage.lines("anna").len(), 2, "a batch of nothing");
    }
}

#[test]
fn around_a_line_there_are_as_many_as_if_others_had_said_nothing() {
    let mut stage = Stage::new(CONFIG);
    stage.register_with("anna", CAPS).register_with("bert", CAPS);
    stage.send("anna", "JOIN #support").send("bert", "JOIN #support");
    for text in ["one", "two", "three", "four"] {
        stage.send("anna", &format!("PRIVMSG #support :{text}"));
        for _ in 0..5 {
            stage.send("bert", "PRIVMSG #support :between");
        }
        stage.after(1);
    }
    stage.forget().send("anna", "CHATHISTORY AROUND #support timestamp=2023-11-14T22:13:22.000Z 3");
    let texts: Vec<String> = stage
        .lines("anna")
        .iter()
        .filter_map(|line| Some(line.split_once(" PRIVMSG #support :")?.1.to_owned()))
        .collect();
    assert_eq!(texts, ["two", "three", "four"]);
}
