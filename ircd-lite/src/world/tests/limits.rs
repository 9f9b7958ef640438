//! Limits and timeouts, with the clock in the test's hand.

use super::{Effect, Stage, Transport};

#[test]
fn silence_is_pinged_and_then_ended() {
    let mut stage = Stage::with_limits("");
    stage.register("a").register("b").send("a", "JOIN #c").send("b", "JOIN #c").forget();
    stage.after(119).silent("a").after(1).gets("a", &["PING :irc.example.net"]);
    stage.send("b", "PONG :x").after(118).silent("a").after(2);
    stage.hears("a", "ERROR :Closing Link: 10.0.0.1 (Ping timeout: 240 seconds)");
    stage.hears("b", ":a!~a@10.0.0.1 QUIT :Ping timeout: 240 seconds");
    assert!(stage.is_closed("a") && !stage.is_closed("b"));
}

#[test]
fn who_does_not_register_is_ended() {
    let mut stage = Stage::with_limits("");
    stage.connect("a").send("a", "NICK a").after(29);
    assert!(!stage.is_closed("a"));
    stage.after(1).gets("a", &["ERROR :Closing Link: 10.0.0.1 (Connection timed out)"]);
}

#[test]
fn an_address_may_connect_five_times_a_minute() {
    let mut stage = Stage::with_limits("[limits]\nexempt = [\"10.7.0.0/16\"]\n");
    for at in 0..5 {
        stage.connect(&format!("c{at}"));
    }
    let refused = stage.connect_from("x", "10.0.0.1", Transport::Plain).unwrap_err();
    assert_eq!(refused, "ERROR :Reconnecting too fast, throttled.\r\n");
    for at in 0..20 {
        stage.connect_from(&format!("e{at}"), "10.7.0.1", Transport::Plain).unwrap();
    }
    stage.connect_from("other", "10.0.0.2", Transport::Plain).unwrap();
    stage.after(60).connect("later");
}

#[test]
fn lines_beyond_the_allowance_wait_in_order() {
    let mut stage = Stage::with_limits("");
    stage.register("a").register("b").send("a", "PRIVMSG b :0").forget();
    for at in 1..=9 {
        stage.send("a", &format!("PRIVMSG b :{at}"));
    }
    let texts = |stage: &mut Stage| -> Vec<String> {
        stage.lines("b").iter().map(|line| line.rsplit(':').next().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&mut stage), ["1", "2", "3", "4"]);
    stage.after(1);
    assert_eq!(texts(&mut stage), ["5", "6"]);
    stage.after(2);
    assert_eq!(texts(&mut stage), ["7", "8", "9"]);
}

#[test]
fn exempt_accounts_and_operators_never_wait() {
    let config = "
[[account]]
name = \"bot\"
password = \"pw\"
exempt = true
";
    let mut stage = Stage::with_limits(config);
    stage.register_as("bot", "bot").register("b").forget();
    for at in 0..200 {
        stage.send("bot", &format!("PRIVMSG b :{at}"));
    }
    assert_eq!(stage.lines("b").len(), 200);
}

#[test]
fn a_flood_is_ended_without_a_word_to_the_flooder() {
    let mut stage = Stage::with_limits("");
    stage.register("a").register("b").send("a", "JOIN #c").send("b", "JOIN #c").forget();
    stage.send("a", "PRIVMSG #c :first").forget();
    for _ in 0..40 {
        stage.send("a", "PRIVMSG #c :x");
    }
    stage.hears("b", "QUIT :Excess Flood").silent("a");
    assert!(stage.is_closed("a"));
}

#[test]
fn sign_on_with_sasl_fits_the_allowance_before_registration() {
    let mut stage = Stage::with_limits("[[account]]\nname = \"bot\"\npassword = \"pw\"\n");
    stage.register_as("bot", "bot");
}

#[test]
fn at_most_four_targets_and_each_once() {
    let mut stage = Stage::new("");
    for who in ["a", "b", "c", "d", "e", "f"] {
        stage.register(who);
    }
    stage.send("a", "PRIVMSG b,B,nobody,c,d,e,f :hi");
    stage.gets(
        "a",
        &[
            ":irc.example.net 401 a nobody :No such nick/channel",
            ":irc.example.net 407 a f :Too many recipients.",
        ],
    );
    stage.gets("b", &[":a!~a@10.0.0.1 PRIVMSG b :hi"]).hears("e", "hi").silent("f");
}

#[test]
fn ten_new_targets_then_one_a_minute() {
    let mut stage = Stage::with_limits("[limits]\nconnect_throttle = 0\nconnections_per_address = 0\n");
    stage.register("a");
    for at in 0..12 {
        stage.register(&format!("t{at}"));
    }
    for at in 0..10 {
        stage.send("a", &format!("PRIVMSG t{at} :hi")).after(1);
    }
    stage.forget().send("a", "PRIVMSG t10 :hi").hears("a", "707 a t10 :").silent("t10");
    stage.send("a", "PRIVMSG t3 :again").hears("t3", "again");
    stage.after(60).forget().send("a", "PRIVMSG t10 :hi").hears("t10", "hi");
}

#[test]
fn lists_and_monitors_are_bounded() {
    let limits = "[limits]\nflood_lines = 0\nlist_entries = 2\nmonitor = 2\nchannels_per_user = 1\n";
    let mut stage = Stage::with_limits(limits);
    stage.register("a").send("a", "JOIN #c").forget();
    stage.send("a", "MODE #c +bbb one two three").hears("a", "478 a #c three!*@* :");
    stage.send("a", "MONITOR + x,y,z").hears("a", "734 a 2 z :Monitor list is full");
    stage
        .send("a", "JOIN #d,#e")
        .gets("a", &[":irc.example.net 405 a #d :You have joined too many channels"]);
}

#[test]
fn a_stop_tells_everybody() {
    let mut stage = Stage::new("");
    stage.register("a").connect("b");
    stage.world.stop(stage.now);
    stage.collect();
    stage.gets("a", &["ERROR :Closing Link: 10.0.0.1 (Server closing)"]).hears("b", "ERROR");
    assert!(stage.is_closed("a") && stage.is_closed("b"));
}

#[test]
fn a_ban_of_the_longest_nick_there_may_be_holds() {
    let mut stage = Stage::with_limits("[limits]\nnick_length = 63\nflood_lines = 0\n");
    let guest = "g".repeat(63);
    stage
        .register("anna")
        .register(&guest)
        .send("anna", "JOIN #c")
        .send("anna", &format!("MODE #c +b {guest}"));
    stage.forget().send(&guest, "JOIN #c").hears(&guest, " 474 ");
}

#[test]
fn a_long_list_goes_out_piece_by_piece() {
    let mut stage = Stage::new("");
    stage.register("a").register("b");
    let mut config = (*stage.world.config).clone();
    config.limits.sendq = 4096;
    config.limits.channels_per_user = 0;
    stage.world.reload(config, stage.now);
    for at in 0..50 {
        stage.send("b", &format!("JOIN #channel-{at}"));
    }
    stage.forget().send("a", "LIST");
    let first = stage.lines("a");
    assert!((8..20).contains(&first.len()), "{first:#?}");
    stage.send("a", "PING x").hears("a", "PONG");
    let (mut pieces, mut all) = (1, first);
    while let Some(Effect::TellDrained { client }) = stage.world.take_effects().pop() {
        stage.world.drained(client, stage.now);
        stage.collect();
        all.extend(stage.lines("a"));
        pieces += 1;
    }
    assert_eq!((all.iter().filter(|line| line.contains(" 322 ")).count(), pieces), (50, 4));
    assert!(all.last().unwrap().ends_with("323 a :End of /LIST"));
    stage.send("a", "LIST").forget().send("a", "LIST #channel-1");
    let lines = stage.lines("a");
    assert!(lines[0].contains(" 323 ") && lines[1].contains(" 321 ") && lines.len() == 4, "{lines:#?}");
}

#[test]
fn costly_queries_come_once_in_ten_seconds_each() {
    let mut stage = Stage::with_limits("");
    stage.register("a").register("b").forget();
    for (query, end) in [("LIST", " 323 "), ("NAMES", " 366 "), ("WHO x*", " 315 ")] {
        let load = format!(" 263 b {} :", query.split(' ').next().unwrap());
        stage.send("a", query).hears("a", end);
        stage.send("b", query);
        let lines = stage.lines("b");
        assert!(lines.len() == 2 && lines[0].contains(&load) && lines[1].contains(end), "{lines:#?}");
    }
    stage.after(10).forget().send("b", "LIST").hears("b", " 321 ");
}
