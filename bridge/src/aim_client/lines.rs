//! The client line by line: reads commands from standard input, writes one line for each thing that happens.
//!
//! | a line begins with | it is |
//! | --- | --- |
//! | `<NAME> `, `<NAME in ROOM> ` | what somebody said |
//! | `-> NAME: ` | a message of ours that the server has taken |
//! | `* ` | the client's own words |
//! | `! ` | something that did not work |
//!
//! A message of several lines has the beginning on each, so that none can pass for another's.

use std::io::{self, BufRead, Read, Write};

use tokio::sync::mpsc;

use super::action::News;
use super::messenger::Messenger;
use super::{printable, wording};
use crate::clock::Moment;

/// The longest line that is read.
const MOST_BYTES: u64 = 64 * 1024;

/// One line of the input.
#[derive(Debug)]
pub(super) enum Line {
    Text(String),
    /// It was longer than is read.
    TooLong,
    /// There are no more.
    End,
}

/// Standard input and output.
#[derive(Debug)]
pub(crate) struct Lines {
    /// One line; when it is full the reading thread waits, and with it whoever writes into the pipe.
    input: mpsc::Receiver<Line>,
    ended: bool,
}

impl Lines {
    /// Begins to read. A thread, because standard input can't be waited for; it ends with the program.
    pub(super) fn start() -> Self {
        let (sender, input) = mpsc::channel(1);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            while let Ok(line) = read(&mut stdin) {
                let ended = matches!(line, Line::End);
                if sender.blocking_send(line).is_err() || ended {
                    return;
                }
            }
            let _ = sender.blocking_send(Line::End);
        });
        Self { input, ended: false }
    }

    pub(super) async fn next(&mut self, online: bool) -> Line {
        if !online || self.ended {
            return std::future::pending().await;
        }
        let line = self.input.recv().await.unwrap_or(Line::End);
        self.ended = matches!(line, Line::End);
        line
    }

    pub(super) fn show(messenger: &mut Messenger) -> io::Result<()> {
        let mut out = io::stdout().lock();
        while let Some(news) = messenger.poll_news() {
            write(&mut out, &news)?;
        }
        out.flush()
    }
}

pub(super) fn handle(line: Line, messenger: &mut Messenger, now: Moment) {
    match line {
        Line::Text(text) => messenger.enter(&text, now),
        Line::TooLong => messenger.refused(wording::LINE_TOO_LONG, now),
        Line::End => messenger.end_of_input(),
    }
}

fn read(input: &mut impl BufRead) -> io::Result<Line> {
    let mut line = Vec::new();
    let length = input.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line)?;
    if length == 0 {
        return Ok(Line::End);
    }
    if line.pop_if(|last| *last == b'\n').is_none() && line.len() as u64 == MOST_BYTES {
        input.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    line.pop_if(|last| *last == b'\r');
    Ok(Line::Text(String::from_utf8_lossy(&line).into_owned()))
}

fn write(out: &mut impl Write, news: &News) -> io::Result<()> {
    let (beginning, text) = match news {
        News::Notice(text) => ("* ".to_owned(), text),
        News::Problem(text) => ("! ".to_owned(), text),
        News::Said { from, room: None, text } => (format!("<{from}> "), text),
        News::Said { from, room: Some(room), text } => (format!("<{from} in {room}> "), text),
        News::Taken { to, text } => (format!("-> {to}: "), text),
    };
    let beginning = printable::line(&beginning);
    for line in text.split('\n') {
        writeln!(out, "{beginning}{}", printable::line(line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(news: &News) -> String {
        let mut out = Vec::new();
        write(&mut out, news).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_line_of_a_message_says_whose_it_is_and_none_acts_on_the_terminal() {
        let said =
            News::Said { from: "st\u{1b}[1maff".into(), room: None, text: "one\n* two\u{9b}2J".into() };
        assert_eq!(written(&said), "<st␛[1maff> one\n<st␛[1maff> * two\u{fffd}2J\n");
        let said = News::Said { from: "ann".into(), room: Some("lounge".into()), text: "hi".into() };
        assert_eq!(written(&said), "<ann in lounge> hi\n");
        assert_eq!(written(&News::Taken { to: "ann".into(), text: "hi".into() }), "-> ann: hi\n");
    }

    #[test]
    fn lines_are_read_to_a_bound() {
        let long = [&b"x".repeat(70_000)[..], b"\nshort\r\nlast"].concat();
        let mut input = &long[..];
        assert!(matches!(read(&mut input).unwrap(), Line::TooLong));
        assert!(matches!(read(&mut input).unwrap(), Line::Text(text) if text == "short"));
        assert!(matches!(read(&mut input).unwrap(), Line::Text(text) if text == "last"));
        assert!(matches!(read(&mut input).unwrap(), Line::End));
    }
}
