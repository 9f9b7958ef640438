//! Exit statuses and the one sentence on standard error: 0 after a clean stop, 2 for a wrong command line or
//! configuration, 1 for any other failure.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// Why a program ends without having done its work, and with which status.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    sentence: String,
}

impl Failure {
    /// The command line or the configuration is wrong (status 2).
    pub fn usage(sentence: impl fmt::Display) -> Self {
        Self { status: 2, sentence: sentence.to_string() }
    }

    /// Anything else (status 1).
    pub fn runtime(sentence: impl fmt::Display) -> Self {
        Self { status: 1, sentence: sentence.to_string() }
    }

    /// The exit status, 1 or 2.
    pub fn status(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<crate::ConfigError> for Failure {
    fn from(error: crate::ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<crate::SecretError> for Failure {
    fn from(error: crate::SecretError) -> Self {
        Self::usage(error)
    }
}

/// Turns the result of a program into its exit status, saying `NAME: SENTENCE` on standard error if it failed.
pub fn report(program: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{program}: {failure}");
            ExitCode::from(failure.status())
        }
    }
}
