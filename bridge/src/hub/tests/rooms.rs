//! The staff room.

use super::Bench;
use crate::aim::event::{AimCommand, AimEvent, ImCookie, RoomEvent};
use crate::hub::desk::{Effect, Settings};

fn with(settings: Settings) -> Bench {
    let mut t = Bench::quiet(settings);
    t.both_up().online("staff1").online("staff2").credits(100).nothing_more();
    t
}

/// `staff1` is in, `staff2` is not.
fn room() -> Bench {
    let mut t = with(Settings::default());
    t.room(RoomEvent::Entered(vec!["staff1".into()])).nothing_more();
    t
}

impl Bench {
    fn room(&mut self, event: RoomEvent) -> &mut Self {
        self.aim(AimEvent::Room(event))
    }

    fn said_in_room(&mut self) -> Option<(ImCookie, String)> {
        let at =
            self.out.iter().position(|effect| matches!(effect, Effect::Aim(_, AimCommand::Say { .. })))?;
        let Effect::Aim(_, AimCommand::Say { cookie, text }) = self.out.remove(at) else { unreachable!() };
        Some((cookie, text))
    }

    fn room_reads(&mut self, expected: &str) -> &mut Self {
        let (cookie, text) = self.said_in_room().expect("nothing is said in the room");
        assert_eq!(text, expected);
        self.room(RoomEvent::Reflected { cookie })
    }

    fn says_in_room(&mut self, who: &str, cookie: u8, text: &str) -> &mut Self {
        self.room(RoomEvent::Said { from: who.into(), cookie: ImCookie([cookie; 8]), text: text.into() })
    }

    fn invited(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        self.out.retain(|effect| match effect {
            Effect::Aim(_, AimCommand::Invite { to, .. }) => {
                names.push(to.to_string());
                false
            }
            _ => true,
        });
        names
    }
}

#[test]
fn one_message_reaches_all_who_are_in_and_the_others_get_theirs() {
    let mut t = room();
    t.says_with_id("anna", "l1", "hello").reads("staff2", "anna: hello").no_ims();
    assert_eq!(t.states(), [("l1".into(), "stored".into()), ("l1".into(), "taken".into())]);
    t.room(RoomEvent::Joined(vec!["Staff 2".into()])).says("anna", "two").says("anna", "three").no_ims();
    t.room_reads("anna: hello").room_reads("anna: two\nanna: three");
    assert_eq!(t.said_in_room(), None);
}

#[test]
fn a_line_counts_as_taken_when_the_room_has_it() {
    let mut t = with(Settings { outside_room: false, ..Settings::default() });
    t.room(RoomEvent::Entered(vec!["staff1".into()])).nothing_more();
    t.says_with_id("anna", "l1", "hello").no_ims();
    assert_eq!(t.states(), [("l1".into(), "stored".into())]);
    t.room_reads("anna: hello");
    assert_eq!(t.states(), [("l1".into(), "taken".into())]);
}

#[test]
fn staff_are_invited_when_they_are_there_and_by_command() {
    let mut t = with(Settings::default());
    t.types("staff1", "/invite");
    t.reads("staff1", "* there is no staff room now; invite me into one, or have one set by room in [staff]");
    t.room(RoomEvent::Entered(vec!["staff1".into()]));
    assert_eq!(t.invited(), ["staff2"]);
    t.online("staff2");
    assert!(t.invited().is_empty(), "once for each sign-on");
    t.offline("staff2").types("staff1", "/invite staff2").reads("staff1", "* staff2 is not signed on");
    t.online("staff2");
    assert!(t.invited().is_empty(), "not yet taken by every server");
    assert!(t.desk.next_deadline(t.now).0 <= t.now.0 + 3000);
    t.after(3);
    assert_eq!(t.invited(), ["staff2"]);
    t.types("staff2", "/invite")
        .reads("staff2", "* an invitation into the staff room is on its way to staff2");
    assert_eq!(t.invited(), ["staff2"]);
    t.types("staff2", "/invite staff1").reads("staff2", "* staff1 is in the staff room already");
    t.types("staff2", "/invite stuff1");
    t.reads("staff2", "* stuff1 is not on the staff list; did you mean staff1?");
}

#[test]
fn what_waits_for_the_absent_holds_up_no_invitation() {
    let mut t = with(Settings::default());
    t.offline("staff2").says("anna", "hello").nothing_more();
    t.room(RoomEvent::Entered(vec![]));
    assert_eq!(t.invited(), ["staff1"]);
}

#[test]
fn who_speaks_in_the_room_speaks_as_staff() {
    let mut t = room();
    t.says("anna", "hello").room_reads("anna: hello").nothing_more();
    t.says_in_room("Staff 1", 1, "anna: hi").hears("anna", "hi");
    t.reads("staff2", "* staff1 to anna: hi");
    assert_eq!(t.said_in_room(), None, "everybody there has read it");
    t.says_in_room("staff1", 2, "note: call me");
    t.reads("staff1", "* nobody is called note; not sent: \"note: call me\"");
    t.types("staff2", "anna: me too").hears("anna", "me too");
    t.room_reads("* staff2 to anna: me too");
    t.says_in_room("eve", 3, "anna: I am staff").no_ims();
    assert!(t.said_to("anna").is_none());
}

#[test]
fn what_colleagues_say_to_each_other_in_the_room_reaches_no_visitor() {
    let mut t = room();
    t.says_in_room("staff1", 1, "good morning").no_ims();
    t.says("anna", "hello").room_reads("anna: hello").nothing_more();
    t.says_in_room("staff1", 2, "anna: hi\nwhat can we do for you?");
    t.hears("anna", "hi\nwhat can we do for you?").nothing_more();
    t.says_in_room("staff1", 3, "she is difficult");
    assert!(t.said_to("anna").is_none());
    t.reads(
        "staff1",
        "* in the room only lines with a label go to visitors; this stayed among you: \"she is difficult\" \
         (\"anna:\" sends it)",
    );
    t.says_in_room("staff1", 4, "very difficult").no_ims();
    assert!(t.said_to("anna").is_none());
    t.after(700).says_in_room("staff1", 5, "one moment please").nothing_more();
    t.says_in_room("staff1", 6, "anna:").hears("anna", "one moment please");
    t.types("staff1", "to the bridge alone a label can be left out");
    t.hears("anna", "to the bridge alone a label can be left out");
}

#[test]
fn what_the_room_did_not_take_goes_to_each_and_is_marked_where_it_may_have() {
    let mut t = room();
    t.room(RoomEvent::Joined(vec!["staff2".into()]));
    t.says("anna", "one").says("anna", "two").no_ims();
    assert_eq!(t.said_in_room().unwrap().1, "anna: one");
    t.room(RoomEvent::Lost);
    for staff in ["staff1", "staff2"] {
        t.reads(staff, "anna: one (again)").reads(staff, "anna: two");
    }
    t.says("anna", "three").reads("staff1", "anna: three").reads("staff2", "anna: three");
    assert_eq!(t.said_in_room(), None);
    t.room(RoomEvent::Entered(vec!["staff1".into(), "staff2".into()])).says("anna", "four").no_ims();
    t.room_reads("anna: four");
}

#[test]
fn the_same_after_a_crash() {
    let mut t = room();
    t.room(RoomEvent::Joined(vec!["staff2".into()]));
    t.says("anna", "one").says("anna", "two").no_ims();
    t.crash().both_up().online("staff1").credits(9);
    t.reads("staff1", "anna: one (again)\nanna: two");
}

#[test]
fn an_empty_room_and_one_with_strangers_are_not_used() {
    let mut t = room();
    t.room(RoomEvent::Left(vec!["staff1".into()])).says("anna", "one");
    t.reads("staff1", "anna: one").reads("staff2", "anna: one");
    t.room(RoomEvent::Joined(vec!["staff1".into(), "eve".into()]));
    let warning =
        "* eve is in the staff room and not on the staff list: I say nothing there until they are gone";
    t.reads("staff1", warning).reads("staff2", warning);
    t.says("anna", "two").reads("staff1", "anna: two").reads("staff2", "anna: two");
    assert_eq!(t.said_in_room(), None);
    t.room(RoomEvent::Left(vec!["eve".into()])).says("anna", "three").reads("staff2", "anna: three").no_ims();
    t.room_reads("anna: three");
}

#[test]
fn a_room_with_our_own_accounts_alone_is_empty() {
    let mut t = with(Settings { accounts: 2, ..Settings::default() });
    let second = crate::aim::event::AccountId(1);
    let up = AimEvent::SignedOn { screen_name: "bridgebot2".into() };
    t.input(crate::hub::desk::Input::Aim(second, up));
    t.room(RoomEvent::Entered(vec!["bridgebot2".into()])).says("anna", "one");
    assert_eq!(t.said_in_room(), None);
    t.nothing_more().room(RoomEvent::Joined(vec!["staff1".into()])).says("anna", "two");
    t.room_reads("anna: two");
}

#[test]
fn what_somebody_holds_is_not_for_the_room() {
    let mut t = room();
    t.says("anna", "one").room_reads("anna: one").nothing_more();
    t.says_in_room("staff1", 1, "/claim anna").nothing_more();
    t.says("anna", "two").reads("staff1", "anna: two").no_ims();
    assert_eq!(t.said_in_room(), None);
}

#[test]
fn the_list_tells_of_the_room() {
    let mut t = room();
    t.types("staff2", "/list");
    t.reads("staff2", "* no conversation is open\n* in the staff room: staff1; 0 lines wait for it");
}
