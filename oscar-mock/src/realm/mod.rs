//! Who exists, who is signed on, who watches whom, which rooms are open. No frames, no sockets, no clock.
//!
//! Accounts and what the server keeps for them last as long as the server runs; sessions come and go. What follows
//! from a change (who must be told) is decided in `bos`; here it can only be asked.

pub(crate) mod account;
pub(crate) mod feedbag;
pub(crate) mod pictures;
pub(crate) mod rooms;
pub(crate) mod session;

use std::collections::{BTreeSet, HashMap, HashSet};

use oscar_im::ScreenName;
use program::Secret;

pub(crate) use account::{Account, Stored};
pub(crate) use feedbag::Privacy;
pub(crate) use pictures::Pictures;
pub(crate) use rooms::Rooms;
pub(crate) use session::{ListUse, Session, Sharing};

use crate::clock::Now;
use crate::rates::Levels;

/// A TCP connection, numbered from 1 in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// One signed-on stretch of an account; an account that shares its name has several at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct SessionId(u64);

/// An account of this realm. Accounts are never removed, so an id stays good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AccountId(usize);

/// Accounts that may exist: an open server makes one for each name that signs on.
const MAX_ACCOUNTS: usize = 100_000;
/// Sessions that one account may share, as open-oscar-server allows.
const MAX_SHARED: usize = 5;

/// The state of the whole double.
#[derive(Debug, Default)]
pub(crate) struct Realm {
    accounts: Vec<Account>,
    by_name: HashMap<ScreenName, AccountId>,
    sessions: HashMap<SessionId, Session>,
    /// For each name, the sessions whose buddy list holds it; the name need not exist.
    watchers: HashMap<ScreenName, BTreeSet<SessionId>>,
    /// Chat rooms.
    pub(crate) rooms: Rooms,
    /// Icons.
    pub(crate) pictures: Pictures,
    last_session: u64,
}

impl Realm {
    /// Adds an account, or changes the password of one that exists. `key` is the challenge that it is always given at
    /// sign-on. None: there are too many.
    pub(crate) fn add_account(
        &mut self,
        name: ScreenName,
        password: Secret,
        key: String,
    ) -> Option<AccountId> {
        if let Some(&id) = self.by_name.get(&name) {
            self.account_mut(id).password = password;
            return Some(id);
        }
        if self.accounts.len() >= MAX_ACCOUNTS {
            return None;
        }
        let id = AccountId(self.accounts.len());
        self.by_name.insert(name.clone(), id);
        self.accounts.push(Account::new(name, password, key));
        Some(id)
    }

    /// The account of this name.
    pub(crate) fn find(&self, name: &ScreenName) -> Option<AccountId> {
        self.by_name.get(name).copied()
    }

    /// All accounts, in the order in which they were added.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts.iter().enumerate().map(|(index, account)| (AccountId(index), account))
    }

    /// An account.
    #[expect(clippy::indexing_slicing, reason = "ids are made by add_account only, and accounts stay")]
    pub(crate) fn account(&self, id: AccountId) -> &Account {
        &self.accounts[id.0]
    }

    /// An account, to change it.
    #[expect(clippy::indexing_slicing, reason = "ids are made by add_account only, and accounts stay")]
    pub(crate) fn account_mut(&mut self, id: AccountId) -> &mut Account {
        &mut self.accounts[id.0]
    }

    /// A session, unless it has ended.
    pub(crate) fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// A session, to change it.
    pub(crate) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// All sessions.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    /// The sessions that must end before one more of `account` begins.
    pub(crate) fn displaced_by(&self, account: AccountId, sharing: Sharing) -> Vec<SessionId> {
        let present = &self.account(account).sessions;
        let all_share = sharing == Sharing::Shared
            && present.iter().filter_map(|id| self.session(*id)).all(|session| session.sharing == sharing);
        if all_share { present.iter().rev().skip(MAX_SHARED - 1).copied().collect() } else { present.clone() }
    }

    /// Begins a session on `connection`. Those that it displaces must have ended before.
    pub(crate) fn begin(
        &mut self,
        account: AccountId,
        sharing: Sharing,
        connection: ConnectionId,
        levels: Levels,
        now: Now,
    ) -> SessionId {
        self.last_session += 1;
        let id = SessionId(self.last_session);
        self.sessions.insert(id, Session::new(account, sharing, connection, levels, now));
        self.account_mut(account).sessions.push(id);
        id
    }

    /// Ends a session: it watches nobody and is in no room from here on.
    pub(crate) fn end(&mut self, id: SessionId) -> Option<Session> {
        self.watch(id, HashSet::new());
        let session = self.sessions.remove(&id)?;
        self.account_mut(session.account).sessions.retain(|other| *other != id);
        Some(session)
    }

    /// Replaces the names that a session watches, and says which came and which went.
    pub(crate) fn watch(&mut self, id: SessionId, names: HashSet<ScreenName>) -> Vec<ScreenName> {
        let Some(session) = self.sessions.get_mut(&id) else { return Vec::new() };
        let before = std::mem::replace(&mut session.watching, names);
        let changed: Vec<ScreenName> = before.symmetric_difference(&session.watching).cloned().collect();
        for name in &changed {
            if before.contains(name) {
                if let Some(sessions) = self.watchers.get_mut(name) {
                    sessions.remove(&id);
                    if sessions.is_empty() {
                        self.watchers.remove(name);
                    }
                }
            } else {
                self.watchers.entry(name.clone()).or_default().insert(id);
            }
        }
        changed
    }

    /// The names that a session should watch: its account's list once that is in use, and those the client gave.
    pub(crate) fn contacts(&self, id: SessionId) -> HashSet<ScreenName> {
        let Some(session) = self.session(id) else { return HashSet::new() };
        let mut names = session.client_buddies.clone();
        if session.list == ListUse::Active {
            names.extend(self.account(session.account).feedbag.buddies());
        }
        names
    }

    /// The sessions whose buddy list holds this account.
    pub(crate) fn watchers(&self, account: AccountId) -> Vec<SessionId> {
        let name = &self.account(account).name;
        self.watchers.get(name).into_iter().flatten().copied().collect()
    }

    /// The sessions of an account that others may know of, oldest first.
    pub(crate) fn online(&self, account: AccountId) -> impl Iterator<Item = (SessionId, &Session)> {
        self.account(account)
            .sessions
            .iter()
            .filter_map(|id| Some((*id, self.session(*id)?)))
            .filter(|(_, session)| session.ready)
    }

    /// The session that speaks for an account: the newest that isn't away, else the newest.
    pub(crate) fn foremost(&self, account: AccountId) -> Option<&Session> {
        let present = || self.online(account).map(|(_, session)| session);
        present().filter(|session| session.away.is_none()).last().or_else(|| present().last())
    }

    /// Whether `account` lets `other` see it and write to it.
    pub(crate) fn allows(&self, account: AccountId, other: AccountId) -> bool {
        let name = &self.account(other).name;
        let account = self.account(account);
        let of_a_client = account
            .sessions
            .iter()
            .filter_map(|id| self.session(*id))
            // Beside the server-stored list a client's own does not count.
            .filter(|session| session.list == ListUse::Unasked)
            .find_map(|session| session.client_privacy.as_ref());
        of_a_client.unwrap_or(&account.privacy).allows(name)
    }

    /// Whether a session is to be told that `account` is there.
    pub(crate) fn sees(&self, viewer: SessionId, account: AccountId) -> bool {
        let Some(session) = self.session(viewer) else { return false };
        session.ready
            && session.watching.contains(&self.account(account).name)
            && self.foremost(account).is_some_and(|foremost| !foremost.is_invisible())
            && self.allows(account, session.account)
            && self.allows(session.account, account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn realm() -> (Realm, AccountId, AccountId, Now) {
        let mut realm = Realm::default();
        let mut add =
            |name| realm.add_account(ScreenName::new(name), Secret::new("pw"), String::new()).unwrap();
        let (anna, bert) = (add("Anna"), add("Bert"));
        (realm, anna, bert, Clock::manual().now())
    }

    fn sign_on(realm: &mut Realm, account: AccountId, sharing: Sharing, now: Now) -> SessionId {
        let connection = ConnectionId(realm.last_session + 1);
        let levels = Levels::new(crate::rates::classes(crate::config::Rates::Stock, 0), now.instant);
        let id = realm.begin(account, sharing, connection, levels, now);
        realm.session_mut(id).unwrap().ready = true;
        id
    }

    #[test]
    fn presence_needs_the_list_and_both_sides_leave() {
        let (mut realm, anna, bert, now) = realm();
        let viewer = sign_on(&mut realm, anna, Sharing::Single, now);
        let bert_session = sign_on(&mut realm, bert, Sharing::Single, now);
        assert!(!realm.sees(viewer, bert));
        let changed = realm.watch(viewer, HashSet::from([ScreenName::new("b e r t")]));
        assert_eq!(changed, [ScreenName::new("bert")]);
        assert!(realm.sees(viewer, bert));
        assert_eq!(realm.watchers(bert), [viewer]);

        realm.account_mut(bert).privacy = Privacy::Deny(HashSet::from([ScreenName::new("anna")]));
        assert!(!realm.sees(viewer, bert));
        realm.account_mut(bert).privacy = Privacy::All;
        realm.session_mut(bert_session).unwrap().status = 0x100;
        assert!(!realm.sees(viewer, bert), "invisible");
        realm.session_mut(bert_session).unwrap().status = 0;
        realm.end(bert_session);
        assert!(!realm.sees(viewer, bert));
        realm.end(viewer);
        assert!(realm.watchers(bert).is_empty());
    }

    #[test]
    fn a_single_session_displaces_and_shared_ones_do_not() {
        let (mut realm, anna, _, now) = realm();
        let first = sign_on(&mut realm, anna, Sharing::Shared, now);
        assert!(realm.displaced_by(anna, Sharing::Shared).is_empty());
        assert_eq!(realm.displaced_by(anna, Sharing::Single), [first]);
        for _ in 1..MAX_SHARED {
            sign_on(&mut realm, anna, Sharing::Shared, now);
        }
        assert_eq!(realm.displaced_by(anna, Sharing::Shared), [first]);
    }

    #[test]
    fn adding_an_account_again_changes_its_password_only() {
        let (mut realm, anna, ..) = realm();
        let again = realm.add_account(ScreenName::new("an na"), Secret::new("new"), "key".into());
        assert_eq!(again, Some(anna));
        assert_eq!(realm.account(anna).name.as_str(), "Anna");
        assert_eq!(realm.account(anna).password.expose(), "new");
    }
}
