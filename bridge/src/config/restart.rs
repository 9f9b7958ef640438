//! Which keys of a configuration that was read again need a restart to be in force.

use program::Secret;

use super::checked::{Account, Config, Web};

/// The tables and keys that differ and are not taken over while the bridge runs, as the file names them.
pub fn needs_restart(running: &Config, read: &Config) -> Vec<&'static str> {
    let limits = |config: &Config| {
        let limits = config.limits;
        (
            limits.visitor_lines_at_once,
            limits.visitor_lines_per_second,
            limits.connections_per_address,
            limits.connects_per_minute,
        )
    };
    let checks = [
        ("[store] url", running.store.place == read.store.place),
        ("[store] synchronous", running.store.synchronous == read.store.synchronous),
        ("[irc]", same_irc(running, read)),
        ("[oscar]", same_oscar(running, read)),
        ("[staff] room", running.staff.room == read.staff.room),
        ("[limits]", limits(running) == limits(read)),
        ("[web]", same_web(running.web.as_ref(), read.web.as_ref())),
        ("[metrics]", running.metrics == read.metrics),
    ];
    checks.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}

fn same_secret(one: Option<&Secret>, other: Option<&Secret>) -> bool {
    one.map(Secret::expose) == other.map(Secret::expose)
}

fn same_irc(running: &Config, read: &Config) -> bool {
    let (one, other) = (&running.irc, &read.irc);
    let sasl = |config: &Config| {
        config.irc.sasl.as_ref().map(|(account, password)| (account.clone(), password.expose().to_owned()))
    };
    one.server == other.server
        && one.tls == other.tls
        && one.ca_file == other.ca_file
        && one.nick == other.nick
        && one.channels == other.channels
        && one.pacing == other.pacing
        && same_secret(one.password.as_ref(), other.password.as_ref())
        && sasl(running) == sasl(read)
}

fn same_oscar(running: &Config, read: &Config) -> bool {
    let (one, other) = (&running.oscar, &read.oscar);
    let account = |account: &Account| (account.screen_name.to_string(), account.password.expose().to_owned());
    one.server == other.server
        && one.tls == other.tls
        && one.ca_file == other.ca_file
        && one.max_im_bytes == other.max_im_bytes
        && one.accounts.iter().map(account).eq(other.accounts.iter().map(account))
}

fn same_web(one: Option<&Web>, other: Option<&Web>) -> bool {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (None, None) => return true,
        _ => return false,
    };
    one.listen == other.listen
        && one.hosts == other.hosts
        && one.allowed_origins == other.allowed_origins
        && one.trusted_proxies == other.trusted_proxies
        && same_secret(one.webirc_password.as_ref(), other.webirc_password.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const FILE: &str = r##"
        [irc]
        server = "127.0.0.1:6667"
        channels = ["#support"]
        [oscar]
        server = "127.0.0.1:5190"
        screen_name = "bridgebot"
        password = "secret"
        [staff]
        handles = ["staff1"]
        [wording]
        nobody_here = "Nobody."
        [limits]
        visitor_lines_at_once = 5
    "##;

    fn config(text: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        // A path in it counts from its folder, so all are read from one.
        let path = folder.path().join("bridgebot.toml");
        std::fs::write(&path, format!("[store]\nurl = \"sqlite:/var/lib/bridgebot.db\"\n{text}")).unwrap();
        config::load(&path).unwrap()
    }

    #[test]
    fn what_is_taken_over_needs_none_and_the_rest_is_named() {
        let running = config(FILE);
        let taken_over = FILE.replace("Nobody.", "Nobody at all.").replace("staff1", "staff2");
        assert!(needs_restart(&running, &config(&taken_over)).is_empty());
        let changed = FILE.replace("#support", "#help").replace("secret", "other").replace("= 5", "= 6");
        assert_eq!(needs_restart(&running, &config(&changed)), ["[irc]", "[oscar]", "[limits]"]);
    }
}
