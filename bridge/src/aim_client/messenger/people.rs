//! The buddy list, who is there, and what people say about themselves.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use oscar_im::ScreenName;
use oscar_im::session::{Presence, Typing};

use super::{Action, Link, Messenger, News, With, wording};
use crate::clock::Moment;

/// The group that a new buddy is put in.
pub(super) const GROUP: &str = "Buddies";
/// People whose presence is remembered.
const MOST_PRESENCES: usize = 4_096;
/// Questions about people that are not answered yet.
const MOST_QUERIES: usize = 16;
/// How long to wait for an answer: servers that know nobody of that name say nothing at all.
const ANSWER: Duration = Duration::from_secs(10);

/// One buddy, as the list has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aim_client) struct Listed {
    pub(in crate::aim_client) name: ScreenName,
    pub(in crate::aim_client) alias: Option<String>,
    pub(in crate::aim_client) group: String,
}

/// The list, and who is there.
#[derive(Debug, Default)]
pub(in crate::aim_client) struct People {
    list: Vec<Listed>,
    presences: BTreeMap<ScreenName, Presence>,
}

impl People {
    /// Each group with its buddies: those who are there first, else in the list's order.
    pub(in crate::aim_client) fn groups(&self) -> Vec<(&str, Vec<(&Listed, Presence)>)> {
        let mut groups: Vec<(&str, Vec<(&Listed, Presence)>)> = Vec::new();
        for buddy in &self.list {
            let one = (buddy, self.presence(&buddy.name));
            match groups.iter_mut().find(|(name, _)| *name == buddy.group) {
                Some((_, buddies)) => buddies.push(one),
                None => groups.push((&buddy.group, vec![one])),
            }
        }
        for (_, buddies) in &mut groups {
            buddies.sort_by_key(|(_, presence)| *presence == Presence::Offline);
        }
        groups
    }

    pub(in crate::aim_client) fn presence(&self, name: &ScreenName) -> Presence {
        self.presences.get(name).copied().unwrap_or(Presence::Offline)
    }

    /// What to call somebody: as the server displays them, else as the list spells them, else as they were spelt here.
    pub(in crate::aim_client) fn title(&self, name: &ScreenName) -> String {
        let displayed = self.presences.get_key_value(name).map(|(displayed, _)| displayed);
        let listed = || self.list.iter().map(|buddy| &buddy.name).find(|listed| *listed == name);
        displayed.or_else(listed).unwrap_or(name).to_string()
    }

    /// As [`People::title`], but for those whom we have given a name of ours.
    pub(in crate::aim_client) fn called(&self, name: &ScreenName) -> String {
        let alias = self.list.iter().find(|buddy| buddy.name == *name).and_then(|buddy| buddy.alias.clone());
        alias.unwrap_or_else(|| self.title(name))
    }

    /// The names of all who are on the list or here.
    pub(in crate::aim_client) fn names(&self) -> impl Iterator<Item = &ScreenName> {
        self.list.iter().map(|buddy| &buddy.name).chain(self.presences.keys())
    }

    /// Whether the server tells us when they come and go.
    pub(in crate::aim_client) fn watched(&self, name: &ScreenName) -> bool {
        self.presences.contains_key(name) || self.list.iter().any(|buddy| buddy.name == *name)
    }

    pub(super) fn forget_presences(&mut self) {
        self.presences.clear();
    }
}

/// Questions about people that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Queries(VecDeque<(ScreenName, Instant)>);

impl Queries {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.0.front().map(|(_, deadline)| *deadline)
    }

    pub(super) fn expired(&self, now: Instant) -> bool {
        self.due().is_some_and(|deadline| deadline <= now)
    }
}

impl Messenger {
    /// The buddy list as the session has it now.
    pub(in crate::aim_client) fn buddies(&mut self, list: Vec<Listed>) {
        self.people.list = list;
    }

    pub(super) fn seen(&mut self, who: &ScreenName, presence: Presence, now: Moment) {
        let before = self.presence(who);
        let known_as = self.people.title(who);
        let presences = &mut self.people.presences;
        if presence == Presence::Offline {
            presences.remove(who);
        } else if presences.len() < MOST_PRESENCES || presences.contains_key(who) {
            presences.insert(who.clone(), presence);
        }
        if presence == Presence::Offline
            && let Some(conversation) = self.conversations.find_mut(&With::Person(who.clone()))
        {
            conversation.typing = Typing::None;
        }
        // Minutes of idleness that pass are no news.
        if kind(before) != kind(presence) {
            // Who is gone is called as they were while they were here.
            let name = if presence == Presence::Offline { known_as } else { self.people.title(who) };
            self.notice_about(who, &wording::presence(&name, presence), now);
        }
    }

    pub(super) fn types(&mut self, from: &ScreenName, typing: Typing) {
        if let Some(conversation) = self.conversations.find_mut(&With::Person(from.clone())) {
            conversation.typing = typing;
        }
        let name = self.people.title(from);
        self.news.push_back(News::Notice(wording::typing(&name, typing)));
    }

    pub(super) fn query(&mut self, name: ScreenName, now: Moment) {
        if self.link == Link::Online && self.queries.0.len() >= MOST_QUERIES {
            return self.problem(wording::TOO_MUCH_WAITS, now);
        }
        if self.link == Link::Online {
            self.queries.0.push_back((name.clone(), now.instant + ANSWER));
        }
        self.ask(Action::Query(name), now);
    }

    pub(super) fn learned(
        &mut self,
        who: &ScreenName,
        away: Option<&str>,
        profile: Option<&str>,
        now: Moment,
    ) {
        self.queries.0.retain(|(name, _)| name != who);
        let name = self.people.title(who);
        self.answer(&wording::profile_of(&name, profile), now);
        if let Some(away) = away {
            self.answer(&wording::away_of(&name, away), now);
        }
    }

    /// The oldest question has no answer.
    pub(super) fn learned_nothing(&mut self, now: Moment) {
        if let Some((name, _)) = self.queries.0.pop_front() {
            self.problem(&wording::no_info(name.as_str()), now);
        }
    }

    pub(super) fn list_buddies(&mut self, now: Moment) {
        let mut lines = Vec::new();
        for (group, buddies) in self.people.groups() {
            lines.push(format!("{group}:"));
            for (buddy, presence) in buddies {
                let alias = buddy.alias.as_ref().map(|alias| format!(" ({alias})")).unwrap_or_default();
                lines.push(format!("  {}{alias}: {}", buddy.name, wording::presence_word(presence)));
            }
        }
        if lines.is_empty() {
            lines.push(wording::NO_BUDDIES.to_owned());
        }
        for line in lines {
            self.answer(&line, now);
        }
    }
}

/// What a person would call a change.
fn kind(presence: Presence) -> u8 {
    match presence {
        Presence::Offline => 0,
        Presence::Online { away: true, .. } => 1,
        Presence::Online { idle_minutes: 0, .. } => 2,
        Presence::Online { .. } => 3,
    }
}
