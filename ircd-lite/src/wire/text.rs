//! Cutting text to a length without cutting a character, and control bytes.

/// The start of `text` that is at most `limit` bytes long. Where that would split a UTF-8 character it ends before
/// the character; bytes that are no UTF-8 are cut where they are.
pub(crate) fn cut(text: &[u8], limit: usize) -> &[u8] {
    let Some(head) = text.get(..limit).filter(|_| text.len() > limit) else { return text };
    let lead = head.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
    let width = match head.get(lead) {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let continued = text.get(lead + 1..lead + width).unwrap_or_default();
    if lead + width > limit
        && continued.len() + 1 == width
        && continued.iter().all(|byte| byte & 0xc0 == 0x80)
    {
        return head.get(..lead).unwrap_or(head);
    }
    head
}

/// Whether `text` holds a byte that a word on the wire can't hold, or that terminals act upon.
pub(crate) fn has_control(text: &[u8]) -> bool {
    text.iter().any(|byte| *byte <= b' ' || *byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_cut() {
        assert_eq!(cut("äöü".as_bytes(), 3), "ä".as_bytes());
        assert_eq!(cut("äöü".as_bytes(), 4), "äö".as_bytes());
        assert_eq!(cut("a😀".as_bytes(), 4), b"a");
        assert_eq!(cut("a😀".as_bytes(), 5), "a😀".as_bytes());
        assert_eq!(cut(b"plain", 3), b"pla");
        assert_eq!(cut(b"short", 30), b"short");
    }

    #[test]
    fn other_bytes_are_cut_where_they_are() {
        assert_eq!(cut(b"\xff\xff\xff\xff", 2), b"\xff\xff");
        assert_eq!(cut(b"\x80\x80\x80\x80", 3), b"\x80\x80\x80");
        assert_eq!(cut(b"ab\xc3zz", 3), b"ab\xc3");
    }
}
