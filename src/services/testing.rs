//! What the tests of services build them from.

use super::{ServiceDeps, ServiceSettings};
use crate::adapters::embedded::EmbeddedStore;
use crate::adapters::net_probe::NetProbe;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{SharedClock, TestClock};
use crate::domain::keyring::KeyRing;
use crate::domain::reach::Policy;
use crate::domain::token::Hasher;
use crate::extract::{Extractor, PoolLimits};
use crate::graph::client::GraphClient;
use crate::graph::testing::{FakeGraph, FakeTokens, OpenGate};
use crate::tools::activity::Activity;
use crate::tools::confirm::{WriteRules, Writes};
use crate::tools::cursor::Cursors;
use crate::tools::keepsakes::Keepsakes;
use crate::tools::offer::Offers;
use crate::tools::transfer::Transfers;
use std::sync::Arc;

/// 21 November 2026, 09:00 in Seoul.
const NOW: i64 = 1_795_219_200_000;

/// Writes on a store of their own.
pub(crate) fn writes(clock: SharedClock) -> Writes {
    let ring = KeyRing::from_text(&"k".repeat(40)).unwrap();
    let store = Arc::new(EmbeddedStore::memory(clock));
    Writes::new(store, Cipher::new(&ring), Hasher::new(&ring), WriteRules::default())
}

/// Links and tickets on a store of their own.
pub(crate) fn transfers(clock: SharedClock) -> Transfers {
    let ring = KeyRing::from_text(&"k".repeat(40)).unwrap();
    let store = Arc::new(EmbeddedStore::memory(clock));
    Transfers::new(store, Cipher::new(&ring), Hasher::new(&ring), "https://entrada.example")
}

/// Everything fake or in memory.
pub(crate) fn deps(graph: Arc<FakeGraph>) -> ServiceDeps {
    let ring = KeyRing::from_text(&"k".repeat(40)).unwrap();
    let clock = Arc::new(TestClock::at(NOW));
    let keepsakes = Keepsakes::new(Arc::new(EmbeddedStore::memory(clock.clone())), Cipher::new(&ring));
    ServiceDeps {
        graph: GraphClient::new(graph, Arc::new(FakeTokens::default()), Arc::new(OpenGate::default())),
        cursors: Cursors::new(Arc::new(EmbeddedStore::memory(clock.clone())), Cipher::new(&ring)),
        activity: Activity::new(keepsakes.clone(), clock.clone()),
        keepsakes,
        transfers: transfers(clock.clone()),
        store: Arc::new(EmbeddedStore::memory(clock.clone())),
        offers: Offers::default(),
        writes: Arc::new(writes(clock.clone())),
        extractor: Arc::new(Extractor::new("/nonexistent".into(), PoolLimits::default())),
        clock,
        settings: ServiceSettings {
            default_time_zone: "Asia/Seoul".to_owned(),
            ..ServiceSettings::default()
        },
        probe: Arc::new(NetProbe::new(Policy::default())),
    }
}
