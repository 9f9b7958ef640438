//! 0B: usage reports, which servers ask for and clients of this crate never send.
//!
//! Source: 0B/02 captured; the rest open-oscar-server's source.

use super::snac_body;

snac_body! { Stats, 0x02;
    /// s→c: report no more often than this.
    pub struct MinReportInterval {
        /// Hours.
        pub hours: u16,
    }
}

snac_body! { Stats, 0x03;
    /// c→s: a report.
    pub struct Report {
        /// Its own format, not read.
        pub data: Vec<u8>,
    }
}

snac_body! { Stats, 0x04;
    /// s→c: thanks.
    pub struct ReportAck {}
}
