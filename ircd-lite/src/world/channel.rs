//! One channel's state: members, modes, lists, topic, history.

use std::collections::HashMap;

use bytes::Bytes;

use super::Slot;
use super::flood::Received;
use super::history::History;

/// Channel modes without a parameter, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Modes(u16);

impl Modes {
    /// `s`: hidden.
    pub(crate) const SECRET: Self = Self(1);
    /// `p`: private.
    pub(crate) const PRIVATE: Self = Self(2);
    /// `m`: moderated.
    pub(crate) const MODERATED: Self = Self(4);
    /// `t`: the topic is the operators'.
    pub(crate) const TOPIC: Self = Self(8);
    /// `i`: by invitation.
    pub(crate) const INVITE: Self = Self(16);
    /// `n`: no messages from outside.
    pub(crate) const NO_EXTERNAL: Self = Self(32);
    /// `S`: TLS only.
    pub(crate) const TLS: Self = Self(64);
    /// `u`: auditorium.
    pub(crate) const AUDITORIUM: Self = Self(128);
    /// Letters in the order of 324.
    pub(crate) const LETTERS: [(u8, Self); 8] = [
        (b's', Self::SECRET),
        (b'p', Self::PRIVATE),
        (b'm', Self::MODERATED),
        (b't', Self::TOPIC),
        (b'i', Self::INVITE),
        (b'n', Self::NO_EXTERNAL),
        (b'S', Self::TLS),
        (b'u', Self::AUDITORIUM),
    ];

    /// Whether `mode` is on.
    pub(crate) const fn has(self, mode: Self) -> bool {
        self.0 & mode.0 != 0
    }

    /// Both together.
    pub(crate) const fn with(self, mode: Self) -> Self {
        Self(self.0 | mode.0)
    }

    /// Turns `mode` on or off; says whether that changed anything.
    pub(crate) fn set(&mut self, mode: Self, on: bool) -> bool {
        let before = self.0;
        if on {
            self.0 |= mode.0;
        } else {
            self.0 &= !mode.0;
        }
        before != self.0
    }

    /// The modes that a text such as `+ntu` names; unknown letters are skipped.
    pub(crate) fn parse(text: &str) -> Self {
        let known = |letter: u8| Self::LETTERS.iter().find(|(known, _)| *known == letter);
        text.bytes().filter_map(known).fold(Self::default(), |modes, (_, mode)| modes.with(*mode))
    }
}

/// What a member is in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rank {
    /// `@`.
    pub operator: bool,
    /// `+`.
    pub voice: bool,
}

impl Rank {
    /// Operators and voices may speak where others may not.
    pub(crate) fn any(self) -> bool {
        self.operator || self.voice
    }

    /// `@`, `+`, `@+` or nothing; only the highest unless `all`.
    pub(crate) fn prefix(self, all: bool) -> &'static str {
        match (self.operator, self.voice, all) {
            (true, true, true) => "@+",
            (true, _, _) => "@",
            (false, true, _) => "+",
            (false, false, _) => "",
        }
    }
}

/// One member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Who.
    pub client: Slot,
    /// As what.
    pub rank: Rank,
}

/// One entry of a ban, exception or invite-exception list.
#[derive(Debug, Clone)]
pub(crate) struct MaskEntry {
    /// The mask.
    pub mask: Bytes,
    /// Who set it.
    pub setter: Bytes,
    /// When, in Unix seconds.
    pub unix: u64,
}

/// A topic.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    /// Its text.
    pub text: Bytes,
    /// Who set it, as shown.
    pub setter: Bytes,
    /// A plain member of an auditorium set it: others see the server as setter.
    pub hidden_setter: bool,
    /// When, in Unix seconds.
    pub unix: u64,
}

/// What a `[[channel]]` of the configuration adds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Permanent {
    /// Accounts that are operators on joining.
    pub operators: Vec<String>,
}

/// A channel.
#[derive(Debug)]
pub(crate) struct Channel {
    /// As its creator spelled it.
    pub name: Bytes,
    /// Created, in Unix seconds.
    pub unix: u64,
    /// Flags.
    pub modes: Modes,
    /// `+k`.
    pub key: Option<Bytes>,
    /// `+l`.
    pub limit: Option<usize>,
    /// `+b`, newest first.
    pub bans: Vec<MaskEntry>,
    /// `+e`.
    pub excepts: Vec<MaskEntry>,
    /// `+I`.
    pub invexes: Vec<MaskEntry>,
    /// The topic.
    pub topic: Option<Topic>,
    /// Exists without members.
    pub permanent: Option<Permanent>,
    /// The last KNOCK.
    pub knocked_ms: Option<u64>,
    /// Messages to it from members without a rank and from outside.
    pub received: Received,
    /// Who holds an invitation.
    pub invited: Vec<Slot>,
    /// Lines kept for CHATHISTORY.
    pub history: History,
    members: Vec<Member>,
    places: HashMap<Slot, usize>,
    operators: Vec<Slot>,
}

impl Channel {
    /// A channel without members.
    pub(crate) fn new(name: Bytes, unix: u64) -> Self {
        Self {
            name,
            unix,
            modes: Modes::default(),
            key: None,
            limit: None,
            bans: Vec::new(),
            excepts: Vec::new(),
            invexes: Vec::new(),
            topic: None,
            permanent: None,
            knocked_ms: None,
            received: Received::default(),
            invited: Vec::new(),
            history: History::default(),
            members: Vec::new(),
            places: HashMap::new(),
            operators: Vec::new(),
        }
    }

    /// Everybody in it.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Its operators.
    pub(crate) fn operators(&self) -> &[Slot] {
        &self.operators
    }

    /// A member's rank; `None` for others.
    pub(crate) fn rank(&self, client: Slot) -> Option<Rank> {
        self.places.get(&client).and_then(|place| self.members.get(*place)).map(|member| member.rank)
    }

    /// Whether `client` is an operator of it.
    pub(crate) fn is_operator(&self, client: Slot) -> bool {
        self.rank(client).is_some_and(|rank| rank.operator)
    }

    /// Whether it is an auditorium.
    pub(crate) fn auditorium(&self) -> bool {
        self.modes.has(Modes::AUDITORIUM)
    }

    /// Neither `+s` nor `+p`.
    pub(crate) fn public(&self) -> bool {
        !self.modes.has(Modes::SECRET) && !self.modes.has(Modes::PRIVATE)
    }

    /// Adds a member.
    pub(crate) fn add(&mut self, client: Slot, rank: Rank) {
        if self.places.contains_key(&client) {
            return;
        }
        self.places.insert(client, self.members.len());
        self.members.push(Member { client, rank });
        if rank.operator {
            self.operators.push(client);
        }
    }

    /// Removes a member; says what it was.
    pub(crate) fn remove(&mut self, client: Slot) -> Option<Rank> {
        let place = self.places.remove(&client)?;
        let member = self.members.swap_remove(place);
        if let Some(moved) = self.members.get(place) {
            self.places.insert(moved.client, place);
        }
        self.operators.retain(|operator| *operator != client);
        Some(member.rank)
    }

    /// Changes a member's rank.
    pub(crate) fn set_rank(&mut self, client: Slot, rank: Rank) {
        let Some(member) = self.places.get(&client).and_then(|place| self.members.get_mut(*place)) else {
            return;
        };
        member.rank = rank;
        self.operators.retain(|operator| *operator != client);
        if rank.operator {
            self.operators.push(client);
        }
    }

    /// How many entries its three lists have together.
    pub(crate) fn list_entries(&self) -> usize {
        self.bans.len() + self.excepts.len() + self.invexes.len()
    }

    /// `+modes` and their parameters; values of `l` and `k` for members only.
    pub(crate) fn mode_words(&self, with_values: bool) -> Vec<Vec<u8>> {
        let mut letters = vec![b'+'];
        letters.extend(
            Modes::LETTERS.iter().filter(|(_, mode)| self.modes.has(*mode)).map(|(letter, _)| letter),
        );
        let mut words = Vec::new();
        if let Some(limit) = self.limit {
            letters.push(b'l');
            words.push(limit.to_string().into_bytes());
        }
        if let Some(key) = &self.key {
            letters.push(b'k');
            words.push(key.to_vec());
        }
        if !with_values {
            words.clear();
        }
        words.insert(0, letters);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_and_go_in_constant_time() {
        let mut channel = Channel::new(Bytes::from_static(b"#c"), 0);
        let operator = Rank { operator: true, voice: false };
        for at in 0..5 {
            channel.add(Slot(at), if at == 2 { operator } else { Rank::default() });
        }
        assert_eq!(channel.operators(), [Slot(2)]);
        assert_eq!(channel.remove(Slot(0)), Some(Rank::default()));
        assert_eq!(channel.remove(Slot(0)), None);
        assert_eq!(channel.remove(Slot(2)), Some(operator));
        let mut left: Vec<usize> = channel.members().iter().map(|member| member.client.0).collect();
        left.sort_unstable();
        assert_eq!((left, channel.operators().len()), (vec![1, 3, 4], 0));
        channel.set_rank(Slot(4), operator);
        assert!(channel.is_operator(Slot(4)) && channel.rank(Slot(9)).is_none());
    }

    #[test]
    fn modes_are_shown_in_ratbox_order() {
        let mut channel = Channel::new(Bytes::from_static(b"#c"), 0);
        channel.modes = Modes::parse("+ntis");
        channel.limit = Some(5);
        channel.key = Some(Bytes::from_static(b"newkey"));
        let words = |with| {
            channel.mode_words(with).iter().map(|w| String::from_utf8(w.clone()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(words(true), ["+stinlk", "5", "newkey"]);
        assert_eq!(words(false), ["+stinlk"]);
    }
}
