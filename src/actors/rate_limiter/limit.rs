//! What Graph limits, in figures (Graph's page "service-specific throttling limits").

use super::GateSettings;
use crate::domain::quota::Quota;
use crate::ports::gate::Workload;
use std::time::Duration;

/// Graph's budget of files is by the minute.
const FILES_PERIOD: Duration = Duration::from_mins(1);

/// The limits of one key, and how they are borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) quota: Quota,
    /// Requests in flight.
    pub(super) places: usize,
    /// Graph counts the requests in flight, so replicas share the places; else they only keep one key from taking every
    /// connection of this process.
    pub(super) counted: bool,
    /// Units that are borrowed at once.
    pub(super) chunk: u32,
    /// How long borrowed units may be used.
    pub(super) keep: Duration,
}

impl Limit {
    pub(super) fn of(workload: Workload, settings: GateSettings) -> Self {
        let (requests, period) = match workload {
            Workload::Outlook => (settings.requests, settings.period),
            // Graph counts whole seconds: what may come at once and what comes on in a second are its limit together.
            Workload::Teams => (5, Duration::from_millis(334)),
            Workload::Thread => (2, Duration::from_millis(667)),
            Workload::Files => (settings.file_units, FILES_PERIOD),
            // What may come at once and what comes on in a minute (105) or an hour (400) are Graph's two limits together.
            Workload::Notes => (100, Duration::from_mins(20)),
        };
        let (places, counted) = match workload {
            Workload::Outlook => (settings.concurrent.max(1), true),
            Workload::Notes => (5, true),
            Workload::Teams => (32, false),
            Workload::Thread => (4, false),
            Workload::Files => (64, false),
        };
        let chunk = match workload {
            Workload::Outlook | Workload::Files => requests / 100,
            Workload::Notes => requests / 20,
            // A limit by the second leaves nothing to keep in hand.
            Workload::Teams | Workload::Thread => 1,
        };
        let keep = (period / 20).clamp(Duration::from_millis(500), Duration::from_secs(10));
        Self { quota: Quota::new(requests, period), places, counted, chunk: chunk.max(1), keep }
    }
}
