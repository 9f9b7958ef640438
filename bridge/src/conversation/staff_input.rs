//! What a staff member typed, line by line: who each part is for, or that it can't be told.
//!
//! Nothing here decides whom a text without label reaches; that is `routing`. What looks like a label and is none is
//! never text: better one question too many than a line to the wrong person.

/// What ends a label: the second is what keyboards for Chinese and Japanese type.
const COLONS: [char; 2] = [':', '：'];
/// What parts labels.
const COMMAS: [char; 3] = [',', '，', '、'];
/// What may stand around a name that somebody is addressed by.
const BEFORE_NAME: [char; 4] = ['@', '<', '(', '"'];
const BEHIND_NAME: [char; 18] =
    [',', ';', ':', '!', '?', '.', '>', ')', '"', '-', '…', '–', '—', '，', '、', '：', '；', '！'];

/// One part of a staff member's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `/name arguments`, and all else that begins with a slash.
    Command {
        /// Without the slash, lower case; empty where only the slash stood.
        name: String,
        /// What follows, trimmed.
        arguments: String,
    },
    /// `label: text` or `label,label: text`; every label is known. The text is empty where only the label stood.
    Addressed {
        /// As typed.
        labels: Vec<String>,
        /// Without the label.
        text: String,
    },
    /// Text without a label.
    Plain {
        /// The text.
        text: String,
    },
    /// Something before a colon that is nobody's label.
    UnknownLabel {
        /// What was taken for a label.
        label: String,
        /// Everything as typed.
        text: String,
    },
}

/// Reads a message. `is_label` tells whether somebody has this label, `is_command` whether there is such a command.
pub fn parse(message: &str, is_label: impl Fn(&str) -> bool, is_command: impl Fn(&str) -> bool) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in message.lines() {
        match read_line(line, &is_label) {
            // A path or the like on a later line is text; at the beginning a mistyped command is answered as one.
            Part::Command { name, .. }
                if !parts.is_empty() && !after_command(&parts) && !is_command(&name) =>
            {
                go_on(&mut parts, line);
            }
            Part::Plain { .. } if !parts.is_empty() => go_on(&mut parts, line),
            Part::Plain { text } if text.trim().is_empty() => {}
            part => parts.push(part),
        }
    }
    for part in &mut parts {
        if let Part::Addressed { text, .. } | Part::Plain { text } | Part::UnknownLabel { text, .. } = part {
            *text = text.trim_matches(|c: char| c.is_whitespace()).to_owned();
        }
    }
    parts
}

/// A name where somebody would be addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention<'a> {
    /// What may be a label.
    pub name: &'a str,
    /// Whether something beside it says that it is a name: `@anna`, `anna,`.
    pub marked: bool,
}

/// Whom a text without label may be meant for: its first word, and the last before a colon (`to anna: yes`).
pub fn mentions(text: &str) -> Vec<Mention<'_>> {
    let line = text.lines().next().unwrap_or_default();
    let head = line.split_once(COLONS).map(|(head, _)| head);
    let before_colon = head.and_then(|head| head.split_whitespace().next_back());
    let first = line.split_whitespace().next();
    let mut found = Vec::new();
    for (word, marked) in
        first.map(|word| (word, false)).into_iter().chain(before_colon.map(|word| (word, true)))
    {
        let bare = word.trim_start_matches(BEFORE_NAME).trim_end_matches(BEHIND_NAME);
        if bare != word {
            // A nick may end in a hyphen.
            found.push(Mention { name: word, marked });
        }
        found.push(Mention { name: bare, marked: marked || bare != word });
    }
    found
}

/// The known name most like `typed`, where one is near enough to be meant.
pub fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = super::labels::fold(typed);
    let most = (typed.chars().count() / 3).clamp(1, 3);
    known
        .map(|name| (strsim::damerau_levenshtein(&typed, &super::labels::fold(name)), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

fn after_command(parts: &[Part]) -> bool {
    matches!(parts.last(), Some(Part::Command { .. }))
}

/// A line without label belongs to the one before it; behind a command it starts anew.
fn go_on(parts: &mut Vec<Part>, line: &str) {
    match parts.last_mut() {
        Some(Part::Addressed { text, .. } | Part::Plain { text } | Part::UnknownLabel { text, .. }) => {
            text.push('\n');
            text.push_str(line.trim_end());
        }
        // A prepared answer may have several lines.
        Some(Part::Command { name, arguments }) if super::commands::takes_lines(name, arguments) => {
            arguments.push('\n');
            arguments.push_str(line.trim_end());
        }
        _ if line.trim().is_empty() => {}
        _ => parts.push(Part::Plain { text: line.trim().to_owned() }),
    }
}

fn read_line(line: &str, is_label: &impl Fn(&str) -> bool) -> Part {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix('/') {
        // Whatever follows: what was meant for us reaches no visitor.
        let rest = rest.trim_start();
        let (name, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        return Part::Command { name: name.to_lowercase(), arguments: arguments.trim().to_owned() };
    }
    read_label(line, is_label).unwrap_or_else(|| Part::Plain { text: line.to_owned() })
}

fn read_label(line: &str, is_label: &impl Fn(&str) -> bool) -> Option<Part> {
    let (head, text) = line.split_once(COLONS)?;
    let labels: Vec<String> = head.split(COMMAS).map(|label| label.trim().to_owned()).collect();
    if labels.iter().all(|label| is_label(label)) {
        return Some(Part::Addressed { labels, text: text.trim_start().to_owned() });
    }
    let one_is_known = labels.iter().any(|label| is_label(label));
    let is_list = one_is_known && labels.iter().all(|label| !label.contains(char::is_whitespace));
    let unknown = labels.into_iter().find(|label| !is_label(label))?;
    (is_list || !is_prose(head, text)).then(|| Part::UnknownLabel { label: unknown, text: line.to_owned() })
}

/// Whether this colon can't end a label: a sentence before it, a link, a time of day, a smiley.
fn is_prose(head: &str, text: &str) -> bool {
    head.is_empty()
        || head.contains(char::is_whitespace)
        || !head.contains(char::is_alphanumeric)
        || text.starts_with("//")
        || (head.chars().all(|c| c.is_ascii_digit()) && text.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(message: &str) -> Vec<Part> {
        parse(
            message,
            |label| ["anna", "bob", "bob-2", "guest-4f2a"].contains(&&*label.to_lowercase()),
            |name| ["close", "help", "list"].contains(&name),
        )
    }

    fn addressed(labels: &[&str], text: &str) -> Part {
        Part::Addressed { labels: labels.iter().map(ToString::to_string).collect(), text: text.into() }
    }

    fn plain(text: &str) -> Part {
        Part::Plain { text: text.into() }
    }

    fn unknown(label: &str, text: &str) -> Part {
        Part::UnknownLabel { label: label.into(), text: text.into() }
    }

    fn command(name: &str, arguments: &str) -> Part {
        Part::Command { name: name.into(), arguments: arguments.into() }
    }

    #[test]
    fn a_label_and_a_text() {
        assert_eq!(read("anna: hello"), [addressed(&["anna"], "hello")]);
        assert_eq!(read("ANNA:hello"), [addressed(&["ANNA"], "hello")]);
        assert_eq!(read("anna : hello"), [addressed(&["anna"], "hello")]);
        assert_eq!(read("  anna: a: b: c  "), [addressed(&["anna"], "a: b: c")]);
        assert_eq!(read("bob-2: x"), [addressed(&["bob-2"], "x")]);
        assert_eq!(read("anna:"), [addressed(&["anna"], "")]);
        assert_eq!(read("anna：hi"), [addressed(&["anna"], "hi")], "a full-width colon");
        assert_eq!(read("anna、bob：hi"), [addressed(&["anna", "bob"], "hi")]);
    }

    #[test]
    fn several_labels() {
        assert_eq!(read("anna,bob: hi"), [addressed(&["anna", "bob"], "hi")]);
        assert_eq!(read("anna, bob: hi"), [addressed(&["anna", "bob"], "hi")]);
        assert_eq!(read("anna,carl: hi"), [unknown("carl", "anna,carl: hi")], "nobody gets half of it");
        assert_eq!(read("anna, carl: hi"), [unknown("carl", "anna, carl: hi")]);
        assert_eq!(read("carl , anna : hi"), [unknown("carl", "carl , anna : hi")]);
        assert_eq!(read("anna,: hi"), [unknown("", "anna,: hi")]);
        assert_eq!(read("anna, one more thing: the price"), [plain("anna, one more thing: the price")]);
        assert_eq!(read("well, yes: that"), [plain("well, yes: that")]);
    }

    #[test]
    fn what_looks_like_a_label_and_is_none_is_asked_about() {
        assert_eq!(read("note: call me"), [unknown("note", "note: call me")]);
        assert_eq!(read("bob2: hi"), [unknown("bob2", "bob2: hi")]);
        assert_eq!(read("bob2:hi"), [unknown("bob2", "bob2:hi")]);
        assert_eq!(read("Re: order"), [unknown("Re", "Re: order")]);
        assert_eq!(read("Options:"), [unknown("Options", "Options:")]);
        assert_eq!(read("10: 30"), [unknown("10", "10: 30")]);
    }

    #[test]
    fn prose_with_a_colon_is_text() {
        for text in [
            "see https://example.com/a:b",
            "https://example.com",
            "10:30 works",
            ":)",
            ">:(",
            "your number is: 55",
            "10：30",
            "no colon at all",
        ] {
            assert_eq!(read(text), [plain(text)]);
        }
    }

    #[test]
    fn a_line_without_label_goes_on() {
        assert_eq!(
            read("anna: one\n  two\n\nthree\nbob: four"),
            [addressed(&["anna"], "one\n  two\n\nthree"), addressed(&["bob"], "four")]
        );
        assert_eq!(read("one\ntwo"), [plain("one\ntwo")]);
        assert_eq!(read("anna: one\nnote: two"), [addressed(&["anna"], "one"), unknown("note", "note: two")]);
        assert_eq!(read("note: one\ntwo"), [unknown("note", "note: one\ntwo")]);
        assert_eq!(read("\n \n"), []);
    }

    #[test]
    fn commands() {
        assert_eq!(read("/help"), [command("help", "")]);
        assert_eq!(read("/Close  anna "), [command("close", "anna")]);
        assert_eq!(read("/nonsense x"), [command("nonsense", "x")]);
        assert_eq!(read("/list\nanna: hi"), [command("list", ""), addressed(&["anna"], "hi")]);
        assert_eq!(read("anna: bye\n/close anna"), [addressed(&["anna"], "bye"), command("close", "anna")]);
        assert_eq!(read("anna: look in\n/etc/passwd"), [addressed(&["anna"], "look in\n/etc/passwd")]);
        assert_eq!(read("/list\nhello"), [command("list", ""), plain("hello")]);
        assert_eq!(read("/ list"), [command("list", "")]);
        assert_eq!(read("//etc/hosts now"), [command("/etc/hosts", "now")], "no visitor gets it");
        assert_eq!(read("/"), [command("", "")]);
        assert_eq!(read("anna: /etc/hosts"), [addressed(&["anna"], "/etc/hosts")]);
    }

    #[test]
    fn the_nearest_name() {
        let known = ["anna", "bob", "guest-4f2a"];
        assert_eq!(nearest("ana", known.into_iter()), Some("anna"));
        assert_eq!(nearest("BOB2", known.into_iter()), Some("bob"));
        assert_eq!(nearest("guest-4f2b", known.into_iter()), Some("guest-4f2a"));
        assert_eq!(nearest("note", known.into_iter()), None);
    }

    #[test]
    fn names_where_somebody_is_addressed() {
        let names = |text| mentions(text).into_iter().map(|one| (one.name, one.marked)).collect::<Vec<_>>();
        assert_eq!(names("@anna, hello"), [("@anna,", false), ("anna", true)]);
        assert_eq!(names("anna hello"), [("anna", false)]);
        assert_eq!(names("anna> hello"), [("anna>", false), ("anna", true)]);
        assert_eq!(names("to anna: hello"), [("to", false), ("anna", true)]);
        assert_eq!(names("guest-4f2a - hello"), [("guest-4f2a", false)]);
        assert_eq!(names(""), []);
    }

    proptest! {
        /// Every line stands in exactly one part, whatever was typed.
        #[test]
        fn nothing_typed_is_dropped(message in "([a-c:/ ]|anna|bob|\n){0,30}") {
            let kept: String = read(&message).into_iter().map(|part| match part {
                Part::Command { name, arguments } => format!("/{name}{arguments}"),
                Part::Addressed { labels, text } => format!("{}:{text}", labels.join(",")),
                Part::Plain { text } | Part::UnknownLabel { text, .. } => text,
            }).collect();
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&kept), letters(&message));
        }
    }
}
