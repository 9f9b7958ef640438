//! Who is examined: an address, whom it lets in, and how often one may sign on there.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::wire::Outcome;

/// The password of every account.
pub(crate) const PASSWORD: &str = "pass1word";
/// How long an expected frame may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// In which an address may sign on so many times.
const WINDOW: Duration = Duration::from_secs(60);

/// A server under examination.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) address: SocketAddr,
    /// By which its list of differences is found.
    pub(crate) name: String,
    /// Keeps the names of this run apart from those of others, for servers that remember.
    run: String,
    /// Sign-ons in a minute from one address, if that is limited.
    pace: Option<usize>,
    used: Mutex<HashMap<IpAddr, Vec<Instant>>>,
}

/// Sources that take turns, where the subject is on loopback: there every address of 127/8 is ours. Others have one.
/// Their third part is the run's, so that the last run doesn't count.
const SOURCES: std::ops::RangeInclusive<u8> = 2..=60;

impl Subject {
    pub(crate) fn new(address: SocketAddr, name: &str, run: &str, pace: Option<usize>) -> Self {
        Self { address, name: name.to_owned(), run: run.to_owned(), pace, used: Mutex::default() }
    }

    /// The screen name of somebody in a check.
    pub(crate) fn screen_name(&self, check: usize, who: &str) -> String {
        format!("{}{check:02}{who}", self.run)
    }

    /// Waits until one more sign-on is allowed; the address that it is to come from.
    pub(crate) fn turn(&self) -> Option<IpAddr> {
        let limit = self.pace?;
        let sources: Vec<IpAddr> = if self.address.ip().is_loopback() && self.address.is_ipv4() {
            SOURCES.map(Self::spare).collect()
        } else {
            vec![Ipv4Addr::UNSPECIFIED.into()]
        };
        loop {
            let mut used = self.used.lock().expect("no check panics while it holds this");
            for source in &sources {
                let times = used.entry(*source).or_default();
                times.retain(|time| time.elapsed() < WINDOW);
                if times.len() < limit {
                    times.push(Instant::now());
                    return Some(*source);
                }
            }
            drop(used);
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// An address of loopback that no other run has.
    pub(crate) fn spare(last: u8) -> IpAddr {
        let third = u8::try_from(std::process::id() % 250).expect("below 250") + 1;
        Ipv4Addr::new(127, 0, third, last).into()
    }

    /// A connection, from `source` if that matters.
    pub(crate) fn connect(source: Option<IpAddr>, to: SocketAddr) -> Outcome<TcpStream> {
        let failed = |error: std::io::Error| format!("no connection to {to}: {error}");
        let stream = match source.filter(|source| !source.is_unspecified()) {
            None => TcpStream::connect_timeout(&to, PATIENCE).map_err(failed)?,
            Some(source) => bound(source, to).map_err(failed)?,
        };
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(stream)
    }
}

/// The standard library can't choose where a connection comes from.
fn bound(source: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        socket.connect(to).await?.into_std()
    })?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}
