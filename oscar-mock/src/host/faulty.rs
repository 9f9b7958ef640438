//! Where faults take hold: what becomes of a frame that has come, and of one that is about to go.

use std::time::{Duration, Instant};

use oscar_im::foodgroup::icbm::HostAck;
use oscar_im::foodgroup::{ErrorCode, SnacBody, SnacError};
use oscar_im::wire::{FlapChannel, Frame, Snac};

use super::{Host, Output, Role};
use crate::bos::{self, Caller};
use crate::clock::Now;
use crate::ending::Ending;
use crate::faults::{Action, Facts};
use crate::journal::Direction;
use crate::rates;
use crate::realm::ConnectionId;

/// Frames that may be held back at once.
const MAX_DELAYED: usize = 10_000;

/// Something that happens later.
#[derive(Debug)]
pub(super) enum Delayed {
    /// A frame of the client's arrives.
    Arrival(Frame),
    /// A frame goes to the client.
    Departure(FlapChannel, Vec<u8>),
    /// The connection closes.
    Close(Ending),
    /// The connection is read again.
    Resume,
}

impl Delayed {
    const fn direction(&self) -> Direction {
        match self {
            Self::Arrival(_) | Self::Resume => Direction::In,
            Self::Departure(..) | Self::Close(_) => Direction::Out,
        }
    }
}

/// What becomes of a frame that has come.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is carried out.
    Proceed,
    /// It is carried out, and then the session moves.
    ProceedAndMove(Caller),
    /// Nothing more.
    Done,
    /// The connection ends.
    Close(Ending),
}

impl Host {
    /// Asks the faults about a frame of a client's, and does what they want in its place.
    pub(super) fn fate_of_arrival(&mut self, id: ConnectionId, frame: &Frame, now: Now) -> Fate {
        if let Some(until) = self.held_until(id, Direction::In, now) {
            self.delay(id, Delayed::Arrival(frame.clone()), until);
            return Fate::Done;
        }
        let snac = decode(frame.channel, &frame.payload);
        let Some(action) = self.meet(id, Direction::In, frame.channel, snac.as_ref()) else {
            return Fate::Proceed;
        };
        let caller = snac.as_ref().and_then(|snac| self.caller(id, snac.request_id));
        match (action, caller, snac) {
            (Action::Drop, ..) => Fate::Done,
            (Action::Delay { milliseconds }, ..) => {
                let until = now.instant + Duration::from_millis(milliseconds.into());
                self.delay(id, Delayed::Arrival(frame.clone()), until);
                Fate::Done
            }
            (Action::Disconnect, ..) => Fate::Close(Ending::Fault),
            (Action::SignOnElsewhere, Some(caller), _) => {
                bos::expel(&mut self.context(now).0, caller.session, Ending::SignedOnElsewhere);
                Fate::Done
            }
            (Action::Refuse { code }, Some(_), Some(snac)) => {
                let error = SnacError::new(ErrorCode::from(code));
                self.outbox.error(id, snac.group, snac.request_id, &error);
                Fate::Done
            }
            (Action::AcknowledgeAndLose, Some(caller), Some(snac)) => {
                bos::lose_message(&mut self.context(now).0, &caller, &snac);
                Fate::Done
            }
            (Action::NeverAcknowledge, _, Some(snac)) => {
                self.muted = Some((id, snac.request_id));
                Fate::Proceed
            }
            (Action::Migrate, Some(caller), _) => Fate::ProceedAndMove(caller),
            (Action::RateLimit, Some(caller), Some(snac)) => {
                let Some(class) = rates::class_of(snac.group.into(), snac.subgroup) else {
                    return Fate::Proceed;
                };
                self.limit_session(caller.session, class, now);
                Fate::Done
            }
            (Action::StopReading { milliseconds }, ..) => {
                let until = milliseconds
                    .map_or_else(|| never(now), |by| now.instant + Duration::from_millis(by.into()));
                self.outputs.push_back(Output::Reading(id, false));
                self.delay(id, Delayed::Resume, until);
                self.delay(id, Delayed::Arrival(frame.clone()), until);
                Fate::Done
            }
            (Action::Hold, ..) => {
                self.delay(id, Delayed::Arrival(frame.clone()), never(now));
                Fate::Done
            }
            _ => Fate::Proceed,
        }
    }

    /// Asks the faults about a frame for a client, and sends what they leave of it.
    pub(super) fn transmit(&mut self, id: ConnectionId, channel: FlapChannel, payload: Vec<u8>, now: Now) {
        let Some(payload) = self.keep(id, channel, payload) else { return };
        if let Some(until) = self.held_until(id, Direction::Out, now) {
            self.delay(id, Delayed::Departure(channel, payload), until);
            return;
        }
        let watched = !self.faults.is_empty() || self.muted.is_some();
        let snac = if watched { decode(channel, &payload) } else { None };
        if let (Some(muted), Some(snac)) = (self.muted, &snac)
            && muted == (id, snac.request_id)
            && (snac.group, snac.subgroup) == (HostAck::GROUP, HostAck::SUBGROUP)
        {
            return;
        }
        match self.meet(id, Direction::Out, channel, snac.as_ref()) {
            Some(Action::Drop) => {}
            Some(Action::Delay { milliseconds }) => {
                let until = now.instant + Duration::from_millis(milliseconds.into());
                self.delay(id, Delayed::Departure(channel, payload), until);
            }
            Some(Action::Hold) => self.delay(id, Delayed::Departure(channel, payload), never(now)),
            Some(Action::Disconnect) => self.outbox.close(id, Ending::Fault),
            Some(Action::Truncate { bytes }) => {
                self.send(id, channel, payload, now, |frame| frame.truncate(bytes));
                self.outbox.close(id, Ending::Fault);
            }
            Some(Action::Corrupt { at, bits }) => self.send(id, channel, payload, now, |frame| {
                if let Some(byte) = frame.get_mut(at) {
                    *byte ^= bits;
                }
            }),
            Some(Action::WrongSequence { by }) => self.send(id, channel, payload, now, |frame| {
                if let [_, _, high, low, ..] = frame.as_mut_slice() {
                    let wrong = u16::from_be_bytes([*high, *low]).wrapping_add(by);
                    [*high, *low] = wrong.to_be_bytes();
                }
            }),
            _ => self.send(id, channel, payload, now, |_| {}),
        }
    }

    /// Closes a connection behind what is held back for it.
    pub(super) fn close_in_order(&mut self, id: ConnectionId, ending: Ending, now: Now) {
        match self.held_until(id, Direction::Out, now) {
            Some(until) => self.delay(id, Delayed::Close(ending), until),
            None => self.close(id, ending, now),
        }
    }

    /// Lets happen what was held back until now.
    pub(super) fn release(&mut self, now: Now) {
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now.instant
        {
            let (id, what) = entry.remove();
            self.happen(id, what, now);
        }
    }

    /// Ends all faults; what they hold back happens now.
    pub(crate) fn clear_faults(&mut self, now: Now) {
        self.faults.clear();
        for (_, (id, what)) in std::mem::take(&mut self.delayed) {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.held = Held::default();
            }
            self.happen(id, what, now);
        }
        self.flush(now);
    }

    fn happen(&mut self, id: ConnectionId, what: Delayed, now: Now) {
        match what {
            Delayed::Arrival(frame) => {
                if let Err(ending) = self.dispatch(id, &frame, now) {
                    self.outbox.close(id, ending);
                }
                self.flush(now);
            }
            Delayed::Departure(channel, payload) => self.send(id, channel, payload, now, |_| {}),
            Delayed::Close(ending) => self.close(id, ending, now),
            Delayed::Resume => self.outputs.push_back(Output::Reading(id, true)),
        }
    }

    fn meet(
        &mut self,
        id: ConnectionId,
        direction: Direction,
        channel: FlapChannel,
        snac: Option<&Snac>,
    ) -> Option<Action> {
        if self.faults.is_empty() {
            return None;
        }
        let screen_name = match self.connections.get(&id)?.role {
            Role::SignedOn { account, .. } => Some(&self.realm.account(account).name),
            _ => None,
        };
        self.faults.meet(&Facts { direction, channel: channel.into(), snac, screen_name })
    }

    fn held_until(&self, id: ConnectionId, direction: Direction, now: Now) -> Option<Instant> {
        let held = &self.connections.get(&id)?.held;
        let until = match direction {
            Direction::In => held.arrivals,
            Direction::Out => held.departures,
        };
        until.filter(|until| *until > now.instant)
    }

    fn delay(&mut self, id: ConnectionId, what: Delayed, until: Instant) {
        if self.delayed.len() >= MAX_DELAYED {
            self.outbox.close(id, Ending::Fault);
            return;
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            let held = match what.direction() {
                Direction::In => &mut connection.held.arrivals,
                Direction::Out => &mut connection.held.departures,
            };
            *held = Some(until);
        }
        self.delays += 1;
        self.delayed.insert((until, self.delays), (id, what));
    }
}

/// Until when a connection's frames wait, each way.
#[derive(Debug, Default)]
pub(super) struct Held {
    arrivals: Option<Instant>,
    departures: Option<Instant>,
}

/// As good as never: what waits for it is let go when the faults are cleared.
fn never(now: Now) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    now.instant.checked_add(CENTURY).unwrap_or(now.instant)
}

fn decode(channel: FlapChannel, payload: &[u8]) -> Option<Snac> {
    if channel == FlapChannel::Data { Snac::decode(payload).ok() } else { None }
}
