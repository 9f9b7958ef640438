//! 18: mail and other alerts. libpurple asks on a connection of its own and is not answered.
//!
//! Source: captured (`libpurple-alerts`).

use super::snac_body;

snac_body! { Alert, 0x06;
    /// c→s: subscribe. Two shapes are seen under the one number, so the bytes stay bytes.
    pub struct Subscribe {
        /// Them.
        pub data: Vec<u8>,
    }
}
