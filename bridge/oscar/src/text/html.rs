//! AIM's HTML: what comes in any state of disrepair to plain text, and plain text to what every client shows alike.
//!
//! Not a parser of HTML: messages are tag soup of `B I U S A FONT BODY BR HR`, and of anything that a client thought
//! of. Unknown tags go, their text stays; what only looks like a tag stays as it is. Work and room are linear in the input.
//!
//! Source: captured from libpurple and BitlBee; what Windows AIM adds is as generally described.

use super::tags::{Markup, Piece, Tag};

/// Plain text of a message. `<BR>` and blocks end lines, links become `text (address)`, or the address alone where
/// the text is the address; entities are resolved; control characters go, but for `\n` and tab.
pub fn to_plain(markup: &str) -> String {
    let mut plain = Plain::default();
    let mut markup = Markup::new(markup);
    while let Some(piece) = markup.next() {
        match piece {
            Piece::Text(text) => plain.text(text),
            Piece::Tag(tag) => {
                plain.tag(&tag);
                if has_no_text(&tag) {
                    markup.skip_content(&tag.name);
                }
            }
        }
    }
    plain.finish()
}

/// A message of plain text, [`escaped`], in the wrapper that libpurple sends.
pub fn from_plain(plain: &str) -> String {
    let mut markup = String::with_capacity(WRAPPER_LENGTH + plain.len());
    markup.push_str(OPEN);
    escape_into(plain, &mut markup);
    markup.push_str(CLOSE);
    markup
}

/// Plain text where HTML is expected: `&`, `<` and `>` as entities, line breaks as `<BR>`, and no control characters but
/// tab, for a NUL ends the text in clients written in C. Nothing else is changed: quotes mean nothing outside tags, and
/// libpurple and BitlBee show spaces and tabs as many as there are, where `&nbsp;` would reach whoever copies the text.
pub fn escaped(plain: &str) -> String {
    let mut markup = String::with_capacity(plain.len());
    escape_into(plain, &mut markup);
    markup
}

fn escape_into(plain: &str, markup: &mut String) {
    // Most messages: looked through at once, copied at once.
    if plain.bytes().fold(true, |all, byte| all & is_itself(byte)) {
        return markup.push_str(plain);
    }
    for character in plain.chars() {
        match escape(character) {
            Some(escaped) => markup.push_str(escaped),
            None => markup.push(character),
        }
    }
}

/// Whether it is ASCII and goes as it is; not all that does.
const fn is_itself(byte: u8) -> bool {
    byte >= b' ' && byte < 0x7f && byte != b'&' && byte != b'<' && byte != b'>'
}

/// What a character becomes in a message, if not itself.
pub(super) const fn escape(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\n' => Some("<BR>"),
        '\t' => None,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => Some(""),
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

    /// Does what a tag says.
    fn tag(&mut self, tag: &Tag<'_>) {
        match (tag.name.as_str(), tag.closing) {
            ("br", _) => {
                self.out.push('\n');
                self.after_break = true;
            }
            ("a", false) => {
                self.close_link();
                if let Some(address) = tag.attribute("href") {
                    let address = address.chars().filter(|c| !c.is_control()).map(visible_space).collect();
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
            _ => {}
        }
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

/// Whether what stands between this tag and its end tag is for no eyes.
fn has_no_text(tag: &Tag<'_>) -> bool {
    !tag.closing && matches!(tag.name.as_str(), "style" | "script" | "title")
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
    fn breaks_are_written_in_many_ways() {
        for br in
            ["<br>", "<BR>", "<Br/>", "<br />", "<BR CLEAR=ALL>", "<br\n>", "</br>", "<br>\n", "<br>\r\n"]
        {
            assert_eq!(to_plain(&format!("one{br}two")), "one\ntwo", "{br}");
        }
    }

    #[test]
    fn entities_of_all_kinds_are_resolved() {
        for (markup, plain) in [
            ("&lt;&gt;&amp;&quot;&apos;&#39;", "<>&\"''"),
            ("a&nbsp;b&#160;c", "a b c"),
            ("&eacute;&Eacute;&szlig;&euro;&hellip;", "éÉß€…"),
            ("&#233;&#xe9;&#XE9;", "ééé"),
            ("&#128512;&#x1F600;", "😀😀"),
            ("&lt &amp;lt; &amp;amp;", "< &lt; &amp;"),
            // Windows-1252 by its number, as old editors wrote it.
            ("&#146;&#128;", "’€"),
            ("AT&T &; & &# &#x; &#99999999;", "AT&T &; & &# &#x; \u{fffd}"),
        ] {
            assert_eq!(to_plain(markup), plain, "{markup}");
        }
    }

    #[test]
    fn windows_aim_is_read() {
        let markup = "<HTML><BODY BGCOLOR=\"#ffffff\"><FONT LANG=\"0\" FACE=\"Arial\" SIZE=2>See <B><A HREF=\"http://a.example/x\">\
                      this</A></B>,<BR>  <I>it's</I> 5&gt;3 &amp; <U>fine</U></FONT></BODY></HTML>";
        assert_eq!(to_plain(markup), "See this (http://a.example/x),\n  it's 5>3 & fine");
    }

    #[test]
    fn spaces_and_quotes_are_sent_as_they_are() {
        assert_eq!(escaped("  two  spaces\tand a tab "), "  two  spaces\tand a tab ");
        assert_eq!(escaped("it's \"so\""), "it's \"so\"");
        assert_eq!(escaped("日本語 😀 é"), "日本語 😀 é");
        assert_eq!(escaped("a\r\nb\0c\u{1b}d\u{85}"), "a<BR>bcd");
    }

    #[test]
    fn content_that_is_not_text_is_left_out_however_long() {
        let style = format!("<STYLE TYPE=x>{}</Style >", "p > b { a: 'x' }\n".repeat(1_000));
        assert_eq!(to_plain(&format!("one {style}two")), "one two");
        let comment = format!("<!-- {} -->", "<b> -- > ".repeat(1_000));
        assert_eq!(to_plain(&format!("one {comment}two")), "one two");
    }

    #[test]
    fn a_tag_too_long_to_be_one_is_text() {
        let long = format!("<b {}>", "x".repeat(5_000));
        assert_eq!(to_plain(&long), long);
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
