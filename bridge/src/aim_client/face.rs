//! What a person meets: lines, or the full-screen view.

use std::io::{self, IsTerminal as _};

use super::action::News;
use super::lines::{self, Line, Lines};
use super::messenger::{Link, Messenger};
use super::terminal::{Input, Terminal};
use super::view::{View, Wish};
use crate::clock::Moment;

/// How the client is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Line by line.
    Lines,
    /// Over the whole terminal.
    Screen,
}

impl Style {
    /// Over the whole terminal where there is one that can do it, unless `plain` was asked for.
    pub(crate) fn choose(plain: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        if terminal && !dumb && !plain { Self::Screen } else { Self::Lines }
    }
}

/// One of the two, at work.
#[derive(Debug)]
pub(super) enum Face {
    Lines(Lines),
    Screen(Box<(Terminal, View)>),
}

/// What a person did.
#[derive(Debug)]
pub(super) enum Deed {
    Line(Line),
    Input(Input),
}

impl Face {
    /// # Errors
    /// When the terminal can't be had.
    pub(super) fn start(style: Style) -> io::Result<Self> {
        Ok(match style {
            Style::Lines => Self::Lines(Lines::start()),
            Style::Screen => {
                let view = View::new(Terminal::size()?, jiff::tz::TimeZone::system());
                Self::Screen(Box::new((Terminal::start()?, view)))
            }
        })
    }

    pub(super) fn is_screen(&self) -> bool {
        matches!(self, Self::Screen(_))
    }

    /// What a person does next. Cancel-safe.
    pub(super) async fn next(&mut self, link: Link) -> Deed {
        match self {
            // A script's commands wait until they can be obeyed; a person sees how things are.
            Self::Lines(lines) => Deed::Line(lines.next(link == Link::Online).await),
            Self::Screen(screen) => Deed::Input(screen.0.next().await),
        }
    }

    /// # Errors
    /// When nobody sees us any more.
    pub(super) fn handle(&mut self, deed: Deed, messenger: &mut Messenger, now: Moment) -> io::Result<()> {
        match (self, deed) {
            (_, Deed::Line(line)) => lines::handle(line, messenger, now),
            (Self::Lines(_), Deed::Input(_)) => {}
            (Self::Screen(screen), Deed::Input(input)) => {
                let (terminal, view) = &mut **screen;
                match input {
                    Input::Key(key) => match view.key(key, messenger, now) {
                        Wish::None => {}
                        Wish::Repaint => terminal.forget(),
                        Wish::Suspend => {
                            terminal.suspend()?;
                            view.resize(Terminal::size()?);
                        }
                    },
                    Input::Resized(size) => {
                        view.resize(size);
                        terminal.forget();
                    }
                    Input::End => messenger.end_of_input(),
                }
            }
        }
        Ok(())
    }

    /// Shows what is to be shown.
    ///
    /// # Errors
    /// When nobody sees us any more.
    pub(super) fn show(&mut self, messenger: &mut Messenger) -> io::Result<()> {
        match self {
            Self::Lines(_) => Lines::show(messenger),
            Self::Screen(screen) => {
                let (terminal, view) = &mut **screen;
                let unread = messenger.conversations().unread();
                // All of it stands in the conversations. Who speaks where nobody looks is heard.
                let mut said = false;
                while let Some(news) = messenger.poll_news() {
                    said |= matches!(news, News::Said { .. });
                }
                terminal.paint(view.render(messenger))?;
                if said && unread > 0 { Terminal::ring() } else { Ok(()) }
            }
        }
    }
}
