//! Text of messages.

use oscar_im::foodgroup::icbm::TextFragment;
use oscar_im::text::{self, charset as charsets, html as markup, split as splitting};

/// Any bytes are text under any number; text comes back.
pub(crate) fn charset(data: &[u8]) {
    let decoded = charsets::decode(&fragment(data));
    assert!(decoded.text.len() <= 3 * data.len());
    let encoded = charsets::encode(&decoded.text);
    assert_eq!(encoded.bytes.len(), charsets::encoded_length(&decoded.text));
    // A byte order mark in front is no text.
    let text = decoded.text.trim_start_matches(['\u{feff}', '\u{fffe}']);
    assert_eq!(charsets::decode(&charsets::encode(text)).text, text);
    let _ = (charsets::from_name(&decoded.text), charsets::from_mime(&decoded.text));
}

/// Any markup becomes plain text without control characters, that is not much longer; plain text comes back as it was.
pub(crate) fn html(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let plain = markup::to_plain(&source);
    assert!(!plain.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    assert!(plain.len() <= 2 * source.len() + 16);
    assert_eq!(markup::to_plain(&markup::from_plain(&plain)), plain);
}

/// The parts joined are the text, and each fits or is one character.
pub(crate) fn split(data: &[u8]) {
    let Some((&[characters, bytes], text)) = data.split_first_chunk::<2>() else { return };
    let text = String::from_utf8_lossy(text);
    let limits = splitting::Limits { characters: usize::from(characters), bytes: usize::from(bytes) * 2 };
    let parts = splitting::split(&text, limits);
    assert_eq!(parts.concat(), text);
    for part in parts {
        let characters = part.chars().count();
        let fits = characters <= limits.characters && text::encode(part).bytes.len() <= limits.bytes;
        assert!(fits || characters == 1, "{part:?}");
    }
}

/// All of it, as a message is read.
pub(crate) fn message(data: &[u8]) {
    let plain = text::to_plain([fragment(data)]).text;
    assert_eq!(text::to_plain([text::encode(&plain)]).text, plain);
}

fn fragment(data: &[u8]) -> TextFragment {
    let (charset, bytes) = data.split_first().map_or((0, data), |(first, rest)| (u16::from(first % 5), rest));
    TextFragment { charset, language: 0, bytes: bytes.to_vec() }
}
