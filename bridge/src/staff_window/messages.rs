//! What the staff window's page and the server say to each other; `docs/protocol/staff-window.md`.

use serde::{Deserialize, Serialize};

/// From the server to the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToPage {
    State {
        state: State,
        screen_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_in: Option<u64>,
    },
    Buddies {
        buddies: Vec<Buddy>,
    },
    Presence {
        #[serde(flatten)]
        presence: Presence,
    },
    Im {
        from: String,
        text: String,
        /// Milliseconds since 1970.
        at: u64,
        auto: bool,
        offline: bool,
    },
    Typing {
        from: String,
        state: Typing,
    },
    Sent {
        id: u64,
        /// Milliseconds since 1970.
        at: u64,
    },
    Failed {
        id: u64,
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Connecting,
    Online,
    Offline,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Buddy {
    pub(super) group: String,
    #[serde(flatten)]
    pub(super) presence: Presence,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Presence {
    pub(super) name: String,
    pub(super) online: bool,
    pub(super) away: bool,
    pub(super) idle_minutes: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Typing {
    #[serde(rename = "typing")]
    Active,
    Paused,
    None,
}

/// From the page to the server. Types that we don't know are ignored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromPage {
    Im {
        id: u64,
        to: String,
        text: String,
    },
    Typing {
        to: String,
        state: Typing,
    },
    Away {
        text: Option<String>,
    },
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_look_as_documented() {
        let presence = Presence { name: "bridgebot".into(), online: true, away: false, idle_minutes: 0 };
        let text = serde_json::to_string(&ToPage::Presence { presence }).unwrap();
        assert_eq!(
            text,
            r#"{"type":"presence","name":"bridgebot","online":true,"away":false,"idle_minutes":0}"#
        );
        let text = r#"{"type":"im","id":3,"to":"bridgebot","text":"hi","later":true}"#;
        let im = FromPage::Im { id: 3, to: "bridgebot".into(), text: "hi".into() };
        assert_eq!(serde_json::from_str::<FromPage>(text).unwrap(), im);
        assert_eq!(serde_json::from_str::<FromPage>(r#"{"type":"wave","x":1}"#).unwrap(), FromPage::Unknown);
    }
}
