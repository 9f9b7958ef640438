//! What a person does at the keyboard, as far as the view knows it.

/// A key, or several at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aim_client) enum Key {
    Char(char),
    /// A character with the control key, in lower case.
    Ctrl(char),
    /// A character with the alt or meta key.
    Alt(char),
    /// From the clipboard; may hold line breaks.
    Paste(String),
    Enter,
    /// With alt: a line break in the text.
    AltEnter,
    Tab,
    Escape,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    Function(u8),
}
