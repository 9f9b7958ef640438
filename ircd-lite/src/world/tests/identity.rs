//! Who may be whom: SASL, reserved nicks, WEBIRC, cloaks, nicks that two want.

use super::{Gone, Stage, Transport};

const BOT: &str = "
[[account]]
name = \"bot\"
password = \"pw\"
exempt = true
[[reserve]]
mask = \"bot\"
reason = \"the service\"
account = \"bot\"
";

#[test]
fn a_reserved_nick_needs_its_account() {
    let mut stage = Stage::new(BOT);
    stage.connect("x").send("x", "NICK Bot");
    stage.gets("x", &[":irc.example.net 432 * Bot :Nickname is reserved: the service"]);
    stage.register("y").send("y", "NICK BOT").hears("y", "432 y BOT :Nickname is reserved");
    stage.register_as("bot", "bot").send("y", "WHOIS bot").hears("y", "330 y bot bot :is logged in as");
}

#[test]
fn asking_for_a_reserved_nick_does_not_hold_it() {
    let mut stage = Stage::new(BOT);
    stage.connect("x").send("x", "CAP LS 302").send("x", "NICK bot").send("x", "USER x 0 * :x").forget();
    stage.register_as("bot", "bot");
    stage.send("x", "CAP END").gets("x", &[":irc.example.net 432 * bot :Nickname is reserved: the service"]);
    stage.send("x", "NICK x").hears("x", " 001 x ");
}

#[test]
fn the_account_takes_its_reserved_nick_back_from_its_own_ghost() {
    let mut stage = Stage::new(BOT);
    stage.register_as("bot", "bot");
    let old = stage.ids["bot"];
    stage.register_as("bot", "bot");
    assert!(stage.closed.contains(&old));
}

#[test]
fn sasl_fails_aborts_and_is_limited() {
    let mut stage = Stage::new(BOT);
    stage.connect("x").send("x", "AUTHENTICATE PLAIN").hears("x", " 904 ");
    stage.send("x", "CAP REQ :sasl").forget();
    stage.send("x", "AUTHENTICATE SCRAM").hears("x", " 908 * PLAIN ");
    stage.send("x", "AUTHENTICATE PLAIN").gets("x", &["AUTHENTICATE +"]);
    stage.send("x", "AUTHENTICATE *").hears("x", " 906 ");
    stage
        .send("x", "AUTHENTICATE PLAIN")
        .send("x", &format!("AUTHENTICATE {}", "A".repeat(401)))
        .hears("x", " 905 ");
    for _ in 0..5 {
        assert!(!stage.is_closed("x"));
        stage.send("x", "AUTHENTICATE PLAIN").send("x", "AUTHENTICATE AGJvdAB4").hears("x", " 904 ");
    }
    assert!(stage.is_closed("x"));
}

#[test]
fn a_hashed_password_is_checked_outside_while_lines_wait() {
    let hash = crate::config::Password::hash("pw").unwrap();
    let mut stage = Stage::new(&format!("[[account]]\nname = \"bot\"\npassword_hash = \"{hash}\"\n"));
    stage.connect("x").send("x", "CAP REQ :sasl").send("x", "NICK x").send("x", "USER x 0 * :x");
    stage
        .send("x", "AUTHENTICATE PLAIN")
        .send("x", "AUTHENTICATE AGJvdABwdw==")
        .send("x", "CAP END")
        .forget();
    let effects = stage.world.take_effects();
    let [super::Effect::Verify { client, password: Some(password), given }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert!(password.verify(given) && !password.verify(b"other"));
    stage.silent("x");
    stage.world.verified(*client, true, stage.now);
    stage.collect();
    stage.hears("x", " 001 x ");
}

#[test]
fn an_unregistered_holder_loses_its_nick_to_a_user() {
    let mut stage = Stage::new("");
    stage.register("a").connect("x").send("x", "NICK wanted").connect("y").send("y", "NICK wanted");
    stage.gets("y", &[":irc.example.net 433 * wanted :Nickname is already in use."]);
    stage.send("a", "NICK wanted").gets("a", &[":a!~a@10.0.0.1 NICK :wanted"]);
    stage.gets("x", &["ERROR :Closing Link: 10.0.0.1 (Overridden)"]);
}

const GATEWAY: &str = "[[webirc]]\npassword = \"gate\"\nhosts = [\"10.9.0.0/16\"]\n";

#[test]
fn webirc_names_the_address() {
    let mut stage = Stage::with_limits(&format!("[limits]\nconnections_per_address = 1\n{GATEWAY}"));
    for who in ["v", "w"] {
        stage.connect_from(who, "10.9.0.1", Transport::Plain).unwrap();
    }
    stage
        .send("v", "WEBIRC gate kiwi host.example 2001:db8::1 :secure")
        .send("v", "NICK v")
        .send("v", "USER v 0 * :v");
    stage.send("v", "WHOIS v");
    let lines = stage.lines("v");
    assert!(lines.iter().any(|line| line.contains("311 v v ~v 2001:db8::1 *")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains(" 671 ")), "secure only counts over TLS");
    stage.send("w", "WEBIRC gate kiwi host.example 0::1").send("w", "NICK w").send("w", "USER w 0 * :w");
    stage.send("w", "WHOIS w").hears("w", "311 w w ~w 0::1 *");
    stage.connect_from("x", "10.9.0.1", Transport::Plain).unwrap();
    stage.send("x", "WEBIRC gate kiwi h 2001:db8::1").hears("x", "Too many host connections");
}

#[test]
fn webirc_is_refused_late_elsewhere_and_with_a_wrong_password() {
    let mut stage = Stage::new(GATEWAY);
    for (who, address, first, command) in [
        ("wrong", "10.9.0.1", "", "WEBIRC bad kiwi h 10.1.1.1"),
        ("elsewhere", "10.8.0.1", "", "WEBIRC gate kiwi h 10.1.1.1"),
        ("late", "10.9.0.1", "NICK late", "WEBIRC gate kiwi h 10.1.1.1"),
        ("nonsense", "10.9.0.1", "", "WEBIRC gate kiwi h not@an.address"),
    ] {
        stage.connect_from(who, address, Transport::Plain).unwrap();
        stage.send(who, first).send(who, command).hears(who, "ERROR :Closing Link");
        assert!(stage.is_closed(who));
    }
}

#[test]
fn web_clients_are_cloaked_and_operators_see_through() {
    let mut stage = Stage::new("[[oper]]\nname = \"root\"\npassword = \"pw\"\nhosts = [\"*@*\"]\n");
    stage.connect_from("w", "10.3.3.3", Transport::WebSocket).unwrap();
    stage.send("w", "NICK w").send("w", "USER w 0 * :w").register("a").forget();
    stage.send("a", "WHOIS w").send("a", "WHO w %i");
    let lines = stage.lines("a");
    assert!(!lines.iter().any(|line| line.contains("10.3.3.3")), "{lines:#?}");
    assert!(lines[0].contains(" ~w web-"));
    stage.send("a", "OPER root pw").forget().send("a", "WHOIS w").hears("a", "338 a w 10.3.3.3");
    // A ban on the address hits all the same.
    stage
        .send("a", "JOIN #c")
        .send("a", "MODE #c +b *!*@10.3.0.0/16")
        .send("w", "JOIN #c")
        .hears("w", " 474 ");
}

#[test]
fn a_wrong_server_password_ends_the_connection() {
    let mut stage = Stage::with_limits("[server]\npassword = \"open\"\n");
    stage.connect("x").send("x", "PASS shut").send("x", "NICK x").send("x", "USER x 0 * :x");
    stage.gets(
        "x",
        &[":irc.example.net 464 x :Password Incorrect", "ERROR :Closing Link: 10.0.0.1 (Bad Password)"],
    );
    stage
        .connect("y")
        .send("y", "PASS open")
        .send("y", "NICK y")
        .send("y", "USER y 0 * :y")
        .hears("y", " 001 y ");
}

#[test]
fn quits_say_why() {
    let mut stage = Stage::new("");
    stage.register("a").send("a", "JOIN #c");
    let reasons = [
        (Gone::Eof, "Remote host closed the connection"),
        (Gone::Error(std::io::ErrorKind::ConnectionReset), "Read error: Connection reset by peer"),
        (Gone::SendQ, "Max SendQ exceeded"),
    ];
    for (gone, reason) in reasons {
        stage.register("b").send("b", "JOIN #c").forget().gone("b", gone);
        stage.gets("a", &[&format!(":b!~b@10.0.0.1 QUIT :{reason}")]);
    }
}
