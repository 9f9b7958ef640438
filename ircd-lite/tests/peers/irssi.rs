//! irssi in a terminal of its own (by `script`), typed to; read by its logs.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use testkit::{peer, wait};

/// The program, found on this machine.
pub(crate) struct Irssi {
    program: PathBuf,
    script: PathBuf,
}

/// One that runs; ended when dropped.
pub(crate) struct Running {
    child: Child,
    home: PathBuf,
}

impl Irssi {
    pub(crate) fn find() -> Option<Self> {
        Some(Self { program: peer::find("irssi")?, script: peer::find("script")? })
    }

    /// Starts it with `home` for all that it reads and writes; it signs on and joins by itself.
    pub(crate) fn start(&self, home: &Path, server: SocketAddr, nick: &str, channel: &str) -> Running {
        self.run(home, &configuration(home, server, nick, channel), "")
    }

    /// Starts it as a person does, with arguments.
    pub(crate) fn start_with(&self, home: &Path, arguments: &str) -> Running {
        self.run(home, &settings(home, ""), arguments)
    }

    fn run(&self, home: &Path, configuration: &str, arguments: &str) -> Running {
        fs::create_dir_all(home).expect("home");
        fs::write(home.join("config"), configuration).expect("config");
        let (program, home_shown) = (self.program.display(), home.display());
        let command = format!("stty rows 40 cols 200; exec '{program}' --home='{home_shown}' {arguments}");
        let child = Command::new(&self.script)
            .args(["--quiet", "--flush", "--command", &command, "/dev/null"])
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(home.join("errors.log")).expect("errors.log"))
            .spawn()
            .expect("script");
        Running { child, home: home.to_owned() }
    }
}

impl Running {
    /// Types a line and Enter.
    pub(crate) fn command(&mut self, line: &str) {
        let keyboard = self.child.stdin.as_mut().expect("piped");
        keyboard.write_all(format!("{line}\r").as_bytes()).expect("type");
        keyboard.flush().expect("type");
    }

    /// Waits until `text` stands in the log of a channel or of a conversation.
    pub(crate) fn logs(&self, with: &str, text: &str) {
        let path = self.home.join("logs").join(format!("{with}.log"));
        wait::until(&format!("{text:?} in irssi's {}", path.display()), || {
            fs::read_to_string(&path).ok().filter(|log| log.contains(text))
        });
    }

    /// Ends it; the daemon must have known every command that it sent, those by itself too.
    pub(crate) fn quit_knowing_every_answer(mut self) {
        let path = self.home.join("raw.log");
        self.command(&format!("/rawlog save {}", path.display()));
        self.command("/quit");
        wait::until("irssi's end", || self.child.try_wait().expect("irssi"));
        let raw = fs::read_to_string(&path).expect("raw.log");
        assert!(raw.contains("<< NICK "), "no sign-on in irssi's raw log: {raw}");
        assert!(!raw.contains(" 421 "), "irssi sent what the daemon does not know: {raw}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(home: &Path, server: SocketAddr, nick: &str, channel: &str) -> String {
    format!(
        r#"
servers = ( {{ address = "{ip}"; port = "{port}"; chatnet = "test"; autoconnect = "yes"; use_tls = "no"; }} );
chatnets = {{ test = {{ type = "IRC"; nick = "{nick}"; }}; }};
channels = ( {{ name = "{channel}"; chatnet = "test"; autojoin = "yes"; }} );
{settings}"#,
        ip = server.ip(),
        port = server.port(),
        settings = settings(home, nick),
    )
}

/// An empty nick leaves irssi's own choice.
fn settings(home: &Path, nick: &str) -> String {
    let nick =
        if nick.is_empty() { String::new() } else { format!(r#"nick = "{nick}"; user_name = "{nick}";"#) };
    format!(
        r#"
settings = {{
  core = {{ {nick} real_name = "a real client"; }};
  "irc/core" = {{ cmds_max_at_once = "100"; }}; # or it holds lines back for seconds
  "fe-common/core" = {{ autolog = "yes"; autolog_path = "{logs}/$0.log"; term_charset = "UTF-8"; }};
}};
"#,
        logs = home.join("logs").display(),
    )
}
