//! Names that look like another's: a visitor's, a colleague's.

use super::Bench;

#[test]
fn no_label_is_a_colleague_s_name() {
    let mut t = Bench::new();
    t.reloads(|settings| settings.staff.push("Staff Three".into())).credits(100).nothing_more();
    for (nick, label) in [
        ("staff1", "staff1-2"),
        ("STAFF2", "STAFF2-2"),
        ("StaffThree", "StaffThree-2"),
        ("st\u{430}ff1", "st\u{430}ff1-3"),
        ("staff4", "staff4"),
    ] {
        t.says(nick, "hello").reads("staff1", &format!("{label}: hello")).nothing_more();
    }
    t.reloads(|settings| settings.staff.push("staff4".into())).credits(100).nothing_more();
    t.says("staff4", "again").reads("staff1", "staff4: again").nothing_more();
    t.types("staff1", "staff1: hi")
        .reads("staff1", "* nobody is called staff1, did you mean staff4? not sent: \"staff1: hi\"");
    t.types("staff1", "/transfer staff4 staff2").reads("staff1", "* staff2 has staff4 now");
}

#[test]
fn what_cannot_be_seen_is_in_no_label_and_in_nothing_that_is_shown_of_a_nick() {
    let mut t = Bench::new();
    t.says("an\u{200b}na\u{202e}", "hello").reads("staff1", "anna: hello").nothing_more();
    t.types("staff1", "anna: hi");
    assert_eq!(t.said_to("an\u{200b}na\u{202e}").map(|(text, _)| text), Some("hi".into()));
    t.types("staff1", "/info anna").reads(
        "staff1",
        "* anna is known by the IRC connection, there as anna, since 2026-11-22 00:00 UTC, 2 lines",
    );
    t.says("anna", "I am another").reads("staff1", "anna-2: I am another").nothing_more();
    t.says("jo\u{308}rg", "hallo").reads("staff1", "j\u{f6}rg: hallo").nothing_more();
    t.types("staff1", "J\u{d6}RG: moin").hears("jo\u{308}rg", "moin");
    t.types("staff1", "jo\u{308}rg: und?").hears("jo\u{308}rg", "und?");
}
