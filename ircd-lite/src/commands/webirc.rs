//! WEBIRC: a gateway names the address of its user. Facts: IRCv3 `webirc`.

use std::net::IpAddr;

use crate::config::Password;
use crate::wire::line::Line;
use crate::world::{Slot, Transport, Verifying, World};

pub(super) fn webirc(world: &mut World, me: Slot, line: &Line<'_>) {
    let client = world.client(me);
    if client.registration.as_ref().is_none_or(|registration| registration.began) {
        return world.exit(me, b"WEBIRC must be the first command");
    }
    let from = client.address;
    let gateways =
        || world.config.webirc.iter().filter(|gateway| gateway.hosts.iter().any(|host| host.contains(from)));
    let word = |at: usize| line.get(at).unwrap_or_default();
    let given = word(0).to_vec();
    let plain = gateways()
        .any(|gateway| matches!(gateway.password, Password::Plain(_)) && gateway.password.verify(&given));
    let hashed =
        gateways().map(|gateway| &gateway.password).find(|password| matches!(password, Password::Hash(_)));
    let Some(address) = parse_address(word(3)) else { return world.exit(me, b"Invalid WEBIRC address") };
    let options = line.get(4).unwrap_or_default().split(|byte| *byte == b' ');
    let asked_secure = options.into_iter().any(|option| option == b"secure");
    let secure = asked_secure && client.transport == Transport::Tls;
    match (plain, hashed.cloned()) {
        (false, Some(password)) => {
            world.verify_elsewhere(me, Verifying::WebIrc { address, secure }, Some(password), given);
        }
        (matches, _) => verified(world, me, address, secure, matches),
    }
}

/// The password has been checked.
pub(super) fn verified(world: &mut World, me: Slot, address: IpAddr, secure: bool, matches: bool) {
    if !matches {
        return world.exit(me, b"CGI:IRC password incorrect or host not allowed");
    }
    if let Err(line) = world.move_to_address(me, address) {
        return world.exit_with(me, b"Refused", line);
    }
    let client = world.client_mut(me);
    // The host is the user's address: a name would have to resolve to it, and this server asks no name server.
    client.transport = if secure { Transport::Tls } else { Transport::Plain };
    client.cloaked = false;
}

fn parse_address(word: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(word).ok()?;
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
