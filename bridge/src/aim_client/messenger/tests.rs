//! The machine as a transcript: what is entered and told, what is asked for and said.

use std::time::{Duration, Instant, SystemTime};

use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::icbm::Rendezvous;
use oscar_im::foodgroup::{ErrorCode, UserInfo};
use oscar_im::service;
use oscar_im::session::{ImReceived, Invitation, Service};
use oscar_im::sign_on::Address;
use oscar_im::wire::Tlvs;

use super::*;
use crate::aim_client::action::RoomKey;
use crate::aim_client::conversation::Delivery;

struct Transcript {
    messenger: Messenger,
    now: Moment,
}

impl Transcript {
    #[allow(clippy::disallowed_methods, reason = "where the test's time begins does not matter")]
    fn offline() -> Self {
        let now = Moment { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        Self { messenger: Messenger::new("me".into(), 0), now }
    }

    fn online() -> Self {
        let mut t = Self::offline();
        t.event(Event::SignedOn { screen_name: "Me".into() });
        assert_eq!(t.news(), ["* signed on as Me"]);
        t
    }

    fn enter(&mut self, line: &str) -> &mut Self {
        self.messenger.enter(line, self.now);
        self
    }

    fn event(&mut self, event: Event) -> &mut Self {
        self.messenger.receive(event, self.now);
        self
    }

    fn room(&mut self, event: service::Event) -> &mut Self {
        self.messenger.receive_room(RoomEvent::In(RoomKey(1), event), self.now);
        self
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.messenger.handle_timeout(self.now);
        self
    }

    fn news(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(news) = self.messenger.poll_news() {
            all.push(match news {
                News::Notice(text) => format!("* {text}"),
                News::Problem(text) => format!("! {text}"),
                News::Said { from, room: None, text } => format!("<{from}> {text}"),
                News::Said { from, room: Some(room), text } => format!("<{from} in {room}> {text}"),
                News::Taken { to, text } => format!("-> {to}: {text}"),
            });
        }
        all
    }

    fn action(&mut self) -> Option<Action> {
        self.messenger.poll_action()
    }
}

fn im(from: &str, text: &str) -> ImReceived {
    let mut im = ImReceived::new(from.into(), text);
    im.wants_typing = true;
    im
}

fn lounge() -> RoomId {
    RoomId { exchange: 4, cookie: b"4-0-lounge".to_vec(), instance: 0 }
}

fn service(group: FoodGroup, room: Option<RoomId>) -> Service {
    let address = Address { host: "127.0.0.1".into(), port: Some(5190) };
    Service { group, address, cookie: b"opaque".to_vec(), room }
}

fn in_lounge() -> Transcript {
    let mut t = Transcript::online();
    t.enter("/join lounge");
    assert_eq!(t.action(), Some(Action::FindNavigation));
    t.event(Event::ServiceReady(service(FoodGroup::ChatNav, None)));
    let way = service(FoodGroup::ChatNav, None);
    assert_eq!(t.action(), Some(Action::Navigate { service: way, name: "lounge".into() }));
    let found = RoomEvent::Found { room: lounge(), name: "lounge".into() };
    t.messenger.receive_room(found, t.now);
    assert_eq!(t.action(), Some(Action::FindRoom(lounge())));
    let way = service(FoodGroup::Chat, Some(lounge()));
    t.event(Event::ServiceReady(way.clone()));
    assert_eq!(t.action(), Some(Action::Enter { room: RoomKey(1), service: way }));
    t.room(service::Event::Ready);
    assert_eq!(t.news(), ["* you are in the room lounge"]);
    t
}

#[test]
fn a_message_is_told_when_the_server_has_taken_it() {
    let mut t = Transcript::online();
    t.enter("/msg staff2 hello");
    assert!(t.news().is_empty(), "nobody knows yet");
    let part = t.messenger.next_message().unwrap();
    assert_eq!((part.to.as_str(), part.text.as_str()), ("staff2", "hello"));
    t.event(Event::ImAcked { cookie: part.cookie });
    assert_eq!(t.news(), ["-> staff2: hello"]);
}

#[test]
fn a_refused_one_is_told_with_the_reason() {
    let mut t = Transcript::online();
    t.enter("/open staff2").enter("hello").enter("there");
    let one = t.messenger.next_message().unwrap();
    let two = t.messenger.next_message().unwrap();
    t.event(Event::ImRefused {
        cookie: one.cookie,
        to: "staff2".into(),
        code: ErrorCode::NotLoggedOn,
        sub_code: None,
    });
    t.event(Event::NoAcknowledgement { cookie: two.cookie, to: "staff2".into() });
    assert_eq!(
        t.news(),
        [
            "! not delivered to staff2: the recipient is not signed on",
            "! not delivered to staff2: the server did not acknowledge it"
        ]
    );
}

#[test]
fn what_is_lost_with_the_session_is_said_to_be_lost_or_unknown() {
    let mut t = Transcript::online();
    t.enter("/msg staff2 one").enter("/msg staff2 two");
    t.messenger.next_message().unwrap();
    t.messenger.offline("the connection was lost: reset", Duration::from_millis(1_500), t.now);
    assert_eq!(
        t.news(),
        [
            "! not delivered to staff2: the connection was lost; it may or may not have arrived",
            "! not delivered to staff2: the connection was lost before it was sent",
            "! the connection was lost: reset; trying again in 2 s",
        ]
    );
    t.enter("/msg staff2 three");
    assert_eq!(t.news(), ["! not delivered to staff2: you are not signed on"]);
    assert!(t.messenger.next_message().is_none());
}

#[test]
fn text_needs_somebody_to_read_it() {
    let mut t = Transcript::online();
    t.enter("hello?").enter("  ").enter("/xyz");
    assert_eq!(
        t.news(),
        [
            "! nobody would read that here; write /open NAME first, or /msg NAME TEXT",
            "! there is no /xyz; /help lists all commands"
        ]
    );
}

#[test]
fn one_who_writes_while_we_are_away_is_answered_once() {
    let mut t = Transcript::online();
    t.enter("/away at lunch");
    assert_eq!(t.action(), Some(Action::Away(Some("at lunch".into()))));
    let mut automatic = im("bot", "I am a program.");
    automatic.auto = true;
    t.event(Event::ImReceived(automatic));
    assert_eq!(t.action(), None, "programs would answer each other for ever");
    t.event(Event::ImReceived(im("staff2", "there?")));
    let Some(Action::AutoReply { to, text, .. }) = t.action() else { panic!("no reply") };
    assert_eq!((to.as_str(), text.as_str()), ("staff2", "at lunch"));
    t.event(Event::ImReceived(im("staff2", "hello?")));
    assert_eq!(t.action(), None);
    t.enter("/back");
    assert_eq!(t.action(), Some(Action::Away(None)));
    assert_eq!(
        t.news(),
        [
            "* you are away: at lunch",
            "<bot> (automatic) I am a program.",
            "<staff2> there?",
            "* staff2 was answered automatically: at lunch",
            "<staff2> hello?",
            "* you are back"
        ]
    );
}

#[test]
fn away_and_profile_are_set_again_in_the_next_session() {
    let mut t = Transcript::offline();
    t.enter("/away gone").enter("/profile a person");
    assert_eq!(t.action(), None);
    t.event(Event::SignedOn { screen_name: "Me".into() });
    assert_eq!(t.action(), Some(Action::Away(Some("gone".into()))));
    assert_eq!(t.action(), Some(Action::Profile("a person".into())));
}

#[test]
fn presence_is_news_only_when_somebody_would_say_so() {
    let mut t = Transcript::online();
    let online = |away, idle_minutes| Event::Presence {
        who: "Staff 2".into(),
        presence: Presence::Online { away, idle_minutes },
    };
    t.event(online(false, 0)).event(online(false, 12)).event(online(false, 13)).event(online(true, 13));
    t.event(Event::Presence { who: "staff2".into(), presence: Presence::Offline });
    assert_eq!(
        t.news(),
        [
            "* Staff 2 is online",
            "* Staff 2 has been idle for 12 min",
            "* Staff 2 is away",
            "* Staff 2 has signed off"
        ]
    );
}

#[test]
fn questions_about_people_are_answered_or_given_up() {
    let mut t = Transcript::online();
    t.enter("/info staff2").enter("/info nobody").enter("/info ghost");
    for name in ["staff2", "nobody", "ghost"] {
        assert_eq!(t.action(), Some(Action::Query(name.into())));
    }
    t.event(Event::UserInfo {
        info: UserInfo::new("staff2".into()),
        away: Some("at lunch".into()),
        profile: None,
    });
    t.event(Event::Refused { group: FoodGroup::Locate, request_id: 1, code: ErrorCode::NotLoggedOn });
    t.after(10);
    assert_eq!(
        t.news(),
        [
            "* staff2 has no profile",
            "* staff2 is away: at lunch",
            "! the server tells nothing about nobody; most likely they are not signed on",
            "! the server tells nothing about ghost; most likely they are not signed on",
        ]
    );
    assert_eq!(t.messenger.poll_timeout(), None);
}

#[test]
fn a_room_by_name_is_entered_and_heard() {
    let mut t = in_lounge();
    t.room(service::Event::Joined(vec!["Me".into(), "ann".into()]));
    t.enter("hello all");
    let Some(Action::SayInRoom { cookie, text, .. }) = t.action() else { panic!("not said") };
    assert_eq!(text, "hello all");
    t.room(service::Event::Said { from: "Me".into(), cookie, text });
    t.room(service::Event::Said { from: "ann".into(), cookie: [1; 8], text: "hi".into() });
    t.room(service::Event::Left(vec!["ann".into()]));
    assert_eq!(
        t.news(),
        ["* lounge: here: Me, ann", "-> lounge: hello all", "<ann in lounge> hi", "* lounge: left: ann"]
    );
    t.enter("/leave");
    assert_eq!(t.action(), Some(Action::LeaveRoom(RoomKey(1))));
    t.enter("hello?");
    assert!(t.news()[0].starts_with("! nobody would read that here"));
}

#[test]
fn a_room_is_entered_again_after_a_loss() {
    let mut t = in_lounge();
    t.messenger.offline("lost", Duration::from_secs(1), t.now);
    assert_eq!(
        t.news(),
        ["* you are not in the room lounge any more: the connection was lost", "! lost; trying again in 1 s"]
    );
    t.enter("anybody?");
    let news = t.news();
    assert_eq!(news.last().unwrap(), "! not delivered to lounge: you are not in that room now");
    t.event(Event::SignedOn { screen_name: "Me".into() });
    assert_eq!(t.action(), Some(Action::FindRoom(lounge())));
    t.event(Event::ServiceReady(service(FoodGroup::Chat, Some(lounge()))));
    assert!(matches!(t.action(), Some(Action::Enter { room: RoomKey(1), .. })), "the same one");
}

#[test]
fn a_room_that_a_new_server_does_not_know_is_made_again() {
    let mut t = in_lounge();
    t.messenger.offline("lost", Duration::from_secs(1), t.now);
    t.event(Event::SignedOn { screen_name: "Me".into() });
    assert_eq!(t.action(), Some(Action::FindRoom(lounge())));
    t.news();
    let refused = Event::ServiceRefused { group: FoodGroup::Chat, code: ErrorCode::NoMatch };
    t.event(refused.clone());
    assert_eq!(t.action(), Some(Action::FindNavigation));
    let way = service(FoodGroup::ChatNav, None);
    t.event(Event::ServiceReady(way.clone()));
    assert_eq!(t.action(), Some(Action::Navigate { service: way, name: "lounge".into() }));
    let other = RoomId { cookie: b"4-1-lounge".to_vec(), ..lounge() };
    let found = RoomEvent::Found { room: other.clone(), name: "lounge".into() };
    t.messenger.receive_room(found, t.now);
    assert_eq!(t.action(), Some(Action::FindRoom(other.clone())));
    t.event(refused);
    assert_eq!(t.news(), ["! no chat room lounge: nothing matches"], "once and not for ever");
    assert_eq!(t.action(), None);

    t.event(Event::SignedOn { screen_name: "Me".into() });
    assert_eq!(t.action(), Some(Action::FindRoom(other.clone())));
    t.event(Event::ServiceReady(service(FoodGroup::Chat, Some(other))));
    assert!(matches!(t.action(), Some(Action::Enter { room: RoomKey(1), .. })), "the same conversation");
}

#[test]
fn what_another_says_under_our_cookie_is_theirs() {
    let mut t = in_lounge();
    t.enter("hello");
    let Some(Action::SayInRoom { cookie, .. }) = t.action() else { panic!() };
    let said = |from: &str, text: &str| service::Event::Said { from: from.into(), cookie, text: text.into() };
    t.room(said("ann", "not hello")).room(said("me", "hello"));
    assert_eq!(t.news(), ["<ann in lounge> not hello", "-> lounge: hello"]);
}

#[test]
fn a_long_outage_leaves_a_conversation_as_it_was() {
    let mut t = Transcript::online();
    t.enter("/open ann").event(Event::ImReceived(im("ann", "hello")));
    for _ in 0..2_000 {
        t.messenger.offline("refused", Duration::from_secs(1), t.now);
        t.messenger.connecting(t.now);
    }
    t.enter("/open bob").event(Event::SignedOn { screen_name: "Me".into() }).enter("/open ann");
    let texts: Vec<_> = t.messenger.conversations.current().entries().map(|e| e.text.clone()).collect();
    assert_eq!(texts, ["hello", "refused; trying again in 1 s", "signed on as Me"]);
    let told = t.news().iter().filter(|line| *line == "* signed on as Me").count();
    assert_eq!(told, 1, "and line by line it is said once");
    t.messenger.offline("refused", Duration::from_secs(1), t.now);
    assert_eq!(t.messenger.conversations.current().entries().count(), 4, "another loss is told again");
}

#[test]
fn what_no_server_takes_is_not_said_to_be_set() {
    let mut t = Transcript::online();
    t.enter("/away lunch").enter("/profile me");
    assert_eq!(t.news().len(), 2);
    while t.action().is_some() {}
    let long = "x".repeat(5_000);
    t.enter(&format!("/away {long}")).enter(&format!("/profile {long}"));
    assert_eq!(t.news(), ["! too much text; servers take about 4,000 bytes"; 2]);
    assert_eq!((t.action(), t.messenger.away()), (None, Some("lunch")));
}

#[test]
fn an_invitation_is_accepted_or_declined() {
    let mut t = Transcript::online();
    let invitation =
        Invitation { from: "ann".into(), cookie: [1; 8], room: lounge(), text: "come in".into() };
    t.event(Event::ChatInvited(invitation.clone())).event(Event::ChatInvited(invitation.clone()));
    assert_eq!(t.news().len(), 2);
    t.enter("/decline").enter("/accept").enter("/accept");
    assert_eq!(t.action(), Some(Action::Decline(invitation)));
    assert_eq!(t.action(), Some(Action::FindRoom(lounge())));
    assert_eq!(t.news(), ["! nobody has invited you"]);
}

#[test]
fn a_file_is_declined_in_words() {
    let mut t = Transcript::online();
    let offer = |kind| Rendezvous { kind, cookie: [1; 8], capability: [7; 16], tlvs: Tlvs::new() };
    let offered = |kind| Event::Rendezvous { from: "ann".into(), rendezvous: offer(kind) };
    t.event(offered(rendezvous::PROPOSE)).event(offered(rendezvous::CANCEL));
    assert_eq!(
        t.action(),
        Some(Action::DeclineOffer { from: "ann".into(), offer: offer(rendezvous::PROPOSE) })
    );
    assert_eq!(t.action(), None);
    assert_eq!(t.news().len(), 1);
}

#[test]
fn the_list_and_who_may_write_are_changed_by_commands() {
    let mut t = Transcript::online();
    t.enter("/alias ann Anna of Sales")
        .enter("/move ann Sales")
        .enter("/block \"bad guy\"")
        .enter("/unblock badguy");
    t.enter("/warn bob anonymously").enter("/warn bob loudly");
    let (ann, bad) = (ScreenName::from("ann"), ScreenName::from("bad guy"));
    let alias = Some("Anna of Sales".into());
    assert_eq!(t.action(), Some(Action::Alias { name: ann.clone(), alias }));
    assert_eq!(t.action(), Some(Action::MoveBuddy { name: ann, group: "Sales".into() }));
    assert_eq!(t.action(), Some(Action::Block { name: bad.clone(), blocked: true }));
    assert_eq!(t.action(), Some(Action::Block { name: bad, blocked: false }));
    assert_eq!(t.action(), Some(Action::Warn { name: "bob".into(), anonymously: true }));
    assert_eq!(t.action(), None);
    t.event(Event::WarningGiven { level: 30, increase: 30 });
    assert_eq!(
        t.news(),
        [
            "* bad guy is blocked",
            "* badguy is not blocked any more",
            "! write /warn NAME [anonymously]",
            "* warned; their warning level is 3.0 % now"
        ]
    );
}

#[test]
fn who_asks_to_have_us_on_their_list_is_told_and_let() {
    let mut t = Transcript::online();
    let ann = ScreenName::from("ann");
    t.event(Event::AuthorizationAsked { by: ann.clone(), text: "it is me".into() });
    t.event(Event::AddedBy(ann.clone())).enter("/authorize ann");
    assert_eq!(t.action(), Some(Action::Authorize(ann)));
    assert_eq!(
        t.news(),
        [
            "* ann asks to have you on their list: it is me (/authorize ann)",
            "* ann has put you on their list"
        ]
    );
}

#[test]
fn a_room_can_be_refused() {
    let mut t = Transcript::online();
    t.enter("/join lounge");
    let group = FoodGroup::ChatNav;
    t.event(Event::ServiceRefused { group, code: ErrorCode::ServiceUnavailable });
    assert_eq!(t.news(), ["! no chat room lounge: the service is not available"]);
    t.enter("/invite ann");
    assert_eq!(t.news(), ["! the current conversation is no chat room"]);
}

#[test]
fn the_end_of_the_input_waits_for_what_is_under_way() {
    let mut t = Transcript::online();
    t.enter("/msg staff2 last words");
    t.messenger.end_of_input();
    assert_eq!(t.action(), None);
    let part = t.messenger.next_message().unwrap();
    t.event(Event::ImAcked { cookie: part.cookie });
    assert_eq!(t.action(), Some(Action::Quit));

    let mut t = Transcript::online();
    t.enter("/msg staff2 last words");
    t.messenger.end_of_input();
    t.messenger.offline("lost", Duration::from_secs(1), t.now);
    assert_eq!(t.action(), Some(Action::Quit));
}

#[test]
fn the_end_of_the_input_waits_for_edits_of_the_list_too() {
    let mut t = Transcript::online();
    t.enter("/add ann");
    t.messenger.end_of_input();
    assert!(matches!(t.action(), Some(Action::AddBuddy { .. })));
    t.messenger.session_is_busy(true);
    assert_eq!(t.action(), None);
    t.messenger.session_is_busy(false);
    assert_eq!(t.action(), Some(Action::Quit));
}

#[test]
fn stored_messages_say_when_they_were_sent() {
    let mut t = Transcript::online();
    let mut stored = im("staff2", "hi");
    stored.stored_at = Some(86_400);
    t.event(Event::ImReceived(stored));
    assert_eq!(t.news(), ["<staff2> (sent 1970-01-02 00:00 UTC) hi"]);
    let with = With::Person("staff2".into());
    let conversation = t.messenger.conversations.find(&with).unwrap();
    assert_eq!(conversation.unread, 1);
    t.enter("/conversations").enter("/close").enter("/open STAFF2").enter("x");
    let entries: Vec<_> = t.messenger.conversations.current().entries().map(|e| e.voice.clone()).collect();
    assert_eq!(entries[1], Voice::Mine(Delivery::Sending));
    assert_eq!(t.news(), ["* aim", "* staff2 (1 unread)", "* current: aim"]);
}
