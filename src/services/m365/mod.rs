//! `m365`: every enabled service behind one connector, at `/mcp`, with ChatGPT's `search` and `fetch` beside their tools;
//! and presets of it, for clients that need not see a hundred tools.
//!
//! Nothing is done here that a service does not do itself: tools, prompts and resources are theirs, lent. What an
//! operator switches off at its home is off here as well.

mod fetch;
mod lent;
mod plan;
mod prompts;
mod search;
mod sources;
#[cfg(test)]
mod tests;

use crate::domain::clock::SharedClock;
use crate::domain::ids::ServiceName;
use crate::domain::resource::{ROOT, ServiceInfo};
use crate::domain::scope::ScopeSet;
use crate::domain::switches::Switches;
use crate::tools::plan::Planner;
use crate::tools::prompt::{Completer, Prompt};
use crate::tools::resource::ResourceSet;
use crate::tools::tool::{Service, Tool, scopes_left};
use lent::LentResources;
use sources::Sources;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// What of the services a bundle offers.
struct Preset {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Their tools by name; none: all of them, with prompts and resources.
    tools: Option<&'static [&'static str]>,
}

/// Every bundle there is, in listing order.
const PRESETS: &[Preset] = &[
    Preset {
        name: ROOT,
        title: "Microsoft 365",
        description: "Everything that this server offers behind one connection, with one search over all of it.",
        tools: None,
    },
    Preset {
        name: "m365-daily",
        title: "Microsoft 365, every day",
        description: "The tools of a working day: search, mail, calendar and files.",
        // Single things are read with `fetch`.
        tools: Some(&[
            "query_email",
            "create_email_draft",
            "send_email_draft",
            "calendar_list_events",
            "calendar_get_schedule",
            "calendar_create_event",
            "calendar_respond_event",
            "list_files",
            "write_file",
        ]),
    },
    Preset {
        name: "m365-search",
        title: "Microsoft 365 search",
        description: "Search and read, nothing else: for research assistants.",
        tools: Some(&[]),
    },
];

/// Every bundle of `services`, in listing order.
pub(crate) fn all(
    services: &[Arc<dyn Service>],
    switches: &Arc<Switches>,
    clock: &SharedClock,
) -> Vec<Arc<dyn Service>> {
    let bundle = |preset| -> Arc<dyn Service> { Arc::new(Bundle::new(preset, services, switches, clock)) };
    PRESETS.iter().map(bundle).collect()
}

/// Names of the bundles.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// A service made of others.
struct Bundle {
    info: ServiceInfo,
    instructions: String,
    tools: Vec<Arc<dyn Tool>>,
    /// Where a tool comes from.
    homes: HashMap<&'static str, ServiceName>,
    prompts: Vec<Arc<dyn Prompt>>,
    resources: Option<LentResources>,
    planner: plan::BundlePlanner,
    logs: bool,
    runs_tasks: bool,
}

/// Tools that explain a service to clients of that service alone.
fn is_guide(tool: &str) -> bool {
    tool == "help" || tool.ends_with("_help")
}

impl Bundle {
    fn new(
        preset: &Preset,
        services: &[Arc<dyn Service>],
        switches: &Arc<Switches>,
        clock: &SharedClock,
    ) -> Self {
        let sources = Arc::new(Sources::of(services, switches, clock));
        let mut tools: Vec<Arc<dyn Tool>> =
            vec![Arc::new(search::Search::new(&sources)), Arc::new(fetch::Fetch::new(&sources))];
        let mut homes = HashMap::new();
        let (mut required, mut supported) = (ScopeSet::default(), ScopeSet::default());
        let mut instructions = format!("{}\n", search::INSTRUCTIONS);
        for service in services {
            let info = service.info();
            // Of two services with a tool of one name the first one lends it.
            let known: HashSet<&str> = tools.iter().map(|tool| tool.spec().name).collect();
            let is_listed = |name: &str| match preset.tools {
                None => !is_guide(name) && !known.contains(name),
                Some(named) => named.contains(&name) && !known.contains(name),
            };
            let (listed, others): (Vec<_>, Vec<_>) =
                service.tools().iter().cloned().partition(|tool| is_listed(tool.spec().name));
            // What `search` and `fetch` call is used without being listed.
            let (used, unused): (Vec<_>, Vec<_>) =
                others.into_iter().partition(|tool| sources.uses(tool.spec().name));
            if listed.is_empty() && used.is_empty() {
                continue;
            }
            let kept: Vec<_> = listed.iter().chain(&used).cloned().collect();
            required = required.union(&info.required_scopes);
            let left = scopes_left(info, &kept, &unused);
            let only_reads =
                preset.tools.is_some() && listed.iter().all(|tool| tool.spec().annotations.read_only);
            supported = supported.union(&if only_reads { left.reading() } else { left });
            let _ = writeln!(instructions, "{}: {}", info.title, info.description);
            homes.extend(listed.iter().map(|tool| (tool.spec().name, info.name.clone())));
            tools.extend(listed);
        }
        let whole = if preset.tools.is_none() { services } else { &[] };
        let names: Vec<&'static str> = tools.iter().map(|tool| tool.spec().name).collect();
        let own = prompts::offered(if preset.tools.is_none() { &names } else { &[] });
        let lent = whole.iter().flat_map(|service| service.prompts().iter().cloned());
        Self {
            info: ServiceInfo {
                name: ServiceName::new(preset.name),
                title: preset.title.to_owned(),
                description: preset.description.to_owned(),
                required_scopes: required,
                supported_scopes: supported,
            },
            instructions,
            tools,
            homes,
            prompts: own.into_iter().chain(lent).collect(),
            resources: LentResources::of(whole, switches),
            planner: plan::BundlePlanner::of(services, names.iter().copied().collect(), clock),
            logs: services.iter().any(|service| service.logs()),
            runs_tasks: services.iter().any(|service| service.runs_tasks()),
        }
    }
}

impl Service for Bundle {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &str {
        &self.instructions
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn home_of(&self, tool: &str) -> &ServiceName {
        self.homes.get(tool).unwrap_or(&self.info.name)
    }

    fn prompts(&self) -> &[Arc<dyn Prompt>] {
        &self.prompts
    }

    fn resources(&self) -> Option<&dyn ResourceSet> {
        self.resources.as_ref().map(|set| set as &dyn ResourceSet)
    }

    fn completer(&self) -> Option<&dyn Completer> {
        self.resources.as_ref().map(|set| set as &dyn Completer)
    }

    fn planner(&self) -> Option<&dyn Planner> {
        Some(&self.planner)
    }

    fn logs(&self) -> bool {
        self.logs
    }

    fn runs_tasks(&self) -> bool {
        self.runs_tasks
    }
}
