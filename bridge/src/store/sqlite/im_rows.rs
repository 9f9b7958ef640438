//! The column `im.rows`: what stands in an instant message, as one value.
//!
//! For each text, in order: number `u64`, conversation `u64` (0: none), entry `u64` (0: none), time `u64`, length of the
//! text in bytes `u32`, rank `u8`, last `u8`; little-endian. The texts themselves are the message's text, with a line
//! break between each two.

use crate::conversation::{ConversationId, Millis};
use crate::outbox::staff::{DeliveryId, Row};

const RECORD: usize = 38;

/// The rows of a message without their texts.
pub(super) fn encode(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * RECORD);
    for row in rows {
        bytes.extend(row.id.0.to_le_bytes());
        bytes.extend(row.conversation.map_or(0, |id| id.0).to_le_bytes());
        bytes.extend(row.entry.unwrap_or_default().to_le_bytes());
        bytes.extend(row.at.0.to_le_bytes());
        // A message holds some thousand bytes at most.
        bytes.extend(u32::try_from(row.text.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.push(super::rank_number(row.rank));
        bytes.push(u8::from(row.last));
    }
    bytes
}

/// The rows of a message; none if they don't fit its text: then this is no value of ours.
pub(super) fn decode(bytes: &[u8], text: &str) -> Option<Vec<Row>> {
    let (records, []) = bytes.as_chunks::<RECORD>() else { return None };
    let mut rest = Some(text);
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        let mut fields = record.as_slice();
        let id = number(&mut fields)?;
        let conversation = number(&mut fields)?;
        let entry = number(&mut fields)?;
        let at = number(&mut fields)?;
        let (length, fields) = fields.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let [rank, last] = *fields else { return None };
        let (text, behind) = rest?.split_at_checked(length)?;
        rest = behind.strip_prefix('\n');
        rows.push(Row {
            id: DeliveryId(id),
            rank: super::rank(rank),
            conversation: (conversation != 0).then_some(ConversationId(conversation)),
            entry: (entry != 0).then_some(entry),
            last: last != 0,
            text: text.into(),
            at: Millis(at),
        });
    }
    Some(rows)
}

fn number(fields: &mut &[u8]) -> Option<u64> {
    let (number, rest) = fields.split_first_chunk::<8>()?;
    *fields = rest;
    Some(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::row;

    #[test]
    fn rows_come_back_as_they_were() {
        let rows =
            vec![row(7, Some(1), "anna: one"), row(9, None, "* two\n* lines"), row(10, Some(3), "bob: é")];
        let text: Vec<&str> = rows.iter().map(|row| &*row.text).collect();
        assert_eq!(decode(&encode(&rows), &text.join("\n")), Some(rows));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bytes = encode(&[row(7, Some(1), "anna: one")]);
        assert_eq!(decode(&bytes, "anna"), None);
        assert_eq!(decode(&bytes[1..], "anna: one"), None);
    }
}
