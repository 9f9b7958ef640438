//! Capability negotiation (IRCv3 CAP, version 302): what the daemon offers, what we asked for, what is on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::queue::Queue;
use super::text::{Line, LineText, Word};

/// What this client makes use of. Not wanted: away-notify and setname (nothing here acts on them), multi-prefix
/// and userhost-in-names (member lists are not kept).
const WANTED: [&str; 14] = [
    "account-notify",
    "account-tag",
    "batch",
    "cap-notify",
    "chghost",
    "draft/chathistory",
    super::redact::CAPABILITY,
    "echo-message",
    "extended-join",
    super::RECEIVER,
    "labeled-response",
    "message-tags",
    "sasl",
    "server-time",
];

/// Offers beyond this many are not kept.
const MAX_OFFERS: usize = 256;

/// The state of the negotiation.
#[derive(Debug, Default)]
pub(super) struct Caps {
    offered: BTreeMap<String, String>,
    enabled: BTreeSet<String>,
    /// Asked for and neither acknowledged nor refused.
    asked: BTreeSet<String>,
    /// Asked for one by one, in this order, after a request of several was refused.
    singly: VecDeque<String>,
    listed: bool,
}

/// What a CAP line led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CapStep {
    /// More is to come, or nothing hangs on it.
    Going,
    /// The daemon has answered all we asked.
    Settled,
}

impl Caps {
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.enabled.contains(name)
    }

    pub(super) fn is_offered(&self, name: &str) -> bool {
        self.offered.contains_key(name)
    }

    /// Echoes of what we say come back, marked with the label that we gave.
    pub(super) fn has_labelled_echo(&self) -> bool {
        ["labeled-response", "batch", "echo-message", "message-tags"].iter().all(|name| self.is_on(name))
    }

    /// The daemon keeps history that can be asked for and told from what is said now.
    pub(super) fn has_history(&self) -> bool {
        ["draft/chathistory", "batch", "server-time", "message-tags"].iter().all(|name| self.is_on(name))
    }

    /// `words` are the parameters after our nick: subcommand, perhaps `*`, the list.
    pub(super) fn receive(&mut self, words: &[&str], wants_sasl: bool, queue: &mut Queue) -> CapStep {
        let (subcommand, rest) = words.split_first().map_or(("", words), |(first, rest)| (*first, rest));
        let more = rest.len() > 1 && rest.first() == Some(&"*");
        let list = rest.last().copied().unwrap_or_default();
        match subcommand.to_ascii_uppercase().as_str() {
            "LS" => {
                self.offer(list);
                if more {
                    return CapStep::Going;
                }
                self.listed = true;
                self.ask(wants_sasl, queue)
            }
            "NEW" => {
                self.offer(list);
                self.ask(wants_sasl, queue);
                CapStep::Going
            }
            "DEL" => {
                for name in list.split(' ') {
                    self.offered.remove(name);
                    self.enabled.remove(name);
                }
                CapStep::Going
            }
            "ACK" => {
                for name in list.split(' ').filter(|name| !name.is_empty()) {
                    // `~` and `=` are marks of old drafts.
                    let name = name.trim_start_matches(['~', '=']);
                    match name.strip_prefix('-') {
                        Some(off) => self.enabled.remove(off),
                        None => self.enabled.insert(name.to_owned()),
                    };
                    self.answered(name);
                }
                self.step()
            }
            "NAK" => self.refused(list, queue),
            _ => CapStep::Going,
        }
    }

    fn offer(&mut self, list: &str) {
        for token in list.split(' ').filter(|token| !token.is_empty()) {
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            if self.offered.len() < MAX_OFFERS {
                self.offered.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn ask(&mut self, wants_sasl: bool, queue: &mut Queue) -> CapStep {
        let names: Vec<&str> = WANTED
            .into_iter()
            .filter(|name| self.is_offered(name) && !self.is_on(name) && !self.asked.contains(*name))
            .filter(|name| *name != "sasl" || wants_sasl)
            .collect();
        if !names.is_empty() {
            request(&names.join(" "), queue);
        }
        self.asked.extend(names.into_iter().map(str::to_owned));
        self.step()
    }

    /// Some daemons (ratbox) know one name in a request: ask again one by one. What a refusal names may be cut or
    /// replaced by other words, so the order of our questions counts too.
    fn refused(&mut self, list: &str, queue: &mut Queue) -> CapStep {
        let named: Vec<&str> = list.split(' ').filter(|name| self.asked.contains(*name)).collect();
        if let [one] = named.as_slice() {
            let one = (*one).to_owned();
            self.answered(&one);
        } else if let Some(first) = self.singly.front().cloned() {
            self.answered(&first);
        } else if self.asked.len() > 1 {
            self.singly = self.asked.iter().cloned().collect();
            for name in &self.singly {
                request(name, queue);
            }
        } else {
            self.asked.clear();
        }
        self.step()
    }

    fn answered(&mut self, name: &str) {
        self.asked.remove(name);
        self.singly.retain(|other| other != name);
    }

    fn step(&self) -> CapStep {
        if self.listed && self.asked.is_empty() { CapStep::Settled } else { CapStep::Going }
    }
}

fn request(names: &str, queue: &mut Queue) {
    if let Some(req) = Word::new("REQ") {
        queue.control(Line::new("CAP").word(&req).trailing(&LineText::flat(names)));
    }
}
