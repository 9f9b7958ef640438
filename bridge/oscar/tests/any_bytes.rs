//! The fuzz bodies over random bytes and over mutated captures, from a fixed seed. `OSCAR_FUZZ_ROUNDS` multiplies the
//! work: `OSCAR_FUZZ_ROUNDS=25 cargo test --release -p oscar-im --test any_bytes` is over a million inputs.
//! `OSCAR_FUZZ_CORPUS=DIR` has the captures written there, a folder for each target, for a fuzzer to start from.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers fail by them")]

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

use bodies::TARGETS;
use oscar_im::foodgroup::{Body, FoodGroup};
use oscar_im::wire::Snac;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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

/// One side of a captured connection: its frames.
type Connection = Vec<Vec<u8>>;

/// Every captured frame, by capture and direction.
fn connections() -> Vec<Connection> {
    let mut connections = Vec::new();
    for name in names() {
        for wanted in [Direction::ClientToServer, Direction::ServerToClient] {
            let frames = load(&name)
                .into_iter()
                .filter(|captured| captured.direction == wanted && captured.bytes.len() < 4096)
                .map(|captured| captured.bytes);
            connections.push(frames.collect());
        }
    }
    connections
}

/// What is captured, in the form that a target takes.
fn seeds(target: &str, connections: &[Connection]) -> Vec<Vec<u8>> {
    let payloads = || connections.iter().flatten().map(|frame| frame[6..].to_vec());
    let snacs = || {
        let data = connections.iter().flatten().filter(|frame| frame[1] == 2);
        data.filter_map(|frame| Snac::decode(&frame[6..]).ok())
    };
    let of_group = |name: &str| {
        let group = GROUPS.iter().find(|(known, _)| *known == name)?.1;
        let bodies = snacs().filter(move |snac| snac.group == group);
        Some(bodies.map(|snac| [&[low(snac.subgroup)], snac.body.as_slice()].concat()).collect())
    };
    if let Some(bodies) = of_group(target) {
        return bodies;
    }
    match target {
        "flap" => connections.iter().flatten().cloned().collect(),
        "snac" | "sign_on_frame" => payloads().collect(),
        "sign_on" | "session" | "service" => connections.iter().map(|frames| frames.concat()).collect(),
        "online" => connections
            .iter()
            .map(|frames| frames.iter().flat_map(|frame| as_step(frame)).collect())
            .collect(),
        "room" => {
            let said = snacs().filter(|snac| snac.group == FoodGroup::Chat);
            said.map(|snac| [&[low(snac.subgroup), low(snac.body.len())], snac.body.as_slice()].concat())
                .collect()
        }
        "rate_params" | "rate" => {
            let mut rates: Vec<Vec<u8>> = snacs()
                .filter(|snac| snac.group == FoodGroup::Oservice && [7, 0x0a].contains(&snac.subgroup))
                .map(|snac| snac.body)
                .collect();
            let classes: Vec<Vec<u8>> = rates.iter().map(|body| body[2..].to_vec()).collect();
            rates.extend(classes);
            rates
        }
        // What a message holds; for other parts of bodies, any body.
        "im_data" | "rendezvous" | "icq_message" | "charset" | "html" | "message" | "split" => snacs()
            .filter_map(|snac| match Body::decode(&snac).ok()? {
                Body::ImToHost(im) => Some(im.tlvs),
                Body::ImToClient(im) => Some(im.tlvs),
                _ => None,
            })
            .flat_map(|tlvs| tlvs.0)
            .map(|tlv| tlv.value)
            .collect(),
        _ => snacs().map(|snac| snac.body).collect(),
    }
}

const GROUPS: &[(&str, FoodGroup)] = &[
    ("oservice", FoodGroup::Oservice),
    ("locate", FoodGroup::Locate),
    ("buddy", FoodGroup::Buddy),
    ("icbm", FoodGroup::Icbm),
    ("pd", FoodGroup::Pd),
    ("stats", FoodGroup::Stats),
    ("chat_nav", FoodGroup::ChatNav),
    ("chat", FoodGroup::Chat),
    ("feedbag", FoodGroup::Feedbag),
    ("icq", FoodGroup::Icq),
    ("bucp", FoodGroup::Bucp),
    ("alert", FoodGroup::Alert),
];

/// A captured frame as a step of the target `online`.
fn as_step(frame: &[u8]) -> Vec<u8> {
    let body_length = frame.len().saturating_sub(16);
    if frame[1] != 2 || body_length > 255 {
        return vec![0xf0];
    }
    let groups = [1, 2, 3, 4, 9, 0x0b, 0x0d, 0x0e, 0x10, 0x13, 0x15, 0x17, 0x18];
    let group = groups.iter().position(|group| *group == frame[7]).unwrap_or(groups.len());
    [&[low(group), frame[9], 0, frame[11], low(body_length)], &frame[16..]].concat()
}

fn low(number: impl Into<usize>) -> u8 {
    number.into().to_le_bytes()[0]
}

fn runs_of(target: &str) -> usize {
    let dear = ["sign_on", "session", "online", "service", "room"].contains(&target);
    rounds() * if dear { 150 } else { 1_500 }
}

#[test]
fn mutated_captures() {
    let connections = connections();
    let mut random = Random(0x05ca_1ab1_e000_0001);
    for (name, target) in TARGETS {
        let seeds = seeds(name, &connections);
        for seed in &seeds {
            target(seed);
        }
        if seeds.is_empty() {
            continue; // icons were not captured
        }
        for _ in 0..runs_of(name) {
            let seed = &seeds[random.below(seeds.len())];
            target(&random.mutate(seed));
        }
    }
}

#[test]
fn random_bytes() {
    let mut random = Random(0x05ca_1ab1_e000_0003);
    for (name, target) in TARGETS {
        for _ in 0..runs_of(name) {
            target(&random.bytes(120));
        }
    }
}

#[test]
fn sessions_from_mutated_connections() {
    let connections = connections();
    let mut random = Random(0x05ca_1ab1_e000_0002);
    for _ in 0..4 * rounds() {
        for connection in &connections {
            let mut bytes = Vec::new();
            let mut steps = Vec::new();
            for frame in connection {
                let times = [0, 1, 1, 1, 1, 1, 1, 2][random.below(8)];
                // The frame stays one: what breaks is in it.
                let payload =
                    if random.below(8) == 0 { random.mutate(&frame[6..]) } else { frame[6..].to_vec() };
                let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
                let frame = [&frame[..4], &length, &payload].concat();
                for _ in 0..times {
                    bytes.extend_from_slice(&frame);
                    steps.extend(if frame.len() < 16 { vec![0xe0] } else { as_step(&frame) });
                }
            }
            bodies::session(&bytes);
            bodies::service(&bytes);
            bodies::sign_on(&bytes);
            bodies::online(&steps);
        }
    }
}

#[test]
fn every_decoder_has_a_target_and_every_target_is_one() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems(&here.join("fuzz/fuzz_targets")), targets);
    let manifest = std::fs::read_to_string(here.join("fuzz/Cargo.toml")).unwrap();
    let stated = manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let stated: BTreeSet<String> =
        stated.filter(|name| *name != "oscar-im-fuzz").map(str::to_owned).collect();
    assert_eq!(stated, targets);

    // A food group's file has a target of its name, which reads whatever stands in the table of bodies.
    let groups = stems(&here.join("src/foodgroup"));
    let table = std::fs::read_to_string(here.join("src/foodgroup/mod.rs")).unwrap();
    for group in groups.iter().filter(|name| *name != "mod") {
        assert!(targets.contains(group), "food group {group} has no target");
    }
    // What else is read from bytes is named in a target, or is a body in that table.
    let bodies: String = files(&here.join("fuzz/bodies"))
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect();
    for file in files(&here.join("src/foodgroup")).iter().chain(&files(&here.join("src/wire"))) {
        let source = std::fs::read_to_string(file).unwrap();
        let group = file.file_stem().unwrap().to_str().unwrap();
        for decoder in decoders(&source) {
            let word = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == decoder);
            let in_table = table.contains(&format!("({group}::{decoder})"));
            let inside_another = [
                "Tlv",
                "FoodGroup",
                "RateMembers",
                "RateMember",
                "GroupVersion",
                "ToolVersion",
                "MissedCall",
                "SnacError",
            ];
            assert!(
                in_table || word(&bodies) || inside_another.contains(&decoder),
                "{decoder} of {} has no target",
                file.display()
            );
        }
    }
}

/// The types of a source file that are read from bytes.
fn decoders(source: &str) -> impl Iterator<Item = &str> {
    let written = source.lines().filter_map(|line| line.strip_prefix("impl Wire for ")?.split(' ').next());
    let starts = ["wire_struct! {", "snac_body! {"];
    let made = source.split("\n}\n").filter_map(move |item| {
        let item = item.rsplit_once("\n\n").map_or(item, |(_, last)| last);
        starts.iter().any(|start| item.trim_start().starts_with(start)).then_some(item)?;
        item.split_once("pub struct ")?.1.split([' ', '{']).next()
    });
    written.chain(made).filter(|name| name.starts_with(char::is_uppercase))
}

fn stems(folder: &Path) -> BTreeSet<String> {
    files(folder).iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_corpus_for_the_fuzzer() {
    let Some(folder) = std::env::var_os("OSCAR_FUZZ_CORPUS") else { return };
    let connections = connections();
    for (name, _) in TARGETS {
        let folder = Path::new(&folder).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds(name, &connections).iter().enumerate() {
            std::fs::write(folder.join(format!("captured-{number:04}")), seed).unwrap();
        }
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
        bodies::html(soup.as_bytes());
        bodies::message(&[&[0], soup.as_bytes()].concat());
        bodies::split(&[&[9, 40], soup.as_bytes()].concat());
    }
}
