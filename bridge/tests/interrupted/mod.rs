//! How staff must see the numbered lines of one visitor, whatever interrupts the bridge.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// For the rest to arrive when everything is there again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until staff have heard all lines from 0 up to `count`: in order, and what came twice says so.
pub(crate) async fn every_line_arrives(heard: &mut mpsc::Receiver<String>, count: usize) {
    let mut first_seen = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while first_seen.len() < count {
        let text = timeout_at(deadline, heard.recv())
            .await
            .unwrap_or_else(|_| panic!("staff had {} of {count} lines: {first_seen:?}", first_seen.len()))
            .expect("the staff member is signed on");
        let again = text.ends_with(" (again)");
        for number in text.lines().filter_map(number_in) {
            if !first_seen.contains(&number) {
                first_seen.push(number);
            } else if !again {
                panic!("line {number} came twice without a mark: {text:?}");
            }
        }
    }
    assert_eq!(first_seen, (0..count).collect::<Vec<_>>());
}

/// `anna: line 7` as 7.
fn number_in(line: &str) -> Option<usize> {
    line.strip_prefix("anna: line ")?.trim_end_matches(" (again)").parse().ok()
}
