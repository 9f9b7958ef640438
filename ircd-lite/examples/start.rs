//! How long a server takes to start and to greet, a hundred times over, all of them in one process.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "an example says what it measures")]

use std::time::{Duration, Instant};

use ircd_lite::{Config, Server};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const SERVERS: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stop = CancellationToken::new();
    let (mut bound_after, mut greeted_after, mut running) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SERVERS {
        let mut config = Config::default();
        config.server.listen = vec!["127.0.0.1:0".parse()?];
        let start = Instant::now();
        let bound = Server::bind(config).await?;
        let address = *bound.addresses().irc.first().ok_or("no address")?;
        running.push(tokio::spawn(bound.serve(stop.clone())));
        bound_after.push(start.elapsed());

        let mut client = BufReader::new(TcpStream::connect(address).await?);
        client.write_all(b"NICK anna\r\nUSER anna 0 * :Anna\r\n").await?;
        let mut line = String::new();
        while !line.contains(" 001 ") {
            line.clear();
            if client.read_line(&mut line).await? == 0 {
                return Err("the server closed".into());
            }
        }
        greeted_after.push(start.elapsed());
    }
    println!("{SERVERS} servers in one process");
    println!("bound and serving after {:?} (median)", median(&mut bound_after));
    println!("first client greeted after {:?} (median)", median(&mut greeted_after));
    let start = Instant::now();
    stop.cancel();
    for server in running {
        server.await?;
    }
    println!("all stopped after {:?}", start.elapsed());
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
