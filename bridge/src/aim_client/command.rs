//! What a person enters: text for the current conversation, or a command.

use oscar_im::ScreenName;

/// One entered line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// To the current conversation.
    Say(String),
    /// To somebody, without a look at the conversation.
    Message {
        to: ScreenName,
        text: String,
    },
    /// Look at the conversation with somebody, or at that room.
    Open(String),
    /// Forget the current conversation; a room is left.
    Close,
    /// List the conversations.
    Conversations,
    /// Show the buddy list.
    Buddies,
    Add {
        name: ScreenName,
        group: Option<String>,
    },
    Remove(ScreenName),
    /// None: no name of ours any more.
    Alias {
        name: ScreenName,
        alias: Option<String>,
    },
    /// To another group.
    Move {
        name: ScreenName,
        group: String,
    },
    Block {
        name: ScreenName,
        blocked: bool,
    },
    Authorize(ScreenName),
    Warn {
        name: ScreenName,
        anonymously: bool,
    },
    /// None: come back.
    Away(Option<String>),
    /// None: no profile.
    Profile(Option<String>),
    /// Show somebody's profile and away message.
    Info(ScreenName),
    /// Enter a room by name, making it if need be.
    Join(String),
    /// Invite somebody into the current room.
    Invite {
        name: ScreenName,
        text: Option<String>,
    },
    /// Accept the latest invitation.
    Accept,
    /// Decline it.
    Decline,
    /// Leave the current room.
    Leave,
    Help,
    Quit,
}

/// A command's name, what follows it, and what it does; in the order of `/help`.
pub(super) const COMMANDS: [(&str, &str, &str); 24] = [
    ("msg", "NAME TEXT", "send a message without opening the conversation"),
    ("open", "NAME", "open the conversation with somebody, or a room; text you enter goes there"),
    ("close", "", "close the current conversation; a room is left"),
    ("conversations", "", "list the conversations, with what is unread"),
    ("buddies", "", "show the buddy list"),
    ("add", "NAME [GROUP]", "put somebody on your buddy list"),
    ("remove", "NAME", "take somebody off it"),
    ("alias", "NAME [ALIAS]", "call a buddy by another name; without one, no longer"),
    ("move", "NAME GROUP", "put a buddy into another group"),
    ("block", "NAME", "let somebody neither see you nor write to you"),
    ("unblock", "NAME", "let them again"),
    ("authorize", "NAME", "let somebody who has asked have you on their list"),
    ("warn", "NAME [anonymously]", "warn somebody who has written to you"),
    ("away", "[TEXT]", "be away, with this message; without a text, come back"),
    ("back", "", "come back"),
    ("info", "NAME", "show somebody's profile and away message"),
    ("profile", "[TEXT]", "set your profile; without a text, have none"),
    ("join", "ROOM", "enter a chat room; it is made if there is none"),
    ("invite", "NAME [TEXT]", "invite somebody into the current room"),
    ("accept", "", "accept the latest invitation into a room"),
    ("decline", "", "decline it"),
    ("leave", "", "leave the current room"),
    ("help", "", "this list"),
    ("quit", "", "sign off and end"),
];

/// Reads a line. A name with spaces is put in quotes, or written without them, which is the same name.
///
/// # Errors
/// One sentence.
pub(super) fn parse(line: &str) -> Result<Command, String> {
    let Some(command) = line.strip_prefix('/') else { return Ok(Command::Say(line.to_owned())) };
    if command.starts_with('/') {
        return Ok(Command::Say(command.to_owned()));
    }
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let mut rest = Rest { word, text: rest.trim() };
    Ok(match word {
        "msg" => Command::Message { to: rest.name()?, text: rest.required()? },
        "open" => Command::Open(rest.required()?),
        "close" => Command::Close,
        "conversations" => Command::Conversations,
        "buddies" => Command::Buddies,
        "add" => Command::Add { name: rest.name()?, group: rest.optional() },
        "remove" => Command::Remove(rest.name()?),
        "alias" => Command::Alias { name: rest.name()?, alias: rest.optional() },
        "move" => Command::Move { name: rest.name()?, group: rest.required()? },
        "block" => Command::Block { name: rest.name()?, blocked: true },
        "unblock" => Command::Block { name: rest.name()?, blocked: false },
        "authorize" => Command::Authorize(rest.name()?),
        "warn" => {
            let name = rest.name()?;
            let anonymously = match rest.optional().as_deref() {
                None => false,
                Some("anonymously") => true,
                Some(_) => return Err(rest.usage()),
            };
            Command::Warn { name, anonymously }
        }
        "away" => Command::Away(rest.optional()),
        "back" => Command::Away(None),
        "profile" => Command::Profile(rest.optional()),
        "info" => Command::Info(rest.name()?),
        "join" => Command::Join(rest.required()?),
        "invite" => Command::Invite { name: rest.name()?, text: rest.optional() },
        "accept" => Command::Accept,
        "decline" => Command::Decline,
        "leave" => Command::Leave,
        "help" | "?" => Command::Help,
        "quit" => Command::Quit,
        _ => return Err(unknown(word)),
    })
}

/// What follows a command's word.
struct Rest<'a> {
    word: &'a str,
    text: &'a str,
}

impl Rest<'_> {
    /// The next word, or what stands in quotes, as a screen name.
    fn name(&mut self) -> Result<ScreenName, String> {
        let (name, behind) = match self.text.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
            Some(found) => found,
            None => self.text.split_once(char::is_whitespace).unwrap_or((self.text, "")),
        };
        self.text = behind.trim();
        let name = ScreenName::new(name.trim());
        if name.is_valid() { Ok(name) } else { Err(self.usage()) }
    }

    fn optional(&mut self) -> Option<String> {
        Some(self.text.to_owned()).filter(|text| !text.is_empty())
    }

    fn required(&mut self) -> Result<String, String> {
        self.optional().ok_or_else(|| self.usage())
    }

    fn usage(&self) -> String {
        let arguments = COMMANDS.iter().find(|(name, ..)| *name == self.word).map_or("", |(_, args, _)| args);
        format!("write /{} {arguments}", self.word)
    }
}

fn unknown(word: &str) -> String {
    let nearest = COMMANDS
        .iter()
        .map(|(name, ..)| (strsim::jaro_winkler(word, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, name)) => format!("there is no /{word}; did you mean /{name}? /help lists all commands"),
        None => format!("there is no /{word}; /help lists all commands"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_commands() {
        assert_eq!(parse("hello"), Ok(Command::Say("hello".into())));
        assert_eq!(parse("//etc is a folder"), Ok(Command::Say("/etc is a folder".into())));
        assert_eq!(parse("/away"), Ok(Command::Away(None)));
        assert_eq!(parse("/away  at lunch "), Ok(Command::Away(Some("at lunch".into()))));
        let hello = Command::Message { to: ScreenName::from("staff one"), text: "hello you".into() };
        assert_eq!(parse("/msg \"Staff One\" hello you"), Ok(hello.clone()));
        assert_eq!(parse("/msg staffone   hello you"), Ok(hello));
    }

    #[test]
    fn mistakes_are_answered_with_a_sentence() {
        assert_eq!(parse("/msg staff1"), Err("write /msg NAME TEXT".into()));
        assert_eq!(parse("/info"), Err("write /info NAME".into()));
        let error = parse("/budies").unwrap_err();
        assert_eq!(error, "there is no /budies; did you mean /buddies? /help lists all commands");
        assert_eq!(parse("/xyz").unwrap_err(), "there is no /xyz; /help lists all commands");
    }

    #[test]
    fn what_help_lists_is_understood() {
        for (name, arguments, _) in COMMANDS {
            let arguments = arguments.replace(['[', ']'], "");
            assert!(parse(&format!("/{name} {arguments}")).is_ok(), "{name}");
        }
    }
}
