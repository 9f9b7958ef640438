//! The terminal of the full-screen view: raw mode and the alternate screen while it is shown, keys in, pictures out.
//!
//! However the program ends, the terminal is as it was before: when [`Terminal`] is dropped, and before a panic is
//! reported. Text comes from [`Screen`] only, which holds nothing that acts on a terminal; all sequences that are
//! written are made here.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    self, DisableBracketedPaste, EnableBracketedPaste, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
};
use crossterm::style::{Attribute, Color, Print, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{cursor, queue};
use tokio::sync::mpsc;

use super::view::{Key, Look, Row, Screen, Size};

/// Keys that were pressed and not looked at yet; when it is full the reading thread waits, and the terminal keeps them.
const MOST_INPUTS: usize = 64;

/// Whether the terminal is in the view's state. There is one terminal in a process.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// What comes from the terminal.
#[derive(Debug)]
pub(super) enum Input {
    Key(Key),
    Resized(Size),
    /// Nothing comes any more.
    End,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Terminal {
    inputs: mpsc::Receiver<Input>,
    painted: Option<Screen>,
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it is none, or refuses.
    pub(super) fn start() -> io::Result<Self> {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Else the report would be written on the alternate screen, and gone with it.
            restore();
            previous(panic);
        }));
        show()?;
        let (sender, inputs) = mpsc::channel(MOST_INPUTS);
        // A thread, because a terminal can't be waited for together with sockets; it ends with the program.
        std::thread::spawn(move || {
            loop {
                let input = match event::read() {
                    Ok(event) => understood(event),
                    Err(_) => Some(Input::End),
                };
                let ended = matches!(input, Some(Input::End));
                if input.is_some_and(|input| sender.blocking_send(input).is_err()) || ended {
                    return;
                }
            }
        });
        Ok(Self { inputs, painted: None })
    }

    /// The next input. Cancel-safe.
    pub(super) async fn next(&mut self) -> Input {
        self.inputs.recv().await.unwrap_or(Input::End)
    }

    /// As large as it is now.
    pub(super) fn size() -> io::Result<Size> {
        size().map(|(width, height)| Size { width, height })
    }

    /// Shows a screen; only rows that differ from what is shown are written.
    pub(super) fn paint(&mut self, screen: Screen) -> io::Result<()> {
        if self.painted.as_ref() == Some(&screen) {
            return Ok(());
        }
        let mut out = Vec::new();
        queue!(out, BeginSynchronizedUpdate, cursor::Hide)?;
        if self.painted.as_ref().is_none_or(|painted| painted.rows.len() != screen.rows.len()) {
            queue!(out, Clear(ClearType::All))?;
            self.painted = None;
        }
        let before = self.painted.as_ref().map_or(&[][..], |painted| &painted.rows);
        for (at, row) in screen.rows.iter().enumerate() {
            if before.get(at) != Some(row) {
                paint_row(&mut out, u16::try_from(at).unwrap_or(u16::MAX), row)?;
            }
        }
        if let Some((column, row)) = screen.cursor {
            queue!(out, cursor::MoveTo(column, row), cursor::Show)?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        self.painted = Some(screen);
        let mut stdout = io::stdout().lock();
        stdout.write_all(&out)?;
        stdout.flush()
    }

    /// Something that somebody hears, or sees on the window's tab.
    pub(super) fn ring() -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(b"\x07")?;
        stdout.flush()
    }

    /// Paints all of the next screen.
    pub(super) fn forget(&mut self) {
        self.painted = None;
    }

    /// Gives the terminal back and stops the program, as its shell's Ctrl-Z does, until it is continued.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        self.forget();
        show()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

fn show() -> io::Result<()> {
    enable_raw_mode()?;
    SHOWN.store(true, Ordering::SeqCst);
    let mut out = Vec::new();
    // Where a character is wider than it was taken for, its row must not push the others up.
    queue!(out, EnterAlternateScreen, DisableLineWrap, EnableBracketedPaste, Clear(ClearType::All))?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&out)?;
    stdout.flush()
}

/// Does nothing where there is nothing to restore. Errors help nobody here: the terminal is gone.
fn restore() {
    if SHOWN.swap(false, Ordering::SeqCst) {
        let mut out = Vec::new();
        let queued = queue!(
            out,
            EndSynchronizedUpdate,
            SetAttribute(Attribute::Reset),
            DisableBracketedPaste,
            EnableLineWrap,
            cursor::Show,
            LeaveAlternateScreen
        );
        if queued.is_ok() {
            let mut stdout = io::stdout().lock();
            let _ = stdout.write_all(&out).and_then(|()| stdout.flush());
        }
        let _ = disable_raw_mode();
    }
}

fn paint_row(out: &mut Vec<u8>, at: u16, row: &Row) -> io::Result<()> {
    queue!(out, cursor::MoveTo(0, at), Clear(ClearType::CurrentLine))?;
    for piece in &row.0 {
        queue!(out, cursor::MoveTo(piece.column, at))?;
        paint_look(out, piece.look)?;
        queue!(out, Print(piece.text()), SetAttribute(Attribute::Reset))?;
    }
    Ok(())
}

/// Of the sixteen colours that every terminal has and lets its owner choose; `NO_COLOR` leaves the attributes.
fn paint_look(out: &mut Vec<u8>, look: Look) -> io::Result<()> {
    let (color, attribute) = match look {
        Look::Plain => (None, None),
        Look::Faint => (None, Some(Attribute::Dim)),
        Look::Bar | Look::Selected => (None, Some(Attribute::Reverse)),
        Look::Heading => (None, Some(Attribute::Bold)),
        Look::Mine => (Some(Color::DarkCyan), Some(Attribute::Bold)),
        Look::Theirs => (Some(Color::DarkYellow), Some(Attribute::Bold)),
        Look::Notice => (Some(Color::DarkBlue), None),
        Look::Problem => (Some(Color::DarkRed), None),
        Look::Unread => (Some(Color::DarkMagenta), Some(Attribute::Bold)),
        Look::Online => (Some(Color::DarkGreen), None),
        Look::Away => (Some(Color::DarkYellow), None),
    };
    if let Some(color) = color {
        queue!(out, SetForegroundColor(color))?;
    }
    if let Some(attribute) = attribute {
        queue!(out, SetAttribute(attribute))?;
    }
    Ok(())
}

fn understood(event: event::Event) -> Option<Input> {
    match event {
        event::Event::Key(KeyEvent {
            code,
            modifiers,
            kind: KeyEventKind::Press | KeyEventKind::Repeat,
            ..
        }) => key(code, modifiers).map(Input::Key),
        event::Event::Paste(text) => Some(Input::Key(Key::Paste(text))),
        event::Event::Resize(width, height) => Some(Input::Resized(Size { width, height })),
        _ => None,
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
    let control = modifiers.contains(KeyModifiers::CONTROL);
    let alt = modifiers.contains(KeyModifiers::ALT);
    Some(match code {
        KeyCode::Char(character) if control => Key::Ctrl(character.to_ascii_lowercase()),
        KeyCode::Char(character) if alt => Key::Alt(character),
        KeyCode::Char(character) => Key::Char(character),
        KeyCode::Enter if alt => Key::AltEnter,
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab => Key::Tab,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace if alt => Key::Ctrl('w'),
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Left if control || alt => Key::WordLeft,
        KeyCode::Right if control || alt => Key::WordRight,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(number) => Key::Function(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_painted_at_its_columns_and_leaves_no_look_behind() {
        let screen = super::super::view::sample();
        let mut out = Vec::new();
        for (at, row) in (0..).zip(&screen.rows) {
            paint_row(&mut out, at, row).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("\u{1b}[1;1H\u{1b}[2K"), "{text:?}");
        assert!(text.ends_with("\u{1b}[0m"), "{text:?}");
        assert!(!text.contains("\u{1b}[31;evil"), "{text:?}");
    }

    #[test]
    fn keys_are_what_they_are_on_other_terminals() {
        let control = KeyModifiers::CONTROL;
        assert_eq!(key(KeyCode::Char('N'), control), Some(Key::Ctrl('n')));
        assert_eq!(key(KeyCode::Char('é'), KeyModifiers::NONE), Some(Key::Char('é')));
        assert_eq!(key(KeyCode::Enter, KeyModifiers::ALT), Some(Key::AltEnter));
        assert_eq!(key(KeyCode::Left, control), Some(Key::WordLeft));
        assert_eq!(key(KeyCode::CapsLock, KeyModifiers::NONE), None);
    }
}
