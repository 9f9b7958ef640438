//! Random and mutated bytes over the network: whoever sends them harms nobody else, and the double doesn't grow.
//!
//! What real clients sent (the captures) is mutated by a generator with a fixed seed, headers included, and sent on
//! connections in every state. Beside them two people go on talking.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown};
use std::path::Path;

use testkit::capture::{self, Direction};
use testkit::child::Daemon;
use testkit::numbers::Numbers;

use super::client::{ACK, Client, USUAL, authorize};
use super::subject::Subject;
use super::wire::{Frame, Outcome, tlv};

/// Frames sent in the test; `OSCAR_MOCK_HOSTILE_FRAMES` asks for another number.
const FRAMES: usize = 20_000;
/// Of which so many go to one connection, unless it ends before.
const A_CONNECTION: usize = 100;
/// What the second half may add to the double's memory, in KiB: its journal, whose entries differ in length.
const GROWTH: usize = 4096;

#[test]
fn hostile_bytes_harm_nobody() {
    let count = std::env::var("OSCAR_MOCK_HOSTILE_FRAMES").ok().and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(FRAMES);
    let arguments = ["--open", "--rates", "none", "--listen", "127.0.0.1:0"];
    let mut command = std::process::Command::new(Path::new(env!("CARGO_BIN_EXE_oscar-mock")));
    command.args(arguments).env("RUST_LOG", "error");
    let daemon = Daemon::spawn(command);
    let subject = Subject::new(daemon.address("oscar"), "oscar-mock", "h", None);
    let mut anna = Client::sign_on(&subject, "anna", USUAL).unwrap();
    let mut bert = Client::sign_on(&subject, "bert", USUAL).unwrap();

    let corpus: Vec<Vec<u8>> = capture::names()
        .iter()
        .flat_map(|name| capture::load(name))
        .filter(|frame| frame.direction == Direction::ClientToServer)
        .map(|frame| frame.bytes)
        .collect();
    let mut numbers = Numbers::new(0x05ca_2026_1123_0002);
    let mut halfway = None;
    let mut sent = 0;
    for round in 0.. {
        if sent >= count {
            break;
        }
        sent += attack(&subject, round, &mut numbers, &corpus);
        let (_, cookie) = anna.says(&bert.name, "still here", ACK);
        assert_eq!(bert.hears().unwrap().cookie, cookie);
        anna.bos.until(0x04, 0x0c).unwrap();
        anna.bos.heard.clear();
        bert.bos.heard.clear();
        if sent >= count / 2 && halfway.is_none() {
            halfway = memory(daemon.id());
        }
    }
    if let (Some(before), Some(after)) = (halfway, memory(daemon.id())) {
        println!("{sent} frames; {before} KiB after half of them, {after} KiB at the end");
        assert!(after < before + GROWTH, "{before} KiB after half of the frames, {after} KiB at the end");
    }
    assert!(daemon.stop().success(), "it stops as if nothing had been");
}

/// One connection, in a state that depends on the round; how many frames were sent.
fn attack(subject: &Subject, round: usize, numbers: &mut Numbers, corpus: &[Vec<u8>]) -> usize {
    let mut stream = connect(subject, round).unwrap();
    for at in 0..A_CONNECTION {
        let mut frame = corpus[numbers.below(corpus.len())].clone();
        numbers.mutate(&mut frame, corpus);
        // The length is right more often than not, else only the first frame would be looked at.
        if numbers.below(20) > 0 && frame.len() >= 6 {
            let length = u16::try_from(frame.len() - 6).unwrap_or(u16::MAX);
            frame[4..6].copy_from_slice(&length.to_be_bytes());
            frame[0] = 0x2a;
        }
        if stream.write_all(&frame).is_err() {
            return at + 1;
        }
    }
    // The double may have closed long since; if not, it does now.
    let _ = stream.shutdown(Shutdown::Write);
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest), Ok(1..)) {}
    A_CONNECTION
}

/// Fresh, past the sign-on frame, or signed on with the list of the others.
fn connect(subject: &Subject, round: usize) -> Outcome<std::net::TcpStream> {
    let nowhere: Option<IpAddr> = None;
    let mut stream = Subject::connect(nowhere, subject.address)?;
    let state = round % 3;
    let mut hello = vec![0, 0, 0, 1];
    if state == 2 {
        let (tlvs, _) = authorize(subject, nowhere, &format!("mallory{}", round % 7), USUAL)?;
        hello.extend(tlv(6, tlvs.require(6)?));
    }
    if state > 0 {
        stream.write_all(&Frame::bytes(1, 1, &hello)).map_err(|error| error.to_string())?;
    }
    Ok(stream)
}

/// Resident KiB of a process, where the system tells.
fn memory(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
