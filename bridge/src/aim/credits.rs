//! How many messages the hub may send: what the session allows, less what was granted and not used yet.

/// The account of credits of one session.
#[derive(Debug, Default)]
pub(crate) struct Credits {
    outstanding: u32,
}

impl Credits {
    /// Granted and not used.
    pub(crate) fn outstanding(&self) -> u32 {
        self.outstanding
    }

    /// The hub has used one.
    pub(crate) fn used(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
    }

    /// How many to grant now that `allowed` messages may go. Waits until half of them are used, so that a fast sender
    /// costs one event for many messages and a slow one never waits.
    pub(crate) fn grant(&mut self, allowed: u32) -> u32 {
        if self.outstanding > allowed / 2 {
            return 0;
        }
        let more = allowed - self.outstanding;
        self.outstanding = allowed;
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_granted_at_once_and_refilled_by_halves() {
        let mut credits = Credits::default();
        assert_eq!(credits.grant(7), 7);
        for _ in 0..3 {
            credits.used();
        }
        assert_eq!(credits.grant(4), 0, "four are out, four may go");
        for _ in 0..4 {
            credits.used();
        }
        assert_eq!(credits.grant(0), 0);
        assert_eq!(credits.grant(1), 1, "one each four seconds");
        assert_eq!(credits.grant(1), 0);
    }

    #[test]
    fn without_limits_grants_are_rare() {
        let mut credits = Credits::default();
        let mut grants = 0;
        for _ in 0..1000 {
            grants += u32::from(credits.grant(64) > 0);
            credits.used();
        }
        assert!(grants <= 1000 / 30, "{grants}");
    }
}
