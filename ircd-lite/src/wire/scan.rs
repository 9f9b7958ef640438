//! Looking for bytes, many at a time: each line is searched more than once on its way.

/// So many are compared at once: two vectors of the least machine that this runs on.
const BLOCK: usize = 32;

/// Where the first of `wanted` stands.
pub(crate) fn find<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> Option<usize> {
    let is_wanted = |byte: &u8| wanted.iter().fold(0, |found, one| found | u8::from(byte == one)) != 0;
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    // No way out in the middle of a block: so the compiler makes one comparison of it.
    let in_block = |block: &[u8; BLOCK]| block.iter().fold(false, |found, byte| found | is_wanted(byte));
    let start = blocks.iter().position(in_block).unwrap_or(blocks.len()) * BLOCK;
    let rest = bytes.get(start..).unwrap_or_default();
    rest.iter().position(is_wanted).map(|at| start + at)
}

/// The lines of `bytes`, each of which ends with LF, without it; empty ones are left out.
pub(crate) fn lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        while let Some(at) = find(bytes, [b'\n']) {
            let (line, rest) = bytes.split_at(at);
            bytes = rest.get(1..).unwrap_or_default();
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_end_with_lf() {
        assert_eq!(lines(b"a\n\nbc\nunfinished").collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(bytes in proptest::collection::vec(0u8..40, 0..200)) {
            prop_assert_eq!(find(&bytes, [7]), bytes.iter().position(|byte| *byte == 7));
            let either = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0));
            prop_assert_eq!(find(&bytes, [b'\r', b'\n', 0]), either);
        }
    }
}
