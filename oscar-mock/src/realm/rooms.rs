//! Chat rooms: who is in which. A room without people stays, as others may have been invited to it, until the room
//! is needed for a new one.

use std::collections::BTreeMap;

use super::{ConnectionId, SessionId};

/// Rooms that may exist at once.
const MAX_ROOMS: usize = 1000;
/// People in one room, as 0D/09 tells (TLV D2).
pub(crate) const MAX_OCCUPANTS: usize = 100;

/// One person in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occupant {
    /// Who.
    pub(crate) session: SessionId,
    /// The connection on which the room is spoken to.
    pub(crate) connection: ConnectionId,
}

/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    /// 4 private, 5 public.
    pub(crate) exchange: u16,
    /// What names it in invitations: `4-0-name`.
    pub(crate) cookie: String,
    /// As people read it.
    pub(crate) name: Vec<u8>,
    /// When it was made.
    pub(crate) created: u32,
    /// In the order in which they came.
    pub(crate) occupants: Vec<Occupant>,
}

/// All rooms by cookie.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: BTreeMap<String, Room>,
}

impl Rooms {
    /// The room of this name, made if it isn't there yet. None: there are too many, all with people in them.
    pub(crate) fn open(&mut self, exchange: u16, name: &[u8], unix: u32) -> Option<&mut Room> {
        let cookie = format!("{exchange}-0-{}", oscar_im::wire::text(name));
        if !self.rooms.contains_key(&cookie) && self.rooms.len() >= MAX_ROOMS {
            let empty = self.rooms.iter().find(|(_, room)| room.occupants.is_empty())?.0.clone();
            self.rooms.remove(&empty);
        }
        Some(self.rooms.entry(cookie.clone()).or_insert_with(|| Room {
            exchange,
            cookie,
            name: name.to_vec(),
            created: unix,
            occupants: Vec::new(),
        }))
    }

    /// The room with this cookie.
    pub(crate) fn get(&self, cookie: &str) -> Option<&Room> {
        self.rooms.get(cookie)
    }

    /// Puts somebody in. False: no such room, it is full, or they are in it already.
    pub(crate) fn enter(&mut self, cookie: &str, occupant: Occupant) -> bool {
        let Some(room) = self.rooms.get_mut(cookie) else { return false };
        let known = room.occupants.iter().any(|other| other.connection == occupant.connection);
        let enters = !known && room.occupants.len() < MAX_OCCUPANTS;
        if enters {
            room.occupants.push(occupant);
        }
        enters
    }

    /// Takes the person on this connection out. False: there was none.
    pub(crate) fn leave(&mut self, cookie: &str, connection: ConnectionId) -> bool {
        let Some(room) = self.rooms.get_mut(cookie) else { return false };
        let before = room.occupants.len();
        room.occupants.retain(|occupant| occupant.connection != connection);
        room.occupants.len() < before
    }

    /// All rooms.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }
}
