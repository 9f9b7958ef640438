//! IRC daemons that are not ours, as Debian ships them, with the configurations that `docs/irc-daemons` recommends.
//!
//! Installed or only unpacked makes no difference to ngircd and InspIRCd. ircd-hybrid has the place of its modules
//! compiled in: where it is only unpacked, `/usr/lib/ircd-hybrid` has to be a link to what was unpacked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use testkit::{peer, wait};

/// Who runs them when the tests run as root, which two of them refuse: on every Linux, nobody.
const NOBODY: u32 = 65_534;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ngircd,
    Hybrid,
    Inspircd,
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Self::Ngircd => "ngircd",
            Self::Hybrid => "ircd-hybrid",
            Self::Inspircd => "inspircd",
        }
    }

    /// Marks the lines of its configuration that exempt the bridge.
    fn exemptions(self) -> &'static [&'static str] {
        match self {
            Self::Ngircd => &["MaxPenaltyTime ="],
            Self::Hybrid => &["can_flood"],
            Self::Inspircd => &["fakelag=", "threshold=", "commandrate="],
        }
    }

    /// It passes on client tags, so visitors see what became of their lines.
    pub(crate) fn relays_tags(self) -> bool {
        self == Self::Inspircd
    }

    /// The bridge's password, where the recommended configuration knows the bridge by one.
    pub(crate) fn password(self) -> Option<&'static str> {
        (self != Self::Ngircd).then_some("bridge_password")
    }

    /// What it does with a client that writes as fast as it can: most throw it out, ngircd reads slowly.
    pub(crate) fn throws_out_floods(self) -> bool {
        self != Self::Ngircd
    }
}

/// How it treats the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bridge {
    /// As recommended: without flood limits.
    Exempt,
    /// As anybody.
    Limited,
}

/// One of them, running or not, at an address that stays the same.
pub(crate) struct Daemon {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    program: PathBuf,
    folder: TempDir,
    child: Option<Child>,
}

impl Daemon {
    /// Starts it, if it is here.
    pub(crate) fn start(kind: Kind, bridge: Bridge) -> Option<Self> {
        let program = peer::find(kind.program())?;
        // They can't choose a port by themselves: this one was free a moment ago.
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("permissions");
        let mut daemon = Self { kind, address, program, folder, child: None };
        fs::write(daemon.file("conf"), daemon.configuration(bridge)).expect("configuration");
        daemon.resume();
        Some(daemon)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again at the same address.
    pub(crate) fn resume(&mut self) {
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::Ngircd => command.args(["--nodaemon", "--config"]).arg(self.file("conf")),
            Kind::Inspircd => command.args(["--nofork", "--config"]).arg(self.file("conf")),
            Kind::Hybrid => {
                command.arg("-foreground").arg("-configfile").arg(self.file("conf"));
                for file in ["pidfile", "logfile", "klinefile", "dlinefile", "xlinefile", "resvfile"] {
                    command.arg(format!("-{file}")).arg(self.file(file));
                }
                &mut command
            }
        };
        let is_root = fs::metadata(self.folder.path()).expect("temporary folder").uid() == 0;
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let out = fs::File::create(self.file("out")).expect("a file for what it says");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(out.try_clone().expect("file")).stderr(out);
        let mut child = command.spawn().expect("the daemon");
        wait::until("the daemon's port", || {
            let has_ended = child.try_wait().expect("the daemon").is_some();
            assert!(!has_ended, "{} has ended: {}", self.kind.program(), self.said());
            TcpStream::connect(self.address).ok()
        });
        self.child = Some(child);
    }

    fn configuration(&self, bridge: Bridge) -> String {
        let name = format!("../docs/irc-daemons/{}.conf", self.kind.program());
        let recommended =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&name)).expect(".conf");
        let mut text = recommended.replace("6667", &self.address.port().to_string());
        if bridge == Bridge::Limited {
            let is_exemption = |line: &&str| self.kind.exemptions().iter().any(|word| line.contains(word));
            let left: Vec<&str> = text.lines().filter(|line| !is_exemption(line)).collect();
            assert!(left.len() < text.lines().count(), "nothing exempts the bridge in {name}");
            text = left.join("\n") + "\n";
        }
        if self.kind == Kind::Inspircd {
            // Beside the program, wherever that is: /usr/sbin/inspircd and /usr/lib/inspircd/modules.
            let usr = self.program.parent().and_then(Path::parent).expect("a program in a folder");
            let (modules, here) = (usr.join("lib/inspircd/modules"), self.folder.path());
            let paths = format!(
                "<path moduledir=\"{}\" datadir=\"{here}\" logdir=\"{here}\" runtimedir=\"{here}\">\n\
                 <pid file=\"{here}/pid\">\n",
                modules.display(),
                here = here.display(),
            );
            text.push_str(&paths);
        }
        text
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it has said about itself, for a failure's message.
    fn said(&self) -> String {
        ["out", "logfile"].map(|file| fs::read_to_string(self.file(file)).unwrap_or_default()).concat()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
