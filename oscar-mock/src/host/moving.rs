//! A session that moves to another connection (01/12), and stays the same session.
//!
//! 01/12 is the last SNAC on the old connection: so clients' sources describe it (libpurple's and BitlBee's
//! `migrate`). What comes for the session after it is kept and goes to the new connection once the client is ready there
//! (01/02). For everybody else nothing happens. A client that doesn't move within a minute has its session where it was,
//! if it is still connected there; else the session ends.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use oscar_im::wire::FlapChannel;

use super::{Host, Role};
use crate::bos::{self, Caller};
use crate::clock::Now;
use crate::ending::Ending;
use crate::realm::{ConnectionId, SessionId};

/// How long a client may take, its cookie's time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Frames and bytes that are kept for a session on its way; with more it ends, as that of a client that doesn't read.
const FRAMES: usize = 1024;
const BYTES: usize = 1 << 20;

/// A session on its way.
#[derive(Debug)]
pub(super) struct Move {
    session: SessionId,
    until: Instant,
    /// The new connection, when the client has come.
    to: Option<ConnectionId>,
    kept: Vec<Vec<u8>>,
    bytes: usize,
}

/// All sessions on their way, by the connection that they leave.
pub(super) type Moves = HashMap<ConnectionId, Move>;

impl Host {
    /// Tells a session's client to move; on a connection that isn't BOS, or twice, it does nothing.
    pub(super) fn migrate(&mut self, caller: &Caller, now: Now) {
        let at_home = self.realm.session(caller.session).is_some_and(|s| s.bos == caller.connection);
        if !at_home || self.moves.contains_key(&caller.connection) {
            return;
        }
        bos::oservice::migrate(&mut self.context(now).0, caller);
        // What was said before goes before.
        self.flush(now);
        let until = now.instant + PATIENCE;
        let moving = Move { session: caller.session, until, to: None, kept: Vec::new(), bytes: 0 };
        self.moves.insert(caller.connection, moving);
    }

    /// Keeps a SNAC for a session on its way; gives it back if `id` is not a connection that is being left.
    pub(super) fn keep(
        &mut self,
        id: ConnectionId,
        channel: FlapChannel,
        payload: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let Some(moving) = self.moves.get_mut(&id).filter(|_| channel == FlapChannel::Data) else {
            return Some(payload);
        };
        moving.bytes += payload.len();
        moving.kept.push(payload);
        if moving.kept.len() > FRAMES || moving.bytes > BYTES {
            self.ended_on_its_way(id, Ending::SlowReader);
        }
        None
    }

    /// The client has come with its cookie: the old connection is over.
    pub(super) fn arrive(&mut self, from: ConnectionId, to: ConnectionId) -> Result<SessionId, Ending> {
        let moving = self.moves.get_mut(&from).ok_or(Ending::SessionOver)?;
        moving.to = Some(to);
        let session = moving.session;
        // Until the client is ready, the new connection ends with the session like any other of its connections.
        self.realm.session_mut(session).ok_or(Ending::SessionOver)?.services.push(to);
        self.outbox.sign_off(from, &oscar_im::wire::Tlvs::new());
        self.outbox.close(from, Ending::Migrated);
        Ok(session)
    }

    /// The client is ready (01/02); if it has just moved, the new connection is the session's from here on.
    pub(super) fn settle(&mut self, id: ConnectionId, now: Now) {
        let Some(moving) = self.take_move_to(id) else { return };
        if let Some(session) = self.realm.session_mut(moving.session) {
            session.bos = id;
            session.services.retain(|service| *service != id);
            // The client may have started afresh, and then it knows of nobody.
            session.shown.clear();
        }
        for payload in moving.kept {
            self.transmit(id, FlapChannel::Data, payload, now);
        }
        bos::buddy::survey(&mut self.context(now).0, moving.session);
    }

    /// Whether a BOS connection that closes takes its session with it.
    pub(super) fn is_home(&mut self, id: ConnectionId, session: SessionId) -> bool {
        if self.moves.contains_key(&id) {
            // The client has left it and may come elsewhere.
            return false;
        }
        // It was to become the home, and went astray.
        if self.take_move_to(id).is_some() {
            return true;
        }
        self.realm.session(session).is_some_and(|session| session.bos == id)
    }

    /// The move that was to end on this connection.
    fn take_move_to(&mut self, id: ConnectionId) -> Option<Move> {
        let from = self.moves.iter().find(|(_, moving)| moving.to == Some(id)).map(|(from, _)| *from)?;
        self.moves.remove(&from)
    }

    /// When the next session has been on its way for too long.
    pub(super) fn next_to_give_up(&self) -> Option<Instant> {
        self.moves.values().map(|moving| moving.until).min()
    }

    /// Gives up on clients that did not come in time.
    pub(super) fn give_up(&mut self, now: Now) {
        let late = |(id, moving): (&ConnectionId, &Move)| (moving.until <= now.instant).then_some(*id);
        for id in self.moves.iter().filter_map(late).collect::<Vec<_>>() {
            let stays =
                self.connections.get(&id).is_some_and(|old| matches!(old.role, Role::SignedOn { .. }));
            if !stays {
                self.ended_on_its_way(id, Ending::TooSlow);
            } else if let Some(moving) = self.moves.remove(&id) {
                for payload in moving.kept {
                    self.transmit(id, FlapChannel::Data, payload, now);
                }
            }
        }
    }

    /// Ends a session that has no connection, or only one that isn't ready; not at once, as envelopes may be on their way.
    fn ended_on_its_way(&mut self, id: ConnectionId, ending: Ending) {
        let Some(moving) = self.moves.remove(&id) else { return };
        self.strays.push((moving.session, ending));
    }

    /// Carries out what [`Host::keep`] and [`Host::give_up`] decided.
    pub(super) fn end_strays(&mut self, now: Now) {
        for (session, ending) in std::mem::take(&mut self.strays) {
            bos::expel(&mut self.context(now).0, session, ending);
        }
    }
}
