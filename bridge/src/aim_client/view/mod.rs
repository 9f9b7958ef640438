//! The full-screen view as a machine: keys go in, the picture of a screen comes out. No I/O and no clock; what the keys
//! mean for the client goes to the [`Messenger`], whose state is what is shown.
//!
//! | file | what it is |
//! | --- | --- |
//! | `key` | what a person does at the keyboard |
//! | `editor`, `completion` | the line that is written |
//! | `pane` | a conversation, and how far back one looks |
//! | `sidebar` | conversations and buddies |
//! | `screen`, `wrap` | what is shown, as values |

mod completion;
mod editor;
mod key;
mod pane;
mod screen;
mod sidebar;
mod wrap;

use jiff::tz::TimeZone;
use oscar_im::session::Typing;

pub(super) use key::Key;
pub(super) use screen::{Look, Row, Screen, Size};

use super::conversation::{Conversation, With};
use super::messenger::{Link, Messenger};
use super::wording;
use crate::clock::Moment;
use editor::Editor;
use pane::{Pane, Position};

/// Below this nothing of use can be shown.
const LEAST: Size = Size { width: 10, height: 2 };
/// Columns of the list at the side, with its rule; it is left out where a conversation would get less than twice that.
const SIDEBAR: u16 = 26;
/// Rows of what is being written that are seen at once.
const MOST_DRAFT: usize = 6;

/// What the shell is to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing but to show.
    None,
    /// Paint all of it again.
    Repaint,
    /// Give the terminal back until the program is continued.
    Suspend,
}

/// The machine. See the module's documentation.
#[derive(Debug)]
pub(super) struct View {
    size: Size,
    zone: TimeZone,
    editor: Editor,
    position: Position,
    /// Which line of the list is selected, while the keys go there.
    selected: Option<usize>,
    /// Which conversation the text and the place are of.
    with: With,
    /// What is half-written in the others.
    drafts: Vec<(With, String)>,
}

impl View {
    /// Times are shown in `zone`.
    pub(super) fn new(size: Size, zone: TimeZone) -> Self {
        Self {
            size,
            zone,
            editor: Editor::default(),
            position: Position::End,
            selected: None,
            with: With::Client,
            drafts: Vec::new(),
        }
    }

    /// The terminal has another size.
    pub(super) fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, key: Key, messenger: &mut Messenger, now: Moment) -> Wish {
        messenger.key(now.instant);
        let before = self.editor.text().to_owned();
        let wish = match key {
            Key::Ctrl('l') => return Wish::Repaint,
            Key::Ctrl('z') => return Wish::Suspend,
            Key::Function(1) => {
                messenger.enter("/help", now);
                self.position = Position::End;
                Wish::None
            }
            key if self.selected.is_some() => self.key_in_list(key, messenger, now),
            key => self.key_in_text(key, messenger, now),
        };
        self.follow(messenger);
        let text = self.editor.text();
        if text != before {
            let something = !text.is_empty() && (!text.starts_with('/') || text.starts_with("//"));
            messenger.composes(something, now.instant);
        }
        wish
    }

    fn key_in_text(&mut self, key: Key, messenger: &mut Messenger, now: Moment) -> Wish {
        let editor = &mut self.editor;
        let room = match key {
            Key::Char(character) => editor.insert(character.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => editor.insert(&pasted(&text)),
            Key::AltEnter | Key::Ctrl('j') => editor.insert("\n"),
            key => {
                self.command_key(&key, messenger, now);
                true
            }
        };
        if !room {
            messenger.refused(wording::TEXT_TOO_LONG, now);
        }
        Wish::None
    }

    fn command_key(&mut self, key: &Key, messenger: &mut Messenger, now: Moment) {
        let has_sidebar = self.has_sidebar();
        let editor = &mut self.editor;
        match key {
            Key::Enter => {
                let text = editor.enter();
                self.position = Position::End;
                messenger.enter(&text, now);
            }
            Key::Backspace | Key::Ctrl('h') => editor.delete_left(),
            Key::Ctrl('w') | Key::Alt('\u{7f}') => editor.delete_word(),
            Key::Ctrl('u') => editor.delete_to_home(),
            Key::Ctrl('k') => editor.delete_to_end(),
            Key::Left => editor.left(),
            Key::Right | Key::Ctrl('f') => editor.right(),
            Key::WordLeft | Key::Alt('b') => editor.word_left(),
            Key::WordRight | Key::Alt('f') => editor.word_right(),
            Key::Home | Key::Ctrl('a') => editor.home(),
            Key::End | Key::Ctrl('e') => editor.end(),
            Key::Up => editor.older(),
            Key::Down => editor.newer(),
            Key::Tab if editor.text().is_empty() => drop(messenger.conversations_mut().step_to_unread()),
            Key::Tab => self.complete(messenger),
            Key::Ctrl('n') => messenger.conversations_mut().step(1),
            Key::Ctrl('p') => messenger.conversations_mut().step(-1),
            Key::Alt(digit @ '1'..='9') => {
                let at = digit.to_digit(10).map_or(0, |digit| digit as usize - 1);
                messenger.conversations_mut().look_at(at);
            }
            Key::PageUp => self.position = self.scrolled(messenger, true),
            Key::PageDown => self.position = self.scrolled(messenger, false),
            Key::Escape => self.position = Position::End,
            Key::Function(2) | Key::Ctrl('b') if has_sidebar => self.select(messenger),
            Key::Ctrl('c') if editor.text().is_empty() => messenger.refused(wording::HOW_TO_END, now),
            Key::Ctrl('c') => drop(editor.take()),
            Key::Ctrl('d') if editor.text().is_empty() => messenger.end_of_input(),
            Key::Ctrl('d') | Key::Delete => editor.delete_right(),
            _ => {}
        }
    }

    fn key_in_list(&mut self, key: Key, messenger: &mut Messenger, now: Moment) -> Wish {
        match key {
            Key::Up => self.step(messenger, false),
            Key::Down => self.step(messenger, true),
            Key::Enter => {
                let lines = sidebar::lines(messenger);
                let opens = self.selected.and_then(|at| lines.get(at)?.opens.clone());
                if let Some(with) = opens {
                    messenger.look_at(&with);
                }
                self.selected = None;
            }
            Key::Escape | Key::Function(2) | Key::Ctrl('b') | Key::Tab => self.selected = None,
            key => {
                self.selected = None;
                return self.key_in_text(key, messenger, now);
            }
        }
        Wish::None
    }

    /// Into the list, to the conversation that is looked at.
    fn select(&mut self, messenger: &Messenger) {
        let current = &messenger.conversations().current().with;
        self.selected =
            sidebar::lines(messenger).iter().position(|line| line.opens.as_ref() == Some(current));
    }

    /// To the next line that opens something.
    fn step(&mut self, messenger: &Messenger, down: bool) {
        let Some(selected) = self.selected else { return };
        let lines = sidebar::lines(messenger);
        let opens = |at: &usize| lines.get(*at).is_some_and(|line| line.opens.is_some());
        let next = if down {
            (selected + 1..lines.len()).find(opens)
        } else {
            (0..selected.min(lines.len())).rev().find(opens)
        };
        self.selected = next.or(self.selected);
    }

    /// The messenger may look at another conversation than before: its text and its end come up.
    fn follow(&mut self, messenger: &Messenger) {
        let conversations = messenger.conversations();
        let current = &conversations.current().with;
        if *current == self.with {
            return;
        }
        let left = std::mem::replace(&mut self.with, current.clone());
        let draft = self.editor.take();
        self.drafts.retain(|(with, _)| conversations.find(with).is_some());
        if !draft.is_empty() && conversations.find(&left).is_some() {
            self.drafts.push((left, draft));
        }
        if let Some(at) = self.drafts.iter().position(|(with, _)| with == current) {
            self.editor.replace(self.drafts.swap_remove(at).1);
        }
        self.position = Position::End;
    }

    fn complete(&mut self, messenger: &Messenger) {
        let rooms = messenger.conversations().iter().filter(|one| matches!(one.with, With::Room(_)));
        let rooms = rooms.map(|one| one.title.clone());
        let names: Vec<String> = messenger.people().names().map(ToString::to_string).chain(rooms).collect();
        let (head, rest) = self.editor.text().split_at(self.editor.cursor());
        // In the middle of a text it is not clear what is meant.
        if rest.is_empty()
            && let Some(completed) = completion::complete(head, &names)
        {
            self.editor.replace(completed);
        }
    }

    /// Where one looks a screen further up or down.
    fn scrolled(&self, messenger: &Messenger, up: bool) -> Position {
        let pane = self.pane(messenger, &self.layout());
        let by = pane.height.saturating_sub(1).max(1);
        if up { pane.up(self.position, by) } else { pane.down(self.position, by) }
    }

    /// What is to be seen now.
    pub(super) fn render(&mut self, messenger: &Messenger) -> Screen {
        self.follow(messenger);
        if self.size.width < LEAST.width || self.size.height < LEAST.height {
            let mut row = Row::default();
            row.push(Look::Plain, wording::TOO_SMALL, self.size.width);
            return Screen { rows: vec![row], cursor: None };
        }
        let layout = self.layout();
        let position = self.pane(messenger, &layout).settled(self.position);
        self.position = position;
        let pane = self.pane(messenger, &layout);
        let below = pane.below(position);
        let mut said = pane.rows(position);
        // What there is stands at the bottom, where the next line comes.
        let blank = layout.pane_height.saturating_sub(said.len());
        said.splice(0..0, std::iter::repeat_n(Row::default(), blank));

        let mut rows = Vec::new();
        if self.shows(Around::Bar) {
            rows.push(self.bar(messenger));
        }
        if self.shows(Around::Heading) {
            rows.push(Self::heading(messenger, layout.pane_width));
        }
        rows.append(&mut said);
        if self.shows(Around::Hint) {
            rows.push(Self::hint(messenger.conversations().current(), below, layout.pane_width));
        }
        if self.has_sidebar() {
            self.add_sidebar(messenger, &mut rows);
        }
        let (first, draft, (row, column)) = layout.draft;
        for (number, line) in draft.iter().enumerate().skip(first) {
            let mut row = Row::default();
            row.push(Look::Faint, if number == 0 { "> " } else { "  " }, self.size.width);
            row.push(Look::Plain, line, self.size.width);
            rows.push(row);
        }
        let top = rows.len() - draft.len().saturating_sub(first);
        if self.shows(Around::Keys) {
            let mut keys = Row::default();
            let text = if self.selected.is_some() { wording::KEYS_IN_LIST } else { wording::KEYS };
            keys.push(Look::Faint, text, self.size.width);
            rows.push(keys);
        }
        let cursor = (column + 2, u16::try_from(top + row - first).unwrap_or(u16::MAX));
        Screen { rows, cursor: self.selected.is_none().then_some(cursor) }
    }

    fn bar(&self, messenger: &Messenger) -> Row {
        let width = self.size.width;
        let mut bar = Row::default();
        let away = messenger.away();
        let state = match (messenger.link(), away) {
            (Link::Online, None) => wording::ONLINE.to_owned(),
            (Link::Online, Some(text)) => wording::away_short(text),
            (Link::Connecting, _) => wording::CONNECTING.to_owned(),
            (Link::Offline, _) => wording::NOT_SIGNED_ON.to_owned(),
        };
        bar.push(Look::Bar, &format!(" {}  {state} ", messenger.me()), width);
        let unread = messenger.conversations().unread();
        let right = if unread > 0 { wording::unread_in_all(unread) } else { wording::PROGRAM.to_owned() };
        let right = format!("{right} ");
        bar.fill(Look::Bar, width.saturating_sub(screen::columns(&right)));
        bar.push(Look::Bar, &right, width);
        bar.fill(Look::Bar, width);
        bar
    }

    fn heading(messenger: &Messenger, width: u16) -> Row {
        let current = messenger.conversations().current();
        let mut row = Row::default();
        row.push(Look::Heading, &sidebar::title(&current.with, &current.title), width);
        let more = match &current.with {
            With::Client => String::new(),
            With::Person(name) => {
                let called = messenger.people().called(name);
                let alias = if called == current.title { String::new() } else { format!(" ({called})") };
                let people = messenger.people();
                let word = if people.watched(name) {
                    wording::presence_word(people.presence(name))
                } else {
                    wording::NOT_A_BUDDY.to_owned()
                };
                format!("{alias}  {word}")
            }
            With::Room(_) => {
                let members: Vec<&str> = current.members.iter().map(oscar_im::ScreenName::as_str).collect();
                format!("  {}", members.join(", "))
            }
        };
        row.push(Look::Faint, &more, width);
        row
    }

    /// Below the conversation: what stands further down, or that somebody types.
    fn hint(current: &Conversation, below: usize, width: u16) -> Row {
        let mut row = Row::default();
        if below > 0 {
            row.push(Look::Unread, &wording::below(below), width);
        } else if current.typing != Typing::None {
            row.push(Look::Notice, &wording::typing(&current.title, current.typing), width);
        }
        row
    }

    fn add_sidebar(&self, messenger: &Messenger, rows: &mut [Row]) {
        let left = self.size.width - SIDEBAR;
        let lines = sidebar::lines(messenger);
        let selected = self.selected.map(|at| at.min(lines.len().saturating_sub(1)));
        let current = &messenger.conversations().current().with;
        let bar = usize::from(self.shows(Around::Bar));
        let height = rows.len().saturating_sub(bar);
        let mut seen = sidebar::rows(&lines, selected, current, SIDEBAR - 2, height).into_iter();
        for row in rows.iter_mut().skip(bar) {
            row.push_at(left, Look::Faint, "│", self.size.width);
            if let Some(line) = seen.next() {
                row.place(left + 2, line);
            }
        }
    }

    fn has_sidebar(&self) -> bool {
        self.size.width >= SIDEBAR * 3
    }

    /// In a low window what is said and what is being written is worth more than what stands around it.
    const fn shows(&self, row: Around) -> bool {
        self.size.height >= row as u16
    }

    fn layout(&self) -> Layout {
        let pane_width = if self.has_sidebar() { self.size.width - SIDEBAR - 1 } else { self.size.width };
        let (draft, cursor) =
            wrap::draft(self.editor.text(), self.editor.cursor(), self.size.width.saturating_sub(2));
        let most = MOST_DRAFT.min(usize::from(self.size.height) / 3).max(1);
        let seen = draft.len().min(most);
        // The row with the cursor is among those that are seen.
        let first = (cursor.0 + 1).saturating_sub(seen).min(draft.len() - seen);
        let around = Around::ALL.into_iter().filter(|row| self.shows(*row)).count();
        let pane_height = usize::from(self.size.height).saturating_sub(seen + around);
        let draft = draft.into_iter().take(first + seen).collect();
        Layout { pane_width, pane_height, draft: (first, draft, cursor) }
    }

    fn pane<'a>(&'a self, messenger: &'a Messenger, layout: &Layout) -> Pane<'a> {
        Pane {
            conversation: messenger.conversations().current(),
            me: messenger.me().as_str(),
            zone: &self.zone,
            width: layout.pane_width,
            height: layout.pane_height,
        }
    }
}

/// A row around the conversation, by the height of a window that has room for it.
#[derive(Debug, Clone, Copy)]
enum Around {
    Heading = 3,
    Bar = 5,
    Hint = 6,
    Keys = 8,
}

impl Around {
    const ALL: [Self; 4] = [Self::Heading, Self::Bar, Self::Hint, Self::Keys];
}

/// How the screen is divided.
struct Layout {
    pane_width: u16,
    pane_height: usize,
    /// The first row that is seen of what is being written, its rows up to the last that is seen, and the cursor's.
    draft: (usize, Vec<String>, (usize, u16)),
}

/// Line ends of all systems become one; other characters that act are left out.
fn pasted(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
    text.chars().filter(|character| *character == '\n' || !character.is_control()).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::sample;
