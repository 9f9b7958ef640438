//! What must hold for any bytes: one function for each decoder and each machine. Each is the body of a fuzz target of its
//! name, and the stable tests run them all (`tests/any_bytes.rs`, which also holds this list to be complete).
#![allow(dead_code, unused_imports, reason = "each fuzz target runs one of them")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken promise is to be loud"
)]
#![allow(clippy::disallowed_methods, reason = "an instant to count from")]

mod food_groups;
mod machines;
mod rates;
mod text;
mod wire;

use oscar_im::wire::Wire;
use std::fmt::Debug;

macro_rules! targets {
    ($($module:ident { $($name:ident)* })*) => {
        $(pub(crate) use $module::{$($name),*};)*

        /// Every target.
        pub(crate) const TARGETS: &[(&str, fn(&[u8]))] = &[$($((stringify!($name), $name as fn(&[u8]))),*),*];
    };
}

targets! {
    wire { flap sign_on_frame snac tlv user_info screen_name address }
    food_groups {
        oservice locate buddy icbm pd stats chat_nav chat bart feedbag icq bucp alert
        im_data rendezvous icq_message icq_meta room_id item
    }
    rates { rate_params rate }
    text { charset html split message }
    machines { sign_on session online service room }
}

/// What is read can be written, reads the same again, and takes no more than what was there: a character of one byte
/// becomes two at most.
fn survives<T: Wire + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    let value = T::from_bytes(data).ok()?;
    let bytes = value.to_bytes().unwrap();
    assert!(bytes.len() <= 2 * data.len() + 8, "{} bytes from {}", bytes.len(), data.len());
    assert_eq!(T::from_bytes(&bytes).unwrap(), value);
    Some(value)
}
