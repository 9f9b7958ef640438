//! What a half-written word may become: a command at the beginning, else the name of somebody or of a room.

use crate::aim_client::command::COMMANDS;

/// The text with its last word completed as far as it is clear, if it can be. `names` are those that may be meant.
pub(super) fn complete(text: &str, names: &[String]) -> Option<String> {
    if let Some(command) = text.strip_prefix('/')
        && !command.contains(char::is_whitespace)
    {
        let all: Vec<String> = COMMANDS.iter().map(|(name, ..)| (*name).to_owned()).collect();
        return longest(&all, command).map(|(name, only)| format!("/{name}{}", if only { " " } else { "" }));
    }
    // Names may hold blanks; then they stand in quotes, after a command's word.
    let in_quotes = text.matches('"').count() % 2 == 1;
    let at = if in_quotes { text.rfind('"') } else { text.rfind(' ').map(|at| at + 1) }.unwrap_or(0);
    let (before, word) = text.split_at_checked(at)?;
    let word = word.trim_start_matches('"');
    if word.is_empty() {
        return None;
    }
    let (name, only) = longest(names, word)?;
    let is_command = text.starts_with('/');
    let quoted = if name.contains(' ') && is_command {
        format!("\"{name}{}", if only { "\"" } else { "" })
    } else {
        name
    };
    Some(format!("{before}{quoted}{}", if only && is_command { " " } else { "" }))
}

/// What all that begin so have in common, without respect to case, and whether there is but one.
fn longest(all: &[String], beginning: &str) -> Option<(String, bool)> {
    let lower = beginning.to_lowercase();
    let mut found = all.iter().filter(|name| name.to_lowercase().starts_with(&lower));
    let first = found.next()?;
    let mut common = first.as_str();
    let mut only = true;
    for other in found.filter(|other| *other != first) {
        only = false;
        let same = common
            .chars()
            .zip(other.chars())
            .take_while(|(one, other)| one.to_lowercase().eq(other.to_lowercase()));
        let length = same.map(|(one, _)| one.len_utf8()).sum();
        common = common.get(..length)?;
    }
    Some((common.to_owned(), only))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_names() {
        let names = ["Staff One".to_owned(), "staff2".to_owned(), "ann".to_owned()];
        let complete = |text: &str| complete(text, &names);
        assert_eq!(complete("/bud").as_deref(), Some("/buddies "));
        assert_eq!(complete("/a").as_deref(), Some("/a"));
        assert_eq!(complete("/xyz"), None);
        assert_eq!(complete("/msg an").as_deref(), Some("/msg ann "));
        assert_eq!(complete("/msg st").as_deref(), Some("/msg Staff"), "as far as it is clear");
        assert_eq!(complete("/msg \"staff o").as_deref(), Some("/msg \"Staff One\" "));
        assert_eq!(complete("ask an").as_deref(), Some("ask ann"));
        assert_eq!(complete("hello "), None);
    }
}
