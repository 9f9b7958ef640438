//! Chat rooms: finding or making one by name, invitations both ways, what is said there, and coming back after a loss.

use std::collections::{HashMap, VecDeque};

use oscar_im::ScreenName;
use oscar_im::foodgroup::FoodGroup;
use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::chat_nav::EXCHANGE_PRIVATE;
use oscar_im::foodgroup::icbm::Cookie;
use oscar_im::session::{Invitation, Service};
use oscar_im::{service, text::split};

use super::{Action, Link, Messenger, News, Voice, With, wording};
use crate::aim_client::action::RoomKey;
use crate::aim_client::conversation::Delivery;
use crate::aim_client::outbox::EntryId;
use crate::clock::Moment;

/// Rooms at once.
const MOST_ROOMS: usize = 8;
/// Invitations that are remembered; of more, the oldest is forgotten.
const MOST_INVITATIONS: usize = 16;
/// Messages to rooms that have not come back yet.
const MOST_OPEN: usize = 64;
/// What rooms take at once: servers say 1,024 bytes.
const LIMITS: split::Limits = split::Limits { characters: 1_000, bytes: 1_024 };

/// A room that we are in, or want to be in again.
#[derive(Debug)]
pub(in crate::aim_client) struct Room {
    pub(in crate::aim_client) key: RoomKey,
    pub(in crate::aim_client) title: String,
    id: RoomId,
    /// Its connection is ready.
    inside: bool,
    /// The server knew it no more, and was asked to make it.
    made_again: bool,
}

/// What a connection to a room, or to the service that makes them, tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aim_client) enum RoomEvent {
    /// The service has found or made a room.
    Found { room: RoomId, name: String },
    /// The service has not, in words.
    NotFound { name: String, reason: String },
    /// In a room of ours.
    In(RoomKey, service::Event),
    /// A room could not be connected to.
    Unreachable(RoomKey, String),
    /// What was to be said in a room was not sent.
    NotSaid { cookie: Cookie, reason: String },
}

#[derive(Debug, Default)]
pub(super) struct Rooms {
    all: Vec<Room>,
    next_key: u32,
    /// Names to look for when the way to the service is known.
    wanted: VecDeque<String>,
    /// Names that the service is asked for.
    asked: Vec<String>,
    /// What rooms are called that the session is asked for.
    titles: Vec<(RoomId, String)>,
    invitations: VecDeque<Invitation>,
    open: HashMap<Cookie, (RoomKey, EntryId)>,
}

impl Rooms {
    pub(super) fn by_title(&self, title: &str) -> Option<&Room> {
        self.all.iter().find(|room| room.title.eq_ignore_ascii_case(title))
    }

    fn by_key(&mut self, key: RoomKey) -> Option<&mut Room> {
        self.all.iter_mut().find(|room| room.key == key)
    }

    /// Whether nothing that was asked for waits.
    pub(super) fn is_settled(&self) -> bool {
        self.wanted.is_empty() && self.asked.is_empty() && self.titles.is_empty() && self.open.is_empty()
    }
}

impl Messenger {
    pub(super) fn join(&mut self, name: String, now: Moment) {
        if self.link != Link::Online {
            return self.problem(wording::NOT_SIGNED_ON, now);
        }
        if self.rooms.all.len() + self.rooms.wanted.len() >= MOST_ROOMS {
            return self.problem(wording::TOO_MANY_ROOMS, now);
        }
        self.rooms.wanted.push_back(name);
        self.actions.push_back(Action::FindNavigation);
    }

    pub(super) fn accept(&mut self, now: Moment) {
        if self.link != Link::Online {
            return self.problem(wording::NOT_SIGNED_ON, now);
        }
        if self.rooms.all.len() >= MOST_ROOMS {
            return self.problem(wording::TOO_MANY_ROOMS, now);
        }
        match self.rooms.invitations.pop_back() {
            Some(invitation) => {
                let title = title(&invitation.room);
                self.find_room(invitation.room, title);
            }
            None => self.problem(wording::NO_INVITATION, now),
        }
    }

    pub(super) fn decline(&mut self, now: Moment) {
        match self.rooms.invitations.pop_back() {
            Some(invitation) => self.ask(Action::Decline(invitation), now),
            None => self.problem(wording::NO_INVITATION, now),
        }
    }

    pub(super) fn invite(&mut self, to: ScreenName, text: Option<String>, now: Moment) {
        let With::Room(key) = self.conversations.current().with else {
            return self.problem(wording::NO_ROOM, now);
        };
        let Some(room) = self.rooms.by_key(key).map(|room| room.id.clone()) else { return };
        let cookie = self.outbox.cookie();
        let text = text.unwrap_or_else(|| wording::INVITATION_TEXT.to_owned());
        self.ask(Action::Invite { cookie, to, room, text }, now);
    }

    pub(super) fn leave(&mut self, now: Moment) {
        match self.conversations.current().with {
            With::Room(_) => self.close(),
            _ => self.problem(wording::NO_ROOM, now),
        }
    }

    /// Leaves for good.
    pub(super) fn forget_room(&mut self, key: RoomKey) {
        self.rooms.all.retain(|room| room.key != key);
        self.rooms.open.retain(|_, (room, _)| *room != key);
        self.actions.push_back(Action::LeaveRoom(key));
    }

    pub(super) fn say_in_room(&mut self, key: RoomKey, text: &str, now: Moment) {
        let with = With::Room(key);
        let inside = self.rooms.by_key(key).is_some_and(|room| room.inside);
        for part in split::split(text, LIMITS) {
            let voice = Voice::Mine(Delivery::Sending);
            let id = self.conversations.add(&with, wording::CLIENT, voice, part, now.wall);
            if !inside {
                self.fail(id, wording::NOT_IN_ROOM);
            } else if self.rooms.open.len() >= MOST_OPEN {
                self.fail(id, wording::TOO_MUCH_WAITS);
            } else {
                let cookie = self.outbox.cookie();
                self.rooms.open.insert(cookie, (key, id));
                self.actions.push_back(Action::SayInRoom { room: key, cookie, text: part.to_owned() });
            }
        }
    }

    fn not_said(&mut self, cookie: Cookie, reason: &str) {
        if let Some((_, id)) = self.rooms.open.remove(&cookie) {
            self.fail(id, reason);
        }
    }

    pub(super) fn invited(&mut self, invitation: Invitation, now: Moment) {
        let from = invitation.from.to_string();
        let text = wording::invited(&from, &title(&invitation.room), &invitation.text);
        if self.rooms.invitations.len() >= MOST_INVITATIONS {
            self.rooms.invitations.pop_front();
        }
        self.rooms.invitations.push_back(invitation);
        self.notice(&text, now);
    }

    pub(super) fn service_ready(&mut self, service: Service, now: Moment) {
        match (service.group, service.room.clone()) {
            (FoodGroup::ChatNav, _) => {
                if let Some(name) = self.rooms.wanted.pop_front() {
                    self.rooms.asked.push(name.clone());
                    self.actions.push_back(Action::Navigate { service, name });
                }
            }
            (FoodGroup::Chat, Some(id)) => {
                let at = self.rooms.titles.iter().position(|(asked, _)| *asked == id);
                let Some((id, title)) = at.map(|at| self.rooms.titles.remove(at)) else { return };
                let key = self.room_key(id, title);
                self.actions.push_back(Action::Enter { room: key, service });
            }
            (group, _) => {
                let reason = format!("{group} was not asked for");
                self.problem(&wording::service_refused(None, &reason), now);
            }
        }
    }

    pub(super) fn service_refused(&mut self, group: FoodGroup, reason: &str, now: Moment) {
        // Requests are answered in their order.
        let name = match group {
            FoodGroup::ChatNav => self.rooms.wanted.pop_front(),
            _ if self.rooms.titles.is_empty() => None,
            _ => {
                let (id, title) = self.rooms.titles.remove(0);
                if self.make_again(&id, &title) {
                    return;
                }
                Some(title)
            }
        };
        self.problem(&wording::service_refused(name.as_deref(), reason), now);
    }

    /// A server that was started anew knows none of the rooms that we were in, but makes them; once for each loss. Only
    /// those that anybody may make by name.
    fn make_again(&mut self, id: &RoomId, title: &str) -> bool {
        let room = self.rooms.all.iter_mut().find(|room| room.id == *id && !room.made_again);
        let Some(room) = room.filter(|_| id.exchange == EXCHANGE_PRIVATE) else { return false };
        room.made_again = true;
        self.rooms.wanted.push_back(title.to_owned());
        self.actions.push_back(Action::FindNavigation);
        true
    }

    /// The connection to a room, or to the service that makes them, tells something.
    pub(in crate::aim_client) fn receive_room(&mut self, event: RoomEvent, now: Moment) {
        match event {
            RoomEvent::Found { room, name } => {
                self.rooms.asked.retain(|asked| *asked != name);
                // One that was made again may have another id.
                let ours = |ours: &&mut Room| ours.made_again && ours.title.eq_ignore_ascii_case(&name);
                if let Some(ours) = self.rooms.all.iter_mut().find(ours) {
                    ours.id = room.clone();
                }
                self.find_room(room, name);
            }
            RoomEvent::NotFound { name, reason } => {
                self.rooms.asked.retain(|asked| *asked != name);
                self.problem(&wording::service_refused(Some(&name), &reason), now);
            }
            RoomEvent::Unreachable(key, reason) => self.room_over(key, &reason, now),
            RoomEvent::NotSaid { cookie, reason } => self.not_said(cookie, &reason),
            RoomEvent::In(key, event) => self.in_room(key, event, now),
        }
        self.end_if_settled();
    }

    fn in_room(&mut self, key: RoomKey, event: service::Event, now: Moment) {
        let Some(room) = self.rooms.by_key(key) else { return };
        let title = room.title.clone();
        let with = With::Room(key);
        match event {
            service::Event::Ready => {
                room.inside = true;
                room.made_again = false;
                // Not after a loss: a person has gone on to look elsewhere.
                if self.conversations.find(&with).is_none() {
                    self.conversations.open(&with, &title);
                }
                self.notice_in(&with, &wording::entered(&title), now);
            }
            service::Event::Joined(names) => {
                let told = names.iter().map(ToString::to_string).collect::<Vec<_>>();
                if let Some(conversation) = self.conversations.find_mut(&with) {
                    conversation.members.extend(names.into_iter().take(MOST_MEMBERS));
                }
                self.notice_in(&with, &wording::members(&title, &told, "here"), now);
            }
            service::Event::Left(names) => {
                let told = names.iter().map(ToString::to_string).collect::<Vec<_>>();
                if let Some(conversation) = self.conversations.find_mut(&with) {
                    conversation.members.retain(|member| !names.contains(member));
                }
                self.notice_in(&with, &wording::members(&title, &told, "left"), now);
            }
            service::Event::Said { from, cookie, text } => {
                // Others choose their cookies too.
                let ours = if from == self.me { self.rooms.open.remove(&cookie) } else { None };
                if let Some((_, id)) = ours {
                    return self.delivered(id);
                }
                self.conversations.add(&with, &title, Voice::Theirs(from.clone()), &text, now.wall);
                self.news.push_back(News::Said { from: from.to_string(), room: Some(title), text });
            }
            service::Event::Refused { code, .. } => self.notice_in(&with, &code.to_string(), now),
            service::Event::Closed(reason) => self.room_over(key, &reason.to_string(), now),
            _ => {}
        }
    }

    fn room_over(&mut self, key: RoomKey, reason: &str, now: Moment) {
        let Some(room) = self.rooms.by_key(key) else { return };
        room.inside = false;
        let title = room.title.clone();
        let open: Vec<Cookie> =
            self.rooms.open.iter().filter(|(_, (room, _))| *room == key).map(|(cookie, _)| *cookie).collect();
        for cookie in open {
            self.not_said(cookie, wording::LOST_UNKNOWN);
        }
        if let Some(conversation) = self.conversations.find_mut(&With::Room(key)) {
            conversation.members.clear();
        }
        self.notice_in(&With::Room(key), &wording::left(&title, reason), now);
    }

    /// The session is over, and with it every room.
    pub(super) fn lose_rooms(&mut self, now: Moment) {
        let inside: Vec<RoomKey> =
            self.rooms.all.iter().filter(|room| room.inside).map(|room| room.key).collect();
        for key in inside {
            self.room_over(key, wording::LOST, now);
        }
        self.rooms.wanted.clear();
        self.rooms.asked.clear();
        self.rooms.titles.clear();
        self.rooms.invitations.clear();
    }

    /// Back into the rooms that we were in.
    pub(super) fn enter_again(&mut self) {
        for room in &mut self.rooms.all {
            room.made_again = false;
        }
        let rooms: Vec<(RoomId, String)> =
            self.rooms.all.iter().map(|room| (room.id.clone(), room.title.clone())).collect();
        for (id, title) in rooms {
            self.find_room(id, title);
        }
    }

    fn find_room(&mut self, id: RoomId, title: String) {
        self.rooms.titles.push((id.clone(), title));
        self.actions.push_back(Action::FindRoom(id));
    }

    fn room_key(&mut self, id: RoomId, title: String) -> RoomKey {
        if let Some(room) = self.rooms.all.iter().find(|room| room.id == id) {
            return room.key;
        }
        self.rooms.next_key += 1;
        let key = RoomKey(self.rooms.next_key);
        self.rooms.all.push(Room { key, title, id, inside: false, made_again: false });
        key
    }
}

/// People of one room that are listed.
const MOST_MEMBERS: usize = 500;

/// A room's name out of its id, which is `4-0-name` on open-oscar-server.
fn title(room: &RoomId) -> String {
    let id = String::from_utf8_lossy(&room.cookie);
    id.splitn(3, '-').nth(2).unwrap_or(&id).to_owned()
}
