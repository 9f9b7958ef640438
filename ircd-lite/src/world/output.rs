//! Ways to say something: numerics, notices, standard replies, lines to channels.

use bytes::Bytes;

use super::client::{Client, UserModes};
use super::{ChannelSlot, Slot, World};
use crate::wire::message::Message;
use crate::wire::numeric::Numeric;
use crate::wire::writer::Writer;

impl World {
    /// A numeric with its usual text.
    pub(crate) fn reply(&mut self, to: Slot, numeric: Numeric, words: &[&[u8]]) {
        self.reply_text(to, numeric, words, numeric.text);
    }

    /// A numeric with a text of its own.
    pub(crate) fn reply_text(&mut self, to: Slot, numeric: Numeric, words: &[&[u8]], text: impl AsRef<[u8]>) {
        let line = self.numeric(to, numeric, words).text(text).end();
        self.send(to, line);
    }

    /// A numeric without a text.
    pub(crate) fn reply_words(&mut self, to: Slot, numeric: Numeric, words: &[&[u8]]) {
        let line = self.numeric(to, numeric, words).end();
        self.send(to, line);
    }

    /// The beginning of a numeric.
    pub(crate) fn numeric(&self, to: Slot, numeric: Numeric, words: &[&[u8]]) -> Writer {
        let start = Writer::new(&self.name, numeric.code).word(self.client(to).addressee());
        words.iter().fold(start, Writer::word)
    }

    /// A list of items in as many numerics as it needs; none for an empty list.
    pub(crate) fn reply_items(
        &mut self,
        to: Slot,
        numeric: Numeric,
        words: &[&[u8]],
        separator: u8,
        items: impl Iterator<Item = Vec<u8>>,
    ) {
        let room = crate::wire::BODY_LIMIT.saturating_sub(self.numeric(to, numeric, words).len() + 2);
        let mut text: Vec<u8> = Vec::new();
        for item in items {
            if !text.is_empty() && text.len() + 1 + item.len() > room {
                self.reply_text(to, numeric, words, &text);
                text.clear();
            }
            if !text.is_empty() {
                text.push(separator);
            }
            text.extend_from_slice(&item);
        }
        if !text.is_empty() {
            self.reply_text(to, numeric, words, &text);
        }
    }

    /// A line from the server to one client.
    pub(crate) fn send(&mut self, to: Slot, line: Bytes) {
        let mut message = Message::new(line, self.now.unix_ms);
        self.clients.deliver(to, &mut message);
    }

    /// A NOTICE from the server.
    pub(crate) fn notice(&mut self, to: Slot, text: impl AsRef<[u8]>) {
        let line = Writer::new(&self.name, "NOTICE").word(self.client(to).addressee()).text(text).end();
        self.send(to, line);
    }

    /// The standard reply `FAIL`.
    pub(crate) fn fail(&mut self, to: Slot, command: &str, code: &str, context: &[&[u8]], text: &str) {
        let start = Writer::new(&self.name, "FAIL").word(command).word(code);
        let line = context.iter().fold(start, Writer::word).text(text).end();
        self.send(to, line);
    }

    /// A message that comes from a user, with the tags that tell who and when.
    pub(crate) fn message_from(&self, from: Slot, line: Bytes) -> Message {
        Message::new(line, self.now.unix_ms)
            .account(self.client(from).account())
            .connection(self.connection_name(from))
    }

    /// The beginning of a line whose source is a user.
    pub(crate) fn line_from(&self, from: Slot, command: &str) -> Writer {
        Writer::new(self.client(from).identity.source(), command)
    }

    /// To every member of a channel who may learn of `about` and is `wanted`.
    pub(crate) fn announce(
        &mut self,
        channel: ChannelSlot,
        about: Option<Slot>,
        message: &mut Message,
        wanted: impl Fn(Slot, &Client) -> bool,
    ) {
        let Self { channels, clients, .. } = self;
        let channel = &channels[channel.0];
        let mut deliver = |slot: Slot| {
            if wanted(slot, clients.get(slot)) {
                clients.deliver(slot, message);
            }
        };
        match about.filter(|about| channel.auditorium() && !channel.is_operator(*about)) {
            Some(about) => {
                channel.operators().iter().for_each(|operator| deliver(*operator));
                if channel.rank(about).is_some() {
                    deliver(about);
                }
            }
            None => channel.members().iter().for_each(|member| deliver(member.client)),
        }
    }

    /// To IRC operators with `+s`: what they should know.
    pub(crate) fn tell_opers(&mut self, text: &str) {
        let line = Writer::new(&self.name, "NOTICE").word("*").text(format!("*** Notice -- {text}")).end();
        let mut message = Message::new(line, self.now.unix_ms);
        for oper in self.opers.clone() {
            if self.client(oper).modes.has(UserModes::SERVER_NOTICES) {
                self.clients.deliver(oper, &mut message);
            }
        }
    }
}
