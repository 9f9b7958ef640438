//! 09: permit and deny lists, for clients that keep them themselves. Others keep them in the feedbag.
//!
//! Source: 09/02 to 09/04 captured; the rest open-oscar-server's source.

use super::snac_body;
use crate::ScreenName;
use crate::wire::Tlvs;

snac_body! { Pd, 0x02;
    /// c→s: which limits are there?
    pub struct RightsQuery {}
}

snac_body! { Pd, 0x03;
    /// s→c: these. libpurple and BitlBee don't finish their sign-on without it.
    pub struct Rights {
        /// TLV 1: most permitted, 2: most denied, 3: most temporarily permitted; `u16` each.
        pub tlvs: Tlvs,
    }
}

snac_body! { Pd, 0x04;
    /// c→s: who may see us at all, by class of user.
    pub struct SetGroupPermitMask {
        /// 1F from BitlBee; FFFFFFFF is everyone.
        pub mask: u32,
    }
}

snac_body! { Pd, 0x05;
    /// c→s: permit these.
    pub struct AddPermit {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}

snac_body! { Pd, 0x06;
    /// c→s: permit these no more.
    pub struct RemovePermit {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}

snac_body! { Pd, 0x07;
    /// c→s: block these.
    pub struct AddDeny {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}

snac_body! { Pd, 0x08;
    /// c→s: block these no more.
    pub struct RemoveDeny {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}

snac_body! { Pd, 0x0a;
    /// c→s: permit these for this session.
    pub struct AddTempPermit {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}

snac_body! { Pd, 0x0b;
    /// c→s: end that.
    pub struct RemoveTempPermit {
        /// Whom.
        pub names: Vec<ScreenName>,
    }
}
