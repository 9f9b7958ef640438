//! A line for many receivers, framed at most once for each distinct form.
//!
//! The forms differ in tags only: a receiver has `time`, `account`, the sender's connection, and `msgid` with the
//! client-only tags, or hasn't. Sixteen forms at most, whatever the number of receivers; each is a shared [`Bytes`].

use bytes::Bytes;

use super::connection::ConnectionName;
use super::date;

/// Which tags a receiver asked for; an index of forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TagSet(u8);

impl TagSet {
    /// `server-time`.
    pub(crate) const TIME: Self = Self(1);
    /// `message-tags`.
    pub(crate) const TAGS: Self = Self(2);
    /// `account-tag`.
    pub(crate) const ACCOUNT: Self = Self(4);
    /// `ircd-lite/receiver`, for those who may.
    pub(crate) const CONNECTION: Self = Self(8);

    /// Both sets together.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// A line and what its tags could be.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    body: Bytes,
    unix_ms: u64,
    account: Option<Bytes>,
    connection: Option<ConnectionName>,
    msgid: Option<Bytes>,
    client_tags: Bytes,
    useful: TagSet,
    /// Those made so far. A few at most: whoever shares a channel mostly runs one of a few programs.
    forms: Vec<(TagSet, Bytes)>,
}

impl Message {
    /// A line (with its CR LF) that happened at `unix_ms`.
    pub(crate) fn new(body: Bytes, unix_ms: u64) -> Self {
        Self {
            body,
            unix_ms,
            account: None,
            connection: None,
            msgid: None,
            client_tags: Bytes::new(),
            useful: TagSet::TIME,
            forms: Vec::new(),
        }
    }

    /// The sender is logged in.
    pub(crate) fn account(mut self, account: Option<Bytes>) -> Self {
        if account.is_some() {
            self.useful = self.useful.with(TagSet::ACCOUNT);
        }
        self.account = account;
        self
    }

    /// A user's connection sent it.
    pub(crate) fn connection(mut self, name: ConnectionName) -> Self {
        self.useful = self.useful.with(TagSet::CONNECTION);
        self.connection = Some(name);
        self
    }

    /// It has an id, and client-only tags in their wire form.
    pub(crate) fn tagged(mut self, msgid: Bytes, client_tags: Bytes) -> Self {
        self.useful = self.useful.with(TagSet::TAGS);
        self.msgid = Some(msgid);
        self.client_tags = client_tags;
        self
    }

    /// The line as a receiver with these tags gets it.
    pub(crate) fn form(&mut self, wanted: TagSet) -> Bytes {
        let tags = wanted.within(self.useful);
        if tags == TagSet::default() {
            return self.body.clone();
        }
        if let Some((_, ready)) = self.forms.iter().find(|(made_for, _)| *made_for == tags) {
            return ready.clone();
        }
        let made = self.frame(tags);
        self.forms.push((tags, made.clone()));
        made
    }

    fn frame(&self, tags: TagSet) -> Bytes {
        let mut out = Vec::with_capacity(self.body.len() + self.client_tags.len() + 96);
        let mut next = b'@';
        let mut put = |parts: &[&[u8]]| {
            out.push(next);
            next = b';';
            for part in parts {
                out.extend_from_slice(part);
            }
        };
        if tags.has(TagSet::TIME) {
            put(&[b"time=", date::iso(self.unix_ms).as_bytes()]);
        }
        if let Some(account) = self.account.as_ref().filter(|_| tags.has(TagSet::ACCOUNT)) {
            put(&[b"account=", account]);
        }
        if let Some(connection) = self.connection.filter(|_| tags.has(TagSet::CONNECTION)) {
            put(&[b"ircd-lite/from=", connection.to_string().as_bytes()]);
        }
        if tags.has(TagSet::TAGS) {
            if let Some(msgid) = &self.msgid {
                put(&[b"msgid=", msgid]);
            }
            if !self.client_tags.is_empty() {
                put(&[&self.client_tags]);
            }
        }
        out.push(b' ');
        out.extend_from_slice(&self.body);
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_made_once_and_shared() {
        let body = Bytes::from_static(b":a PRIVMSG b :x\r\n");
        let mut message = Message::new(body, 0)
            .account(Some(Bytes::from_static(b"bob")))
            .tagged(Bytes::from_static(b"m1"), Bytes::from_static(b"+t=1"));
        assert_eq!(message.form(TagSet::default()), ":a PRIVMSG b :x\r\n");
        let all = TagSet::TIME.with(TagSet::TAGS).with(TagSet::ACCOUNT);
        let first = message.form(all);
        assert_eq!(first, "@time=1970-01-01T00:00:00.000Z;account=bob;msgid=m1;+t=1 :a PRIVMSG b :x\r\n");
        assert_eq!(first.as_ptr(), message.form(all).as_ptr());
        assert_eq!(message.form(TagSet::TAGS), "@msgid=m1;+t=1 :a PRIVMSG b :x\r\n");
    }

    #[test]
    fn a_tag_without_content_gives_no_form_of_its_own() {
        let mut message = Message::new(Bytes::from_static(b"PING\r\n"), 0);
        assert_eq!(message.form(TagSet::ACCOUNT.with(TagSet::TAGS)), "PING\r\n");
    }
}
