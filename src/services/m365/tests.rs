//! Bundles of real services.

use super::sources::KINDS;
use super::*;
use crate::domain::clock::SystemClock;
use crate::graph::testing::FakeGraph;
use crate::services::testing::deps;
use crate::tools::schema::lint::lint_service;
use std::collections::HashSet;

type Services = Vec<Arc<dyn Service>>;

/// The services, and the bundles of them. The pack of one trade, `iacs`, comes on top of what the bounds are for.
fn bundles() -> (Services, Services) {
    let services: Services =
        crate::services::all(&deps(FakeGraph::new(|_, _| unreachable!("nothing is called"))))
            .into_iter()
            .filter(|service| !["conformance", "iacs"].contains(&service.info().name.as_str()))
            .collect();
    let clock: SharedClock = Arc::new(SystemClock);
    let bundles = all(&services, &Arc::default(), &clock);
    (services, bundles)
}

#[test]
fn every_source_and_every_preset_names_tools_that_exist() {
    let (services, _) = bundles();
    let tools: HashSet<&str> =
        services.iter().flat_map(|service| service.tools().iter().map(|tool| tool.spec().name)).collect();
    for kind in KINDS {
        assert!(tools.contains(kind.find) && tools.contains(kind.read), "{}", kind.name);
    }
    for name in PRESETS.iter().filter_map(|preset| preset.tools).flatten() {
        assert!(tools.contains(name), "{name}");
    }
}

#[test]
fn bundles_are_as_small_and_plain_as_other_services() {
    let (_, bundles) = bundles();
    for bundle in bundles {
        assert_eq!(lint_service(bundle.as_ref()), Vec::<String>::new(), "{}", bundle.info().name);
        let mut seen = HashSet::new();
        for prompt in bundle.prompts() {
            assert!(seen.insert(prompt.spec().name), "{}", prompt.spec().name);
        }
    }
}
