//! The one line that a daemon prints on standard output, once every listener is bound.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;

/// Prints `ready name=HOST:PORT[,HOST:PORT]… …` and flushes it, so that a parent process sees it at once.
///
/// Names without an address are left out (that listener is off). A closed standard output is not an error: a
/// daemon outlives the terminal that started it.
pub fn announce(listeners: &[(&str, Vec<SocketAddr>)]) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", line(listeners));
    let _ = out.flush();
}

/// The text of the ready line, without its line end.
pub fn line(listeners: &[(&str, Vec<SocketAddr>)]) -> String {
    let mut text = String::from("ready");
    for (name, addresses) in listeners.iter().filter(|(_, addresses)| !addresses.is_empty()) {
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let _ = write!(text, " {name}={}", list.join(","));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_bound_addresses_and_leaves_out_what_is_off() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let listeners = [
            ("http", vec![at("127.0.0.1:8080")]),
            ("tls", vec![]),
            ("irc", vec![at("127.0.0.1:6667"), at("[::1]:6667")]),
        ];
        assert_eq!(line(&listeners), "ready http=127.0.0.1:8080 irc=127.0.0.1:6667,[::1]:6667");
        assert_eq!(line(&[]), "ready");
    }
}
