//! The text of messages: from what clients really send to plain text, and back to what old and new clients show alike.
//!
//! Three layers: [`charset`] makes characters of bytes, [`html`] makes plain text of AIM's HTML, [`split`] cuts plain
//! text into parts that fit a message. All of them are total: any bytes give some text, and what could not be kept is
//! said ([`Plain::lossy`]). Nothing here knows what the text is for.
//!
//! ```
//! use oscar_im::text;
//!
//! let message = text::encode("1 < 2\nça va");
//! assert_eq!(text::to_plain([message]).text, "1 < 2\nça va");
//!
//! let markup = r#"<HTML><BODY>see <A HREF="http://a.example/">this</A><BR>&amp; that</BODY></HTML>"#;
//! assert_eq!(text::html::to_plain(markup), "see this (http://a.example/)\n& that");
//! ```

pub mod charset;
pub mod html;
pub mod split;
mod tags;

use crate::foodgroup::icbm::TextFragment;

/// Plain text that a message held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plain {
    /// Line breaks are `\n`; links are `text (address)`, or the address alone where it is the text.
    pub text: String,
    /// Whether bytes did not make sense in their charset, so that U+FFFD stands in the text.
    pub lossy: bool,
}

/// The text of a message, whose fragments are one after the other.
pub fn to_plain(parts: impl IntoIterator<Item = TextFragment>) -> Plain {
    let mut markup = String::new();
    let mut lossy = false;
    for part in parts {
        let decoded = charset::decode(&part);
        markup.push_str(&decoded.text);
        lossy |= decoded.lossy;
    }
    Plain { text: html::to_plain(&markup), lossy }
}

/// Plain text as a message: `\n` is a line break; HTML is escaped; ASCII where that is enough, else UTF-16.
pub fn encode(plain: &str) -> TextFragment {
    charset::encode(html::from_plain(plain))
}
