//! One IRC line taken apart without copying, as the gateway needs it: it decides by the parts and builds what it
//! sends on anew, so that nothing it did not look at gets through.

/// A line's parts, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineView<'a> {
    tags: &'a str,
    /// Without its colon; empty where there is none.
    pub(super) source: &'a str,
    /// As it was spelled.
    pub(super) command: &'a str,
    parameters: &'a str,
}

/// As many as IRC allows.
const MAX_PARAMETERS: usize = 15;

impl<'a> LineView<'a> {
    /// `None` for a line without a command.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut rest = line.trim_start_matches(' ');
        let (mut tags, mut source) = ("", "");
        if let Some(tagged) = rest.strip_prefix('@') {
            (tags, rest) = cut(tagged);
        }
        if let Some(sourced) = rest.strip_prefix(':') {
            (source, rest) = cut(sourced);
        }
        let (command, parameters) = cut(rest);
        (!command.is_empty()).then_some(Self { tags, source, command, parameters })
    }

    /// The parameters, the last one without its colon.
    pub(super) fn parameters(self) -> Vec<&'a str> {
        let (mut found, mut rest) = (Vec::new(), self.parameters);
        while !rest.is_empty() && found.len() < MAX_PARAMETERS {
            if let Some(last) = rest.strip_prefix(':') {
                found.push(last);
                break;
            }
            let (word, tail) = cut(rest);
            found.push(word);
            rest = tail;
        }
        found
    }

    /// The unescaped value of a tag; the last of several counts, an empty one is `None`.
    pub(super) fn tag(self, key: &str) -> Option<String> {
        let mut pairs = self.tags.split(';').map(|tag| tag.split_once('=').unwrap_or((tag, "")));
        let value = pairs.rfind(|(name, _)| *name == key)?.1;
        Some(unescape(value)).filter(|value| !value.is_empty())
    }

    /// The nick of the source.
    pub(super) fn nick(self) -> &'a str {
        self.source.split(['!', '@']).next().unwrap_or_default()
    }

    /// Whether the source is a server, or none is given.
    pub(super) fn is_from_server(self) -> bool {
        !self.source.contains('!')
    }
}

fn cut(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start_matches(' '))
}

/// IRCv3 message-tags, "Escaping values".
fn unescape(value: &str) -> String {
    let (mut out, mut chars) = (String::with_capacity(value.len()), value.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(':') => out.push(';'),
                Some('s') => out.push(' '),
                Some('r') => out.push('\r'),
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_lines() {
        let line =
            LineView::parse("  @a=1;b;a=x\\:\\s\\\\\\ \t :n!u@h   PRIVMSG  bot   :two  words ").unwrap();
        assert_eq!((line.source, line.nick(), line.command), ("", "", "\t"), "a tab is no space");
        let line = LineView::parse("@a=1;b;a=x\\:\\s\\\\\\q\\ :n!u@h   privmsg  bot   :two  words ").unwrap();
        assert_eq!(line.tag("a").as_deref(), Some("x; \\q"));
        assert_eq!(line.tag("b"), None);
        assert_eq!((line.nick(), line.command, line.is_from_server()), ("n", "privmsg", false));
        assert_eq!(line.parameters(), ["bot", "two  words "]);
        for empty in ["", " ", "@", "@a", ":", ":a", "@a :b"] {
            assert_eq!(LineView::parse(empty), None, "{empty:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line in "[@:; =\\\\a-c\u{e9}]{0,40}") {
            if let Some(view) = LineView::parse(&line) {
                let _ = (view.parameters(), view.tag("a"), view.nick());
            }
        }
    }
}
