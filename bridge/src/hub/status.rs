//! What the hub shows of itself: for `/readyz`, metrics and `/list`.

use oscar_im::ScreenName;

use super::desk::Desk;
use crate::conversation::Millis;

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HubStatus {
    /// Our nick, while signed on to IRC.
    pub irc: Option<String>,
    /// Each account's screen name, while signed on.
    pub aim: Vec<Option<ScreenName>>,
    /// Whether the store takes what it is given.
    pub store_is_up: bool,
    /// Staff who are signed on and take lines.
    pub staff_available: usize,
    /// Staff in the staff room.
    pub staff_in_room: usize,
    /// Conversations that go on.
    pub open_conversations: usize,
    /// Texts owed to staff.
    pub owed_to_staff: usize,
    /// Answers owed to visitors.
    pub owed_to_visitors: usize,
    /// Since when the oldest text owed to staff waits; looked up once a second.
    pub oldest_waiting: Option<Millis>,
    /// Lines of deleted conversations that the IRC daemon may still keep.
    pub to_forget: usize,
    /// What has happened since the start.
    pub counters: Counters,
}

impl HubStatus {
    /// Both sides signed on, the store well.
    pub fn is_ready(&self) -> bool {
        self.irc.is_some() && self.store_is_up && !self.aim.is_empty() && self.aim.iter().all(Option::is_some)
    }
}

/// What has happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Visitors' lines stored.
    pub lines: u64,
    /// Visitors' lines refused in words.
    pub lines_refused: u64,
    /// Answers stored.
    pub answers: u64,
    /// Answers that the daemon has.
    pub answers_paid: u64,
    /// Instant messages handed to the links.
    pub ims_sent: u64,
    /// Of these, repeats.
    pub ims_repeated: u64,
    /// Instant messages that the server took.
    pub ims_acknowledged: u64,
    /// Instant messages that the server refused, or did not answer.
    pub ims_refused: u64,
    /// Texts of staff that were asked about instead of sent.
    pub questions: u64,
    /// Transactions that failed.
    pub store_failures: u64,
    /// Typing notices and states left out because a link was busy.
    pub left_out: u64,
}

impl Desk {
    /// Whether a status that was shown still tells rightly what is up.
    pub(crate) fn is_as_shown(&self, shown: &HubStatus) -> bool {
        let aim = self.accounts.iter().map(|account| account.up.as_ref().map(|(name, _)| name));
        shown.irc == self.irc.nick
            && shown.store_is_up != self.is_store_down()
            && shown.aim.iter().map(Option::as_ref).eq(aim)
    }

    /// How things stand; `oldest_waiting` is not filled in, it takes a look at everything that is owed.
    pub(crate) fn status(&self) -> HubStatus {
        HubStatus {
            irc: self.irc.nick.clone(),
            aim: self
                .accounts
                .iter()
                .map(|account| account.up.as_ref().map(|(name, _)| name.clone()))
                .collect(),
            store_is_up: !self.is_store_down(),
            staff_available: self.staff.iter().filter(|member| member.is_available()).count(),
            staff_in_room: self.staff_in_room(),
            open_conversations: self.book.open_count(),
            owed_to_staff: self.outbox.depth(),
            owed_to_visitors: self.answers.depth(),
            oldest_waiting: None,
            to_forget: self.redactions.left(),
            counters: self.counters,
        }
    }

    /// Since when the oldest text owed to staff waits.
    pub(crate) fn oldest_waiting(&self) -> Option<Millis> {
        self.outbox.oldest()
    }
}
