//! Deleted on the operator's word: memory lets go, and the IRC daemon is told what to forget.

use super::{ACCOUNT, Bench, Effect};
use crate::conversation::ConversationId;
use crate::hub::desk::Settings;
use crate::irc::event::{IrcCommand, IrcEvent, IrcLine, Place};
use crate::store::Store as _;

const ANNA: ConversationId = ConversationId(1);

impl Bench {
    fn says_in_channel(&mut self, nick: &str, text: &str, msgid: &str) -> &mut Self {
        let place = Place::Channel("#support".into());
        let line = IrcLine { place, msgid: Some(msgid.into()), ..self.line(nick, text) };
        self.irc(IrcEvent::Line(line))
    }

    fn joined(&mut self) -> &mut Self {
        self.irc(IrcEvent::Joined { channel: "#Support".into() })
    }

    /// As the hub does it.
    fn delete(&mut self, id: ConversationId) -> &mut Self {
        self.desk.delete(id);
        self.pump();
        assert!(self.store.delete(id).unwrap());
        self.desk.restore(self.store.load().unwrap(), self.now);
        self.chores()
    }

    fn chores(&mut self) -> &mut Self {
        self.desk.note_redactions(self.store.chores().unwrap().redactions);
        self.pump()
    }

    /// The ids of the lines that the daemon is told to forget now.
    fn redacts(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        self.out.retain(|effect| match effect {
            Effect::Irc(IrcCommand::Redact { lines }) => {
                assert!(lines.iter().all(|(channel, _)| channel == "#support"));
                ids.extend(lines.iter().map(|(_, id)| id.clone()));
                false
            }
            _ => true,
        });
        ids
    }
}

#[test]
fn nothing_of_it_is_owed_and_its_visitor_begins_anew() {
    let mut t = Bench::quiet(Settings::default());
    t.both_up().says("anna", "private").says("ben", "hello");
    t.delete(ANNA);
    t.online("staff1").credits(9).reads("staff1", "ben: hello").no_ims();
    t.credits(9).says("anna", "again").reads("staff1", "anna: again");
    let known: Vec<u64> = t.store.conversations(9).unwrap().iter().map(|one| one.id.0).collect();
    assert_eq!(known.len(), 2);
    assert!(!known.contains(&1));
}

#[test]
fn the_daemon_forgets_in_parts_and_again_after_a_reconnect() {
    let mut t = Bench::new();
    for number in 0..10 {
        t.says_in_channel("anna", "private", &format!("m{number}")).after(1);
    }
    t.says("anna", "in private").nothing_more();
    t.delete(ANNA);
    assert!(t.redacts().is_empty(), "not in the channel yet");
    t.joined();
    assert_eq!(t.redacts(), (0..8).map(|number| format!("m{number}")).collect::<Vec<_>>());
    t.chores();
    assert!(t.redacts().is_empty(), "one part at a time");
    t.irc(IrcEvent::Lost { reason: "gone".into() }).chores().irc_up().joined();
    assert_eq!(t.redacts().len(), 8, "nobody knows what became of it");
    t.irc(IrcEvent::Redacted { refused: None }).chores();
    assert_eq!(t.redacts(), ["m8", "m9"]);
    t.irc(IrcEvent::Redacted { refused: None }).chores();
    assert!(t.redacts().is_empty() && t.store.chores().unwrap().redactions.is_empty());
}

#[test]
fn a_daemon_that_refuses_is_asked_again_only_after_the_next_sign_on() {
    let mut t = Bench::new();
    t.joined().says_in_channel("anna", "private", "m1").nothing_more();
    t.delete(ANNA);
    assert_eq!(t.redacts(), ["m1"]);
    t.irc(IrcEvent::Redacted { refused: Some("no".into()) }).chores();
    assert!(t.redacts().is_empty());
    t.irc(IrcEvent::Lost { reason: "gone".into() }).irc_up().joined().chores();
    assert_eq!(t.redacts(), ["m1"]);
}

#[test]
fn history_does_not_bring_back_what_was_deleted() {
    let mut t = Bench::new();
    t.says_in_channel("anna", "private", "m1").nothing_more();
    t.delete(ANNA).crash();
    t.both_up().online("staff1").credits(9);
    let place = Place::Channel("#support".into());
    let line = IrcLine { place, msgid: Some("m1".into()), replayed: true, ..t.line("anna", "private") };
    t.irc(IrcEvent::Line(line)).no_ims();
    assert!(t.store.conversations(9).unwrap().is_empty());
}

#[test]
fn what_colleagues_and_the_bridge_said_about_it_is_owed_to_nobody_any_more() {
    let mut t = Bench::new();
    t.says("anna", "hello").nothing_more();
    t.desk.accounts[ACCOUNT.0].credits = 0;
    t.types("staff2", "anna: the code is 4711").says("ben", "hi");
    t.types("staff1", "/info anna");
    t.offline("staff1").offline("staff2").after(15).says("anna", "reach me at anna@example.org");
    t.delete(ANNA);
    t.online("staff1").credits(9);
    let texts: Vec<String> = t.ack_all().into_iter().map(|(_, text)| text).collect();
    assert!(texts.iter().any(|text| text.contains("ben: hi")), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("anna")), "{texts:?}");
}
