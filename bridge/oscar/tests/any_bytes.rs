//! The fuzz bodies over random bytes and over mutated captures, from a fixed seed. `OSCAR_FUZZ_ROUNDS` multiplies the
//! work: `OSCAR_FUZZ_ROUNDS=25 cargo test --release -p oscar-im --test any_bytes` is over a million frames.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers fail by them")]

#[path = "../fuzz/bodies.rs"]
mod bodies;

use testkit::capture::{Direction, load, names};

/// xorshift64*: not for secrets.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(bits).unwrap() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        // Mostly what lengths and counts break on.
        [0, 1, 2, 4, 0x2a, 0x7f, 0x80, 0xff, u8::try_from(self.below(256)).unwrap()][self.below(9)]
    }

    fn bytes(&mut self, at_most: usize) -> Vec<u8> {
        (0..self.below(at_most)).map(|_| self.byte()).collect()
    }

    /// A few bytes changed, taken out, or put in.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 if !bytes.is_empty() => bytes[at] = self.byte(),
                1 => bytes.truncate(at),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                _ => bytes.insert(at.min(bytes.len()), self.byte()),
            }
        }
        bytes
    }
}

fn rounds() -> usize {
    std::env::var("OSCAR_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

/// Every captured frame, by capture and direction.
fn corpus() -> Vec<Vec<Vec<u8>>> {
    let mut connections = Vec::new();
    for name in names() {
        for wanted in [Direction::ClientToServer, Direction::ServerToClient] {
            let frames: Vec<Vec<u8>> = load(&name)
                .into_iter()
                .filter(|captured| captured.direction == wanted && captured.bytes.len() < 4096)
                .map(|captured| captured.bytes)
                .collect();
            connections.push(frames);
        }
    }
    connections
}

#[test]
fn frames_and_bodies_from_mutated_captures() {
    let frames: Vec<Vec<u8>> = corpus().concat();
    let mut random = Random(0x05ca_1ab1_e000_0001);
    for _ in 0..20_000 * rounds() {
        let frame = &frames[random.below(frames.len())];
        let mutated = random.mutate(&frame[6..]);
        bodies::snac(&mutated);
        bodies::rate(&mutated);
        bodies::frames(&random.mutate(frame));
    }
}

#[test]
fn sessions_from_mutated_connections() {
    let connections = corpus();
    let mut random = Random(0x05ca_1ab1_e000_0002);
    for _ in 0..8 * rounds() {
        for connection in &connections {
            let mut bytes = Vec::new();
            for frame in connection {
                match random.below(12) {
                    0 => {}
                    1 => {
                        // The frame stays one: what breaks is in it.
                        let payload = random.mutate(&frame[6..]);
                        bytes.extend_from_slice(&frame[..4]);
                        bytes.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
                        bytes.extend_from_slice(&payload);
                    }
                    2 => {
                        bytes.extend_from_slice(frame);
                        bytes.extend_from_slice(frame);
                    }
                    _ => bytes.extend_from_slice(frame),
                }
            }
            bodies::session(&bytes);
        }
    }
}

#[test]
fn random_bytes() {
    let mut random = Random(0x05ca_1ab1_e000_0003);
    for _ in 0..8_000 * rounds() {
        let bytes = random.bytes(120);
        bodies::frames(&bytes);
        bodies::snac(&bytes);
        bodies::rate(&bytes);
        bodies::session(&bytes);
        bodies::text(&bytes);
    }
}

#[test]
fn tag_soup() {
    const PIECES: &[&str] = &[
        "<",
        ">",
        "&",
        ";",
        "\"",
        "'",
        "=",
        "/",
        "a",
        "<a href=",
        "</a>",
        "<br>",
        "<b",
        "&amp",
        "&#x",
        "<!--",
        "-->",
        "<p>",
        "<title>",
        "é",
        "日",
        "😀",
        "e\u{301}",
        " ",
        "\n",
        "\u{a0}",
        "\u{7}",
        "http://a.example/",
        "li",
        "<li>",
    ];
    let mut random = Random(0x05ca_1ab1_e000_0004);
    for _ in 0..4_000 * rounds() {
        let soup: String = (0..random.below(40)).map(|_| PIECES[random.below(PIECES.len())]).collect();
        let mut bytes = vec![0];
        bytes.extend_from_slice(soup.as_bytes());
        bodies::text(&bytes);
    }
}

#[test]
fn a_long_message_of_openers_is_read_in_bounded_time() {
    for piece in ["<", "<a ", "<a href=\"", "<title>", "<!--", "&", "</"] {
        let mut bytes = vec![0];
        bytes.extend(piece.bytes().cycle().take(65_000));
        bodies::text(&bytes);
    }
}
