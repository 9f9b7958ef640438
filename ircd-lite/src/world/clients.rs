//! The table of clients, and the lines that wait for each until the end of a turn.

use bytes::Bytes;
use slab::Slab;

use super::client::Client;
use super::{ClientId, Output, Slot};
use crate::wire::message::Message;

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    table: Slab<Box<Client>>,
    dirty: Vec<Slot>,
    closed: Vec<Output>,
    capture: Option<Capture>,
    mark: u64,
}

/// The answer to one labelled command, held back until it is whole.
#[derive(Debug)]
struct Capture {
    client: Slot,
    lines: Vec<Bytes>,
}

impl Clients {
    /// Adds one.
    pub(crate) fn insert(&mut self, client: Client) -> ClientId {
        let serial = client.serial;
        ClientId { slot: Slot(self.table.insert(Box::new(client))), serial }
    }

    /// Removes one, with the lines that it is still owed.
    pub(crate) fn remove(&mut self, slot: Slot, last: Option<Bytes>) {
        let id = self.id(slot);
        let captured = self.take_capture(slot);
        let Some(mut client) = self.table.try_remove(slot.0) else { return };
        let mut lines = std::mem::take(&mut client.pending);
        lines.extend(captured.into_iter().flatten());
        lines.extend(last);
        self.closed.push(Output { client: id, lines, close: true });
    }

    /// The slot of an id, unless it is an old one.
    pub(crate) fn find(&self, id: ClientId) -> Option<Slot> {
        self.table.get(id.slot.0).filter(|client| client.serial == id.serial).map(|_| id.slot)
    }

    /// The id of a slot.
    pub(crate) fn id(&self, slot: Slot) -> ClientId {
        ClientId { slot, serial: self.get(slot).serial }
    }

    /// Whether a client is (still) there, for handlers that may have ended their own.
    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.table.contains(slot.0)
    }

    /// The client of a slot.
    #[expect(clippy::indexing_slicing, reason = "a slot is dropped with what it names")]
    pub(crate) fn get(&self, slot: Slot) -> &Client {
        // A slot is dropped from every table in the step that removes its client (see `lifecycle.rs`).
        &self.table[slot.0]
    }

    /// The client of a slot, to change.
    #[expect(clippy::indexing_slicing, reason = "a slot is dropped with what it names")]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> &mut Client {
        // As above.
        &mut self.table[slot.0]
    }

    /// Everybody. Only for commands that list all by their meaning, and for a server that stops.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Slot, &Client)> {
        self.table.iter().map(|(at, client)| (Slot(at), &**client))
    }

    /// How many connections there are.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// A number that no client is marked with yet, for a walk that visits each once.
    pub(crate) fn next_mark(&mut self) -> u64 {
        self.mark += 1;
        self.mark
    }

    /// Gives a client the form of a message that fits it.
    pub(crate) fn deliver(&mut self, to: Slot, message: &mut Message) {
        let Some(client) = self.table.get_mut(to.0) else { return };
        let line = message.form(client.tags);
        match &mut self.capture {
            Some(capture) if capture.client == to => capture.lines.push(line),
            _ => {
                if client.pending.is_empty() {
                    self.dirty.push(to);
                }
                client.pending.push(line);
            }
        }
    }

    /// Gives a client a line that has its tags already.
    pub(crate) fn deliver_line(&mut self, to: Slot, line: Bytes) {
        match &mut self.capture {
            Some(capture) if capture.client == to => capture.lines.push(line),
            _ => self.push_raw(to, line),
        }
    }

    /// As [`Clients::deliver`], but no part of a labelled answer.
    pub(crate) fn deliver_aside(&mut self, to: Slot, message: &mut Message) {
        let capture = self.capture.take();
        self.deliver(to, message);
        self.capture = capture;
    }

    /// Gives a client a line as it is, past any labelled answer.
    pub(crate) fn push_raw(&mut self, to: Slot, line: Bytes) {
        let Some(client) = self.table.get_mut(to.0) else { return };
        if client.pending.is_empty() {
            self.dirty.push(to);
        }
        client.pending.push(line);
    }

    /// Starts to hold back what `client` is sent.
    pub(crate) fn start_capture(&mut self, client: Slot) {
        self.capture = Some(Capture { client, lines: Vec::new() });
    }

    /// Whether what `client` is sent is held back.
    pub(crate) fn captures(&self, client: Slot) -> bool {
        self.capture.as_ref().is_some_and(|capture| capture.client == client)
    }

    /// What was held back for `client` since [`Clients::start_capture`].
    pub(crate) fn take_capture(&mut self, client: Slot) -> Option<Vec<Bytes>> {
        self.capture.take_if(|capture| capture.client == client).map(|capture| capture.lines)
    }

    /// Everything that waits, by client.
    pub(crate) fn take_output(&mut self) -> Vec<Output> {
        let mut output = Vec::with_capacity(self.dirty.len() + self.closed.len());
        for slot in self.dirty.drain(..) {
            // One that was removed since is among the closed, with its lines.
            let Some(client) = self.table.get_mut(slot.0) else { continue };
            let lines = std::mem::take(&mut client.pending);
            if !lines.is_empty() {
                output.push(Output { client: ClientId { slot, serial: client.serial }, lines, close: false });
            }
        }
        output.append(&mut self.closed);
        output
    }
}
