//! Where the tags of a message are. Each byte is looked at a few times and no more, whatever the markup: a look ahead
//! that found nothing is not repeated.

/// Longest tag; a `<` whose `>` is farther away is text.
const MAX_TAG: usize = 4096;

/// Markup, from front to back.
#[derive(Debug)]
pub(super) struct Markup<'a> {
    text: &'a str,
    at: usize,
    tag_end: Ahead,
    comment_end: Ahead,
    /// Elements whose content is not text, by the start of their end tags.
    unseen: [(&'static str, Ahead); 3],
    /// Up to here a quote was followed in vain: for tags that begin before, quotes mean nothing.
    unquoted_until: usize,
    /// Bytes that [`Markup::value_aware_end`] looked at.
    #[cfg(test)]
    looked_at: usize,
}

/// What stands next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// No tag in it; entities still are.
    Text(&'a str),
    /// A tag, or a comment, which is a tag without a name.
    Tag(Tag<'a>),
}

/// A tag, its name in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) name: String,
    pub(super) closing: bool,
    attributes: &'a str,
}

impl<'a> Markup<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            tag_end: Ahead::of(b">"),
            comment_end: Ahead::of(b"-->"),
            unseen: [
                ("style", Ahead::of(b"</style")),
                ("script", Ahead::of(b"</script")),
                ("title", Ahead::of(b"</title")),
            ],
            unquoted_until: 0,
            #[cfg(test)]
            looked_at: 0,
        }
    }

    /// Goes on at the end tag of an element whose content is not text. Without an end tag it is taken for a slip, and
    /// what follows is text.
    pub(super) fn skip_content(&mut self, element: &str) {
        let ahead = self.unseen.iter_mut().find(|(name, _)| *name == element);
        if let Some(end) = ahead.and_then(|(_, ahead)| ahead.find(self.text, self.at)) {
            self.at = end;
        }
    }

    /// The tag that begins here. None if this is no tag: `a < b`, `<3`, or a `<` whose `>` never comes.
    fn tag(&mut self) -> Option<Tag<'a>> {
        let start = self.at;
        let inner = self.text.get(start..)?.strip_prefix('<')?;
        if inner.starts_with("!--") {
            self.at = self.comment_end.find(self.text, start + "<!--".len())? + "-->".len();
            return Some(Tag { name: String::new(), closing: false, attributes: "" });
        }
        let (closing, named) = inner.strip_prefix('/').map_or((false, inner), |named| (true, named));
        if !named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
            return None;
        }
        let first = self.tag_end.find(self.text, start)?;
        if first - start > MAX_TAG {
            return None;
        }
        let end = self.value_aware_end(start).unwrap_or(first);
        let body = self.text.get(start + 1..end)?.trim_start_matches('/').trim_end_matches('/');
        let (name, attributes) =
            body.split_at(body.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(body.len()));
        self.at = end + 1;
        Some(Tag { name: name.to_ascii_lowercase(), closing, attributes })
    }

    /// The first `>` behind `start` that is not inside a quoted value. None if quotes don't close.
    fn value_aware_end(&mut self, start: usize) -> Option<usize> {
        if start < self.unquoted_until {
            return None;
        }
        let mut quote = None;
        let mut previous = b' ';
        for (offset, &byte) in self.text.as_bytes().get(start..)?.iter().take(MAX_TAG).enumerate() {
            #[cfg(test)]
            {
                self.looked_at += 1;
            }
            match quote {
                Some(open) if byte == open => quote = None,
                // A quote opens a value only behind `=`: there are apostrophes in the wild.
                None if matches!(byte, b'"' | b'\'') && previous == b'=' => quote = Some(byte),
                None if byte == b'>' => return Some(start + offset),
                Some(_) | None => {}
            }
            if !byte.is_ascii_whitespace() {
                previous = byte;
            }
        }
        self.unquoted_until = start + MAX_TAG;
        None
    }
}

impl<'a> Iterator for Markup<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(tag) = self.tag() {
            return Some(Piece::Tag(tag));
        }
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        // A `<` that begins no tag begins text.
        let begun = usize::from(rest.starts_with('<'));
        let end = rest.get(begun..).and_then(|behind| behind.find('<')).map_or(rest.len(), |at| begun + at);
        self.at += end;
        rest.get(..end).map(Piece::Text)
    }
}

impl Tag<'_> {
    /// The value of an attribute, entities resolved.
    pub(super) fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            let name_end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
            let (name, behind) = rest.split_at(name_end);
            let behind = behind.trim_start();
            let (value, behind) = match behind.strip_prefix('=') {
                Some(value) => attribute_value(value.trim_start()),
                None => ("", behind),
            };
            if name.eq_ignore_ascii_case(wanted) {
                let value = htmlize::unescape_attribute(value.trim()).into_owned();
                return Some(value).filter(|value| !value.is_empty());
            }
            if behind.len() >= rest.len() || behind.is_empty() {
                return None;
            }
            rest = behind;
        }
    }
}

/// A value, quoted or not, and what follows it.
fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// The next place of something, remembered: places are asked for from front to back, so that no stretch of the text is
/// searched twice.
#[derive(Debug)]
struct Ahead {
    /// ASCII, letter case aside.
    sought: &'static [u8],
    /// The stretch that was searched, and what was at its end.
    searched: Option<(usize, Option<usize>)>,
    #[cfg(test)]
    looked_at: usize,
}

impl Ahead {
    const fn of(sought: &'static [u8]) -> Self {
        Self {
            sought,
            searched: None,
            #[cfg(test)]
            looked_at: 0,
        }
    }

    /// The first place at `from` or behind it.
    fn find(&mut self, text: &str, from: usize) -> Option<usize> {
        if let Some((start, found)) = self.searched
            && from >= start
            && found.is_none_or(|found| from <= found)
        {
            return found;
        }
        let bytes = text.as_bytes().get(from..).unwrap_or_default();
        let found = bytes
            .windows(self.sought.len())
            .position(|window| window.eq_ignore_ascii_case(self.sought))
            .map(|at| from + at);
        #[cfg(test)]
        {
            self.looked_at += found.map_or(text.len(), |found| found + self.sought.len()) - from;
        }
        self.searched = Some((from, found));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that were looked at ahead until the markup was read.
    fn looked_at(text: &str) -> usize {
        let mut markup = Markup::new(text);
        while let Some(piece) = markup.next() {
            if let Piece::Tag(Tag { name, closing: false, .. }) = piece {
                markup.skip_content(&name);
            }
        }
        assert_eq!(markup.at, text.len());
        let elements: usize = markup.unseen.iter().map(|(_, ahead)| ahead.looked_at).sum();
        markup.looked_at + markup.tag_end.looked_at + markup.comment_end.looked_at + elements
    }

    #[test]
    fn no_markup_makes_the_work_more_than_a_multiple_of_its_length() {
        let pieces = [
            "<",
            "</",
            "<a",
            "<a ",
            "<a b=\"",
            "<a b='\"",
            "<a b=\">\"",
            "<a b=\"x>",
            "<a b='x>",
            "<a b=\">",
            "<a>",
            "<!",
            "<!--",
            "<!-->",
            "<!--->",
            "-->",
            "<style",
            "<style>",
            "<script>",
            "<title>",
            "</title",
            "<title></style>",
            ">",
            "=\"",
            "'",
            " ",
            "é",
            "&",
        ];
        let check = |unit: &str, end: &str| {
            let text = unit.repeat(8_000 / unit.len()) + end;
            let work = looked_at(&text);
            assert!(work <= 8 * text.len(), "{unit} … {end}: {work} for {} bytes", text.len());
        };
        for first in pieces {
            for second in pieces {
                for end in ["", ">", "\">"] {
                    check(&format!("{first}{second}"), end);
                }
                check(&format!("{first}{}", second.repeat(40)), "");
            }
        }
    }

    #[test]
    fn pieces_are_texts_and_tags() {
        let pieces: Vec<_> = Markup::new("a <B x='>'>é<3</b ").collect();
        let tag = Tag { name: "b".into(), closing: false, attributes: " x='>'" };
        assert_eq!(
            pieces,
            [Piece::Text("a "), Piece::Tag(tag), Piece::Text("é"), Piece::Text("<3"), Piece::Text("</b ")]
        );
    }
}
