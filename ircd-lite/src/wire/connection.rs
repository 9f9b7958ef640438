//! The name of one connection for as long as anybody may remember it: never given twice, by no run of any server.

use std::fmt;

/// Which run of a server, and which of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionName {
    /// A random number of the server's run.
    pub run: u64,
    /// Counts up.
    pub serial: u64,
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.run, self.serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word() {
        assert_eq!(ConnectionName { run: 0xa1, serial: 31 }.to_string(), "00000000000000a1-1f");
    }
}
