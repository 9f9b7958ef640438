//! Counters of the gateway and their form for Prometheus (text exposition format 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the gateway counts. Each number only grows.
#[derive(Debug, Default)]
pub(super) struct GatewayCounts {
    opened: AtomicU64,
    refused: AtomicU64,
    daemon_away: AtomicU64,
    lines_in: AtomicU64,
    lines_out: AtomicU64,
    closed_by_policy: AtomicU64,
    closed_too_long: AtomicU64,
    closed_elsewhere: AtomicU64,
}

impl GatewayCounts {
    pub(super) fn opened(&self) {
        add(&self.opened);
    }

    pub(super) fn refused(&self) {
        add(&self.refused);
    }

    pub(super) fn daemon_away(&self) {
        add(&self.daemon_away);
    }

    pub(super) fn line_in(&self) {
        add(&self.lines_in);
    }

    pub(super) fn line_out(&self) {
        add(&self.lines_out);
    }

    pub(super) fn closed(&self, code: u16) {
        match code {
            1008 => add(&self.closed_by_policy),
            1009 => add(&self.closed_too_long),
            4001 => add(&self.closed_elsewhere),
            _ => {}
        }
    }

    pub(super) fn write(&self, text: &mut MetricsText) {
        let counters = [
            ("bridgebot_web_connections_total", "Visitors' connections let in", &self.opened),
            ("bridgebot_web_refused_total", "Visitors' connections turned away by a limit", &self.refused),
            (
                "bridgebot_web_daemon_away_total",
                "Visitors for whom the IRC daemon was away",
                &self.daemon_away,
            ),
            ("bridgebot_web_lines_in_total", "Lines from visitors to the IRC daemon", &self.lines_in),
            ("bridgebot_web_lines_out_total", "Lines to visitors", &self.lines_out),
            ("bridgebot_web_closed_policy_total", "Connections closed with 1008", &self.closed_by_policy),
            ("bridgebot_web_closed_too_long_total", "Connections closed with 1009", &self.closed_too_long),
            (
                "bridgebot_web_closed_elsewhere_total",
                "Sessions continued by another connection",
                &self.closed_elsewhere,
            ),
        ];
        for (name, help, value) in counters {
            text.counter(name, help, value.load(Ordering::Relaxed));
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Text that Prometheus reads; each metric with its help and type.
#[derive(Debug, Default)]
pub struct MetricsText(String);

impl MetricsText {
    /// A number that only grows.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric(name, help, "counter", value);
    }

    /// A number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.metric(name, help, "gauge", value);
    }

    fn metric(&mut self, name: &str, help: &str, kind: &str, value: u64) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}
