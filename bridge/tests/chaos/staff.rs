//! A staff member with an AIM client: reads everything, and answers whom the dice say.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use testkit::numbers::Numbers;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::ledger::{Fate, Ledger};
use super::text;

const SAY_EVERY: Duration = Duration::from_millis(70);

/// Until `quiet` answers are said, then only read.
pub(crate) async fn staff(
    name: &'static str,
    server: SocketAddr,
    ledger: Ledger,
    quiet: CancellationToken,
    seed: u64,
) {
    let credentials = Credentials { screen_name: name.into(), password: "demo".into() };
    let config = net::Config::new(server.ip().to_string(), server.port(), credentials);
    // The address that the server names is the bridge's way; a staff member has another.
    let connect = |_, _| net::tcp(server.ip().to_string(), server.port());
    let mut client = net::connect_with(&config, connect).await.unwrap();
    let mut dice = Numbers::new(seed);
    let mut cookie = 0_u64;
    let mut said: HashMap<[u8; 8], (String, usize)> = HashMap::new();
    let mut say = interval(SAY_EVERY);
    say.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = client.event() => match event {
                Event::ImReceived(im) => hear(name, &im.text, &ledger),
                Event::ImRefused { cookie, .. } => {
                    if let Some((to, number)) = said.remove(&cookie) {
                        ledger.answer_is(name, &to, number, Fate::Refused);
                    }
                }
                Event::Closed(reason) => return ledger.wrong(format!("{name} was signed off: {reason}")),
                _ => {}
            },
            _ = say.tick(), if !quiet.is_cancelled() => {
                let people = ledger.people();
                if people.is_empty() {
                    continue;
                }
                let (person, label) = &people[dice.below(people.len())];
                let number = ledger.answer(name, person);
                cookie += 1;
                let id = cookie.to_be_bytes();
                said.insert(id, (person.clone(), number));
                let words = format!("{label}: {}", text::answer_to(name, person, number));
                if client.send_im(id, &"bridgebot".into(), &words).is_err() {
                    ledger.answer_is(name, person, number, Fate::Refused);
                }
            }
        }
    }
}

fn hear(name: &str, im: &str, ledger: &Ledger) {
    let again = im.ends_with(" (again)");
    for line in im.lines() {
        if line.starts_with("* ") {
            if let Some((from, to)) = text::away(line) {
                ledger.told_away(name, from, to);
            } else if text::not_stored(line) {
                ledger.told_not_stored(name);
            }
            continue;
        }
        let marked = again || line.ends_with(" (again)");
        match line.trim_end_matches(" (again)").split_once(": ") {
            Some((label, said)) => ledger.hear(name, label, said, marked),
            None => ledger.wrong(format!("{name} read {line:?}")),
        }
    }
}

/// For as long as it takes, but not for ever.
pub(crate) async fn until(deadline: Instant, mut done: impl FnMut() -> bool) -> bool {
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}
