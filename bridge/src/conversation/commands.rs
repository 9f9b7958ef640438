//! The commands that staff type. One table: name, usage, summary, reading; `/help` is made from it.

/// What a command asks for. A label left out means the conversation that a text without label would go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// All commands, or one.
    Help(Option<String>),
    /// Who is waiting, who is talking.
    List,
    /// How the bridge sees the asking person.
    WhoAmI,
    /// The last entries of a conversation.
    History {
        /// Whose.
        label: Option<String>,
        /// How many.
        entries: usize,
    },
    /// What is known about a visitor.
    Info(Option<String>),
    /// Hold a conversation.
    Claim(Option<String>),
    /// Give it back to all.
    Release(Option<String>),
    /// Give it to a colleague.
    Transfer {
        /// Which.
        label: Option<String>,
        /// A staff member's screen name.
        to: String,
    },
    /// End a conversation.
    Close(Option<String>),
    /// Refuse a visitor's lines.
    Block(Option<String>),
    /// Take them again.
    Unblock(String),
    /// Hold back what comes for me.
    Away,
    /// Give it to me.
    Back,
    /// Prepared answers.
    Canned(Canned),
    /// Into the staff room: the asking person, or a colleague.
    Invite(Option<String>),
}

/// What to do with prepared answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canned {
    /// Name them all.
    List,
    /// Keep one under a name.
    Set {
        /// The name.
        name: String,
        /// What to say.
        text: String,
    },
    /// Forget one.
    Remove(String),
    /// Say one.
    Say {
        /// Which.
        name: String,
        /// To whom.
        label: Option<String>,
    },
}

/// A row of the table.
#[derive(Debug)]
pub struct Spec {
    /// Without the slash.
    pub name: &'static str,
    /// How it is typed.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    read: fn(&str) -> Option<Command>,
}

/// Why something that began with a slash is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// No such command; the one that may be meant.
    Unknown(Option<&'static str>),
    /// Its arguments make no sense; how it is typed.
    Usage(&'static str),
}

/// All commands, in the order in which `/help` shows them.
pub const TABLE: &[Spec] = &[
    Spec {
        name: "help",
        usage: "/help [command]",
        summary: "this list",
        read: |rest| {
            let name = rest.trim_start_matches('/');
            Some(Command::Help((!name.is_empty()).then(|| name.to_lowercase())))
        },
    },
    Spec {
        name: "list",
        usage: "/list",
        summary: "open conversations and what waits",
        read: |rest| nothing(rest, Command::List),
    },
    Spec { name: "history", usage: "/history [label] [lines]", summary: "what was said", read: history },
    Spec {
        name: "info",
        usage: "/info [label]",
        summary: "about a visitor",
        read: |rest| about(rest, Command::Info),
    },
    Spec {
        name: "claim",
        usage: "/claim [label]",
        summary: "this one is mine",
        read: |rest| about(rest, Command::Claim),
    },
    Spec {
        name: "release",
        usage: "/release [label]",
        summary: "give it back to all",
        read: |rest| about(rest, Command::Release),
    },
    Spec {
        name: "transfer",
        usage: "/transfer [label] name",
        summary: "give it to a colleague",
        read: transfer,
    },
    Spec {
        name: "close",
        usage: "/close [label]",
        summary: "end a conversation",
        read: |rest| about(rest, Command::Close),
    },
    Spec {
        name: "block",
        usage: "/block [label]",
        summary: "refuse a visitor's lines",
        read: |rest| about(rest, Command::Block),
    },
    Spec {
        name: "unblock",
        usage: "/unblock label",
        summary: "take them again",
        read: |rest| {
            (!rest.contains(char::is_whitespace)).then(|| label(rest).map(Command::Unblock)).flatten()
        },
    },
    Spec {
        name: "away",
        usage: "/away",
        summary: "hold back what comes for me",
        read: |_| Some(Command::Away),
    },
    Spec {
        name: "back",
        usage: "/back",
        summary: "I am here again",
        read: |rest| nothing(rest, Command::Back),
    },
    Spec {
        name: "canned",
        usage: "/canned [name [label] | set name text | remove name]",
        summary: "prepared answers",
        read: |rest| canned(rest).map(Command::Canned),
    },
    Spec {
        name: "invite",
        usage: "/invite [name]",
        summary: "you, or a colleague, into the staff room",
        read: |rest| Some(Command::Invite((!rest.is_empty()).then(|| rest.to_owned()))),
    },
    Spec {
        name: "whoami",
        usage: "/whoami",
        summary: "how I see you",
        read: |rest| nothing(rest, Command::WhoAmI),
    },
];

/// Whether there is such a command.
pub fn is_command(name: &str) -> bool {
    find(name).is_some()
}

/// The row of a command.
pub fn find(name: &str) -> Option<&'static Spec> {
    let name = if name == "?" { "help" } else { name };
    TABLE.iter().find(|spec| spec.name == name)
}

/// Reads a command.
pub fn parse(name: &str, arguments: &str) -> Result<Command, Mistake> {
    let Some(spec) = find(name) else {
        let names = TABLE.iter().map(|spec| spec.name);
        return Err(Mistake::Unknown(super::staff_input::nearest(name, names)));
    };
    (spec.read)(arguments).ok_or(Mistake::Usage(spec.usage))
}

fn nothing(rest: &str, command: Command) -> Option<Command> {
    rest.is_empty().then_some(command)
}

/// A label may be typed with the colon that it has elsewhere.
fn label(word: &str) -> Option<String> {
    let label = word.trim_end_matches(':');
    (!label.is_empty()).then(|| label.to_owned())
}

/// A command whose only argument is a label that may be left out.
fn about(rest: &str, command: fn(Option<String>) -> Command) -> Option<Command> {
    let mut words = rest.split_whitespace();
    match (words.next(), words.next()) {
        (None, _) => Some(command(None)),
        (Some(word), None) => label(word).map(|label| command(Some(label))),
        _ => None,
    }
}

fn history(rest: &str) -> Option<Command> {
    const USUAL: usize = 10;
    const MOST: usize = 50;
    let count = |word: &str| word.parse().ok().map(|entries: usize| entries.clamp(1, MOST));
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (label, entries) = match words.as_slice() {
        [] => (None, USUAL),
        [only] => match count(only) {
            Some(entries) => (None, entries),
            None => (label(only), USUAL),
        },
        [who, entries] => (label(who), count(entries)?),
        _ => return None,
    };
    Some(Command::History { label, entries })
}

/// The colleague's name may hold spaces, so only a first word with a colon behind it, or one of two words, is a label.
fn transfer(rest: &str) -> Option<Command> {
    if let Some((who, to)) = rest.split_once(':') {
        let (who, to) = (who.trim(), to.trim());
        // Without a name the label stands where the name should: that is asked about.
        return if to.is_empty() {
            label(who).map(|to| Command::Transfer { label: None, to })
        } else {
            Some(Command::Transfer { label: label(who), to: to.to_owned() })
        };
    }
    match rest.split_once(char::is_whitespace) {
        None if rest.is_empty() => None,
        None => Some(Command::Transfer { label: None, to: rest.to_owned() }),
        Some((who, to)) => Some(Command::Transfer { label: label(who), to: to.trim().to_owned() }),
    }
}

const SET: &str = "set";
const REMOVE: &str = "remove";

/// Whether further lines without a label belong to this command.
pub fn takes_lines(name: &str, arguments: &str) -> bool {
    let first = arguments.split_whitespace().next().unwrap_or_default();
    name == "canned" && first.eq_ignore_ascii_case(SET)
}

fn canned(rest: &str) -> Option<Canned> {
    let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (first, after) = (first.to_lowercase(), after.trim());
    let words: Vec<&str> = after.split_whitespace().collect();
    match (first.as_str(), words.as_slice()) {
        ("", _) => Some(Canned::List),
        (SET, [name, _, ..]) => {
            let text = after.get(name.len()..)?.trim().to_owned();
            let name = name.to_lowercase();
            (name != SET && name != REMOVE).then_some(Canned::Set { name, text })
        }
        (REMOVE, [name]) => Some(Canned::Remove(name.to_lowercase())),
        (SET | REMOVE, _) => None,
        (_, []) => Some(Canned::Say { name: first, label: None }),
        (_, [who]) => Some(Canned::Say { name: first, label: label(who) }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_reads_its_usage() {
        assert_eq!(parse("help", ""), Ok(Command::Help(None)));
        assert_eq!(parse("?", "/List"), Ok(Command::Help(Some("list".into()))));
        assert_eq!(
            parse("history", "anna 99"),
            Ok(Command::History { label: Some("anna".into()), entries: 50 })
        );
        assert_eq!(parse("history", "3"), Ok(Command::History { label: None, entries: 3 }));
        assert_eq!(parse("close", "anna:"), Ok(Command::Close(Some("anna".into()))));
        assert_eq!(
            parse("transfer", "anna staff two"),
            Ok(Command::Transfer { label: Some("anna".into()), to: "staff two".into() })
        );
        assert_eq!(
            parse("canned", "set Hours  9 to 5, every day"),
            Ok(Command::Canned(Canned::Set { name: "hours".into(), text: "9 to 5, every day".into() }))
        );
        assert_eq!(
            parse("canned", "hours anna"),
            Ok(Command::Canned(Canned::Say { name: "hours".into(), label: Some("anna".into()) }))
        );
    }

    #[test]
    fn mistakes_name_the_way_out() {
        assert_eq!(parse("hlep", ""), Err(Mistake::Unknown(Some("help"))));
        assert_eq!(parse("xyzzy", ""), Err(Mistake::Unknown(None)));
        assert_eq!(parse("close", "anna bob"), Err(Mistake::Usage("/close [label]")));
        assert_eq!(parse("unblock", ""), Err(Mistake::Usage("/unblock label")));
        assert_eq!(parse("transfer", ""), Err(Mistake::Usage("/transfer [label] name")));
    }

    #[test]
    fn no_name_stands_twice() {
        for (index, spec) in TABLE.iter().enumerate() {
            assert!(spec.usage.starts_with(&format!("/{}", spec.name)));
            assert!(TABLE.iter().skip(index + 1).all(|other| other.name != spec.name));
        }
    }
}
