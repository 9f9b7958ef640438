//! A session machine in a test's hands: what it sent, what it told, and the clock.
#![allow(clippy::indexing_slicing, clippy::disallowed_methods, reason = "a test; an instant to count from")]

use super::{REPLIES, place, servers_frames};
use oscar_im::ScreenName;
use oscar_im::foodgroup::{Body, FoodGroup, SnacBody};
use oscar_im::session::{Config, Event, Session};
use oscar_im::wire::{FlapChannel, Frame, Snac};
use std::time::{Duration, Instant};

/// A session, what it sent, and the clock.
pub struct Transcript {
    pub session: Session,
    pub now: Instant,
    pub sent: Vec<(Snac, Body)>,
    pub frames: Vec<Frame>,
    pub events: Vec<Event>,
}

impl Transcript {
    pub fn new(config: Config) -> Self {
        let now = Instant::now();
        let session = Session::new(config, ScreenName::from("bridgebot"), b"cookie", now);
        let mut transcript = Self { session, now, sent: Vec::new(), frames: Vec::new(), events: Vec::new() };
        transcript.drain();
        transcript
    }

    /// Signed on at a server as in the capture `raw-bos-minimal`'s, with its rate classes and an empty list.
    pub fn online() -> Self {
        let mut transcript = Self::new(Config::default());
        transcript.start_up("libpurple-bos-messages");
        transcript.sent.clear();
        transcript.events.clear();
        transcript
    }

    pub fn drain(&mut self) {
        while let Some(frame) = self.session.poll_transmit() {
            if frame.channel == FlapChannel::Data {
                let snac = Snac::decode(&frame.payload).unwrap();
                let body = Body::decode(&snac).unwrap();
                self.sent.push((snac, body));
            }
            self.frames.push(frame);
        }
        self.events.extend(std::iter::from_fn(|| self.session.poll_event()));
    }

    pub fn frame(&mut self, frame: &Frame) {
        self.session.receive(frame, self.now);
        self.drain();
    }

    pub fn gets<B: SnacBody>(&mut self, request_id: u32, body: &B) {
        self.frame(&Frame::body(request_id, body).unwrap());
    }

    /// Lets time pass as a driver does: from timeout to timeout.
    pub fn after(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        while let Some(due) = self.session.poll_timeout(self.now).filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub fn sent(&mut self) -> Vec<(Snac, Body)> {
        std::mem::take(&mut self.sent)
    }

    pub fn request_id(&self, group: FoodGroup, subgroup: u16) -> u32 {
        self.sent
            .iter()
            .rev()
            .find(|(snac, _)| (snac.group, snac.subgroup) == (group, subgroup))
            .map_or_else(|| panic!("no {group}/{subgroup:02x}: {:?}", self.sent), |(snac, _)| snac.request_id)
    }

    /// Plays the server of a capture: each query of ours gets what the server answered to the real client's.
    pub fn start_up(&mut self, capture: &str) {
        let server = servers_frames(capture);
        self.frame(&server[0]);
        self.frame(server.iter().find(|frame| place(frame) == Some((1, 3))).unwrap());
        let mut answered = 0;
        while let Some((snac, _)) = self.sent.get(answered).cloned() {
            answered += 1;
            let query = (u16::from(snac.group), snac.subgroup);
            let Some((_, reply)) = REPLIES.iter().find(|(from, _)| *from == query) else { continue };
            for frame in server.iter().filter(|frame| place(frame) == Some(*reply)).take(1) {
                let mut answer = Snac::decode(&frame.payload).unwrap();
                answer.request_id = snac.request_id;
                self.frame(&Frame::snac(&answer).unwrap());
            }
        }
    }
}

/// Groups and subgroups, as `13/08`.
pub fn kinds(sent: &[(Snac, Body)]) -> Vec<String> {
    sent.iter().map(|(snac, _)| format!("{}/{:02x}", snac.group, snac.subgroup)).collect()
}
