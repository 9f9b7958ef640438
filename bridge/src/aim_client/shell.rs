//! The client's one loop: joins the machine with the OSCAR session, the chat rooms, what a person meets, and the clock.
//!
//! It decides nothing but when to sign on again: soon after a loss, later after a refusal, and not at all where
//! somebody has signed on elsewhere, where trying again is of no use, or where the very first try has failed.

use std::pin::Pin;
use std::time::{Duration, UNIX_EPOCH};

use oscar_im::ScreenName;
use oscar_im::net::ConnectError;
use oscar_im::session::{CloseReason, Event, ImOptions, Privacy, SendError, Service, Session};
use program::{Failure, Secret, Signals};
use tokio::time::{Instant, sleep, sleep_until};

use super::action::Action;
use super::face::{Face, Style};
use super::messenger::{Listed, Messenger, RoomEvent};
use super::rooms::RoomLinks;
use super::wording;
use crate::aim::sign_on::{AimClient, sign_on};
use crate::backoff::{Backoff, random};
use crate::clock::Moment;
use crate::connect::Endpoint;

/// Where to sign on, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) endpoint: Endpoint,
    pub(crate) screen_name: ScreenName,
    pub(crate) password: Secret,
}

/// Runs until a person, the end of the input or a signal ends it.
///
/// # Errors
/// When the first sign-on can't be had, or another is of no use.
pub(crate) async fn run(account: Account, style: Style, signals: Signals) -> Result<(), Failure> {
    let now = Moment::now();
    let since = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Unlike the cookies of any earlier run.
    let seed = u64::try_from(since.as_millis()).unwrap_or_default() << 20;
    let face = Face::start(style)
        .map_err(|error| Failure::runtime(format!("the terminal can't be used: {error}; try --plain")))?;
    let mut shell = Shell {
        messenger: Messenger::new(account.screen_name.clone(), seed),
        rooms: RoomLinks::new(account.endpoint.clone()),
        connection: Connection::Off,
        account,
        face,
        failures: 0,
        was_up: None,
        moved: None,
        painted: Instant::now(),
        answered: Instant::now(),
    };
    shell.sign_on();
    shell.run(signals).await
}

/// The state of the connection to the BOS server.
enum Connection {
    /// None any more.
    Off,
    /// None, until then.
    Waiting(Instant),
    Connecting(Pin<Box<dyn Future<Output = Result<AimClient, ConnectError>> + Send>>),
    Up(Box<AimClient>),
}

enum Happening {
    Retry,
    Connected(Result<Box<AimClient>, ConnectError>),
    Session(Event),
    /// A message may go.
    Credit,
}

impl Connection {
    /// What happens next. Cancel-safe.
    async fn next(&mut self, has_message: bool) -> Happening {
        match self {
            Self::Off => std::future::pending().await,
            Self::Waiting(until) => {
                sleep_until(*until).await;
                Happening::Retry
            }
            Self::Connecting(connecting) => Happening::Connected(connecting.await.map(Box::new)),
            Self::Up(client) => {
                let wait = if has_message { client.next_im_credit_in() } else { None };
                let wait = wait.filter(|wait| !wait.is_zero());
                tokio::select! {
                    event = client.event() => Happening::Session(event),
                    () = sleep(wait.unwrap_or_default()), if wait.is_some() => Happening::Credit,
                }
            }
        }
    }
}

/// Why the loop goes no further.
enum End {
    /// All is said.
    Done,
    /// There is no use in going on.
    Failed(Failure),
}

struct Shell {
    account: Account,
    face: Face,
    messenger: Messenger,
    rooms: RoomLinks,
    connection: Connection,
    /// Tries to sign on that did not last.
    failures: u32,
    was_up: Option<Instant>,
    /// Where the server keeps our session, if it has moved it.
    moved: Option<Service>,
    /// When the screen was last painted.
    painted: Instant,
    /// When the session last had something to send, or was answered.
    answered: Instant,
}

impl Shell {
    async fn run(&mut self, signals: Signals) -> Result<(), Failure> {
        loop {
            // A flood of messages is not to cost a picture each.
            let paint = self.painted + PICTURE;
            let later = self.face.is_screen() && Instant::now() < paint;
            if !later && self.face.show(&mut self.messenger).is_err() {
                // Nobody sees or reads us any more.
                return self.goodbye().await;
            }
            if !later {
                self.painted = Instant::now();
            }
            let link = self.messenger.link();
            let due = self.messenger.poll_timeout().map(Instant::from_std);
            // Not all that a session does is an event.
            let look = self.messenger.is_ending().then(|| Instant::now() + LOOK);
            let due = due.into_iter().chain(look).min();
            let ended = tokio::select! {
                deed = self.face.next(link) => {
                    let handled = self.face.handle(deed, &mut self.messenger, Moment::now());
                    handled.err().map(|_| End::Done)
                }
                happening = self.connection.next(self.messenger.has_message()) => self.happened(happening),
                event = self.rooms.next() => self.room(event),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.messenger.handle_timeout(Moment::now());
                    None
                }
                () = sleep_until(paint), if later => None,
                () = signals.stop.cancelled() => Some(End::Done),
                // The terminal is gone. In a pipe the end of the input says so.
                () = signals.reload.notified(), if self.face.is_screen() => Some(End::Done),
            };
            let ended = match ended {
                None => self.carry_out().or_else(|| self.watch_session()),
                ended => ended,
            };
            match ended {
                None => {}
                Some(End::Done) => {
                    let _ = self.face.show(&mut self.messenger);
                    return self.goodbye().await;
                }
                Some(End::Failed(failure)) => {
                    let _ = self.face.show(&mut self.messenger);
                    return Err(failure);
                }
            }
        }
    }

    fn room(&mut self, event: RoomEvent) -> Option<End> {
        self.messenger.receive_room(event, Moment::now());
        None
    }

    fn happened(&mut self, happening: Happening) -> Option<End> {
        match happening {
            Happening::Credit => None,
            Happening::Retry => {
                self.sign_on();
                None
            }
            Happening::Connected(Ok(client)) => {
                self.connection = Connection::Up(client);
                None
            }
            Happening::Connected(Err(error)) => {
                let retry = match &error {
                    error if error.is_permanent() => Retry::Never,
                    ConnectError::SignOn(_) => Retry::Later,
                    _ => Retry::Soon,
                };
                self.lost(&error.to_string(), retry)
            }
            Happening::Session(Event::Closed(reason)) => {
                let retry = match reason {
                    CloseReason::SignedOnElsewhere | CloseReason::AccountDeleted => Retry::Never,
                    CloseReason::RateExceeded => Retry::Later,
                    _ => Retry::Soon,
                };
                self.moved = reason.moved().cloned();
                self.lost(&reason.to_string(), retry)
            }
            Happening::Session(event) => {
                if matches!(event, Event::SignedOn { .. }) {
                    self.was_up = Some(Instant::now());
                }
                let list = matches!(event, Event::SignedOn { .. } | Event::BuddyListChanged);
                if list && let Connection::Up(client) = &self.connection {
                    self.messenger.buddies(listed(client.session()));
                }
                self.messenger.receive(event, Moment::now());
                None
            }
        }
    }

    fn sign_on(&mut self) {
        let Account { endpoint, screen_name, password } = self.account.clone();
        let moved = self.moved.take();
        self.messenger.connecting(Moment::now());
        self.connection = Connection::Connecting(Box::pin(async move {
            sign_on(&endpoint, &screen_name, &password, moved.as_ref()).await
        }));
    }

    /// There is no session, or no longer one.
    fn lost(&mut self, reason: &str, retry: Retry) -> Option<End> {
        self.rooms.drop_all();
        let was_up = self.was_up.take();
        let first = was_up.is_none() && self.failures == 0;
        let backoff = match retry {
            Retry::Later => PATIENCE,
            _ => Backoff::default(),
        };
        if was_up.is_some_and(|since| since.elapsed() >= backoff.settled) {
            self.failures = 0;
        }
        if first || retry == Retry::Never {
            self.connection = Connection::Off;
            return Some(End::Failed(Failure::runtime(reason)));
        }
        let pause = backoff.pause(self.failures, random());
        self.failures = self.failures.saturating_add(1);
        self.connection = Connection::Waiting(Instant::now() + pause);
        self.messenger.offline(reason, pause, Moment::now());
        None
    }

    /// Who has entered all waits for what the session still has to send, and for the answers to edits of the list; for
    /// those not without end, for there are servers that give none.
    fn watch_session(&mut self) -> Option<End> {
        let Connection::Up(client) = &self.connection else { return None };
        let session = client.session();
        if session.queued() > 0 || session.open_edits() == 0 {
            self.answered = Instant::now();
        }
        let patient = self.answered.elapsed() < ANSWER;
        let busy = session.queued() > 0 || (patient && session.open_edits() > 0);
        self.messenger.session_is_busy(busy);
        self.carry_out()
    }

    /// Does what the machine asks for, until it asks for nothing more.
    fn carry_out(&mut self) -> Option<End> {
        loop {
            self.send_messages();
            let action = self.messenger.poll_action()?;
            match action {
                Action::Quit => return Some(End::Done),
                Action::Navigate { service, name } => self.rooms.navigate(service, name),
                Action::Enter { room, service } => self.rooms.enter(room, service),
                Action::LeaveRoom(room) => self.rooms.leave(room),
                Action::SayInRoom { room, cookie, text } => {
                    if !self.rooms.say(room, cookie, text) {
                        let reason = wording::TOO_MUCH_WAITS.to_owned();
                        let event = RoomEvent::NotSaid { cookie, reason };
                        self.messenger.receive_room(event, Moment::now());
                    }
                }
                action => self.ask(action),
            }
        }
    }

    /// Actions of the session.
    fn ask(&mut self, action: Action) {
        let Connection::Up(client) = &mut self.connection else { return };
        let (session, now) = client.session_mut();
        let asked = match action {
            Action::Away(message) => session.set_away(message.as_deref(), now),
            Action::Profile(text) => session.set_profile(&text, now),
            // A notice: nothing is lost where it is left out.
            Action::Typing(to, typing) => session.send_typing(&to, typing, now).or(Ok(())),
            Action::Idle(since) => session.set_idle(since, now),
            Action::Alias { name, alias } => session.set_alias(&name, alias.as_deref(), now),
            Action::MoveBuddy { name, group } => session.move_buddy(&name, &group, now),
            Action::Block { name, blocked: true } => {
                // Where everybody is let through, the list of those who are not would not count.
                let open = session.buddy_list().privacy() == Some(Privacy::All);
                let counts = if open { session.set_privacy(Privacy::NotDenied, now) } else { Ok(()) };
                counts.and_then(|()| session.deny(&name, now))
            }
            Action::Block { name, blocked: false } => session.undeny(&name, now),
            Action::Authorize(name) => session.answer_authorization(&name, true, "", now),
            Action::Warn { name, anonymously } => session.warn(&name, anonymously, now),
            Action::Query(name) => session.query_user(&name, now),
            Action::AddBuddy { group, name } => session.add_buddy(&group, &name, now),
            Action::RemoveBuddy(name) => session.remove_buddy(&name, now),
            Action::FindNavigation => session.request_service(oscar_im::foodgroup::FoodGroup::ChatNav, now),
            Action::FindRoom(room) => session.request_room(&room, now),
            Action::Invite { cookie, to, room, text } => session.invite(cookie, &to, &room, &text, now),
            Action::Decline(invitation) => session.decline(&invitation, now),
            Action::DeclineOffer { from, offer } => session.decline_offer(&from, &offer, now),
            Action::AutoReply { cookie, to, text } => {
                let options = ImOptions::default().automatic();
                let sent = session.send_text(cookie, &to, &oscar_im::text::encode(&text), options, now);
                // A courtesy: where the server's limit has no room for it, it is left out.
                sent.or_else(|error| if error == SendError::NoCredit { Ok(()) } else { Err(error) })
            }
            // The shell's own.
            Action::Quit
            | Action::Navigate { .. }
            | Action::Enter { .. }
            | Action::LeaveRoom(_)
            | Action::SayInRoom { .. } => Ok(()),
        };
        if let Err(error) = asked {
            self.messenger.refused(&error.to_string(), Moment::now());
        }
    }

    /// Sends as many messages as the session has room for.
    fn send_messages(&mut self) {
        let Connection::Up(client) = &mut self.connection else { return };
        while let Some(part) = self.messenger.next_message() {
            match client.send_im(part.cookie, &part.to, &part.text) {
                Ok(()) => {}
                Err(SendError::NoCredit | SendError::Busy) => return self.messenger.put_back(part),
                Err(error) => self.messenger.not_taken(part.cookie, &error.to_string()),
            }
        }
    }

    /// Signs off, in the time that the driver takes for it at most.
    async fn goodbye(&mut self) -> Result<(), Failure> {
        self.rooms.drop_all();
        if let Connection::Up(client) = &mut self.connection {
            client.sign_off();
            while !matches!(client.event().await, Event::Closed(_)) {}
        }
        Ok(())
    }
}

/// The least time between two pictures of the screen.
const PICTURE: Duration = Duration::from_millis(20);
/// How often to look whether the session is done with what it was asked for, when that is all that is waited for.
const LOOK: Duration = Duration::from_millis(50);
/// For the answer to an edit of the list.
const ANSWER: Duration = Duration::from_secs(10);

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    Soon,
    /// The server has refused us.
    Later,
    /// There is no use in it.
    Never,
}

/// No server likes to be hammered by whom it has just refused.
const PATIENCE: Backoff = Backoff {
    first: Duration::from_secs(60),
    longest: Duration::from_secs(900),
    settled: Duration::from_secs(60),
};

fn listed(session: &Session) -> Vec<Listed> {
    let buddies = session.buddy_list().buddies();
    buddies
        .map(|buddy| Listed { name: buddy.screen_name, alias: buddy.alias, group: buddy.group.to_owned() })
        .collect()
}
