//! Charsets of instant messages: what the number says, and what clients mean by it.
//!
//! Source: captured (emoji from libpurple in UTF-16, from BitlBee in UTF-8 under 0); byte order marks and odd lengths are
//! guarded against, and were not seen.

use crate::foodgroup::icbm::TextFragment;

/// US-ASCII, or whatever the client had.
pub const ASCII: u16 = 0x0000;
/// UTF-16, big-endian; AOL called it UCS-2, but surrogates do occur (emoji from libpurple).
pub const UTF16: u16 = 0x0002;
/// ISO-8859-1, in fact Windows-1252.
pub const LATIN1: u16 = 0x0003;

/// Characters made of bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// With U+FFFD where the bytes made no sense.
    pub text: String,
    /// Whether there is such a place.
    pub lossy: bool,
}

/// Reads text: any bytes, whatever the number says of them.
///
/// - [`UTF16`] is big-endian unless a byte order mark says otherwise; the mark is no text. A surrogate without its
///   other half, and a last odd byte, become U+FFFD.
/// - [`LATIN1`] is Windows-1252, which takes every byte.
/// - Under [`ASCII`], and under numbers that we don't know, bytes above 7F are UTF-8 if they are valid
///   as that (BitlBee sends emoji so when its conversion to UCS-2 fails), else Windows-1252.
pub fn decode(part: &TextFragment) -> Decoded {
    match part.charset {
        UTF16 => utf16(&part.bytes),
        LATIN1 => exact(windows_1252(&part.bytes)),
        _ => {
            exact(std::str::from_utf8(&part.bytes).map_or_else(|_| windows_1252(&part.bytes), str::to_owned))
        }
    }
}

/// Writes text: [`ASCII`] if it is that, else [`UTF16`]; never Latin-1, as libpurple doesn't either.
pub fn encode(text: impl AsRef<str> + Into<String>) -> TextFragment {
    let (charset, bytes) = if text.as_ref().is_ascii() {
        (ASCII, text.into().into_bytes())
    } else {
        (UTF16, text.as_ref().encode_utf16().flat_map(u16::to_be_bytes).collect())
    };
    TextFragment { charset, language: 0, bytes }
}

/// The bytes that [`encode`] gives for this text.
pub fn encoded_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() * 2 }
}

/// The number for a charset's name, as chat rooms and MIME types give it.
pub fn from_name(name: &str) -> u16 {
    match name.trim().trim_matches('"').to_ascii_lowercase().as_str() {
        "unicode-2-0" | "utf-16" | "utf-16be" | "ucs-2be" | "iso-10646-ucs-2" => UTF16,
        "iso-8859-1" | "latin1" | "windows-1252" => LATIN1,
        _ => ASCII,
    }
}

/// The number of the charset in a MIME type, as profiles and away messages have one:
/// `text/aolrtf; charset="us-ascii"`. [`ASCII`] where it names none.
pub fn from_mime(mime: &str) -> u16 {
    let (_, name) = mime.split_once("charset=").unwrap_or_default();
    from_name(name.split(';').next().unwrap_or_default())
}

/// The MIME type of a profile or away message in a charset.
pub fn mime(charset: u16) -> String {
    format!("text/aolrtf; charset=\"{}\"", name(charset))
}

/// The name of a charset in chat rooms and MIME types.
pub const fn name(charset: u16) -> &'static str {
    match charset {
        UTF16 => "unicode-2-0",
        LATIN1 => "iso-8859-1",
        _ => "us-ascii",
    }
}

fn utf16(bytes: &[u8]) -> Decoded {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let (pairs, unit): (_, fn([u8; 2]) -> u16) = match pairs {
        [[0xff, 0xfe], pairs @ ..] => (pairs, u16::from_le_bytes),
        [[0xfe, 0xff], pairs @ ..] | pairs => (pairs, u16::from_be_bytes),
    };
    let mut lossy = !odd.is_empty();
    let mut text = String::with_capacity(bytes.len());
    for unit in char::decode_utf16(pairs.iter().copied().map(unit)) {
        text.push(unit.unwrap_or_else(|_| {
            lossy = true;
            char::REPLACEMENT_CHARACTER
        }));
    }
    if !odd.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Decoded { text, lossy }
}

fn windows_1252(bytes: &[u8]) -> String {
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

const fn exact(text: String) -> Decoded {
    Decoded { text, lossy: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(charset: u16, bytes: &[u8]) -> Decoded {
        decode(&TextFragment { charset, language: 0, bytes: bytes.to_vec() })
    }

    #[test]
    fn charset_0_may_hold_utf8_or_windows_1252() {
        assert_eq!(read(ASCII, "日 😀".as_bytes()).text, "日 😀");
        assert_eq!(read(ASCII, b"caf\xe9 \x80").text, "café €");
        assert_eq!(read(LATIN1, b"caf\xe9").text, "café");
    }

    #[test]
    fn charset_2_may_hold_surrogates() {
        let emoji = encode("a😀");
        assert_eq!(emoji.bytes, [0, b'a', 0xd8, 0x3d, 0xde, 0x00]);
        assert_eq!(decode(&emoji), Decoded { text: "a😀".into(), lossy: false });
        assert_eq!(read(UTF16, &[0xd8, 0x3d, 0, b'x', 7]).text, "\u{fffd}x\u{fffd}");
        assert!(read(UTF16, &[0xd8, 0x3d]).lossy);
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(read(UTF16, &[0xfe, 0xff, 0, b'x']), Decoded { text: "x".into(), lossy: false });
        assert_eq!(read(UTF16, &[0xff, 0xfe, b'x', 0]), Decoded { text: "x".into(), lossy: false });
        // Only in front: elsewhere it is a space without width.
        assert_eq!(read(UTF16, &[0, b'x', 0xfe, 0xff]).text, "x\u{feff}");
    }

    #[test]
    fn every_byte_is_text_in_the_charsets_of_one_byte() {
        let all: Vec<u8> = (0..=255).collect();
        for charset in [ASCII, LATIN1, 0x000d, 0xffff] {
            let decoded = read(charset, &all);
            assert_eq!((decoded.text.chars().count(), decoded.lossy), (256, false), "{charset}");
            assert!(decoded.text.contains('\u{20ac}') && decoded.text.contains('ÿ'));
        }
    }

    #[test]
    fn a_charset_that_is_not_the_texts_own_does_no_harm() {
        // UTF-16 under ASCII: the zeros are dropped with the other control characters.
        let utf16 = TextFragment { charset: ASCII, ..encode("é") };
        assert_eq!(decode(&utf16).text, "\0é");
        let named = TextFragment { charset: ASCII, language: 0, bytes: b"\0h\0i".to_vec() };
        assert_eq!(super::super::to_plain([named]).text, "hi");
        // Text of one byte a character under UTF-16: not what was meant, but text, and said if it made no sense.
        assert_eq!(read(UTF16, b"odd").text, "\u{6f64}\u{fffd}");
        assert!(read(UTF16, b"odd").lossy);
    }

    #[test]
    fn what_is_sent_is_ascii_where_that_is_enough_else_utf16() {
        for (text, charset) in [("plain <b>&amp;", ASCII), ("café", UTF16), ("Привет", UTF16), ("😀", UTF16)]
        {
            let encoded = encode(text);
            assert_eq!(encoded.charset, charset);
            assert_eq!(decode(&encoded), Decoded { text: text.into(), lossy: false });
        }
    }

    #[test]
    fn mime_types_name_a_charset_or_none() {
        for charset in [ASCII, UTF16, LATIN1] {
            assert_eq!(from_mime(&mime(charset)), charset);
        }
        for (mime, charset) in [
            ("", ASCII),
            ("text/x-aolrtf", ASCII),
            ("text/aolrtf; charset=unicode-2-0", UTF16),
            ("text/aolrtf; charset=\"iso-8859-1\"; x=y", LATIN1),
            ("text/aolrtf; charset=", ASCII),
        ] {
            assert_eq!(from_mime(mime), charset, "{mime}");
        }
    }

    #[test]
    fn the_length_is_known_beforehand() {
        for text in ["", "plain", "café", "日本語 😀"] {
            assert_eq!(encoded_length(text), encode(text).bytes.len());
        }
    }
}
