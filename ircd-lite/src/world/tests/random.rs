//! Random histories: no line panics the world, tables stay consistent, and what it says is understood by another
//! parser than ours.

use proptest::prelude::*;

use super::{Gone, Stage};
use crate::world::client::UserModes;

const CONFIG: &str = "
[[account]]
name = \"bot\"
password = \"pw\"
[[reserve]]
mask = \"bot\"
account = \"bot\"
[[channel]]
name = \"#aud\"
modes = \"+ntu\"
operators = [\"bot\"]
[[oper]]
name = \"root\"
password = \"pw\"
hosts = [\"*@*\"]
";

#[derive(Debug, Clone)]
enum Step {
    Connect(usize),
    Line(usize, Vec<u8>),
    Drop(usize),
    Wait(u64),
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "n0",
            "n1",
            "n2",
            "n3",
            "bot",
            "#a",
            "#aud",
            "&b",
            "#a,#aud",
            "n1,n2",
            "*",
            "0",
            "+b",
            "+o",
            "-o",
            "+v",
            "+u",
            "-u",
            "+i-i",
            "+kl",
            "+beI",
            "-k",
            "5",
            "key",
            "*!*@*",
            "n1!*@*",
            "@#a",
            "+#aud",
            "-n1",
            "+",
            "-",
            "C",
            "L",
            "S",
            "LS",
            "302",
            "REQ",
            "END",
            "PLAIN",
            "AGJvdABwdw==",
            "root",
            "pw",
            "LATEST",
            "%tcuihsnfdlaor,1",
            "o",
            ":",
            ":text with words",
            ":multi-prefix batch labeled-response",
            ":message-tags server-time echo-message",
            "::x",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,12}",
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let command = prop::sample::select(vec![
        "NICK",
        "USER",
        "JOIN",
        "PART",
        "KICK",
        "TOPIC",
        "MODE",
        "INVITE",
        "KNOCK",
        "LIST",
        "NAMES",
        "WHO",
        "WHOIS",
        "WHOWAS",
        "ISON",
        "USERHOST",
        "AWAY",
        "PRIVMSG",
        "NOTICE",
        "TAGMSG",
        "MONITOR",
        "ACCEPT",
        "CAP",
        "AUTHENTICATE",
        "OPER",
        "KILL",
        "KLINE",
        "DLINE",
        "WALLOPS",
        "STATS",
        "LUSERS",
        "CHATHISTORY",
        "SETNAME",
        "QUIT",
        "PING",
        "WEBIRC",
        "HELP",
        "INFO",
        "UNKLINE",
        "UNDLINE",
        "REHASH",
    ]);
    let tags = prop::sample::select(vec!["", "@label=1 ", "@+a=b;+c ", "@label=x;+typing=active "]);
    prop_oneof![
        9 => (tags, command, prop::collection::vec(word(), 0..5))
            .prop_map(|(tags, command, words)| format!("{tags}{command} {}", words.join(" ")).into_bytes()),
        1 => prop::collection::vec(any::<u8>().prop_filter("framed", |byte| ![0, 10, 13].contains(byte)), 0..600),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0usize..4).prop_map(Step::Connect),
        40 => (0usize..4, line()).prop_map(|(who, line)| Step::Line(who, line)),
        1 => (0usize..4).prop_map(Step::Drop),
        1 => (1u64..200).prop_map(Step::Wait),
    ]
}

fn check_tables(stage: &Stage) {
    let world = &stage.world;
    let (mut users, mut invisible, mut opers, mut hidden, mut hidden_invisible) = (0, 0, 0, 0, 0);
    for (slot, client) in world.clients.all() {
        for at in &client.channels {
            assert!(world.channel(*at).rank(slot).is_some(), "a channel knows its members");
        }
        let auditoriums = client.channels.iter().map(|at| world.channel(*at));
        let auditoriums =
            auditoriums.filter(|channel| channel.auditorium() && !channel.is_operator(slot)).count();
        assert_eq!(usize::from(client.auditoriums), auditoriums);
        if client.registered() {
            users += 1;
            invisible += usize::from(client.modes.has(UserModes::INVISIBLE));
            opers += usize::from(client.oper());
            hidden += usize::from(client.auditoriums > 0);
            hidden_invisible += usize::from(client.auditoriums > 0 && client.modes.has(UserModes::INVISIBLE));
            assert_eq!(world.user(&client.identity.nick()), Some(slot));
        }
    }
    let counts = &world.counts;
    assert_eq!(
        (counts.users, counts.invisible, counts.opers, counts.hidden, counts.hidden_invisible),
        (users, invisible, opers, hidden, hidden_invisible)
    );
    assert_eq!(world.opers.len(), opers);
    for (at, channel) in &world.channels {
        assert!(
            channel.permanent.is_some() || !channel.members().is_empty(),
            "no channel stays without members"
        );
        assert_eq!(world.find_channel(&channel.name).map(|slot| slot.0), Some(at));
        let operators = channel.members().iter().filter(|member| member.rank.operator).count();
        assert_eq!(channel.operators().len(), operators);
        for member in channel.members() {
            assert!(world.client(member.client).channels.iter().any(|slot| slot.0 == at));
        }
    }
}

/// What we write is read alike by `irc::proto`.
fn check_with_another_parser(line: &str) {
    // It takes lines without text that ends in a space, and no byte that is not UTF-8, for other lines.
    if line.contains('\u{fffd}') || line.ends_with(' ') {
        return;
    }
    let theirs: irc::proto::Message = line.parse().unwrap_or_else(|error| panic!("{line:?}: {error}"));
    let (tags, rest) = match line.strip_prefix('@') {
        Some(tagged) => tagged.split_once(' ').unwrap(),
        None => ("", line),
    };
    let source = rest.strip_prefix(':').map(|rest| rest.split(' ').next().unwrap().to_owned());
    let prefix = theirs.prefix.as_ref().map(ToString::to_string);
    assert_eq!(prefix, source, "{line:?}");
    assert_eq!(
        theirs.tags.map_or(0, |tags| tags.len()),
        crate::wire::tags::split(tags.as_bytes()).count(),
        "{line:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_history_leaves_consistent_tables(steps in prop::collection::vec(step(), 0..150)) {
        let mut stage = Stage::new(CONFIG);
        for who in 0..4 {
            stage.register_with(&format!("n{who}"), if who % 2 == 0 { "message-tags server-time batch labeled-response" } else { "" });
            stage.send(&format!("n{who}"), "JOIN #aud,#a");
        }
        for step in steps {
            match step {
                Step::Connect(who) => { stage.connect(&format!("n{who}")); }
                Step::Line(who, line) => { stage.send_bytes(&format!("n{who}"), &line); }
                Step::Drop(who) => { stage.gone(&format!("n{who}"), Gone::Eof); }
                Step::Wait(seconds) => { stage.after(seconds); }
            }
            check_tables(&stage);
            for line in stage.inbox.values().flatten() {
                let body = line.strip_prefix('@').map_or(line.as_str(), |tagged| tagged.split_once(' ').unwrap().1);
                prop_assert!(!body.contains(['\r', '\n', '\0']));
                check_with_another_parser(line);
            }
            stage.forget();
        }
    }
}
