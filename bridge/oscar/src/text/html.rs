//! AIM's HTML: what comes in any state of disrepair to plain text, and plain text to what every client shows alike.
//!
//! Not a parser of HTML: messages are tag soup of `B I U S A FONT BODY BR HR`, and of anything that a client thought
//! of. Unknown tags go, their text stays; what only looks like a tag stays as it is. Work is linear in the input, but
//! for a bounded look ahead at each `<`.

/// Longest tag that is looked for; anything longer is text.
const MAX_TAG: usize = 4096;

/// Plain text of a message. `<BR>` and blocks end lines, links become `text (address)`, or the address alone where
/// the text is the address; entities are resolved; control characters go, but for `\n` and tab.
pub fn to_plain(markup: &str) -> String {
    let mut plain = Plain::default();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        let (text, from_tag) = rest.split_at(at);
        plain.text(text);
        rest = if let Some((tag, behind)) = Tag::read(from_tag) {
            plain.tag(&tag, behind)
        } else {
            plain.text("<");
            from_tag.get(1..).unwrap_or_default()
        };
    }
    plain.text(rest);
    plain.finish()
}

/// A message of plain text, [`escaped`], in the wrapper that libpurple sends.
pub fn from_plain(plain: &str) -> String {
    [OPEN, &escaped(plain), CLOSE].concat()
}

/// Plain text where HTML is expected: `&`, `<` and `>` as entities, line breaks as `<BR>`.
pub fn escaped(plain: &str) -> String {
    let mut markup = String::with_capacity(plain.len());
    for character in plain.chars() {
        match escape(character) {
            Some(escaped) => markup.push_str(escaped),
            None => markup.push(character),
        }
    }
    markup
}

/// What a character becomes in a message, if not itself.
pub(super) const fn escape(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\n' => Some("<BR>"),
        '\r' => Some(""),
        _ => None,
    }
}

const OPEN: &str = "<HTML><BODY>";
const CLOSE: &str = "</BODY></HTML>";
/// Characters that [`from_plain`] adds around the text.
pub(super) const WRAPPER_LENGTH: usize = OPEN.len() + CLOSE.len();

/// Text so far, and the link that is open in it.
#[derive(Default)]
struct Plain {
    out: String,
    link: Option<Link>,
    /// A line was ended by a tag: a line end of the source behind it says nothing more.
    after_break: bool,
}

struct Link {
    address: String,
    /// Where its text begins.
    start: usize,
}

impl Plain {
    fn text(&mut self, text: &str) {
        let text = if self.after_break { strip_line_end(text) } else { text };
        if text.is_empty() {
            return;
        }
        self.after_break = false;
        for character in htmlize::unescape(text).chars() {
            match character {
                '\n' | '\t' => self.out.push(character),
                _ if character.is_control() => {}
                _ => self.out.push(visible_space(character)),
            }
        }
    }

    /// Does what a tag says; gives what is to be read on.
    fn tag<'a>(&mut self, tag: &Tag<'_>, behind: &'a str) -> &'a str {
        match (tag.name.as_str(), tag.closing) {
            ("br", _) => {
                self.out.push('\n');
                self.after_break = true;
            }
            ("a", false) => {
                self.close_link();
                if let Some(address) = tag.attribute("href") {
                    self.link = Some(Link { address, start: self.out.len() });
                }
            }
            ("a", true) => self.close_link(),
            ("li", false) => {
                self.line();
                self.out.push_str("- ");
            }
            (
                "p" | "div" | "hr" | "li" | "ul" | "ol" | "tr" | "table" | "blockquote" | "pre" | "h1" | "h2"
                | "h3" | "h4" | "h5" | "h6",
                _,
            ) => self.line(),
            // Their content is not text; without an end they are taken for a slip.
            ("style" | "script" | "title", false) => return behind_end(behind, &tag.name).unwrap_or(behind),
            _ => {}
        }
        behind
    }

    /// Begins a line, unless at the start of one.
    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.after_break = true;
    }

    fn close_link(&mut self) {
        let Some(Link { address, start }) = self.link.take() else { return };
        let label = self.out.get(start..).unwrap_or_default().trim();
        if label.is_empty() {
            self.out.push_str(&address);
        } else if !same_address(label, &address) {
            self.out.push_str(" (");
            self.out.push_str(&address);
            self.out.push(')');
        } else if label != address {
            // `example.org` for `http://example.org/`: the address says it all, and can be followed.
            self.out.truncate(start);
            self.out.push_str(&address);
        }
    }

    fn finish(mut self) -> String {
        self.close_link();
        self.out.trim_matches(|c| c == '\n' || c == ' ').to_owned()
    }
}

/// A space that may not break is one like any other in plain text.
const fn visible_space(character: char) -> char {
    if character == '\u{a0}' { ' ' } else { character }
}

/// Whether a link's text is its address, give or take the scheme and a last slash.
fn same_address(label: &str, address: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim().trim_end_matches('/');
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        text.split_once("://").map_or(text, |(_, rest)| rest).to_owned()
    };
    bare(label) == bare(address)
}

/// A line end at the start of `text`, taken off.
fn strip_line_end(text: &str) -> &str {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
}

/// The first [`MAX_TAG`] bytes, or somewhat fewer.
fn head(text: &str) -> &str {
    (0..4).find_map(|less| text.get(..MAX_TAG - less)).unwrap_or(text)
}

/// What follows the end tag of `name`, looked for within [`MAX_TAG`].
fn behind_end<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let near = head(text);
    let end = near.match_indices("</").find(|(at, _)| {
        near.get(at + 2..at + 2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
    })?;
    let tag = text.get(end.0..)?;
    Tag::read(tag).map(|(_, behind)| behind)
}

/// A tag, its name in lower case.
struct Tag<'a> {
    name: String,
    closing: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// The tag at the start of `text`, which begins with `<`, and what follows it. None if this is no tag: `a < b`,
    /// `<3`, or a `<` whose `>` never comes.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let inner = head(text).get(1..)?;
        if let Some(comment) = inner.strip_prefix("!--") {
            let end = comment.find("-->")?;
            let tag = Self { name: String::new(), closing: false, attributes: "" };
            return Some((tag, text.get(1 + 3 + end + 3..)?));
        }
        let (closing, named) = inner.strip_prefix('/').map_or((false, inner), |named| (true, named));
        if !named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
            return None;
        }
        let end = tag_end(inner)?;
        let body = inner.get(..end)?.trim_start_matches('/').trim_end_matches('/');
        let name_end = body.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(body.len());
        let (name, attributes) = body.split_at(name_end);
        let tag = Self { name: name.to_ascii_lowercase(), closing, attributes };
        Some((tag, text.get(1 + end + 1..)?))
    }

    /// The value of an attribute, entities resolved.
    fn attribute(&self, wanted: &str) -> Option<String> {
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
                return Some(htmlize::unescape_attribute(value.trim()).into_owned())
                    .filter(|address| !address.is_empty())
                    .map(|address| address.chars().filter(|c| !c.is_control()).map(visible_space).collect());
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

/// Where the `>` of a tag is: the first one outside quotes, or, if quotes don't close, the first at all.
fn tag_end(inner: &str) -> Option<usize> {
    let first = inner.find('>')?;
    let mut quote = None;
    let mut previous = ' ';
    for (at, character) in inner.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            // A quote opens a value only behind `=`: there are apostrophes in the wild.
            None if matches!(character, '"' | '\'') && previous == '=' => quote = Some(character),
            None if character == '>' => return Some(at),
            Some(_) | None => {}
        }
        if !character.is_whitespace() {
            previous = character;
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_real_clients_send() {
        // libpurple, BitlBee, and the way of Windows AIM.
        for (markup, plain) in [
            (
                "<HTML><BODY><b>Hi &amp; welcome</b> <a href=\"http://127.0.0.1/x/?a=1&amp;b=2\">link</a> 1 &lt; 2</BODY></HTML>",
                "Hi & welcome link (http://127.0.0.1/x/?a=1&b=2) 1 < 2",
            ),
            ("hello &lt;tag&gt; &amp; &quot;q&quot;", "hello <tag> & \"q\""),
            ("<HTML><BODY>日本語 😀</BODY></HTML>", "日本語 😀"),
            ("<HTML><BODY BGCOLOR=\"#ffffff\"><FONT LANG=\"0\">one<BR>two</FONT></BODY></HTML>", "one\ntwo"),
        ] {
            assert_eq!(to_plain(markup), plain);
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        for text in ["a < b > c", "<3", "x <", "i<", "<>", "if a<b", "</", "< b>"] {
            assert_eq!(to_plain(text), text, "{text}");
        }
    }

    #[test]
    fn links_keep_their_address() {
        for (markup, plain) in [
            ("<A HREF=\"http://a.example/\">http://a.example/</A>", "http://a.example/"),
            ("<a href='http://a.example/'>a.example</a>!", "http://a.example/!"),
            ("<a href=http://a.example/x>here</a>", "here (http://a.example/x)"),
            ("<a target=\"_self\" href=\"http://a.example/?q=a>b\">x</a>", "x (http://a.example/?q=a>b)"),
            ("<a href=\"mailto:a@b.example\">a@b.example</a>", "mailto:a@b.example"),
            ("<a href=\"http://a.example\"></a>", "http://a.example"),
            ("<a href=\"http://a.example\">open", "open (http://a.example)"),
            ("<a>none</a> <a href=\"\">empty</a>", "none empty"),
        ] {
            assert_eq!(to_plain(markup), plain, "{markup}");
        }
    }

    #[test]
    fn blocks_and_breaks_end_lines() {
        for (markup, plain) in [
            ("one<br/>two<BR>\r\nthree", "one\ntwo\nthree"),
            ("<p>one</p><p>two</p>", "one\ntwo"),
            ("<ul><li>one<li>two</ul>three", "- one\n- two\nthree"),
            ("one<br><br>two", "one\n\ntwo"),
            ("plain\nlines", "plain\nlines"),
            ("a<hr>b", "a\nb"),
        ] {
            assert_eq!(to_plain(markup), plain, "{markup}");
        }
    }

    #[test]
    fn soup_is_eaten() {
        for (markup, plain) in [
            ("<b><i>x</b></i></u>", "x"),
            ("<font color=\"red>oops", "<font color=\"red>oops".get(17..).unwrap()),
            ("a<!-- b > c -->d", "ad"),
            ("<style>b { x: y }</style>text", "text"),
            ("<title>text", "text"),
            ("&bogus; &#xD83D; &#0;", "&bogus; \u{fffd} \u{fffd}"),
            ("bell\u{7}\u{0}", "bell"),
            ("<a href=", "<a href="),
        ] {
            assert_eq!(to_plain(markup), plain, "{markup}");
        }
    }

    #[test]
    fn plain_text_comes_back() {
        for plain in [
            "a & b < c > d \"q\" 'x'",
            "one\ntwo\n\nthree",
            "&amp; <BR> &lt;",
            "日本語 😀",
            "http://a.example/?a=1&lt=2",
        ] {
            assert_eq!(to_plain(&from_plain(plain)), plain);
        }
        assert_eq!(from_plain("a<b>\nc"), "<HTML><BODY>a&lt;b&gt;<BR>c</BODY></HTML>");
    }
}
