//! One line from a client as borrowed parts. Never allocates; a malformed line is answered, not refused here.

use super::{BODY_LIMIT, CLIENT_TAGS_LIMIT};

/// The most parameters; the fifteenth is all the rest of the line, as in ircd-ratbox.
const PARAMETERS: usize = 15;

/// The parts of a line. A source sent by a client is skipped: a client speaks for itself only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The tag section without `@` and space, unparsed; empty where there is none.
    pub tags: &'a [u8],
    /// As sent, in any case.
    pub command: &'a [u8],
    parameters: [&'a [u8]; PARAMETERS],
    count: usize,
}

/// Why a line can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Only spaces, a source, or tags.
    Empty,
    /// More than [`CLIENT_TAGS_LIMIT`] bytes of tags.
    TagsTooLong,
}

impl<'a> Line<'a> {
    /// Parses one line without its line end. The part after the tags is cut at 510 bytes.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = skip_spaces(bytes);
        let mut tags: &[u8] = &[];
        if let Some(tagged) = rest.strip_prefix(b"@") {
            let end = tagged.iter().position(|byte| *byte == b' ');
            let (section, after) = tagged.split_at(end.unwrap_or(tagged.len()));
            if section.len() > CLIENT_TAGS_LIMIT {
                return Err(Malformed::TagsTooLong);
            }
            tags = section;
            rest = skip_spaces(after);
        }
        rest = rest.get(..BODY_LIMIT).unwrap_or(rest);
        if let Some(source) = rest.strip_prefix(b":") {
            // With nothing after it, it is taken for a command, as ircd-ratbox does.
            rest = if source.contains(&b' ') { next_word(rest).1 } else { source };
        }
        let (command, mut rest) = next_word(rest);
        if command.is_empty() {
            return Err(Malformed::Empty);
        }
        let mut line = Self { tags, command, parameters: [&[]; PARAMETERS], count: 0 };
        while let (Some(first), Some(place)) = (rest.first(), line.parameters.get_mut(line.count)) {
            line.count += 1;
            if *first == b':' {
                *place = rest.get(1..).unwrap_or_default();
                break;
            }
            if line.count == PARAMETERS {
                *place = rest;
                break;
            }
            (*place, rest) = next_word(rest);
        }
        Ok(line)
    }

    /// The parameters in order.
    pub(crate) fn parameters(&self) -> &[&'a [u8]] {
        self.parameters.get(..self.count).unwrap_or_default()
    }

    /// The parameter at `index`, counted from 0.
    pub(crate) fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.parameters().get(index).copied()
    }

    /// The parameter at `index`, or nothing where it is missing or empty.
    pub(crate) fn word(&self, index: usize) -> Option<&'a [u8]> {
        self.get(index).filter(|word| !word.is_empty())
    }
}

fn skip_spaces(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != b' ').unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

fn next_word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
    let (word, rest) = bytes.split_at(end);
    (word, skip_spaces(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        let line = Line::parse(text.as_bytes()).unwrap();
        std::iter::once(line.command)
            .chain(line.parameters().iter().copied())
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    #[test]
    fn splits_as_ratbox_does() {
        assert_eq!(words("  JOIN   #a  key"), ["JOIN", "#a", "key"]);
        assert_eq!(words(":liar PRIVMSG bob :two words"), ["PRIVMSG", "bob", "two words"]);
        assert_eq!(words("@a=b;c :x  PING  :"), ["PING", ""]);
        assert_eq!(words(":only"), ["only"]);
        assert_eq!(words("USER a 0 * "), ["USER", "a", "0", "*"]);
    }

    #[test]
    fn what_has_no_command_is_empty() {
        for text in ["", "   ", ":", ": ", "@tag", "@tag ", "@t :src "] {
            assert_eq!(Line::parse(text.as_bytes()).unwrap_err(), Malformed::Empty, "{text:?}");
        }
    }

    #[test]
    fn tags_are_bounded_and_the_rest_is_cut() {
        let long = format!("@{} PING x", "t".repeat(CLIENT_TAGS_LIMIT + 1));
        assert_eq!(Line::parse(long.as_bytes()).unwrap_err(), Malformed::TagsTooLong);
        let text = format!("@{} PRIVMSG a :{}", "t".repeat(CLIENT_TAGS_LIMIT), "x".repeat(600));
        let line = Line::parse(text.as_bytes()).unwrap();
        assert_eq!(line.tags.len(), CLIENT_TAGS_LIMIT);
        assert_eq!(line.get(1).unwrap().len(), BODY_LIMIT - "PRIVMSG a :".len());
    }

    #[test]
    fn the_fifteenth_parameter_is_the_rest() {
        let text = format!("X {}", ["p"; 20].join(" "));
        let line = Line::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (line.parameters().len(), line.get(13), line.get(14)),
            (PARAMETERS, Some(&b"p"[..]), Some(&b"p p p p p p"[..]))
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_parts_hold_no_spaces(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            if let Ok(line) = Line::parse(&bytes) {
                prop_assert!(!line.command.is_empty() && !line.command.contains(&b' '));
                let parameters = line.parameters();
                for word in parameters.iter().take(parameters.len().saturating_sub(1)) {
                    prop_assert!(!word.contains(&b' '));
                }
            }
        }
    }
}
