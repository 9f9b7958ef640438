//! A plain TCP connection in the channel: what the daemon really sent, line by line.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use testkit::wait::PATIENCE;

pub(crate) struct Observer {
    lines: BufReader<TcpStream>,
    seen: Vec<String>,
}

impl Observer {
    /// Registers and joins; returns when the daemon has confirmed the channel.
    pub(crate) fn join(address: SocketAddr, nick: &str, channel: &str) -> Self {
        let stream = TcpStream::connect(address).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).expect("read timeout");
        let mut observer = Self { lines: BufReader::new(stream), seen: Vec::new() };
        observer.send(&format!("NICK {nick}"));
        observer.send(&format!("USER {nick} 0 * :an observer"));
        observer.expect(":", " 001 ", nick);
        observer.send(&format!("JOIN {channel}"));
        observer.expect(":", " 366 ", channel);
        observer
    }

    pub(crate) fn send(&mut self, line: &str) {
        let stream = self.lines.get_mut();
        stream.write_all(format!("{line}\r\n").as_bytes()).expect("send");
    }

    /// Reads on to the line that begins with `source`, then has `middle`, and ends in `end`.
    pub(crate) fn expect(&mut self, source: &str, middle: &str, end: &str) -> String {
        loop {
            let line = self.line(&format!("{source}… {middle} …{end}"));
            let fits = line.starts_with(source)
                && line.split_once(middle).is_some_and(|(_, rest)| rest.contains(end));
            if fits {
                return line;
            }
        }
    }

    pub(crate) fn never_saw(&self, text: &str) {
        assert!(!self.seen.iter().any(|line| line.contains(text)), "saw {text:?}: {:#?}", self.seen);
    }

    fn line(&mut self, wanted: &str) -> String {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line);
        assert!(matches!(read, Ok(1..)), "no {wanted:?}: {read:?} after {:#?}", self.seen);
        let line = line.trim_end().to_owned();
        if let Some(token) = line.strip_prefix("PING ") {
            self.send(&format!("PONG {token}"));
        }
        self.seen.push(line.clone());
        line
    }
}
