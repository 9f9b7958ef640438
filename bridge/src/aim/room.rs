//! The way into the staff room, and who is in it: one chat room that an account of ours keeps itself in. No I/O.
//!
//! A room is found or made by name at the room service (ChatNav), then asked for at the session, then entered; each of
//! the two has a connection of its own, one at a time. A room into which somebody of staff invites us is entered in the
//! same way, if we are in none. What fails is tried again after a pause that doubles.
//!
//! The link does what [`RoomKeeper::poll`] wants and says what came of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use oscar_im::ScreenName;
use oscar_im::foodgroup::FoodGroup;
use oscar_im::foodgroup::chat::RoomId;
use oscar_im::service;
use oscar_im::session::{Invitation, Service};

use super::event::{ImCookie, RoomEvent};

/// From asking to being in, and from saying to hearing oneself.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause after a failure; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What the link is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Ask the session for the room service.
    RequestNav,
    /// Ask the session for this room.
    RequestRoom(RoomId),
    /// Connect to a service.
    Connect(Service),
    /// On that connection: find or make the room of this name.
    Find(String),
    /// Say this in the room.
    Say(ImCookie, String),
    /// Invite somebody into this room, in these words.
    Invite(ImCookie, ScreenName, RoomId, String),
    /// Do not follow this invitation.
    Decline(Invitation),
    /// End the service's connection, or the attempt at one.
    Hang,
    /// Tell the hub.
    Tell(RoomEvent),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Not signed on, or nothing wanted.
    Off,
    /// A failure is to be forgotten first.
    Resting(Instant),
    /// The room service was asked for, or is being connected to, or looks for the room.
    Finding(Instant),
    /// The room was asked for, or is being connected to.
    Entering(RoomId, Instant),
    /// In.
    In(RoomId),
}

/// Which room.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Named(String),
    Invited(RoomId),
}

/// See the module.
#[derive(Debug)]
pub(super) struct RoomKeeper {
    wanted: Option<Wanted>,
    stage: Stage,
    us: ScreenName,
    failures: u32,
    /// Said, and not heard yet.
    said: VecDeque<(ImCookie, Instant)>,
    orders: VecDeque<Order>,
}

impl RoomKeeper {
    /// For the room of this name, if one is configured. Begins with [`RoomKeeper::signed_on`].
    pub(super) fn new(name: Option<String>) -> Self {
        Self {
            wanted: name.map(Wanted::Named),
            stage: Stage::Off,
            us: ScreenName::new(""),
            failures: 0,
            said: VecDeque::new(),
            orders: VecDeque::new(),
        }
    }

    /// The next thing to do.
    pub(super) fn poll(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// When [`RoomKeeper::handle_timeout`] is to be called.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Off => None,
            Stage::Resting(until) | Stage::Finding(until) | Stage::Entering(_, until) => Some(*until),
            Stage::In(_) => self.said.front().map(|(_, at)| *at + PATIENCE),
        }
    }

    /// Time has passed. Harmless when early.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.next_timeout().is_none_or(|due| now < due) {
            return;
        }
        match self.stage {
            Stage::Resting(_) => self.begin(now),
            Stage::In(_) => self.fail("what was said there did not come back", now),
            _ => self.fail("the server did not let us in", now),
        }
    }

    /// The session is up, under this name.
    pub(super) fn signed_on(&mut self, us: ScreenName, now: Instant) {
        self.us = us;
        self.begin(now);
    }

    /// The session is over, and everything with it.
    pub(super) fn signed_off(&mut self) {
        self.orders.clear();
        self.said.clear();
        self.stage = Stage::Off;
        self.orders.push_back(Order::Hang);
    }

    fn begin(&mut self, now: Instant) {
        match self.wanted.clone() {
            None => self.stage = Stage::Off,
            Some(Wanted::Named(_)) => {
                self.stage = Stage::Finding(now + PATIENCE);
                self.orders.push_back(Order::RequestNav);
            }
            Some(Wanted::Invited(room)) => self.enter(room, now),
        }
    }

    fn enter(&mut self, room: RoomId, now: Instant) {
        self.stage = Stage::Entering(room.clone(), now + PATIENCE);
        self.orders.push_back(Order::RequestRoom(room));
    }

    /// Somebody invites us. `listed`: one of staff.
    pub(super) fn invited(&mut self, invitation: Invitation, listed: bool, now: Instant) {
        let free = match &self.stage {
            Stage::Off => true,
            Stage::Resting(_) => !matches!(self.wanted, Some(Wanted::Named(_))),
            // Into the room where we are or go already: nothing to do.
            Stage::Entering(room, _) | Stage::In(room) if listed && *room == invitation.room => return,
            Stage::Finding(_) | Stage::Entering(..) | Stage::In(_) => false,
        };
        if listed && free {
            self.wanted = Some(Wanted::Invited(invitation.room.clone()));
            self.failures = 0;
            self.enter(invitation.room, now);
        } else {
            self.orders.push_back(Order::Decline(invitation));
        }
    }

    /// The session says where a service is.
    pub(super) fn service_ready(&mut self, service: Service) {
        let expected = match &self.stage {
            Stage::Finding(_) => service.group == FoodGroup::ChatNav,
            Stage::Entering(room, _) => {
                service.group == FoodGroup::Chat && service.room.as_ref().is_none_or(|named| named == room)
            }
            _ => false,
        };
        if expected {
            self.orders.push_back(Order::Connect(service));
        }
    }

    /// Something failed on the way: a refusal, a connection. In words.
    pub(super) fn failed(&mut self, why: &str, now: Instant) {
        if !matches!(self.stage, Stage::Off | Stage::Resting(_)) {
            self.fail(why, now);
        }
    }

    fn fail(&mut self, why: &str, now: Instant) {
        tracing::warn!("the staff room is lost: {why}");
        if matches!(self.stage, Stage::In(_)) {
            self.orders.push_back(Order::Tell(RoomEvent::Lost));
        }
        // A room that is gone is of no use to anybody: whoever invited us may do so again.
        if self.failures > 0 && matches!(self.wanted, Some(Wanted::Invited(_))) {
            self.wanted = None;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.said.clear();
        self.orders.push_back(Order::Hang);
        self.stage = Stage::Resting(now + pause);
    }

    /// The service's connection says something.
    pub(super) fn service_event(&mut self, event: service::Event, now: Instant) {
        match (event, &self.stage) {
            (service::Event::Ready, Stage::Finding(_)) => {
                if let Some(Wanted::Named(name)) = &self.wanted {
                    self.orders.push_back(Order::Find(name.clone()));
                }
            }
            (service::Event::RoomFound { room, .. }, Stage::Finding(_)) => {
                self.orders.push_back(Order::Hang);
                self.enter(room, now);
            }
            (service::Event::Joined(who), Stage::Entering(room, _)) => {
                self.stage = Stage::In(room.clone());
                self.failures = 0;
                tracing::info!("in the staff room");
                self.orders.push_back(Order::Tell(RoomEvent::Entered(self.others(who))));
            }
            (service::Event::Joined(who), Stage::In(_)) => {
                self.orders.push_back(Order::Tell(RoomEvent::Joined(self.others(who))));
            }
            (service::Event::Left(who), Stage::In(_)) => {
                self.orders.push_back(Order::Tell(RoomEvent::Left(self.others(who))));
            }
            (service::Event::Said { from, cookie, text }, Stage::In(_)) => {
                let cookie = ImCookie(cookie);
                let told = if from == self.us {
                    self.said.retain(|(known, _)| *known != cookie);
                    RoomEvent::Reflected { cookie }
                } else {
                    RoomEvent::Said { from, cookie, text }
                };
                self.orders.push_back(Order::Tell(told));
            }
            (service::Event::Refused { code, .. }, Stage::Finding(_) | Stage::Entering(..)) => {
                self.fail(&code.to_string(), now);
            }
            (service::Event::Closed(reason), stage) if *stage != Stage::Off => {
                self.fail(&reason.to_string(), now);
            }
            _ => {}
        }
    }

    /// The hub wants this said. Where we are in no room it has been told, and owes the lines still.
    pub(super) fn say(&mut self, cookie: ImCookie, text: String, now: Instant) {
        if matches!(self.stage, Stage::In(_)) {
            self.said.push_back((cookie, now));
            self.orders.push_back(Order::Say(cookie, text));
        }
    }

    /// The hub wants somebody invited.
    pub(super) fn invite(&mut self, cookie: ImCookie, who: ScreenName, words: String) {
        if let Stage::In(room) = &self.stage {
            self.orders.push_back(Order::Invite(cookie, who, room.clone(), words));
        }
    }

    fn others(&self, who: Vec<ScreenName>) -> Vec<ScreenName> {
        who.into_iter().filter(|name| *name != self.us).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oscar_im::foodgroup::ErrorCode;
    use oscar_im::session::CloseReason;
    use oscar_im::sign_on::Address;

    struct Test {
        keeper: RoomKeeper,
        now: Instant,
    }

    #[allow(clippy::disallowed_methods, reason = "a test's beginning")]
    fn start(name: Option<&str>) -> Test {
        let mut keeper = RoomKeeper::new(name.map(str::to_owned));
        let now = Instant::now();
        keeper.signed_on("bridgebot".into(), now);
        Test { keeper, now }
    }

    fn room() -> RoomId {
        RoomId { exchange: 4, cookie: b"4-0-staff".to_vec(), instance: 0 }
    }

    fn service(group: FoodGroup, room: Option<RoomId>) -> Service {
        let address = Address { host: "127.0.0.1".into(), port: Some(5190) };
        Service { group, address, cookie: vec![1], room }
    }

    fn invitation(from: &str) -> Invitation {
        Invitation { from: from.into(), cookie: [1; 8], room: room(), text: "come".into() }
    }

    impl Test {
        fn orders(&mut self) -> Vec<Order> {
            std::iter::from_fn(|| self.keeper.poll()).collect()
        }

        fn event(&mut self, event: service::Event) -> Vec<Order> {
            self.keeper.service_event(event, self.now);
            self.orders()
        }

        fn pass(&mut self, seconds: u64) -> Vec<Order> {
            self.now += Duration::from_secs(seconds);
            self.keeper.handle_timeout(self.now);
            self.orders()
        }

        fn enter(&mut self) {
            self.keeper.service_ready(service(FoodGroup::ChatNav, None));
            self.event(service::Event::Ready);
            self.event(service::Event::RoomFound { room: room(), name: "staff".into() });
            self.keeper.service_ready(service(FoodGroup::Chat, Some(room())));
            self.event(service::Event::Ready);
            self.event(service::Event::Joined(vec!["Bridge Bot".into()]));
        }
    }

    #[test]
    fn by_name_through_the_room_service() {
        let mut t = start(Some("staff"));
        assert_eq!(t.orders(), [Order::RequestNav]);
        let nav = service(FoodGroup::ChatNav, None);
        t.keeper.service_ready(nav.clone());
        assert_eq!(t.orders(), [Order::Connect(nav)]);
        assert_eq!(t.event(service::Event::Ready), [Order::Find("staff".into())]);
        let found = service::Event::RoomFound { room: room(), name: "staff".into() };
        assert_eq!(t.event(found), [Order::Hang, Order::RequestRoom(room())]);
        let chat = service(FoodGroup::Chat, Some(room()));
        t.keeper.service_ready(chat.clone());
        assert_eq!(t.orders(), [Order::Connect(chat)]);
        assert_eq!(t.event(service::Event::Ready), []);
        let joined = service::Event::Joined(vec!["BridgeBot".into(), "staff1".into()]);
        assert_eq!(t.event(joined), [Order::Tell(RoomEvent::Entered(vec!["staff1".into()]))]);
        assert_eq!(t.keeper.next_timeout(), None);
    }

    #[test]
    fn what_is_said_counts_when_it_comes_back_and_not_before() {
        let mut t = start(Some("staff"));
        t.enter();
        let cookie = ImCookie([7; 8]);
        t.keeper.say(cookie, "anna: hi".into(), t.now);
        assert_eq!(t.orders(), [Order::Say(cookie, "anna: hi".into())]);
        let said =
            |from: &str| service::Event::Said { from: from.into(), cookie: [7; 8], text: "anna: hi".into() };
        assert_eq!(t.event(said("Bridge Bot")), [Order::Tell(RoomEvent::Reflected { cookie })]);
        let heard = RoomEvent::Said { from: "staff1".into(), cookie, text: "anna: hi".into() };
        assert_eq!(t.event(said("staff1")), [Order::Tell(heard)]);
        t.keeper.say(cookie, "anna: hi".into(), t.now);
        t.orders();
        assert_eq!(t.pass(29), []);
        assert_eq!(t.pass(1), [Order::Tell(RoomEvent::Lost), Order::Hang], "dropped by a limit, perhaps");
        assert_eq!(t.pass(5), [Order::RequestNav], "and in again");
    }

    #[test]
    fn failures_pause_and_pauses_double() {
        let mut t = start(Some("staff"));
        t.orders();
        t.keeper.failed("service unavailable", t.now);
        assert_eq!(t.orders(), [Order::Hang]);
        assert_eq!(t.pass(4), []);
        assert_eq!(t.pass(1), [Order::RequestNav]);
        t.keeper.service_ready(service(FoodGroup::ChatNav, None));
        t.orders();
        assert_eq!(
            t.event(service::Event::Refused { request_id: 1, code: ErrorCode::RequestDenied }),
            [Order::Hang]
        );
        assert_eq!(t.pass(9), []);
        assert_eq!(t.pass(1), [Order::RequestNav]);
        assert_eq!(t.pass(30), [Order::Hang], "no answer at all");
        t.keeper.signed_off();
        assert_eq!(t.orders(), [Order::Hang]);
        assert_eq!(t.pass(900), [], "not signed on");
    }

    #[test]
    fn staff_may_invite_us_and_others_may_not() {
        let mut t = start(None);
        assert_eq!(t.orders(), []);
        t.keeper.invited(invitation("eve"), false, t.now);
        assert_eq!(t.orders(), [Order::Decline(invitation("eve"))]);
        t.keeper.invited(invitation("staff1"), true, t.now);
        assert_eq!(t.orders(), [Order::RequestRoom(room())]);
        t.keeper.service_ready(service(FoodGroup::Chat, Some(room())));
        t.orders();
        let joined = service::Event::Joined(vec!["bridgebot".into(), "staff1".into()]);
        assert_eq!(t.event(joined), [Order::Tell(RoomEvent::Entered(vec!["staff1".into()]))]);
        t.keeper.invited(invitation("staff1"), true, t.now);
        assert_eq!(t.orders(), [], "there already");
        let elsewhere = Invitation { room: RoomId { exchange: 5, ..room() }, ..invitation("staff1") };
        t.keeper.invited(elsewhere.clone(), true, t.now);
        assert_eq!(t.orders(), [Order::Decline(elsewhere)], "one room at a time");
        let closed = service::Event::Closed(CloseReason::ConnectionLost("reset".into()));
        assert_eq!(t.event(closed), [Order::Tell(RoomEvent::Lost), Order::Hang]);
        assert_eq!(t.pass(5), [Order::RequestRoom(room())]);
        t.keeper.failed("no such room", t.now);
        t.orders();
        assert_eq!(t.pass(10), [], "it is gone; somebody may invite us anew");
        t.keeper.invited(invitation("staff1"), true, t.now);
        assert_eq!(t.orders(), [Order::RequestRoom(room())]);
    }
}
