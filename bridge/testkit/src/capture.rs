//! OSCAR traffic of real programs: `fixtures/oscar/*.jsonl`, one file a TCP connection.

use serde::Deserialize;

/// Who sent a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Direction {
    /// The client.
    #[serde(rename = "c2s")]
    ClientToServer,
    /// The server.
    #[serde(rename = "s2c")]
    ServerToClient,
}

/// One whole FLAP frame as it was on the wire.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Who sent it.
    pub direction: Direction,
    /// Seconds since the connection opened.
    pub seconds: f64,
    /// The frame with its 6-byte header.
    pub bytes: Vec<u8>,
    /// A label for failure messages, such as `04/07 IcbmToClient`.
    pub name: String,
}

#[derive(Deserialize)]
struct Line {
    dir: Direction,
    t: f64,
    #[serde(default)]
    hex: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    partial: bool,
}

/// The names of all captures, without `.jsonl`, sorted.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(crate::path("fixtures/oscar"))
        .expect("fixtures/oscar")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// The whole frames of one capture, in the order in which they were seen.
pub fn load(name: &str) -> Vec<Captured> {
    let path = crate::path("fixtures/oscar").join(format!("{name}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| {
            serde_json::from_str::<Line>(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"))
        })
        .filter(|line| !line.partial && !line.hex.is_empty())
        .map(|line| Captured {
            direction: line.dir,
            seconds: line.t,
            bytes: unhex(&line.hex),
            name: line.name,
        })
        .collect()
}

/// The bytes that hexadecimal digits stand for.
pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "odd number of hexadecimal digits");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capture_loads_and_holds_whole_frames() {
        let names = names();
        assert_eq!(names.len(), 38);
        for name in names {
            for frame in load(&name) {
                assert_eq!(frame.bytes[0], 0x2a, "{name} {}", frame.name);
                let length = usize::from(u16::from_be_bytes([frame.bytes[4], frame.bytes[5]]));
                assert_eq!(frame.bytes.len(), 6 + length, "{name} {}", frame.name);
            }
        }
    }
}
