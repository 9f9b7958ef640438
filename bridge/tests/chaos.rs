//! Visitors with widgets and with plain IRC clients exchange numbered lines with several staff members, while at points
//! that a seed decides one thing after another goes wrong: ways are cut or freeze, the bridge is killed or stopped, the
//! IRC daemon starts anew, the OSCAR server misbehaves, the database is locked, visitors go, come back, and leave
//! their nicks to others. Every number arrives, in order, at the right person, and what may come twice says so.
//!
//! `BRIDGEBOT_CHAOS` says how much harm is done (12 if not said; more than that, and harm that takes half a minute to
//! get over is among it), `BRIDGEBOT_CHAOS_SEED` which, `BRIDGEBOT_CHAOS_SHOW` prints it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod bridgebot;
#[path = "chaos/faults.rs"]
mod faults;
#[path = "chaos/ledger.rs"]
mod ledger;
#[path = "chaos/plain.rs"]
mod plain;
mod servers;
#[path = "chaos/staff.rs"]
mod staff;
#[path = "chaos/text.rs"]
mod text;
mod way;
#[path = "chaos/widget.rs"]
mod widget;

use std::time::Duration;

use oscar_mock::Server;
use oscar_mock::config::Rates;
use oscar_mock::journal::Delivery;
use testkit::numbers::Numbers;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use faults::World;
use ledger::Ledger;
use plain::Plain;
use servers::{configuration, start_ircd};
use way::Way;
use widget::Widget;

const HARM: u64 = 12;
const STAFF: [&str; 3] = ["staff1", "staff2", "staff3"];
const WIDGETS: [&str; 2] = ["wanda", "willy"];
/// Their names, and whether they speak in the channel.
const PLAIN: [(&str, bool); 3] = [("carl", true), ("paul", false), ("petra", false)];

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_every_number_arrives_in_order_at_the_right_person() {
    let (harm, seed) = (setting("BRIDGEBOT_CHAOS", HARM), setting("BRIDGEBOT_CHAOS_SEED", 20_261_128));
    let show = std::env::var_os("BRIDGEBOT_CHAOS_SHOW").is_some();
    let ircd_stop = CancellationToken::new();
    let ircd = start_ircd(ircd_stop.clone()).await;
    let (irc, oscar_way) = (Way::new().await, Way::new().await);
    let advertised = oscar_way.address().to_string();
    let accounts = STAFF.iter().fold(Server::builder(), |all, name| all.account(*name, "demo"));
    let oscar = accounts
        .account("bridgebot", "secret")
        .rates(Rates::None)
        .configure(|config| {
            config.advertise = Some(advertised);
            config.journal = 200_000;
        })
        .start()
        .await
        .unwrap();
    irc.lead_to(ircd);
    oscar_way.lead_to(oscar.address());
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(irc.address(), oscar_way.address())
        .replace("[\"staff1\"]", &format!("{STAFF:?}"))
        + "[web]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(folder.path().join("bridgebot.toml"), configuration).unwrap();

    let (ledger, quiet) = (Ledger::default(), CancellationToken::new());
    let mut world = World {
        folder: folder.path().to_owned(),
        irc,
        oscar_way,
        oscar,
        ircd_stop,
        ledger: ledger.clone(),
        ircd: watch::Sender::new(ircd),
        bridge: None,
        web: watch::Sender::new(None),
        sleeps_until: None,
        orders: Vec::new(),
        patient: harm > HARM,
        limited: false,
    };
    world.start_bridge();
    for (at, name) in STAFF.into_iter().enumerate() {
        let life =
            staff::staff(name, world.oscar.address(), ledger.clone(), quiet.clone(), seed + 1 + at as u64);
        tokio::spawn(life);
    }
    for name in WIDGETS {
        let (orders, ordered) = mpsc::channel(4);
        let widget = Widget::new(name, world.web.subscribe(), ledger.clone(), quiet.clone());
        tokio::spawn(widget.live(ordered));
        world.orders.push(orders);
    }
    // What is said in the channel before the bridge was ever there nobody owes anybody.
    let soon = Instant::now() + Duration::from_secs(20);
    assert!(staff::until(soon, || ledger.people().len() == WIDGETS.len()).await, "{}", ledger.summary());
    for (name, in_channel) in PLAIN {
        let (orders, ordered) = mpsc::channel(4);
        let daemon = world.ircd.subscribe();
        let plain = Plain { name, in_channel, daemon, ledger: ledger.clone(), quiet: quiet.clone() };
        tokio::spawn(plain.live(ordered));
        world.orders.push(orders);
    }
    let everybody = WIDGETS.len() + PLAIN.len();
    let soon = Instant::now() + Duration::from_secs(20);
    assert!(staff::until(soon, || ledger.people().len() == everybody).await, "{}", ledger.summary());

    let (mut dice, start) = (Numbers::new(seed), Instant::now());
    let mut story = Vec::new();
    for _ in 0..harm {
        sleep(Duration::from_millis(200 + dice.below(800) as u64)).await;
        world.heal(&mut dice).await;
        let done = format!("{:.1} s: {}", start.elapsed().as_secs_f32(), world.harm(&mut dice).await);
        if show {
            println!("{done}");
        }
        story.push(done);
        if !ledger.faults().is_empty() {
            break;
        }
    }
    sleep(Duration::from_millis(500)).await;
    world.heal_all().await;
    quiet.cancel();

    let names: Vec<String> = STAFF.iter().map(|name| (*name).to_owned()).collect();
    let deadline = Instant::now() + Duration::from_secs(if world.patient { 200 } else { 40 });
    let mut lost_until = 0;
    loop {
        let messages = world.oscar.messages().await.unwrap();
        for message in messages.iter().skip(lost_until).filter(|message| message.delivery == Delivery::Lost) {
            ledger.thrown_away(&message.to, &oscar_im::text::html::to_plain(&message.text));
        }
        lost_until = messages.len();
        if ledger.missing(&names).is_empty() || !ledger.faults().is_empty() || Instant::now() > deadline {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    // What comes twice, comes soon.
    sleep(Duration::from_millis(500)).await;
    ledger.check_shown();
    println!(
        "seed {seed}: {harm} times harm in {:.0} s; {}",
        start.elapsed().as_secs_f32(),
        ledger.summary()
    );
    let (faults, missing) = (ledger.faults(), ledger.missing(&names));
    if show && !(faults.is_empty() && missing.is_empty()) {
        println!("what is left: {}", folder.keep().display());
    }
    assert!(faults.is_empty() && missing.is_empty(), "{faults:#?}\nmissing: {missing:#?}\nstory: {story:#?}");
    world.ircd_stop.cancel();
}
