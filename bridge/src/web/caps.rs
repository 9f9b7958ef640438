//! A visitor's capability negotiation with the daemon, as seen and completed by the gateway.
//!
//! The gateway answers CHATHISTORY itself, so it offers `draft/chathistory` on every daemon, and `batch` and
//! `server-time`, which the answer needs, where the daemon has none. A request is cut in two: the daemon is asked for
//! what is its own, and one answer for both goes back. On a daemon without CAP the gateway alone answers.

use std::collections::{BTreeSet, VecDeque};

/// What the gateway can do by itself.
const OURS: [&str; 3] = ["batch", "draft/chathistory", "server-time"];
/// What makes no sense behind a gateway: the visitor's transport is not the daemon's.
const HIDDEN: [&str; 2] = ["sts", "draft/chathistory"];
const MAX_PENDING: usize = 32;
const MAX_NAMES: usize = 256;

/// The state of the negotiation.
#[derive(Debug, Default)]
pub(super) struct VisitorCaps {
    offered: BTreeSet<String>,
    enabled: BTreeSet<String>,
    /// LS went to the daemon.
    listing: bool,
    /// The daemon's own offers are known.
    listed: bool,
    /// The daemon has no CAP.
    alone: bool,
    /// Requests on their way to the daemon: our part of each.
    pending: VecDeque<Request>,
}

#[derive(Debug)]
struct Request {
    all: String,
    ours: Vec<String>,
}

/// What to do with a CAP line of the visitor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CapAction {
    /// Send these parameters to the daemon, the last one as text.
    Forward(Vec<String>),
    /// Answer with these parameters after the nick, the last one as text.
    Answer(Vec<String>),
    /// Nothing more.
    Nothing,
    /// No such subcommand.
    Unknown,
}

impl VisitorCaps {
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.enabled.contains(name)
    }

    /// Whether the daemon itself takes and gives tags on this connection.
    pub(super) fn daemon_takes_tags(&self) -> bool {
        !self.alone && self.is_on("message-tags")
    }

    pub(super) fn is_ours(&self, name: &str) -> bool {
        name == "draft/chathistory" || (OURS.contains(&name) && self.listed && !self.offered.contains(name))
    }

    /// A CAP line of the visitor, without the command.
    pub(super) fn asked(&mut self, parameters: &[&str]) -> CapAction {
        let (subcommand, rest) =
            parameters.split_first().map_or(("", parameters), |(first, rest)| (*first, rest));
        match subcommand.to_ascii_uppercase().as_str() {
            "LS" if self.alone => self.alone_list(),
            "LS" => {
                self.listing = true;
                self.offered.clear();
                let version = rest.first().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
                CapAction::Forward(
                    ["LS".to_owned()].into_iter().chain(version.map(ToString::to_string)).collect(),
                )
            }
            "LIST" if self.alone => CapAction::Answer(vec!["LIST".to_owned(), self.own_enabled()]),
            "LIST" => CapAction::Forward(vec!["LIST".to_owned()]),
            "REQ" => self.requested(&rest.join(" ")),
            "END" if self.alone => CapAction::Nothing,
            "END" => CapAction::Forward(vec!["END".to_owned()]),
            _ => CapAction::Unknown,
        }
    }

    fn requested(&mut self, names: &str) -> CapAction {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for name in names.split(' ').filter(|name| !name.is_empty()) {
            if self.is_ours(name.trim_start_matches('-')) { &mut ours } else { &mut theirs }
                .push(name.to_owned());
        }
        let all = names.trim().to_owned();
        if theirs.is_empty() {
            self.switch(&ours);
            return CapAction::Answer(vec!["ACK".to_owned(), all]);
        }
        if self.alone || self.pending.len() >= MAX_PENDING {
            return CapAction::Answer(vec!["NAK".to_owned(), all]);
        }
        let theirs = theirs.join(" ");
        self.pending.push_back(Request { all, ours });
        CapAction::Forward(vec!["REQ".to_owned(), theirs])
    }

    /// A CAP line of the daemon: the parameters after the nick. Gives those to pass on instead.
    pub(super) fn answered(&mut self, parameters: &[&str]) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let Some((subcommand, rest)) = parameters.split_first() else { return Vec::new() };
        let list = rest.last().copied().unwrap_or_default();
        let with_list = |list: String| {
            let mut words = owned(parameters);
            if rest.is_empty() {
                words.push(list);
            } else if let Some(last) = words.last_mut() {
                *last = list;
            }
            words
        };
        match subcommand.to_ascii_uppercase().as_str() {
            "LS" => {
                let more = rest.len() > 1 && rest.first() == Some(&"*");
                let names: Vec<&str> =
                    list.split(' ').filter(|token| !HIDDEN.contains(&name_of(token))).collect();
                for token in names.iter().filter(|token| !token.is_empty()) {
                    if self.offered.len() < MAX_NAMES {
                        self.offered.insert(name_of(token).to_owned());
                    }
                }
                let mut names = owned(&names);
                names.retain(|name| !name.is_empty());
                if !more {
                    self.listing = false;
                    self.listed = true;
                    names.extend(OURS.iter().filter(|name| self.is_ours(name)).map(ToString::to_string));
                }
                with_list(names.join(" "))
            }
            "LIST" if rest.first() != Some(&"*") => {
                with_list(format!("{} {}", list.trim(), self.own_enabled()).trim().to_owned())
            }
            "ACK" => {
                self.switch(&owned(&list.split(' ').filter(|name| !name.is_empty()).collect::<Vec<_>>()));
                match self.pending.pop_front() {
                    Some(request) => {
                        self.switch(&request.ours);
                        with_list(format!("{} {}", list.trim(), request.ours.join(" ")).trim().to_owned())
                    }
                    None => owned(parameters),
                }
            }
            "NAK" => match self.pending.pop_front() {
                Some(request) => with_list(request.all),
                None => owned(parameters),
            },
            "NEW" => {
                let names: Vec<&str> =
                    list.split(' ').filter(|token| !HIDDEN.contains(&name_of(token))).collect();
                with_list(names.join(" "))
            }
            "DEL" => {
                for name in list.split(' ').filter(|name| *name != "draft/chathistory") {
                    self.offered.remove(name);
                    self.enabled.remove(name);
                }
                owned(parameters)
            }
            _ => owned(parameters),
        }
    }

    /// The daemon does not know CAP. Gives the answers to what was asked so far.
    pub(super) fn unknown_to_daemon(&mut self) -> Vec<Vec<String>> {
        self.alone = true;
        let mut answers = Vec::new();
        if std::mem::take(&mut self.listing)
            && let CapAction::Answer(list) = self.alone_list()
        {
            answers.push(list);
        }
        answers.extend(self.pending.drain(..).map(|request| vec!["NAK".to_owned(), request.all]));
        answers
    }

    fn alone_list(&mut self) -> CapAction {
        self.listed = true;
        CapAction::Answer(vec!["LS".to_owned(), OURS.join(" ")])
    }

    fn own_enabled(&self) -> String {
        let ours: Vec<&str> =
            OURS.into_iter().filter(|name| self.is_on(name) && self.is_ours(name)).collect();
        ours.join(" ")
    }

    fn switch(&mut self, names: &[String]) {
        for name in names {
            match name.strip_prefix('-') {
                Some(name) => self.enabled.remove(name),
                None => self.enabled.len() < MAX_NAMES && self.enabled.insert(name.clone()),
            };
        }
    }
}

fn name_of(token: &str) -> &str {
    token.split('=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(words: &[&str]) -> CapAction {
        CapAction::Forward(words.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn one_list_and_one_answer_of_two() {
        let mut caps = VisitorCaps::default();
        assert_eq!(caps.asked(&["LS", "302"]), forward(&["LS", "302"]));
        assert_eq!(caps.answered(&["LS", "*", "sasl=PLAIN sts=port=6697"]), ["LS", "*", "sasl=PLAIN"]);
        assert_eq!(
            caps.answered(&["LS", "message-tags batch draft/chathistory=5"]),
            ["LS", "message-tags batch draft/chathistory server-time"]
        );
        assert_eq!(
            caps.asked(&["REQ", "message-tags batch draft/chathistory server-time"]),
            forward(&["REQ", "message-tags batch"])
        );
        assert!(!caps.is_on("draft/chathistory"));
        assert_eq!(
            caps.answered(&["ACK", "message-tags batch "]),
            ["ACK", "message-tags batch draft/chathistory server-time"]
        );
        assert!(caps.is_on("draft/chathistory") && caps.is_on("server-time") && caps.daemon_takes_tags());
        assert_eq!(
            caps.asked(&["REQ", "-draft/chathistory"]),
            CapAction::Answer(vec!["ACK".into(), "-draft/chathistory".into()])
        );
        assert!(!caps.is_on("draft/chathistory"));
        assert_eq!(caps.asked(&["REQ", "nonsense draft/chathistory"]), forward(&["REQ", "nonsense"]));
        assert_eq!(caps.answered(&["NAK", "nonsense"]), ["NAK", "nonsense draft/chathistory"]);
        assert_eq!(caps.asked(&["CLEAR"]), CapAction::Unknown);
        assert_eq!(caps.asked(&["END"]), forward(&["END"]));
    }

    #[test]
    fn a_daemon_without_cap_is_replaced() {
        let mut caps = VisitorCaps::default();
        caps.asked(&["LS", "302"]);
        assert_eq!(caps.unknown_to_daemon(), [["LS", "batch draft/chathistory server-time"]]);
        assert_eq!(caps.asked(&["REQ", "batch"]), CapAction::Answer(vec!["ACK".into(), "batch".into()]));
        assert_eq!(caps.asked(&["REQ", "sasl"]), CapAction::Answer(vec!["NAK".into(), "sasl".into()]));
        assert_eq!(caps.asked(&["END"]), CapAction::Nothing);
        assert!(caps.is_on("batch") && !caps.daemon_takes_tags());
    }
}
