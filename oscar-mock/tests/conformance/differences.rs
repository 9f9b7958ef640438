//! What a subject is known to do otherwise, by the name of the check, each with its reason.
//!
//! Both ways: a check that fails and isn't here fails the run, and so does one that is here and no longer fails.

/// The list of a subject; empty for one that has none.
pub(crate) fn of(subject: &str) -> &'static [(&'static str, &'static str)] {
    match subject {
        "oscar-mock" => OSCAR_MOCK,
        "open-oscar-server" => OPEN_OSCAR_SERVER,
        _ => &[],
    }
}

const OSCAR_MOCK: &[(&str, &str)] =
    &[("address_limit", "tests sign on more than ten times a minute; --signon-limit 10 turns the limit on")];

/// As it lets in any name (`DISABLE_AUTH=true`), at its commit of the captures.
const OPEN_OSCAR_SERVER: &[(&str, &str)] = &[
    ("unknown_name", "DISABLE_AUTH=true makes an account of any name"),
    ("wrong_password", "DISABLE_AUTH=true takes any password"),
    (
        "not_flap_at_first",
        "the first byte isn't looked at, so it waits for as much as the fifth and sixth say",
    ),
    ("not_flap_on_bos", "the same"),
    (
        "list_not_modified",
        "13/0F only if the list is older than the time that the client names, not for an equal time",
    ),
    ("room_that_is_not", "the session ends without a word; the double answers 01/01 code 14"),
    (
        "reason_in_two_bytes",
        "one byte, so that libpurple doesn't understand it; the double's quirk one_byte_reason",
    ),
];
