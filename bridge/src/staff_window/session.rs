//! From one page's messages to one OSCAR session and back; signs on again by itself, except against another sign-on
//! of the same name: two windows must not throw each other out in turn.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oscar_im::ScreenName;
use oscar_im::session::{self, CloseReason, Event, SendError};
use oscar_im::text::split;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::messages::{Buddy, FromPage, Presence, State, ToPage, Typing};
use super::socket::StaffWindow;
use crate::aim::sign_on::{AimClient, sign_on};
use crate::backoff::{Backoff, random};
use crate::clock::Moment;

/// Messages of the page that wait for the server's rate limit; more are refused in words.
const MOST_HELD: usize = 32;

/// Keeps the window's session until the page or the program goes.
pub(super) async fn run(
    window: &StaffWindow,
    mut from_page: mpsc::Receiver<FromPage>,
    to_page: mpsc::Sender<ToPage>,
    stop: CancellationToken,
) {
    let backoff = Backoff::default();
    let mut failures = 0;
    let mut moved = None;
    loop {
        let state = |state, reason, retry_in: Option<Duration>| ToPage::State {
            state,
            screen_name: window.screen_name.to_string(),
            reason,
            retry_in: retry_in.map(|pause| pause.as_secs() + u64::from(pause.subsec_nanos() > 0)),
        };
        let _ = to_page.send(state(State::Connecting, None, None)).await;
        let connected = tokio::select! {
            connected = sign_on(&window.endpoint, &window.screen_name, &window.password, moved.as_ref()) => connected,
            () = stop.cancelled() => return,
        };
        moved = None;
        let (reason, for_good) = match connected {
            Ok(client) => match Window::new(client, &to_page).run(&mut from_page, &stop).await {
                None => return,
                Some((reason, was_up)) => {
                    failures = if was_up { 0 } else { failures };
                    moved = reason.moved().cloned();
                    (reason.to_string(), matches!(reason, CloseReason::SignedOnElsewhere))
                }
            },
            Err(error) => (error.to_string(), error.is_permanent()),
        };
        let pause = (!for_good).then(|| backoff.pause(failures, random()));
        failures += 1;
        let _ = to_page.send(state(State::Offline, Some(reason), pause)).await;
        // What the page sends meanwhile is answered, not kept: its author is looking at it.
        let waiting = async {
            match pause {
                Some(pause) => sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                () = &mut waiting => break,
                () = stop.cancelled() => return,
                message = from_page.recv() => match message {
                    None => return,
                    Some(FromPage::Im { id, .. }) => {
                        let _ = to_page.send(ToPage::Failed { id, reason: "you are not signed on".into() }).await;
                    }
                    Some(_) => {}
                },
            }
        }
    }
}

/// One part of a message of the page.
struct Part {
    cookie: [u8; 8],
    to: ScreenName,
    text: String,
}

/// How many parts of one message of the page have no acknowledgement yet.
struct Sending {
    page_id: u64,
    open: usize,
}

struct Window<'a> {
    client: AimClient,
    to_page: &'a mpsc::Sender<ToPage>,
    up: bool,
    /// Parts that wait for a credit, in order.
    held: VecDeque<Part>,
    /// By the part's cookie: the number of its message.
    parts: HashMap<[u8; 8], u64>,
    sending: HashMap<u64, Sending>,
    next_message: u64,
    next_cookie: u64,
}

impl<'a> Window<'a> {
    fn new(client: AimClient, to_page: &'a mpsc::Sender<ToPage>) -> Self {
        Self {
            client,
            to_page,
            up: false,
            held: VecDeque::new(),
            parts: HashMap::new(),
            sending: HashMap::new(),
            next_message: 0,
            // Unlike those of any earlier session of this name.
            next_cookie: milliseconds(Moment::now().wall) << 20,
        }
    }

    /// Until the session ends (why, and whether it was ever up) or nobody wants it any more.
    async fn run(
        mut self,
        from_page: &mut mpsc::Receiver<FromPage>,
        stop: &CancellationToken,
    ) -> Option<(CloseReason, bool)> {
        let mut stopping = false;
        loop {
            self.send_held().await;
            let credit_at = self.credit_at();
            tokio::select! {
                event = self.client.event() => match event {
                    Event::Closed(_) if stopping => return None,
                    Event::Closed(reason) => {
                        self.fail_all("the connection was lost; it may or may not have arrived").await;
                        return Some((reason, self.up));
                    }
                    event => self.event(event).await,
                },
                message = from_page.recv(), if self.up && !stopping => {
                    if let Some(message) = message {
                        self.message(message).await;
                    } else {
                        stopping = true;
                        self.client.sign_off();
                    }
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.client.sign_off();
                }
                () = sleep_until(credit_at.unwrap_or_else(Instant::now)), if credit_at.is_some() => {}
            }
        }
    }

    fn credit_at(&self) -> Option<Instant> {
        let wait = (!self.held.is_empty()).then(|| self.client.next_im_credit_in())??;
        (!wait.is_zero()).then(|| Instant::now() + wait)
    }

    /// Tells the page. If it is gone, `stop` is about to say so.
    async fn tell(&self, message: ToPage) {
        let _ = self.to_page.send(message).await;
    }

    async fn message(&mut self, message: FromPage) {
        match message {
            FromPage::Im { id, to, text } => self.im(id, ScreenName::new(to), &text).await,
            FromPage::Typing { to, state } => {
                let typing = match state {
                    Typing::Active => session::Typing::Typing,
                    Typing::Paused => session::Typing::Paused,
                    Typing::None => session::Typing::None,
                };
                let _ = self.client.send_typing(&ScreenName::new(to), typing);
            }
            FromPage::Away { text } => {
                let _ = self.client.set_away(text.as_deref());
            }
            FromPage::Unknown => {}
        }
    }

    async fn im(&mut self, page_id: u64, to: ScreenName, plain: &str) {
        let parts = split::split(plain, split::Limits::default());
        let refusal = if plain.trim().is_empty() {
            Some("there is nothing to send")
        } else if !to.is_valid() {
            Some("that is no screen name")
        } else if self.held.len() + parts.len() > MOST_HELD {
            Some("too much is waiting for the AIM server; try again in a moment")
        } else {
            None
        };
        if let Some(reason) = refusal {
            return self.tell(ToPage::Failed { id: page_id, reason: reason.into() }).await;
        }
        self.next_message += 1;
        let message = self.next_message;
        self.sending.insert(message, Sending { page_id, open: parts.len() });
        for part in parts {
            self.next_cookie += 1;
            let cookie = self.next_cookie.to_be_bytes();
            self.parts.insert(cookie, message);
            self.held.push_back(Part { cookie, to: to.clone(), text: part.to_owned() });
        }
        self.send_held().await;
    }

    async fn send_held(&mut self) {
        while let Some(part) = self.held.pop_front() {
            match self.client.send_im(part.cookie, &part.to, &part.text) {
                Ok(()) => {}
                Err(SendError::NoCredit | SendError::Busy) => return self.held.push_front(part),
                Err(error) => self.fail(part.cookie, &error.to_string()).await,
            }
        }
    }

    async fn acknowledged(&mut self, cookie: [u8; 8]) {
        let Some(message) = self.parts.remove(&cookie) else { return };
        let Some(sending) = self.sending.get_mut(&message) else { return };
        sending.open -= 1;
        if sending.open == 0 {
            let id = sending.page_id;
            self.sending.remove(&message);
            self.tell(ToPage::Sent { id, at: milliseconds(Moment::now().wall) }).await;
        }
    }

    /// One part failed: so has the message.
    async fn fail(&mut self, cookie: [u8; 8], reason: &str) {
        let Some(message) = self.parts.remove(&cookie) else { return };
        let Some(sending) = self.sending.remove(&message) else { return };
        self.tell(ToPage::Failed { id: sending.page_id, reason: reason.into() }).await;
    }

    async fn fail_all(&mut self, reason: &str) {
        let mut open: Vec<u64> = self.sending.drain().map(|(_, sending)| sending.page_id).collect();
        open.sort_unstable();
        for id in open {
            self.tell(ToPage::Failed { id, reason: reason.into() }).await;
        }
    }

    async fn event(&mut self, event: Event) {
        match event {
            Event::SignedOn { screen_name } => {
                self.up = true;
                let state = ToPage::State {
                    state: State::Online,
                    screen_name: screen_name.to_string(),
                    reason: None,
                    retry_in: None,
                };
                self.tell(state).await;
                self.tell_buddies().await;
            }
            Event::BuddyListChanged => self.tell_buddies().await,
            Event::Presence { who, presence } => {
                let presence = presence_of(&who, presence);
                self.tell(ToPage::Presence { presence }).await;
            }
            Event::ImReceived(im) => {
                let at =
                    im.stored_at.map_or_else(|| milliseconds(Moment::now().wall), |at| u64::from(at) * 1000);
                let message = ToPage::Im {
                    from: im.from.to_string(),
                    text: im.text,
                    at,
                    auto: im.auto,
                    offline: im.stored_at.is_some(),
                };
                self.tell(message).await;
            }
            Event::Typing { from, typing } => {
                let state = match typing {
                    session::Typing::Typing => Typing::Active,
                    session::Typing::Paused => Typing::Paused,
                    session::Typing::None => Typing::None,
                };
                self.tell(ToPage::Typing { from: from.to_string(), state }).await;
            }
            Event::ImAcked { cookie } => self.acknowledged(cookie).await,
            Event::ImRefused { cookie, code, .. } => self.fail(cookie, &code.to_string()).await,
            Event::NoAcknowledgement { cookie, .. } => {
                self.fail(cookie, "the AIM server did not acknowledge it").await;
            }
            _ => {}
        }
    }

    async fn tell_buddies(&self) {
        let session = self.client.session();
        let buddies = session
            .buddy_list()
            .buddies()
            .map(|buddy| Buddy {
                group: buddy.group.to_owned(),
                presence: presence_of(&buddy.screen_name, session.presence(&buddy.screen_name)),
            })
            .collect();
        self.tell(ToPage::Buddies { buddies }).await;
    }
}

fn presence_of(who: &ScreenName, presence: session::Presence) -> Presence {
    let name = who.to_string();
    match presence {
        session::Presence::Offline => Presence { name, online: false, away: false, idle_minutes: 0 },
        session::Presence::Online { away, idle_minutes } => {
            Presence { name, online: true, away, idle_minutes }
        }
    }
}

fn milliseconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}
