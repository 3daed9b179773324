//! Which services this server offers, and where.

use super::StartError;
use crate::config::Config;
use crate::domain::ids::ServiceName;
use crate::domain::resource::Resources;
use crate::domain::switches::Switches;
use crate::services::{self, ServiceDeps};
use crate::tools::guide::Guided;
use crate::tools::read_only::ReadOnly;
use crate::tools::tool::Service;
use std::net::SocketAddr;
use std::sync::Arc;

/// The services that the settings name, in the order of the catalogue.
pub(super) fn services(
    config: &Config,
    deps: &ServiceDeps,
    switches: &Arc<Switches>,
) -> Result<Vec<Arc<dyn Service>>, StartError> {
    let all = services::all(deps);
    let is_fixture = |service: &Arc<dyn Service>| {
        cfg!(feature = "conformance") && service.info().name.as_str() == "conformance"
    };
    let is_named = |service: &Arc<dyn Service>| {
        config.services.enabled.iter().any(|n| n == service.info().name.as_str())
    };
    let reading = |s: Arc<dyn Service>| -> Arc<dyn Service> {
        if config.tools.read_only { Arc::new(ReadOnly::new(s)) } else { s }
    };
    let known: Vec<String> = services::m365::names()
        .map(str::to_owned)
        .chain(all.iter().map(|s| s.info().name.to_string()))
        .collect();
    if let Some(unknown) = config.services.enabled.iter().find(|name| !known.contains(name)) {
        return Err(StartError::UnknownService { name: unknown.clone(), known: known.join(", ") });
    }
    // Who compiled the suite's fixtures in wants them served; they are nobody's mail, so no bundle has them.
    let (fixtures, real): (Vec<_>, Vec<_>) = all.into_iter().partition(is_fixture);
    let guided = |service: Arc<dyn Service>| -> Arc<dyn Service> { Arc::new(Guided::new(service)) };
    let real: Vec<_> = real.into_iter().filter(is_named).map(reading).map(guided).collect();
    if real.is_empty() {
        return Err(StartError::NothingBehind);
    }
    let bundles = services::m365::all(&real, switches, &deps.clock);
    let mut enabled: Vec<_> = bundles.into_iter().filter(is_named).map(guided).collect();
    enabled.extend(real);
    enabled.extend(fixtures.into_iter().map(reading));
    Ok(enabled)
}

/// Where clients and people reach this server.
pub(super) fn public_url(config: &Config, address: SocketAddr) -> String {
    match config.server.public_url.as_str() {
        "" => format!("http://{address}"),
        url => url.to_owned(),
    }
}

pub(super) fn resources(config: &Config, public_url: String, services: &[Arc<dyn Service>]) -> Resources {
    let default = Some(config.services.default.as_str()).filter(|name| !name.is_empty());
    let infos = services.iter().map(|s| s.info().clone()).collect();
    Resources::new(public_url, infos, default.map(ServiceName::new))
}
