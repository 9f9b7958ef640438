//! Dev-dependency only: captures and transcripts, child programs with their ready line, and real peers that a
//! test needs and a machine may lack.

pub mod capture;
pub mod child;
pub mod numbers;
pub mod peer;
pub mod wait;

use std::path::PathBuf;

/// A file or folder of this crate, such as `path("fixtures/ratbox")`.
pub fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}
