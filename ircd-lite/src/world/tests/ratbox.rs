//! Answers in which ircd-ratbox 3.1 has ways of its own, each as that daemon gave it.

use super::Stage;

/// Two users in a channel that the first one opened.
fn pair() -> Stage {
    let mut stage = Stage::new("");
    stage.register("ann").register("bob").send("ann", "JOIN #Chan").send("bob", "JOIN #chan").forget();
    stage
}

#[test]
fn user_modes_without_a_meaning_are_kept_and_shown() {
    let mut stage = pair();
    stage.send("ann", "MODE ann +xy-y").gets("ann", &[":ann MODE ann :+x"]);
    stage.send("ann", "MODE ann +bcCfklru").gets("ann", &[":ann MODE ann :+bcCfklru"]);
    stage.send("ann", "MODE ann").gets("ann", &[":irc.example.net 221 ann +bcCfklrux"]);
    for letters in ["+S", "+Z", "+d", "+bQ"] {
        stage.send("ann", &format!("MODE ann {letters}"));
        stage.gets("ann", &[":irc.example.net 501 ann :Unknown MODE flag"]);
    }
    stage
        .send("ann", "MODE ann +z")
        .gets("ann", &[":irc.example.net NOTICE ann :*** You need oper and operwall flag for +z"]);
}

#[test]
fn changed_user_modes_are_told_in_the_order_of_letters() {
    let mut stage = pair();
    stage.send("ann", "MODE ann +gw").forget();
    stage.send("ann", "MODE ann -gw +i").gets("ann", &[":ann MODE ann :-g+i-w"]);
}

#[test]
fn a_key_keeps_seven_bits_of_each_byte() {
    let mut stage = pair();
    stage
        .send_bytes("ann", b"MODE #chan +k \xeb:\xe9,\xf9\x02")
        .gets("bob", &[":ann!~ann@10.0.0.1 MODE #Chan +k kiy"]);
}

#[test]
fn keys_and_limits_leave_room_for_four_ranks() {
    let mut stage = pair();
    stage.send("ann", "MODE #chan +klvvvvv key 12abc bob bob bob bob bob");
    stage.gets("bob", &[":ann!~ann@10.0.0.1 MODE #Chan +klvvvv key 12 bob bob bob bob"]);
    stage.send("ann", "MODE #chan +k-k+ll new x 3 4");
    stage.gets("bob", &[":ann!~ann@10.0.0.1 MODE #Chan +k-k+ll * * 4 4"]);
    stage.send("ann", "MODE #chan +l 0").send("ann", "MODE #chan +l -3").send("ann", "MODE #chan +l x");
    stage.send("ann", "MODE #chan =o bob").silent("bob");
}

#[test]
fn what_is_turned_on_and_off_again_is_told_as_both() {
    pair().send("ann", "MODE #chan +m-m").gets("bob", &[":ann!~ann@10.0.0.1 MODE #Chan +m-m"]);
}

#[test]
fn one_command_says_each_refusal_once() {
    let mut stage = pair();
    stage.register("eve").forget();
    stage.send("ann", "MODE #chan +vvXYbb EVE eve");
    stage.gets(
        "ann",
        &[
            ":irc.example.net 441 ann EVE #Chan :They aren't on that channel",
            ":irc.example.net 472 ann X :is unknown mode char to me",
            ":irc.example.net 368 ann #Chan :End of Channel Ban List",
        ],
    );
}

#[test]
fn four_long_bans_take_two_lines() {
    let mut stage = pair();
    let (setter, channel) = ("n".repeat(30), format!("#{}", "c".repeat(49)));
    stage.register(&setter).send(&setter, &format!("JOIN {channel}"));
    stage.send("bob", &format!("JOIN {channel}")).forget();
    let mask = |byte: &str| format!("{}!{}@{}", byte.repeat(30), byte.repeat(10), byte.repeat(63));
    let masks = ["a", "b", "c", "d"].map(mask);
    stage.send(&setter, &format!("MODE {channel} +bbbb {}", masks.join(" ")));
    let start = format!(":{setter}!~{}@10.0.0.1 MODE {channel}", "n".repeat(9));
    let (first, last) = (masks[..3].join(" "), &masks[3]);
    stage.gets("bob", &[&format!("{start} +bbb {first}"), &format!("{start} +b {last}")]);
}

#[test]
fn who_changed_the_nick_is_still_found() {
    let mut stage = pair();
    stage.send("bob", "NICK rob").forget();
    stage.send("ann", "MODE #chan +v BOB").gets("ann", &[":ann!~ann@10.0.0.1 MODE #Chan +v rob"]);
    stage.after(91).forget().send("ann", "KICK #chan bob").hears("ann", " 401 ann bob :");
}

#[test]
fn channels_are_named_as_they_were_asked_for() {
    let mut stage = pair();
    stage.register("eve").forget();
    stage.send("eve", "MODE #CHAN").hears("eve", " 324 eve #CHAN +tn");
    stage.send("eve", "PART #CHAN").hears("eve", " 442 eve #CHAN :");
    stage.send("eve", "KICK #CHAN bob").hears("eve", " 442 eve #CHAN :");
    stage.send("bob", "KICK #CHAN ann").hears("bob", " 482 bob #CHAN :");
    stage.send("eve", "INVITE bob #CHAN").hears("eve", " 442 eve #CHAN :");
    stage.send("ann", "INVITE eve #CHAN").gets("ann", &[":irc.example.net 341 ann eve #CHAN"]);
    stage.gets("eve", &[":ann!~ann@10.0.0.1 INVITE eve :#Chan"]);
}

#[test]
fn a_message_to_ranks_without_one_is_refused_whole() {
    let mut stage = pair();
    stage.send("bob", "NOTICE ann,@#chan :x").silent("ann");
    stage.gets("bob", &[":irc.example.net 482 bob @#chan :You're not channel operator"]);
    stage.send("ann", "MODE #chan +v bob").forget();
    stage.send("bob", "PRIVMSG @#chan,#chan :x").gets("ann", &[":bob!~bob@10.0.0.1 PRIVMSG @#Chan :x"]);
}

#[test]
fn users_at_servers_are_services_of_which_there_are_none() {
    let mut stage = pair();
    stage.send("ann", "PRIVMSG x@other.example :x").hears("ann", " 402 ann other.example :No such server");
    stage.send("ann", "PRIVMSG x@irc.example.net :x").hears("ann", " 401 ann x@irc.example.net :");
}

#[test]
fn whoever_is_outside_and_banned_may_still_speak_without_n() {
    let mut stage = pair();
    stage.register("eve").send("ann", "MODE #chan -n+b eve").forget();
    stage.send("eve", "PRIVMSG #chan :hi").gets("ann", &[":eve!~eve@10.0.0.1 PRIVMSG #Chan :hi"]);
    stage.send("eve", "JOIN #chan").hears("eve", " 474 ");
}

#[test]
fn a_notice_to_caller_id_tells_the_target_only() {
    let mut stage = pair();
    stage.send("bob", "MODE bob +g").forget();
    stage.send("ann", "NOTICE bob :x").silent("ann").hears("bob", " 718 bob ann ~ann@10.0.0.1 :");
}

#[test]
fn of_a_list_the_first_counts() {
    let mut stage = pair();
    stage.send("ann", "JOIN #two").forget();
    stage.send("ann", "LIST #chan,#two").gets(
        "ann",
        &[
            ":irc.example.net 321 ann Channel :Users  Name",
            ":irc.example.net 322 ann #Chan 2 :",
            ":irc.example.net 323 ann :End of /LIST",
        ],
    );
    stage.send("ann", "WHOIS bob,ann").gets(
        "ann",
        &[
            ":irc.example.net 401 ann bob :No such nick/channel",
            ":irc.example.net 318 ann bob :End of /WHOIS list.",
        ],
    );
    stage.send("ann", "WHOWAS x,y").hears("ann", " 369 ann x :");
    stage.send("ann", "WHOIS ann :").hears("ann", " 431 ann :No nickname given");
}

#[test]
fn an_empty_quit_is_empty() {
    let mut stage = pair();
    stage.send("bob", "QUIT :").gets("ann", &[":bob!~bob@10.0.0.1 QUIT :"]);
    stage.hears("bob", "ERROR :Closing Link: 10.0.0.1 ()");
}

#[test]
fn accept_answers_absences_then_removals_then_additions() {
    let mut stage = pair();
    stage.send("ann", "ACCEPT ann,-bob,x").gets(
        "ann",
        &[
            ":irc.example.net 401 ann x :No such nick/channel",
            ":irc.example.net 458 ann bob :is not on your accept list",
            ":irc.example.net 457 ann ann :is already on your accept list",
        ],
    );
}

#[test]
fn names_of_everything_ends_with_who_is_nowhere() {
    let mut stage = pair();
    stage.register("eve").register("fay").send("fay", "MODE fay +i").forget();
    stage.send("ann", "NAMES").gets(
        "ann",
        &[
            ":irc.example.net 353 ann = #Chan :@ann bob",
            ":irc.example.net 353 ann * * :eve",
            ":irc.example.net 366 ann * :End of /NAMES list.",
        ],
    );
}

#[test]
fn commands_for_operators_and_for_servers() {
    let mut stage = pair();
    for command in ["MAP", "GLINE a b", "OPERWALL x", "SET", "MODLIST", "STATS z"] {
        stage.send("ann", command).hears("ann", " 481 ann :");
    }
    for command in ["SJOIN x", "ENCAP x", "GET / HTTP/1.0", "OPERSPY"] {
        stage.send("ann", command).silent("ann");
    }
    stage.connect("web").send("web", "POST / HTTP/1.0").hears("web", "ERROR :");
    assert!(stage.is_closed("web"));
}

#[test]
fn more_than_ten_messages_a_second_to_one_target_are_dropped() {
    let mut stage = Stage::with_limits("[limits]\nconnect_throttle = 0\nconnections_per_address = 0\n");
    let senders: Vec<String> = (0..6).map(|at| format!("s{at}")).collect();
    stage.register("bob").send("bob", "JOIN #c");
    for sender in &senders {
        stage.register(sender).send(sender, "JOIN #c");
    }
    stage.forget();
    for sender in senders.iter().chain(&senders).take(11) {
        stage.send(sender, "PRIVMSG bob :hi");
    }
    assert_eq!(stage.lines("bob").len(), 10);
    stage.gets("s4", &[":irc.example.net NOTICE s4 :*** Message to bob throttled due to flooding"]);
    stage.after(1).forget().send("s4", "PRIVMSG bob :hi").hears("bob", "hi");
    stage.after(5).forget();
    for sender in senders.iter().chain(&senders).take(11) {
        stage.send(sender, "PRIVMSG #c :hi");
    }
    assert_eq!(stage.lines("bob").len(), 10);
    stage.hears("s4", "*** Message to #c throttled due to flooding");
}

#[test]
fn registration_looks_at_the_user_name_last() {
    let mut stage = Stage::new("");
    stage.connect("a").send("a", "USER bad!name 0 * :x").silent("a");
    stage.send("a", "USER good 0 * :x").send("a", "NICK ann").hears("a", " 001 ann :");
    stage.send("a", "USERHOST ann").hears("a", "ann=+~good@");
    stage.connect("b").send("b", "USER toolong!name 0 * :x").send("b", "NICK bob");
    stage.gets("b", &["ERROR :Closing Link: 10.0.0.1 (Invalid username [~toolong!n])"]);
}

#[test]
fn before_registration() {
    let mut stage = Stage::new("");
    stage.connect("a").send("a", "NICK ann").send("a", "ADMIN").hears("a", " 256 ann :");
    stage.send("a", "JOIN #c").gets("a", &[":irc.example.net 451 * :You have not registered"]);
    stage.send("a", "CAP REQ").silent("a");
    stage.send("a", "ERROR :x").gets("a", &["ERROR :Closing Link: 10.0.0.1 (ERROR)"]);
}

#[test]
fn help_of_a_command_and_of_an_operator_s() {
    let mut stage = pair();
    stage.send("ann", "HELP privmsg").hears("ann", " 704 ann privmsg :PRIVMSG <target>");
    stage.send("ann", "HELP").hears("ann", " 705 ann index :ACCEPT          ADMIN ");
    stage.send("ann", "HELP kill").gets("ann", &[":irc.example.net 524 ann kill :Help not found"]);
}

#[test]
fn whois_ends_each_channel_with_a_space() {
    let mut stage = pair();
    stage.send("bob", "JOIN #two").send("ann", "WHOIS bob").hears("ann", " 319 ann bob :@#two #Chan ");
}

#[test]
fn links_by_mask_and_who_without_fields() {
    let mut stage = pair();
    stage.send("ann", "LINKS x").gets("ann", &[":irc.example.net 365 ann x :End of /LINKS list."]);
    stage.send("ann", "LINKS no.such *").hears("ann", " 402 ann no.such :");
    stage.send("ann", "LINKS *.net").hears("ann", " 364 ann irc.example.net irc.example.net :0 ");
    stage.send("ann", "WHO bob %").hears("ann", " 352 ann #Chan ~bob 10.0.0.1 irc.example.net bob H :0 ");
}

#[test]
fn who_gets_and_loses_a_rank_beside_an_exception_is_told_once() {
    let mut stage = pair();
    stage
        .send("ann", "MODE #chan +o-o+e bob bob x")
        .gets("bob", &[":ann!~ann@10.0.0.1 MODE #Chan +o-o bob bob"]);
    stage.hears("ann", " MODE #Chan +e x!*@*");
}

#[test]
fn whois_shows_both_ranks() {
    let mut stage = pair();
    stage
        .send("ann", "MODE #chan +ov bob bob")
        .send("ann", "WHOIS bob")
        .hears("ann", " 319 ann bob :@+#Chan ");
}

#[test]
fn names_begin_with_operators_and_go_on_with_the_latest() {
    let mut stage = pair();
    stage.register("carl").send("carl", "JOIN #chan").send("ann", "MODE #chan +v bob");
    stage.forget().send("carl", "NAMES #chan").hears("carl", " 353 carl = #Chan :@ann carl +bob");
}
