//! One block for all who are owed the same lines of a turn: the members of a channel, mostly.

use bytes::{Bytes, BytesMut};

use crate::world::Output;

/// Makes one block of the lines of neighbours that have the same lines, and gives it to each. The world hands members
/// of a channel out side by side.
pub(super) fn share(output: &mut [Output]) {
    for alike in output.chunk_by_mut(|one, next| same(&one.lines, &next.lines)) {
        let [first, _, ..] = alike else { continue };
        if first.lines.len() < 2 {
            continue;
        }
        let block = joined(&first.lines);
        for one in alike {
            one.lines = vec![block.clone()];
        }
    }
}

/// Whether the lines are the same ones, not only equal: nothing is read but where they are.
fn same(one: &[Bytes], other: &[Bytes]) -> bool {
    let place = |line: &Bytes| (line.as_ptr(), line.len());
    one.len() == other.len() && one.iter().map(place).eq(other.iter().map(place))
}

fn joined(lines: &[Bytes]) -> Bytes {
    let mut block = BytesMut::with_capacity(lines.iter().map(Bytes::len).sum());
    for line in lines {
        block.extend_from_slice(line);
    }
    block.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::ClientId;

    fn output(lines: &[&Bytes]) -> Output {
        Output {
            client: ClientId::for_tests(),
            lines: lines.iter().map(|line| (*line).clone()).collect(),
            close: false,
        }
    }

    #[test]
    fn who_is_owed_the_same_shares_one_block() {
        let [one, two, three] =
            ["one\r\n", "two\r\n", "three\r\n"].map(|line| Bytes::copy_from_slice(line.as_bytes()));
        let mut all = [
            output(&[&one, &two]),
            output(&[&one, &two]),
            output(&[&one, &three]),
            output(&[&one]),
            output(&[&one]),
        ];
        share(&mut all);
        assert_eq!((all[0].lines.len(), &all[0].lines[0][..]), (1, &b"one\r\ntwo\r\n"[..]));
        assert_eq!(all[0].lines[0].as_ptr(), all[1].lines[0].as_ptr());
        assert_eq!(
            (all[2].lines.len(), all[3].lines[0].as_ptr(), all[4].lines[0].as_ptr()),
            (2, one.as_ptr(), one.as_ptr())
        );
    }
}
