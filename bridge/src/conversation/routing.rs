//! Who gets a visitor's line, and which visitor a staff member's text without label is for.

use oscar_im::ScreenName;

use super::department::Departments;
use super::model::{Conversation, ConversationId};

/// How visitors' lines are shared out among staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Routing {
    /// Everybody listed gets every line.
    #[default]
    Broadcast,
    /// Everybody is told of a new visitor; who answers first holds the conversation.
    Claim,
}

/// Who is owed a visitor's line: who holds the conversation, else its department, else everybody.
pub fn recipients(
    conversation: &Conversation,
    staff: &[ScreenName],
    departments: &Departments,
) -> Vec<ScreenName> {
    match &conversation.holder {
        Some(holder) if staff.contains(holder) => vec![holder.clone()],
        _ => departments.members(conversation.department.as_deref(), staff),
    }
}

/// What a staff member did last.
#[derive(Debug, Clone, Default)]
pub struct LastAddressed {
    /// To whom the last text went; several where it had several labels.
    pub conversations: Vec<ConversationId>,
    /// When, in the order in which visitors spoke.
    pub at: u64,
    /// Whether something since may have turned this person to another visitor.
    pub interrupted: bool,
}

impl LastAddressed {
    /// Whether the last text went elsewhere.
    pub fn is_another(&self, id: ConversationId) -> bool {
        !self.conversations.contains(&id)
    }
}

/// Of whom somebody has read who has addressed nobody yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadOf {
    /// Nobody.
    #[default]
    Nobody,
    /// This one.
    One(ConversationId),
    /// More than one.
    Several,
}

impl ReadOf {
    /// With one more.
    #[must_use]
    pub fn and(self, id: ConversationId) -> Self {
        match self {
            Self::Nobody => Self::One(id),
            Self::One(known) if known == id => self,
            _ => Self::Several,
        }
    }
}

/// Which conversation a text without label is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// It is clear.
    Clear(ConversationId),
    /// It could be one of these, the likeliest first.
    Ask(Vec<ConversationId>),
    /// Nobody is there to be addressed.
    Nobody,
}

/// The last one addressed, unless another visitor has written to this staff member since, or something else has
/// [interrupted](LastAddressed::interrupted); the only one of `theirs`, the open conversations whose lines this person gets,
/// unless another was `read` of, whom a colleague may have answered or closed meanwhile.
pub fn target<'a>(
    last: Option<&LastAddressed>,
    read: ReadOf,
    theirs: impl Iterator<Item = &'a Conversation>,
) -> Target {
    let mut mine: Vec<&Conversation> = theirs.collect();
    mine.sort_by_key(|conversation| std::cmp::Reverse((conversation.spoke, conversation.id)));
    if let Some(last) = last {
        let others_spoke =
            last.interrupted || mine.iter().any(|other| other.spoke > last.at && last.is_another(other.id));
        if let [only] = last.conversations.as_slice()
            && !others_spoke
        {
            return Target::Clear(*only);
        }
        let is_mine = |id: &ConversationId| mine.iter().any(|other| other.id == *id);
        let (goes_on, done_with): (Vec<_>, Vec<_>) = last.conversations.iter().copied().partition(is_mine);
        let others = mine.iter().map(|other| other.id).filter(|id| last.is_another(*id));
        return Target::Ask(goes_on.into_iter().chain(others).chain(done_with).collect());
    }
    match mine.as_slice() {
        [] => Target::Nobody,
        [only] if matches!(read.and(only.id), ReadOf::One(_)) => Target::Clear(only.id),
        several => Target::Ask(several.iter().map(|other| other.id).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::book::tests::conversation;

    fn ids(target: &Target) -> Vec<u64> {
        match target {
            Target::Clear(id) => vec![id.0],
            Target::Ask(ids) => ids.iter().map(|id| id.0).collect(),
            Target::Nobody => vec![],
        }
    }

    fn ask(last: Option<(&[u64], u64)>, open: &[(u64, u64)]) -> Target {
        let open: Vec<Conversation> = open
            .iter()
            .map(|(id, spoke)| Conversation { spoke: *spoke, ..conversation(*id, &format!("v{id}")) })
            .collect();
        let last = last.map(|(ids, at)| LastAddressed {
            conversations: ids.iter().map(|id| ConversationId(*id)).collect(),
            at,
            interrupted: false,
        });
        target(last.as_ref(), ReadOf::Nobody, open.iter())
    }

    #[test]
    fn the_only_one_open_is_clear() {
        assert_eq!(ask(None, &[]), Target::Nobody);
        assert_eq!(ask(None, &[(1, 5)]), Target::Clear(ConversationId(1)));
        assert_eq!(ids(&ask(None, &[(1, 5), (2, 6)])), [2, 1], "the newest first");
    }

    #[test]
    fn the_last_addressed_is_clear_until_another_writes() {
        let one = Target::Clear(ConversationId(1));
        assert_eq!(ask(Some((&[1], 5)), &[(1, 5), (2, 4)]), one);
        assert_eq!(ask(Some((&[1], 5)), &[(1, 9), (2, 4)]), one, "the same visitor may go on");
        assert!(matches!(ask(Some((&[1], 5)), &[(1, 5), (2, 6)]), Target::Ask(_)));
        assert!(matches!(ask(Some((&[1, 2], 7)), &[(1, 5), (2, 6)]), Target::Ask(_)), "two were addressed");
        assert!(
            matches!(ask(Some((&[1], 5)), &[(2, 6)]), Target::Ask(_)),
            "the one addressed was closed, another wrote: fast fingers may mean either"
        );
    }

    #[test]
    fn what_a_colleague_holds_is_for_that_colleague() {
        let mut held = Conversation { spoke: 9, ..conversation(2, "bob") };
        held.holder = Some("staff2".into());
        let free = conversation(1, "anna");
        let staff: [ScreenName; 2] = ["staff1".into(), "staff2".into()];
        let none = Departments::default();
        assert_eq!(recipients(&held, &staff, &none), ["staff2".into()]);
        assert_eq!(recipients(&free, &staff, &none), staff);
    }
}
