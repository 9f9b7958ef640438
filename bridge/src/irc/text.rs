//! What may stand in a line that we send: types that can't hold CR, LF or NUL, and the line built of them.
//!
//! Every line of the bridge and the gateway is made here, so no text, nick, reason or tag can become a command.

use std::fmt;

/// The text of one line: no CR, LF or NUL. May be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineText(String);

impl LineText {
    /// All of `text` as one line: line breaks become spaces, NUL goes.
    pub fn flat(text: &str) -> Self {
        if !text.contains(['\r', '\n', '\0']) {
            return Self(text.to_owned());
        }
        let flat = text.replace("\r\n", " ").replace(['\r', '\n'], " ");
        Self(flat.replace('\0', ""))
    }

    /// `text` line by line: CR, LF and CR LF each end one; lines without anything in them are left out.
    pub fn lines(text: &str) -> impl Iterator<Item = Self> + '_ {
        text.split(['\r', '\n']).map(|line| Self(line.replace('\0', ""))).filter(|line| !line.0.is_empty())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A parameter before the last: not empty, no space, CR, LF or NUL, no colon in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Word(String);

impl Word {
    /// `None` where `text` can't be such a parameter.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && !text.starts_with(':') && !text.contains([' ', '\r', '\n', '\0']);
        fits.then(|| Self(text.to_owned()))
    }

    /// `*`, which stands for a name that is not known.
    pub fn star() -> Self {
        Self("*".to_owned())
    }

    /// The parameter.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line to send, without CR LF.
///
/// ```
/// use bridge::irc::text::{Line, LineText, Word};
///
/// let to = Word::new("anna").ok_or("not a nick")?;
/// let line = Line::new("PRIVMSG").word(&to).trailing(&LineText::flat("two\r\nQUIT"));
/// assert_eq!(line.as_str(), "PRIVMSG anna :two QUIT");
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// A line with this command.
    pub fn new(command: &'static str) -> Self {
        Self(command.to_owned())
    }

    /// A line from `source` with this command, or a numeric as three digits.
    pub fn from_source(source: &Word, command: &Word) -> Self {
        Self(format!(":{source} {command}"))
    }

    /// Puts tags in front: keys of letters, digits, `-./+` only (others are left out), values escaped.
    #[must_use]
    pub fn tags<'a>(self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::new();
        for (key, value) in tags {
            if !is_tag_key(key) {
                continue;
            }
            text.push(if text.is_empty() { '@' } else { ';' });
            text.push_str(key);
            if !value.is_empty() {
                text.push('=');
                escape_into(&mut text, value);
            }
        }
        if text.is_empty() {
            return self;
        }
        text.push(' ');
        text.push_str(&self.0);
        Self(text)
    }

    /// Adds a parameter.
    #[must_use]
    pub fn word(mut self, word: &Word) -> Self {
        self.0.push(' ');
        self.0.push_str(word.as_str());
        self
    }

    /// Adds the last parameter.
    #[must_use]
    pub fn trailing(mut self, text: &LineText) -> Self {
        self.0.push_str(" :");
        self.0.push_str(text.as_str());
        self
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Line> for String {
    fn from(line: Line) -> Self {
        line.0
    }
}

/// Whether `key` may name a message tag (IRCv3 message-tags; the leading `+` of client tags included).
fn is_tag_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./+".contains(&byte))
}

/// Source of the escapes: IRCv3 message-tags, "Escaping values".
fn escape_into(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            ';' => out.push_str("\\:"),
            ' ' => out.push_str("\\s"),
            '\\' => out.push_str("\\\\"),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            '\0' => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_line() {
        assert_eq!(LineText::flat("a\rb\nc\r\nd\0e").as_str(), "a b c de");
        let lines: Vec<_> = LineText::lines("one\r\n\r\ntwo\rthree\n").collect();
        let texts: Vec<_> = lines.iter().map(LineText::as_str).collect();
        assert_eq!(texts, ["one", "two", "three"]);
        for bad in ["", ":x", "a b", "a\nb", "a\rb", "a\0b"] {
            assert_eq!(Word::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn tags_are_escaped_and_odd_keys_left_out() {
        let line = Line::new("TAGMSG").tags([("+a/b", "x; y\\\r\n"), ("bad key", "v"), ("e", "")]);
        assert_eq!(line.as_str(), "@+a/b=x\\:\\sy\\\\\\r\\n;e TAGMSG");
        assert_eq!(Line::new("QUIT").tags([]).as_str(), "QUIT");
    }
}
