//! What the double answers otherwise than open-oscar-server did, capture by capture, and why.

/// One answer that is not the real server's.
pub(super) struct Difference {
    pub(super) capture: &'static str,
    /// As the test prints it: which answer, and in which way.
    pub(super) what: &'static str,
    #[expect(dead_code, reason = "for the reader")]
    because: &'static str,
}

pub(super) const DIFFERENCES: &[Difference] = &[
    // The real server looks at each connection's limits in a poll of its own and gives a notice to whichever comes
    // first; the double gives each to all connections of the session, so that nothing depends on which one a client listens to.
    differs(
        "libpurple-bos-messages",
        "01/0a id 80000000 #1 differs",
        "the first notice (alert) went to libpurple-alerts",
    ),
    differs("libpurple-bos-messages", "01/0a id 80000000 #2 is more", "the second (clear) went there too"),
    differs(
        "libpurple-bos-messages",
        "01/0a id 80000000 #3 is more",
        "the third (alert) went to libpurple-chatnav",
    ),
    differs(
        "libpurple-bos-messages",
        "01/0a id 80000000 #4 is more",
        "the fourth (clear) is the one in the capture",
    ),
    differs(
        "libpurple-bos-typing-error-invite-block",
        "01/0a id 80000000 #1 differs",
        "the first notice (alert) went to libpurple-chatnav-create",
    ),
    differs(
        "libpurple-bos-typing-error-invite-block",
        "01/0a id 80000000 #2 is more",
        "the second (clear) is the one in the capture",
    ),
    differs(
        "bitlbee-bos-messages-rate-kick",
        "01/0a id 80000000 #1 differs",
        "the other notices went to bitlbee-chatnav, and the poll fell between other messages",
    ),
    differs(
        "raw-bos-rate-half-second",
        "01/0a id 80000000 #1 is more",
        "the real server polls only while the connection is quiet",
    ),
    // The reason of a sign-off takes two bytes, as libpurple reads it; `quirks.one_byte_reason` is the other way.
    differs("bitlbee-bos-messages-rate-kick", "channel 4 #1 differs", "two bytes"),
    differs("bitlbee-chatnav", "channel 4 #1 differs", "two bytes"),
    differs("libpurple-alerts", "channel 4 #1 differs", "two bytes"),
    differs("libpurple-bos-replaced", "channel 4 #1 differs", "two bytes"),
    differs("libpurple-chatnav", "channel 4 #1 differs", "two bytes"),
    differs("libpurple-chatnav-create", "channel 4 #1 differs", "two bytes"),
    differs("raw-bos-rate-burst", "channel 4 #1 differs", "two bytes"),
    differs("raw-bos-rate-half-second", "channel 4 #1 differs", "two bytes"),
    // The real server answers a roasted sign-on by 17/03 if the address last used group 17; nobody could read that.
    differs("raw-auth-address-limited", "start-up", "answered on channel 4"),
    differs("raw-auth-address-limited", "17/03 id 00000000 #1 missing", "answered on channel 4"),
    differs("raw-auth-address-limited", "channel 4 #1 is more", "answered on channel 4"),
];

const fn differs(capture: &'static str, what: &'static str, because: &'static str) -> Difference {
    Difference { capture, what, because }
}
