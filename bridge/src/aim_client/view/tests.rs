//! The view as a person meets it: keys in, the picture out.

use std::time::{Duration, Instant, SystemTime};

use oscar_im::ScreenName;
use oscar_im::session::{Event, ImReceived, Presence};

use super::*;
use crate::aim_client::action::Action;
use crate::aim_client::messenger::Listed;

struct Scene {
    view: View,
    messenger: Messenger,
    now: Moment,
}

impl Scene {
    #[allow(clippy::disallowed_methods, reason = "where the test's time begins does not matter")]
    fn new(width: u16, height: u16) -> Self {
        let now = Moment { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        let mut messenger = Messenger::new("me".into(), 0);
        messenger.receive(Event::SignedOn { screen_name: "Me".into() }, now);
        let listed = |name: &str, group: &str, alias: Option<&str>| Listed {
            name: name.into(),
            alias: alias.map(str::to_owned),
            group: group.into(),
        };
        messenger.buddies(vec![
            listed("Ann", "Friends", None),
            listed("bob", "Friends", Some("Bobby")),
            listed("carl", "Work", None),
        ]);
        let mut scene = Self { view: View::new(Size { width, height }, TimeZone::UTC), messenger, now };
        scene.presence("Ann", false, 0).presence("carl", true, 0);
        scene
    }

    fn presence(&mut self, who: &str, away: bool, idle_minutes: u16) -> &mut Self {
        let presence = Presence::Online { away, idle_minutes };
        self.messenger.receive(Event::Presence { who: who.into(), presence }, self.now);
        self
    }

    fn hears(&mut self, from: &str, text: &str) -> &mut Self {
        let mut im = ImReceived::new(from.into(), text);
        im.wants_typing = true;
        self.messenger.receive(Event::ImReceived(im), self.now);
        self
    }

    fn key(&mut self, key: Key) -> &mut Self {
        self.view.key(key, &mut self.messenger, self.now);
        self
    }

    fn types(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            self.key(Key::Char(character));
        }
        self
    }

    fn enters(&mut self, text: &str) -> &mut Self {
        self.types(text).key(Key::Enter)
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.messenger.handle_timeout(self.now);
        self
    }

    fn acknowledge(&mut self) -> &mut Self {
        while let Some(part) = self.messenger.next_message() {
            self.messenger.receive(Event::ImAcked { cookie: part.cookie }, self.now);
        }
        self
    }

    fn picture(&mut self) -> String {
        self.view.render(&self.messenger).to_string()
    }

    fn row(&mut self, at: usize) -> String {
        self.picture().lines().nth(at).unwrap_or_default().to_owned()
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.messenger.poll_action()).collect()
    }
}

/// A screen to paint, with a text that would colour it.
pub(in crate::aim_client) fn sample() -> Screen {
    let mut row = Row::default();
    row.push(Look::Bar, "one \u{1b}[31;evil", 40);
    row.push_right(Look::Unread, "2", 40);
    Screen { rows: vec![row], cursor: None }
}

#[test]
fn a_conversation_beside_the_list() {
    let mut scene = Scene::new(80, 12);
    scene.hears("Ann", "hello\nthere").enters("/open ann").enters("hi Ann").acknowledge();
    scene.hears("carl", "are you there?").types("let me");
    let expected = "
 Me  online                                                            1 unread
Ann  online                                           │ Conversations
                                                      │   aim
                                                      │   Ann
── Thursday, 1 January 1970 ───────────────────────── │   carl                 1
── new ────────────────────────────────────────────── │ Friends (1/2)
00:00 Ann: hello                                      │ ● Ann
           there                                      │ ○ Bobby
00:00 Me: hi Ann                                      │ Work (1/1)
                                                      │ ◐ carl              away
> let me
F1 help  Ctrl-N/P conversation  Tab next unread  F2 list  PgUp back  Ctrl-D end
";
    let picture = scene.picture();
    assert_eq!(format!("\n{picture}"), expected, "{picture}");
    assert_eq!(scene.view.render(&scene.messenger).cursor, Some((8, 10)));
}

#[test]
fn unread_is_reached_by_one_key_and_a_draft_waits() {
    let mut scene = Scene::new(80, 12);
    scene.hears("ann", "hello").hears("bob", "hello too");
    assert!(scene.row(0).ends_with("2 unread"));
    scene.key(Key::Tab).types("half a thou");
    assert!(scene.row(1).starts_with("Ann  online"));
    scene.key(Key::Ctrl('n'));
    assert!(scene.row(1).starts_with("bob (Bobby)  offline"), "{}", scene.row(1));
    assert_eq!(scene.row(10), ">", "the draft is for somebody else");
    assert!(scene.row(0).ends_with("bridgebot aim"));
    scene.key(Key::Ctrl('p'));
    assert_eq!(scene.row(10), "> half a thou");
    scene.key(Key::Alt('1'));
    assert!(scene.row(1).starts_with("aim"));
}

#[test]
fn of_somebody_who_is_not_on_the_list_nobody_knows_whether_they_are_there() {
    let mut scene = Scene::new(80, 12);
    scene.hears("stranger", "hello").key(Key::Tab);
    assert!(scene.row(1).starts_with("stranger  not on your buddy list"), "{}", scene.row(1));
    scene.presence("stranger", false, 0);
    assert!(scene.row(1).starts_with("stranger  online"), "{}", scene.row(1));
}

#[test]
fn the_list_opens_what_is_chosen() {
    let mut scene = Scene::new(80, 14);
    scene.key(Key::Function(2)).key(Key::Down).key(Key::Down).key(Key::Enter);
    assert!(scene.row(1).starts_with("bob (Bobby)"), "{}", scene.row(1));
    scene.key(Key::Function(2)).key(Key::Up);
    assert_eq!(scene.view.render(&scene.messenger).cursor, None);
    scene.types("x");
    assert_eq!(scene.row(12), "> x", "writing leads out of the list");
}

#[test]
fn others_hear_that_one_types_pauses_and_stops() {
    let mut scene = Scene::new(80, 12);
    scene.enters("/open bob").types("hi");
    assert_eq!(scene.actions(), [], "bob's client has not asked to be told");
    scene.key(Key::Ctrl('u')).hears("ann", "hello").enters("/open ann");
    assert_eq!(scene.actions(), [], "commands are no text to anybody");
    let typing = |typing| [Action::Typing(ScreenName::from("ann"), typing)];
    assert_eq!(scene.types("he").actions(), typing(Typing::Typing));
    assert_eq!(scene.after(4).types("l").after(4).actions(), []);
    assert_eq!(scene.after(1).actions(), typing(Typing::Paused));
    assert_eq!(scene.after(60).actions(), [], "said once");
    assert_eq!(scene.types("l").actions(), typing(Typing::Typing));
    assert_eq!(scene.key(Key::Ctrl('c')).actions(), typing(Typing::None));
    assert_eq!(scene.types("x").actions(), typing(Typing::Typing));
    assert_eq!(scene.key(Key::Enter).actions(), [], "the message itself says so");
    assert_eq!(scene.types("x").actions(), typing(Typing::Typing));
    assert_eq!(scene.key(Key::Ctrl('p')).actions(), typing(Typing::None), "looking elsewhere");
}

#[test]
fn who_leaves_the_keyboard_is_idle_until_the_next_key() {
    let mut scene = Scene::new(80, 12);
    scene.types("x").after(599);
    assert_eq!(scene.actions(), []);
    assert_eq!(scene.after(1).actions(), [Action::Idle(Duration::from_secs(600))]);
    let now = scene.now.after(Duration::from_secs(60));
    scene.messenger.receive(Event::SignedOn { screen_name: "Me".into() }, now);
    assert_eq!(scene.actions(), [Action::Idle(Duration::from_secs(660))], "the next session is told too");
    assert_eq!(scene.types("y").actions(), [Action::Idle(Duration::ZERO)]);
}

#[test]
fn one_sees_that_they_type_and_what_stands_below() {
    let mut scene = Scene::new(40, 10);
    for number in 0..40 {
        scene.hears("ann", &format!("line {number}"));
    }
    scene.key(Key::Tab);
    scene.messenger.receive(Event::Typing { from: "ann".into(), typing: Typing::Typing }, scene.now);
    assert_eq!(scene.row(7), "Ann is typing");
    scene.key(Key::PageUp).key(Key::PageUp).hears("ann", "late");
    assert_eq!(scene.row(7), "9 messages below (Esc)");
    assert_eq!(scene.key(Key::Escape).row(6), "00:00 ann: late");
}

#[test]
fn what_does_not_work_is_said_where_one_looks() {
    let mut scene = Scene::new(60, 10);
    scene.enters("/open ann").enters("/infoo");
    assert!(scene.picture().contains("! there is no /infoo; did you mean /info?"), "{}", scene.picture());
    scene.key(Key::Ctrl('c'));
    assert!(scene.picture().contains("Ctrl-D or /quit signs off"));
    scene.key(Key::Ctrl('d'));
    assert_eq!(scene.actions(), [Action::Quit]);
}

#[test]
fn several_lines_are_pasted_and_sent_as_one_message() {
    let mut scene = Scene::new(60, 16);
    scene
        .enters("/open ann")
        .key(Key::Paste("one\r\ntwo\u{1b}[2J\rthree".into()))
        .key(Key::AltEnter)
        .types("four");
    let picture = scene.picture();
    assert!(picture.contains("> one\n  two[2J\n  three\n  four\n"), "{picture}");
    scene.key(Key::Enter);
    assert_eq!(scene.messenger.next_message().unwrap().text, "one\ntwo[2J\nthree\nfour");
    scene.key(Key::Paste("x".repeat(20_000)));
    assert!(scene.picture().contains("too much text for one message"));
}

#[test]
fn whatever_others_send_acts_on_no_terminal() {
    let mut scene = Scene::new(80, 12);
    scene.presence("e\u{1b}[2Jvil", false, 0).hears("e\u{1b}[2Jvil", "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}x");
    scene.key(Key::Tab);
    for row in scene.view.render(&scene.messenger).rows {
        for piece in row.0 {
            assert!(!piece.text().chars().any(|character| character.is_control() || character == '\u{202e}'));
        }
    }
}

#[test]
fn in_a_small_window_one_reads_and_writes_all_the_same() {
    let mut scene = Scene::new(20, 5);
    scene.hears("ann", "one two three four").key(Key::Tab).types("five and six");
    assert_eq!(
        scene.picture(),
        " Me  online bridgeb…\nAnn  online\nann: one two three\n     four\n> five and six\n"
    );
    for (height, picture) in [
        (4, "Ann  online\nann: one two three\n     four\n> five and six\n"),
        (3, "Ann  online\n     four\n> five and six\n"),
        (2, "     four\n> five and six\n"),
        (1, "the window is too s…\n"),
    ] {
        scene.view.resize(Size { width: 20, height });
        assert_eq!(scene.picture(), picture);
    }
    scene.view.resize(Size { width: 80, height: 8 });
    assert!(scene.picture().ends_with("F2 list  PgUp back  Ctrl-D end\n"));
}

#[test]
fn every_size_is_borne() {
    let mut scene = Scene::new(80, 24);
    scene
        .hears("ann", "a long message, of many words that have to be broken somewhere 日本語 👨‍👩‍👧")
        .key(Key::Tab);
    scene.key(Key::Paste("some\nlines\nthat\nare\nbeing\nwritten\nnow\n日本語".into()));
    for width in 0..100 {
        for height in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 24, 50] {
            scene.view.resize(Size { width, height });
            let screen = scene.view.render(&scene.messenger);
            assert!(screen.rows.len() <= usize::from(height.max(1)), "{width}x{height}");
            for line in screen.to_string().lines() {
                assert!(screen::columns(line) <= width.max(1), "{width}x{height}: {line}");
            }
            if let Some((column, row)) = screen.cursor {
                assert!(column < width && row < height, "{width}x{height} {column} {row}");
            }
        }
    }
}
