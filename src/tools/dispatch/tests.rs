//! What a caller is told of a call that was broken off.

use super::*;
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::domain::switches::Switches;
use crate::tools::tool::{Annotations, Args, Service, ToolSpec};
use async_trait::async_trait;
use serde_json::json;

/// A tool that never ends, once it has sent a write or not.
struct Endless(ToolSpec);

#[async_trait]
impl Tool for Endless {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    async fn call(&self, context: &CallContext, _: Args) -> Result<ToolOutput, ToolError> {
        if self.0.name == "writes" {
            context.mark.set();
        }
        std::future::pending().await
    }
}

struct Mail(ServiceInfo, Vec<Arc<dyn Tool>>);

impl Service for Mail {
    fn info(&self) -> &ServiceInfo {
        &self.0
    }
    fn instructions(&self) -> &'static str {
        ""
    }
    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.1
    }
}

fn endless(name: &'static str) -> Arc<dyn Tool> {
    Arc::new(Endless(ToolSpec {
        name,
        title: "A tool",
        description: "Does what its name says.",
        input_schema: json!({"type": "object"}),
        output_schema: json!({"type": "object"}),
        annotations: Annotations::WRITE,
        scopes: &[],
        aliases: &[],
    }))
}

/// Trying again what was sent may do it twice; trying again what only looked is what the caller should do.
#[tokio::test]
async fn an_outcome_is_unknown_only_where_a_write_was_sent() {
    let info = ServiceInfo {
        name: ServiceName::new("mail-query"),
        title: String::new(),
        description: String::new(),
        required_scopes: ScopeSet::default(),
        supported_scopes: ScopeSet::default(),
    };
    let service = Arc::new(Mail(info, ["previews", "writes"].map(endless).to_vec()));
    let registry = ToolRegistry::new(vec![service], Arc::new(Switches::default()));
    // Long enough for the tool to be begun on any machine: its time counts from before that.
    let limits = CallLimits { deadline: Duration::from_millis(500), output_bytes: 1 << 10 };
    let dispatcher = Dispatcher::new(registry, limits);
    let unknown = ToolErrorKind::UpstreamRejected { code: "unknown_outcome".to_owned(), status: 504 };
    for (tool, kind) in [("previews", ToolErrorKind::Timeout), ("writes", unknown)] {
        let caller = Caller {
            user: UserKey::new("t", "alice"),
            client: ClientId::new("c"),
            grant: GrantId::new("g"),
            scopes: ScopeSet::default(),
        };
        let asked = Invocation { caller, outlet: Outlet::default(), cancel: CancellationToken::new() };
        let told = dispatcher.call(&ServiceName::new("mail-query"), tool, json!({}), asked).await;
        assert_eq!(told.unwrap_err().kind, kind, "{tool}");
    }
}
