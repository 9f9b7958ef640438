//! Channels coming and going, and clients in them. Nothing here says anything to anybody; that is the commands' part.

use bytes::Bytes;

use super::channel::{Channel, Modes, Permanent, Rank, Topic};
use super::{ChannelSlot, Slot, World};
use crate::config::PermanentChannel;
use crate::wire::name::Folded;

impl World {
    /// A new channel without members.
    pub(crate) fn create_channel(&mut self, name: &[u8]) -> ChannelSlot {
        let channel = Channel::new(Bytes::copy_from_slice(name), self.now.unix_ms / 1000);
        let slot = ChannelSlot(self.channels.insert(channel));
        self.channel_names.insert(Folded::new(name), slot);
        slot
    }

    /// A channel of the configuration: made if need be, its modes set anew.
    pub(crate) fn make_permanent(&mut self, wanted: &PermanentChannel) {
        let slot = self.find_channel(wanted.name.as_bytes());
        let slot = slot.unwrap_or_else(|| self.create_channel(wanted.name.as_bytes()));
        let (name, unix) = (self.name.clone(), self.now.unix_ms / 1000);
        let channel = self.channel_mut(slot);
        channel.permanent = Some(Permanent { operators: wanted.operators.clone() });
        if let (None, Some(text)) = (&channel.topic, &wanted.topic) {
            let text = Bytes::from(text.clone());
            channel.topic = Some(Topic { text, setter: name, hidden_setter: false, unix });
        }
        self.set_modes(slot, Modes::parse(&wanted.modes));
    }

    /// After a change of `+u`: every member's count of auditoriums.
    pub(crate) fn recount_members(&mut self, channel: ChannelSlot) {
        let members: Vec<Slot> = self.channel(channel).members().iter().map(|member| member.client).collect();
        for member in members {
            self.recount_auditoriums(member);
        }
    }

    /// Makes `client` a member.
    pub(crate) fn enter(&mut self, client: Slot, channel: ChannelSlot, rank: Rank) {
        self.channel_mut(channel).add(client, rank);
        self.client_mut(client).channels.push(channel);
        self.recount_auditoriums(client);
    }

    /// Ends a membership; the channel goes with its last member unless it is permanent.
    pub(crate) fn leave(&mut self, client: Slot, channel: ChannelSlot) {
        self.channel_mut(channel).remove(client);
        self.client_mut(client).channels.retain(|slot| *slot != channel);
        self.recount_auditoriums(client);
        let state = self.channel(channel);
        if state.members().is_empty() && state.permanent.is_none() {
            self.forget_channel(channel);
        }
    }

    /// Removes a channel that has no members.
    pub(crate) fn forget_channel(&mut self, slot: ChannelSlot) {
        let channel = self.channels.remove(slot.0);
        self.channel_names.remove(&Folded::new(&channel.name));
        for invited in channel.invited {
            self.client_mut(invited).lists_mut().invites.retain(|at| *at != slot);
        }
    }

    /// `client` may join this `+i` channel once.
    pub(crate) fn remember_invite(&mut self, client: Slot, channel: ChannelSlot) {
        let invites = &mut self.client_mut(client).lists_mut().invites;
        if !invites.contains(&channel) {
            invites.push(channel);
            self.channel_mut(channel).invited.push(client);
        }
    }

    /// Uses an invitation up; says whether there was one.
    pub(crate) fn use_invite(&mut self, client: Slot, channel: ChannelSlot) -> bool {
        let Some(lists) = &mut self.client_mut(client).lists else { return false };
        let before = lists.invites.len();
        lists.invites.retain(|at| *at != channel);
        let used = lists.invites.len() != before;
        self.channel_mut(channel).invited.retain(|slot| *slot != client);
        used
    }
}
