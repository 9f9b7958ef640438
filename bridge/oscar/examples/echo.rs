//! Signs on and says everything back, at the pace that the server allows:
//! `cargo run -p oscar-im --features tokio --example echo -- 127.0.0.1 5190 bridgebot pass1word`
#![allow(clippy::print_stdout, reason = "it talks to a person")]

use oscar_im::ScreenName;
use oscar_im::net::{self, Config};
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use oscar_im::text::split::{Limits, split};
use std::collections::VecDeque;

/// Answers that wait for a credit; of more the oldest go.
const MAX_WAITING: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name: &str| arguments.next().ok_or_else(|| format!("{name} is missing"));
    let (host, port) = (argument("host")?, argument("port")?.parse()?);
    let (screen_name, password) = (ScreenName::new(argument("screen name")?), argument("password")?);

    let mut client = net::connect(&Config::new(host, port, Credentials { screen_name, password })).await?;
    let mut waiting: VecDeque<(ScreenName, String)> = VecDeque::new();
    let mut sent = 0u64;
    loop {
        while client.im_credits() > 0
            && let Some((to, text)) = waiting.pop_front()
        {
            sent += 1;
            client.send_im(sent.to_be_bytes(), &to, &text)?;
        }
        let credit = client.next_im_credit_in().filter(|_| !waiting.is_empty());
        let event = tokio::select! {
            event = client.event() => event,
            () = tokio::time::sleep(credit.unwrap_or_default()), if credit.is_some() => continue,
        };
        match event {
            Event::ImReceived(im) if !im.auto => {
                println!("{}: {}", im.from, im.text);
                let parts = split(&im.text, Limits::default());
                waiting.extend(parts.into_iter().map(|part| (im.from.clone(), part.to_owned())));
                waiting.drain(..waiting.len().saturating_sub(MAX_WAITING));
            }
            Event::Closed(reason) => {
                println!("{reason}");
                return Ok(());
            }
            event => println!("{event:?}"),
        }
    }
}
