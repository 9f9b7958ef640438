//! The desk as a transcript: visitors, staff, links and the clock in view, an in-memory store behind it.

mod addressing;
mod deletion;
mod departments;
mod doorplate;
mod histories;
mod keeping;
mod links;
mod lookalikes;
mod manual;
mod mistakes;
mod refusals;
mod rooms;
mod staffside;
mod stock_rates;
mod typing;
mod visitorside;

use super::HubControl;
use super::desk::{Batch, Desk, Effect, Input, Settings};
use crate::aim::event::{AccountId, AimCommand, AimEvent, ImCookie, ImRefusal, Presence};
use crate::conversation::Millis;
use crate::irc::event::{IrcCommand, IrcEvent, IrcLine, Place, SendId, Source, Speech};
use crate::store::{MemoryStore, Store};

pub(super) const ACCOUNT: AccountId = AccountId(0);
/// 2026-11-22, a little after midnight.
const MIDNIGHT: u64 = 1_795_305_600_000;

pub(super) struct Bench {
    pub(super) desk: Desk,
    pub(super) store: MemoryStore,
    pub(super) settings: Settings,
    pub(super) now: Millis,
    pub(super) out: Vec<Effect>,
    cookies: u64,
}

impl Bench {
    /// Both sides up, `staff1` and `staff2` signed on, credits in plenty.
    pub(super) fn new() -> Self {
        let mut bench = Self::quiet(Settings::default());
        bench.both_up().online("staff1").online("staff2").credits(100).nothing_more();
        bench
    }

    /// The operator changes the configuration and has it read again.
    pub(super) fn reloads(&mut self, change: impl FnOnce(&mut Settings)) -> &mut Self {
        change(&mut self.settings);
        let settings = Box::new(self.settings.clone());
        self.input(Input::Control(HubControl::Settings(settings)))
    }

    /// Nothing is up yet.
    pub(super) fn quiet(mut settings: Settings) -> Self {
        settings.staff = vec!["staff1".into(), "staff2".into()];
        let mut store = MemoryStore::new();
        let now = Millis(MIDNIGHT);
        let desk = Desk::new(settings.clone(), store.load().unwrap(), now);
        Self { desk, store, settings, now, out: Vec::new(), cookies: 0 }
    }

    pub(super) fn input(&mut self, input: Input) -> &mut Self {
        self.desk.receive(input, self.now);
        self.pump()
    }

    pub(super) fn pump(&mut self) -> &mut Self {
        self.desk.pump(self.now);
        let Batch { writes, effects, .. } = self.desk.take();
        self.store.commit(&writes).unwrap();
        self.desk.stored();
        self.out.extend(effects);
        self
    }

    /// The process dies and starts again: only the store survives.
    pub(super) fn crash(&mut self) -> &mut Self {
        self.out.clear();
        self.settings.cookie_seed = self.settings.cookie_seed.wrapping_mul(31).wrapping_add(0x5EED_1234_5678);
        self.desk = Desk::new(self.settings.clone(), self.store.load().unwrap(), self.now);
        self.pump()
    }

    pub(super) fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = Millis(self.now.0 + seconds * 1000);
        self.pump()
    }

    pub(super) fn irc(&mut self, event: IrcEvent) -> &mut Self {
        self.input(Input::Irc(event))
    }

    pub(super) fn aim(&mut self, event: AimEvent) -> &mut Self {
        self.input(Input::Aim(ACCOUNT, event))
    }

    pub(super) fn irc_up(&mut self) -> &mut Self {
        self.irc(IrcEvent::SignedOn { nick: "bridgebot".into() })
    }

    pub(super) fn aim_up(&mut self) -> &mut Self {
        self.aim(AimEvent::SignedOn { screen_name: "bridgebot".into() })
    }

    pub(super) fn both_up(&mut self) -> &mut Self {
        self.irc_up().aim_up()
    }

    pub(super) fn credits(&mut self, credits: u32) -> &mut Self {
        self.aim(AimEvent::Credits(credits))
    }

    pub(super) fn presence(&mut self, who: &str, presence: Presence) -> &mut Self {
        self.aim(AimEvent::Presence { who: who.into(), presence })
    }

    pub(super) fn online(&mut self, who: &str) -> &mut Self {
        self.presence(who, Presence::Online)
    }

    pub(super) fn offline(&mut self, who: &str) -> &mut Self {
        self.presence(who, Presence::Offline)
    }

    /// A plain visitor says something to the bot.
    pub(super) fn says(&mut self, nick: &str, text: &str) -> &mut Self {
        let line = self.line(nick, text);
        self.irc(IrcEvent::Line(line))
    }

    /// A line with the client's id.
    pub(super) fn says_with_id(&mut self, nick: &str, id: &str, text: &str) -> &mut Self {
        let line = IrcLine { client_id: Some(id.into()), ..self.line(nick, text) };
        self.irc(IrcEvent::Line(line))
    }

    pub(super) fn line(&self, nick: &str, text: &str) -> IrcLine {
        IrcLine {
            from: source(nick, 1),
            place: Place::Private,
            speech: Speech::Privmsg,
            text: text.into(),
            action: false,
            msgid: None,
            client_id: None,
            at: self.now.to_system(),
            replayed: false,
        }
    }

    /// A staff member's instant message.
    pub(super) fn types(&mut self, who: &str, text: &str) -> &mut Self {
        self.cookies += 1;
        let cookie = ImCookie(self.cookies.to_be_bytes());
        self.im(who, text, cookie, false)
    }

    pub(super) fn im(&mut self, who: &str, text: &str, cookie: ImCookie, auto: bool) -> &mut Self {
        let at = self.now.to_system();
        self.aim(AimEvent::Im { from: who.into(), text: text.into(), auto, offline: false, cookie, at })
    }

    /// The AIM server takes everything that was sent, and all that this lets go.
    pub(super) fn ack_all(&mut self) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        loop {
            let sent = self.ims();
            if sent.is_empty() {
                return texts;
            }
            for (to, text, cookie) in sent {
                texts.push((to, text));
                self.aim(AimEvent::Acked { cookie });
            }
        }
    }

    /// What the staff member reads next; acknowledged.
    pub(super) fn reads(&mut self, who: &str, expected: &str) -> &mut Self {
        let at = self.out.iter().position(
            |effect| matches!(effect, Effect::Aim(_, AimCommand::Send { to, .. }) if *to == who.into()),
        );
        let Some(at) = at else { panic!("{who} reads nothing; out: {:#?}", self.out) };
        let Effect::Aim(_, AimCommand::Send { text, cookie, .. }) = self.out.remove(at) else {
            unreachable!()
        };
        assert_eq!(&*text, expected, "what {who} reads");
        self.aim(AimEvent::Acked { cookie })
    }

    /// What the visitor reads next as an answer; the daemon accepts it.
    pub(super) fn hears(&mut self, nick: &str, expected: &str) -> &mut Self {
        let (text, id) =
            self.said_to(nick).unwrap_or_else(|| panic!("{nick} hears nothing; out: {:#?}", self.out));
        assert_eq!(text, expected, "what {nick} hears");
        self.irc(IrcEvent::Accepted { id })
    }

    /// Takes the next answer to this nick out of what was sent.
    pub(super) fn said_to(&mut self, nick: &str) -> Option<(String, SendId)> {
        let at = self.out.iter().position(|effect| {
            matches!(effect, Effect::Irc(IrcCommand::Say { to, speech: Speech::Privmsg, .. }) if to == nick)
        })?;
        let Effect::Irc(IrcCommand::Say { text, id, .. }) = self.out.remove(at) else { unreachable!() };
        Some((text, id))
    }

    /// The next notice to this nick: kind and words.
    pub(super) fn notice_to(&mut self, nick: &str) -> Option<(String, String)> {
        let at = self.out.iter().position(|effect| {
            matches!(effect, Effect::Irc(IrcCommand::Say { to, speech: Speech::Notice, .. }) if to == nick)
        })?;
        let Effect::Irc(IrcCommand::Say { text, tags, .. }) = self.out.remove(at) else { unreachable!() };
        Some((tags[0].1.clone(), text))
    }

    /// All states told so far: line id, state.
    pub(super) fn states(&mut self) -> Vec<(String, String)> {
        let mut states = Vec::new();
        self.out.retain(|effect| match effect {
            Effect::Irc(IrcCommand::Tag { tags, .. }) if tags[0].0 == "+bridgebot/id" => {
                states.push((tags[0].1.clone(), tags[1].1.clone()));
                false
            }
            _ => true,
        });
        states
    }

    /// All instant messages sent so far.
    pub(super) fn ims(&mut self) -> Vec<(String, String, ImCookie)> {
        let mut ims = Vec::new();
        self.out.retain(|effect| match effect {
            Effect::Aim(_, AimCommand::Send { to, text, cookie }) => {
                ims.push((to.to_string(), text.to_string(), *cookie));
                false
            }
            _ => true,
        });
        ims
    }

    pub(super) fn no_ims(&mut self) -> &mut Self {
        let ims = self.ims();
        assert!(ims.is_empty(), "{ims:?}");
        self
    }

    /// Forgets what was sent until now.
    pub(super) fn nothing_more(&mut self) -> &mut Self {
        self.ack_all();
        self.out.clear();
        self
    }

    pub(super) fn refused(&mut self, cookie: ImCookie, refusal: ImRefusal) -> &mut Self {
        self.aim(AimEvent::Refused { cookie, refusal })
    }
}

/// A visitor's source; another `signed_on` is another person.
pub(super) fn source(nick: &str, signed_on: u64) -> Source {
    Source {
        nick: nick.into(),
        user: format!("~{}", nick.trim_end_matches('_').to_lowercase()),
        host: "host.example".into(),
        account: None,
        signed_on: Some(signed_on),
        connection: None,
    }
}
