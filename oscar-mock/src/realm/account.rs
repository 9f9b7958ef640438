//! One account: its credentials and what the server keeps for it between sessions.

use std::collections::HashSet;

use oscar_im::ScreenName;
use oscar_im::wire::Tlvs;
use program::Secret;

use super::feedbag::Feedbag;
use super::{AccountId, Privacy, SessionId};

/// Messages kept for an absent account from one sender, as open-oscar-server keeps.
const MAX_STORED_PER_SENDER: usize = 10;
/// Bytes of all messages kept for one account.
const MAX_STORED_BYTES: usize = 1 << 20;

/// A message that waits for its receiver (04/06 with TLV 6).
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// Who sent it.
    pub(crate) sender: AccountId,
    /// The sender's id of it.
    pub(crate) cookie: [u8; 8],
    /// The TLVs of the 04/06 as they came, TLV 3 and 6 included: so open-oscar-server hands them on.
    pub(crate) tlvs: Tlvs,
    /// When.
    pub(crate) unix: u32,
}

impl Stored {
    fn bytes(&self) -> usize {
        self.tlvs.0.iter().map(|tlv| 4 + tlv.value.len()).sum()
    }
}

/// Somebody who may sign on.
#[derive(Debug)]
pub(crate) struct Account {
    /// As others see it.
    pub(crate) name: ScreenName,
    /// For every form of sign-on.
    pub(crate) password: Secret,
    /// The challenge of BUCP: the same at each sign-on, as open-oscar-server gives it.
    pub(crate) key: String,
    /// Whether it is a bot: never limited and can't be warned.
    pub(crate) bot: bool,
    /// Tenths of a percent, at most 1000.
    pub(crate) warning: u16,
    /// The server-stored list.
    pub(crate) feedbag: Feedbag,
    /// What `feedbag` says about who may see and write.
    pub(crate) privacy: Privacy,
    /// The sessions, oldest first.
    pub(crate) sessions: Vec<SessionId>,
    /// Who sent a message since this account last warned them.
    pub(crate) heard_from: HashSet<AccountId>,
    /// Their entry in the directory (02/09).
    pub(crate) directory: Tlvs,
    stored: Vec<Stored>,
    unannounced: bool,
}

impl Account {
    /// With an empty list.
    pub(super) fn new(name: ScreenName, password: Secret, key: String) -> Self {
        Self {
            name,
            password,
            key,
            bot: false,
            warning: 0,
            feedbag: Feedbag::default(),
            privacy: Privacy::All,
            sessions: Vec::new(),
            heard_from: HashSet::new(),
            directory: Tlvs::new(),
            stored: Vec::new(),
            unannounced: false,
        }
    }

    /// Keeps a message, unless there is no more room for this sender.
    pub(crate) fn store(&mut self, message: Stored) -> bool {
        let from_sender = self.stored.iter().filter(|other| other.sender == message.sender).count();
        let bytes: usize = self.stored.iter().map(Stored::bytes).sum();
        if from_sender >= MAX_STORED_PER_SENDER || bytes + message.bytes() > MAX_STORED_BYTES {
            return false;
        }
        self.stored.push(message);
        self.unannounced = true;
        true
    }

    /// The messages that wait, which wait no longer.
    pub(crate) fn take_stored(&mut self) -> Vec<Stored> {
        self.unannounced = false;
        std::mem::take(&mut self.stored)
    }

    /// How many messages wait.
    pub(crate) fn stored(&self) -> usize {
        self.stored.len()
    }

    /// How many messages wait that their owner has not been told of; it is told once.
    pub(crate) fn announce_stored(&mut self) -> usize {
        if std::mem::take(&mut self.unannounced) { self.stored.len() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_messages_of_one_sender_are_kept() {
        let mut account = Account::new("anna".into(), Secret::new(""), String::new());
        let from = |sender| Stored { sender: AccountId(sender), cookie: [0; 8], tlvs: Tlvs::new(), unix: 0 };
        for _ in 0..10 {
            assert!(account.store(from(1)));
        }
        assert!(!account.store(from(1)));
        assert!(account.store(from(2)));
        assert_eq!(account.announce_stored(), 11);
        assert_eq!(account.announce_stored(), 0);
        assert_eq!(account.take_stored().len(), 11);
        assert!(account.store(from(1)));
    }
}
