//! Channel mode `u`: one test for each way in which a plain member could learn of another.

use super::Stage;

const SUPPORT: &str = "
[[account]]
name = \"bot\"
password = \"pw\"
[[channel]]
name = \"#support\"
modes = \"+ntu\"
operators = [\"bot\"]
[[oper]]
name = \"root\"
password = \"pw\"
hosts = [\"*@*\"]
";
const CAPS: &str =
    "away-notify account-notify extended-join setname message-tags batch draft/chathistory multi-prefix";

/// The bot is operator; anna and bert are visitors; everybody's lines so far are forgotten.
fn stage() -> Stage {
    let mut stage = Stage::new(SUPPORT);
    stage
        .register_as("bot", "bot")
        .send("bot", "JOIN #support")
        .register_with("anna", CAPS)
        .register_with("bert", CAPS);
    stage.send("anna", "JOIN #support").send("bert", "JOIN #support").forget();
    stage
}

#[test]
fn joining() {
    let mut stage = stage();
    stage.register("carl").send("carl", "JOIN #support");
    stage.gets("bot", &[":carl!~carl@10.0.0.1 JOIN :#support"]).silent("anna").silent("bert");
    stage.gets(
        "carl",
        &[
            ":carl!~carl@10.0.0.1 JOIN :#support",
            ":irc.example.net 353 carl = #support :@bot carl",
            ":irc.example.net 366 carl #support :End of /NAMES list.",
        ],
    );
}

#[test]
fn the_operators_join_is_for_all() {
    let mut stage = stage();
    stage.gone("bot", super::Gone::Eof).forget().register_as("bot", "bot").send("bot", "JOIN #support");
    stage.gets(
        "anna",
        &[":bot!~bot@10.0.0.1 JOIN #support bot :bot Test", ":irc.example.net MODE #support +o bot"],
    );
    stage.hears("bot", "353 bot = #support :@bot anna bert");
}

#[test]
fn lines() {
    let mut stage = stage();
    stage
        .send("anna", "PRIVMSG #support :help")
        .gets("bot", &[":anna!~anna@10.0.0.1 PRIVMSG #support :help"]);
    stage.send("anna", "NOTICE #support :help").gets("bot", &[":anna!~anna@10.0.0.1 NOTICE #support :help"]);
    stage.send("anna", "@+typing=active TAGMSG #support").silent("bert").silent("anna");
    stage.send("bot", "PRIVMSG #support :hello all");
    stage.hears("anna", "hello all").hears("bert", "hello all");
}

#[test]
fn addressing_each_other() {
    let mut stage = stage();
    let nobody = ":irc.example.net 401 anna bert :No such nick/channel";
    stage.send("anna", "PRIVMSG bert :psst").gets("anna", &[nobody]).silent("bert");
    stage.send("anna", "NOTICE bert :psst").silent("anna").silent("bert");
    stage.send("anna", "@+typing=active TAGMSG bert").gets("anna", &[nobody]).silent("bert");
    stage.send("anna", "INVITE bert #support").gets("anna", &[nobody]).silent("bert");
    stage.send("anna", "ACCEPT bert").gets("anna", &[nobody]);
    stage.send("anna", "MODE bert").gets("anna", &[":irc.example.net 403 anna bert :No such channel"]);
    stage.send("bot", "PRIVMSG bert :yes?").hears("bert", "yes?");
    stage.send("bert", "PRIVMSG bot :thanks").hears("bot", "thanks");
}

#[test]
fn parting_quitting_and_changing_nick() {
    let mut stage = stage();
    stage.send("bert", "NICK bertold").hears("bot", "NICK :bertold").silent("anna");
    stage.send("bert", "PART #support :bye").hears("bot", "PART #support :bye").silent("anna");
    stage.send("bert", "JOIN #support").forget().send("bert", "QUIT :bye");
    stage.hears("bot", "QUIT :Quit: bye").silent("anna");
}

#[test]
fn kicks_and_modes() {
    let mut stage = stage();
    stage.send("bot", "MODE #support +v bert");
    stage.hears("bot", "+v bert").hears("bert", "+v bert").silent("anna");
    stage.send("bot", "MODE #support +b bert!*@*").hears("bot", "+b bert!*@*").silent("anna").silent("bert");
    stage.send("anna", "MODE #support +b");
    stage.gets("anna", &[":irc.example.net 368 anna #support :End of Channel Ban List"]);
    stage.send("bot", "MODE #support +m-b bert!*@*");
    stage.gets("anna", &[":bot!~bot@10.0.0.1 MODE #support +m"]).forget();
    stage
        .send("bot", "KICK #support bert :out")
        .hears("bot", "KICK #support bert")
        .hears("bert", "KICK")
        .silent("anna");
}

#[test]
fn away_and_names_of_people() {
    let mut stage = stage();
    stage.send("bert", "AWAY :lunch").send("bert", "SETNAME :Bert B").silent("anna");
    stage.send("bot", "PRIVMSG bert :there?").hears("bot", "301 bot bert :lunch");
}

#[test]
fn names_who_and_list() {
    let mut stage = stage();
    stage.send("anna", "NAMES #support");
    stage.gets(
        "anna",
        &[
            ":irc.example.net 353 anna = #support :@bot anna",
            ":irc.example.net 366 anna #support :End of /NAMES list.",
        ],
    );
    stage.send("anna", "NAMES").hears("anna", ":@bot anna");
    for query in ["WHO #support", "WHO b*", "WHO *", "WHO bert", "WHO 10.0.*", "WHO #support %tcuhnfar,42"] {
        stage.send("anna", query);
        let lines = stage.lines("anna");
        assert!(!lines.iter().any(|line| line.contains("~bert")), "{query}: {lines:#?}");
    }
    stage.send("bot", "WHO #support");
    assert_eq!(stage.lines("bot").len(), 4);
    stage.send("anna", "LIST #support").hears("anna", "322 anna #support 2 :");
    stage.send("bot", "LIST #support").hears("bot", "322 bot #support 3 :");
    stage.send("anna", "LIST >2");
    assert!(!stage.lines("anna").iter().any(|line| line.contains(" 322 ")));
}

#[test]
fn whois_and_whowas() {
    let mut stage = stage();
    stage.send("anna", "WHOIS bert").gets(
        "anna",
        &[
            ":irc.example.net 401 anna bert :No such nick/channel",
            ":irc.example.net 318 anna bert :End of /WHOIS list.",
        ],
    );
    stage.send("anna", "WHOIS bot").hears("anna", "319 anna bot :@#support");
    stage.send("bot", "WHOIS bert").hears("bot", "319 bot bert :#support");
    stage.send("bert", "NICK bertold").send("bert", "QUIT").forget();
    for nick in ["bert", "bertold"] {
        stage.send("anna", &format!("WHOWAS {nick}")).hears("anna", " 406 ");
        stage.send("bot", &format!("WHOWAS {nick}")).hears("bot", " 314 ");
    }
}

#[test]
fn ison_and_userhost() {
    let mut stage = stage();
    stage.send("anna", "ISON bert bot").gets("anna", &[":irc.example.net 303 anna :bot "]);
    stage.send("anna", "USERHOST bert bot").gets("anna", &[":irc.example.net 302 anna :bot=+~bot@10.0.0.1 "]);
    stage.send("bot", "ISON bert").gets("bot", &[":irc.example.net 303 bot :bert "]);
}

#[test]
fn monitor_now_and_later() {
    let mut stage = stage();
    stage.send("anna", "MONITOR + bert,bot");
    stage.gets("anna", &[":irc.example.net 730 anna :bot!~bot@10.0.0.1", ":irc.example.net 731 anna :bert"]);
    stage.send("bert", "NICK bertold").send("bert", "NICK bert").silent("anna");
    stage.send("bert", "AWAY :x").send("bert", "QUIT").silent("anna");
    // A visitor on the way in is seen, and then is not.
    stage.register("bert").gets("anna", &[":irc.example.net 730 anna :bert!~bert@10.0.0.1"]);
    stage.send("bert", "JOIN #support").gets("anna", &[":irc.example.net 731 anna :bert"]);
    stage.send("bert", "PART #support").gets("anna", &[":irc.example.net 730 anna :bert!~bert@10.0.0.1"]);
}

#[test]
fn counts() {
    let mut stage = stage();
    stage.send("anna", "LUSERS").hears("anna", "251 anna :There are 2 users and 0 invisible");
    stage.send("bot", "OPER root pw").forget().send("bot", "LUSERS");
    stage.hears("bot", "251 bot :There are 3 users");
    stage.send("anna", "STATS u").hears("anna", "Highest connection count: ");
}

#[test]
fn history() {
    let mut stage = stage();
    stage.send("anna", "PRIVMSG #support :from anna").send("bert", "PRIVMSG #support :from bert");
    stage.send("bot", "PRIVMSG #support :from bot").forget();
    let texts = |lines: Vec<String>| -> Vec<String> {
        let texts = lines.iter().filter(|line| line.contains("PRIVMSG"));
        texts.map(|line| line.rsplit(':').next().unwrap().to_owned()).collect()
    };
    stage.send("anna", "CHATHISTORY LATEST #support * 10");
    assert_eq!(texts(stage.lines("anna")), ["from anna", "from bot"]);
    stage.send("bot", "CHATHISTORY LATEST #support * 10");
    assert_eq!(texts(stage.lines("bot")), ["from anna", "from bert", "from bot"]);
    // Lines said in private stay so when the channel becomes an ordinary one.
    stage.send("bot", "MODE #support -u").forget().send("anna", "CHATHISTORY LATEST #support * 10");
    assert_eq!(texts(stage.lines("anna")), ["from anna", "from bot"]);
}

#[test]
fn topics_of_plain_members() {
    let mut stage = stage();
    stage.send("bot", "MODE #support -t").forget().send("bert", "TOPIC #support :mine");
    stage.gets("anna", &[":irc.example.net TOPIC #support :mine"]);
    stage.gets("bot", &[":bert!~bert@10.0.0.1 TOPIC #support :mine"]);
    stage.gets("bert", &[":bert!~bert@10.0.0.1 TOPIC #support :mine"]);
    stage.send("anna", "TOPIC #support").hears("anna", "333 anna #support irc.example.net ");
    stage.send("bot", "TOPIC #support").hears("bot", "333 bot #support bert!~bert@10.0.0.1 ");
}

#[test]
fn strangers_outside_learn_no_more_than_members() {
    let mut stage = stage();
    stage.register("spy").send("spy", "NAMES #support").hears("spy", "353 spy = #support :@bot");
    for query in ["WHOIS bert", "WHO #support", "ISON bert", "USERHOST bert", "PRIVMSG bert :hi", "LIST"] {
        stage.send("spy", query);
        let lines = stage.lines("spy");
        assert!(!lines.iter().any(|line| line.contains("~bert")), "{query}: {lines:#?}");
    }
    stage.silent("bert");
}

#[test]
fn another_channel_joins_them_and_hides_the_first() {
    let mut stage = stage();
    stage.send("anna", "JOIN #tea").send("bert", "JOIN #tea").forget();
    stage.send("anna", "PRIVMSG bert :hi").hears("bert", "hi");
    stage.send("anna", "WHOIS bert").hears("anna", "319 anna bert :#tea");
    stage.send("bert", "PART #tea").forget().send("anna", "PRIVMSG bert :hi").hears("anna", " 401 ");
}

#[test]
fn a_new_operator_comes_into_sight_and_a_former_one_leaves_it() {
    let mut stage = stage();
    stage.send("bot", "MODE #support +o anna");
    stage.gets(
        "bert",
        &[":anna!~anna@10.0.0.1 JOIN #support * :anna Test", ":bot!~bot@10.0.0.1 MODE #support +o anna"],
    );
    stage.hears("anna", "353 anna = #support :@anna @bot bert");
    stage.send("anna", "PRIVMSG bert :hello").hears("bert", "hello");
    stage.forget().send("bot", "MODE #support -o anna");
    stage.gets("bert", &[":anna!~anna@10.0.0.1 PART #support", ":bot!~bot@10.0.0.1 MODE #support -o anna"]);
    stage.forget().send("anna", "PRIVMSG bert :hello").hears("anna", " 401 ").silent("bert");
}

#[test]
fn irc_operators_see_everybody() {
    let mut stage = stage();
    stage.register("root").send("root", "OPER root pw").forget();
    stage.send("root", "WHOIS bert").hears("root", "311 root bert");
    stage.send("root", "NAMES #support").hears("root", "bert anna");
}

#[test]
fn turning_it_off_and_on_brings_people_into_sight_and_out_of_it() {
    let mut stage = stage();
    stage.send("bot", "MODE #support +v bert").send("anna", "MONITOR + bert").forget();
    let server = ":irc.example.net MODE #support +v bert";
    stage.send("bot", "MODE #support -u");
    let off = ":bot!~bot@10.0.0.1 MODE #support -u";
    stage.gets("bot", &[off]);
    let seen = ":irc.example.net 730 anna :bert!~bert@10.0.0.1";
    stage.gets("anna", &[":bert!~bert@10.0.0.1 JOIN #support * :bert Test", server, seen, off]);
    stage.gets("bert", &[":anna!~anna@10.0.0.1 JOIN #support * :anna Test", server, off]);
    stage.send("anna", "PRIVMSG bert :hi").hears("bert", "hi");
    stage.send("bot", "MODE #support +u");
    let on = ":bot!~bot@10.0.0.1 MODE #support +u";
    stage.gets("bot", &[on]);
    stage.gets("anna", &[":bert!~bert@10.0.0.1 PART #support", ":irc.example.net 731 anna :bert", on]);
    stage.gets("bert", &[":anna!~anna@10.0.0.1 PART #support", on]);
    stage.send("anna", "PRIVMSG bert :hi").hears("anna", " 401 ").silent("bert");
    stage.send("bot", "MODE #support +u").silent("anna");
}

#[test]
fn a_new_configuration_turns_it_off_as_an_operator_does() {
    let mut stage = stage();
    let text = format!("{}{}", super::UNLIMITED, SUPPORT.replace("+ntu", "+nm"));
    let config = super::Config::parse(&text, std::path::Path::new("test.toml")).unwrap();
    stage.world.reload(config, stage.now);
    stage.collect();
    let told = ":irc.example.net MODE #support +m-tu";
    stage.gets("anna", &[":bert!~bert@10.0.0.1 JOIN #support * :bert Test", told]).gets("bot", &[told]);
}

#[test]
fn among_very_many_it_stays_as_it_is() {
    let mut stage = stage();
    for number in 0..1000 {
        let who = format!("v{number}");
        stage.register(&who).send(&who, "JOIN #support").forget();
    }
    stage
        .send("bot", "MODE #support -u")
        .hears("bot", "can't change while more than 1000 people")
        .silent("anna");
    stage.send("bot", "MODE #support").hears("bot", "+tnu");
}
