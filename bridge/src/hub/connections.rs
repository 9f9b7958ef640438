//! The gateway's connections: which user name on IRC is whose session.

use std::collections::{HashMap, VecDeque};

use crate::conversation::VisitorKey;
use crate::conversation::labels::fold;
use crate::web::event::SessionId;

/// Closed connections remembered: lines of theirs may still be on the way here through the daemon.
const CLOSED: usize = 4096;

/// What is known of them all.
#[derive(Debug, Default)]
pub(super) struct Connections {
    by_user: HashMap<String, Connection>,
    /// The newest connection of each session.
    by_session: HashMap<String, String>,
    closed: VecDeque<String>,
}

/// One WebSocket of one visitor.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) session: SessionId,
    pub(super) page: Option<String>,
    pub(super) language: Option<String>,
    nick: Option<String>,
    nick_before: Option<String>,
    open: bool,
    /// It has been named.
    pub(super) welcomed: bool,
    /// From which entry on answers are said to it without a number; `None`: its program sees the numbers.
    pub(super) unnumbered_from: Option<u64>,
}

impl Connections {
    /// A connection is about to register under this user name.
    pub(super) fn opened(
        &mut self,
        session: SessionId,
        user: String,
        page: Option<String>,
        language: Option<String>,
    ) {
        self.by_session.insert(session.0.clone(), user.clone());
        let connection = Connection {
            session,
            page,
            language,
            nick: None,
            nick_before: None,
            open: true,
            welcomed: false,
            unnumbered_from: None,
        };
        self.by_user.insert(user, connection);
    }

    /// It has this nick now. Gives its session.
    pub(super) fn named(&mut self, user: &str, nick: &str) -> Option<&mut Connection> {
        let connection = self.by_user.get_mut(user)?;
        connection.nick_before = connection.nick.replace(nick.to_owned());
        Some(connection)
    }

    /// It is gone. Gives its session, unless the same visitor has a newer connection.
    pub(super) fn closed(&mut self, user: &str) -> Option<SessionId> {
        let connection = self.by_user.get_mut(user)?;
        connection.open = false;
        let session = connection.session.clone();
        self.closed.push_back(user.to_owned());
        if self.closed.len() > CLOSED
            && let Some(oldest) = self.closed.pop_front()
        {
            self.by_user.remove(&oldest);
        }
        if self.by_session.get(&session.0).map(String::as_str) != Some(user) {
            return None;
        }
        self.by_session.remove(&session.0);
        Some(session)
    }

    /// The connection behind a line. The user name alone can be seen by others, so the nick, which only one can have,
    /// must be the connection's too: the present one, or the last for a line that crossed a change.
    pub(super) fn behind(&self, user: &str, nick: &str) -> Option<&Connection> {
        let connection = self.by_user.get(user.trim_start_matches('~'))?;
        let is = |known: &Option<String>| known.as_ref().is_some_and(|known| fold(known) == fold(nick));
        let fits = connection.nick.is_none() || is(&connection.nick) || is(&connection.nick_before);
        fits.then_some(connection)
    }

    /// The nick of a session that is there.
    pub(super) fn nick_of(&self, session: &str) -> Option<&str> {
        let connection = self.by_user.get(self.by_session.get(session)?)?;
        connection.nick.as_deref().filter(|_| connection.open)
    }

    /// User names and nicks of all connections that are there and have a nick.
    pub(super) fn named_ones(&self) -> Vec<(String, String)> {
        let open = self.by_user.iter().filter(|(_, connection)| connection.open);
        open.filter_map(|(user, connection)| Some((user.clone(), connection.nick.clone()?))).collect()
    }

    /// [`Connection::unnumbered_from`] of a session's newest connection.
    pub(super) fn unnumbered_from(&self, session: &str) -> Option<u64> {
        self.by_user.get(self.by_session.get(session)?)?.unnumbered_from
    }

    /// All sessions that are there, with their nicks.
    pub(super) fn present(&self) -> Vec<(VisitorKey, String)> {
        let open = self.by_session.keys();
        open.filter_map(|session| Some((VisitorKey::session(session), self.nick_of(session)?.to_owned())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_alone_proves_nothing() {
        let mut connections = Connections::default();
        connections.opened(SessionId("s".into()), "x1y2".into(), None, None);
        assert!(connections.behind("~x1y2", "anna").is_some());
        connections.named("x1y2", "anna");
        assert!(connections.behind("x1y2", "Anna").is_some());
        assert!(connections.behind("x1y2", "mallory").is_none());
        connections.named("x1y2", "anna_");
        assert!(connections.behind("x1y2", "anna").is_some(), "said before the change, read after it");
    }

    #[test]
    fn a_newer_connection_outlives_the_older() {
        let mut connections = Connections::default();
        let session = SessionId("s".into());
        connections.opened(session.clone(), "old".into(), None, None);
        connections.named("old", "anna");
        connections.opened(session.clone(), "new".into(), None, None);
        connections.named("new", "anna-");
        assert_eq!(connections.closed("old"), None);
        assert_eq!(connections.nick_of("s"), Some("anna-"));
        assert_eq!(connections.closed("new"), Some(session.clone()));
        assert_eq!(connections.nick_of("s"), None);
        assert!(connections.behind("new", "anna-").is_some(), "its last line may come after it");
    }
}
