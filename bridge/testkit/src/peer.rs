//! Real programs that tests run beside ours: a test whose peer is missing says so and passes, unless
//! `BRIDGEBOT_REQUIRE_PEERS=1`, which CI sets after it installed them all.

use std::io::Write;
use std::path::PathBuf;

/// The path of `program`, or `None` after printing `skipped: no PROGRAM`.
///
/// # Panics
/// When it is missing and `BRIDGEBOT_REQUIRE_PEERS=1`.
pub fn find(program: &str) -> Option<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&search)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/lib/chromium")])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var("BRIDGEBOT_REQUIRE_PEERS").as_deref() != Ok("1"),
            "{program} is missing and BRIDGEBOT_REQUIRE_PEERS=1"
        );
        // Not by `eprintln!`: of a test that passes, the harness shows nothing that went through it.
        let _ = writeln!(std::io::stderr(), "skipped: no {program}");
    }
    found
}
