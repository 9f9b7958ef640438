//! Every sentence that the bridge itself says. To staff each begins with `* `, which no label can; to visitors they
//! come as NOTICE or in a tag.

use std::fmt::Write as _;
use std::time::Duration;

use oscar_im::ScreenName;

use super::commands::{self, Spec, TABLE};
use super::hours::Opening;
use super::model::Millis;
use super::routing::Routing;

/// What visitors read.
pub mod visitor {
    use super::super::hours::Opening;

    /// What can be worded otherwise by the configuration.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Words {
        /// Nobody of staff is there.
        pub nobody_here: String,
        /// Somebody has come.
        pub somebody_here: String,
        /// It is outside business hours; `{opens}`, `{date}`, `{time}` tell of the next opening.
        pub outside_hours: String,
        /// An address or number was found in what the visitor wrote; `{contact}` is it.
        pub contact_noted: String,
    }

    impl Default for Words {
        fn default() -> Self {
            Self {
                nobody_here: WAITING.to_owned(),
                somebody_here: BACK.to_owned(),
                outside_hours: OUTSIDE_HOURS.to_owned(),
                contact_noted: CONTACT_NOTED.to_owned(),
            }
        }
    }

    impl Words {
        /// It is outside business hours.
        pub fn outside_hours(&self, next: Option<&Opening>) -> String {
            let opens = next.map_or_else(|| "later".to_owned(), super::opens);
            let (date, time) = next.map_or(("", ""), |next| (&next.date, &next.time));
            self.outside_hours.replace("{opens}", &opens).replace("{date}", date).replace("{time}", time)
        }

        /// The visitor can be reached there.
        pub fn contact_noted(&self, contact: &str) -> String {
            self.contact_noted.replace("{contact}", contact)
        }
    }

    /// Outside business hours.
    pub const OUTSIDE_HOURS: &str = "We are closed right now and open again {opens}. Your message is kept; leave an \
         e-mail address or a phone number if we shall reach you there.";
    /// The visitor left a way to be reached.
    pub const CONTACT_NOTED: &str = "Thank you, we have noted {contact}.";
    /// The bridge's away message on IRC outside business hours.
    pub const AWAY_CLOSED: &str = "We are closed right now; messages are kept.";
    /// Nobody of staff is signed on.
    pub const WAITING: &str =
        "Nobody is here right now. Your message is kept; the first of us to come in will read it.";
    /// Somebody has come.
    pub const BACK: &str = "Somebody is here now and has your message.";
    /// Too fast.
    pub const SLOW_DOWN: &str = "That was too fast: please wait a moment and send it again.";
    /// The visitor's lines are refused.
    pub const BLOCKED: &str = "Your messages are not being accepted.";
    /// The store does not take lines.
    pub const NOT_STORED: &str = "Your message could not be taken. Please try again in a moment.";
    /// Too many lines wait.
    pub const TOO_MANY_WAIT: &str = "Too many of your messages are waiting already. Please try again later.";
    /// Too many visitors.
    pub const TOO_MANY_VISITORS: &str = "Too many people are writing at the moment. Please try again later.";
    /// Nothing to send was left.
    pub const EMPTY: &str = "There was no text in that message.";
    /// A staff member ended the conversation.
    pub const CLOSED: &str = "This conversation was closed. Write again whenever you like.";
    /// The bridge's away message on IRC.
    pub const AWAY: &str = "Nobody is here right now; messages are kept.";
    /// The bridge stops.
    pub const QUIT: &str = "The bridge is going down for a moment.";
    /// Behind a line that is sent a second time, because it can't be known whether the first arrived.
    pub const AGAIN: &str = " (again)";
}

/// Behind an instant message that is sent a second time, because it can't be known whether the first arrived.
pub const AGAIN: &str = " (again)";

/// What somebody of staff reads who is invited into the staff room.
pub const INVITATION: &str = "The staff room: visitors' lines come here, and you answer here.";

/// A visitor's line as staff see it.
pub fn line(label: &str, text: &str) -> String {
    format!("{label}: {text}")
}

/// To somebody who is not staff.
pub fn stranger() -> String {
    own("This is a customer service account; it can't talk with you.")
}

/// What is known of a visitor at the first line; nothing where nothing is.
pub fn first_line(label: &str, page: Option<&str>, language: Option<&str>) -> Option<String> {
    Some(own(&match (page, language) {
        (Some(page), Some(language)) => format!("{label} writes from {page}, language {language}"),
        (Some(page), None) => format!("{label} writes from {page}"),
        (None, Some(language)) => format!("the language of {label} is {language}"),
        (None, None) => return None,
    }))
}

/// A visitor wrote outside business hours.
pub fn left_while_closed(label: &str, at: Millis) -> String {
    own(&format!("{label} wrote while we were closed, {} UTC", Stamp(at)))
}

/// A visitor wrote while nobody was there.
pub fn left_while_away(label: &str, at: Millis) -> String {
    own(&format!("{label} wrote while nobody was here, {} UTC", Stamp(at)))
}

/// A visitor left a way to be reached.
pub fn contact(label: &str, contact: &str) -> String {
    own(&format!("{label} can be reached at {contact}"))
}

/// When people come next, as part of a sentence.
fn opens(next: &Opening) -> String {
    let Opening { days, weekday, date, time, zone } = next;
    match days {
        0 => format!("today at {time} ({zone})"),
        1 => format!("tomorrow at {time} ({zone})"),
        2..=6 => format!("on {weekday} at {time} ({zone})"),
        _ => format!("on {weekday}, {date}, at {time} ({zone})"),
    }
}

/// A colleague answered.
pub fn answered(who: &ScreenName, label: &str, text: &str) -> String {
    let text = text.replace('\n', " / ");
    own(&format!("{who} to {label}: {text}"))
}

/// In claim routing: a visitor nobody has yet.
pub fn unclaimed(label: &str) -> String {
    own(&format!("{label} is new: whoever answers first has the conversation"))
}

/// Who holds a conversation now.
pub fn claimed(who: &ScreenName, label: &str) -> String {
    own(&format!("{who} has {label} now"))
}

/// The asking person holds it now.
pub fn claimed_by_you(label: &str) -> String {
    own(&format!("{label} is yours now; /release {label} gives it back"))
}

/// It belongs to nobody again.
pub fn released(label: &str, why: &Release) -> String {
    own(&match why {
        Release::ByCommand(Routing::Claim) => {
            format!("{label} is free again: whoever answers has the conversation")
        }
        Release::ByCommand(Routing::Broadcast) => format!("{label} is free again: everybody gets the lines"),
        Release::SignedOff(who) => format!("{label} is free again, {who} has signed off"),
        Release::Away(who) => format!("{label} is free again, {who} is away"),
        Release::Idle(who) => format!("{label} is free again, {who} has not answered for a while"),
    })
}

/// Why a conversation is nobody's again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// Somebody typed `/release`.
    ByCommand(Routing),
    /// Its holder went.
    SignedOff(ScreenName),
    /// Its holder typed `/away`.
    Away(ScreenName),
    /// Its holder did nothing.
    Idle(ScreenName),
}

/// A colleague gave it over.
pub fn transferred(from: &ScreenName, label: &str) -> String {
    own(&format!("{from} has given {label} to you"))
}

/// A department has it now.
pub fn for_department(department: &str, label: &str) -> String {
    own(&format!("{label} is for {department} now"))
}

/// A colleague gave it over to a department.
pub fn transferred_to(from: &ScreenName, department: &str, label: &str) -> String {
    own(&format!("{from} has given {label} to {department}"))
}

/// Somebody who is not on the list came into the staff room.
pub fn stranger_in_room(who: &ScreenName) -> String {
    own(&format!(
        "{who} is in the staff room and not on the staff list: I say nothing there until they are gone"
    ))
}

/// `/invite` without a room.
pub fn no_room() -> String {
    own("there is no staff room now; invite me into one, or have one set by room in [staff]")
}

/// `/invite` of somebody who is in.
pub fn in_room_already(who: &ScreenName) -> String {
    own(&format!("{who} is in the staff room already"))
}

/// `/invite` of somebody who is away.
pub fn not_signed_on(who: &ScreenName) -> String {
    own(&format!("{who} is not signed on"))
}

/// `/invite`.
pub fn invited(who: &ScreenName) -> String {
    own(&format!("an invitation into the staff room is on its way to {who}"))
}

/// The staff room in `/list`.
pub fn room(present: &std::collections::BTreeSet<ScreenName>, waiting: usize) -> String {
    let names: Vec<&str> = present.iter().map(ScreenName::as_str).collect();
    let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    own(&format!("in the staff room: {names}; {} for it", count(waiting, "line waits", "lines wait")))
}

/// Somebody else has it.
pub fn held_by(who: &ScreenName, label: &str) -> String {
    own(&format!("{who} has {label}; /claim {label} takes it over"))
}

/// Nobody holds it.
pub fn not_held(label: &str) -> String {
    own(&format!("nobody has claimed {label}"))
}

/// A label that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nearest {
    /// By somebody who mistyped it.
    Meant(String),
    /// Other characters that look the same.
    LooksLike(String),
    /// No label is near.
    None,
}

/// What came to nothing because of a label that nobody has.
#[derive(Debug, Clone, Copy)]
pub enum Kept<'a> {
    /// A text.
    Text(&'a str),
    /// A command as typed.
    Command(&'a str),
}

/// A label that nobody has.
pub fn unknown_label(label: &str, nearest: &Nearest, kept: &Kept<'_>) -> String {
    let what = match (label, nearest) {
        ("", _) => "a label is missing;".to_owned(),
        (_, Nearest::LooksLike(alike)) => format!("{label} only looks like {alike};"),
        (_, Nearest::Meant(nearest)) => format!("nobody is called {label}, did you mean {nearest}?"),
        (_, Nearest::None) => format!("nobody is called {label};"),
    };
    own(&match kept {
        Kept::Text(text) => format!("{what} not sent: \"{}\"", excerpt(text)),
        Kept::Command(typed) => format!("{what} not done: \"{}\"", excerpt(typed)),
    })
}

/// Whom is it for?
pub fn which(labels: &[String], text: &str) -> String {
    let names = some_of(labels);
    let example = labels.first().map_or("anna", String::as_str);
    own(&format!("is that for {names}? Type \"{example}:\" and I send it there: \"{}\"", excerpt(text)))
}

/// Whom is a command about?
pub fn which_for_command(typed: &str, labels: &[String]) -> String {
    own(&format!("{typed} whom: {}?", some_of(labels)))
}

/// How a visitor is told from others.
pub fn known_by(kind: Option<&str>) -> &'static str {
    match kind {
        Some("session") => "the browser's session",
        Some("account") => "the IRC account",
        Some("connection") => "the IRC connection",
        Some("nick") => "the nick alone",
        _ => "nothing any more",
    }
}

/// Nobody to talk to.
pub fn nobody_to_answer(text: &str) -> String {
    own(&format!("there is no open conversation, so this went to nobody: \"{}\"", excerpt(text)))
}

/// In the staff room only lines with a label go to visitors.
pub fn stays_in_room(label: &str, text: &str) -> String {
    own(&format!(
        "in the room only lines with a label go to visitors; this stayed among you: \"{}\" (\"{label}:\" sends it)",
        excerpt(text)
    ))
}

/// A label alone, and nothing that waits for one.
pub fn nothing_to_send(label: &str) -> String {
    own(&format!("there is no text to send to {label}"))
}

/// A text over the bound.
pub fn too_long(most: usize) -> String {
    own(&format!("that is longer than {most} characters and was not sent; please send it in parts"))
}

/// Too many answers wait for this visitor.
pub fn too_many_wait(label: &str) -> String {
    own(&format!("too many answers wait for {label} already; this one was not taken"))
}

/// The visitor isn't there to get the answer.
pub fn visitor_away(label: &str) -> String {
    own(&format!("{label} is away from the page; your line waits"))
}

/// The daemon refuses to pass the answer on.
pub fn visitor_unreachable(label: &str, why: &str) -> String {
    own(&format!("{label} can't be reached now ({why}); your line waits"))
}

/// The store refused a staff member's message.
pub fn not_stored() -> String {
    own("your message could not be stored and went to nobody; please send it again")
}

/// The same, of a message that came some time ago.
pub fn not_stored_at(at: Millis) -> String {
    let at = Clock(at, at);
    own(&format!("your message could not be stored (at {at} UTC) and went to nobody; please send it again"))
}

/// The AIM session was gone.
pub fn was_away(from: Millis, to: Millis) -> String {
    // Whole seconds that have all of it.
    let to = to.after(Duration::from_millis(999));
    let (from, to) = (Clock(from, to), Clock(to, from));
    own(&format!("I was away from {from} to {to} UTC; lines you sent me in that time may not have arrived"))
}

/// A colleague can't get what is for them.
pub fn colleague_refused(who: &ScreenName, why: &str) -> String {
    own(&format!("the AIM server refuses what is for {who}: {why}"))
}

/// Lines for a person who was away a long time were left out.
pub fn left_out(label: &str) -> String {
    own(&format!("earlier lines of {label} were left out here; /history {label} 50 shows the last"))
}

/// Something that looks like another bridge's own line.
pub fn looks_automatic() -> String {
    own("lines that begin with \"* \" are taken for a program's and not sent")
}

/// `/help`.
pub fn help() -> String {
    let commands = TABLE.iter().map(|spec| format!("* {} - {}", spec.usage, spec.summary));
    let intro = own("\"label: text\" answers a visitor, \"anna,bob: text\" several, text alone the last one");
    std::iter::once(intro).chain(commands).collect::<Vec<_>>().join("\n")
}

/// `/help command`.
pub fn help_for(spec: &Spec) -> String {
    own(&format!("{} - {}", spec.usage, spec.summary))
}

/// A command that is none.
pub fn mistake(name: &str, mistake: commands::Mistake) -> String {
    own(&match mistake {
        commands::Mistake::Unknown(Some(nearest)) => {
            format!("there is no /{}; did you mean /{nearest}?", excerpt(name))
        }
        commands::Mistake::Unknown(None) => {
            format!("there is no /{}; /help lists the commands", excerpt(name))
        }
        commands::Mistake::Usage(usage) => format!("that is typed {usage}"),
    })
}

/// What is asked about again and again.
pub fn no_more_answers() -> String {
    own("I take this for an automatic reply and answer no more like it; /help lists what I understand")
}

/// `/transfer` of somebody to nobody.
pub fn transfer_to_whom(label: &str) -> String {
    own(&format!("to whom shall {label} go? That is typed /transfer {label} name"))
}

/// `/transfer` with its words in the wrong order.
pub fn transfer_turned_round(who: &ScreenName, label: &str) -> String {
    own(&format!("{who} is a colleague; did you mean /transfer {label} {who}?"))
}

/// No such colleague.
pub fn not_listed(name: &str, nearest: Option<&str>) -> String {
    let meant = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
    own(&format!("{} is not on the staff list{meant}", excerpt(name)))
}

/// `/whoami`.
pub fn whoami(who: &ScreenName, away: bool, holds: &[String]) -> String {
    let state = if away { "away by /away" } else { "here" };
    let holds = if holds.is_empty() { String::new() } else { format!(", holding {}", holds.join(", ")) };
    own(&format!("you are {who}, staff, {state}{holds}"))
}

/// `/away`.
pub fn away() -> String {
    own("what comes for you waits until /back")
}

/// `/back`.
pub fn back(waiting: usize) -> String {
    match waiting {
        0 => own("welcome back; nothing waits for you"),
        waiting => own(&format!("welcome back; {} for you", count(waiting, "line waits", "lines wait"))),
    }
}

/// A conversation was closed.
pub fn closed(label: &str) -> String {
    own(&format!("{label} is closed; a new line of theirs opens it again"))
}

/// A colleague closed it.
pub fn closed_by(who: &ScreenName, label: &str) -> String {
    own(&format!("{who} has closed {label}"))
}

/// `/block` and `/unblock`.
pub fn blocked(label: &str, blocked: bool) -> String {
    own(&if blocked {
        format!("lines of {label} are refused from now on; /unblock {label} takes them again")
    } else {
        format!("lines of {label} are taken again")
    })
}

/// No such colleague or department.
pub fn unknown_colleague(name: &str, nearest: Option<&str>) -> String {
    let meant = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
    own(&format!("{} is neither on the staff list nor a department{meant}", excerpt(name)))
}

/// One conversation in `/list`.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its label.
    pub label: String,
    /// Who holds it.
    pub holder: Option<ScreenName>,
    /// Whose it is.
    pub department: Option<String>,
    /// How long ago somebody spoke.
    pub quiet: Duration,
    /// The visitor's lines that no AIM server has acknowledged.
    pub untaken: usize,
    /// Answers that wait for the visitor.
    pub owed: usize,
}

/// `/list`.
pub fn list(shown: &[Listed], open: usize, waiting: usize) -> String {
    if open == 0 {
        return own("no conversation is open");
    }
    let mut lines = vec![own(&format!(
        "{}, {} for you",
        count(open, "open conversation", "open conversations"),
        count(waiting, "line waits", "lines wait")
    ))];
    lines.extend(shown.iter().map(|one| {
        let mut line = format!("* {} - {} ago", one.label, duration(one.quiet));
        if let Some(holder) = &one.holder {
            let _ = write!(line, ", {holder} has it");
        }
        if let Some(department) = &one.department {
            let _ = write!(line, ", for {department}");
        }
        if one.untaken > 0 {
            let _ = write!(line, ", {} for staff", count(one.untaken, "line waits", "lines wait"));
        }
        if one.owed > 0 {
            let _ = write!(line, ", {} for the visitor", count(one.owed, "answer waits", "answers wait"));
        }
        line
    }));
    if let Some(more) = open.checked_sub(shown.len()).filter(|more| *more > 0) {
        lines.push(own(&format!("and {more} more")));
    }
    lines.join("\n")
}

/// What waits for colleagues who are not there, in `/list`.
pub fn absent(waiting: &[(&str, usize)]) -> Option<String> {
    const SHOWN: usize = 10;
    let names = waiting.iter().take(SHOWN);
    let mut names: Vec<String> = names
        .map(|(name, waiting)| format!("{name} ({})", count(*waiting, "line waits", "lines wait")))
        .collect();
    let more = waiting.len().saturating_sub(SHOWN);
    names.extend((more > 0).then(|| format!("and {more} more")));
    (!names.is_empty()).then(|| own(&format!("not here: {}", names.join(", "))))
}

/// `/info`.
#[derive(Debug, Clone)]
pub struct Info {
    /// Its label.
    pub label: String,
    /// The visitor's nick, where they are now.
    pub nick: Option<String>,
    /// The page they write from.
    pub page: Option<String>,
    /// What their browser asks for.
    pub language: Option<String>,
    /// How they can be reached elsewhere.
    pub contact: Option<String>,
    /// Whose it is.
    pub department: Option<String>,
    /// How the visitor is known.
    pub known_by: &'static str,
    /// When the conversation began.
    pub opened_at: Millis,
    /// Entries so far.
    pub entries: u64,
    /// Who holds it.
    pub holder: Option<ScreenName>,
    /// Whether it is closed.
    pub closed: bool,
    /// Whether the visitor's lines are refused.
    pub blocked: bool,
}

/// `/info`.
pub fn info(info: &Info) -> String {
    let mut facts = vec![format!("{} is known by {}", info.label, info.known_by)];
    facts.push(
        info.nick.as_ref().map_or_else(|| "not there now".to_owned(), |nick| format!("there as {nick}")),
    );
    facts.extend(info.page.as_ref().map(|page| format!("writes from {page}")));
    facts.extend(info.language.as_ref().map(|language| format!("language {language}")));
    facts.extend(info.contact.as_ref().map(|contact| format!("can be reached at {contact}")));
    facts.extend(info.department.as_ref().map(|department| format!("for {department}")));
    facts.push(format!("since {} UTC", Stamp(info.opened_at)));
    facts.push(count(usize::try_from(info.entries).unwrap_or(usize::MAX), "line", "lines"));
    facts.extend(info.holder.as_ref().map(|holder| format!("{holder} has the conversation")));
    facts.extend(info.closed.then(|| "closed".to_owned()));
    facts.extend(info.blocked.then(|| "blocked".to_owned()));
    own(&facts.join(", "))
}

/// One entry in `/history`: when, who, what.
pub type Said = (Millis, Option<ScreenName>, String);

/// `/history`.
pub fn history(label: &str, entries: &[Said]) -> String {
    if entries.is_empty() {
        return own(&format!("nothing was said by {label} or to {label} yet"));
    }
    let lines = entries.iter().map(|(at, staff, text)| {
        let text = text.replace('\n', " / ");
        match staff {
            None => format!("* {} {label}: {text}", Stamp(*at)),
            Some(staff) => format!("* {} {staff} to {label}: {text}", Stamp(*at)),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `/history` when the store does not answer.
pub fn no_history() -> String {
    own("the store did not answer; please ask again")
}

/// `/canned`.
pub fn canned_list(names: &[&str]) -> String {
    if names.is_empty() {
        return own("no prepared answers yet; /canned set name text keeps one");
    }
    own(&format!("prepared answers: {}", names.join(", ")))
}

/// A prepared answer was kept.
pub fn canned_set(name: &str) -> String {
    own(&format!("kept; /canned {name} says it"))
}

/// A prepared answer was forgotten.
pub fn canned_removed(name: &str) -> String {
    own(&format!("{name} is forgotten"))
}

/// No such prepared answer, or no room for another.
pub fn canned_unknown(name: &str, nearest: Option<&str>) -> String {
    let meant = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
    own(&format!("there is no prepared answer {}{meant}", excerpt(name)))
}

/// The table of prepared answers is full.
pub fn canned_full(most: usize) -> String {
    own(&format!("there are {most} prepared answers already; remove one first"))
}

/// A line of the bridge itself.
fn own(sentence: &str) -> String {
    format!("* {sentence}")
}

/// Enough of a text to recognise it, on one line.
fn excerpt(text: &str) -> String {
    const MOST: usize = 200;
    let flat = text.replace('\n', " / ");
    if flat.chars().count() <= MOST {
        return flat;
    }
    flat.chars().take(MOST).chain(['…']).collect()
}

fn some_of(labels: &[String]) -> String {
    const MOST: usize = 4;
    match labels {
        [one] => one.clone(),
        [several @ .., last] if labels.len() <= MOST => format!("{} or {last}", several.join(", ")),
        many => format!("{} or another", many.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ")),
    }
}

fn count(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}

fn duration(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A time of day, with the date where the other moment lies on another day.
struct Clock(Millis, Millis);

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DAY: u64 = 86_400_000;
        if self.0.0 / DAY != self.1.0 / DAY {
            let (year, month, day) = date(self.0);
            write!(f, "{year:04}-{month:02}-{day:02} ")?;
        }
        let seconds = self.0.0 % DAY / 1000;
        write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

/// Date and minute, UTC.
pub struct Stamp(pub Millis);

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = date(self.0);
        let minutes = self.0.0 % 86_400_000 / 60_000;
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The Gregorian date: days since 1970-01-01 counted in eras of 400 years that begin on 1 March.
fn date(at: Millis) -> (u64, u64, u64) {
    let days = at.0 / 86_400_000 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_ours_begins_with_a_star() {
        let all = [
            stranger(),
            first_line("anna", Some("shop.example/prices"), Some("de")).unwrap(),
            left_while_closed("anna", Millis(0)),
            contact("anna", "anna@example.org"),
            answered(&"staff1".into(), "anna", "one\ntwo"),
            unclaimed("anna"),
            claimed(&"staff1".into(), "anna"),
            released("anna", &Release::Idle("staff1".into())),
            unknown_label("note", &Nearest::None, &Kept::Text("note: call\nme")),
            which(&["anna".into(), "bob".into()], "hello\nthere"),
            was_away(Millis(0), Millis(9000)),
            help(),
            list(&[], 3, 1),
            history(
                "anna",
                &[(Millis(0), None, "a\nb".into()), (Millis(0), Some("staff1".into()), "c".into())],
            ),
            mistake("x", commands::Mistake::Unknown(None)),
            whoami(&"staff1".into(), false, &[]),
            looks_automatic(),
            stays_in_room("anna", "hi"),
        ];
        for text in all {
            assert!(text.lines().all(|line| line.starts_with("* ")), "{text}");
        }
    }

    #[test]
    fn questions_say_what_to_type() {
        assert_eq!(
            unknown_label("ana", &Nearest::Meant("anna".into()), &Kept::Text("ana: hi")),
            "* nobody is called ana, did you mean anna? not sent: \"ana: hi\""
        );
        assert_eq!(
            unknown_label("note", &Nearest::None, &Kept::Text("note: hi")),
            "* nobody is called note; not sent: \"note: hi\""
        );
        assert_eq!(
            which(&["anna".into(), "bob".into()], "hi"),
            "* is that for anna or bob? Type \"anna:\" and I send it there: \"hi\""
        );
        let many: Vec<String> = ["a", "b", "c", "d", "e"].map(String::from).to_vec();
        assert!(which(&many, "hi").contains("a, b, c, d or another"));
    }

    #[test]
    fn dates_are_right() {
        let stamp = |seconds: u64| Stamp(Millis(seconds * 1000)).to_string();
        assert_eq!(stamp(0), "1970-01-01 00:00");
        assert_eq!(stamp(951_782_400), "2000-02-29 00:00");
        assert_eq!(stamp(1_795_391_999), "2026-11-22 23:59");
        assert!(was_away(Millis(43_390_000), Millis(43_399_000)).contains("from 12:03:10 to 12:03:19 UTC"));
        assert!(
            was_away(Millis(0), Millis(90_000_000))
                .contains("from 1970-01-01 00:00:00 to 1970-01-02 01:00:00")
        );
    }
}
