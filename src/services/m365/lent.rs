//! Resources and completions of several services as those of one.

use super::prompts;
use crate::domain::switches::Switches;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::prompt::{Completer, Completing, Reference};
use crate::tools::resource::{Contents, Page, ResourceEntry, ResourceSet, TemplateEntry};
use crate::tools::tool::Service;
use async_trait::async_trait;
use std::sync::Arc;

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
        let templates = templates.flat_map(|set| set.templates().iter().copied()).collect();
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

fn gone() -> ToolError {
    ToolError::new(ToolErrorKind::NotFound, "There is no such resource.")
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

    /// One set after the other; those that the bearer may not list are left out. A page begins at `{index}:{their own}`.
    async fn list(
        &self,
        context: &CallContext,
        from: Option<&str>,
    ) -> Result<Page<ResourceEntry>, ToolError> {
        let (index, mut own) = match from.and_then(|from| from.split_once(':')) {
            Some((index, own)) => {
                (index.parse().map_err(|_| gone())?, Some(own).filter(|own| !own.is_empty()))
            }
            None => (0, None),
        };
        let mut sets = self.from(index).filter(|(_, set)| context.caller.has(set.scopes()));
        let Some((at, set)) = sets.next() else { return Ok(Page { items: Vec::new(), next: None }) };
        if at != index {
            own = None;
        }
        let page = set.list(context, own).await?;
        let next = page.next.map(|next| format!("{at}:{next}"));
        Ok(Page {
            items: page.items,
            next: next.or_else(|| sets.next().map(|(index, _)| format!("{index}:"))),
        })
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
