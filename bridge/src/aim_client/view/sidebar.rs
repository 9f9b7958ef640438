//! The list at the side: the open conversations, and the buddies by group.

use oscar_im::session::Presence;

use super::screen::{Look, Row};
use crate::aim_client::conversation::With;
use crate::aim_client::messenger::Messenger;
use crate::aim_client::wording;

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What entering it opens; None for a heading.
    pub(super) opens: Option<With>,
    text: String,
    look: Look,
    note: String,
    note_look: Look,
}

/// All of its lines.
pub(super) fn lines(messenger: &Messenger) -> Vec<Line> {
    let mut lines = vec![heading(wording::CONVERSATIONS)];
    for conversation in messenger.conversations().iter() {
        let note = if conversation.unread > 0 { conversation.unread.to_string() } else { String::new() };
        let look = if conversation.unread > 0 { Look::Unread } else { Look::Plain };
        lines.push(Line {
            opens: Some(conversation.with.clone()),
            text: format!("  {}", title(&conversation.with, &conversation.title)),
            look,
            note,
            note_look: Look::Unread,
        });
    }
    for (group, buddies) in messenger.people().groups() {
        let here = buddies.iter().filter(|(_, presence)| *presence != Presence::Offline).count();
        lines.push(heading(&format!("{group} ({here}/{})", buddies.len())));
        for (buddy, presence) in buddies {
            let name = messenger.people().called(&buddy.name);
            let (sign, look, note) = match presence {
                Presence::Offline => ('○', Look::Faint, String::new()),
                Presence::Online { away: true, .. } => ('◐', Look::Away, wording::presence_word(presence)),
                Presence::Online { idle_minutes: 0, .. } => ('●', Look::Online, String::new()),
                Presence::Online { .. } => ('◐', Look::Away, wording::presence_word(presence)),
            };
            lines.push(Line {
                opens: Some(With::Person(buddy.name.clone())),
                text: format!("{sign} {name}"),
                look,
                note,
                note_look: Look::Faint,
            });
        }
    }
    lines
}

/// What is seen of them: all, or those around the one that counts.
pub(super) fn rows(
    lines: &[Line],
    selected: Option<usize>,
    current: &With,
    width: u16,
    height: usize,
) -> Vec<Row> {
    let is_current = |line: &Line| line.opens.as_ref() == Some(current);
    let focus = selected.or_else(|| lines.iter().position(is_current)).unwrap_or(0);
    let top = (focus + height / 2 + 1).saturating_sub(height).min(lines.len().saturating_sub(height));
    let seen = lines.iter().enumerate().skip(top).take(height);
    seen.map(|(at, line)| {
        let marked = at == focus;
        let look = if marked { Look::Selected } else { line.look };
        let mut row = Row::default();
        let room = width.saturating_sub(if line.note.is_empty() { 0 } else { 4 });
        row.push(look, &line.text, room);
        if marked {
            row.push_right(Look::Selected, &line.note, width);
        } else {
            row.push_right(line.note_look, &line.note, width);
        }
        row
    })
    .collect()
}

/// What a conversation is called in lists.
pub(super) fn title(with: &With, title: &str) -> String {
    if matches!(with, With::Room(_)) { format!("#{title}") } else { title.to_owned() }
}

fn heading(text: &str) -> Line {
    Line {
        opens: None,
        text: text.to_owned(),
        look: Look::Heading,
        note: String::new(),
        note_look: Look::Faint,
    }
}
