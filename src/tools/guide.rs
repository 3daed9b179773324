//! A service with its guide as a resource: `help://{service}` says in Markdown what the instructions, the help tools and
//! the list of tools say, for clients and people that read resources.

use super::context::CallContext;
use super::error::{ToolError, ToolErrorKind};
use super::plan::Planner;
use super::prompt::{Completer, Prompt};
use super::resource::{Contents, Page, ResourceEntry, ResourceSet, TemplateEntry};
use super::tool::{Service, Tool};
use super::transfer::Carrier;
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use async_trait::async_trait;
use std::fmt::Write as _;
use std::sync::Arc;

/// Start of the URI of every guide.
pub(crate) const SCHEME: &str = "help://";
const MARKDOWN: &str = "text/markdown";

/// The guides of a service that lends those of others.
pub(crate) const TEMPLATE: TemplateEntry = TemplateEntry {
    uri_template: "help://{service}",
    name: "help",
    title: "Guide",
    description: "How to work with one of the services, such as mail-query or calendar.",
    mime_type: MARKDOWN,
};

/// A service with its guide.
pub(crate) struct Guided {
    inner: Arc<dyn Service>,
    resources: GuidedResources,
}

/// The service's own resources, and its guide behind them.
struct GuidedResources {
    inner: Arc<dyn Service>,
    uri: String,
    text: String,
}

impl Guided {
    pub(crate) fn new(inner: Arc<dyn Service>) -> Self {
        let uri = format!("{SCHEME}{}", inner.info().name);
        let resources = GuidedResources { uri, text: text(inner.as_ref()), inner: Arc::clone(&inner) };
        Self { inner, resources }
    }
}

/// The whole guide.
fn text(service: &dyn Service) -> String {
    let info = service.info();
    let mut text = format!("# {}\n\n{}\n\n{}\n", info.title, info.description, service.instructions().trim());
    if !service.guide().is_empty() {
        let _ = write!(text, "\n{}\n", service.guide().trim());
    }
    if service.planner().is_some() {
        let _ = writeln!(
            text,
            "\nIts OpenAI model, `{}`, takes plain questions in English and Korean.",
            info.name
        );
    }
    text.push_str("\n## Tools\n\n");
    for tool in service.tools() {
        let _ = writeln!(text, "- **{}**: {}", tool.spec().name, tool.spec().description);
    }
    text
}

fn gone() -> ToolError {
    ToolError::new(ToolErrorKind::NotFound, "There is no such resource.")
}

#[async_trait]
impl ResourceSet for GuidedResources {
    /// The guide needs none; the service's own set asks for its own.
    fn scopes(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_subscribable(&self) -> bool {
        self.inner.resources().is_some_and(ResourceSet::is_subscribable)
    }

    fn templates(&self) -> &[TemplateEntry] {
        self.inner.resources().map(ResourceSet::templates).unwrap_or_default()
    }

    /// The guide ends the last page; it is all there is for a bearer that may not list the rest.
    async fn list(
        &self,
        context: &CallContext,
        from: Option<&str>,
    ) -> Result<Page<ResourceEntry>, ToolError> {
        let mut page = match self.inner.resources().filter(|set| context.caller.has(set.scopes())) {
            Some(set) => set.list(context, from).await?,
            None => Page { items: Vec::new(), next: None },
        };
        if page.next.is_none() {
            let info = self.inner.info();
            page.items.push(ResourceEntry {
                uri: self.uri.clone(),
                name: format!("help/{}", info.name),
                title: format!("Guide: {}", info.title),
                description: format!("How to work with this service: {}", info.description),
                mime_type: MARKDOWN.to_owned(),
            });
        }
        Ok(page)
    }

    async fn read(&self, context: &CallContext, uri: &str) -> Result<Vec<Contents>, ToolError> {
        if uri == self.uri {
            return Ok(vec![Contents::text(uri, MARKDOWN, self.text.clone())]);
        }
        let set = self.inner.resources().ok_or_else(gone)?;
        match context.caller.require("resources/read", set.scopes()) {
            Ok(()) => set.read(context, uri).await,
            // Only the set whose URI it is may say what is missing.
            Err(error) if set.templates().iter().any(|template| template.covers(uri)) => Err(error),
            Err(_) => Err(gone()),
        }
    }
}

impl Service for Guided {
    fn info(&self) -> &ServiceInfo {
        self.inner.info()
    }

    fn instructions(&self) -> &str {
        self.inner.instructions()
    }

    fn guide(&self) -> &'static str {
        self.inner.guide()
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        self.inner.tools()
    }

    fn home_of(&self, tool: &str) -> &ServiceName {
        self.inner.home_of(tool)
    }

    fn prompts(&self) -> &[Arc<dyn Prompt>] {
        self.inner.prompts()
    }

    fn resources(&self) -> Option<&dyn ResourceSet> {
        Some(&self.resources)
    }

    fn completer(&self) -> Option<&dyn Completer> {
        self.inner.completer()
    }

    fn planner(&self) -> Option<&dyn Planner> {
        self.inner.planner()
    }

    fn carrier(&self) -> Option<&dyn Carrier> {
        self.inner.carrier()
    }

    fn logs(&self) -> bool {
        self.inner.logs()
    }

    fn runs_tasks(&self) -> bool {
        self.inner.runs_tasks()
    }
}
