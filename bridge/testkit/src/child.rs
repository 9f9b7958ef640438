//! Programs of ours as child processes: started on port 0, addresses read from the ready line, ended when dropped.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A running daemon that has said `ready`.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    addresses: HashMap<String, Vec<SocketAddr>>,
}

impl Daemon {
    /// Starts `program` with `arguments` and waits for its ready line.
    ///
    /// # Panics
    /// When it can't be started or ends without a ready line; what it wrote on standard error is in the message.
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::spawn(command)
    }

    /// As [`Daemon::start`], for a command with environment, folder or standard error of its own. Standard error is
    /// inherited unless the command says otherwise.
    ///
    /// # Panics
    /// As [`Daemon::start`].
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("standard output");
        if !line.starts_with("ready") {
            let mut errors = String::new();
            if let Some(mut pipe) = child.stderr.take() {
                let _ = pipe.read_to_string(&mut errors);
            }
            let _ = child.kill();
            panic!("{command:?} said {line:?} instead of ready; {errors}");
        }
        // Keeps the pipe's reading end open, and so the child free of SIGPIPE.
        child.stdout = Some(out.into_inner());
        Self { child, addresses: parse_ready(&line) }
    }

    /// The first address of a listener, such as `http`.
    ///
    /// # Panics
    /// When the ready line did not name it.
    pub fn address(&self, name: &str) -> SocketAddr {
        *self
            .addresses
            .get(name)
            .and_then(|list| list.first())
            .unwrap_or_else(|| panic!("no {name} in the ready line: {:?}", self.addresses))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, to send it signals or to wait.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Asks it to stop (SIGTERM, sent by `kill`) and waits for its exit status.
    ///
    /// # Panics
    /// When `kill` can't be run.
    pub fn stop(mut self) -> ExitStatus {
        let status = Command::new("kill").arg(self.id().to_string()).status().expect("kill");
        assert!(status.success());
        self.child.wait().expect("wait")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ready http=127.0.0.1:80 irc=…,…` as names and addresses.
pub fn parse_ready(line: &str) -> HashMap<String, Vec<SocketAddr>> {
    line.split_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, list)| (name.to_owned(), list.split(',').filter_map(|one| one.parse().ok()).collect()))
        .collect()
}
