//! What is said: numbered, with the names of both ends in it, and with what a careless bridge would change.

use std::time::SystemTime;

/// Behind the number, in turn.
const TAILS: [&str; 6] = [
    "",
    " <b>bold</b> &amp; \"so\"",
    " naïve – 日本",
    " two  spaces",
    " 😀👩‍👩‍👧",
    " https://example.com/?a=1&b=2",
];
/// Answers are longer at times than an IRC line is.
const LONG: &str = " and so on";

fn tail(number: usize) -> &'static str {
    TAILS[number % TAILS.len()]
}

/// A visitor's line.
pub(crate) fn line_of(who: &str, number: usize) -> String {
    format!("<{who}> line {number}.{}", tail(number))
}

/// Whose line and which.
pub(crate) fn line(said: &str) -> Option<(String, usize)> {
    let (who, rest) = said.strip_prefix('<')?.split_once("> line ")?;
    Some((who.to_owned(), rest.split_once('.')?.0.parse().ok()?))
}

/// Whether an answer is longer than a line.
pub(crate) fn is_long(number: usize) -> bool {
    number % 7 == 3
}

/// A staff member's answer.
pub(crate) fn answer_to(staff: &str, to: &str, number: usize) -> String {
    let long = if is_long(number) { LONG.repeat(80) } else { String::new() };
    format!("<{staff} to {to}> answer {number}.{}{long}", tail(number))
}

/// By whom, to whom, and which.
pub(crate) fn answer(said: &str) -> Option<(String, String, usize)> {
    let (names, rest) = said.strip_prefix('<')?.split_once("> answer ")?;
    let (staff, to) = names.split_once(" to ")?;
    Some((staff.to_owned(), to.to_owned(), rest.split_once('.')?.0.parse().ok()?))
}

/// Whether it says that a message went to nobody.
pub(crate) fn not_stored(line: &str) -> bool {
    line.starts_with("* your message could not be stored")
}

/// From when to when lines may have been lost, in seconds since 1970.
pub(crate) fn away(line: &str) -> Option<(u64, u64)> {
    let (from, rest) = line.strip_prefix("* I was away from ")?.split_once(" to ")?;
    let (to, _) = rest.split_once(" UTC")?;
    #[allow(clippy::disallowed_methods, reason = "the words have the time of day alone")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let clock = |time: &str| {
        let time = time.rsplit(' ').next()?;
        let mut parts = time.split(':').map(|part| part.parse::<u64>().ok());
        let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
        let today = now - now % 86_400 + hours * 3600 + minutes * 60 + seconds;
        Some(if today > now + 43_200 { today - 86_400 } else { today })
    };
    Some((clock(from)?, clock(to)?))
}
