//! Resources and completions of several services as those of one.

use super::prompts;
use crate::domain::switches::Switches;
use crate::services::resource_uri::gone;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::guide;
use crate::tools::prompt::{Completer, Completing, Reference};
use crate::tools::resource::{Contents, Page, ResourceEntry, ResourceSet, TemplateEntry};
use crate::tools::tool::Service;
use async_trait::async_trait;
use std::sync::Arc;

/// Resources of one page, unless one service alone has more.
const PAGE: usize = 50;

/// Those of the services that have any.
pub(super) struct LentResources {
    services: Vec<Arc<dyn Service>>,
    templates: Vec<TemplateEntry>,
    switches: Arc<Switches>,
}

impl LentResources {
    /// None where no service has resources.
    pub(super) fn of(services: &[Arc<dyn Service>], switches: &Arc<Switches>) -> Option<Self> {
        let services: Vec<_> = services.iter().filter(|s| s.resources().is_some()).cloned().collect();
        let templates = services.iter().filter_map(|service| service.resources());
        let own = templates.flat_map(|set| set.templates().iter().copied());
        let templates = own.chain([guide::TEMPLATE]).collect();
        (!services.is_empty()).then(|| Self { services, templates, switches: Arc::clone(switches) })
    }

    fn is_on(&self, service: &Arc<dyn Service>) -> bool {
        !self.switches.now().off.has_service(service.info().name.as_str())
    }

    /// The sets from the service with this index on.
    fn from(&self, index: usize) -> impl Iterator<Item = (usize, &dyn ResourceSet)> {
        let all = self.services.iter().enumerate().skip(index).filter(|(_, service)| self.is_on(service));
        all.filter_map(|(index, service)| Some((index, service.resources()?)))
    }
}

/// Asking again would end the same way.
fn is_lasting(kind: &ToolErrorKind) -> bool {
    matches!(kind, ToolErrorKind::UpstreamRejected { .. } | ToolErrorKind::NotFound)
}

#[async_trait]
impl ResourceSet for LentResources {
    /// Every set asks for its own.
    fn scopes(&self) -> &'static [&'static str] {
        &[]
    }

    fn templates(&self) -> &[TemplateEntry] {
        &self.templates
    }

    /// One set after the other, until a page is full or a set has more; those that the bearer may not list, and those of
    /// services that the person does not have, are left out. A page begins at `{index}:{their own}`.
    async fn list(
        &self,
        context: &CallContext,
        from: Option<&str>,
    ) -> Result<Page<ResourceEntry>, ToolError> {
        let (index, own) = match from.and_then(|from| from.split_once(':')) {
            Some((index, own)) => {
                (index.parse().map_err(|_| gone())?, Some(own).filter(|own| !own.is_empty()))
            }
            None => (0, None),
        };
        let mut items = Vec::new();
        for (at, set) in self.from(index).filter(|(_, set)| context.caller.has(set.scopes())) {
            if items.len() >= PAGE {
                return Ok(Page { items, next: Some(format!("{at}:")) });
            }
            match set.list(context, own.filter(|_| at == index)).await {
                Ok(page) => {
                    items.extend(page.items);
                    if let Some(next) = page.next {
                        return Ok(Page { items, next: Some(format!("{at}:{next}")) });
                    }
                }
                Err(error) if is_lasting(&error.kind) => {}
                // A failure tells of itself on a page of its own.
                Err(_) if !items.is_empty() => return Ok(Page { items, next: Some(format!("{at}:")) }),
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items, next: None })
    }

    async fn read(&self, context: &CallContext, uri: &str) -> Result<Vec<Contents>, ToolError> {
        for (_, set) in self.from(0) {
            let may = context.caller.require("resources/read", set.scopes());
            let read = match may {
                Ok(()) => set.read(context, uri).await,
                // Only the one whose URI it is may say what is missing.
                Err(error) if set.templates().iter().any(|template| template.covers(uri)) => Err(error),
                Err(_) => continue,
            };
            match read {
                Err(error) if error.kind == ToolErrorKind::NotFound => {}
                other => return other,
            }
        }
        Err(gone())
    }
}

#[async_trait]
impl Completer for LentResources {
    /// Of the first that knows the reference. What the bundle's own prompts take is in nobody's list.
    async fn complete(&self, context: &CallContext, asked: &Completing) -> Result<Vec<String>, ToolError> {
        if matches!(&asked.reference, Reference::Prompt(name) if prompts::is_known(name)) {
            return Ok(Vec::new());
        }
        if matches!(&asked.reference, Reference::Resource(uri) if uri == guide::TEMPLATE.uri_template) {
            let on = self.services.iter().filter(|service| self.is_on(service));
            let names = on.map(|service| service.info().name.to_string());
            return Ok(names.filter(|name| name.starts_with(&asked.value)).collect());
        }
        for service in self.services.iter().filter(|service| self.is_on(service)) {
            let Some(completer) = service.completer() else { continue };
            match completer.complete(context, asked).await {
                Err(error) if error.kind == ToolErrorKind::NotFound => {}
                other => return other,
            }
        }
        Err(ToolError::new(ToolErrorKind::NotFound, "There is nothing to complete there."))
    }
}
