//! Lines that were refused in words, and the daemon's history, which has them all the same.

use std::time::Duration;

use super::{ACCOUNT, Bench, source};
use crate::aim::event::{AimEvent, ImCookie};
use crate::conversation::Millis;
use crate::conversation::guard::Pace;
use crate::conversation::wording::{self, visitor as words};
use crate::hub::desk::{Batch, Effect, Input, Settings};
use crate::irc::event::{IrcCommand, IrcEvent, IrcLine, Source};
use crate::store::{Store as _, Write};

impl From<IrcEvent> for Input {
    fn from(event: IrcEvent) -> Self {
        Self::Irc(event)
    }
}

impl From<AimEvent> for Input {
    fn from(event: AimEvent) -> Self {
        Self::Aim(ACCOUNT, event)
    }
}

impl Bench {
    /// Takes something in while the store takes nothing.
    fn in_vain(&mut self, event: impl Into<Input>) -> &mut Self {
        self.desk.receive(event.into(), self.now);
        self.desk.pump(self.now);
        let Batch { writes, effects, refusals } = self.desk.take();
        if writes.is_empty() {
            self.out.extend(effects);
            return self;
        }
        let (harmless, not_done): (Vec<_>, Vec<_>) = effects.into_iter().partition(Effect::needs_no_store);
        self.desk.store_went_down(&not_done);
        self.out.extend(harmless.into_iter().chain(refusals));
        self
    }

    /// The store takes something again.
    fn room_again(&mut self) -> &mut Self {
        let probe = self.desk.probe();
        self.store.commit(&probe).unwrap();
        self.desk.restore(self.store.load().unwrap(), self.now);
        self.pump()
    }

    fn with_id(&self, text: &str, replayed: bool) -> IrcEvent {
        let line = self.line("anna", text);
        let from = Source { connection: Some("x-1".into()), ..source("anna", 1) };
        IrcEvent::Line(IrcLine { from, msgid: Some(text.into()), replayed, ..line })
    }

    fn says_numbered(&mut self, text: &str) -> &mut Self {
        self.irc(self.with_id(text, false))
    }

    /// The bridge starts anew and fetches this from the daemon's history.
    fn fetches(&mut self, texts: &[&str]) -> &mut Self {
        self.nothing_more().crash().both_up().online("staff1").credits(100).nothing_more();
        for text in texts {
            self.irc(self.with_id(text, true));
        }
        self
    }
}

#[test]
fn what_the_store_could_not_take_stays_refused_when_the_bridge_starts_anew() {
    let mut t = Bench::new();
    t.says_numbered("one").reads("staff1", "anna: one").reads("staff2", "anna: one");
    // The first fails, the second is not even tried.
    for text in ["two", "three"] {
        t.in_vain(t.with_id(text, false));
    }
    assert_eq!(t.notice_to("anna"), Some(("refused".into(), words::NOT_STORED.into())));
    t.room_again().says_numbered("four").reads("staff1", "anna: four");
    t.fetches(&["one", "two", "three", "four", "five"]).reads("staff1", "anna: five").no_ims();
}

#[test]
fn what_was_refused_is_not_refused_again_out_of_the_history() {
    let mut t = Bench::new();
    t.says_numbered("one").nothing_more();
    t.in_vain(t.with_id("two", false));
    t.out.clear();
    t.in_vain(t.with_id("two", true));
    assert_eq!(t.notice_to("anna"), None);
    let again = t.with_id("two", true);
    t.room_again().irc(again).no_ims();
}

#[test]
fn a_store_that_fails_again_forgets_no_refusal() {
    let mut t = Bench::new();
    t.says_numbered("one").nothing_more();
    t.in_vain(t.with_id("two", false));
    // Written and not read back, as far as memory knows; the next time both work.
    t.store.commit(&t.desk.probe()).unwrap();
    t.in_vain(t.with_id("three", false));
    t.room_again().says_numbered("four").nothing_more();
    t.fetches(&["two", "three", "four"]).no_ims();
}

#[test]
fn a_bridge_that_ends_before_the_store_takes_again_has_refused_nothing_for_good() {
    let mut t = Bench::new();
    t.says_numbered("one").nothing_more();
    t.in_vain(t.with_id("two", false));
    // Nothing has been stored behind it, so it comes in order, late.
    t.fetches(&["two", "three"]).reads("staff1", "anna: two").reads("staff1", "anna: three");
}

#[test]
fn a_refusal_names_the_connection_of_who_spoke_whoever_had_the_nick_before() {
    let mut t = Bench::new();
    t.says_numbered("one").nothing_more();
    t.in_vain(IrcEvent::Line(t.line("bob", "hello"))).out.clear();
    // Nobody notes any more that the nick has changed hands.
    for client_id in [None, Some("c1".to_owned())] {
        let from = Source { connection: Some("x-2".into()), ..source("anna", 2) };
        let line = IrcLine { from, client_id, ..t.line("anna", "hello") };
        t.in_vain(IrcEvent::Line(line));
        let told = t.out.drain(..).find_map(|effect| match effect {
            Effect::Irc(IrcCommand::Say { receiver, .. } | IrcCommand::Tag { receiver, .. }) => {
                Some(receiver)
            }
            _ => None,
        });
        assert_eq!(told, Some(Some("x-2".into())));
    }
}

#[test]
fn what_came_too_fast_does_not_come_later() {
    let mut t = Bench::quiet(Settings { pace: Pace { burst: 1, per_second: 1 }, ..Settings::default() });
    t.both_up().online("staff1").credits(100).nothing_more();
    t.says_numbered("one").says_numbered("two");
    assert_eq!(t.notice_to("anna"), Some(("slow-down".into(), words::SLOW_DOWN.into())));
    t.after(5).says_numbered("three").nothing_more();
    t.fetches(&["one", "two", "three"]).no_ims();
}

#[test]
fn a_fetch_that_began_while_the_store_took_nothing_is_known_when_it_does() {
    let mut t = Bench::new();
    t.says_numbered("one").nothing_more();
    t.in_vain(t.with_id("two", false));
    let since = t.now;
    t.in_vain(IrcEvent::Fetching { since: since.to_system() });
    t.room_again();
    assert_eq!(t.store.load().unwrap().fetching_from, Some(since));
    t.irc(IrcEvent::Fetched);
    assert_eq!(t.store.load().unwrap().fetching_from, None);
}

/// A staff member's message comes while the store takes nothing.
fn typed_in_vain(t: &mut Bench, number: u8) {
    let (from, at) = ("staff1".into(), t.now.to_system());
    let (text, cookie) = ("anna: hi".into(), ImCookie([number; 8]));
    t.in_vain(AimEvent::Im { from, text, auto: false, offline: false, cookie, at });
}

#[test]
fn staff_hear_later_what_they_could_not_hear_at_once() {
    let mut t = Bench::new();
    t.says("anna", "one").nothing_more();
    // The first fails, the second is not even tried; only the first is told.
    typed_in_vain(&mut t, 1);
    typed_in_vain(&mut t, 2);
    let said = t.ims();
    assert!(said.len() == 2 && said.iter().all(|(_, text, _)| *text == wording::not_stored()), "{said:?}");
    let (at, cookie) = (t.now, said[0].2);
    t.in_vain(AimEvent::Acked { cookie });
    let heard_at = t.now.to_system();
    let lost = AimEvent::Lost { reason: "reset".into(), heard_at, retry_in: Duration::from_secs(1) };
    t.in_vain(lost);
    // No credit is at hand either.
    t.in_vain(AimEvent::SignedOn { screen_name: "bridgebot".into() });
    typed_in_vain(&mut t, 3);
    t.now = t.now.after(Duration::from_secs(3));
    t.room_again().online("staff1").credits(9);
    let told = t.ims().remove(0).1;
    assert_eq!(told.matches(&wording::not_stored_at(at)).count(), 2, "{told}");
}

#[test]
fn the_store_keeps_the_newest_refusals() {
    let mut t = Bench::new();
    for part in 0..3_u64 {
        let ids = (0..3000).map(|id| format!("m{}", part * 3000 + id)).collect();
        t.store.commit(&[Write::Refused(ids), Write::AimUp(Millis(1))]).unwrap();
    }
    let refused = t.store.load().unwrap().refused;
    assert_eq!(refused.len(), 4096);
    assert_eq!((refused[0].as_str(), refused[4095].as_str()), ("m4904", "m8999"), "oldest first");
}
