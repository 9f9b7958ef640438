//! 03: who comes and goes.
//!
//! Source: captured, but for 03/04 and 03/05 (open-oscar-server's source).

use super::{UserInfo, snac_body};
use crate::ScreenName;
use crate::wire::Tlvs;

snac_body! { Buddy, 0x02;
    /// c→s: which limits are there?
    pub struct RightsQuery {
        /// TLV 5: flags.
        pub tlvs: Tlvs,
    }
}

snac_body! { Buddy, 0x03;
    /// s→c: these.
    pub struct Rights {
        /// TLV 1: most buddies, 2: most watchers, 4: most temporary buddies; `u16` each.
        pub tlvs: Tlvs,
    }
}

snac_body! { Buddy, 0x04;
    /// c→s: watch these (kept for the session only).
    pub struct AddBuddies {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}

snac_body! { Buddy, 0x05;
    /// c→s: watch these no more.
    pub struct RemoveBuddies {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}

snac_body! { Buddy, 0x0b;
    /// s→c: signed on, or changed. An upsert: servers send it several times for one sign-on.
    pub struct Arrived {
        /// Usually one.
        pub infos: Vec<UserInfo>,
    }
}

snac_body! { Buddy, 0x0c;
    /// s→c: signed off.
    pub struct Departed {
        /// Usually one.
        pub infos: Vec<UserInfo>,
    }
}
