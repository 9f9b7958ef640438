//! IRC operators: bans, KILL, WALLOPS, REHASH; and what a reload changes.

use std::path::Path;

use super::{Config, Effect, Stage, Transport, UNLIMITED};

const ROOT: &str = "[[oper]]\nname = \"root\"\npassword = \"pw\"\nhosts = [\"*@10.0.0.1\"]\n";

fn stage() -> Stage {
    let mut stage = Stage::new(ROOT);
    stage.register("root").send("root", "OPER root pw").forget();
    stage
}

#[test]
fn only_from_the_right_host() {
    let mut stage = Stage::new(ROOT);
    stage.connect_from("x", "10.0.0.2", Transport::Plain).unwrap();
    stage
        .send("x", "NICK x")
        .send("x", "USER x 0 * :x")
        .forget()
        .send("x", "OPER root pw")
        .hears("x", " 491 x ");
}

#[test]
fn a_kline_ends_and_refuses() {
    let mut stage = stage();
    stage.connect_from("x", "10.5.0.1", Transport::Plain).unwrap();
    stage.send("x", "NICK x").send("x", "USER x 0 * :x").forget();
    stage.send("root", "KLINE 10 *@10.5.0.0/16 :no more").hears("root", "Added K-Line [*@10.5.0.0/16]");
    stage.hears("x", "ERROR :Closing Link: 10.5.0.1 (no more)");
    stage.connect_from("y", "10.5.0.2", Transport::Plain).unwrap();
    stage
        .send("y", "NICK y")
        .send("y", "USER y 0 * :y")
        .hears("y", "465 y :You are banned from this server- no more");
    assert!(stage.is_closed("y"));
    let kept = stage.world.take_effects();
    assert!(
        matches!(kept.as_slice(), [Effect::KeepBans(text)] if text.starts_with("K ") && text.contains("no more"))
    );
    stage.after(600).connect_from("z", "10.5.0.2", Transport::Plain).unwrap();
    stage.send("z", "NICK z").send("z", "USER z 0 * :z").hears("z", " 001 z ");
}

#[test]
fn a_kline_of_everybody_is_refused() {
    let mut stage = stage();
    stage.send("root", "KLINE *@* :oops").hears("root", "at least 4 non-wildcard characters");
    assert!(!stage.is_closed("root"));
}

#[test]
fn a_dline_holds_until_it_is_taken_back() {
    let mut stage = stage();
    stage.send("root", "DLINE 10.6.0.0/16 :gone");
    let refused = stage.connect_from("x", "10.6.1.1", Transport::Plain).unwrap_err();
    assert_eq!(refused, "ERROR :You have been D-lined.\r\n");
    stage.send("root", "UNDLINE 10.6.0.0/16").connect_from("x", "10.6.1.1", Transport::Plain).unwrap();
}

#[test]
fn wallops_reach_those_who_want_them() {
    let mut stage = stage();
    stage.register("a").register("b").send("a", "MODE a +w").forget();
    stage.send("root", "WALLOPS :news").gets("a", &[":root!~root@10.0.0.1 WALLOPS :news"]).silent("b");
}

#[test]
fn rehash_asks_for_a_reload_which_changes_what_it_may() {
    let mut stage = stage();
    stage.register_with("a", "cap-notify").send("root", "REHASH").hears("root", " 382 ");
    assert!(matches!(stage.world.take_effects().as_slice(), [Effect::Reload]));
    let text = format!(
        "{UNLIMITED}{ROOT}[[account]]\nname = \"bot\"\npassword = \"pw\"\n[[channel]]\nname = \"#new\"\nmodes = \"+ntm\"\n"
    );
    let config = Config::parse(&text, Path::new("test.toml")).unwrap();
    stage.world.reload(config, stage.now);
    stage.collect();
    stage.gets("a", &[":irc.example.net CAP a NEW :sasl"]);
    stage.send("a", "MODE #new").hears("a", "324 a #new +mtn");
    let config = Config::parse(&format!("{UNLIMITED}{ROOT}"), Path::new("test.toml")).unwrap();
    stage.world.reload(config, stage.now);
    stage.collect();
    stage.gets("a", &[":irc.example.net CAP a DEL :sasl"]).send("a", "MODE #new").hears("a", " 403 a #new ");
}

#[test]
fn deoper_takes_the_rights() {
    let mut stage = stage();
    stage.send("root", "MODE root -o").gets(
        "root",
        &[":irc.example.net NOTICE root :*** You need oper and operwall flag for +z", ":root MODE root :-oz"],
    );
    stage.send("root", "KILL root").hears("root", " 481 ");
}

#[test]
fn an_operator_may_kill_itself() {
    let mut stage = stage();
    stage.send("root", "KILL root :bye").hears("root", "ERROR :Closing Link: 10.0.0.1 (Killed (root (bye)))");
}
