//! What this server offers, for the tool that explains it: known once all services are built.

use super::tool::Service;
use crate::domain::resource::Resources;
use std::sync::{Arc, OnceLock};

/// A tool and what it takes.
#[derive(Clone, Debug)]
pub(crate) struct OfferedTool {
    pub(crate) name: &'static str,
    pub(crate) scopes: &'static [&'static str],
    pub(crate) read_only: bool,
}

/// A service and its tools.
#[derive(Clone, Debug)]
pub(crate) struct OfferedService {
    pub(crate) name: String,
    pub(crate) tools: Vec<OfferedTool>,
}

/// Everything, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) services: Vec<OfferedService>,
    pub(crate) resources: Arc<Resources>,
}

/// Set once, before anything is served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offers(Arc<OnceLock<Offer>>);

impl Offers {
    pub(crate) fn set(&self, services: &[Arc<dyn Service>], resources: Arc<Resources>) {
        let tool = |tool: &Arc<dyn super::tool::Tool>| {
            let spec = tool.spec();
            OfferedTool { name: spec.name, scopes: spec.scopes, read_only: spec.annotations.read_only }
        };
        let service = |service: &Arc<dyn Service>| OfferedService {
            name: service.info().name.to_string(),
            tools: service.tools().iter().map(tool).collect(),
        };
        // A second time would be another server in this process, which has an offer of its own.
        let _ = self.0.set(Offer { services: services.iter().map(service).collect(), resources });
    }

    pub(crate) fn get(&self) -> Option<&Offer> {
        self.0.get()
    }
}
